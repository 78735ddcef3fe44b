// Package smtptest starts mail servers for tests: a real one, aiosmtpd, which
// stores the mail that it receives in a maildir, and a [Scripted] one that is
// slow, refuses or breaks off as a test needs it.
package smtptest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// waitTimeout is how long a step may take before the test fails.
const waitTimeout = 15 * time.Second

// Server is a mail server on this machine. It is stopped at the end of the
// test.
type Server struct {
	Addr string // host:port

	tb     testing.TB
	folder string
}

// Mail is one mail that the server received.
type Mail struct {
	From    string   // of the envelope
	To      []string // of the envelope
	Header  mail.Header
	Subject string // decoded
	Text    string // the plain part, decoded, with \n
	HTML    string // the HTML part, decoded, with \n
	Raw     []byte // as stored in the maildir
}

// Start runs a server without TLS. Without aiosmtpd the test is skipped; with
// CI=true it fails.
func Start(tb testing.TB) *Server { return start(tb) }

// StartTLS runs a server that accepts mail only after STARTTLS. The certificate
// and its key are PEM.
func StartTLS(tb testing.TB, certificate, key []byte) *Server {
	tb.Helper()
	folder := tb.TempDir()
	files := []string{filepath.Join(folder, "certificate.pem"), filepath.Join(folder, "key.pem")}
	for n, content := range [][]byte{certificate, key} {
		if err := os.WriteFile(files[n], content, 0o600); err != nil {
			tb.Fatal(err)
		}
	}
	return start(tb, "--tlscert", files[0], "--tlskey", files[1])
}

// start runs a server with options of aiosmtpd.
func start(tb testing.TB, options ...string) *Server {
	tb.Helper()
	program, err := exec.LookPath("aiosmtpd")
	if err != nil {
		const missing = "aiosmtpd is missing (Debian: python3-aiosmtpd), so no test runs against a real mail server"
		if os.Getenv("CI") == "true" {
			tb.Fatal(missing)
		}
		tb.Skip("SKIPPED: " + missing)
	}
	s := &Server{tb: tb, folder: filepath.Join(tb.TempDir(), "mail")}
	// Another program may take the port between its choice and its use.
	for range 3 {
		if err = s.run(program, options); err == nil {
			return s
		}
	}
	tb.Fatalf("start aiosmtpd: %v", err)
	return nil
}

// run starts the program once, and returns when it accepts connections.
func (s *Server) run(program string, options []string) error {
	addr, err := freeAddr(s.tb)
	if err != nil {
		return err
	}
	args := append([]string{"-n", "-l", addr, "-c", "aiosmtpd.handlers.Mailbox"}, options...)
	var output bytes.Buffer
	cmd := exec.CommandContext(s.tb.Context(), program, append(args, s.folder)...)
	cmd.Stdout, cmd.Stderr = &output, &output
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = cmd.Wait() // killed at the end of the test: always an error
	}()
	s.tb.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
	})
	deadline, tick := time.After(waitTimeout), time.NewTicker(20*time.Millisecond)
	defer tick.Stop()
	for !isGreeting(s.tb, addr) {
		select {
		case <-ended:
			return fmt.Errorf("the program ended: %s", output.String())
		case <-deadline:
			return fmt.Errorf("no greeting on %s within %s", addr, waitTimeout)
		case <-tick.C:
		}
	}
	s.Addr = addr
	return nil
}

// HostPort returns the host and the port of Addr.
func (s *Server) HostPort() (host string, port int) {
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

// Messages returns the mails received until now, in order.
func (s *Server) Messages() []Mail {
	s.tb.Helper()
	found, err := filepath.Glob(filepath.Join(s.folder, "new", "*"))
	if err != nil {
		s.tb.Fatal(err)
	}
	slices.SortFunc(found, func(a, b string) int { return sequence(a) - sequence(b) })
	all := make([]Mail, 0, len(found))
	for _, name := range found {
		raw, err := os.ReadFile(name)
		if err != nil {
			s.tb.Fatal(err)
		}
		m, err := Parse(raw)
		if err != nil {
			s.tb.Fatalf("read a mail: %v\n%s", err, raw)
		}
		all = append(all, m)
	}
	return all
}

// Wait returns the mails once there are at least n of them.
func (s *Server) Wait(n int) []Mail {
	s.tb.Helper()
	deadline, tick := time.After(waitTimeout), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for {
		if all := s.Messages(); len(all) >= n {
			return all
		}
		select {
		case <-deadline:
			s.tb.Fatalf("%d mails after %s, want %d", len(s.Messages()), waitTimeout, n)
		case <-tick.C:
		}
	}
}

// Parse parses a mail as aiosmtpd stores it, with the envelope in its X- headers.
func Parse(raw []byte) (Mail, error) {
	parsed, err := mail.ReadMessage(bytes.NewReader(raw))
	if err != nil {
		return Mail{}, err
	}
	m := Mail{Header: parsed.Header, Raw: raw, From: parsed.Header.Get("X-MailFrom")}
	for to := range strings.SplitSeq(parsed.Header.Get("X-RcptTo"), ",") {
		if to = strings.TrimSpace(to); to != "" {
			m.To = append(m.To, to)
		}
	}
	if m.Subject, err = new(mime.WordDecoder).DecodeHeader(parsed.Header.Get("Subject")); err != nil {
		return Mail{}, err
	}
	err = m.readBody(parsed)
	return m, err
}

// readBody reads the parts of the body.
func (m *Mail) readBody(parsed *mail.Message) error {
	kind, params, err := mime.ParseMediaType(parsed.Header.Get("Content-Type"))
	if err != nil {
		return err
	}
	if !strings.HasPrefix(kind, "multipart/") {
		body := parsed.Body
		if strings.EqualFold(parsed.Header.Get("Content-Transfer-Encoding"), "quoted-printable") {
			body = quotedprintable.NewReader(body)
		}
		return m.readPart(kind, body)
	}
	parts := multipart.NewReader(parsed.Body, params["boundary"])
	for {
		part, err := parts.NextPart()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		kind, _, err := mime.ParseMediaType(part.Header.Get("Content-Type"))
		if err != nil {
			return err
		}
		if err := m.readPart(kind, part); err != nil {
			return err
		}
	}
}

// readPart reads one part. It fails on a second one of the same type and on any other type.
func (m *Mail) readPart(kind string, body io.Reader) error {
	content, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	text := strings.ReplaceAll(string(content), "\r\n", "\n")
	switch {
	case kind == "text/plain" && m.Text == "":
		m.Text = text
	case kind == "text/html" && m.HTML == "":
		m.HTML = text
	default:
		return fmt.Errorf("unexpected part of type %s", kind)
	}
	return nil
}

// sequence returns the number that the maildir gave a mail: 42 for
// "1700000000.M5P9Q42.host".
func sequence(name string) int {
	_, after, _ := strings.Cut(filepath.Base(name), "Q")
	digits, _, _ := strings.Cut(after, ".")
	n, err := strconv.Atoi(digits)
	if err != nil {
		return -1
	}
	return n
}

// freeAddr returns an address of this machine with a free port.
func freeAddr(tb testing.TB) (string, error) {
	l, err := new(net.ListenConfig).Listen(tb.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return l.Addr().String(), l.Close()
}

// isGreeting reports whether a mail server answers at the address.
func isGreeting(tb testing.TB, addr string) bool {
	conn, err := (&net.Dialer{Timeout: time.Second}).DialContext(tb.Context(), "tcp", addr)
	if err != nil {
		return false
	}
	defer func() { _ = conn.Close() }()
	if conn.SetDeadline(time.Now().Add(time.Second)) != nil {
		return false
	}
	code := make([]byte, 3)
	_, err = io.ReadFull(conn, code)
	return err == nil && string(code) == "220"
}
