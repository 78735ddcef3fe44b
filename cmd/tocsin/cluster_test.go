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

// clusterPlan configures a cluster. The zero value is one process over SQLite.
type clusterPlan struct {
	config   string               // tocsin.yaml; $NOC is the address of the receiver for this run of this process
	replicas int                  // how many processes [1]
	tags     string               // the program is built with
	redis    func(n int) string   // REDIS_URL of the n-th process, from 0; nil: a file
	env      func(n int) []string // what else is in its environment
}

// cluster is one or more processes of the real binary, which a test kills and
// restarts.
type cluster struct {
	t          *testing.T
	plan       clusterPlan
	program    string
	receiver   string
	received   *pageReceiver
	log        *clientLog
	replicas   []*replica
	avoidFirst atomic.Bool // clients leave the first process alone
	leasesLost []time.Time // when leases were taken from their holders
}

// replica is one process of a cluster, over all its runs.
type replica struct {
	cluster *cluster
	number  int
	dir     string
	addr    string

	mu     sync.Mutex
	server *process
	ends   []time.Time // of each of its runs; zero: it still runs
}

// builds are the compiled programs by build tags, each compiled once for all
// tests.
var builds = struct {
	mu     sync.Mutex
	folder string
	at     map[string]string
}{at: map[string]string{}}

// testRun runs all tests, and then removes what they compiled.
type testRun struct{ *testing.M }

// Run runs the tests.
func (m testRun) Run() int {
	defer func() { _ = os.RemoveAll(builds.folder) }()
	return m.M.Run()
}

// build compiles the program with build tags.
func build(t *testing.T, tags string) string {
	t.Helper()
	builds.mu.Lock()
	defer builds.mu.Unlock()
	if program := builds.at[tags]; program != "" {
		return program
	}
	if builds.folder == "" {
		var err error
		if builds.folder, err = os.MkdirTemp("", "tocsin-test"); err != nil { //nolint:usetesting // for all tests
			t.Fatal(err)
		}
	}
	program := filepath.Join(builds.folder, "tocsin-"+tags)
	out, err := exec.Command("go", "build", "-tags", tags, "-o", program, ".").CombinedOutput()
	if err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	builds.at[tags] = program
	return program
}

// freePort returns a free port below the range from which Linux gives ports to
// clients, so that no client takes it while its server restarts.
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

// newCluster starts the processes of a cluster.
func newCluster(t *testing.T, p clusterPlan) *cluster {
	t.Helper()
	c := &cluster{t: t, plan: p, program: build(t, p.tags), received: newPageReceiver(), log: newClientLog()}
	receiver := httptest.NewServer(c.received)
	t.Cleanup(receiver.Close)
	c.receiver = receiver.URL
	for n := range max(p.replicas, 1) {
		r := &replica{cluster: c, number: n, dir: t.TempDir(), addr: freePort(t)}
		c.replicas = append(c.replicas, r)
		t.Cleanup(r.stop)
		if err := r.start(); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// start starts the process again. Each run has its own address at the receiver
// of pages, which so knows the sender of each page.
func (r *replica) start() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, life := r.cluster, len(r.ends)
	env := append(os.Environ(), "TOCSIN_API_TOKEN=api"+tokenEnd, "TOCSIN_HOOK_TOKEN=hook"+tokenEnd, "NOC_SECRET=noc-secret-of-the-test")
	if c.plan.redis != nil {
		env = append(env, "REDIS_URL="+c.plan.redis(r.number))
	}
	if c.plan.env != nil {
		env = append(env, c.plan.env(r.number)...)
	}
	config := strings.ReplaceAll(c.plan.config, "$NOC", fmt.Sprintf("%s/%d/%d", c.receiver, r.number, life))
	if err := os.WriteFile(filepath.Join(r.dir, "tocsin.yaml"), []byte(config), 0o600); err != nil {
		return err
	}
	r.ends = append(r.ends, time.Time{})
	server, err := startServer(c.program, r.dir, env, "--listen", r.addr)
	if err != nil {
		r.ends[life] = time.Now()
		return err
	}
	r.server = server
	return nil
}

// markEnded records that this run of the process has ended or is about to end.
func (r *replica) markEnded() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last := &r.ends[len(r.ends)-1]; last.IsZero() {
		*last = time.Now()
	}
}

// kill kills the process without a chance to clean up.
func (r *replica) kill() {
	r.markEnded()
	_ = r.server.cmd.Process.Kill()
	<-r.server.ended
}

// stop stops the process, and prints the end of its log if the test has
// failed.
func (r *replica) stop() {
	if r.server != nil {
		_ = r.server.stop()
	}
	if r.cluster.t.Failed() && r.server != nil {
		output := r.server.log.String()
		r.cluster.t.Logf("the last output of process %d:\n%s", r.number, output[max(0, len(output)-4<<10):])
	}
}

// endOf returns when a run ended; zero: it is still running.
func (c *cluster) endOf(l processRun) time.Time {
	r := c.replicas[l.replica]
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ends[l.run]
}

// markLeasesLost records that leases are about to be taken from running
// processes.
func (c *cluster) markLeasesLost() { c.leasesLost = append(c.leasesLost, time.Now()) }

// sendRequest sends a request to the first process. status is 0 when there is
// no response.
func (c *cluster) sendRequest(method, path, token, key, body string) (status int, answer []byte) {
	return c.replicas[0].sendRequest(method, path, token, key, body)
}

// tokenEnd makes the tokens of the processes, "api" and "hook", long enough.
const tokenEnd = "-token-of-the-tests"

// sendRequest sends a request to the process; the token is without [tokenEnd]. status is
// 0 when there is no response.
func (r *replica) sendRequest(method, path, token, key, body string) (status int, answer []byte) {
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, "http://"+r.addr+path, strings.NewReader(body))
	if err != nil {
		return 0, nil
	}
	req.Header.Set("Authorization", "Bearer "+token+tokenEnd)
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

// waitFor waits for a duration, in real time.
func waitFor(t *testing.T, d time.Duration) {
	t.Helper()
	select {
	case <-time.After(d):
	case <-t.Context().Done():
	}
}

// await waits until a condition holds, and fails after the duration most.
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
