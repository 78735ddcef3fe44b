package email

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net/mail"
	"strconv"
	"strings"
	"time"

	"tocsin/bot"
)

// envelope is a mail with its sender and recipient, as it is handed over.
type envelope struct {
	from, to string // bare addresses
	text     []byte // header and body
}

// send hands a mail to the server over a session of its own.
func (p *Pager) send(ctx context.Context, m envelope) error {
	s, err := p.open(ctx, p.cfg.Timeouts)
	if err != nil {
		return err
	}
	defer s.close()
	ended, err := s.deliver(ctx, m)
	if err == nil {
		return nil
	}
	failed := p.failure("send through", err)
	refused, ok := errors.AsType[*replyError](err)
	switch {
	case ok && refused.isPermanent():
		return bot.Permanent(failed)
	case ended && (!ok || refused.code < 400): // nothing that says no
		return fmt.Errorf("%w: %w", failed, bot.ErrUnknownOutcome)
	}
	return failed
}

// deliver hands a mail to the server. ended reports whether all of the mail was
// sent: without a reply the server may then have accepted it.
func (s *session) deliver(ctx context.Context, m envelope) (ended bool, err error) {
	from, to := "FROM:"+formatPath(m.from), "TO:"+formatPath(m.to)
	if _, ok := s.extensions["SMTPUTF8"]; ok && !isASCII(m.to) {
		from += " BODY=8BITMIME SMTPUTF8" // RFC 6531
	}
	if _, err = s.command(ctx, stepMail, from); err != nil {
		return false, err
	}
	if _, err = s.command(ctx, stepRecipient, to); err != nil {
		return false, err
	}
	if _, err = s.command(ctx, stepData, ""); err != nil {
		return false, err
	}
	s.inStep = true
	err = s.do(ctx, stepTransfer, func(context.Context) error {
		lines := s.text.DotWriter()
		if _, failed := lines.Write(m.text); failed != nil {
			return failed
		}
		// The last write ends with the end of the mail: if it fails, the server
		// cannot have all of it.
		return lines.Close()
	})
	if err != nil {
		return false, err
	}
	return true, s.do(ctx, stepEnd, func(context.Context) error {
		_, err := s.read(stepEnd)
		return err
	})
}

// isPermanent reports whether a retry would be refused again. A recipient or
// text that is refused with 5xx would, and a retry would only delay later
// pages. A refused sender and a server that requires a login are temporary: an
// operator can fix them.
func (e *replyError) isPermanent() bool {
	switch e.code {
	case 530, 534, 535, 538: // authentication, RFC 4954 section 6
		return false
	}
	return e.code >= 500 && (e.step == stepRecipient || e.step == stepData || e.step == stepEnd)
}

// formatPath formats an address for a command (RFC 5321 section 4.1.2).
func formatPath(address string) string { return (&mail.Address{Address: address}).String() }

// isASCII reports whether a text has only characters of ASCII.
func isASCII(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool { return r > '~' })
}

// open connects, greets the server and logs in, within limits.
func (p *Pager) open(ctx context.Context, limits Timeouts) (*session, error) {
	s, err := p.connect(ctx, limits)
	if err != nil {
		return nil, p.failure("reach", err)
	}
	if err = p.greet(ctx, s); err != nil {
		err = p.failure("greet", err)
	} else if p.cfg.Username != "" {
		err = p.logIn(ctx, s)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	return s, nil
}

// connect connects to the server.
func (p *Pager) connect(ctx context.Context, limits Timeouts) (*session, error) {
	s := &session{limits: limits}
	began := time.Now()
	err := limitStep(ctx, stepConnect, limits.Connect, func(ctx context.Context) error {
		conn, err := p.dialer.connect(ctx, p.cfg.Host, p.cfg.Port)
		if err == nil {
			s.raw = &limitedConn{Conn: conn, left: maxReplyBytes}
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	s.took = []stepTime{{stepConnect, time.Since(began)}}
	s.use(s.raw)
	return s, nil
}

// greet exchanges greetings with the server, and encrypts the connection as
// configured.
func (p *Pager) greet(ctx context.Context, s *session) error {
	settings := &tls.Config{
		ServerName: p.cfg.Host, RootCAs: p.roots, MinVersion: tls.VersionTLS12,
		// On this machine the alternative is no encryption at all, and mail
		// servers come with a self-signed certificate.
		InsecureSkipVerify: p.cfg.TLS == ifOffered,
	}
	if p.cfg.TLS == TLS {
		if err := s.encrypt(ctx, settings); err != nil {
			return err
		}
	}
	if err := s.greet(ctx); err != nil {
		return err
	}
	name := p.cfg.helloTo(s.raw)
	if err := s.hello(ctx, name); err != nil {
		return err
	}
	_, offered := s.extensions["STARTTLS"]
	switch {
	case p.cfg.TLS == STARTTLS && !offered:
		return errors.New("it does not offer STARTTLS, without which no mail is sent")
	case p.cfg.TLS != STARTTLS && (p.cfg.TLS != ifOffered || !offered):
		return nil
	}
	if _, err := s.command(ctx, stepSTARTTLS, ""); err != nil {
		return err
	}
	if err := s.encrypt(ctx, settings); err != nil {
		return err
	}
	return s.hello(ctx, name) // what it said before may have come from an attacker (RFC 3207 section 4.2)
}

// failure returns an error that a retry may fix, with a verb for what failed.
func (p *Pager) failure(verb string, err error) error {
	if refused, ok := errors.AsType[*replyError](err); ok {
		err = &replyError{refused.step, reply{refused.code, p.redact(refused.text)}}
	}
	return fmt.Errorf("%s mail server %s: %w", verb, p.cfg.Host, err)
}

// redact makes a server's reply safe to show. The password is removed in every
// form in which it was sent.
func (p *Pager) redact(text string) string {
	if p.cfg.Password != "" {
		quoted := strconv.Quote(p.cfg.Password) // some servers quote what they were sent
		encode := base64.StdEncoding.EncodeToString
		text = strings.NewReplacer(
			encode([]byte("\x00"+p.cfg.Username+"\x00"+p.cfg.Password)), "[redacted]",
			encode([]byte(p.cfg.Password)), "[redacted]",
			quoted[1:len(quoted)-1], "[redacted]",
			p.cfg.Password, "[redacted]",
		).Replace(text)
	}
	return cleanLine(text, 300)
}
