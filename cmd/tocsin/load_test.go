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

// life is one run of one process.
type life struct{ house, run int }

// arrival is a page that the receiver has accepted.
type arrival struct {
	at     time.Time
	signed time.Time // what its sender took for the time
	by     life
}

// arrivals are all of them, by webhook-id.
type arrivals struct {
	mu    sync.Mutex
	pages map[string][]arrival
	slow  time.Duration // how long accepting a page takes
}

func newArrivals() *arrivals { return &arrivals{pages: map[string][]arrival{}} }

func (a *arrivals) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || !bytes.Contains(body, []byte(`"type":"page"`)) {
		return
	}
	var by life
	_, _ = fmt.Sscanf(r.URL.Path, "/%d/%d", &by.house, &by.run)
	signed, _ := strconv.ParseInt(r.Header.Get("webhook-timestamp"), 10, 64)
	a.mu.Lock()
	id := r.Header.Get("webhook-id")
	a.pages[id] = append(a.pages[id], arrival{time.Now(), time.Unix(signed, 0), by})
	slow := a.slow
	a.mu.Unlock()
	if slow > 0 {
		<-time.After(slow)
	}
}

// slows says how long accepting a page takes from now on, so that whatever
// happens to its sender happens in the middle of a send.
func (a *arrivals) slows(by time.Duration) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.slow = by
}

// of is a copy of what came under an id.
func (a *arrivals) of(id string) []arrival {
	a.mu.Lock()
	defer a.mu.Unlock()
	return slices.Clone(a.pages[id])
}

// work is what clients did, and were answered.
type work struct {
	mu       sync.Mutex
	accepted map[string]bool   // titles of alerts answered 202
	declared map[string]string // titles → incidents
	acked    map[string]bool   // incidents
	refused  map[string]int    // status and what was said, for what could not be taken
}

func newWork() *work {
	return &work{accepted: map[string]bool{}, declared: map[string]string{}, acked: map[string]bool{}, refused: map[string]int{}}
}

// load begins to work on a town with some clients, each of which pauses between
// two things it does. What it returns ends that, and waits until everybody has
// been answered.
func (w *town) load(clients int, every time.Duration) (end func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var all sync.WaitGroup
	w.done.mu.Lock()
	first := len(w.done.accepted) + len(w.done.declared) // so that titles differ from those of a load before
	w.done.mu.Unlock()
	for n := range clients {
		all.Go(func() {
			ticker := time.NewTicker(max(every, time.Microsecond))
			defer ticker.Stop()
			for k := 0; ctx.Err() == nil; k++ {
				w.client(fmt.Sprintf("%d-%d-%d", first, n, k), n+k)
				select {
				case <-ticker.C:
				case <-ctx.Done():
				}
			}
		})
	}
	return func() { cancel(); all.Wait() }
}

// client does one thing, at the process whose turn it is: it sends an alert, or
// declares, and sometimes acknowledges elsewhere what it has declared.
func (w *town) client(name string, turn int) {
	if turn%5 != 4 {
		title := "alert " + name
		body := fmt.Sprintf(`{"version":"4","alerts":[{"status":"firing","fingerprint":"%[1]x","labels":{"alertname":%[1]q,"severity":"critical"},"annotations":{"summary":%[1]q}}]}`, title)
		status, answer := w.turn(turn).do("POST", "/hooks/alertmanager", "hook", "", body)
		w.done.mu.Lock()
		defer w.done.mu.Unlock()
		if status == http.StatusAccepted {
			w.done.accepted[title] = true
		} else if status != 0 {
			w.done.refused[said(status, answer)]++
		}
		return
	}
	title := "person " + name
	id := w.say("declare "+title+" --sev 1", title, turn)
	if id == "" {
		return
	}
	w.done.mu.Lock()
	w.done.declared[title] = id
	w.done.mu.Unlock()
	if turn%10 != 9 || len(w.houses) == 1 {
		return
	}
	if w.say("ack "+id, "ack "+title, turn+1) != "" {
		w.done.mu.Lock()
		w.done.acked[id] = true
		w.done.mu.Unlock()
	}
}

// said shortens an answer to what kind it is.
func said(status int, answer []byte) string {
	return fmt.Sprintf("%d %s", status, strings.TrimSpace(string(answer)))
}

// turn is whose turn it is.
func (w *town) turn(n int) *house {
	n %= len(w.houses)
	if n == 0 && w.away.Load() {
		n++
	}
	return w.houses[n]
}

// say gives a command until it is answered, under the same key to one process
// after the other. It returns the incident.
func (w *town) say(text, key string, turn int) string {
	body, _ := json.Marshal(map[string]string{"text": text})
	for n := range 200 {
		status, answer := w.turn(turn+n).do("POST", "/api/v1/commands", "api", key, string(body))
		var reply struct {
			OK       bool
			Incident string
		}
		switch {
		case status == http.StatusOK && json.Unmarshal(answer, &reply) == nil && reply.OK:
			return reply.Incident
		case status != 0:
			w.done.mu.Lock()
			w.done.refused[said(status, answer)]++
			w.done.mu.Unlock()
		}
		pass(w.t, 20*time.Millisecond)
	}
	return ""
}
