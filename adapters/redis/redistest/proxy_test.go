package redistest

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// dialProxy connects to the proxy. The connection is closed when the test ends.
func dialProxy(t *testing.T, p *Proxy) *client {
	t.Helper()
	c, err := dial(p.Addr(), "")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	return c
}

// isHangUp reports whether the other side has closed the connection.
func isHangUp(err error) bool { return errors.Is(err, io.EOF) || errors.Is(err, syscall.ECONNRESET) }

// TestLoseReplies: the client gets no reply, and the command was executed.
func TestLoseReplies(t *testing.T) {
	s := Start(t, Config{})
	p := NewProxy(t, s.Addr())
	c := dialProxy(t, p)
	if _, err := c.do("SET", "n", "0"); err != nil {
		t.Fatal(err)
	}
	p.LoseReplies(2)
	for n := range 2 {
		if n > 0 {
			c = dialProxy(t, p)
		}
		if answer, err := c.do("INCR", "n"); !isHangUp(err) {
			t.Fatalf("a reply that is lost: %v %v", answer, err)
		}
	}
	wantReply(t, s, "2", "GET", "n")
	if !p.Lost() {
		t.Error("it says that nothing was lost")
	}
	p.LoseRepliesTo(1, "INCR")
	c = dialProxy(t, p)
	if got, err := c.do("GET", "n"); err != nil || got != "2" {
		t.Fatalf("another request than the one to be lost: %v %v", got, err)
	}
	if answer, err := c.do("INCR", "n"); !isHangUp(err) {
		t.Fatalf("a reply that is lost: %v %v", answer, err)
	}
	if got, err := dialProxy(t, p).do("INCR", "n"); err != nil || got != int64(4) {
		t.Fatalf("after it: %v %v", got, err)
	}
}

// TestHalfClose: the client gets no reply, and the command was executed. Connections that
// have missed a reply are closed by Heal.
func TestHalfClose(t *testing.T) {
	s := Start(t, Config{})
	p := NewProxy(t, s.Addr())
	c := dialProxy(t, p)
	p.HalfClose()
	if err := c.conn.SetDeadline(time.Now().Add(100 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c.conn, "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$1\r\nv\r\n"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.read(); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("a client of a silent server gets %v", err)
	}
	wantReply(t, s, "v", "GET", "k")
	p.Heal()
	if got, err := c.do("GET", "k"); err == nil {
		t.Errorf("on a connection that missed a reply: %v", got)
	}
	if got, err := dialProxy(t, p).do("GET", "k"); err != nil || got != "v" {
		t.Errorf("after it: %v %v", got, err)
	}
}

// TestDelay: both directions are delayed, and the order is kept.
func TestDelay(t *testing.T) {
	p := NewProxy(t, Start(t, Config{}).Addr())
	c := dialProxy(t, p)
	p.Delay(50 * time.Millisecond)
	began := time.Now()
	if got, err := c.do("PING"); err != nil || got != "PONG" {
		t.Fatal(got, err)
	}
	if took := time.Since(began); took < 100*time.Millisecond {
		t.Errorf("answered after %s", took)
	}
	p.Delay(time.Hour)
	go func() { p.Cut() }()
	if got, err := c.do("PING"); err == nil {
		t.Errorf("cut while held up: %v", got)
	}
}

// TestCut: connections are closed, new ones are refused, and the address does not change.
func TestCut(t *testing.T) {
	s := Start(t, Config{})
	p := NewProxy(t, s.Addr())
	c := dialProxy(t, p)
	if _, err := c.do("PING"); err != nil {
		t.Fatal(err)
	}
	p.Cut()
	p.Cut()
	if got, err := c.do("PING"); err == nil {
		t.Errorf("on a connection that was cut: %v", got)
	}
	if _, err := net.DialTimeout("tcp", p.Addr(), time.Second); !errors.Is(err, syscall.ECONNREFUSED) {
		t.Errorf("a new connection: %v", err)
	}
	p.Heal()
	p.Heal()
	if got, err := dialProxy(t, p).do("PING"); err != nil || got != "PONG" {
		t.Errorf("after it: %v %v", got, err)
	}
	s.Kill()
	if _, err := dialProxy(t, p).do("PING"); !isHangUp(err) {
		t.Errorf("without a server: %v", err)
	}
	s.Restart()
	if got, err := dialProxy(t, p).do("PING"); err != nil || got != "PONG" {
		t.Errorf("with the server again: %v %v", got, err)
	}
}

// TestProxyBusy: many clients send large values while faults come and go: every reply is
// right, and in the end every client gets one.
func TestProxyBusy(t *testing.T) {
	p := NewProxy(t, Start(t, Config{Directives: []string{"appendonly no"}}).Addr())
	value := strings.Repeat("x", 300<<10)
	healed := make(chan struct{})
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for last := false; !last; {
				select {
				case <-healed:
					last = true
				default:
				}
				got, err := do(p.Addr(), "", "ECHO", value)
				if err != nil && last || err == nil && got != value {
					t.Errorf("an answer of %v, healed %v", err, last)
				}
			}
		})
	}
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	faults := []func(){p.Cut, p.Heal, func() { p.LoseReplies(2) }, func() { p.Delay(time.Millisecond) }, p.HalfClose}
	for n := range 20 * len(faults) {
		<-tick.C
		faults[n%len(faults)]()
	}
	p.Heal()
	close(healed)
	wg.Wait()
}
