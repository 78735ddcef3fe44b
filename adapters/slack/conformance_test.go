package slack

import (
	"slices"
	"strings"
	"testing"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// TestChat runs the conformance suite of chats against a strict Slack.
func TestChat(t *testing.T) {
	bottest.Chat(t, func(t *testing.T) bottest.ChatFixture {
		h := newTestApp(t, slacktest.Options{})
		t.Cleanup(func() {
			if calls := h.slack.UnexpectedCalls(); len(calls) > 0 {
				t.Errorf("unexpected calls: %+v", calls)
			}
		})
		return bottest.ChatFixture{
			Chat: retryingWorkspace{h.Workspace, h.clock},
			Rooms: func() []string {
				var ids []string
				for _, c := range h.slack.Channels() {
					if strings.Contains(c.Purpose, "tocsin/") {
						ids = append(ids, c.ID)
					}
				}
				return ids
			},
			Posts: func(r workflow.Room) []string {
				var posts []string
				for _, m := range h.slack.Posts(r.ID) {
					if n := m.Notifies(); len(n) > 0 {
						t.Errorf("a post notifies %q: %s", n, m.Blocks)
					}
					posts = append(posts, m.Plain())
				}
				return posts
			},
			Outside: func() string {
				var all strings.Builder
				for _, c := range h.slack.Channels() {
					if c.Private {
						continue
					}
					all.WriteString(c.Name + c.Topic + c.Purpose + "\n")
					for _, m := range h.slack.Messages(c.ID) {
						all.WriteString(m.Plain() + m.Text + "\n")
					}
				}
				return all.String() + h.log.String()
			},
			LoseAnswer: func() {
				h.slack.Fail(nextWrite(h), slacktest.Fault{LoseAnswer: true})
			},
			Longest: maxTextLength,
			Secrets: []string{h.slack.BotToken, h.slack.SigningSecret},
		}
	})
}

// nextWrite returns the method that writes next: a room is opened first.
func nextWrite(h *testApp) string {
	opened := slices.ContainsFunc(h.slack.Channels(), func(c slacktest.Channel) bool { return strings.Contains(c.Purpose, "tocsin/") })
	if opened {
		return "chat.postMessage"
	}
	return "conversations.setPurpose"
}
