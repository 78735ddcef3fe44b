package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// town is an installation of the real binary that a test kills.
type town struct {
	t       *testing.T
	program string
	dir     string
	addr    string
	env     []string
	server  *process
}

// build compiles the program once.
func build(t *testing.T) string {
	t.Helper()
	program := filepath.Join(t.TempDir(), "tocsin")
	out, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return program
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func newTown(t *testing.T, config string) *town {
	w := &town{t: t, program: build(t), dir: t.TempDir(), addr: freePort(t)}
	w.env = append(os.Environ(), "TOCSIN_API_TOKEN=api", "TOCSIN_HOOK_TOKEN=hook", "NOC_SECRET=noc-secret-of-the-test")
	if err := os.WriteFile(filepath.Join(w.dir, "tocsin.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	w.start()
	t.Cleanup(func() { _ = w.server.stop() })
	return w
}

func (w *town) start() {
	w.t.Helper()
	var err error
	if w.server, err = startServer(w.program, w.dir, w.env, "--listen", w.addr); err != nil {
		w.t.Fatal(err)
	}
}

// do makes one request. status is 0 when there was no answer.
func (w *town) do(method, path, token, key, body string) (status int, answer []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+w.addr+path, strings.NewReader(body))
	if err != nil {
		return 0, nil
	}
	req.Header.Set("Authorization", "Bearer "+token)
	if key != "" {
		req.Header.Set("Idempotency-Key", key)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, nil
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(res.Body)
	if err != nil {
		return 0, nil
	}
	return res.StatusCode, answer
}

// arrivals are the pages that a receiver has accepted, by webhook-id.
type arrivals struct {
	mu   sync.Mutex
	at   map[string][]time.Time
	text map[string]string
}

func (a *arrivals) ServeHTTP(_ http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil || !bytes.Contains(body, []byte(`"type":"page"`)) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	id := r.Header.Get("webhook-id")
	a.at[id] = append(a.at[id], time.Now())
	a.text[id] = string(body)
}

// work is what clients did, and were answered.
type work struct {
	mu       sync.Mutex
	accepted map[string]bool // titles of alerts answered 202
	declared map[string]string
}

// TestX1Kill kills the real binary at random instants under load, and starts
// it again: nothing that was answered is lost, nothing is there twice, and each
// page comes at most once more per kill.
func TestX1Kill(t *testing.T) {
	kills := 40
	if testing.Short() {
		kills = 5
	}
	received := &arrivals{at: map[string][]time.Time{}, text: map[string]string{}}
	receiver := httptest.NewServer(received)
	defer receiver.Close()
	w := newTown(t, fmt.Sprintf(`
webhooks: [{ name: noc, url: %q, secret_env: NOC_SECRET }]
policies: [{ id: noc, steps: [{ notify: ["webhook:noc"], wait: 10m }] }]
default_policy: noc
default_access: responder
`, receiver.URL))
	done := &work{accepted: map[string]bool{}, declared: map[string]string{}}
	ctx, cancel := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for n := range 6 {
		clients.Go(func() { w.load(ctx, n, done) })
	}
	rng := rand.New(rand.NewPCG(2026, 11))
	var killed []time.Time
	for range kills {
		select {
		case <-time.After(time.Duration(20+rng.IntN(400)) * time.Millisecond):
		case <-w.server.ended:
			t.Fatalf("the server ended by itself:\n%s", w.server.log.String())
		}
		killed = append(killed, time.Now())
		_ = w.server.cmd.Process.Kill()
		<-w.server.ended
		w.start()
	}
	cancel()
	clients.Wait()
	w.judge(done, received, killed)
}

// load sends alerts and declarations, each again until it is answered.
func (w *town) load(ctx context.Context, client int, done *work) {
	for n := 0; ctx.Err() == nil; n++ {
		title := fmt.Sprintf("alert %d-%d", client, n)
		body := fmt.Sprintf(`{"version":"4","alerts":[{"status":"firing","fingerprint":"%[1]x","labels":{"alertname":%[1]q,"severity":"critical"},"annotations":{"summary":%[1]q}}]}`, title)
		if n%5 == 4 {
			title = fmt.Sprintf("person %d-%d", client, n)
			for range 100 {
				status, answer := w.do("POST", "/api/v1/commands", "api", title, fmt.Sprintf(`{"text":"declare %s --sev 1"}`, title))
				var reply struct {
					OK       bool
					Incident string
				}
				if status == 200 && json.Unmarshal(answer, &reply) == nil && reply.OK {
					done.mu.Lock()
					done.declared[title] = reply.Incident
					done.mu.Unlock()
					break
				}
			}
			continue
		}
		if status, _ := w.do("POST", "/hooks/alertmanager", "hook", "", body); status == http.StatusAccepted {
			done.mu.Lock()
			done.accepted[title] = true
			done.mu.Unlock()
		}
	}
}

// incidents lists everything, by title.
func (w *town) incidents() map[string][]string {
	all := map[string][]string{}
	for after := ""; ; {
		status, answer := w.do("GET", "/api/v1/incidents?limit=500&after="+after, "api", "", "")
		var page struct {
			Incidents []struct{ ID, Title string }
			Next      string
		}
		if err := json.Unmarshal(answer, &page); status != 200 || err != nil {
			w.t.Fatalf("list: %d %s", status, answer)
		}
		for _, i := range page.Incidents {
			all[i.Title] = append(all[i.Title], i.ID)
		}
		if after = page.Next; after == "" {
			return all
		}
	}
}

func (w *town) judge(done *work, received *arrivals, killed []time.Time) {
	t := w.t
	all := w.incidents()
	for title := range done.accepted {
		if len(all[title]) != 1 {
			t.Errorf("%q was answered 202 and is there %d times", title, len(all[title]))
		}
	}
	for title, id := range done.declared {
		if len(all[title]) != 1 || all[title][0] != id {
			t.Errorf("%q was declared as %s and is %v", title, id, all[title])
		}
	}
	paged := func() (missing []string) {
		received.mu.Lock()
		defer received.mu.Unlock()
		text := map[string]bool{}
		for _, body := range received.text {
			for _, title := range strings.Split(body, `"title":"`)[1:] {
				name, _, _ := strings.Cut(title, `"`)
				text[name] = true
			}
		}
		for title := range all {
			if !text[title] {
				missing = append(missing, title)
			}
		}
		return missing
	}
	deadline := time.After(60 * time.Second)
	for tick := time.NewTicker(100 * time.Millisecond); len(paged()) > 0; {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d incidents were never paged, among them %v\n%s", len(paged()), paged()[0], w.server.log.String())
		}
	}
	repeats := 0
	received.mu.Lock()
	defer received.mu.Unlock()
	for id, times := range received.at {
		between := 0
		for _, k := range killed {
			if k.After(times[0].Add(-10*time.Second)) && k.Before(times[len(times)-1]) {
				between++
			}
		}
		if repeats += len(times) - 1; len(times)-1 > between {
			t.Errorf("page %s came %d times, with %d kills between", id, len(times), between)
		}
	}
	t.Logf("%d kills, %d alerts accepted, %d declared, %d incidents, %d pages, %d repeated",
		len(killed), len(done.accepted), len(done.declared), len(all), len(received.at), repeats)
}
