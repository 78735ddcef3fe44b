// Package deadman tells a watcher outside that Tocsin is well. The watcher
// raises the alarm when it has not been told for a while (rule E12).
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
	pingFor   = 5 * time.Second
	maxAnswer = 64 << 10 // bytes that are read of an answer
)

// Config says through what it pings.
type Config struct {
	// Client sends [one that waits for 5 s]. A copy is used, which follows no
	// redirect and waits for at most 5 s.
	Client *http.Client
}

// Pinger asks for an address.
type Pinger struct{ client http.Client }

var _ jobs.Pinger = (*Pinger)(nil)

// New makes a pinger.
func New(cfg Config) *Pinger {
	p := &Pinger{}
	if cfg.Client != nil {
		p.client = *cfg.Client
	}
	if p.client.Timeout <= 0 || p.client.Timeout > pingFor {
		p.client.Timeout = pingFor
	}
	// The address is a secret, and for nobody but whom it was given for.
	p.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return p
}

// Ping asks for the address with GET. A nil error means that the watcher
// answered with 2xx. No error shows the address, which is a secret.
func (p *Pinger) Ping(ctx context.Context, address string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil || request.URL.Host == "" {
		return bot.Permanent(errors.New("its address is not usable: write one that begins with https:// into the variable that url_env names"))
	}
	request.Header.Set("User-Agent", "Tocsin")
	response, err := p.client.Do(request)
	if err != nil {
		// The client's error quotes the address; what is inside it may name the
		// host, which is none of the log's business either.
		if outer, is := errors.AsType[*url.Error](err); is && outer.Timeout() {
			return errors.New("it did not answer within 5 s")
		}
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return errors.New("it cannot be reached: is its address right, and may this machine connect to it?")
	}
	defer response.Body.Close()
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer) // so that the connection can be used again
	switch status := response.StatusCode; {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return fmt.Errorf("it answered %d; redirects are not followed: put the address it leads to into the variable that url_env names", status)
	default:
		return fmt.Errorf("it answered %d", status)
	}
}
