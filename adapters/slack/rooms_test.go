package slack

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/bot/card"
	"tocsin/workflow"
)

func request(private bool) bot.RoomRequest {
	return bot.RoomRequest{
		Key: "INC-7/2.0", Incident: "INC-7", Name: "inc-7-checkout-is-down", Private: private, Severity: workflow.SEV1, Since: bottest.Epoch,
	}
}

// anotherProcess returns another process: it knows nothing of what the first has done.
func (h *testApp) anotherProcess() retryingWorkspace { return retryingWorkspace{h.connect(), h.clock} }

func (h *testApp) ownChannels() []slacktest.Channel {
	return slices.DeleteFunc(h.slack.Channels(), func(c slacktest.Channel) bool { return c.Creator != h.slack.BotUser })
}

// TestX1RoomOnce: a channel is created once, wherever opening the room was interrupted:
// before or after each call, whichever process goes on (G2: one room per platform).
func TestX1RoomOnce(t *testing.T) {
	for _, private := range []bool{false, true} {
		for _, method := range []string{"conversations.create", "conversations.setPurpose"} {
			for name, fault := range map[string]slacktest.Fault{
				"before": {CutBefore: true}, "after": {LoseAnswer: true}, "500": {Status: 500},
			} {
				t.Run(fmt.Sprint(method, " ", name, " private=", private), func(t *testing.T) {
					h := newTestApp(t, slacktest.Options{})
					h.slack.Fail(method, fault)
					if _, err := h.anotherProcess().OpenRoom(t.Context(), request(private)); err == nil || bot.IsPermanent(err) {
						t.Fatalf("an unclear outcome answers %v", err)
					}
					h.clock.Advance(10 * time.Second)
					room, err := h.anotherProcess().OpenRoom(t.Context(), request(private))
					if err != nil {
						t.Fatal(err)
					}
					all := h.ownChannels()
					if len(all) != 1 || all[0].ID != room.ID || all[0].Private != private || !strings.Contains(all[0].Purpose, "tocsin/0a1b2c3d/INC-7") {
						t.Errorf("room %+v, channels %+v", room, all)
					}
				})
			}
		}
	}
}

// TestAdoptByKey: a channel of the wanted name is adopted only if its purpose holds the
// incident's key; else the room gets another name (G2: one room per platform).
func TestAdoptByKey(t *testing.T) {
	for name, c := range map[string]struct {
		make  func(h *testApp)
		adopt bool
	}{
		"another user's": {func(h *testApp) {
			ana := h.slack.AddUser(slacktest.User{Name: "ana"})
			h.slack.AddChannel(slacktest.Channel{Name: "inc-7-checkout-is-down", Creator: ana, Members: []string{ana, h.slack.BotUser}})
		}, false},
		"of another installation": {func(h *testApp) {
			other := h.anotherProcess()
			other.cfg.Mark = "ffffffff"
			if _, err := other.OpenRoom(t.Context(), request(false)); err != nil {
				t.Fatal(err)
			}
		}, false},
		"of the other visibility": {func(h *testApp) {
			if _, err := h.anotherProcess().OpenRoom(t.Context(), request(true)); err != nil {
				t.Fatal(err)
			}
		}, false},
		"older, and not marked": {func(h *testApp) {
			h.slack.AddChannel(slacktest.Channel{Name: "inc-7-checkout-is-down", Creator: h.slack.BotUser, Members: []string{h.slack.BotUser}})
			h.clock.Advance(time.Hour)
		}, false},
		"its own": {func(h *testApp) {
			if _, err := h.anotherProcess().OpenRoom(t.Context(), request(false)); err != nil {
				t.Fatal(err)
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestApp(t, slacktest.Options{})
			c.make(h)
			there := h.slack.Channel("inc-7-checkout-is-down")
			r := request(false)
			r.Since = h.clock.Now()
			room, err := h.anotherProcess().OpenRoom(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			if (room.ID == there.ID) != c.adopt || !c.adopt && room.Name != "inc-7-checkout-is-down-2" {
				t.Errorf("room %+v, there was %+v", room, there)
			}
		})
	}
}

// TestUnarchive: Slack lets no bot unarchive a channel. With a user's token the channel
// comes back; without one, or when the app was removed from it, the incident continues in
// another.
func TestUnarchive(t *testing.T) {
	for _, private := range []bool{false, true} {
		for _, user := range []bool{false, true} {
			t.Run(fmt.Sprint("private=", private, " user=", user), func(t *testing.T) {
				h := newTestApp(t, slacktest.Options{})
				p := h.anotherProcess()
				room, err := p.OpenRoom(t.Context(), request(private))
				if err != nil {
					t.Fatal(err)
				}
				if private { // the user of the token is in it
					h.slack.Join(h.slack.Installer, room.ID)
				}
				for range 2 { // closing it twice is allowed
					if err = p.CloseRoom(t.Context(), bot.RoomWork{Key: "INC-7/9.0", Room: room}); err != nil {
						t.Fatal(err)
					}
				}
				if !h.slack.Channel(room.ID).Archived {
					t.Fatal("the channel is not archived")
				}
				w := h.connect()
				if user {
					cfg := w.cfg
					cfg.UserToken = h.slack.UserToken
					if w, err = New(cfg); err != nil {
						t.Fatal(err)
					}
				}
				r := request(private)
				r.Was, r.Was.Private, r.Since = room, private, h.clock.Now().Add(-time.Hour)
				back, err := retryingWorkspace{w, h.clock}.OpenRoom(t.Context(), r)
				if err != nil {
					t.Fatal(err)
				}
				c := h.slack.Channel(back.ID)
				if (back.ID == room.ID) != user || c.Archived || c.Private != private || !slices.Contains(c.Members, h.slack.BotUser) {
					t.Errorf("came back as %+v, it was %+v; the channel is %+v", back, room, c)
				}
				message := bot.RoomPost{Key: "INC-7/10.0", Room: back, Content: card.Content{Title: "Ana", Text: "It fails again"}}
				if err = (retryingWorkspace{w, h.clock}).Post(t.Context(), message); err != nil {
					t.Errorf("nothing can be posted in it: %v", err)
				}
			})
		}
	}
}

// TestInvite: people are found by their ID or their address, asked in a hundred
// at a time, and those who cannot be are named once the others have been.
func TestInvite(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	p := h.anotherProcess()
	room, err := p.OpenRoom(t.Context(), request(false))
	if err != nil {
		t.Fatal(err)
	}
	i := bot.Invitation{Key: "INC-7/8.0", Incident: "INC-7", Room: room}
	for n := range 230 {
		id := h.slack.AddUser(slacktest.User{Name: fmt.Sprint("u", n), Email: fmt.Sprintf("u%d@example.com", n)})
		who := bot.Invitee{ID: fmt.Sprint("u", n), Handle: id}
		if n < 20 {
			who = bot.Invitee{ID: fmt.Sprint("u", n), Email: fmt.Sprintf("u%d@example.com", n)}
		}
		i.People = append(i.People, who)
	}
	h.slack.Join(i.People[50].Handle, room.ID)
	i.People = append(i.People, bot.Invitee{ID: "zed", Name: "Zed", Email: "zed@example.org"}, bot.Invitee{ID: "yan", Name: "Yan"})
	err = p.Invite(t.Context(), i)
	if !bot.IsPermanent(err) || err.Error() != "not on Slack: Zed, Yan" {
		t.Errorf("answered %v", err)
	}
	if n := len(h.slack.Channel(room.ID).Members); n != 231 {
		t.Errorf("%d members", n)
	}
	if n := h.slack.CountDone("conversations.invite"); n != 3 {
		t.Errorf("%d calls", n)
	}
	if err = p.Invite(t.Context(), bot.Invitation{Key: "INC-7/9.0", Room: room, People: i.People[:230]}); err != nil {
		t.Errorf("asked again: %v", err)
	}
}

// TestFurnish: the topic is set, the card pinned and addresses are bookmarked,
// each once, wherever it was interrupted.
func TestFurnish(t *testing.T) {
	for name, fault := range map[string]*slacktest.Fault{"": nil, "before": {CutBefore: true}, "after": {LoseAnswer: true}, "second": {Skip: 1, LoseAnswer: true}} {
		t.Run(name, func(t *testing.T) {
			h := newTestApp(t, slacktest.Options{})
			p := h.anotherProcess()
			room, err := p.OpenRoom(t.Context(), request(false))
			if err != nil {
				t.Fatal(err)
			}
			at, err := p.ShowCard(t.Context(), bot.RoomCard{Key: "INC-7/slack/" + room.ID, Room: room, Content: card.Content{Title: "INC-7 · Checkout is down"}})
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []string{workflow.StepTopic, workflow.StepPin, workflow.StepBookmarks} {
				work := bot.RoomWork{
					Key: "INC-7/5." + step, Incident: "INC-7", Room: room, Step: step, Card: at, Title: "INC-7 · " + strings.Repeat("Checkout <is> & down ", 30),
					Links: []card.Button{{Label: "INC-7 in the browser", URL: "https://tocsin.example.com/incidents/INC-7"}, {Label: "Runbook", URL: "https://wiki.example.com/checkout"}},
				}
				if fault != nil {
					h.slack.Fail(map[string]string{workflow.StepTopic: "conversations.setTopic", workflow.StepPin: "pins.add", workflow.StepBookmarks: "bookmarks.add"}[step], *fault)
				}
				for try := range 3 {
					work.Again = try > 0
					if err = h.anotherProcess().SetUpRoom(t.Context(), work); err == nil {
						break
					}
					if bot.IsPermanent(err) {
						t.Fatalf("%s: %v", step, err)
					}
				}
				if err != nil {
					t.Fatalf("%s: %v", step, err)
				}
				h.slack.Heal()
			}
			c := h.slack.Channel(room.ID)
			if !strings.HasPrefix(c.Topic, "INC-7 · Checkout <is> & down") || len([]rune(c.Topic)) > 250 {
				t.Errorf("topic %q", c.Topic)
			}
			if marks := h.slack.Bookmarks(room.ID); len(marks) != 2 {
				t.Errorf("bookmarks %+v", marks)
			}
			if posts := h.slack.Posts(room.ID); len(posts) != 1 || !posts[0].Pinned {
				t.Errorf("posts %+v", posts)
			}
		})
	}
}

// TestMissingScope: each scope that is missing turns off one thing, says which
// it is, and stops nothing else.
func TestMissingScope(t *testing.T) {
	h := newTestApp(t, slacktest.Options{Scopes: slices.DeleteFunc(slacktest.AllBotScopes(), func(s string) bool { return s == "bookmarks:write" || s == "pins:write" })})
	p := h.anotherProcess()
	room, err := p.OpenRoom(t.Context(), request(false))
	if err != nil {
		t.Fatal(err)
	}
	err = p.SetUpRoom(t.Context(), bot.RoomWork{Key: "INC-7/5.0", Room: room, Step: workflow.StepBookmarks, Links: []card.Button{{Label: "x", URL: "https://example.com"}}})
	if !bot.IsBlocked(err) || !strings.HasPrefix(err.Error(), "missing_scope: add bookmarks:write") {
		t.Errorf("answered %v", err)
	}
	if err = p.SetUpRoom(t.Context(), bot.RoomWork{Key: "INC-7/5.1", Room: room, Step: workflow.StepTopic, Title: "INC-7"}); err != nil {
		t.Error(err)
	}
}

// TestInviteMany: more people than can be looked up while one send lasts are
// asked in all the same, and Slack is not taken for silent.
func TestInviteMany(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	room, err := h.anotherProcess().OpenRoom(t.Context(), request(false))
	if err != nil {
		t.Fatal(err)
	}
	in := bot.Invitation{Key: "INC-7/3.1", Incident: "INC-7", Room: room}
	for n := range 30 {
		mail := fmt.Sprintf("p%d@example.com", n)
		h.slack.AddUser(slacktest.User{Name: fmt.Sprint("p", n), Email: mail})
		in.People = append(in.People, bot.Invitee{ID: mail, Email: mail})
	}
	h.slack.Fail("users.lookupByEmail", slacktest.Fault{Delay: 50 * time.Millisecond, Times: -1})
	for range 20 {
		send, cancel := context.WithTimeout(t.Context(), inviteReserve+200*time.Millisecond)
		err = h.Workspace.Invite(send, in)
		cancel()
		if err != nil && !errors.Is(err, bot.ErrPaced) {
			t.Fatal(err)
		}
		if err == nil {
			break
		}
	}
	if n := len(h.slack.Channel(room.ID).Members); err != nil || n != 31 {
		t.Errorf("%d members, %v", n, err)
	}
}

// TestInviteWithoutScope: when people may not be looked up, the error names the missing
// scope instead of calling them missing, and the others are invited.
func TestInviteWithoutScope(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	room, err := h.anotherProcess().OpenRoom(t.Context(), request(false))
	if err != nil {
		t.Fatal(err)
	}
	ana := h.slack.AddUser(slacktest.User{Name: "ana", Email: "ana@example.com"})
	dan := h.slack.AddUser(slacktest.User{Name: "dan"})
	h.slack.SetScopes([]string{"chat:write", "channels:manage"})
	err = h.Workspace.Invite(t.Context(), bot.Invitation{Key: "INC-7/3.1", Room: room, People: []bot.Invitee{
		{ID: "ana", Name: "Ana", Email: "ana@example.com"}, {ID: "dan", Name: "Dan", Handle: dan},
	}})
	if !bot.IsBlocked(err) || !strings.Contains(err.Error(), "Ana") || !strings.Contains(err.Error(), "missing_scope: add users:read.email") || strings.Contains(err.Error(), "not on Slack") {
		t.Errorf("%v", err)
	}
	if members := h.slack.Channel(room.ID).Members; !slices.Contains(members, dan) || slices.Contains(members, ana) {
		t.Errorf("%q", members)
	}
}
