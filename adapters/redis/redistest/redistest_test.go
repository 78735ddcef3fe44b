package redistest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"go.uber.org/goleak"
)

// childEnv is the environment variable that makes a second run of the test binary start a
// server and wait to be killed.
const childEnv = "TOCSIN_REDISTEST_CHILD"

func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m)
}

// wantReply fails unless a command gets this reply.
func wantReply(t *testing.T, s *Server, want any, args ...string) {
	t.Helper()
	if got, err := s.Do(args...); err != nil || got != want {
		t.Fatalf("%s: %v %v, want %v", strings.Join(args, " "), got, err, want)
	}
}

// TestKill: after a kill and a restart, answered writes are there, on the same port.
func TestKill(t *testing.T) {
	s := Start(t, Config{})
	for n := range 100 {
		wantReply(t, s, "OK", "SET", fmt.Sprint("key", n), fmt.Sprint("value", n))
	}
	s.Kill()
	s.Kill()
	if answer, err := s.Do("PING"); err == nil {
		t.Fatalf("a server that was killed answers %v", answer)
	}
	s.Restart()
	for n := range 100 {
		wantReply(t, s, fmt.Sprint("value", n), "GET", fmt.Sprint("key", n))
	}
	s.Restart() // of a running server
	wantReply(t, s, int64(100), "DBSIZE")
}

// TestDefaults: the defaults are as durable as Tocsin requires, and a test can change them.
func TestDefaults(t *testing.T) {
	setting := func(s *Server, name string) string {
		return stringList(s.must("CONFIG", "GET", name))[1]
	}
	usual := Start(t, Config{})
	for name, want := range map[string]string{"appendonly": "yes", "appendfsync": "always", "save": "", "maxmemory-policy": "noeviction"} {
		if got := setting(usual, name); got != want {
			t.Errorf("%s is %q, want %q", name, got, want)
		}
	}
	port, err := freePort(t)
	if err != nil {
		t.Fatal(err)
	}
	other := Start(t, Config{Port: port, Directives: []string{"appendfsync everysec", "maxmemory-policy allkeys-lru"}})
	if got := setting(other, "appendfsync") + setting(other, "maxmemory-policy"); got != "everysecallkeys-lru" {
		t.Errorf("the directives give %s", got)
	}
	if want := fmt.Sprintf("redis://127.0.0.1:%d/0", port); other.URL() != want {
		t.Errorf("%s, want %s", other.URL(), want)
	}
}

// TestPassword: the server requires the password, and the URL contains it.
func TestPassword(t *testing.T) {
	s := Start(t, Config{Password: "a secret/with:odd@parts"})
	wantReply(t, s, "PONG", "PING")
	var refused Error
	if _, err := do(s.Addr(), "", "PING"); !errors.As(err, &refused) || !strings.HasPrefix(string(refused), "NOAUTH") {
		t.Errorf("without the password: %v", err)
	}
	if want := "redis://:a%20secret%2Fwith%3Aodd%40parts@" + s.Addr() + "/0"; s.URL() != want {
		t.Errorf("%s, want %s", s.URL(), want)
	}
}

// TestAnswers: every kind of RESP2 reply is decoded.
func TestAnswers(t *testing.T) {
	s := Start(t, Config{})
	wantReply(t, s, nil, "GET", "nothing")
	wantReply(t, s, "", "EVAL", "return ''", "0")
	wantReply(t, s, "a\r\nb", "EVAL", `return 'a\r\nb'`, "0")
	if list := s.must("EVAL", "return {1, 'two', {3}, {err='no'}}", "0"); fmt.Sprint(list) != "[1 two [3] no]" {
		t.Errorf("a list is read as %v", list)
	}
	var refused Error
	if _, err := s.Do("LPUSH"); !errors.As(err, &refused) || !strings.HasPrefix(string(refused), "ERR wrong number") {
		t.Errorf("a wrong command: %v", err)
	}
}

// TestStop: a frozen server keeps its connections and does not reply.
func TestStop(t *testing.T) {
	s := Start(t, Config{})
	s.Stop()
	answered := make(chan error, 1)
	go func() {
		_, err := s.Do("SET", "key", "value")
		answered <- err
	}()
	if open, err := isStopped(s.run.pid); !open || err != nil {
		t.Fatalf("it runs: %v", err)
	}
	select {
	case err := <-answered:
		t.Fatalf("a frozen server answers: %v", err)
	default:
	}
	s.Continue()
	if err := <-answered; err != nil {
		t.Fatal(err)
	}
	wantReply(t, s, "value", "GET", "key")
}

// TestEnds: every server exits with its test, also a frozen one.
func TestEnds(t *testing.T) {
	var pids []int
	t.Run("test", func(t *testing.T) {
		for range 2 {
			pids = append(pids, Start(t, Config{}).run.pid)
		}
		frozen := Start(t, Config{})
		frozen.Stop()
		pids = append(pids, frozen.run.pid)
	})
	for _, pid := range pids {
		if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
			t.Errorf("process %d is still there: %v", pid, err)
		}
	}
}

// TestChild is not a test: TestParentDies runs it as a process of its own and kills it.
func TestChild(t *testing.T) {
	if os.Getenv(childEnv) == "" {
		t.Skip("no test: TestParentDies runs it in a process of its own, and nothing is left untried")
	}
	fmt.Fprintln(os.Stdout, "server", Start(t, Config{}).Addr())
	select {}
}

// TestParentDies: the servers of a killed test process exit.
func TestParentDies(t *testing.T) {
	findProgram(t)
	cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestChild$", "-test.v")
	cmd.Env = append(os.Environ(), childEnv+"=yes", "TMPDIR="+t.TempDir())
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err = cmd.Start(); err != nil {
		t.Fatal(err)
	}
	addr := ""
	for lines := bufio.NewScanner(out); addr == "" && lines.Scan(); {
		_, addr, _ = strings.Cut(lines.Text(), "server ")
	}
	pong, err := do(addr, "", "PING")
	if err != nil || pong != "PONG" {
		t.Fatalf("the child's server at %q: %v %v", addr, pong, err)
	}
	if err = cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	if err = await("the server does not end", func() (bool, error) {
		_, refused := do(addr, "", "PING")
		return errors.Is(refused, syscall.ECONNREFUSED), nil
	}); err != nil {
		t.Error(err)
	}
}
