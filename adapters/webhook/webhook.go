// Package webhook pages systems: it posts signed JSON to the configured
// receivers, as Standard Webhooks defines it (standardwebhooks.com).
//
// The same page always has the same webhook-id, by which a receiver recognizes
// a repeat after a crash (E3: check again before each send).
package webhook

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"tocsin/bot"
)

const (
	sendTimeout   = 5 * time.Second // shorter than the lease under which the worker sends a page
	maxResponse   = 64 << 10        // bytes of a response that are read
	maxRetryAfter = time.Hour
	secretPrefix  = "whsec_"
)

// Config configures [New].
type Config struct {
	// Hooks are the receivers. A reload of the configuration makes a new pager.
	Hooks []bot.Webhook
	// Client sends the requests; nil: one with a timeout of 5 s. A copy is used,
	// which follows no redirect and has a timeout of at most 5 s.
	Client *http.Client
	// Now is the clock of the signature; nil: [time.Now].
	Now func() time.Time
}

// Pager posts pages to webhooks. The address of a page is the receiver's name.
type Pager struct {
	hooks  []bot.Webhook
	client http.Client
	now    func() time.Time
}

var (
	_ bot.Pager    = (*Pager)(nil)
	_ bot.Canceler = (*Pager)(nil)
)

// New returns a pager.
func New(cfg Config) *Pager {
	p := &Pager{hooks: cfg.Hooks, now: cfg.Now}
	if cfg.Client != nil {
		p.client = *cfg.Client
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		bounded := t.Clone()
		bounded.MaxResponseHeaderBytes = maxResponse
		p.client.Transport = bounded
	}
	if p.client.Timeout <= 0 || p.client.Timeout > sendTimeout {
		p.client.Timeout = sendTimeout
	}
	// A signed page is for the configured receiver only.
	p.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if p.now == nil {
		p.now = time.Now
	}
	return p
}

// Check reports what is wrong with a receiver's configuration, and what would
// be right. The error contains neither the secret nor the URL, which may hold
// one.
func Check(hook bot.Webhook) error {
	u, err := url.Parse(hook.URL)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return fmt.Errorf("webhook %q has no usable URL: write one such as https://noc.example.com/hook", hook.Name)
	}
	_, err = newSigner(hook)
	return err
}

// newSigner returns the signer for a receiver's secret. With the prefix whsec_
// the secret is base64, as the standard defines it; without, the key is the
// bytes as they are.
func newSigner(hook bot.Webhook) (*standardwebhooks.Webhook, error) {
	encoded, isEncoded := strings.CutPrefix(hook.Secret, secretPrefix)
	switch {
	case hook.Secret == "" || hook.Secret == secretPrefix:
		return nil, fmt.Errorf("webhook %q has no secret: put the secret that it shares with its receiver into the environment variable that secret_env names", hook.Name)
	case !isEncoded:
		return standardwebhooks.NewWebhookRaw([]byte(hook.Secret))
	}
	s, err := standardwebhooks.NewWebhook(encoded)
	if err != nil { // the library's error would show a part of the secret
		return nil, fmt.Errorf("webhook %q has a secret that begins with whsec_ and is not base64: copy the whole secret again", hook.Name)
	}
	return s, nil
}

// Page posts the page. A nil error means that the receiver answered with 2xx.
func (p *Pager) Page(ctx context.Context, page bot.Page) error {
	return p.post(ctx, page, payload{Type: "page", ID: webhookID(page.Key)})
}

// Cancel tells the receiver that the page needs no answer any more, and why.
func (p *Pager) Cancel(ctx context.Context, page bot.Page, why string) error {
	return p.post(ctx, page, payload{Type: "page.canceled", ID: webhookID(page.Key + "/canceled"), Why: cleanLine(why)})
}

// webhookID derives the webhook-id from a page's key. It is a hash because the
// standard joins the ID to the rest with full stops, which keys contain.
func webhookID(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "msg_" + hex.EncodeToString(sum[:16])
}

// post sends a payload with the content of a page to the page's receiver.
func (p *Pager) post(ctx context.Context, page bot.Page, n payload) error {
	at := slices.IndexFunc(p.hooks, func(h bot.Webhook) bool { return h.Name == page.Address })
	if at < 0 {
		return bot.Permanent(fmt.Errorf("find webhook %q: no webhook with this name is configured", page.Address))
	}
	hook := p.hooks[at]
	request, err := p.newRequest(ctx, hook, n.withPage(page, p.now()))
	if err != nil {
		return bot.Permanent(err)
	}
	response, err := p.client.Do(request)
	if err != nil {
		// The client's error contains the URL; the error inside it does not.
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err
		}
		return fmt.Errorf("post to webhook %q: %w", hook.Name, err)
	}
	defer response.Body.Close()
	// Reading to the end lets the connection be used again. The content of the
	// response does not matter, nor whether it is complete.
	_, _ = io.CopyN(io.Discard, response.Body, maxResponse)
	return p.checkResponse(hook, response)
}

// newRequest returns the signed request.
func (p *Pager) newRequest(ctx context.Context, hook bot.Webhook, n payload) (*http.Request, error) {
	if err := Check(hook); err != nil {
		return nil, err
	}
	sign, err := newSigner(hook)
	if err != nil {
		return nil, err
	}
	body, err := n.encode()
	if err != nil {
		return nil, fmt.Errorf("encode for webhook %q: %w", hook.Name, err)
	}
	signature, err := sign.Sign(n.ID, n.Timestamp, body)
	if err != nil {
		return nil, fmt.Errorf("sign for webhook %q: %w", hook.Name, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader(body))
	if err != nil { // err contains the URL
		return nil, fmt.Errorf("prepare request for webhook %q: its URL is not usable", hook.Name)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Tocsin")
	request.Header.Set(standardwebhooks.HeaderWebhookID, n.ID)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(n.Timestamp.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return request, nil
}

// checkResponse converts a status into an error: permanent when a retry would
// get the same response, else temporary.
func (p *Pager) checkResponse(hook bot.Webhook, response *http.Response) error {
	status := response.StatusCode
	err := fmt.Errorf("post to webhook %q: the receiver answered %d", hook.Name, status)
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return fmt.Errorf("%w; redirects are not followed: configure the URL that it redirects to", err)
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		if d := p.retryAfter(response.Header.Get("Retry-After")); d > 0 {
			return bot.RetryAfter(d, err)
		}
	case status == http.StatusRequestTimeout || status == http.StatusTooEarly:
	case status >= 400 && status < 500:
		return bot.Permanent(err)
	}
	return err
}

// retryAfter parses Retry-After: seconds or an instant (RFC 9110 section
// 10.2.3). It is zero when there is none.
func (p *Pager) retryAfter(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(at.Sub(p.now()), maxRetryAfter)
}
