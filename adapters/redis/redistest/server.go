// Package redistest starts real Redis servers for tests (one, a Cluster, a master with
// sentinels), kills and freezes them, and simulates a faulty network between a client and a
// server. It uses no Redis library, so that it is independent of the adapter's.
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

// Config changes the defaults of a server, which are what Tocsin requires: on the loopback
// interface, writes are appended to a file and synced before they are answered, and nothing
// is evicted.
type Config struct {
	Port       int      // 0: a free one
	Password   string   // of the default user; "": none
	Directives []string // lines of redis.conf, such as "appendfsync everysec"; they override the defaults
}

// durable are the default directives.
const durable = `appendonly yes
appendfsync always
save ""
maxmemory-policy noeviction
repl-diskless-sync-delay 0
`

// Server is a redis-server on this machine. It exits with the test and, on Linux, with the
// process of the test. Its methods may be called concurrently; those that may fail the test
// must be called in the test's goroutine.
type Server struct {
	tb       testing.TB
	program  string
	folder   string
	addr     string
	password string
	mode     string // an argument after the configuration file, for example "--sentinel"

	mu  sync.Mutex
	run *process // nil while the server is killed
}

// Start starts a server and returns when it replies. If redis-server is missing, the test
// is skipped; with CI=true it fails.
func Start(tb testing.TB, c Config) *Server {
	tb.Helper()
	return start(tb, serverConfig{Config: c, defaults: durable})
}

// serverConfig is the configuration of a server to start.
type serverConfig struct {
	Config
	defaults string // directives
	mode     string
}

func start(tb testing.TB, p serverConfig) *Server {
	tb.Helper()
	s := &Server{tb: tb, program: findProgram(tb), folder: tb.TempDir(), password: p.Password, mode: p.mode}
	tb.Cleanup(s.cleanUp)
	tries := 5 // another program may take the port before the server does
	if p.Port != 0 {
		tries = 1
	}
	var err error
	for range tries {
		if err = s.startFirst(p); err == nil {
			return s
		}
	}
	tb.Fatalf("start redis-server: %v", err)
	return nil
}

// findProgram returns the path of redis-server.
func findProgram(tb testing.TB) string {
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

// startFirst chooses a port, writes the configuration and starts the server for the first
// time. Later starts do not write the configuration: the server may have rewritten
// it.
func (s *Server) startFirst(p serverConfig) error {
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

// launch starts the program, and returns when it replies and has loaded its data.
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
		case <-run.exited:
			return false, fmt.Errorf("it ended: %s", s.log())
		default:
			return s.isReady(run.pid), nil
		}
	})
	if err != nil {
		run.kill()
		return err
	}
	s.run = run
	return nil
}

// isReady reports whether this process is ready, and not an earlier one on the same port.
// While it loads its data, PING returns an error.
func (s *Server) isReady(pid int) bool {
	if pong, err := s.Do("PING"); err != nil || pong != "PONG" {
		return false
	}
	info, err := s.Do("INFO", "server")
	text, ok := info.(string)
	return err == nil && ok && strings.Contains(text, fmt.Sprintf("process_id:%d\r\n", pid))
}

// Addr returns host:port, which does not change.
func (s *Server) Addr() string { return s.addr }

// URL returns the address for clients: redis://:password@host:port/0.
func (s *Server) URL() string {
	u := url.URL{Scheme: "redis", Host: s.addr, Path: "/0"}
	if s.password != "" {
		u.User = url.UserPassword("", s.password)
	}
	return u.String()
}

// Do sends one command on a connection of its own. The reply is a string, an int64, nil, or
// a slice of these; an error reply is an [Error].
func (s *Server) Do(args ...string) (any, error) { return do(s.addr, s.password, args...) }

// Kill kills the process and returns when it has exited. It does nothing if the server is
// not running.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run != nil {
		s.run.kill()
		s.run = nil
	}
}

// Restart starts the server again, on the same port and in the same folder, and returns when
// its data is loaded. A running server is killed first.
func (s *Server) Restart() {
	s.tb.Helper()
	s.Kill()
	if err := s.launch(); err != nil {
		s.tb.Fatalf("restart redis-server: %v", err)
	}
}

// Stop freezes the process: connections stay open and get no replies.
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

// Continue resumes the process after Stop.
func (s *Server) Continue() {
	s.tb.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.run == nil {
		s.tb.Fatal("thaw redis-server: it does not run")
	}
	if err := s.run.resume(); err != nil {
		s.tb.Fatalf("thaw redis-server: %v", err)
	}
}

// log returns the end of the server's output.
func (s *Server) log() string {
	output, err := os.ReadFile(s.file("log"))
	if err != nil {
		return err.Error()
	}
	return string(output[max(0, len(output)-8<<10):])
}

// cleanUp kills the server, and logs its output if the test has failed.
func (s *Server) cleanUp() {
	s.Kill()
	if s.tb.Failed() {
		s.tb.Logf("redis-server%s on %s printed:\n%s", s.mode, s.addr, s.log())
	}
}
