package app_test

import (
	"log/slog"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/app"
	"tocsin/bot/bottest"
)

// TestNew: an application is built only when it has what its parts need.
func TestNew(t *testing.T) {
	whole := app.Config{
		Store: memory.New(), Organization: bottest.SampleOrganization(), Secret: []byte("0123456789abcdef"), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	}
	if _, err := app.New(whole); err != nil {
		t.Fatal(err)
	}
	for name, change := range map[string]func(*app.Config){
		"no store":       func(c *app.Config) { c.Store = nil },
		"no clock":       func(c *app.Config) { c.Now = nil },
		"no log":         func(c *app.Config) { c.Log = nil },
		"a short secret": func(c *app.Config) { c.Secret = c.Secret[:15] },
	} {
		c := whole
		change(&c)
		if a, err := app.New(c); err == nil || a != nil {
			t.Errorf("built with %s", name)
		}
	}
}

// TestStory: an incident is declared, paged, acknowledged and resolved by the parts of
// one application.
func TestStory(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Restart(nil, map[string]bot.BuiltinRooms{"web": bottest.BuiltinRooms{}})
	w.Expect(w.Say("ana", "declare Search is down --sev 1 --service search"), true, "INC-1")
	w.Advance(0)
	if len(w.Paged) == 0 || w.Paged[0].Incidents[0].ID != "INC-1" {
		t.Fatalf("paged %+v", w.Paged)
	}
	w.Expect(w.Say("ben", "ack INC-1"), true, "Acknowledged by Ben")
	w.Expect(w.Say("ben", "resolve INC-1 restarted it"), true, "INC-1")
	w.Advance(time.Minute)
	messages, err := w.Conversation.List(t.Context(), "INC-1", w.Person("ana"), 0, 10)
	if err != nil || len(messages) < 3 {
		t.Errorf("%d messages, %v", len(messages), err)
	}
}
