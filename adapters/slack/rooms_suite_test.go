package slack

import (
	"slices"
	"strings"
	"testing"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// TestRooms runs the conformance suite of rooms against a strict Slack.
func TestRooms(t *testing.T) {
	bottest.Rooms(t, func(t *testing.T) bottest.RoomsFixture {
		h := newTestApp(t, slacktest.Options{})
		visitor := h.slack.AddUser(slacktest.User{Name: "visitor"})
		texts := func(channel string) []string {
			var all []string
			for _, m := range h.slack.Posts(channel) {
				if m.ThreadTS == "" {
					all = append(all, m.Plain())
				}
			}
			return all
		}
		return bottest.RoomsFixture{
			Process: func() bottest.HostedChat { return h.anotherProcess() },
			AddUser: func(name, email string) string {
				return h.slack.AddUser(slacktest.User{Name: strings.ToLower(name), RealName: name, Email: email})
			},
			Room: func(r workflow.Room) bottest.RoomState {
				c := h.slack.Channel(r.ID)
				s := bottest.RoomState{Name: c.Name, Private: c.Private, Archived: c.Archived, Topic: c.Topic, Posts: texts(r.ID)}
				s.Members = slices.DeleteFunc(slices.Clone(c.Members), func(id string) bool { return id == h.slack.BotUser || id == visitor })
				for _, b := range h.slack.Bookmarks(r.ID) {
					s.Links = append(s.Links, b.Link)
				}
				for _, m := range h.slack.Posts(r.ID) {
					if m.Pinned {
						s.Pinned = append(s.Pinned, m.Plain())
					}
				}
				return s
			},
			Rooms: func() []string {
				var ids []string
				for _, c := range h.ownChannels() {
					if strings.HasPrefix(c.Name, "inc-") {
						ids = append(ids, c.ID)
					}
				}
				return ids
			},
			Below: func(at string) []string {
				channel, ts, err := parseRef(at)
				if err != nil {
					t.Fatal(err)
				}
				var all []string
				for _, m := range h.slack.Posts(channel) {
					if m.ThreadTS == ts && m.TS != ts {
						all = append(all, m.Plain())
					}
				}
				return all
			},
			Announcements: func() []string { return texts(h.slack.Channel("#incidents").ID) },
			Interrupt: func(change string, after bool) {
				method := map[string]string{
					bottest.ChangeOpen: "conversations.create", bottest.ChangePost: "chat.postMessage",
					workflow.StepTopic: "conversations.setTopic", workflow.StepPin: "pins.add", workflow.StepBookmarks: "bookmarks.add",
					bottest.ChangeDelete: "chat.delete",
				}[change]
				h.slack.Fail(method, slacktest.Fault{CutBefore: !after, LoseAnswer: after})
			},
			WriteMessages: func(r workflow.Room, messages int) {
				h.slack.Join(visitor, r.ID)
				for range messages {
					h.slack.Say(visitor, r.ID, "what is going on?", "")
				}
			},
			Delete: func(at string) {
				channel, ts, err := parseRef(at)
				if err != nil {
					t.Fatal(err)
				}
				h.slack.Delete(h.slack.BotUser, channel, ts)
			},
			Archive: func(r workflow.Room) {
				h.slack.Join(visitor, r.ID)
				h.slack.Archive(visitor, r.ID)
			},
		}
	})
}
