package inbound

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/adapters/slack"
	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/app"
	"tocsin/bot/bottest"
	"tocsin/bot/platform"
)

// testApp is a bot with a fake workspace and a clock that the test moves.
type testApp struct {
	t         *testing.T
	clock     *bottest.Clock
	slack     *slacktest.Server
	workspace *slack.Workspace
	bot       *app.App
	store     *memory.Store
	log       *strings.Builder
}

func newTestApp(t *testing.T, o slacktest.Options) *testApp {
	t.Helper()
	h := &testApp{t: t, clock: bottest.NewClock(bottest.Epoch), log: &strings.Builder{}, store: memory.New()}
	o.Now = h.clock.Now
	if o.Scopes == nil { // only those that the app asks for
		for _, s := range slack.Scopes() {
			o.Scopes = append(o.Scopes, s.Name)
		}
	}
	h.slack = slacktest.New(o)
	t.Cleanup(h.slack.Close)
	var err error
	h.workspace, err = slack.New(slack.Config{
		Settings: slack.Settings{Announce: "#incidents", ArchiveAfter: 7 * 24 * time.Hour},
		BotToken: h.slack.BotToken, SigningSecret: h.slack.SigningSecret, APIURL: h.slack.URL(), Mark: "0a1b2c3d",
		Store: h.store, Now: h.clock.Now, Log: slog.New(slog.NewTextHandler(h.log, nil)),
	})
	if err != nil {
		t.Fatal(err)
	}
	org := bottest.SampleOrganization()
	h.workspace.Configure(nil, org)
	h.bot, err = app.New(app.Config{
		Store: h.store, Organization: org, Secret: []byte("0123456789abcdef"), Now: h.clock.Now, Log: slog.New(slog.DiscardHandler),
		Chats: map[string]bot.Chat{slack.Platform: h.workspace}, Pagers: map[string]bot.Pager{slack.Platform: h.workspace, "email": accepts{}, "sms": accepts{}, "webhook": accepts{}, "log": accepts{}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// applicationOf is what a server asks of a bot.
func applicationOf(a *app.App) platform.Application {
	return platform.Application{
		Engine: a.Engine, Dispatcher: a.Dispatcher, Incidents: a.Incidents, Conversation: a.Conversation, Rooms: a.Rooms, Health: a.Health,
	}
}

// accepts is a medium that takes every page.
type accepts struct{}

// Page implements [bot.Pager].
func (accepts) Page(context.Context, bot.Page) error { return nil }
