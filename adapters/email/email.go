// Package email pages people by mail, through any SMTP server.
//
// A mail says what bot/card wrote, as plain text and as HTML that loads
// nothing. The same page always carries the same Message-ID, so that a repeat
// after a crash is recognized (rule E3), and all mails of one incident make
// one thread.
package email

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/x509"
	_ "embed"
	"encoding/hex"
	"fmt"
	"html/template"
	"log/slog"
	"net/mail"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"

	"tocsin/bot"
	"tocsin/workflow"
)

// sendTimeout bounds one page, whatever the server does: it is shorter than
// the lease under which the page is sent.
const sendTimeout = 5 * time.Second

//go:embed mail.html
var layout string

// Pager pages by mail.
type Pager struct {
	cfg     Config
	from    *mail.Address
	layout  *template.Template
	log     *slog.Logger
	timeout time.Duration
	roots   *x509.CertPool // nil: the system's
}

var _ bot.Pager = (*Pager)(nil)

// New makes a pager. It does not connect: a mail server that is down at start
// may be up when it is needed.
func New(cfg Config, log *slog.Logger) (*Pager, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure email: %w", err)
	}
	if cfg.Username != "" && cfg.Password == "" {
		return nil, fmt.Errorf("configure email: the environment variable %s is empty: put the password of %s into it",
			cfg.PasswordEnv, cfg.Username)
	}
	from, err := parseFrom(cfg.From)
	if err != nil {
		return nil, fmt.Errorf("configure email: %w", err)
	}
	page, err := template.New("mail").Parse(layout)
	if err != nil {
		return nil, fmt.Errorf("parse the mail's layout: %w", err)
	}
	return &Pager{
		cfg: withDefaults(cfg), from: from, layout: page, timeout: sendTimeout,
		log: cmp.Or(log, slog.New(slog.DiscardHandler)),
	}, nil
}

// Page sends one mail. A nil error means that the server has taken it over. An
// address that is none, an unknown mailbox and a refused text are permanent;
// everything else, a refused login included, somebody may mend.
func (p *Pager) Page(ctx context.Context, page bot.Page) error {
	m, err := p.compose(page)
	if err != nil {
		return bot.Permanent(fmt.Errorf("write the mail: %w", err))
	}
	if err := p.send(ctx, m); err != nil {
		return err
	}
	p.log.DebugContext(ctx, "mail accepted", "key", page.Key, "person", page.Person, "message_id", m.GetMessageID())
	return nil
}

// compose writes the mail. Everything that comes from outside is cleaned
// before it becomes a header, whoever cleaned it before.
func (p *Pager) compose(page bot.Page) (*gomail.Msg, error) {
	to, err := parseRecipient(page.Address)
	if err != nil {
		return nil, err
	}
	said := read(page)
	html, err := said.html(p.layout)
	if err != nil {
		return nil, err
	}
	text := said.text()

	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(p.from)
	m.ToMailAddress(&mail.Address{Name: plain(line(page.Name, maxLabel)), Address: to})
	m.Subject(plain(said.Title))
	m.SetDateWithValue(p.cfg.Now().UTC())
	m.SetMessageIDWithValue(p.messageID("page", page.Key))
	if len(page.Incidents) > 0 {
		root := "<" + p.messageID("incident", page.Incidents[0].ID) + ">"
		m.SetGenHeader(gomail.HeaderInReplyTo, root)
		m.SetGenHeader(gomail.HeaderReferences, root)
	}
	m.SetGenHeader("Auto-Submitted", "auto-generated")        // RFC 3834
	m.SetGenHeader(gomail.HeaderXAutoResponseSuppress, "All") // the same for Exchange
	if page.Purpose == workflow.PurposeEscalation || page.Purpose == workflow.PurposeCatchAll {
		m.SetImportance(gomail.ImportanceHigh)
	}
	// The boundary depends on all that is between the boundaries: nobody can
	// write a text that contains it, and a repeat is the same to the byte.
	m.SetBoundary("tocsin" + digest("boundary", page.Key, text, html))
	m.SetBodyString(gomail.TypeTextPlain, text)
	m.AddAlternativeString(gomail.TypeTextHTML, html)
	return m, nil
}

// plain keeps a text from being read as one that is already encoded
// (RFC 2047): it could bring back whatever was cleaned away.
func plain(text string) string { return strings.ReplaceAll(text, "=?", "= ?") }

// messageID derives an identifier that never changes, and that no other
// installation makes which writes from another address. It tells nothing.
func (p *Pager) messageID(kind, key string) string {
	_, domain, _ := strings.Cut(p.from.Address, "@")
	return kind + "." + digest(kind, p.from.Address, key) + "@" + domain
}

// digest is short enough for a header line, and long enough never to meet its
// like.
func digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))[:24]
}
