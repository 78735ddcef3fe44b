package inbound

import (
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack"
	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/agenda"
	"tocsin/bot/app"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// restart starts the bot again on the same store and workspace, as another process does.
func (h *testApp) restart() {
	h.t.Helper()
	w, err := slack.New(slack.Config{
		Settings: slack.Settings{Announce: "#incidents"}, BotToken: h.slack.BotToken, SigningSecret: h.slack.SigningSecret, APIURL: h.slack.URL(),
		Mark: "0a1b2c3d", Store: h.store, Now: h.clock.Now, Log: slog.New(slog.NewTextHandler(h.log, nil)),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	org := bottest.SampleOrganization()
	w.Configure(nil, org)
	h.workspace = w
	h.bot, err = app.New(app.Config{
		Store: h.store, Organization: org, Secret: []byte("0123456789abcdef"), Now: h.clock.Now, Log: slog.New(slog.NewTextHandler(h.log, nil)),
		Chats: map[string]bot.Chat{slack.Platform: w}, Pagers: map[string]bot.Pager{slack.Platform: w, "email": accepts{}, "sms": accepts{}, "webhook": accepts{}, "log": accepts{}},
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// pass moves the clock and carries out what is due.
func (h *testApp) pass(r *agenda.Runner, d, step time.Duration) {
	h.t.Helper()
	for end := h.clock.Now().Add(d); h.clock.Now().Before(end); h.clock.Advance(step) {
		if _, err := r.Tick(h.t.Context()); err != nil {
			h.t.Fatal(err)
		}
	}
}

// TestE4gRefusedWaits: what Slack refuses for a reason that an operator can fix waits, for
// each such reason, and also over a restart: rooms are opened, cards are current, and
// updates come in order and once, after the reason has gone. Meanwhile people read the
// reason elsewhere (E4g: what an operator can fix waits).
func TestE4gRefusedWaits(t *testing.T) {
	for code, everywhere := range map[string]bool{ // the whole workspace is refused
		"invalid_auth": true, "not_authed": true, "token_revoked": true, "token_expired": true, "account_inactive": true, "org_login_required": true,
		"team_access_not_granted": true, "two_factor_setup_required": true,
		"missing_scope": false, "no_permission": false, "access_denied": false, "accesslimited": false, "ekm_access_denied": false,
		"enterprise_is_restricted": false, "not_allowed_token_type": false, "restricted_action": false,
	} {
		for _, restarts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s restarts=%t", code, restarts), func(t *testing.T) {
				t.Parallel()
				h := newTestApp(t, slacktest.Options{})
				h.restart()
				r := h.bot.Agenda(0)
				h.run("declare Checkout is down --sev 1 --service checkout")
				h.run("ack INC-1")
				h.runUntil(r, time.Minute, func() bool { return h.hasRooms(1) })
				h.slack.Fail("*", slacktest.Fault{Error: code, Times: -1})
				h.slack.Forget()
				for n := range 5 {
					h.run(fmt.Sprintf("note INC-1 line %d.", n))
				}
				h.run("severity INC-1 2")
				h.run("declare Search is slow --sev 2")
				h.pass(r, 10*time.Minute, 5*time.Second)
				if n := h.slack.Count(""); everywhere && n > 2*int(10*time.Minute/(10*time.Second)) {
					t.Errorf("Slack was asked %d times in ten minutes", n)
				}
				o, ok := h.bot.Health.Outage(slack.Platform)
				if !ok || !o.Blocked || !strings.HasPrefix(o.Why, code) {
					t.Errorf("the health is %+v", o)
				}
				second, err := h.bot.LoadUnchecked(t.Context(), "INC-2")
				if err != nil {
					t.Fatal(err)
				}
				if room, _ := second.Room(slack.Platform); room.State != workflow.RoomRequested || !strings.HasPrefix(room.Why, code) {
					t.Errorf("the second room is %+v", room)
				}
				h.slack.Heal()
				if restarts {
					h.restart()
					r = h.bot.Agenda(0)
				}
				h.pass(r, time.Minute, time.Second)
				h.requireCaughtUp()
				if _, ok = h.bot.Health.Outage(slack.Platform); ok {
					t.Error("the health still reports an outage")
				}
			})
		}
	}
}

// requireCaughtUp fails unless both incidents have rooms, with current cards, and the five
// lines of the first are there in order, once.
func (h *testApp) requireCaughtUp() {
	h.t.Helper()
	rooms := h.rooms()
	if len(rooms) != 2 || !h.hasRooms(2) {
		h.t.Fatalf("%d rooms: %+v", len(rooms), rooms)
	}
	n := 0
	for _, m := range h.slack.Posts(rooms[0].ID) {
		switch text := m.Plain(); {
		case strings.Contains(text, fmt.Sprintf("line %d.", n)):
			n++
		case strings.Contains(text, "line "):
			h.t.Errorf("after %d lines comes %q", n, text)
		case strings.Contains(text, "Gave up"):
			h.t.Errorf("it says %q", text)
		}
	}
	if n != 5 {
		h.t.Errorf("%d of 5 lines are there in order", n)
	}
	if card := h.slack.Posts(rooms[0].ID)[0].Plain(); !strings.Contains(card, "SEV2") {
		h.t.Errorf("the card is %q", card)
	}
	announced := h.slack.Posts("#incidents")
	if len(announced) < 2 || !strings.Contains(announced[0].Plain(), "SEV2") {
		h.t.Errorf("%d announcements", len(announced))
	}
}
