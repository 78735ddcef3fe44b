package email

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"net/textproto"
	"slices"
	"strconv"
	"strings"
	"time"

	gomail "github.com/wneessen/go-mail"
	"github.com/wneessen/go-mail/smtp"

	"tocsin/bot"
)

// maxReplyBytes is how many bytes of replies are read in one SMTP session.
const maxReplyBytes = 256 << 10

// send sends the mail over a connection of its own.
func (p *Pager) send(ctx context.Context, m *gomail.Msg) error {
	return p.withSession(ctx, func(ctx context.Context, client *gomail.Client, session *smtp.Client) error {
		err := client.SendWithSMTPClient(session, m)
		if m.IsDelivered() {
			// The server has accepted the mail: end the session with QUIT, but
			// do not make the worker wait for the reply.
			quit(session)
			return nil
		}
		if refused, ok := errors.AsType[*gomail.SendError](err); ok && ctx.Err() == nil {
			return p.sendError(refused)
		}
		return p.temporaryError(ctx, "send through", err)
	})
}

// Check reports whether the server answers and accepts the login. It sends no
// mail.
func (p *Pager) Check(ctx context.Context) error {
	return p.withSession(ctx, func(_ context.Context, _ *gomail.Client, session *smtp.Client) error {
		quit(session)
		return nil
	})
}

// quit ends a session with QUIT, and waits for the reply at most one second.
func quit(session *smtp.Client) {
	_ = session.UpdateDeadline(time.Second)
	_ = session.Quit()
}

// withSession greets the server, logs in, and calls do with the session.
func (p *Pager) withSession(ctx context.Context, do func(context.Context, *gomail.Client, *smtp.Client) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout, fmt.Errorf("no answer within %s", p.timeout))
	defer cancel()
	raw, err := p.dial(ctx)
	if err != nil {
		return p.temporaryError(ctx, "reach", err)
	}
	defer func() { _ = raw.Close() }()
	// The library renews its deadline with every step, and a server that sends
	// a byte now and then would keep it busy for ever.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()

	login := &loginAuth{Config: p.cfg}
	client, err := p.newClient(raw, login)
	if err != nil {
		return p.temporaryError(ctx, "prepare for", err)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	switch {
	case err != nil && login.started && ctx.Err() == nil:
		return p.loginError(err)
	case err != nil:
		return p.temporaryError(ctx, "greet", err)
	}
	return do(ctx, client, session)
}

// dial connects. The address is joined here because the library does not
// support IPv6.
func (p *Pager) dial(ctx context.Context) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(p.cfg.Host, strconv.Itoa(p.cfg.Port)))
	if err != nil {
		return nil, err
	}
	return &limitedConn{Conn: conn, left: maxReplyBytes}, nil
}

// newClient returns the library's client for one session over an open
// connection.
func (p *Pager) newClient(raw net.Conn, login *loginAuth) (*gomail.Client, error) {
	secured := &tls.Config{
		ServerName: p.cfg.Host, RootCAs: p.roots, MinVersion: tls.VersionTLS12,
		// On this machine the alternative is no encryption at all, and mail
		// servers come with a self-signed certificate.
		InsecureSkipVerify: p.cfg.TLS == ifOffered,
	}
	conn, policy := raw, gomail.NoTLS
	switch p.cfg.TLS {
	case TLS:
		conn = tls.Client(raw, secured)
	case STARTTLS:
		policy = gomail.TLSMandatory
	case ifOffered:
		policy = gomail.TLSOpportunistic
	case None:
	}
	options := []gomail.Option{
		gomail.WithPort(p.cfg.Port), gomail.WithTimeout(p.timeout), gomail.WithTLSPolicy(policy),
		gomail.WithTLSConfig(secured), gomail.WithoutNoop(), gomail.WithoutRset(),
		gomail.WithDialContextFunc(func(context.Context, string, string) (net.Conn, error) { return conn, nil }),
	}
	if p.cfg.Username != "" {
		options = append(options, gomail.WithSMTPAuthCustom(login))
	}
	return gomail.NewClient(p.cfg.Host, options...)
}

// temporaryError returns an error that a retry may fix, with a verb for the
// failed step.
func (p *Pager) temporaryError(ctx context.Context, verb string, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		err = fmt.Errorf("%d %s", reply.Code, p.redact(reply.Msg))
	}
	return fmt.Errorf("%s mail server %s: %w", verb, p.cfg.Host, err)
}

// loginError returns the error of a refused login. It leaves out the server's
// reply: some servers reply with the password.
func (p *Pager) loginError(err error) error {
	why := "the connection was closed"
	if reply, ok := errors.AsType[*textproto.Error](err); ok {
		why = fmt.Sprintf("refused with %d; check username and %s", reply.Code, p.cfg.PasswordEnv)
	} else if errors.Is(err, errNoLogin) {
		why = errNoLogin.Error()
	}
	return fmt.Errorf("log in to mail server %s as %s: %s", p.cfg.Host, p.cfg.Username, why)
}

// sendError converts the server's refusal into an error: permanent when a retry
// would be refused again, else temporary.
//
// A recipient or text that is refused with 5xx is refused permanently, and
// would only delay later pages. A refused sender and a server that requires a
// login are temporary: an operator can fix them.
func (p *Pager) sendError(e *gomail.SendError) error {
	text, _, _ := strings.Cut(e.Error(), ", affected ") // without the recipient and the Message-ID, which the caller logs
	err := fmt.Errorf("send through mail server %s: %s", p.cfg.Host, p.redact(text))
	code := e.ErrorCode()
	switch code {
	case 530, 534, 535, 538: // authentication, RFC 4954 section 6
		return err
	}
	aboutThisMail := []gomail.SendErrReason{gomail.ErrSMTPRcptTo, gomail.ErrSMTPData, gomail.ErrSMTPDataClose}
	if code >= 500 && slices.Contains(aboutThisMail, e.Reason) {
		return bot.Permanent(err)
	}
	return err
}

// redact makes a server's reply safe to show. The password is removed in every
// form in which it was sent.
func (p *Pager) redact(text string) string {
	if p.cfg.Password != "" {
		quoted := strconv.Quote(p.cfg.Password) // textproto quotes a reply
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

// limitedConn is a connection that reads a limited number of bytes: replies are
// short, and the library buffers everything.
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
