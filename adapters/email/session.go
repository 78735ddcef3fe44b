package email

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/textproto"
	"strings"
	"syscall"
	"time"
)

// maxReplyBytes is how many bytes of replies are read in one SMTP session.
const maxReplyBytes = 256 << 10

// session is one SMTP session (RFC 5321). Each step has a time limit of its own
// (E4c: slow is not failed), which is for all of the step: a server that sends a
// byte now and then does not extend it.
//
// The SMTP clients of the standard library and of go-mail know one limit for the
// whole session, ignore an error while the end of the mail is written, and wait
// for the reply to QUIT.
type session struct {
	limits     Timeouts
	raw        net.Conn // below TLS; closing it ends every step
	text       *textproto.Conn
	encrypted  bool
	extensions map[string]string // by name, as the server announced them
	inStep     bool              // the server's reply to what was sent last is not read
	took       []stepTime
}

// stepTime is how long a step took.
type stepTime struct {
	step step
	time time.Duration
}

// reply is the server's reply to a command. The lines of its text are joined by
// \n.
type reply struct {
	code int
	text string
}

// replyError is the error of a reply that refuses a command. The text is the
// server's.
type replyError struct {
	step step
	reply
}

// Error returns the reply and what it refuses.
func (e *replyError) Error() string {
	what := "answered " + string(e.step)
	if e.step == stepGreeting {
		what = "greeted"
	}
	return strings.TrimSpace(fmt.Sprintf("it %s with %d %s", what, e.code, e.text))
}

// limitStep calls do within the time limit of a step. The error is a
// *[timeoutError] after the limit, and wraps the context's when that ends first.
func limitStep(ctx context.Context, name step, limit time.Duration, do func(context.Context) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, limit, &timeoutError{name, limit})
	defer cancel()
	err := do(ctx)
	if _, answered := errors.AsType[*replyError](err); err == nil || answered {
		return err
	}
	if end, ok := ctx.Deadline(); ok && !time.Now().Before(end) {
		<-ctx.Done() // the network's own timer may be a little ahead of the context's
	}
	if ctx.Err() != nil {
		cause := context.Cause(ctx)
		if _, ok := errors.AsType[*timeoutError](cause); ok {
			return cause
		}
		return fmt.Errorf("stopped while waiting (%s): %w", name, cause)
	}
	for _, closed := range []error{io.EOF, io.ErrUnexpectedEOF, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, closed) {
			return fmt.Errorf("it closed the connection (%s)", name)
		}
	}
	return err
}

// do does one step over the connection, which is closed when the step exceeds
// its limit: nothing else ends a read or a write.
func (s *session) do(ctx context.Context, name step, do func(context.Context) error) error {
	began := time.Now()
	err := limitStep(ctx, name, s.limits.of(name), func(ctx context.Context) error {
		stop := context.AfterFunc(ctx, func() { _ = s.raw.Close() })
		defer stop()
		return do(ctx)
	})
	s.took = append(s.took, stepTime{name, time.Since(began)})
	return err
}

// use begins to speak SMTP over a connection, raw or TLS over it, and forgets
// everything that came before.
func (s *session) use(conn net.Conn) {
	s.text, s.extensions = textproto.NewConn(conn), nil
}

// encrypt begins TLS.
func (s *session) encrypt(ctx context.Context, settings *tls.Config) error {
	conn := tls.Client(s.raw, settings)
	s.inStep = true
	if err := s.do(ctx, stepHandshake, conn.HandshakeContext); err != nil {
		return err
	}
	s.inStep, s.encrypted = false, true
	s.use(conn)
	return nil
}

// read reads the reply to what was sent. One that does not say yes is a
// *[replyError].
func (s *session) read(name step) (reply, error) {
	code, text, err := s.text.ReadResponse(0)
	if _, ok := errors.AsType[textproto.ProtocolError](err); ok { // it contains what the server sent
		return reply{}, fmt.Errorf("its reply is not SMTP (%s)", name)
	}
	if err != nil {
		return reply{}, err
	}
	s.inStep = false
	answer := reply{code, text}
	if !name.isDoneBy(code) {
		return answer, &replyError{name, answer}
	}
	return answer, nil
}

// greet reads the server's greeting.
func (s *session) greet(ctx context.Context) error {
	s.inStep = true
	return s.do(ctx, stepGreeting, func(context.Context) error {
		_, err := s.read(stepGreeting)
		return err
	})
}

// command sends a command and reads the reply.
func (s *session) command(ctx context.Context, name step, arguments string) (reply, error) {
	var answer reply
	err := s.do(ctx, name, func(context.Context) (err error) {
		answer, err = s.exchange(name, strings.TrimSpace(string(name)+" "+arguments))
		return err
	})
	return answer, err
}

// exchange sends a line and reads the reply.
func (s *session) exchange(name step, line string) (reply, error) {
	s.inStep = true
	if err := s.text.PrintfLine("%s", line); err != nil {
		return reply{}, err
	}
	return s.read(name)
}

// hello introduces the client under a name and notes what the server offers. A
// server that refuses EHLO gets HELO (RFC 5321 section 3.2).
func (s *session) hello(ctx context.Context, name string) error {
	answer, err := s.command(ctx, stepEHLO, name)
	if refused, ok := errors.AsType[*replyError](err); ok && refused.code >= 500 {
		if _, old := s.command(ctx, stepHELO, name); old == nil {
			return nil
		}
	}
	if err != nil {
		return err
	}
	s.extensions = map[string]string{}
	lines := strings.Split(answer.text, "\n")
	for _, line := range lines[1:] {
		key, value, _ := strings.Cut(line, " ")
		s.extensions[strings.ToUpper(key)] = value
	}
	return nil
}

// close ends the session with QUIT, if the server waits for a command, and does
// not wait for the reply: the outcome is known, and a server that is slow even
// here must not delay it.
func (s *session) close() {
	if !s.inStep {
		_ = s.raw.SetWriteDeadline(time.Now().Add(time.Second))
		_ = s.text.PrintfLine("QUIT")
	}
	_ = s.raw.Close()
}

// limitedConn is a connection that reads a limited number of bytes: replies are
// short, and a reply is read as a whole.
type limitedConn struct {
	net.Conn
	left int
}

// Read fails once the server has sent too much.
func (b *limitedConn) Read(into []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the server's reply is too long")
	}
	n, err := b.Conn.Read(into[:min(len(into), b.left)])
	b.left -= n
	return n, err
}
