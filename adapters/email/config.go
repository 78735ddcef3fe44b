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

// Encryption says how the connection to the mail server is encrypted.
type Encryption string

// The values of [Encryption]. The default is TLS on port 465, STARTTLS if it is
// offered for a server on this machine, and else STARTTLS, without which no
// mail is sent.
const (
	STARTTLS Encryption = "starttls" // starts in plain text; no mail is sent if the server does not offer it
	TLS      Encryption = "tls"      // encrypted from the first byte (RFC 8314)
	None     Encryption = "none"     // never encrypted
)

// ifOffered means STARTTLS if the server offers it, and is the default for a
// server on this machine. It cannot be configured, because on a network an
// attacker in the middle decides what is offered.
const ifOffered Encryption = ""

// The ports of submission: RFC 6409 and RFC 8314.
const (
	portSubmission  = 587
	portSubmissions = 465
)

// Config is the section "email" of the pagers in the configuration.
type Config struct {
	Host        string     `yaml:"host"`         // of the mail server
	Port        int        `yaml:"port"`         // [587; 465 with tls: tls]
	From        string     `yaml:"from"`         // an address, or Name <address>
	Username    string     `yaml:"username"`     // empty: no login
	PasswordEnv string     `yaml:"password_env"` // the environment variable with the password
	TLS         Encryption `yaml:"tls"`
	EHLO        string     `yaml:"ehlo"` // the name under which Tocsin introduces itself [see helloName]
	Timeouts    Timeouts   `yaml:"timeouts"`

	// URL is the address at which people reach Tocsin, for the default of EHLO; may be empty.
	URL string `json:"-" yaml:"-"`
	// Password is the value of the variable that PasswordEnv names.
	Password string `json:"-" yaml:"-"`
	// Now is the clock of the Date header; nil: [time.Now].
	Now func() time.Time `json:"-" yaml:"-"`
}

// String describes the configuration without its password.
func (c Config) String() string {
	return fmt.Sprintf("%s:%d from %s", c.Host, c.Port, c.From)
}

// GoString keeps the password out of %#v as well.
func (c Config) GoString() string { return "email.Config{" + c.String() + "}" }

// Validate reports every mistake in the configuration, and what would be right.
// It does not require the password, which is absent when a configuration is only
// checked.
func (c Config) Validate() error {
	complete := applyDefaults(c)
	mistakes := []error{complete.checkServer(), complete.checkTLS(), c.checkEHLO(), complete.checkTimeouts()}
	if _, err := parseFrom(c.From); err != nil {
		mistakes = append(mistakes, err)
	}
	switch {
	case c.Username != "" && c.PasswordEnv == "" && c.Password == "":
		mistakes = append(mistakes, errors.New("password_env is missing: name the environment variable that holds the password"))
	case c.Username == "" && c.PasswordEnv != "":
		mistakes = append(mistakes, errors.New("username is missing: write the user of password_env, or leave both out"))
	case isUnclean(c.Username):
		mistakes = append(mistakes, errors.New("username contains control characters: write it on one line"))
	}
	return errors.Join(mistakes...)
}

// checkServer checks the host and the port.
func (c Config) checkServer() error {
	if c.Host == "" {
		return errors.New("host is missing: write the mail server's name, such as smtp.example.com")
	}
	if _, err := netip.ParseAddr(c.Host); err != nil && (isUnclean(c.Host) || strings.ContainsAny(c.Host, " :/@[]")) {
		return fmt.Errorf("host %q is not a host name: write only the name, such as smtp.example.com, and the port under port", c.Host)
	}
	if c.Port < 1 || c.Port > 65535 {
		return fmt.Errorf("port %d is out of range: write 587, 465 or 25", c.Port)
	}
	return nil
}

// checkTLS checks the encryption against the port and the login.
func (c Config) checkTLS() error {
	switch c.TLS {
	case STARTTLS:
		if c.Port == portSubmissions {
			return errors.New("port 465 is encrypted from the first byte: write tls: tls, or port: 587")
		}
	case None:
		if c.Username != "" && !isLoopback(c.Host) {
			return errors.New("tls: none would send the password in plain text: write tls: starttls or tls: tls")
		}
	case TLS, ifOffered:
	default:
		return fmt.Errorf("tls %q is unknown: write starttls, tls or none", c.TLS)
	}
	return nil
}

// applyDefaults returns the configuration with a value for every setting.
func applyDefaults(c Config) Config {
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
		case !isLoopback(c.Host):
			c.TLS = STARTTLS
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	c.Timeouts = c.Timeouts.withDefaults()
	return c
}

// checkTimeouts checks the time limits.
func (c Config) checkTimeouts() error {
	if err := c.Timeouts.Validate(); err != nil {
		return fmt.Errorf("timeouts: %w", err)
	}
	return nil
}

// isLoopback reports whether a connection to the host stays on this machine.
func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback() || strings.EqualFold(host, "localhost")
}

// parseFrom parses the sender. Its domain becomes a part of every Message-ID,
// which is ASCII.
func parseFrom(text string) (*mail.Address, error) {
	from, err := mail.ParseAddress(text)
	switch {
	case text == "":
		return nil, errors.New("from is missing: write the sender's address, such as tocsin@example.com")
	case err != nil || isUnclean(text):
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

// parseRecipient parses a bare address. One with more than an address (a name,
// a second address, a line break) is refused.
func parseRecipient(text string) (string, error) {
	to, err := mail.ParseAddress(text)
	if err != nil || isUnclean(text) || to.Name != "" || to.Address != strings.Trim(text, "<> ") {
		return "", fmt.Errorf("%q is not a mail address", text)
	}
	return to.Address, nil
}

// isUnclean reports whether a text has characters that would end a line or hide
// in it.
func isUnclean(text string) bool {
	clean, _ := workflow.CleanLine(text, len(text)+1)
	return clean != text
}
