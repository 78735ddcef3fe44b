package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// processRun identifies one run of one process.
type processRun struct{ replica, run int }

// receivedPage is a page that the receiver has accepted.
type receivedPage struct {
	at     time.Time
	signed time.Time // what its sender took for the time
	by     processRun
}

// pageReceiver accepts pages, and keeps them by webhook-id.
type pageReceiver struct {
	mu    sync.Mutex
	pages map[string][]receivedPage
	delay time.Duration // how long accepting a page takes
}

func newPageReceiver() *pageReceiver { return &pageReceiver{pages: map[string][]receivedPage{}} }

func (a *pageReceiver) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || !bytes.Contains(body, []byte(`"type":"page"`)) {
		return
	}
	var by processRun
	_, _ = fmt.Sscanf(r.URL.Path, "/%d/%d", &by.replica, &by.run)
	signed, _ := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
	a.mu.Lock()
	id := r.Header.Get("webhook-id")
	a.pages[id] = append(a.pages[id], receivedPage{time.Now(), time.Unix(signed, 0), by})
	slow := a.delay
	a.mu.Unlock()
	if slow > 0 {
		<-time.After(slow)
	}
}

// setDelay sets how long accepting a page takes from now on, so that what a
// test does to the sender happens during a send.
func (a *pageReceiver) setDelay(by time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.delay = by
}

// pagesOf returns the pages with a webhook-id.
func (a *pageReceiver) pagesOf(id string) []receivedPage {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.pages[id])
}

// clientLog is what clients did, and how they were answered.
type clientLog struct {
	mu       sync.Mutex
	accepted map[string]bool   // titles of alerts answered 202
	declared map[string]string // titles → incidents
	acked    map[string]bool   // incidents
	refused  map[string]int    // status and body of the answer, for alerts that were refused
}

func newClientLog() *clientLog {
	return &clientLog{accepted: map[string]bool{}, declared: map[string]string{}, acked: map[string]bool{}, refused: map[string]int{}}
}

// startLoad starts clients that send requests to the cluster, each with a
// pause between two requests. end stops them and waits for their responses.
func (c *cluster) startLoad(clients int, every time.Duration) (end func()) {
	ctx, cancel := context.WithCancel(c.t.Context())
	var all sync.WaitGroup
	c.log.mu.Lock()
	first := len(c.log.accepted) + len(c.log.declared) // so that titles differ from those of a load before
	c.log.mu.Unlock()
	for n := range clients {
		all.Go(func() {
			ticker := time.NewTicker(max(every, time.Microsecond))
			defer ticker.Stop()
			for k := 0; ctx.Err() == nil; k++ {
				c.runClient(fmt.Sprintf("%d-%d-%d", first, n, k), n+k)
				select {
				case <-ticker.C:
				case <-ctx.Done():
				}
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

// runClient sends one alert, or declares an incident and sometimes
// acknowledges it at another process.
func (c *cluster) runClient(name string, turn int) {
	if turn%5 != 4 {
		title := "alert " + name
		body := fmt.Sprintf(`{"version":"4","alerts":[{"status":"firing","fingerprint":"%[1]x","labels":{"alertname":%[1]q,"severity":"critical"},"annotations":{"summary":%[1]q}}]}`, title)
		status, answer := c.replicaAt(turn).sendRequest("POST", "/hooks/alertmanager", "hook", "", body)
		c.log.mu.Lock()
		defer c.log.mu.Unlock()
		if status == http.StatusAccepted {
			c.log.accepted[title] = true
		} else if status != 0 {
			c.log.refused[formatAnswer(status, answer)]++
		}
		return
	}
	title := "person " + name
	id := c.runCommand("declare "+title+" --sev 1", title, turn)
	if id == "" {
		return
	}
	c.log.mu.Lock()
	c.log.declared[title] = id
	c.log.mu.Unlock()
	if turn%10 != 9 || len(c.replicas) == 1 {
		return
	}
	if c.runCommand("ack "+id, "ack "+title, turn+1) != "" {
		c.log.mu.Lock()
		c.log.acked[id] = true
		c.log.mu.Unlock()
	}
}

// formatAnswer returns the status and the text of a response.
func formatAnswer(status int, answer []byte) string {
	return fmt.Sprintf("%d %s", status, strings.TrimSpace(string(answer)))
}

// replicaAt returns the process for the n-th request.
func (c *cluster) replicaAt(n int) *replica {
	n %= len(c.replicas)
	if n == 0 && c.avoidFirst.Load() {
		n++
	}
	return c.replicas[n]
}

// runCommand sends a command, under the same key to one process after the
// other, until it is answered. It returns the incident.
func (c *cluster) runCommand(text, key string, turn int) string {
	body, _ := json.Marshal(map[string]string{"text": text})
	for n := range 200 {
		status, answer := c.replicaAt(turn+n).sendRequest("POST", "/api/v1/commands", "api", key, string(body))
		var reply struct {
			OK       bool
			Incident string
		}
		switch {
		case status == http.StatusOK && json.Unmarshal(answer, &reply) == nil && reply.OK:
			return reply.Incident
		case status != 0:
			c.log.mu.Lock()
			c.log.refused[formatAnswer(status, answer)]++
			c.log.mu.Unlock()
		}
		waitFor(c.t, 20*time.Millisecond)
	}
	return ""
}
