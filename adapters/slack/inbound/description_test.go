package inbound

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/platform"
)

// TestConnect: the connected platform has every port that the bot can use, and builds
// the inbound side with its routes.
func TestConnect(t *testing.T) {
	secrets := map[string]string{"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}
	p, err := Description().Connect(platform.Options{
		Secret: func(name string) string { return secrets[name] }, Store: memory.New(), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := p.(bot.RoomManager); !ok {
		t.Error("it manages no rooms")
	}
	if _, ok := p.(bot.Canceler); !ok {
		t.Error("it cancels no pages")
	}
	if _, ok := p.(bot.Rechecker); !ok {
		t.Error("it does not look for pages before it sends them again")
	}
	if _, ok := p.Inbound(platform.Application{}).(interface{ Handler() http.Handler }); !ok {
		t.Error("its inbound side has no routes")
	}
}
