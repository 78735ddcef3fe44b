package web

import (
	"context"
	"errors"

	"tocsin/bot"
	"tocsin/workflow"
)

// Platform is the name under which the browser is a chat platform.
const Platform = "web"

// Chat is the browser as a chat platform. A room is a page that is always
// there; what is posted goes into the incident's conversation, and whoever has
// the page open sees it at once. As it is [bot.Standing], the bot seldom asks:
// its own posts are in the conversation with the commit that they tell of.
type Chat struct {
	// Bot returns the bot whose conversations these are. The bot is made with
	// its chats, so it is asked for when it is needed.
	Bot func() *bot.Bot
}

var (
	_ bot.Chat     = Chat{}
	_ bot.Standing = Chat{}
)

// OpenRoom implements [bot.Chat]: the room is the incident's page.
func (c Chat) OpenRoom(_ context.Context, r bot.RoomRequest) (workflow.Room, error) {
	if r.Incident == "" {
		return workflow.Room{}, bot.Permanent(errors.New("a room needs an incident"))
	}
	return c.Room(r.Incident), nil
}

// Room implements [bot.Standing].
func (c Chat) Room(incident string) workflow.Room {
	return workflow.Room{Platform: Platform, ID: incident, Name: incident, URL: c.Bot().Organization().URL + "/incidents/" + incident}
}

// Post implements [bot.Chat]. The same Key posts once.
func (c Chat) Post(ctx context.Context, p bot.RoomPost) error { return c.Bot().KeepPost(ctx, p) }
