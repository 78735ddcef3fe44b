package email

import (
	"errors"
	"slices"

	"github.com/wneessen/go-mail/smtp"
)

// errNoLogin is the error when the server announces no mechanism that
// loginAuth knows.
var errNoLogin = errors.New("the server offers no supported login (PLAIN, LOGIN, SCRAM-SHA-256, CRAM-MD5)")

// loginAuth chooses the login mechanism when the server has announced which it
// supports. The library's own choice fails with an error that cannot be
// distinguished from others, and refuses PLAIN over a connection that we have
// encrypted.
type loginAuth struct {
	Config
	started bool
	smtp.Auth
}

// Start begins the login with the simplest mechanism that the server announces:
// the connection is encrypted, or does not leave this machine, and some servers
// announce mechanisms that do not work.
func (l *loginAuth) Start(server *smtp.ServerInfo) (mechanism string, first []byte, err error) {
	l.started = true
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
