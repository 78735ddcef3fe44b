// Package deadman pings an external dead-man's switch while Tocsin works. That
// service raises an alarm when the pings stop (E12: the dead-man ping needs a
// clean audit).
package deadman

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"tocsin/bot"
	"tocsin/bot/jobs"
)

const (
	pingTimeout = 5 * time.Second
	maxResponse = 64 << 10 // bytes of a response that are read
)

// Config configures [New].
type Config struct {
	// Client sends the pings; nil: one with a timeout of 5 s. A copy is used, which
	// follows no redirect and has a timeout of at most 5 s.
	Client *http.Client
}

// Pinger sends pings.
type Pinger struct{ client http.Client }

var _ jobs.Pinger = (*Pinger)(nil)

// New returns a pinger.
func New(cfg Config) *Pinger {
	p := &Pinger{}
	if cfg.Client != nil {
		p.client = *cfg.Client
	}
	if p.client.Timeout <= 0 || p.client.Timeout > pingTimeout {
		p.client.Timeout = pingTimeout
	}
	// The address is a secret, so it is not sent to another server.
	p.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return p
}

// Ping requests the address with GET. A nil error means that the service
// answered with 2xx. No error contains the address, which is a secret (P4:
// secrets are never shown).
func (p *Pinger) Ping(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil || request.URL.Host == "" {
		return bot.Permanent(errors.New("its address is not usable: write one that begins with https:// into the environment variable that url_env names"))
	}
	request.Header.Set("User-Agent", "Tocsin")
	response, err := p.client.Do(request)
	if err != nil {
		// The client's error contains the address, and the error inside it may
		// contain the host, which is not logged either.
		if outer, ok := errors.AsType[*url.Error](err); ok && outer.Timeout() {
			return errors.New("it did not answer within 5 s")
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errors.New("it cannot be reached: is its address right, and may this machine connect to it?")
	}
	defer response.Body.Close()
	// Reading to the end lets the connection be used again.
	_, _ = io.CopyN(io.Discard, response.Body, maxResponse)
	switch status := response.StatusCode; {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return fmt.Errorf("it answered %d; redirects are not followed: put the address that it redirects to into the environment variable that url_env names", status)
	default:
		return fmt.Errorf("it answered %d", status)
	}
}
