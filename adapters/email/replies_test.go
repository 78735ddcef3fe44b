package email

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"

	"github.com/wneessen/go-mail/smtp"

	"tocsin/adapters/email/smtptest"
	"tocsin/bot"
)

// replies is what a scripted server does, by step.
type replies = map[smtptest.Step]smtptest.Reply

// startScripted runs a scripted server, and returns a configuration for it.
func startScripted(t *testing.T, script smtptest.Script) (Config, *smtptest.Scripted) {
	t.Helper()
	server := smtptest.StartScripted(t, script)
	cfg := testConfig()
	cfg.Host, cfg.Port = server.HostPort()
	return cfg, server
}

// text returns a reply with a text.
func text(reply string) smtptest.Reply { return smtptest.Reply{Text: reply} }

// The outcomes of a page.
const (
	fine      = "fine"
	temporary = "temporary"
	permanent = "permanent"
	unknown   = "unknown"
)

// outcomeOf returns the outcome that an error of Page says.
func outcomeOf(err error) string {
	switch {
	case err == nil:
		return fine
	case bot.IsPermanent(err):
		return permanent
	case errors.Is(err, bot.ErrUnknownOutcome):
		return unknown
	}
	return temporary
}

// Each refusal of a server is permanent or temporary, as a retry would be
// refused again or not. Only the end of the mail can have an unknown outcome
// (E4c: slow is not failed).
func TestReplies(t *testing.T) {
	drop := smtptest.Reply{Drop: true}
	for name, c := range map[string]struct {
		replies replies
		want    string
		says    string
	}{
		"accepted":                      {nil, fine, ""},
		"accepted with another code":    {replies{".": text("200 ok")}, fine, ""},
		"busy at once":                  {replies{"greeting": text("421 too busy")}, temporary, "it greeted with 421 too busy"},
		"refused at once":               {replies{"greeting": text("554 go away")}, temporary, "554 go away"},
		"name refused":                  {replies{"EHLO": text("550 who?"), "HELO": text("550 who?")}, temporary, "EHLO with 550 who?"},
		"name deferred":                 {replies{"EHLO": text("451 who?")}, temporary, "EHLO with 451 who?"},
		"an old server":                 {replies{"EHLO": text("502 what?")}, fine, ""},
		"greylisted":                    {replies{"RCPT": text("450 4.2.0 greylisted")}, temporary, "RCPT with 450 4.2.0"},
		"closing down":                  {replies{"RCPT": text("421 closing")}, temporary, "421"},
		"unknown mailbox":               {replies{"RCPT": text("550 5.1.1 no such user")}, permanent, "no such user"},
		"forwarded":                     {replies{"RCPT": text("251 user not local; will forward")}, fine, ""},
		"mailbox over its limit":        {replies{"RCPT": text("552 5.2.2 over quota")}, permanent, "over quota"},
		"login wanted at the sender":    {replies{"MAIL": text("530 5.7.0 login first")}, temporary, "530"},
		"login wanted at the recipient": {replies{"RCPT": text("530 5.7.0 login first")}, temporary, "530"},
		"sender refused":                {replies{"MAIL": text("553 5.7.1 not your address")}, temporary, "553"},
		"no data now":                   {replies{"DATA": text("451 later")}, temporary, "451"},
		"no data ever":                  {replies{"DATA": text("554 never")}, permanent, "554"},
		"data accepted before it came":  {replies{"DATA": text("250 fine")}, temporary, "DATA with 250"},
		"text deferred":                 {replies{".": text("452 disk full")}, temporary, "the mail with 452"},
		"text refused":                  {replies{".": text("552 too large")}, permanent, "552"},
		"closing down after the mail":   {replies{".": text("421 closing")}, temporary, "421"},
		"closed after the mail":         {replies{".": drop}, unknown, "closed the connection (the mail): the provider may have accepted it"},
		"nonsense after the mail":       {replies{".": text("thanks")}, unknown, "not SMTP"},
		"a question after the mail":     {replies{".": text("354 more?")}, unknown, "354"},
		"closed before it":              {replies{"MAIL": drop}, temporary, "closed the connection (MAIL)"},
		"closed at once":                {replies{"greeting": drop}, temporary, "closed the connection (greeting)"},
		"closed after accepting":        {replies{"QUIT": drop}, fine, ""},
		"several lines":                 {replies{"RCPT": text("550-no\r\n550 \x1b[31mreally")}, permanent, "really"},
		"nonsense":                      {replies{"greeting": text("HTTP/1.1 400 Bad Request")}, temporary, "not SMTP"},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, server := startScripted(t, smtptest.Script{Replies: c.replies})
			err := newPager(t, cfg).Page(t.Context(), escalationPage())
			if got := outcomeOf(err); got != c.want || !strings.Contains(fmt.Sprint(err), c.says) {
				t.Errorf("%s: %v; want %s, saying %q", got, err, c.want, c.says)
			}
			if isUnclean(fmt.Sprint(err)) {
				t.Errorf("the error is not safe to show: %q", err)
			}
			accepted := 0
			for _, m := range server.Stop() {
				if m.Accepted {
					accepted++
				}
			}
			if (accepted == 1) != (c.want == fine) {
				t.Errorf("%d mails were accepted", accepted)
			}
		})
	}
}

// A server that refuses for now or for good, at whatever step, has failed: no
// refusal is taken for an unknown outcome (E4c: slow is not failed).
func TestRefusalsAtEachStep(t *testing.T) {
	for _, step := range []smtptest.Step{"greeting", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "."} {
		for _, refusal := range []string{"421 closing", "451 local error", "452 no storage", "552 exceeded"} {
			t.Run(string(step)+" "+refusal[:3], func(t *testing.T) {
				all := replies{step: text(refusal)}
				if step == smtptest.StepEHLO {
					all[smtptest.StepHELO] = text(refusal)
				}
				cfg, _ := startScripted(t, smtptest.Script{Replies: all, Extensions: []string{"AUTH PLAIN"}})
				cfg.Username, cfg.PasswordEnv, cfg.Password = "tocsin", "SMTP_PASSWORD", "opensesame"
				want := temporary
				if refusal[0] == '5' && (step == "RCPT" || step == "DATA" || step == ".") {
					want = permanent
				}
				err := newPager(t, cfg).Page(t.Context(), escalationPage())
				if got := outcomeOf(err); got != want || !strings.Contains(fmt.Sprint(err), refusal[:3]) {
					t.Errorf("%s: %v; want %s", got, err, want)
				}
			})
		}
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
	if err := newPager(t, cfg).Page(t.Context(), escalationPage()); outcomeOf(err) != temporary {
		t.Errorf("got %v, want a temporary error", err)
	}
}

// A server that never stops sending neither fills the memory nor delays the page.
func TestEndlessReplyIsCutOff(t *testing.T) {
	for _, reply := range []string{
		"220 " + strings.Repeat("x", maxReplyBytes), strings.Repeat("220-x\r\n", maxReplyBytes/7) + "220 x",
	} {
		cfg, _ := startScripted(t, smtptest.Script{Replies: replies{"greeting": text(reply)}})
		if err := newPager(t, cfg).Page(t.Context(), escalationPage()); err == nil || !strings.Contains(err.Error(), "too long") {
			t.Errorf("got %v", err)
		}
	}
}

// newPair returns a certificate for 127.0.0.1, and a pool that trusts it.
func newPair(t *testing.T) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	certificate, key := newCertificate(t)
	pair, err := tls.X509KeyPair(certificate, key)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(certificate)
	return &pair, pool
}

// With tls: tls the connection is encrypted from the first byte, and the
// certificate is verified.
func TestTLSFromTheFirstByte(t *testing.T) {
	pair, pool := newPair(t)
	cfg, server := startScripted(t, smtptest.Script{Extensions: []string{"AUTH PLAIN"}, Certificate: pair, ImplicitTLS: true})
	cfg.TLS, cfg.Username, cfg.Password = TLS, "tocsin", "opensesame"
	if err := newPager(t, cfg).Page(t.Context(), escalationPage()); outcomeOf(err) != temporary || !strings.Contains(err.Error(), "certificate") {
		t.Errorf("got %v, want a temporary error: the certificate is not trusted", err)
	}
	p := newPager(t, cfg)
	p.roots = pool
	if err := p.Page(t.Context(), escalationPage()); err != nil || len(server.Stop()) != 1 {
		t.Errorf("got %v, %d mails", err, len(server.Received()))
	}
}

// What a server announces before STARTTLS counts for nothing after it.
func TestExtensionsAreAskedForAgain(t *testing.T) {
	pair, pool := newPair(t)
	cfg, server := startScripted(t, smtptest.Script{Extensions: []string{"SMTPUTF8", "AUTH LOGIN PLAIN"}, Certificate: pair})
	cfg.TLS, cfg.Username, cfg.Password = STARTTLS, "tocsin", "opensesame"
	p := newPager(t, cfg)
	p.roots = pool
	page := escalationPage()
	page.Address = "anä@example.com"
	if err := p.Page(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	got := server.Stop()
	if len(got) != 1 || got[0].From != "FROM:<tocsin@example.com> BODY=8BITMIME SMTPUTF8" || got[0].To != "TO:<anä@example.com>" {
		t.Errorf("received %+v", got)
	}
}

// Whatever a server replies, the password is in no error and no log (P4: secrets are
// never shown).
func TestP4NoSecretLeaks(t *testing.T) {
	const password = "open\"sesame-ünd-more" // quoting and encoding change how it looks
	b64 := base64.StdEncoding.EncodeToString
	echoes := password + " " + b64([]byte(password)) + " " + b64([]byte("\x00tocsin\x00"+password))
	for name, c := range map[string]struct {
		login   string
		replies replies
	}{
		"accepted":           {login: "PLAIN"},
		"login refused":      {"PLAIN", replies{"AUTH": text("535 5.7.8 wrong: " + echoes)}},
		"login deferred":     {"LOGIN", replies{"AUTH": text("454 later: " + echoes)}},
		"login never ends":   {"PLAIN", replies{"AUTH": text("334 " + b64([]byte(echoes)))}},
		"login is no base64": {"PLAIN", replies{"AUTH": text("334 " + echoes)}},
		"login interrupted":  {"PLAIN", replies{"AUTH": {Drop: true}}},
		"login is not SMTP":  {"PLAIN", replies{"AUTH": text(echoes)}},
		"login unknown":      {login: "XOAUTH2"},
		"no login":           {},
		"recipient refused":  {"PLAIN", replies{"RCPT": text("550 " + echoes)}},
		"recipient deferred": {"PLAIN", replies{"RCPT": text("450 " + echoes)}},
		"text refused":       {"PLAIN", replies{".": text("554 " + echoes)}},
		"text not answered":  {"PLAIN", replies{".": text(echoes)}},
		"closed":             {"PLAIN", replies{"MAIL": {Drop: true}}},
	} {
		t.Run(name, func(t *testing.T) {
			script := smtptest.Script{Replies: c.replies}
			if c.login != "" {
				script.Extensions = []string{"AUTH " + c.login}
			}
			cfg, _ := startScripted(t, script)
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
			shown := logged.String() + showAll(err)
			shown += fmt.Sprintf("\n%v\n%+v\n%#v\n%s", cfg, cfg, cfg, cfg)
			for _, secret := range append(strings.Fields(echoes), "sesame") {
				if strings.Contains(shown, secret) {
					t.Errorf("the password is shown: %s", shown)
				}
			}
		})
	}
}

// showAll returns an error and all that it wraps.
func showAll(err error) string {
	if err == nil {
		return ""
	}
	shown := fmt.Sprintf("\n%v\n%+v\n%#v", err, err, err)
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			shown += showAll(one)
		}
	}
	shown += showAll(errors.Unwrap(err))
	return shown
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
