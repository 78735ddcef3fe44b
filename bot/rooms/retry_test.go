package rooms_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// failingChat is a chat platform that refuses to open rooms.
type failingChat struct {
	*fakeChat
	err error
}

// OpenRoom implements [bot.Chat].
func (c *failingChat) OpenRoom(ctx context.Context, r bot.RoomRequest) (workflow.Room, error) {
	if c.err != nil {
		return workflow.Room{}, c.err
	}
	return c.fakeChat.OpenRoom(ctx, r)
}

// TestRetryReply: the reply to `retry` says what it does.
func TestRetryReply(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	c := &failingChat{fakeChat: &fakeChat{platform: "slack"}, err: bot.Permanent(errors.New("name_taken"))}
	w.Restart(map[string]bot.Chat{"slack": c}, nil)
	w.Say("ben", "declare Checkout is down --service search")
	w.Advance(time.Second)
	w.Expect(w.Say("ben", "retry INC-1"), true, "INC-1: Opening a room on Slack.")
	c.err = bot.Blocked(errors.New("invalid_auth: install the app again"))
	w.Advance(time.Second)
	w.Expect(w.Say("ben", "retry INC-1"), false, "A room of INC-1 waits: invalid_auth: install the app again. It is tried again by itself")
	w.Expect(w.Say("ben", "timeline INC-1"), true, "The room on Slack waits until this is fixed: invalid_auth: install the app again")
	w.Say("ben", "note INC-1 one")
	w.Say("ben", "note INC-1 two")
	w.Advance(time.Minute)
	if o, ok := w.Health.Outage("slack"); !ok || !o.Blocked {
		t.Errorf("the health is %+v", o)
	}
	c.err = nil
	w.Advance(20 * time.Second)
	w.Advance(time.Second)
	all := strings.Join(c.posts, "\n")
	if one, two := strings.Index(all, "one"), strings.Index(all, "two"); len(c.rooms) != 1 || one < 0 || two < one {
		t.Errorf("%d rooms, posts:\n%s", len(c.rooms), all)
	}
	if o, ok := w.Health.Outage("slack"); ok {
		t.Errorf("the health is %+v", o)
	}
}
