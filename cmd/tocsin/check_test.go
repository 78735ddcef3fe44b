package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// apiIncident is an incident as the API returns it, with its events and
// deliveries.
type apiIncident struct {
	ID, Title, Status string
	AcknowledgedAt    time.Time `json:"acknowledged_at"`
	events            []struct {
		Seq        int
		At         time.Time
		Kind, Text string
	}
	deliveries []struct {
		Page, State string
		AskedAt     time.Time `json:"asked_at"`
	}
}

// webhookID returns the webhook-id of a page.
func webhookID(incident, page string) string {
	sum := sha256.Sum256([]byte(incident + "/" + page))
	return "msg_" + hex.EncodeToString(sum[:16])
}

// listIncidents returns all incidents by title. One whose place in the list changes may come
// on two pages or on none, so the list is read until it shows no more.
func (c *cluster) listIncidents() map[string][]*apiIncident {
	c.t.Helper()
	all := map[string][]*apiIncident{}
	seen := map[string]bool{}
	for known := -1; known < len(seen); {
		known = len(seen)
		for after := ""; ; {
			var page struct {
				Incidents []*apiIncident
				Next      string
			}
			c.readJSON("/api/v1/incidents?limit=500&after="+after, &page)
			for _, i := range page.Incidents {
				if !seen[i.ID] {
					seen[i.ID] = true
					all[i.Title] = append(all[i.Title], i)
				}
			}
			if after = page.Next; after == "" {
				break
			}
		}
	}
	return all
}

// readJSON decodes the response of the first process that answers.
func (c *cluster) readJSON(path string, into any) {
	var status int
	var answer []byte
	for n := range 5 * len(c.replicas) {
		if status, answer = c.replicaAt(n).sendRequest("GET", path, "api", "", ""); status == 200 && json.Unmarshal(answer, into) == nil {
			return
		}
		waitFor(c.t, 100*time.Millisecond)
	}
	c.t.Errorf("%s: %d %s", path, status, answer)
}

// loadHistory reads the events and the deliveries of an incident.
func (c *cluster) loadHistory(i *apiIncident) {
	var happened struct{ Events *json.RawMessage }
	var paged struct{ Deliveries *json.RawMessage }
	c.readJSON("/api/v1/incidents/"+i.ID+"/timeline", &happened)
	c.readJSON("/api/v1/incidents/"+i.ID+"/deliveries", &paged)
	i.events, i.deliveries = nil, nil
	for _, part := range []struct {
		raw  *json.RawMessage
		into any
	}{{happened.Events, &i.events}, {paged.Deliveries, &i.deliveries}} {
		if part.raw == nil || json.Unmarshal(*part.raw, part.into) != nil {
			c.t.Errorf("what happened to %s cannot be read", i.ID)
		}
	}
}

// isSettled reports whether all steps of an incident's policy have fired and
// all its pages have arrived. An acknowledged incident needs no more steps.
func (c *cluster) isSettled(i *apiIncident, steps int) bool {
	c.loadHistory(i)
	fired := 0
	for _, e := range i.events {
		switch e.Kind {
		case "step_fired":
			fired++
		case "acknowledged":
			fired = steps
		}
	}
	for _, d := range i.deliveries {
		if d.State != "delivered" && d.State != "canceled" {
			return false
		}
	}
	return fired >= steps
}

// leaseTime is how long before its arrival a page may have been claimed.
const leaseTime = 10 * time.Second

// measurements are the numbers that a test prints.
type measurements struct {
	incidents, acked, pages, repeated int
	page, step                        []time.Duration // how late each page and second step was
}

// checkAll waits until everything that is owed has arrived, and then checks
// that everything that was confirmed exists once and complete.
func (c *cluster) checkAll(steps int, wait time.Duration) measurements {
	t := c.t
	t.Helper()
	all := c.listIncidents()
	for title := range c.log.accepted {
		if len(all[title]) != 1 {
			t.Errorf("%q was answered 202 and is there %d times", title, len(all[title]))
		}
	}
	for title, id := range c.log.declared {
		if len(all[title]) != 1 || all[title][0].ID != id {
			t.Errorf("%q was declared as %s and is there %d times", title, id, len(all[title]))
		}
	}
	var open []*apiIncident
	for _, some := range all {
		open = append(open, some...)
	}
	v := measurements{incidents: len(open), acked: len(c.log.acked)}
	everything := slices.Clone(open)
	var last *apiIncident
	deadline := time.Now().Add(60 * time.Second)
	for len(open) > 0 && time.Now().Before(deadline) {
		open = c.listUnsettled(open, steps)
		if len(open) > 0 {
			last = open[0]
			waitFor(t, 300*time.Millisecond)
		}
	}
	if len(open) > 0 {
		t.Errorf("%d incidents still wait for something, among them %+v", len(open), last)
	}
	for _, i := range everything {
		c.checkIncident(i, wait, &v)
	}
	c.checkRepeats(&v)
	return v
}

// listUnsettled returns the incidents that still wait for something.
func (c *cluster) listUnsettled(all []*apiIncident, steps int) []*apiIncident {
	var mu sync.Mutex
	var still []*apiIncident
	var readers sync.WaitGroup
	for some := range slices.Chunk(all, len(all)/4+1) {
		readers.Go(func() {
			for _, i := range some {
				if !c.isSettled(i, steps) {
					mu.Lock()
					still = append(still, i)
					mu.Unlock()
				}
			}
		})
	}
	readers.Wait()
	return still
}

// checkIncident checks that the events have no gap, that each step fired once,
// not early, and not after the acknowledgement, and that each page arrived.
func (c *cluster) checkIncident(i *apiIncident, wait time.Duration, v *measurements) {
	t := c.t
	fired, runs, acked := []time.Time{}, 0, false
	for n, e := range i.events {
		if e.Seq != n+1 {
			t.Errorf("%s: event %d follows %d", i.ID, e.Seq, n)
		}
		switch e.Kind {
		case "escalation_started":
			runs++
		case "acknowledged":
			acked = true
		case "step_fired":
			if fired = append(fired, e.At); acked {
				t.Errorf("%s: after it was acknowledged: %s", i.ID, e.Text)
			}
		}
	}
	if runs != 1 || len(fired) > 2 || len(fired) == 0 && !acked {
		t.Errorf("%s: %d runs of escalation, %d steps: %+v", i.ID, runs, len(fired), i.events)
	}
	if c.log.acked[i.ID] && (!acked || i.AcknowledgedAt.IsZero() && i.Status == "triage") {
		t.Errorf("%s is not acknowledged any more", i.ID)
	}
	if len(fired) == 2 {
		late := fired[1].Sub(fired[0].Add(wait))
		if v.step = append(v.step, late); late < 0 {
			t.Errorf("%s: the second step was %s early", i.ID, -late)
		}
	}
	for _, d := range i.deliveries {
		came := c.received.pagesOf(webhookID(i.ID, d.Page))
		if len(came) == 0 && d.State != "canceled" {
			t.Errorf("%s: page %s is %s and never came", i.ID, d.Page, d.State)
		}
		if len(came) > 0 {
			v.page = append(v.page, came[0].at.Sub(d.AskedAt))
		}
	}
}

// checkRepeats checks that a page is repeated only after its sender was killed
// or lost its lease, and at most once for each time (E3: check again before
// each send).
func (c *cluster) checkRepeats(v *measurements) {
	c.received.mu.Lock()
	defer c.received.mu.Unlock()
	for id, came := range c.received.pages {
		v.pages++
		v.repeated += len(came) - 1
		for n, a := range came[:len(came)-1] {
			end := c.endOf(a.by)
			for _, at := range c.leasesLost {
				if at.Add(leaseTime).After(a.at) && at.Before(came[n+1].at) {
					end = at
				}
			}
			if end.IsZero() || end.After(came[n+1].at) {
				c.t.Errorf("page %s came again although no process was killed: %s", id, c.formatPages(came))
			}
		}
	}
}

// formatPages returns when a page arrived each time, and from which run.
func (c *cluster) formatPages(came []receivedPage) string {
	text := ""
	for _, a := range came {
		text += fmt.Sprintf("%s from %+v; ", a.at.Format("15:04:05.000"), a.by)
	}
	return text
}

// checkLatency fails when more than one in a hundred pages or steps was late.
func (v measurements) checkLatency(t *testing.T, most time.Duration) {
	t.Helper()
	for what, all := range map[string][]time.Duration{"pages": v.page, "second steps": v.step} {
		slices.Sort(all)
		if len(all) == 0 || all[len(all)*99/100] > most {
			t.Errorf("%s were late: %s", what, v)
		}
	}
}

// String returns the numbers, with the median, the 99th percentile and the
// maximum of the latencies.
func (v measurements) String() string {
	late := func(all []time.Duration) string {
		if len(all) == 0 {
			return "none"
		}
		slices.Sort(all)
		return fmt.Sprintf("%s, %s, %s", all[len(all)/2].Round(time.Millisecond), all[len(all)*99/100].Round(time.Millisecond), all[len(all)-1].Round(time.Millisecond))
	}
	return fmt.Sprintf("%d incidents, %d acknowledged, %d pages, %d of them again; late (half, 99 %%, most): pages %s, second steps %s",
		v.incidents, v.acked, v.pages, v.repeated, late(v.page), late(v.step))
}
