// Package redistest starts real Redis servers for tests (one, a cluster, a
// master with sentinels), kills and freezes them, and stands between a client
// and a server as a network that fails. It knows no Redis library, so that it
// judges whichever one an adapter uses.
package redistest

import (
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// Config says what differs from a server as Tocsin wants it: on the loopback
// interface, everything appended to a file and synced before it is answered,
// nothing evicted.
type Config struct {
	Port       int      // 0: a free one
	Password   string   // of the default user; "": none is asked for
	Directives []string // lines of redis.conf, such as "appendfsync everysec"; they overrule the defaults
}

// durable are the directives that every server begins with.
const durable = `appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
repl-diskless-sync-delay 0
`

// Server is a redis-server on this machine. It ends with the test, or with the
// test's process where the system lets it. Its methods may be called at the
// same time; those that fail a test belong on the test's goroutine.
type Server struct {
	tb       testing.TB
	program  string
	folder   string
	addr     string
	password string
	mode     string // an argument behind the file, such as "--sentinel"

	mu  sync.Mutex
	run *process // nil while it is killed
}

// Start runs a server and returns when it answers. Without redis-server the
// test is skipped, and fails where CI=true.
func Start(tb testing.TB, c Config) *Server {
	tb.Helper()
	return start(tb, plan{Config: c, defaults: durable})
}

// plan is a server to be.
type plan struct {
	Config
	defaults string // directives
	mode     string
}

func start(tb testing.TB, p plan) *Server {
	tb.Helper()
	s := &Server{tb: tb, program: find(tb), folder: tb.TempDir(), password: p.Password, mode: p.mode}
	tb.Cleanup(s.end)
	tries := 5 // between the choice of a port and its use another program may take it
	if p.Port != 0 {
		tries = 1
	}
	var err error
	for range tries {
		if err = s.first(p); err == nil {
			return s
		}
	}
	tb.Fatalf("start redis-server: %v", err)
	return nil
}

// find looks the program up.
func find(tb testing.TB) string {
	tb.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		const missing = "redis-server is missing (Debian: redis-server), and nothing here was tried against a real Redis"
		if os.Getenv("CI") == "true" {
			tb.Fatal(missing)
		}
		tb.Skip("SKIPPED: " + missing)
	}
	return program
}

// first writes the configuration, once: a server may rewrite it, and finds it
// so when it is started again.
func (s *Server) first(p plan) error {
	port := p.Port
	if port == 0 {
		var err error
		if port, err = freePort(s.tb); err != nil {
			return err
		}
	}
	s.addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
	lines := fmt.Sprintf("bind 127.0.0.1\nport %d\ndir %q\n%s", port, s.folder, p.defaults)
	if s.password != "" {
		lines += fmt.Sprintf("requirepass %[1]q\nmasterauth %[1]q\n", s.password)
	}
	lines += strings.Join(p.Directives, "\n") + "\n"
	if err := os.WriteFile(s.file("redis.conf"), []byte(lines), 0o600); err != nil {
		return err
	}
	return s.launch()
}

func (s *Server) file(name string) string { return filepath.Join(s.folder, name) }

// launch starts the program, and returns when it answers and has loaded all
// that it kept.
func (s *Server) launch() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	args := []string{s.file("redis.conf")}
	if s.mode != "" {
		args = append(args, s.mode)
	}
	run, err := launch(s.file("log"), s.program, args...)
	if err != nil {
		return err
	}
	err = await("it does not answer on "+s.addr, func() (bool, error) {
		select {
		case <-run.ended:
			return false, fmt.Errorf("it ended: %s", s.log())
		default:
			return s.answers(run.pid), nil
		}
	})
	if err != nil {
		run.kill()
		return err
	}
	s.run = run
	return nil
}

// answers reports whether this process, and not one that had the port before,
// is ready. While it loads, PING is an error.
func (s *Server) answers(pid int) bool {
	if pong, err := s.Do("PING"); err != nil || pong != "PONG" {
		return false
	}
	info, err := s.Do("INFO", "server")
	text, is := info.(string)
	return err == nil && is && strings.Contains(text, fmt.Sprintf("process_id:%d\r\n", pid))
}

// Addr is host:port, for the whole test the same.
func (s *Server) Addr() string { return s.addr }

// URL is where clients find it: redis://:password@host:port/0.
func (s *Server) URL() string {
	u := url.URL{Scheme: "redis", Host: s.addr, Path: "/0"}
	if s.password != "" {
		u.User = url.UserPassword("", s.password)
	}
	return u.String()
}

// Do carries out one command on a connection of its own. The answer is a
// string, an int64, nil, or a slice of these; what the server refuses is an
// [Error].
func (s *Server) Do(args ...string) (any, error) { return do(s.addr, s.password, args...) }

// Kill ends the process as a power cut does, and returns when it is gone. One
// that is gone already stays so.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		s.run.kill()
		s.run = nil
	}
}

// Restart starts the server again, on its port and in its folder, and returns
// when all that was kept is loaded. One that still runs is killed first.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Kill()
	if err := s.launch(); err != nil {
		s.tb.Fatalf("restart redis-server: %v", err)
	}
}

// Stop freezes the process: connections stay open and nothing is answered.
func (s *Server) Stop() {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		s.tb.Fatal("freeze redis-server: it does not run")
	}
	if err := s.run.stop(); err != nil {
		s.tb.Fatalf("freeze redis-server: %v", err)
	}
}

// Continue thaws what Stop froze.
func (s *Server) Continue() {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		s.tb.Fatal("thaw redis-server: it does not run")
	}
	if err := s.run.proceed(); err != nil {
		s.tb.Fatalf("thaw redis-server: %v", err)
	}
}

// log is the end of what the server said.
func (s *Server) log() string {
	said, err := os.ReadFile(s.file("log"))
	if err != nil {
		return err.Error()
	}
	return string(said[max(0, len(said)-8<<10):])
}

func (s *Server) end() {
	s.Kill()
	if s.tb.Failed() {
		s.tb.Logf("redis-server%s on %s said:\n%s", s.mode, s.addr, s.log())
	}
}
