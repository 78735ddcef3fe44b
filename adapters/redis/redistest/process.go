package redistest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"testing"
	"time"
)

// patience is how long anything may take before a test fails.
const patience = 20 * time.Second

// process is one run of a program.
type process struct {
	pid   int
	ended chan struct{} // closed once it is gone
}

// launch starts a program that appends what it says to a file.
func launch(log, program string, args ...string) (*process, error) {
	said, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, args...) //nolint:noctx // it outlives the test's context: cleanups may still need it
	cmd.Stdout, cmd.Stderr = said, said
	tie(cmd)
	p := &process{ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		// "Dies with its parent" means with the thread that started it: this
		// one, which therefore stays until the program has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		if err == nil {
			p.pid = cmd.Process.Pid
		}
		started <- err
		if err == nil {
			_ = cmd.Wait() // killed: always an error
		}
		close(p.ended)
	}()
	return p, errors.Join(<-started, said.Close())
}

// kill ends the program with whatever it forked, and returns when it is gone.
func (p *process) kill() {
	_ = syscall.Kill(-p.pid, syscall.SIGKILL) // its group; an error means that it is gone
	<-p.ended
}

// stop freezes the program, and returns when it stands still.
func (p *process) stop() error {
	if err := syscall.Kill(p.pid, syscall.SIGSTOP); err != nil {
		return err
	}
	return await("it does not stand still", func() (bool, error) { return stopped(p.pid) })
}

func (p *process) proceed() error { return syscall.Kill(p.pid, syscall.SIGCONT) }

// await looks again and again until something holds, or fails.
func await(what string, holds func() (bool, error)) error {
	deadline, tick := time.After(patience), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := holds(); ok || err != nil {
			return err
		}
		select {
		case <-deadline:
			return fmt.Errorf("%s within %s", what, patience)
		case <-tick.C:
		}
	}
}

// freePort finds a port that is free, and so is its cluster bus, 10000 above.
// Both lie below those that Linux gives to clients (32768 and up): no client
// can be given the port of a server that is killed and will be started again,
// nor connect to itself while it tries to reach it.
func freePort(tb testing.TB) (int, error) {
	tb.Helper()
	var err error
	for range 100 {
		port := 10240 + rand.IntN(32768-10000-10240)
		if err = errors.Join(free(tb, port), free(tb, port+10000)); err == nil {
			return port, nil
		}
	}
	return 0, err
}

func free(tb testing.TB, port int) error {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	return l.Close()
}
