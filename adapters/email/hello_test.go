package email

import (
	"net"
	"strings"
	"testing"
	"testing/synctest"

	"tocsin/adapters/email/smtptest"
)

// Tocsin introduces itself by a full domain name or an address, never by the name
// of this machine alone nor as localhost (RFC 5321 section 4.1.4).
func TestHelloName(t *testing.T) {
	const address = "[127.0.0.1]" // of the connections in this test
	for name, c := range map[string]struct{ ehlo, url, from, want string }{
		"configured":              {"mx1.example.net", "https://tocsin.example.com", "tocsin@example.com", "mx1.example.net"},
		"a configured address":    {"[192.0.2.1]", "", "tocsin@example.com", "[192.0.2.1]"},
		"a configured IPv6":       {"[IPv6:2001:db8::1]", "", "tocsin@example.com", "[IPv6:2001:db8::1]"},
		"of url":                  {"", "https://Tocsin.example.com:8443/x", "tocsin@example.org", "tocsin.example.com"},
		"of url with a full stop": {"", "https://tocsin.example.com./", "tocsin@example.org", "tocsin.example.com"},
		"of from":                 {"", "", "Tocsin <tocsin@Example.org>", "example.org"},
		"url is an address":       {"", "http://127.0.0.1:8080", "tocsin@example.org", "example.org"},
		"url is an IPv6 address":  {"", "http://[::1]:8080", "tocsin@example.org", "example.org"},
		"url is localhost":        {"", "http://localhost:8080", "tocsin@example.org", "example.org"},
		"url is a bare name":      {"", "https://tocsin", "tocsin@example.org", "example.org"},
		"url is of this link":     {"", "https://tocsin.local", "tocsin@example.org", "example.org"},
		"url is not ASCII":        {"", "https://tocsin.müller.example", "tocsin@example.org", "example.org"},
		"url has an underscore":   {"", "https://my_tocsin.example.com", "tocsin@example.org", "example.org"},
		"url is punycode":         {"", "https://tocsin.xn--mller-kva.example", "tocsin@example.org", "tocsin.xn--mller-kva.example"},
		"from is localhost":       {"", "", "tocsin@localhost", address},
		"from is a bare name":     {"", "http://localhost", "tocsin@myhost", address},
		"from is localdomain":     {"", "", "tocsin@localhost.localdomain", address},
		"from is an address":      {"", "", "tocsin@[192.0.2.1]", address},
	} {
		t.Run(name, func(t *testing.T) {
			cfg, server := startScripted(t, smtptest.Script{Replies: replies{"EHLO": text("502 what?")}})
			cfg.EHLO, cfg.URL, cfg.From = c.ehlo, c.url, c.from
			if err := newPager(t, cfg).Page(t.Context(), escalationPage()); err != nil {
				t.Fatal(err)
			}
			if got := server.Stop(); len(got) != 1 || got[0].Hello != c.want {
				t.Errorf("received %+v, want %s", got, c.want)
			}
			says := c.want + ", "
			if c.want == address {
				says = "the address that it sends from"
			}
			if got := cfg.DescribeHello(); !strings.HasPrefix(got, says) {
				t.Errorf("it is described as %q", got)
			}
		})
	}
}

// After STARTTLS the name is the same.
func TestHelloNameAfterSTARTTLS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, server := newSlow(t, nil)
		if err := p.Page(t.Context(), escalationPage()); err != nil {
			t.Fatal(err)
		}
		if got := server.Stop(); len(got) != 1 || got[0].Hello != "example.com" {
			t.Errorf("received %+v", got)
		}
	})
}

// An address is written as RFC 5321 section 4.1.3 has it.
func TestFormatLiteral(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1": "[192.0.2.1]", "::ffff:192.0.2.1": "[192.0.2.1]", "2001:db8::1": "[IPv6:2001:db8::1]", "fe80::1%eth0": "[IPv6:fe80::1]",
	} {
		addr, err := net.ResolveIPAddr("ip", address)
		if err != nil {
			t.Fatal(err)
		}
		conn := &connWithAddress{local: &net.TCPAddr{IP: addr.IP, Zone: addr.Zone}}
		if got := (Config{}).helloTo(conn); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
		if !isLiteral(want) {
			t.Errorf("%s is not accepted", want)
		}
	}
	for _, text := range []string{"192.0.2.1", "[192.0.2.1", "[2001:db8::1]", "[IPv6:192.0.2.1]", "[IPv6:fe80::1%eth0]", "[]", "[tocsin]", "[[192.0.2.1]]"} {
		if isLiteral(text) {
			t.Errorf("%s is accepted", text)
		}
	}
}

// connWithAddress is a connection of which only the address matters.
type connWithAddress struct {
	net.Conn
	local net.Addr
}

func (c *connWithAddress) LocalAddr() net.Addr { return c.local }
