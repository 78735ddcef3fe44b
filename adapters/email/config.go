package email

import (
	"errors"
	"fmt"
	"net/mail"
	"net/netip"
	"strings"
	"time"

	"tocsin/workflow"
)

// Encryption says how the way to the mail server is kept secret.
type Encryption string

// The ways to encrypt. When none is written, port 465 means TLS; a server on
// this machine means STARTTLS if it is offered; everything else STARTTLS, and
// no mail without it.
const (
	STARTTLS Encryption = "starttls" // plain at first, then encrypted; no mail if the server does not offer it
	TLS      Encryption = "tls"      // encrypted from the first byte (RFC 8314)
	None     Encryption = "none"     // never encrypted
)

// ifOffered is the default towards this machine: it cannot be written, because
// on a network whoever stands in the middle decides what is offered.
const ifOffered Encryption = ""

// The ports of submission: RFC 6409 and RFC 8314.
const (
	portSubmission  = 587
	portSubmissions = 465
)

// Config is the section "email" of the pagers.
type Config struct {
	Host        string     `yaml:"host"`         // of the mail server
	Port        int        `yaml:"port"`         // [587; 465 with tls: tls]
	From        string     `yaml:"from"`         // an address, or Name <address>
	Username    string     `yaml:"username"`     // empty: nobody logs in
	PasswordEnv string     `yaml:"password_env"` // names the environment variable
	TLS         Encryption `yaml:"tls"`

	// Password is what the variable named by PasswordEnv holds.
	Password string `json:"-" yaml:"-"`
	// Now is the clock of the Date header [time.Now].
	Now func() time.Time `json:"-" yaml:"-"`
}

// String describes the configuration without its password.
func (c Config) String() string {
	return fmt.Sprintf("%s:%d from %s", c.Host, c.Port, c.From)
}

// GoString keeps the password out of %#v as well.
func (c Config) GoString() string { return "email.Config{" + c.String() + "}" }

// Validate reports every fault, and what would be right instead. It does not
// ask for the password, which a configuration that is only checked lacks.
func (c Config) Validate() error {
	whole := withDefaults(c)
	faults := []error{whole.checkServer(), whole.checkTLS()}
	if _, err := parseFrom(c.From); err != nil {
		faults = append(faults, err)
	}
	switch {
	case c.Username != "" && c.PasswordEnv == "" && c.Password == "":
		faults = append(faults, errors.New("password_env is missing: name the environment variable that holds the password"))
	case c.Username == "" && c.PasswordEnv != "":
		faults = append(faults, errors.New("username is missing: write whom password_env belongs to, or leave both out"))
	case unclean(c.Username):
		faults = append(faults, errors.New("username holds control characters: write it on one line"))
	}
	return errors.Join(faults...)
}

func (c Config) checkServer() error {
	if c.Host == "" {
		return errors.New("host is missing: write the mail server's name, such as smtp.example.com")
	}
	if _, err := netip.ParseAddr(c.Host); err != nil && (unclean(c.Host) || strings.ContainsAny(c.Host, " :/@[]")) {
		return fmt.Errorf("host %q is not a server's name: write only the name, such as smtp.example.com, and the port under port", c.Host)
	}
	if c.Port < 1 || c.Port > 65535 {
		return fmt.Errorf("port %d does not exist: write 587, 465 or 25", c.Port)
	}
	return nil
}

func (c Config) checkTLS() error {
	switch c.TLS {
	case STARTTLS:
		if c.Port == portSubmissions {
			return errors.New("port 465 is encrypted from the first byte: write tls: tls, or port: 587")
		}
	case None:
		if c.Username != "" && !loopback(c.Host) {
			return errors.New("tls: none would send the password readable through the network: write tls: starttls or tls: tls")
		}
	case TLS, ifOffered:
	default:
		return fmt.Errorf("tls %q is unknown: write starttls, tls or none", c.TLS)
	}
	return nil
}

func withDefaults(c Config) Config {
	if c.Port == 0 {
		c.Port = portSubmission
		if c.TLS == TLS {
			c.Port = portSubmissions
		}
	}
	if c.TLS == "" {
		switch {
		case c.Port == portSubmissions:
			c.TLS = TLS
		case !loopback(c.Host):
			c.TLS = STARTTLS
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c
}

// loopback reports whether the way to the host stays within this machine.
func loopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

// parseFrom reads the sender. Its domain becomes a part of every Message-ID,
// which is ASCII.
func parseFrom(text string) (*mail.Address, error) {
	from, err := mail.ParseAddress(text)
	switch {
	case text == "":
		return nil, errors.New("from is missing: write the sender's address, such as tocsin@example.com")
	case err != nil || unclean(text):
		return nil, fmt.Errorf("from %q is not a mail address: write one such as tocsin@example.com", text)
	}
	for _, r := range from.Address {
		if r > '~' {
			return nil, fmt.Errorf("from %q is not plain ASCII: write its domain in the form that begins with xn--", text)
		}
	}
	if from.Name == "" {
		from.Name = "Tocsin"
	}
	return from, nil
}

// parseRecipient reads a bare address. One that carries more than an address
// (a name, a second address, a line break) is refused.
func parseRecipient(text string) (string, error) {
	to, err := mail.ParseAddress(text)
	if err != nil || unclean(text) || to.Name != "" || to.Address != strings.Trim(text, "<> ") {
		return "", fmt.Errorf("%q is not a mail address", text)
	}
	return to.Address, nil
}

// unclean reports characters that would end a line or hide in it.
func unclean(text string) bool {
	clean, _ := workflow.CleanLine(text, len(text)+1)
	return clean != text
}
