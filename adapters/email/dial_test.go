package email

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/adapters/email/smtptest"
)

// A mail server is reached if one of its addresses answers, and soon, whatever
// the others do (E4c: slow is not failed).
func TestE4cOneAddressAnswers(t *testing.T) {
	const v6, dead, gone, good = "2001:db8::25", "192.0.2.1", "192.0.2.2", "192.0.2.3"
	for name, c := range map[string]struct {
		addresses []string
		took      time.Duration
		says      string // "" when the mail is accepted
	}{
		"one":                      {[]string{good}, 0, ""},
		"IPv6 hangs":               {[]string{v6, good}, dialStagger, ""},
		"the first ones hang":      {[]string{v6, dead, dead, good}, 3 * dialStagger, ""},
		"the first ones refuse":    {[]string{gone, gone, good}, 0, ""},
		"one refuses later":        {[]string{dead, gone, good}, dialStagger, ""},
		"the last ones hang":       {[]string{good, v6, dead}, 0, ""},
		"all hang":                 {[]string{v6, dead}, 30 * time.Second, "reach mail server mail.example.com: no connection within 30 s"},
		"all refuse":               {[]string{gone, gone}, 0, "reach mail server mail.example.com: 192.0.2.2:1 is closed"},
		"some refuse, others hang": {[]string{gone, dead}, 30 * time.Second, "no connection within 30 s"},
		"none":                     {nil, 0, "no such host"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, server := newSlow(t, nil)
				p.cfg.Host, p.cfg.TLS, p.cfg.Username = "mail.example.com", None, ""
				p.dialer.lookup = func(_ context.Context, _, host string) ([]netip.Addr, error) {
					if len(c.addresses) == 0 || host != "mail.example.com" {
						return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
					}
					var all []netip.Addr
					for _, a := range c.addresses {
						all = append(all, netip.MustParseAddr(a))
					}
					return all, nil
				}
				p.dialer.dial = func(ctx context.Context, network, address string) (net.Conn, error) {
					switch address {
					case good + ":1":
						return server.Dial(ctx, network, address)
					case gone + ":1":
						return nil, fmt.Errorf("%s is closed", address)
					case dead + ":1", "[" + v6 + "]:1":
						<-ctx.Done()
						return nil, ctx.Err()
					}
					return nil, errors.New("unexpected address " + address)
				}
				began := time.Now()
				err := p.Page(t.Context(), escalationPage())
				if (err == nil) != (c.says == "") || c.says != "" && !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %v, want %q", err, c.says)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("it took %s, want %s", took, c.took)
				}
				if got := server.Stop(); len(got) > 1 || (len(got) == 1) != (c.says == "") {
					t.Errorf("received %+v", got)
				}
			})
		})
	}
}

// When two addresses accept, the connection that is not used is closed.
func TestSecondConnectionIsClosed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		server := smtptest.NewScripted(t, smtptest.Script{})
		closed := make(chan struct{})
		d := dialer{
			lookup: func(context.Context, string, string) ([]netip.Addr, error) {
				return []netip.Addr{netip.IPv6Loopback(), netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
			},
			dial: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := server.Dial(ctx, network, address)
				if strings.HasPrefix(address, "[") { // accepts, but late
					<-ctx.Done()
					return &closingConn{Conn: conn, closed: closed}, err
				}
				return conn, err
			},
		}
		conn, err := d.connect(t.Context(), "mail.example.com", 25)
		if err != nil {
			t.Fatal(err)
		}
		<-closed
		conn.Close()
	})
}

// closingConn is a connection that says when it is closed.
type closingConn struct {
	net.Conn
	closed chan struct{}
}

func (c *closingConn) Close() error {
	close(c.closed)
	return c.Conn.Close()
}
