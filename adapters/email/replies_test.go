package email

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/wneessen/go-mail/smtp"

	"tocsin/bot"
)

// script is a mail server with scripted replies, once for each connection. An
// unexpected command fails the test.
type script struct {
	greeting string            // instead of "220 hello"
	replies  map[string]string // by verb; "." is the end of the mail; "" closes the connection, "hang" never replies
	login    string            // the mechanisms it announces
	tls      *tls.Config       // encrypted from the first byte
}

// serve runs the script, and returns a configuration for it. mails stops it and
// returns the number of mails that it has accepted.
func (s script) serve(t *testing.T) (cfg Config, mails func() int) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if s.tls != nil {
		l = tls.NewListener(l, s.tls)
	}
	var running sync.WaitGroup
	var mu sync.Mutex
	accepted := 0
	running.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			running.Go(func() {
				defer conn.Close()
				if s.converse(t, conn) {
					mu.Lock()
					accepted++
					mu.Unlock()
				}
			})
		}
	})
	end := func() {
		l.Close()
		running.Wait()
	}
	t.Cleanup(end)
	cfg = testConfig()
	cfg.Port = l.Addr().(*net.TCPAddr).Port
	return cfg, func() int {
		end()
		return accepted
	}
}

// converse runs one SMTP session and reports whether a mail was accepted.
func (s script) converse(t *testing.T, conn net.Conn) (accepted bool) {
	in := bufio.NewScanner(conn)
	say := func(verb, usual string) bool {
		reply, ok := s.replies[verb]
		switch {
		case !ok:
			reply = usual
		case reply == "":
			return false
		case reply == "hang":
			in.Scan() // until the client gives up
			return false
		}
		_, err := fmt.Fprintf(conn, "%s\r\n", reply)
		return err == nil
	}
	fmt.Fprintf(conn, "%s\r\n", cmp.Or(s.greeting, "220 hello"))
	for in.Scan() {
		verb, _, _ := strings.Cut(strings.ToUpper(in.Text()), " ")
		var usual string
		switch verb {
		case "EHLO":
			usual = "250 hello"
			if s.login != "" {
				usual = "250-hello\r\n250 AUTH " + s.login
			}
		case "HELO", "MAIL", "RCPT", "RSET":
			usual = "250 fine"
		case "AUTH":
			usual = "235 welcome"
		case "*":
			usual = "501 so be it"
		case "QUIT":
			say(verb, "221 bye")
			return accepted
		case "DATA":
			if !say(verb, "354 go on") {
				return accepted
			}
			if s.replies["DATA"] != "" {
				continue
			}
			for in.Scan() && in.Text() != "." {
			}
			_, ok := s.replies["."]
			accepted = !ok && in.Err() == nil
			verb, usual = ".", "250 accepted"
		default:
			t.Errorf("unexpected command %q", in.Text())
			return accepted
		}
		if !say(verb, usual) {
			return accepted
		}
	}
	return accepted
}

// Each refusal of a server is permanent or temporary, as a retry would be
// refused again or not.
func TestReplies(t *testing.T) {
	const fine, temporary, permanent = "fine", "temporary", "permanent"
	for name, c := range map[string]struct {
		script script
		want   string
		says   string
	}{
		"accepted":                      {script{}, fine, ""},
		"busy at once":                  {script{greeting: "421 too busy"}, temporary, "421"},
		"refused at once":               {script{greeting: "554 go away"}, temporary, "554"},
		"greylisted":                    {script{replies: map[string]string{"RCPT": "450 4.2.0 greylisted"}}, temporary, "450"},
		"closing down":                  {script{replies: map[string]string{"RCPT": "421 closing"}}, temporary, "421"},
		"unknown mailbox":               {script{replies: map[string]string{"RCPT": "550 5.1.1 no such user"}}, permanent, "no such user"},
		"mailbox over its limit":        {script{replies: map[string]string{"RCPT": "552 5.2.2 over quota"}}, permanent, "over quota"},
		"login wanted at the sender":    {script{replies: map[string]string{"MAIL": "530 5.7.0 login first"}}, temporary, "530"},
		"login wanted at the recipient": {script{replies: map[string]string{"RCPT": "530 5.7.0 login first"}}, temporary, "530"},
		"sender refused":                {script{replies: map[string]string{"MAIL": "553 5.7.1 not your address"}}, temporary, "553"},
		"no data now":                   {script{replies: map[string]string{"DATA": "451 later"}}, temporary, "451"},
		"no data ever":                  {script{replies: map[string]string{"DATA": "554 never"}}, permanent, "554"},
		"text deferred":                 {script{replies: map[string]string{".": "452 disk full"}}, temporary, "452"},
		"text refused":                  {script{replies: map[string]string{".": "552 too large"}}, permanent, "552"},
		"closed after the mail":         {script{replies: map[string]string{".": ""}}, temporary, "EOF"},
		"closed before it":              {script{replies: map[string]string{"MAIL": ""}}, temporary, "EOF"},
		"closed after accepting":        {script{replies: map[string]string{"QUIT": ""}}, fine, ""},
		"several lines":                 {script{replies: map[string]string{"RCPT": "550-no\r\n550 \x1b[31mreally"}}, permanent, "really"},
		"nonsense":                      {script{greeting: "HTTP/1.1 400 Bad Request"}, temporary, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, mails := c.script.serve(t)
			err := newPager(t, cfg).Page(t.Context(), escalationPage())
			got := temporary
			switch {
			case err == nil:
				got = fine
			case bot.IsPermanent(err):
				got = permanent
			}
			if got != c.want || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("%s: %v; want %s, saying %q", got, err, c.want, c.says)
			}
			if isUnclean(fmt.Sprint(err)) {
				t.Errorf("the error is not safe to show: %q", err)
			}
			if (mails() == 1) != (c.want == fine) {
				t.Errorf("%d mails were accepted", mails())
			}
		})
	}
}

func TestRefusedConnectionIsTemporary(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	cfg := testConfig()
	cfg.Port = l.Addr().(*net.TCPAddr).Port
	l.Close()
	if err := newPager(t, cfg).Page(t.Context(), escalationPage()); err == nil || bot.IsPermanent(err) {
		t.Errorf("got %v, want a temporary error", err)
	}
}

// A server that stops answering at any step fails the send for now.
func TestSilentServerTimesOut(t *testing.T) {
	for _, verb := range []string{"EHLO", "MAIL", "RCPT", "DATA", "."} {
		cfg, _ := script{replies: map[string]string{verb: "hang"}}.serve(t)
		p := newPager(t, cfg)
		if p.timeout != 5*time.Second {
			t.Fatalf("a send may last %s", p.timeout)
		}
		p.timeout = 50 * time.Millisecond
		err := p.Page(t.Context(), escalationPage())
		if err == nil || bot.IsPermanent(err) || !strings.Contains(err.Error(), "127.0.0.1") {
			t.Errorf("%s: %v, want a temporary error", verb, err)
		}

		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		err = newPager(t, cfg).Page(ctx, escalationPage())
		cancel()
		if !errors.Is(err, context.DeadlineExceeded) || bot.IsPermanent(err) {
			t.Errorf("%s: %v, want the caller's deadline", verb, err)
		}
	}
}

// A server that never stops sending neither fills the memory nor delays the page.
func TestEndlessReplyIsCutOff(t *testing.T) {
	cfg, _ := script{greeting: "220 " + strings.Repeat("x", maxReplyBytes)}.serve(t)
	if err := newPager(t, cfg).Page(t.Context(), escalationPage()); err == nil || !strings.Contains(err.Error(), "too long") {
		t.Errorf("got %v", err)
	}
}

// With tls: tls the connection is encrypted from the first byte, and the
// certificate is verified.
func TestTLSFromTheFirstByte(t *testing.T) {
	certificate, key := newCertificate(t)
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	cfg, mails := script{login: "PLAIN", tls: &tls.Config{Certificates: []tls.Certificate{pair}}}.serve(t)
	cfg.TLS, cfg.Username, cfg.Password = TLS, "tocsin", "opensesame"
	if err := newPager(t, cfg).Page(t.Context(), escalationPage()); err == nil || bot.IsPermanent(err) {
		t.Errorf("got %v, want a temporary error: the certificate is not trusted", err)
	}
	p := newPager(t, cfg)
	p.roots = x509.NewCertPool()
	p.roots.AppendCertsFromPEM(certificate)
	if err := p.Page(t.Context(), escalationPage()); err != nil || mails() != 1 {
		t.Errorf("got %v, %d mails", err, mails())
	}
}

// Whatever a server replies, the password is in no error and no log (P4: secrets are
// never shown).
func TestP4NoSecretLeaks(t *testing.T) {
	const password = "open\"sesame-ünd-more" // quoting and encoding change how it looks
	b64 := base64.StdEncoding.EncodeToString
	echoes := password + " " + b64([]byte(password)) + " " + b64([]byte("\x00tocsin\x00"+password))
	for name, s := range map[string]script{
		"accepted":           {login: "PLAIN"},
		"login refused":      {login: "PLAIN", replies: map[string]string{"AUTH": "535 5.7.8 wrong: " + echoes}},
		"login deferred":     {login: "LOGIN", replies: map[string]string{"AUTH": "454 later: " + echoes}},
		"login never ends":   {login: "PLAIN", replies: map[string]string{"AUTH": "334 " + b64([]byte(echoes))}},
		"login interrupted":  {login: "PLAIN", replies: map[string]string{"AUTH": ""}},
		"login unknown":      {login: "XOAUTH2"},
		"no login":           {},
		"recipient refused":  {login: "PLAIN", replies: map[string]string{"RCPT": "550 " + echoes}},
		"recipient deferred": {login: "PLAIN", replies: map[string]string{"RCPT": "450 " + echoes}},
		"text refused":       {login: "PLAIN", replies: map[string]string{".": "554 " + echoes}},
		"closed":             {login: "PLAIN", replies: map[string]string{"MAIL": ""}},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, _ := s.serve(t)
			cfg.Username, cfg.PasswordEnv, cfg.Password = "tocsin", "SMTP_PASSWORD", password
			var logged bytes.Buffer
			p, err := New(cfg, slog.New(slog.NewTextHandler(&logged, &slog.HandlerOptions{Level: slog.LevelDebug})))
			if err != nil {
				t.Fatal(err)
			}
			err = p.Page(t.Context(), escalationPage())
			if (err == nil) != (name == "accepted") {
				t.Errorf("got %v", err)
			}
			if strings.Contains(name, "login") && (err == nil || bot.IsPermanent(err) || !strings.Contains(err.Error(), "log in")) {
				t.Errorf("got %v, want a temporary error about the login: the operator can fix it", err)
			}
			shown := logged.String()
			for ; err != nil; err = errors.Unwrap(err) {
				shown += fmt.Sprintf("\n%v\n%+v", err, err)
			}
			shown += fmt.Sprintf("\n%v\n%+v\n%#v\n%s", cfg, cfg, cfg, cfg)
			for _, secret := range append(strings.Fields(echoes), "sesame") {
				if strings.Contains(shown, secret) {
					t.Errorf("the password is shown: %s", shown)
				}
			}
		})
	}
}

// The simplest mechanism is chosen, and none over a connection in plain text.
func TestLogins(t *testing.T) {
	encode := base64.StdEncoding.EncodeToString
	for mechanisms, wants := range map[string][]string{
		"CRAM-MD5 LOGIN PLAIN": {"AUTH PLAIN " + encode([]byte("\x00tocsin\x00opensesame"))},
		"XOAUTH2 LOGIN":        {"AUTH LOGIN"},
	} {
		in := &loginAuth{Config: Config{Host: "127.0.0.1", Username: "tocsin", Password: "opensesame"}}
		got, first, err := in.Start(serverInfo(mechanisms, false))
		if err != nil || strings.TrimSpace("AUTH "+got+" "+encode(first)) != wants[0] {
			t.Errorf("%s: AUTH %s %s, %v; want %s", mechanisms, got, first, err, wants[0])
		}
	}
	in := &loginAuth{Config: Config{Host: "smtp.example.com", Username: "tocsin", Password: "opensesame"}}
	if _, _, err := in.Start(serverInfo("PLAIN", false)); err == nil {
		t.Error("the password would be sent in plain text")
	}
}

// serverInfo returns what a server announces.
func serverInfo(mechanisms string, encrypted bool) *smtp.ServerInfo {
	return &smtp.ServerInfo{Name: "127.0.0.1", TLS: encrypted, Auth: strings.Fields(mechanisms)}
}
