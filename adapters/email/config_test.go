package email

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestValidate(t *testing.T) {
	good := func() Config { return Config{Host: "smtp.example.com", From: "tocsin@example.com"} }
	for name, c := range map[string]struct {
		change func(*Config)
		wants  string // "" when it is valid
	}{
		"valid":                    {func(*Config) {}, ""},
		"a name before":            {func(c *Config) { c.From = "Incident bot <tocsin@example.com>" }, ""},
		"a login":                  {func(c *Config) { c.Username, c.PasswordEnv = "tocsin", "SMTP_PASSWORD" }, ""},
		"IPv6":                     {func(c *Config) { c.Host = "2001:db8::25" }, ""},
		"no host":                  {func(c *Config) { c.Host = "" }, "such as smtp.example.com"},
		"a URL":                    {func(c *Config) { c.Host = "smtp://smtp.example.com" }, "write only the name"},
		"host and port":            {func(c *Config) { c.Host = "smtp.example.com:587" }, "the port under port"},
		"no such port":             {func(c *Config) { c.Port = 70000 }, "write 587, 465 or 25"},
		"no sender":                {func(c *Config) { c.From = "" }, "such as tocsin@example.com"},
		"no address":               {func(c *Config) { c.From = "tocsin" }, "such as tocsin@example.com"},
		"two lines":                {func(c *Config) { c.From = "\"a\r\nBcc: b\" <tocsin@example.com>" }, "not a mail address"},
		"umlauts":                  {func(c *Config) { c.From = "tocsin@müller.example" }, "xn--"},
		"ssl":                      {func(c *Config) { c.TLS = "ssl" }, "write starttls, tls or none"},
		"starttls on 465":          {func(c *Config) { c.Port, c.TLS = 465, STARTTLS }, "write tls: tls"},
		"no password":              {func(c *Config) { c.Username = "tocsin" }, "name the environment variable"},
		"no username":              {func(c *Config) { c.PasswordEnv = "X" }, "username is missing"},
		"a readable password":      {func(c *Config) { c.Username, c.PasswordEnv, c.TLS = "t", "X", None }, "write tls: starttls"},
		"a bare name":              {func(c *Config) { c.EHLO = "myhost" }, `ehlo "myhost" is not a full domain name: write one such as tocsin.example.com`},
		"localhost":                {func(c *Config) { c.EHLO = "localhost" }, "not a full domain name"},
		"localhost to itself":      {func(c *Config) { c.Host, c.EHLO = "127.0.0.1", "localhost" }, ""},
		"two words":                {func(c *Config) { c.EHLO = "tocsin.example.com b" }, "not a full domain name"},
		"two commands":             {func(c *Config) { c.EHLO = "tocsin.example.com\r\nMAIL FROM:<>" }, "not a full domain name"},
		"an address":               {func(c *Config) { c.EHLO = "192.0.2.1" }, "not a full domain name"},
		"an address in brackets":   {func(c *Config) { c.EHLO = "[192.0.2.1]" }, ""},
		"short limits":             {func(c *Config) { c.Timeouts.Greeting = time.Millisecond }, ""},
		"a long limit":             {func(c *Config) { c.Timeouts.Acceptance = 90 * time.Minute }, "timeouts: acceptance 1h30m is longer than 1h, the maximum; the default is 10m"},
		"a negative limit":         {func(c *Config) { c.Timeouts.Data = -1 }, "timeouts: data must have a limit: write one such as 2m, which is the default"},
		"the same on this machine": {func(c *Config) { c.Host, c.Username, c.PasswordEnv, c.TLS = "::1", "t", "X", None }, ""},
	} {
		t.Run(name, func(t *testing.T) {
			cfg := good()
			c.change(&cfg)
			err := cfg.Validate()
			if c.wants == "" && err != nil || c.wants != "" && !strings.Contains(fmt.Sprint(err), c.wants) {
				t.Errorf("got %v, want %q", err, c.wants)
			}
		})
	}
	if err := (Config{TLS: "ssl"}).Validate(); strings.Count(fmt.Sprint(err), "\n") != 2 {
		t.Errorf("not every mistake is reported: %v", err)
	}
}

func TestConfigDefaults(t *testing.T) {
	for _, c := range []struct {
		in   Config
		port int
		tls  Encryption
	}{
		{Config{Host: "smtp.example.com"}, 587, STARTTLS},
		{Config{Host: "smtp.example.com", Port: 25}, 25, STARTTLS},
		{Config{Host: "smtp.example.com", Port: 465}, 465, TLS},
		{Config{Host: "smtp.example.com", TLS: TLS}, 465, TLS},
		{Config{Host: "localhost"}, 587, ifOffered},
		{Config{Host: "127.0.0.2", Port: 25}, 25, ifOffered},
		{Config{Host: "::1", TLS: STARTTLS}, 587, STARTTLS},
	} {
		if got := applyDefaults(c.in); got.Port != c.port || got.TLS != c.tls {
			t.Errorf("%+v: port %d, tls %q; want %d, %q", c.in, got.Port, got.TLS, c.port, c.tls)
		}
	}
}

func TestNewRequiresThePassword(t *testing.T) {
	cfg := Config{Host: "smtp.example.com", From: "tocsin@example.com", Username: "tocsin", PasswordEnv: "SMTP_PASSWORD"}
	if _, err := New(cfg, nil); err == nil || !strings.Contains(err.Error(), "SMTP_PASSWORD is empty") {
		t.Errorf("got %v, want the variable's name", err)
	}
}

// A limit of zero is none, and no step is without.
func TestTimeoutsValidate(t *testing.T) {
	if err := DefaultTimeouts().Validate(); err != nil {
		t.Error(err)
	}
	if err := (Timeouts{}).Validate(); strings.Count(fmt.Sprint(err), "must have a limit") != 6 {
		t.Errorf("got %v", err)
	}
}
