// Package email pages people by mail, through any SMTP server. A slow server is
// waited for, as RFC 5321 section 4.5.3.2 asks for.
//
// A mail has the content that bot/card renders, as plain text and as HTML that
// loads nothing. The same page always has the same Message-ID, so that a repeat
// after a crash is recognized (E3: check again before each send), and all mails
// of one incident form one thread.
package email

import (
	"bytes"
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

	gomail "github.com/wneessen/go-mail"

	"tocsin/bot"
	"tocsin/workflow"
)

//go:embed mail.html
var layout string

// Pager pages people by mail.
type Pager struct {
	cfg    Config
	from   *mail.Address
	layout *template.Template
	log    *slog.Logger
	dialer dialer
	roots  *x509.CertPool // trusted certificates; nil: the system's
}

var _ bot.Pager = (*Pager)(nil)

// New returns a pager. It does not connect: a mail server that is down at start
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
		return nil, fmt.Errorf("parse mail.html: %w", err)
	}
	return &Pager{
		cfg: applyDefaults(cfg), from: from, layout: page, log: cmp.Or(log, slog.New(slog.DiscardHandler)),
		dialer: newDialer(),
	}, nil
}

// Page sends one mail. A nil error means that the server has accepted it. An
// invalid address, an unknown mailbox and a refused text are permanent errors;
// everything else is temporary, a refused login included: an operator may fix
// it. When all of the mail was sent and no reply came, the error wraps
// [bot.ErrUnknownOutcome].
//
// It may take minutes, as long as the [Timeouts] allow: the context is the only
// limit of the whole.
func (p *Pager) Page(ctx context.Context, page bot.Page) error {
	m, err := p.compose(page)
	if err != nil {
		return bot.Permanent(fmt.Errorf("compose mail: %w", err))
	}
	var text bytes.Buffer
	if _, err = m.WriteTo(&text); err != nil {
		return bot.Permanent(fmt.Errorf("compose mail: %w", err))
	}
	to, err := parseRecipient(page.Address)
	if err != nil {
		return bot.Permanent(fmt.Errorf("compose mail: %w", err))
	}
	err = p.send(ctx, envelope{from: p.from.Address, to: to, text: text.Bytes()})
	if err != nil {
		return err
	}
	p.log.DebugContext(ctx, "mail accepted", "key", page.Key, "person", page.Person, "message_id", m.GetMessageID())
	return nil
}

// compose returns the mail of a page. Everything from outside is cleaned before
// it becomes a header, whether or not the caller has cleaned it.
func (p *Pager) compose(page bot.Page) (*gomail.Msg, error) {
	to, err := parseRecipient(page.Address)
	if err != nil {
		return nil, err
	}
	c := newContent(page)
	html, err := c.html(p.layout)
	if err != nil {
		return nil, err
	}
	text := c.text()

	m := gomail.NewMsg(gomail.WithNoDefaultUserAgent())
	m.FromMailAddress(p.from)
	m.ToMailAddress(&mail.Address{Name: escapeEncodedWord(cleanLine(page.Name, maxLabel)), Address: to})
	m.Subject(escapeEncodedWord(c.Title))
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
	// The boundary is a hash of everything between the boundaries: no text can
	// contain it, and a repeat is the same to the byte.
	m.SetBoundary("tocsin" + digest("boundary", page.Key, text, html))
	m.SetBodyString(gomail.TypeTextPlain, text)
	m.AddAlternativeString(gomail.TypeTextHTML, html)
	return m, nil
}

// escapeEncodedWord keeps a text from being decoded as an encoded word (RFC
// 2047), which could bring back characters that were removed.
func escapeEncodedWord(text string) string { return strings.ReplaceAll(text, "=?", "= ?") }

// messageID derives an identifier that never changes and that no other
// installation with another sender's address makes. It reveals nothing.
func (p *Pager) messageID(kind, key string) string {
	_, domain, _ := strings.Cut(p.from.Address, "@")
	return kind + "." + digest(kind, p.from.Address, key) + "@" + domain
}

// digest returns a hash that is short enough for a header line and long enough
// to be unique.
func digest(parts ...string) string {
	h := sha256.New()
	for _, part := range parts {
		fmt.Fprintf(h, "%d:%s", len(part), part)
	}
	return hex.EncodeToString(h.Sum(nil))[:24]
}
