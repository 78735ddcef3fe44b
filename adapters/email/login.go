package email

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/wneessen/go-mail/smtp"
)

// errNoLogin is the error when the server announces no mechanism that
// loginAuth knows.
var errNoLogin = errors.New("the server offers no supported login (PLAIN, LOGIN, SCRAM-SHA-256, CRAM-MD5)")

// errLoginProtocol is the error when the server asks for something that is not
// a part of the mechanism.
var errLoginProtocol = errors.New("the server does not follow the login that it offers")

// loginAuth chooses the login mechanism when the server has announced which it
// supports. The library's own choice fails with an error that cannot be
// distinguished from others, and refuses PLAIN over a connection that we have
// encrypted.
type loginAuth struct {
	Config
	smtp.Auth
}

// Start begins the login with the simplest mechanism that the server announces:
// the connection is encrypted, or does not leave this machine, and some servers
// announce mechanisms that do not work.
func (l *loginAuth) Start(server *smtp.ServerInfo) (mechanism string, first []byte, err error) {
	if !server.TLS && !isLoopback(l.Host) {
		return "", nil, smtp.ErrUnencrypted
	}
	mechanisms := []struct {
		name string
		auth smtp.Auth
	}{
		{"PLAIN", smtp.PlainAuth("", l.Username, l.Password, l.Host, true)},
		{"LOGIN", smtp.LoginAuth(l.Username, l.Password, l.Host, true)},
		{"SCRAM-SHA-256", smtp.ScramSHA256Auth(l.Username, l.Password)},
		{"CRAM-MD5", smtp.CRAMMD5Auth(l.Username, l.Password)},
	}
	for _, m := range mechanisms {
		if slices.Contains(server.Auth, m.name) {
			l.Auth = m.auth
			return m.auth.Start(server)
		}
	}
	return "", nil, errNoLogin
}

// logIn logs in, all of it within the limit of one command.
func (p *Pager) logIn(ctx context.Context, s *session) error {
	login := &loginAuth{Config: p.cfg}
	server := &smtp.ServerInfo{Name: p.cfg.Host, TLS: s.encrypted, Auth: strings.Fields(s.extensions["AUTH"])}
	mechanism, first, err := login.Start(server)
	if err == nil {
		err = s.do(ctx, stepAuth, func(context.Context) error { return s.logIn(login, mechanism, first) })
	}
	if err != nil {
		return p.loginError(err)
	}
	return nil
}

// logIn exchanges the messages of a login mechanism (RFC 4954 section 4).
func (s *session) logIn(login smtp.Auth, mechanism string, message []byte) error {
	encode, decode := base64.StdEncoding.EncodeToString, base64.StdEncoding.DecodeString
	answer, err := s.exchange(stepAuth, strings.TrimSpace("AUTH "+mechanism+" "+encode(message)))
	for err == nil && answer.code != 235 {
		s.inStep = true // after an error the server still waits for a message
		var challenge []byte
		if challenge, err = decode(answer.text); err != nil {
			return errLoginProtocol
		}
		if message, err = login.Next(challenge, true); err != nil {
			return errLoginProtocol
		}
		answer, err = s.exchange(stepAuth, encode(message))
	}
	return err
}

// loginError returns the error of a failed login. It leaves out the server's
// reply: some servers reply with the password.
func (p *Pager) loginError(err error) error {
	if refused, ok := errors.AsType[*replyError](err); ok {
		err = fmt.Errorf("refused with %d; check username and %s", refused.code, p.cfg.PasswordEnv)
	}
	return fmt.Errorf("log in to mail server %s as %s: %w", p.cfg.Host, p.cfg.Username, err)
}
