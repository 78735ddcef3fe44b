package email

import (
	"errors"
	"slices"

	"github.com/wneessen/go-mail/smtp"
)

var errNoLogin = errors.New("the server offers no way to log in that is known here (PLAIN, LOGIN, SCRAM-SHA-256, CRAM-MD5)")

// login picks the way to log in when the server has said which it knows. The
// library's own choice cannot be told apart from its other failures, and it
// refuses PLAIN over a connection that we have encrypted.
type login struct {
	Config
	begun bool
	smtp.Auth
}

// Start chooses, the simplest way first: the connection is encrypted, or does
// not leave this machine, and servers announce more than they can do.
func (l *login) Start(server *smtp.ServerInfo) (way string, first []byte, err error) {
	l.begun = true
	if !server.TLS && !loopback(l.Host) {
		return "", nil, smtp.ErrUnencrypted
	}
	ways := []struct {
		name string
		auth smtp.Auth
	}{
		{"PLAIN", smtp.PlainAuth("", l.Username, l.Password, l.Host, true)},
		{"LOGIN", smtp.LoginAuth(l.Username, l.Password, l.Host, true)},
		{"SCRAM-SHA-256", smtp.ScramSHA256Auth(l.Username, l.Password)},
		{"CRAM-MD5", smtp.CRAMMD5Auth(l.Username, l.Password)},
	}
	for _, w := range ways {
		if slices.Contains(server.Auth, w.name) {
			l.Auth = w.auth
			return w.auth.Start(server)
		}
	}
	return "", nil, errNoLogin
}
