package main

import (
	"context"
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
	"sync/atomic"
	"testing"
	"time"
)

// plan is an installation to be. The zero plan is one process over a file.
type plan struct {
	config string               // tocsin.yaml; $NOC is the address of the receiver for this run of this process
	houses int                  // how many processes [1]
	tags   string               // the program is built with
	redis  func(n int) string   // REDIS_URL of the n-th process, from 0; nil: a file
	env    func(n int) []string // what else is in its environment
}

// town is an installation of the real binary, in one process or several, which
// a test ends and starts again.
type town struct {
	t        *testing.T
	plan     plan
	program  string
	receiver string
	received *arrivals
	done     *work
	houses   []*house
	away     atomic.Bool // clients leave the first process alone
	lost     []time.Time // instants at which leases were taken from whoever held them
}

// house is one process of a town.
type house struct {
	town   *town
	number int
	dir    string
	addr   string

	mu     sync.Mutex
	server *process
	ends   []time.Time // of each of its runs; zero: it still runs
}

// built are the programs that tests have compiled, by tags, each once.
var built = struct {
	mu     sync.Mutex
	folder string
	at     map[string]string
}{at: map[string]string{}}

// builders are all tests; what they compiled goes with them.
type builders struct{ *testing.M }

// Run runs the tests.
func (m builders) Run() int {
	defer func() { _ = os.RemoveAll(built.folder) }()
	return m.M.Run()
}

// build compiles the program.
func build(t *testing.T, tags string) string {
	t.Helper()
	built.mu.Lock()
	defer built.mu.Unlock()
	if program := built.at[tags]; program != "" {
		return program
	}
	if built.folder == "" {
		var err error
		if built.folder, err = os.MkdirTemp("", "tocsin-test"); err != nil { //nolint:usetesting // for all tests
			t.Fatal(err)
		}
	}
	program := filepath.Join(built.folder, "tocsin-"+tags)
	out, err := exec.Command("go", "build", "-tags", tags, "-o", program, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	built.at[tags] = program
	return program
}

// freePort finds a port below those that Linux gives to clients: no client
// takes it while the server that had it is started again.
func freePort(t *testing.T) string {
	t.Helper()
	for {
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", 10240+rand.IntN(32768-10240)))
		if err == nil {
			l.Close()
			return l.Addr().String()
		}
	}
}

func newTown(t *testing.T, p plan) *town {
	t.Helper()
	w := &town{t: t, plan: p, program: build(t, p.tags), received: newArrivals(), done: newWork()}
	receiver := httptest.NewServer(w.received)
	t.Cleanup(receiver.Close)
	w.receiver = receiver.URL
	for n := range max(p.houses, 1) {
		h := &house{town: w, number: n, dir: t.TempDir(), addr: freePort(t)}
		w.houses = append(w.houses, h)
		t.Cleanup(h.stop)
		if err := h.start(); err != nil {
			t.Fatal(err)
		}
	}
	return w
}

// start runs the process once more. Each run has an address of its own at the
// receiver, which so knows who has sent what.
func (h *house) start() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	w, life := h.town, len(h.ends)
	env := append(os.Environ(), "TOCSIN_API_TOKEN=api", "TOCSIN_HOOK_TOKEN=hook", "NOC_SECRET=noc-secret-of-the-test")
	if w.plan.redis != nil {
		env = append(env, "REDIS_URL="+w.plan.redis(h.number))
	}
	if w.plan.env != nil {
		env = append(env, w.plan.env(h.number)...)
	}
	config := strings.ReplaceAll(w.plan.config, "$NOC", fmt.Sprintf("%s/%d/%d", w.receiver, h.number, life))
	if err := os.WriteFile(filepath.Join(h.dir, "tocsin.yaml"), []byte(config), 0o600); err != nil {
		return err
	}
	h.ends = append(h.ends, time.Time{})
	server, err := startServer(w.program, h.dir, env, "--listen", h.addr)
	if err != nil {
		h.ends[life] = time.Now()
		return err
	}
	h.server = server
	return nil
}

// ended notes that this run of the process is over, or about to be.
func (h *house) ended() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if last := &h.ends[len(h.ends)-1]; last.IsZero() {
		*last = time.Now()
	}
}

// kill ends the process as a power cut does.
func (h *house) kill() {
	h.ended()
	_ = h.server.cmd.Process.Kill()
	<-h.server.ended
}

func (h *house) stop() {
	if h.server != nil {
		_ = h.server.stop()
	}
	if h.town.t.Failed() && h.server != nil {
		said := h.server.log.String()
		h.town.t.Logf("process %d said last:\n%s", h.number, said[max(0, len(said)-4<<10):])
	}
}

// end is when a run was over; zero: it is not.
func (w *town) end(l life) time.Time {
	h := w.houses[l.house]
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ends[l.run]
}

// loseLeases notes that leases are about to be taken from processes that live.
func (w *town) loseLeases() { w.lost = append(w.lost, time.Now()) }

// do makes one request to the first process. status is 0 when there was no
// answer.
func (w *town) do(method, path, token, key, body string) (status int, answer []byte) {
	return w.houses[0].do(method, path, token, key, body)
}

func (h *house) do(method, path, token, key, body string) (status int, answer []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+h.addr+path, strings.NewReader(body))
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

// pass lets so much time pass under load.
func pass(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// await looks again and again until something holds.
func await(t *testing.T, most time.Duration, what string, holds func() bool) {
	t.Helper()
	deadline, tick := time.After(most), time.NewTicker(100*time.Millisecond)
	defer tick.Stop()
	for !holds() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("within %s: not %s", most, what)
		}
	}
}
