// Package webhook pages systems: it posts signed JSON to the configured
// receivers, as Standard Webhooks defines it (standardwebhooks.com).
//
// The same page always has the same webhook-id, by which a receiver recognizes
// a repeat after a crash (E3: check again before each send).
package webhook

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
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
	connectTimeout  = 10 * time.Second
	responseTimeout = 30 * time.Second
	maxResponse     = 64 << 10 // bytes of a response's header that are read; its body is not
	maxRetryAfter   = time.Hour
	secretPrefix    = "whsec_"
)

// Config configures [New].
type Config struct {
	// Hooks are the receivers. A reload of the configuration makes a new pager.
	Hooks []bot.Webhook
	// Client sends the requests; nil: one that makes a new connection for each. A
	// copy is used, which follows no redirect.
	Client *http.Client
	// ConnectTimeout is how long a connection may take, with the look-up of the
	// name and the TLS handshake; 0: 10 s.
	ConnectTimeout time.Duration
	// ResponseTimeout is how long the request and the header of the response may
	// take over a connection; 0: 30 s.
	ResponseTimeout time.Duration
	// Now is the clock of the signature; nil: [time.Now].
	Now func() time.Time
}

// Pager posts pages to webhooks. The address of a page is the receiver's name.
type Pager struct {
	hooks             []bot.Webhook
	client            http.Client
	connect, response time.Duration // limits
	now               func() time.Time
}

var (
	_ bot.Pager    = (*Pager)(nil)
	_ bot.Canceler = (*Pager)(nil)
)

// New returns a pager.
func New(cfg Config) *Pager {
	p := &Pager{
		hooks: cfg.Hooks, now: cfg.Now,
		connect: cmp.Or(cfg.ConnectTimeout, connectTimeout), response: cmp.Or(cfg.ResponseTimeout, responseTimeout),
	}
	if cfg.Client != nil {
		p.client = *cfg.Client
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		bounded := t.Clone()
		bounded.MaxResponseHeaderBytes = maxResponse
		// A receiver may close an idle connection while the next request is written
		// to it: then nothing says whether the request came.
		bounded.DisableKeepAlives = true
		bounded.DialContext = (&net.Dialer{Timeout: p.connect}).DialContext // shared by the addresses of a name
		p.client.Transport = bounded
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
// When the request was sent and no response came, the error wraps
// [bot.ErrUnknownOutcome].
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
	response, err := p.exchange(request)
	if err != nil {
		return fmt.Errorf("post to webhook %q: %w", hook.Name, err)
	}
	// The header is the answer. The body does not matter, and a receiver that is
	// slow to send it must not delay the outcome.
	_ = response.Body.Close()
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
