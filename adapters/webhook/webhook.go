// Package webhook pages machines: it posts signed JSON to the receivers of the
// configuration, as Standard Webhooks describes it (standardwebhooks.com).
//
// The same page always carries the same webhook-id, by which a receiver tells
// a repeat after a crash (rule E3).
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
	sendTimeout   = 5 * time.Second // shorter than the lease under which a page is sent
	maxAnswer     = 64 << 10        // bytes that are read of an answer
	maxRetryAfter = time.Hour
	secretPrefix  = "whsec_"
)

// Config says where webhooks come from.
type Config struct {
	// Hooks returns the receivers as they are now, so that a reload of the
	// configuration takes effect with the next page.
	Hooks func() []bot.Webhook
	// Client sends [one that waits for 5 s]. A copy is used, which follows no
	// redirect and waits for at most 5 s.
	Client *http.Client
	// Now is the clock of the signature [time.Now].
	Now func() time.Time
}

// Validate reports what is missing.
func (c Config) Validate() error {
	if c.Hooks == nil {
		return errors.New("hooks is missing: pass a function that returns the receivers")
	}
	return nil
}

// Pager posts pages. The address of a page is the receiver's name.
type Pager struct {
	hooks  func() []bot.Webhook
	client http.Client
	now    func() time.Time
}

var (
	_ bot.Pager    = (*Pager)(nil)
	_ bot.Canceler = (*Pager)(nil)
)

// New makes a pager.
func New(cfg Config) (*Pager, error) {
	if err := cfg.Validate(); err != nil {
		return nil, fmt.Errorf("configure webhooks: %w", err)
	}
	p := &Pager{hooks: cfg.Hooks, now: cfg.Now}
	if cfg.Client != nil {
		p.client = *cfg.Client
	} else if t, ok := http.DefaultTransport.(*http.Transport); ok {
		bounded := t.Clone()
		bounded.MaxResponseHeaderBytes = maxAnswer
		p.client.Transport = bounded
	}
	if p.client.Timeout <= 0 || p.client.Timeout > sendTimeout {
		p.client.Timeout = sendTimeout
	}
	// A signed page is for the receiver that was configured, and nobody else.
	p.client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	if p.now == nil {
		p.now = time.Now
	}
	return p, nil
}

// Check reports what is wrong with a receiver, and what would be right. It
// shows neither its secret nor its URL, which may hold one.
func Check(hook bot.Webhook) error {
	u, err := url.Parse(hook.URL)
	if err != nil || (u.Scheme != "https" && u.Scheme != "http") || u.Host == "" {
		return fmt.Errorf("webhook %q has no usable url: write one that begins with https://", hook.Name)
	}
	_, err = signer(hook)
	return err
}

// signer reads the secret: with the prefix whsec_ it is base64, as the standard
// writes it; without, the key is the bytes as they are.
func signer(hook bot.Webhook) (*standardwebhooks.Webhook, error) {
	encoded, isEncoded := strings.CutPrefix(hook.Secret, secretPrefix)
	switch {
	case hook.Secret == "" || hook.Secret == secretPrefix:
		return nil, fmt.Errorf("webhook %q has no secret: put the one it shares with its receiver into secret_env", hook.Name)
	case !isEncoded:
		return standardwebhooks.NewWebhookRaw([]byte(hook.Secret))
	}
	s, err := standardwebhooks.NewWebhook(encoded)
	if err != nil { // the library's error would show where the secret goes wrong
		return nil, fmt.Errorf("webhook %q has a secret that begins with whsec_ and is not base64: copy it again, whole", hook.Name)
	}
	return s, nil
}

// Page posts the page. A nil error means that the receiver answered with 2xx.
func (p *Pager) Page(ctx context.Context, page bot.Page) error {
	return p.post(ctx, page, notice{Type: "page", ID: identify(page.Key)})
}

// Cancel tells the receiver that the page needs no answer any more, and why.
func (p *Pager) Cancel(ctx context.Context, page bot.Page, why string) error {
	return p.post(ctx, page, notice{Type: "page.canceled", ID: identify(page.Key + "/canceled"), Why: line(why)})
}

// identify derives the webhook-id. The standard joins it to the rest with full
// stops, which keys contain.
func identify(key string) string {
	sum := sha256.Sum256([]byte(key))
	return "msg_" + hex.EncodeToString(sum[:16])
}

func (p *Pager) post(ctx context.Context, page bot.Page, n notice) error {
	hooks := p.hooks()
	at := slices.IndexFunc(hooks, func(h bot.Webhook) bool { return h.Name == page.Address })
	if at < 0 {
		return bot.Permanent(fmt.Errorf("find webhook %q: nothing of this name is configured", page.Address))
	}
	hook := hooks[at]
	request, err := p.request(ctx, hook, n.about(page, p.now()))
	if err != nil {
		return bot.Permanent(err)
	}
	response, err := p.client.Do(request)
	if err != nil {
		// The client's error quotes the URL; what is inside it does not.
		if outer, is := errors.AsType[*url.Error](err); is {
			err = outer.Err
		}
		return fmt.Errorf("post to webhook %q: %w", hook.Name, err)
	}
	defer response.Body.Close()
	// Reading to the end lets the connection be used again. What the answer
	// says does not matter, nor whether it breaks off.
	_, _ = io.CopyN(io.Discard, response.Body, maxAnswer)
	return p.judge(hook, response)
}

// request signs.
func (p *Pager) request(ctx context.Context, hook bot.Webhook, n notice) (*http.Request, error) {
	if err := Check(hook); err != nil {
		return nil, err
	}
	sign, err := signer(hook)
	if err != nil {
		return nil, err
	}
	body, err := n.encode()
	if err != nil {
		return nil, fmt.Errorf("write for webhook %q: %w", hook.Name, err)
	}
	signature, err := sign.Sign(n.ID, n.Timestamp, body)
	if err != nil {
		return nil, fmt.Errorf("sign for webhook %q: %w", hook.Name, err)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, hook.URL, bytes.NewReader(body))
	if err != nil { // it would quote the URL
		return nil, fmt.Errorf("prepare for webhook %q: its url is not usable", hook.Name)
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("User-Agent", "Tocsin")
	request.Header.Set(standardwebhooks.HeaderWebhookID, n.ID)
	request.Header.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(n.Timestamp.Unix(), 10))
	request.Header.Set(standardwebhooks.HeaderWebhookSignature, signature)
	return request, nil
}

// judge tells an answer that will stay the same from one that may change.
func (p *Pager) judge(hook bot.Webhook, response *http.Response) error {
	status := response.StatusCode
	err := fmt.Errorf("post to webhook %q: the receiver answered %d", hook.Name, status)
	switch {
	case status >= 200 && status < 300:
		return nil
	case status >= 300 && status < 400:
		return fmt.Errorf("%w; redirects are not followed: write the url it leads to into the configuration", err)
	case status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable:
		if d := p.wait(response.Header.Get("Retry-After")); d > 0 {
			return bot.RetryAfter(d, err)
		}
	case status == http.StatusRequestTimeout || status == http.StatusTooEarly:
	case status >= 400 && status < 500:
		return bot.Permanent(err)
	}
	return err
}

// wait reads Retry-After: seconds or an instant (RFC 9110 section 10.2.3).
// Zero means that it says nothing.
func (p *Pager) wait(text string) time.Duration {
	if seconds, err := strconv.Atoi(text); err == nil {
		return time.Duration(min(seconds, int(maxRetryAfter/time.Second))) * time.Second
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return min(at.Sub(p.now()), maxRetryAfter)
}
