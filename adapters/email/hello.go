package email

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// helloName returns the name with which the client introduces itself (EHLO), and
// where it is from. It is never the bare name of this machine nor localhost,
// which many servers refuse. It is empty when nothing gives a full name: then
// the client gives its address (RFC 5321 section 4.1.4).
func (c Config) helloName() (name, source string) {
	if c.EHLO != "" {
		return c.EHLO, "from ehlo"
	}
	if u, err := url.Parse(c.URL); err == nil {
		if name := strings.TrimSuffix(u.Hostname(), "."); isDomain(name) {
			return strings.ToLower(name), "the host of url"
		}
	}
	if from, err := parseFrom(c.From); err == nil {
		if _, name, _ := strings.Cut(from.Address, "@"); isDomain(name) {
			return strings.ToLower(name), "the domain of from"
		}
	}
	return "", ""
}

// DescribeHello says under which name the client introduces itself, and why.
func (c Config) DescribeHello() string {
	if name, source := c.helloName(); name != "" {
		return name + ", " + source
	}
	return "the address that it sends from, because neither url nor from has a full domain name"
}

// helloTo returns the name for a connection.
func (c Config) helloTo(conn net.Conn) string {
	if name, _ := c.helloName(); name != "" {
		return name
	}
	if at, ok := conn.LocalAddr().(*net.TCPAddr); ok {
		return formatLiteral(at.AddrPort().Addr())
	}
	return formatLiteral(netip.IPv4Unspecified())
}

// formatLiteral formats an address for EHLO (RFC 5321 section 4.1.3).
func formatLiteral(address netip.Addr) string {
	address = address.Unmap().WithZone("")
	if address.Is4() {
		return "[" + address.String() + "]"
	}
	return "[IPv6:" + address.String() + "]"
}

// checkEHLO checks the configured name.
func (c Config) checkEHLO() error {
	if c.EHLO == "" || isDomain(c.EHLO) || isLiteral(c.EHLO) || isLoopback(c.Host) && strings.EqualFold(c.EHLO, "localhost") {
		return nil
	}
	return fmt.Errorf("ehlo %q is not a full domain name: write one such as tocsin.example.com, or an address such as [192.0.2.1]", c.EHLO)
}

// isLiteral reports whether a text is an address as formatLiteral writes it.
func isLiteral(text string) bool {
	inside := strings.TrimSuffix(strings.TrimPrefix(text, "["), "]")
	if len(text) != len(inside)+2 {
		return false
	}
	six, is6 := strings.CutPrefix(inside, "IPv6:")
	address, err := netip.ParseAddr(six)
	return err == nil && address.Zone() == "" && address.Is6() == is6
}

// isDomain reports whether a text is a full domain name in ASCII that may mean
// something to another machine.
func isDomain(text string) bool {
	labels := strings.Split(text, ".")
	if len(labels) < 2 || len(text) > 253 {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		if strings.ContainsFunc(label, func(r rune) bool {
			return r != '-' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
		}) {
			return false
		}
	}
	last := strings.ToLower(labels[len(labels)-1])
	switch last {
	case "localhost", "localdomain", "local": // RFC 6761, RFC 6762: on this machine or link alone
		return false
	}
	return strings.Trim(last, "0123456789") != "" // a number ends an address, not a name
}
