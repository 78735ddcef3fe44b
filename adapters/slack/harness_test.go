package slack

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// testApp is a workspace on a fake Slack, with its own clock.
type testApp struct {
	t     *testing.T
	clock *bottest.Clock
	slack *slacktest.Server
	*Workspace
	store *memory.Store
	log   *strings.Builder
}

func newTestApp(t *testing.T, o slacktest.Options) *testApp {
	h := &testApp{t: t, clock: bottest.NewClock(bottest.Epoch), log: &strings.Builder{}, store: memory.New()}
	o.Now = h.clock.Now
	if o.Scopes == nil { // not all that there are: chat:write.public would let it write where it is not a member
		o.Scopes = names(Scopes())
	}
	h.slack = slacktest.New(o)
	t.Cleanup(h.slack.Close)
	h.Workspace = h.connect()
	return h
}

// connect connects to the workspace, as another process does.
func (h *testApp) connect() *Workspace {
	h.t.Helper()
	w, err := New(Config{
		Settings: Settings{Announce: "#incidents", ArchiveAfter: 7 * 24 * time.Hour},
		BotToken: h.slack.BotToken, SigningSecret: h.slack.SigningSecret, APIURL: h.slack.URL(), Mark: "0a1b2c3d",
		Store: h.store, Now: h.clock.Now, Log: slog.New(slog.NewTextHandler(h.log, nil)),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	w.Configure(nil, bottest.SampleOrganization())
	return w
}

// retryingWorkspace repeats a call when its error says when, as the agenda does.
type retryingWorkspace struct {
	*Workspace
	clock *bottest.Clock
}

func (p retryingWorkspace) retry(do func() error) error {
	for range 200 {
		err := do()
		wait, later := bot.RetryDelay(err)
		if !later || bot.IsBlocked(err) {
			return err
		}
		p.clock.Advance(wait)
	}
	return context.DeadlineExceeded
}

// OpenRoom implements [bot.Chat].
func (p retryingWorkspace) OpenRoom(ctx context.Context, r bot.RoomRequest) (room workflow.Room, err error) {
	err = p.retry(func() (e error) { room, e = p.Workspace.OpenRoom(ctx, r); return e })
	return room, err
}

// Post implements [bot.Chat].
func (p retryingWorkspace) Post(ctx context.Context, post bot.RoomPost) error {
	return p.retry(func() error { return p.Workspace.Post(ctx, post) })
}

// ShowCard implements [bot.RoomManager].
func (p retryingWorkspace) ShowCard(ctx context.Context, c bot.RoomCard) (at string, err error) {
	err = p.retry(func() (e error) { at, e = p.Workspace.ShowCard(ctx, c); return e })
	return at, err
}

// SetUpRoom implements [bot.RoomManager].
func (p retryingWorkspace) SetUpRoom(ctx context.Context, w bot.RoomWork) error {
	return p.retry(func() error { return p.Workspace.SetUpRoom(ctx, w) })
}

// Invite implements [bot.RoomManager].
func (p retryingWorkspace) Invite(ctx context.Context, i bot.Invitation) error {
	return p.retry(func() error { return p.Workspace.Invite(ctx, i) })
}

// CloseRoom implements [bot.RoomManager].
func (p retryingWorkspace) CloseRoom(ctx context.Context, w bot.RoomWork) error {
	return p.retry(func() error { return p.Workspace.CloseRoom(ctx, w) })
}
