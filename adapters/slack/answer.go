package slack

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tocsin/bot/dispatch"

	"github.com/slack-go/slack"
)

// asker is whom an answer goes to: by the first of its ways that works.
type asker struct {
	key     string // of the answer, should it be a message
	respond string // a response URL
	user    string
	channel string
	thread  string
}

// said is a message for one person.
type said struct {
	blocks []slack.Block
	text   string
}

func sayReply(text string) said {
	blocks, plain := renderReply(text)
	return said{blocks: blocks, text: plain}
}

// ephemeral is how a response to a command is written
// (docs.slack.dev/interactivity/handling-user-interaction, "Message responses").
func (s said) ephemeral() map[string]any {
	return map[string]any{"response_type": "ephemeral", "replace_original": false, "text": s.text, "blocks": s.blocks}
}

// tell gives somebody an answer that nobody else sees: where they asked or, when
// that cannot be, in our conversation with them. Whether an answer that was lost
// on its way had been shown cannot be asked; twice is better than never.
func (w *Workspace) tell(ctx context.Context, to asker, s said) {
	var err error
	if to.respond != "" {
		if err = w.respond(ctx, to.respond, s); err == nil {
			return
		}
		w.cfg.Log.WarnContext(ctx, "a response URL of Slack's did not take the answer", "error", err.Error())
	}
	if to.channel != "" && !strings.HasPrefix(to.channel, "D") {
		if err = w.whisper(ctx, to, s); err == nil {
			return
		}
	}
	if to.user != "" {
		if err = w.note(ctx, to, s); err == nil {
			return
		}
	}
	if err != nil {
		w.cfg.Log.WarnContext(ctx, "somebody on Slack did not get an answer", "user", to.user, "error", err.Error())
	}
}

// longestResponse is how long a response URL may take.
const longestResponse = 10 * time.Second

// respond posts to a response URL. The URL is a secret: it is in no error.
func (w *Workspace) respond(ctx context.Context, to string, s said) error {
	if !w.ofSlack(to) {
		return errors.New("the response URL is not Slack's")
	}
	body, err := json.Marshal(s.ephemeral())
	if err != nil {
		return fmt.Errorf("respond: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, longestResponse)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("respond: %w", bare(err))
	}
	r.Header.Set("Content-Type", "application/json; charset=utf-8")
	client := http.Client{
		Transport:     w.cfg.HTTP.Transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	got, err := client.Do(r)
	if err != nil {
		return fmt.Errorf("respond: %w", bare(err))
	}
	defer got.Body.Close()
	if got.StatusCode/100 != 2 {
		return fmt.Errorf("respond: status %d", got.StatusCode)
	}
	return nil
}

// ofSlack reports whether an address is one of Slack's response URLs (rule I9):
// a payload could name any. Where the Web API is elsewhere, such as at
// slack-gov.com, so may they be.
func (w *Workspace) ofSlack(address string) bool {
	u, err := url.Parse(address)
	if err != nil || u.User != nil || u.Host == "" {
		return false
	}
	if u.Scheme == "https" && u.Host == "hooks.slack.com" {
		return true
	}
	api, err := url.Parse(w.cfg.APIURL)
	if err != nil || w.cfg.APIURL == DefaultAPI {
		return false
	}
	return u.Scheme == api.Scheme && u.Host == api.Host || u.Scheme == "https" && u.Host == "hooks."+api.Host
}

// whisper shows a message to one person in a channel.
func (w *Workspace) whisper(ctx context.Context, to asker, s said) error {
	options := []slack.MsgOption{slack.MsgOptionBlocks(s.blocks...), slack.MsgOptionText(s.text, false)}
	if to.thread != "" {
		options = append(options, slack.MsgOptionTS(to.thread))
	}
	return w.call(ctx, call{method: "chat.postEphemeral", wait: true}, func(ctx context.Context) error {
		_, e := w.api.PostEphemeralContext(ctx, to.channel, to.user, options...)
		return e
	})
}

// note writes to somebody in our conversation with them.
func (w *Workspace) note(ctx context.Context, to asker, s said) error {
	channel, err := w.direct(ctx, to.user)
	if err != nil {
		return err
	}
	_, _, err = w.write(ctx, writing{key: to.key, channel: channel, wait: true, said: &s})
	return err
}

// sorry is what somebody reads when the store could not be reached, or
// something is broken. What it was is in the log. Whether the command was done
// nobody knows: an answer of the store may have been lost.
func (w *Workspace) sorry(ctx context.Context, err error) string {
	w.cfg.Log.ErrorContext(ctx, "a command from Slack failed", "error", err.Error())
	return "Something is wrong on this side, and it may not have been done. Look whether it was, and try again; if it stays so, use the browser or the command line."
}

// run carries a line out.
func (w *Workspace) run(ctx context.Context, r dispatch.Request) (reply dispatch.Reply, failed bool) {
	reply, err := w.app.Dispatcher.Run(ctx, r)
	if err != nil {
		return dispatch.Reply{Text: w.sorry(ctx, err)}, true
	}
	return reply, false
}
