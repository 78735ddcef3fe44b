package web_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"

	"tocsin/adapters/memory"
	"tocsin/adapters/web"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/commands"
	"tocsin/workflow"
)

// forgetfulStore carries a change out and loses the answer, when it is told to.
type forgetfulStore struct {
	bot.Store
	loses atomic.Bool
}

func (s *forgetfulStore) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	r, err := s.Store.Commit(ctx, c)
	if err == nil && s.loses.Swap(false) {
		return bot.Receipt{}, errors.New("the answer of the store was lost")
	}
	return r, err
}

// chatHouse is a bot whose only chat is the browser.
type chatHouse struct {
	*bot.Bot
	t     *testing.T
	store *forgetfulStore
}

const chatSecret = "chat-conformance-secret"

func newChatHouse(t *testing.T) chatHouse {
	h := chatHouse{t: t, store: &forgetfulStore{Store: memory.New()}}
	org := bottest.Town()
	var err error
	h.Bot, err = bot.New(bot.Config{
		Store: h.store, Organization: org, Secret: []byte(chatSecret), Log: slog.New(slog.DiscardHandler),
		Now:   bottest.Epoch.UTC,
		Chats: map[string]bot.Chat{web.Platform: web.Chat{Bot: func() *bot.Bot { return h.Bot }}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// prepare puts an incident into the store.
func (h chatHouse) prepare(i workflow.Incident) {
	raw, err := workflow.EncodeIncident(i)
	if err != nil {
		h.t.Fatal(err)
	}
	if _, err = h.store.Commit(h.t.Context(), bot.Commit{At: bottest.Epoch, Incident: i.ID, Snapshot: raw, Open: true}); err != nil {
		h.t.Fatal(err)
	}
}

// rooms are the pages that are there: one for each incident.
func (h chatHouse) rooms() (ids []string) {
	all, err := h.OpenIncidents(h.t.Context(), 100)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, i := range all {
		ids = append(ids, i.ID)
	}
	return ids
}

// posts is what Ana reads, whom the suite has made a member of what is private.
func (h chatHouse) posts(r workflow.Room) (all []string) {
	ana, _ := h.Speaker("ana")
	said, err := h.Conversation(h.t.Context(), r.ID, ana, 0, 1000)
	if err != nil {
		h.t.Fatal(err)
	}
	for _, one := range said {
		all = append(all, one.Name+"\n"+one.Text)
	}
	return all
}

// outside is all that an administrator reads who is a member of nothing.
func (h chatHouse) outside() string {
	zoe := bot.Speaker{Person: "zoe", Name: "Zoe", Access: commands.Admin}
	var read strings.Builder
	for _, id := range h.rooms() {
		said, err := h.Conversation(h.t.Context(), id, zoe, 0, 1000)
		fmt.Fprintln(&read, said, err)
		for _, line := range []string{"show ", "timeline ", "who ", "timers ", "web ", "note "} {
			reply, e := h.Run(h.t.Context(), bot.Request{Text: line + id, Speaker: zoe})
			fmt.Fprintln(&read, reply, e)
		}
		reply, err := h.Say(h.t.Context(), bot.Request{Text: "hello", Room: id, Speaker: zoe})
		fmt.Fprintln(&read, reply, err)
	}
	reply, err := h.Run(h.t.Context(), bot.Request{Text: "list --all", Speaker: zoe})
	fmt.Fprintln(&read, reply, err)
	return read.String()
}

func TestChatConformance(t *testing.T) {
	bottest.Chat(t, func(t *testing.T) bottest.ChatFixture {
		h := newChatHouse(t)
		return bottest.ChatFixture{
			Chat: web.Chat{Bot: func() *bot.Bot { return h.Bot }}, Secrets: []string{chatSecret},
			Prepare: h.prepare, Rooms: h.rooms, Posts: h.posts, Outside: h.outside,
			LoseAnswer: func() { h.store.loses.Store(true) },
		}
	})
}
