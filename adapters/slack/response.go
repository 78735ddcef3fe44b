package slack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/slack-go/slack"
)

// Rendered is a message as Slack takes it.
type Rendered struct {
	Blocks []slack.Block
	Text   string // for notifications and screen readers; escaped
}

// EphemeralResponse is the message as a response to a command, which only the
// person who gave the command sees
// (docs.slack.dev/interactivity/handling-user-interaction, "Message responses").
func (r Rendered) EphemeralResponse() map[string]any {
	return map[string]any{"response_type": "ephemeral", "replace_original": false, "text": r.Text, "blocks": r.Blocks}
}

// PostEphemeral posts a message into a channel that only one user sees; into a
// thread of the channel, if one is given.
func (a *API) PostEphemeral(ctx context.Context, channel, thread, user string, m Rendered) error {
	options := []slack.MsgOption{slack.MsgOptionBlocks(m.Blocks...), slack.MsgOptionText(m.Text, false)}
	if thread != "" {
		options = append(options, slack.MsgOptionTS(thread))
	}
	return a.call(ctx, call{method: "chat.postEphemeral", wait: true}, func(ctx context.Context) error {
		_, e := a.bot.PostEphemeralContext(ctx, channel, user, options...)
		return e
	})
}

// maxResponseTime is how long a response URL may take.
const maxResponseTime = 10 * time.Second

// Respond posts a message to a response URL. The URL is a secret, and in no
// error.
func (a *API) Respond(ctx context.Context, responseURL string, m Rendered) error {
	if !a.isResponseURL(responseURL) {
		return errors.New("the response URL is not Slack's")
	}
	body, err := json.Marshal(m.EphemeralResponse())
	if err != nil {
		return fmt.Errorf("respond: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, maxResponseTime)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, responseURL, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("respond: %w", withoutURL(err))
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	client := http.Client{
		Transport:     a.cfg.HTTP.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	got, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("respond: %w", withoutURL(err))
	}
	defer got.Body.Close()
	if got.StatusCode/100 != 2 {
		return fmt.Errorf("respond: status %d", got.StatusCode)
	}
	return nil
}

// isResponseURL reports whether an address is one of Slack's response URLs: a
// payload could name any (I9: bounded bodies and pinned fetches). Where the Web
// API is at another host, such as slack-gov.com, response URLs may be there too.
func (a *API) isResponseURL(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.Host == "" {
		return false
	}
	if u.Scheme == "https" && u.Host == "hooks.slack.com" {
		return true
	}
	api, err := url.Parse(a.cfg.APIURL)
	if err != nil || a.cfg.APIURL == DefaultAPI {
		return false
	}
	return u.Scheme == api.Scheme && u.Host == api.Host || u.Scheme == "https" && u.Host == "hooks."+api.Host
}

// withoutURL leaves the address out of an error: some addresses are secrets.
func withoutURL(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		return cmp.Or(u.Err, errors.New("the address cannot be read"))
	}
	return err
}
