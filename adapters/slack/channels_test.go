package slack

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// skipPacing moves the clock whenever the app has joined a channel: the message that was
// refused before counts against the channel's limit of one a second.
func (h *testApp) skipPacing() {
	h.slack.OnCall(func(c slacktest.Call) {
		if c.Method == "conversations.join" && c.Phase == "after" {
			h.clock.Advance(2 * channelInterval)
		}
	})
}

// sharedChannelWrites returns how the app writes into channels that belong to others: a
// page and an announcement, by the channel's name.
func (h *testApp) sharedChannelWrites() map[string]func(n int) error {
	return map[string]func(n int) error{
		"ops": func(n int) error {
			h.clock.Advance(2 * channelInterval)
			return h.Page(h.t.Context(), bot.Page{Key: fmt.Sprint("INC-7/p", n), Address: "#ops", Since: h.clock.Now(), Content: card.Content{Title: "INC-7 needs you"}})
		},
		"incidents": func(n int) error {
			h.clock.Advance(2 * channelInterval)
			_, err := h.ShowCard(h.t.Context(), bot.RoomCard{Key: fmt.Sprintf("INC-%d/slack/announce", n), Place: workflow.Announce, Content: card.Content{Title: "INC-7"}})
			return err
		},
	}
}

// TestE7PutOutOfChannel: put out of the public channel of the catch-all or of the
// announcements, the app joins again and writes (E7: never silent until a person answers).
func TestE7PutOutOfChannel(t *testing.T) {
	for name, write := range newTestApp(t, slacktest.Options{}).sharedChannelWrites() {
		t.Run(name, func(t *testing.T) {
			h := newTestApp(t, slacktest.Options{})
			h.skipPacing()
			write = h.sharedChannelWrites()[name]
			id := h.slack.AddChannel(slacktest.Channel{Name: name, Members: []string{h.slack.BotUser}})
			for n := range 3 {
				if err := write(n); err != nil || len(h.slack.Posts(id)) != n+1 {
					t.Fatalf("%d messages, %v", len(h.slack.Posts(id)), err)
				}
				h.slack.Leave(h.slack.BotUser, id)
			}
			h.slack.Fail("conversations.join", slacktest.Fault{Status: 500})
			if err := write(3); err == nil || bot.IsPermanent(err) {
				t.Errorf("joining fails for now: %v", err)
			}
			if err := write(3); err != nil || len(h.slack.Posts(id)) != 4 {
				t.Errorf("%d messages, %v", len(h.slack.Posts(id)), err)
			}
		})
	}
}

// TestE7LostChannel: a channel that the app cannot write into (archived, private and not
// invited, deleted) waits for a person, says what they have to do, and is used as soon as
// they have. A name is looked up anew when the channel that had it fails
// (E7: never silent until a person answers; E4g: what an operator can fix waits).
func TestE7LostChannel(t *testing.T) {
	type lose struct {
		lose, mend func(h *testApp, id string) (now string)
		todo       string
	}
	rename := func(h *testApp, id string) string { // Slack gives a name to one channel only
		name := h.slack.Channel(id).Name
		h.slack.Rename(id, name+"-old")
		return h.slack.AddChannel(slacktest.Channel{Name: name, Members: []string{h.slack.BotUser}})
	}
	archive := func(h *testApp, id string) string {
		h.slack.Archive(h.slack.Installer, id)
		return id
	}
	for how, l := range map[string]lose{
		"archived": {archive, func(h *testApp, id string) string { h.slack.Unarchive(h.slack.Installer, id); return id }, "archive"},
		"replaced": {archive, rename, "archive"},
		"private": {
			func(h *testApp, id string) string {
				h.slack.MakePrivate(id)
				h.slack.Leave(h.slack.BotUser, id)
				return id
			},
			func(h *testApp, id string) string { h.slack.Join(h.slack.BotUser, id); return id }, "invite",
		},
		"replaced before it is noticed": {func(h *testApp, id string) string { archive(h, id); return rename(h, id) }, nil, ""},
	} {
		for _, name := range []string{"ops", "incidents"} {
			t.Run(how+" "+name, func(t *testing.T) {
				h := newTestApp(t, slacktest.Options{})
				h.skipPacing()
				write := h.sharedChannelWrites()[name]
				id := h.slack.AddChannel(slacktest.Channel{Name: name, Members: []string{h.slack.BotUser, h.slack.Installer}})
				if err := write(1); err != nil {
					t.Fatal(err)
				}
				now := l.lose(h, id)
				if l.mend != nil {
					if err := write(2); !bot.IsBlocked(err) || !strings.Contains(bot.BlockedReason(err), l.todo) || !strings.Contains(bot.BlockedReason(err), "#"+name) {
						t.Errorf("a lost channel answers %v", err)
					}
					now = l.mend(h, id)
					h.clock.Advance(missingFor)
				}
				before := len(h.slack.Posts(now))
				if err := write(2); err != nil || len(h.slack.Posts(now)) != before+1 {
					t.Errorf("%d messages after %d, %v", len(h.slack.Posts(now)), before, err)
				}
			})
		}
	}
}

// TestAnnouncementMoves: an announcement whose channel was archived is written into the
// channel that has the name now, and a reply below it waits until then.
func TestAnnouncementMoves(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	old := h.slack.AddChannel(slacktest.Channel{Name: "incidents", Members: []string{h.slack.BotUser, h.slack.Installer}})
	c := bot.RoomCard{Key: "INC-7/slack/announce", Incident: "INC-7", Place: workflow.Announce, Content: card.Content{Title: "first"}}
	var err error
	if c.Ref, err = h.ShowCard(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	h.slack.Archive(h.slack.Installer, old)
	h.slack.Rename(old, "incidents-2025")
	anew := h.slack.AddChannel(slacktest.Channel{Name: "incidents"})
	h.clock.Advance(time.Minute)
	below := post(workflow.Room{ID: "C404"}, "INC-7/9.0", false)
	below.ReplyTo = c.Ref
	if err = h.Post(t.Context(), below); !bot.IsBlocked(err) {
		t.Errorf("a reply in an archived channel answers %v", err)
	}
	c.Content.Title = "second"
	for range 2 {
		h.clock.Advance(time.Minute)
		if c.Ref, err = h.ShowCard(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	below.ReplyTo = c.Ref
	h.clock.Advance(time.Minute)
	if err = h.Post(t.Context(), below); err != nil {
		t.Error(err)
	}
	if posts := h.slack.Posts(anew); len(posts) != 2 || !strings.Contains(posts[0].Plain(), "second") {
		t.Errorf("%d messages in the new channel", len(posts))
	}
}

// TestPutOutOfRoom: put out of the public room of an incident, the app joins again for
// whatever it has to do there.
func TestPutOutOfRoom(t *testing.T) {
	for name, do := range map[string]func(p retryingWorkspace, r workflow.Room, at string) error{
		"post": func(p retryingWorkspace, r workflow.Room, _ string) error {
			return p.Post(t.Context(), post(r, "INC-7/3.0", false))
		},
		"post again": func(p retryingWorkspace, r workflow.Room, _ string) error {
			return p.Post(t.Context(), post(r, "INC-7/3.0", true))
		},
		"card": func(p retryingWorkspace, r workflow.Room, _ string) error {
			_, err := p.ShowCard(t.Context(), bot.RoomCard{Key: "INC-7/card2", Incident: "INC-7", Room: r, Again: true, Content: card.Content{Title: "INC-7"}})
			return err
		},
		"topic": func(p retryingWorkspace, r workflow.Room, _ string) error {
			return p.SetUpRoom(t.Context(), bot.RoomWork{Key: "INC-7/5.0", Room: r, Step: workflow.StepTopic, Title: "INC-7"})
		},
		"pin": func(p retryingWorkspace, r workflow.Room, at string) error {
			return p.SetUpRoom(t.Context(), bot.RoomWork{Key: "INC-7/5.1", Room: r, Step: workflow.StepPin, Card: at})
		},
		"bookmarks": func(p retryingWorkspace, r workflow.Room, _ string) error {
			return p.SetUpRoom(t.Context(), bot.RoomWork{Key: "INC-7/5.2", Room: r, Step: workflow.StepBookmarks, Links: []card.Button{{Label: "x", URL: "https://example.com"}}})
		},
		"invite": func(p retryingWorkspace, r workflow.Room, _ string) error {
			return p.Invite(t.Context(), bot.Invitation{Key: "INC-7/6.0", Room: r, People: []bot.Invitee{{ID: "i", Email: "installer@example.com"}}})
		},
		"archive": func(p retryingWorkspace, r workflow.Room, _ string) error {
			return p.CloseRoom(t.Context(), bot.RoomWork{Key: "INC-7/7.0", Room: r})
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestApp(t, slacktest.Options{})
			p := h.anotherProcess()
			room, err := p.OpenRoom(t.Context(), request(false))
			if err != nil {
				t.Fatal(err)
			}
			at, err := p.ShowCard(t.Context(), bot.RoomCard{Key: "INC-7/card", Incident: "INC-7", Room: room, Content: card.Content{Title: "INC-7"}})
			if err != nil {
				t.Fatal(err)
			}
			h.clock.Advance(time.Minute)
			h.slack.Leave(h.slack.BotUser, room.ID)
			if err = do(p, room, at); err != nil {
				t.Error(err)
			}
			if c := h.slack.Channel(room.ID); !c.Archived && !slices.Contains(c.Members, h.slack.BotUser) {
				t.Error("the app is not in the room")
			}
		})
	}
}
