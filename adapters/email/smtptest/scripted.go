package smtptest

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// Step is a step of an SMTP session, at which a [Scripted] server can
// misbehave. A command is a step under its verb.
type Step string

// The steps, in the order of a session.
const (
	StepHandshake Step = "handshake" // of TLS: after the connection with ImplicitTLS, else after STARTTLS
	StepGreeting  Step = "greeting"
	StepEHLO      Step = "EHLO"
	StepHELO      Step = "HELO"
	StepStartTLS  Step = "STARTTLS"
	StepAuth      Step = "AUTH"
	StepMailFrom  Step = "MAIL"
	StepRcptTo    Step = "RCPT"
	StepData      Step = "DATA"
	StepText      Step = "text" // reading the text of the mail; has no reply
	StepDot       Step = "."    // the end of the mail
	StepQuit      Step = "QUIT"
)

// Reply is what a [Scripted] server does at a step. The zero value is the usual
// reply, at once.
type Reply struct {
	Text    string          // instead of the usual reply, such as "451 later"; lines are separated by \r\n
	After   <-chan struct{} // reply only when this is closed
	Delay   time.Duration   // reply this much later
	Hang    bool            // never reply, at StepText never read, and keep the connection open
	Drop    bool            // close the connection instead of a reply
	Trickle bool            // send one endless line, a byte a second
}

// Script is what a [Scripted] server does.
type Script struct {
	Replies     map[Step]Reply
	Extensions  []string         // announced after EHLO, such as "AUTH PLAIN"
	Certificate *tls.Certificate // for TLS; nil: without
	ImplicitTLS bool             // TLS from the first byte, not by STARTTLS
}

// Scripted is a mail server that does what a script says. An unexpected command
// fails the test. It stops at the end of the test.
type Scripted struct {
	Addr string // host:port; "" without a listener

	tb       testing.TB
	script   Script
	listener net.Listener // may be nil
	running  sync.WaitGroup
	stopped  chan struct{}
	stopOnce sync.Once

	mu       sync.Mutex
	reached  map[Step]chan struct{}
	received []Received
}

// Received is a mail whose last line a [Scripted] server has got.
type Received struct {
	Hello    string // the name that the client gave with EHLO or HELO
	From, To string // as in the commands, with their parameters
	Text     string // the lines, with \n
	Accepted bool   // the client has got a positive reply
}

// NewScripted returns a server that is reached by its Dial alone, so that it
// works in the bubble of [testing/synctest], where minutes pass at once.
func NewScripted(tb testing.TB, script Script) *Scripted {
	s := &Scripted{tb: tb, script: script, stopped: make(chan struct{}), reached: map[Step]chan struct{}{}}
	tb.Cleanup(func() { s.Stop() })
	return s
}

// StartScripted runs a server on a free port of this machine.
func StartScripted(tb testing.TB, script Script) *Scripted {
	tb.Helper()
	s := NewScripted(tb, script)
	var err error
	if s.listener, err = new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0"); err != nil {
		tb.Fatal(err)
	}
	s.Addr = s.listener.Addr().String()
	s.running.Go(s.accept)
	return s
}

// Dial connects to the server, whatever the address.
func (s *Scripted) Dial(context.Context, string, string) (net.Conn, error) {
	client, server := net.Pipe()
	s.serve(server) //nolint:contextcheck // the session outlives the dialing
	return client, nil
}

// HostPort returns the host and the port of Addr.
func (s *Scripted) HostPort() (host string, port int) {
	s.tb.Helper()
	host, text, err := net.SplitHostPort(s.Addr)
	if err != nil {
		s.tb.Fatal(err)
	}
	if port, err = strconv.Atoi(text); err != nil {
		s.tb.Fatal(err)
	}
	return host, port
}

// Reached is closed when a client has come to a step for the first time, before
// the server replies.
func (s *Scripted) Reached(step Step) <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.reachedLocked(step)
}

// reachedLocked returns the channel of a step, which it makes on first use.
func (s *Scripted) reachedLocked(step Step) chan struct{} {
	if s.reached[step] == nil {
		s.reached[step] = make(chan struct{})
	}
	return s.reached[step]
}

// Stop ends the server and all its sessions, and returns what it has received.
func (s *Scripted) Stop() []Received {
	s.stopOnce.Do(func() {
		close(s.stopped)
		if s.listener != nil {
			_ = s.listener.Close()
		}
	})
	s.running.Wait()
	return s.Received()
}

// Received returns the mails that have come to their last line until now.
func (s *Scripted) Received() []Received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.received)
}

// accept serves the connections of the listener until the server is stopped.
func (s *Scripted) accept() {
	for {
		conn, err := s.listener.Accept()
		if err != nil {
			return
		}
		s.serve(conn)
	}
}

// serve begins a session over a connection.
func (s *Scripted) serve(conn net.Conn) {
	ended := make(chan struct{})
	s.running.Go(func() {
		defer close(ended)
		session := &dialog{server: s, conn: conn, in: bufio.NewScanner(conn)}
		session.run()
	})
	s.running.Go(func() {
		select {
		case <-s.stopped:
		case <-ended:
		}
		_ = conn.Close()
	})
}
