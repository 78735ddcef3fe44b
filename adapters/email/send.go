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

// maxReplies bounds what is read from a server in one conversation.
const maxReplies = 256 << 10

// send hands the mail to the server, in one connection of its own.
func (p *Pager) send(ctx context.Context, m *gomail.Msg) error {
	return p.session(ctx, func(ctx context.Context, client *gomail.Client, session *smtp.Client) error {
		err := client.SendWithSMTPClient(session, m)
		if m.IsDelivered() {
			// From here on nothing can take the mail back; leave politely, but
			// let nobody wait for it.
			leave(session)
			return nil
		}
		if refused, is := errors.AsType[*gomail.SendError](err); is && ctx.Err() == nil {
			return p.refused(refused)
		}
		return p.failed(ctx, "send through", err)
	})
}

// Check asks whether the server answers, and accepts the login. It sends
// nothing.
func (p *Pager) Check(ctx context.Context) error {
	return p.session(ctx, func(_ context.Context, _ *gomail.Client, session *smtp.Client) error {
		leave(session)
		return nil
	})
}

// leave ends a conversation politely, and waits a second at most.
func leave(session *smtp.Client) {
	_ = session.UpdateDeadline(time.Second)
	_ = session.Quit()
}

// session greets the server, logs in, and lets do speak with it.
func (p *Pager) session(ctx context.Context, do func(context.Context, *gomail.Client, *smtp.Client) error) error {
	ctx, cancel := context.WithTimeoutCause(ctx, p.timeout, fmt.Errorf("no answer within %s", p.timeout))
	defer cancel()
	raw, err := p.dial(ctx)
	if err != nil {
		return p.failed(ctx, "reach", err)
	}
	defer func() { _ = raw.Close() }()
	// The library renews its deadline with every step, and a server that
	// hands out a byte now and then would keep it busy for ever.
	stop := context.AfterFunc(ctx, func() { _ = raw.Close() })
	defer stop()

	in := &login{Config: p.cfg}
	client, err := p.client(raw, in)
	if err != nil {
		return p.failed(ctx, "prepare for", err)
	}
	session, err := client.DialToSMTPClientWithContext(ctx)
	switch {
	case err != nil && in.begun && ctx.Err() == nil:
		return p.refusedLogin(err)
	case err != nil:
		return p.failed(ctx, "greet", err)
	}
	return do(ctx, client, session)
}

// dial connects. The address is put together here because the library's form
// knows no IPv6.
func (p *Pager) dial(ctx context.Context) (net.Conn, error) {
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", net.JoinHostPort(p.cfg.Host, strconv.Itoa(p.cfg.Port)))
	if err != nil {
		return nil, err
	}
	return &brief{Conn: conn, left: maxReplies}, nil
}

// client prepares the library for one conversation over an open connection.
func (p *Pager) client(raw net.Conn, in *login) (*gomail.Client, error) {
	secured := &tls.Config{
		ServerName: p.cfg.Host, RootCAs: p.roots, MinVersion: tls.VersionTLS12,
		// On this machine the alternative is no encryption at all, and mail
		// servers come with a certificate that nobody has signed.
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
		options = append(options, gomail.WithSMTPAuthCustom(in))
	}
	return gomail.NewClient(p.cfg.Host, options...)
}

// failed words an error that trying again may mend.
func (p *Pager) failed(ctx context.Context, verb string, err error) error {
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	if reply, is := errors.AsType[*textproto.Error](err); is {
		err = fmt.Errorf("%d %s", reply.Code, p.quote(reply.Msg))
	}
	return fmt.Errorf("%s mail server %s: %w", verb, p.cfg.Host, err)
}

// refusedLogin says nothing of what the server answered: some answer with the
// password.
func (p *Pager) refusedLogin(err error) error {
	why := "the conversation broke off"
	if reply, is := errors.AsType[*textproto.Error](err); is {
		why = fmt.Sprintf("refused with %d; check username and %s", reply.Code, p.cfg.PasswordEnv)
	} else if errors.Is(err, errNoLogin) {
		why = errNoLogin.Error()
	}
	return fmt.Errorf("log in to mail server %s as %s: %s", p.cfg.Host, p.cfg.Username, why)
}

// refused tells the answers that will stay the same from the others.
//
// A recipient or a text that is refused with 5xx is refused for good, and
// would only stand in the way of what comes after it. A sender that is refused
// is the operator's to mend, and so is a server that asks for a login.
func (p *Pager) refused(e *gomail.SendError) error {
	text, _, _ := strings.Cut(e.Error(), ", affected ") // recipient and Message-ID are known to whoever reads this
	err := fmt.Errorf("send through mail server %s: %s", p.cfg.Host, p.quote(text))
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

// quote makes a server's words safe to show. The password is taken out in
// every form in which it was sent.
func (p *Pager) quote(text string) string {
	if p.cfg.Password != "" {
		quoted := strconv.Quote(p.cfg.Password) // textproto quotes what it was told
		encode := base64.StdEncoding.EncodeToString
		text = strings.NewReplacer(
			encode([]byte("\x00"+p.cfg.Username+"\x00"+p.cfg.Password)), "[redacted]",
			encode([]byte(p.cfg.Password)), "[redacted]",
			quoted[1:len(quoted)-1], "[redacted]",
			p.cfg.Password, "[redacted]",
		).Replace(text)
	}
	return line(text, 300)
}

// brief is a connection that reads only so much: replies are short, and the
// library keeps whatever comes.
type brief struct {
	net.Conn
	left int
}

// Read fails once the server has said too much.
func (b *brief) Read(into []byte) (int, error) {
	if b.left <= 0 {
		return 0, errors.New("the server's answers do not end")
	}
	n, err := b.Conn.Read(into[:min(len(into), b.left)])
	b.left -= n
	return n, err
}
