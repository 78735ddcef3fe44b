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

// maxWait is how long any step may take before a test fails.
const maxWait = 20 * time.Second

// process is one run of a program.
type process struct {
	pid    int
	exited chan struct{} // closed when the process has exited
}

// launch starts a program that appends its output to a file.
func launch(log, program string, args ...string) (*process, error) {
	output, err := os.OpenFile(log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	cmd := exec.Command(program, args...) //nolint:noctx // it outlives the test's context: cleanups may still need it
	cmd.Stdout, cmd.Stderr = output, output
	setProcessAttributes(cmd)
	p := &process{exited: make(chan struct{})}
	started := make(chan error)
	go func() {
		// Linux kills the program when the thread that started it ends. So this thread
		// stays locked until the program has exited.
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
		close(p.exited)
	}()
	return p, errors.Join(<-started, output.Close())
}

// kill kills the program and its children, and returns when it has exited.
func (p *process) kill() {
	_ = syscall.Kill(-p.pid, syscall.SIGKILL) // the process group; an error means that it has exited
	<-p.exited
}

// stop freezes the program, and returns when it is stopped.
func (p *process) stop() error {
	if err := syscall.Kill(p.pid, syscall.SIGSTOP); err != nil {
		return err
	}
	return await("it does not stand still", func() (bool, error) { return isStopped(p.pid) })
}

func (p *process) resume() error { return syscall.Kill(p.pid, syscall.SIGCONT) }

// await calls holds until it returns true, an error, or too much time has passed.
func await(what string, holds func() (bool, error)) error {
	deadline, tick := time.After(maxWait), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for {
		if ok, err := holds(); ok || err != nil {
			return err
		}
		select {
		case <-deadline:
			return fmt.Errorf("%s within %s", what, maxWait)
		case <-tick.C:
		}
	}
}

// freePort returns a port that is free together with its Cluster bus port, which is 10000
// higher. Both are below the ports that Linux assigns to clients (32768 and up), so that no
// client gets the port of a killed server before its restart, or connects to itself.
func freePort(tb testing.TB) (int, error) {
	tb.Helper()
	var err error
	for range 100 {
		port := 10240 + rand.IntN(32768-10000-10240)
		if err = errors.Join(isFree(tb, port), isFree(tb, port+10000)); err == nil {
			return port, nil
		}
	}
	return 0, err
}

func isFree(tb testing.TB, port int) error {
	tb.Helper()
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return err
	}
	return l.Close()
}
