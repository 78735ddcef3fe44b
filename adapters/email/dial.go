package email

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"time"
)

// dialStagger is how long one address is tried before the next one is tried
// beside it (RFC 8305 section 8).
const dialStagger = 250 * time.Millisecond

// dialer connects to a host that may have several addresses.
type dialer struct {
	lookup func(ctx context.Context, network, host string) ([]netip.Addr, error)
	dial   func(ctx context.Context, network, address string) (net.Conn, error)
}

// newDialer returns a dialer for the network.
func newDialer() dialer {
	return dialer{net.DefaultResolver.LookupNetIP, new(net.Dialer).DialContext}
}

// attempt is the result of trying one address.
type attempt struct {
	conn net.Conn
	err  error
}

// connect returns a connection to the address that accepts first. The next
// address is tried when one has failed or has not answered for a moment: one of
// several mail servers that is down must not delay the page, and the standard
// library gives each address of one kind its share of the time in turn. The
// error is that of the first address.
func (d dialer) connect(ctx context.Context, host string, port int) (net.Conn, error) {
	addresses, err := d.lookup(ctx, "ip", host)
	if err != nil {
		return nil, err
	}
	if len(addresses) == 0 {
		return nil, fmt.Errorf("%s has no address", host)
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	attempts := make(chan attempt)
	try := func(address netip.Addr) {
		conn, failed := d.dial(ctx, "tcp", net.JoinHostPort(address.Unmap().String(), strconv.Itoa(port)))
		select {
		case attempts <- attempt{conn, failed}:
		case <-ctx.Done(): // another address was faster
			if conn != nil {
				_ = conn.Close()
			}
		}
	}
	stagger := time.NewTimer(0)
	defer stagger.Stop()
	for tried, failed := 0, 0; failed < len(addresses); {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case a := <-attempts:
			if a.err == nil {
				return a.conn, nil
			}
			failed++
			err = cmp.Or(err, a.err)
			stagger.Reset(0)
		case <-stagger.C:
			if tried < len(addresses) {
				go try(addresses[tried])
				tried++
				stagger.Reset(dialStagger)
			}
		}
	}
	return nil, err
}
