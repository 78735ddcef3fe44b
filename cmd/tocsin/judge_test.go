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

// told is what the API tells of one incident.
type told struct {
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

// webhookID is the one under which a page of an incident comes.
func webhookID(incident, page string) string {
	sum := sha256.Sum256([]byte(incident + "/" + page))
	return "msg_" + hex.EncodeToString(sum[:16])
}

// incidents lists everything, by title.
func (w *town) incidents() map[string][]*told {
	w.t.Helper()
	all := map[string][]*told{}
	for after := ""; ; {
		var page struct {
			Incidents []*told
			Next      string
		}
		w.get("/api/v1/incidents?limit=500&after="+after, &page)
		for _, i := range page.Incidents {
			all[i.Title] = append(all[i.Title], i)
		}
		if after = page.Next; after == "" {
			return all
		}
	}
}

// get reads from whichever process answers first.
func (w *town) get(path string, into any) {
	var status int
	var answer []byte
	for n := range 5 * len(w.houses) {
		if status, answer = w.turn(n).do("GET", path, "api", "", ""); status == 200 && json.Unmarshal(answer, into) == nil {
			return
		}
		pass(w.t, 100*time.Millisecond)
	}
	w.t.Errorf("%s: %d %s", path, status, answer)
}

// history reads what happened to an incident, and who was paged.
func (w *town) history(i *told) {
	var happened struct{ Events *json.RawMessage }
	var paged struct{ Deliveries *json.RawMessage }
	w.get("/api/v1/incidents/"+i.ID+"/timeline", &happened)
	w.get("/api/v1/incidents/"+i.ID+"/deliveries", &paged)
	i.events, i.deliveries = nil, nil
	for _, part := range []struct {
		raw  *json.RawMessage
		into any
	}{{happened.Events, &i.events}, {paged.Deliveries, &i.deliveries}} {
		if part.raw == nil || json.Unmarshal(*part.raw, part.into) != nil {
			w.t.Errorf("what happened to %s cannot be read", i.ID)
		}
	}
}

// settled reports whether all that an incident's policy asks for has come. The
// policy has so many steps; whoever was acknowledged needs no more of them.
func (w *town) settled(i *told, steps int) bool {
	w.history(i)
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

// leaseTime is how long a page may have been claimed before it came.
const leaseTime = 10 * time.Second

// verdict are the figures of a test.
type verdict struct {
	incidents, acked, pages, repeated int
	page, step                        []time.Duration // how late each page and second step was
}

// judge waits until everything that is owed has come, and then looks whether
// all is there that was answered, once, and whole.
func (w *town) judge(steps int, wait time.Duration) verdict {
	t := w.t
	t.Helper()
	all := w.incidents()
	for title := range w.done.accepted {
		if len(all[title]) != 1 {
			t.Errorf("%q was answered 202 and is there %d times", title, len(all[title]))
		}
	}
	for title, id := range w.done.declared {
		if len(all[title]) != 1 || all[title][0].ID != id {
			t.Errorf("%q was declared as %s and is there %d times", title, id, len(all[title]))
		}
	}
	var open []*told
	for _, some := range all {
		open = append(open, some...)
	}
	v := verdict{incidents: len(open), acked: len(w.done.acked)}
	everything := slices.Clone(open)
	var last *told
	deadline := time.Now().Add(60 * time.Second)
	for len(open) > 0 && time.Now().Before(deadline) {
		open = w.unsettled(open, steps)
		if len(open) > 0 {
			last = open[0]
			pass(t, 300*time.Millisecond)
		}
	}
	if len(open) > 0 {
		t.Errorf("%d incidents still wait for something, among them %+v", len(open), last)
	}
	for _, i := range everything {
		w.whole(i, wait, &v)
	}
	w.once(&v)
	return v
}

// unsettled are those that still wait for something, looked at some at a time.
func (w *town) unsettled(all []*told, steps int) []*told {
	var mu sync.Mutex
	var still []*told
	var readers sync.WaitGroup
	for some := range slices.Chunk(all, len(all)/4+1) {
		readers.Go(func() {
			for _, i := range some {
				if !w.settled(i, steps) {
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

// whole judges one incident: its record has no gap, each step fired once, not
// before its time, and none after it was acknowledged; each page has come.
func (w *town) whole(i *told, wait time.Duration, v *verdict) {
	t := w.t
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
	if w.done.acked[i.ID] && (!acked || i.AcknowledgedAt.IsZero() && i.Status == "triage") {
		t.Errorf("%s is not acknowledged any more", i.ID)
	}
	if len(fired) == 2 {
		late := fired[1].Sub(fired[0].Add(wait))
		if v.step = append(v.step, late); late < 0 {
			t.Errorf("%s: the second step was %s early", i.ID, -late)
		}
	}
	for _, d := range i.deliveries {
		came := w.received.of(webhookID(i.ID, d.Page))
		if len(came) == 0 && d.State != "canceled" {
			t.Errorf("%s: page %s is %s and never came", i.ID, d.Page, d.State)
		}
		if len(came) > 0 {
			v.page = append(v.page, came[0].at.Sub(d.AskedAt))
		}
	}
}

// once judges repeats: a page comes again only because the process that sent it
// was killed, or its lease taken from it, and once for each time (rule E3).
func (w *town) once(v *verdict) {
	w.received.mu.Lock()
	defer w.received.mu.Unlock()
	for id, came := range w.received.pages {
		v.pages++
		v.repeated += len(came) - 1
		for n, a := range came[:len(came)-1] {
			end := w.end(a.by)
			for _, at := range w.lost {
				if at.Add(leaseTime).After(a.at) && at.Before(came[n+1].at) {
					end = at
				}
			}
			if end.IsZero() || end.After(came[n+1].at) {
				w.t.Errorf("page %s came again although nobody was killed: %s", id, w.times(came))
			}
		}
	}
}

// times writes when a page came, and from whom.
func (w *town) times(came []arrival) string {
	text := ""
	for _, a := range came {
		text += fmt.Sprintf("%s from %+v; ", a.at.Format("15:04:05.000"), a.by)
	}
	return text
}

// prompt fails if more than a hundredth of the pages or steps was late.
func (v verdict) prompt(t *testing.T, most time.Duration) {
	t.Helper()
	for what, all := range map[string][]time.Duration{"pages": v.page, "second steps": v.step} {
		slices.Sort(all)
		if len(all) == 0 || all[len(all)*99/100] > most {
			t.Errorf("%s were late: %s", what, v)
		}
	}
}

// String writes the figures: how late half of them were, all but a hundredth,
// and the last.
func (v verdict) String() string {
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
