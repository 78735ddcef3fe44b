//go:build contract

package slack

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// step is one thing that was done, of which room, and what became of it.
type step struct{ name, of, outcome string }

// stage plays the steps.
type stage struct {
	t     *testing.T
	clock *bottest.Clock
	at    party
	of    string // what the steps are done with
	steps []step
}

// as returns a new process: it knows nothing of the others.
func (s *stage) as(token string) retryingWorkspace {
	s.t.Helper()
	w, err := New(Config{
		Settings: Settings{Announce: "#incidents"}, BotToken: token, APIURL: s.at.api, Mark: "0a1b2c3d", Store: memory.New(),
		Now: s.clock.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return retryingWorkspace{w, s.clock}
}

func (s *stage) recordOutcome(name string, err error, more ...any) {
	outcome := "done"
	var status slack.StatusCodeError
	switch {
	case ErrorCode(err) != "":
		outcome = "refused: " + ErrorCode(err)
	case errors.As(err, &status):
		outcome = fmt.Sprintf("fails with status %d", status.Code)
	case bot.IsPermanent(err):
		outcome = "refused: " + err.Error()
	case err != nil:
		outcome = "fails: " + err.Error()
	}
	for _, m := range more {
		outcome += fmt.Sprint("; ", m)
	}
	s.steps = append(s.steps, step{name, s.of, outcome})
}

// play does all that the adapter does by itself, and notes what becomes of it.
func play(t *testing.T, where func(*testing.T, func() time.Time) party) []step {
	t.Helper()
	c := bottest.NewClock(time.Now())
	s := &stage{t: t, clock: c, at: where(t, c.Now)}
	ctx := t.Context()
	me, err := s.as(s.at.token).API.identity(ctx)
	s.recordOutcome("who the token is", err, me.User != "", me.Team != "", strings.HasSuffix(me.URL, ".slack.com/"))
	s.recordOutcome("the scopes of the token", nil, len(me.Scopes) > 0)
	_, err = s.as("xoxb-nobody").API.identity(ctx)
	s.recordOutcome("a token that nobody has", err)
	for _, private := range []bool{false, true} {
		s.of = fmt.Sprintf(" (private=%v)", private)
		s.room(ctx, private)
	}
	s.of = ""
	s.people(ctx)
	return s.steps
}

func (s *stage) room(ctx context.Context, private bool) {
	r := bot.RoomRequest{Key: "INC-7/2.0", Incident: "INC-7", Name: "inc-7-Checkout, down!", Private: private, Severity: workflow.SEV1, Since: s.clock.Now()}
	if private {
		r.Key, r.Incident, r.Name = "INC-8/2.0", "INC-8", "inc-8-secret"
	}
	message := card.Content{Title: r.Incident + " · Checkout <is> down & *out*", Text: "It began at 3:12."}
	w := s.as(s.at.token)
	room, err := w.OpenRoom(ctx, r)
	s.recordOutcome("a room", err, room.Name, room.Private)
	if err != nil {
		return
	}
	found, err := w.API.bot.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: room.ID})
	s.recordOutcome("a room as it is", err, found.Name, found.IsPrivate, found.Purpose.Value, found.IsMember)
	again, err := s.as(s.at.token).OpenRoom(ctx, r)
	s.recordOutcome("a room that is there already", err, again.ID == room.ID)

	shown := bot.RoomCard{Key: r.Incident + "/card", Incident: r.Incident, Room: room, Content: message}
	at, err := w.ShowCard(ctx, shown)
	s.recordOutcome("a room's card", err, at != "")
	shown.Again = true
	second, err := s.as(s.at.token).ShowCard(ctx, shown)
	s.recordOutcome("a room's card, by another process", err, second == at)
	shown.Ref = at
	_, err = w.ShowCard(ctx, shown)
	s.recordOutcome("a room's card, brought up to date", err)
	shown.Ref = room.ID + ":1111111111.000001"
	third, err := w.ShowCard(ctx, shown)
	s.recordOutcome("a room's card that a user has deleted", err, third != at)

	_, ts, _ := strings.Cut(at, ":")
	for _, text := range []string{"Rolling back.", strings.Repeat("0123456789 ", 900)} {
		what := fmt.Sprintf("a post of %d characters", len(text))
		post := bot.RoomPost{Key: r.Key + what, Incident: r.Incident, Room: room, Content: card.Content{Title: "ana", Text: text}}
		s.postTwice(what, room.ID, "", post.Key, func(w retryingWorkspace, again bool) error {
			post.Again = again
			return w.Post(ctx, post)
		})
		post.Key, post.ReplyTo = r.Key+what+" below", at
		s.postTwice(what+" below the card", room.ID, ts, post.Key, func(w retryingWorkspace, again bool) error {
			post.Again = again
			return w.Post(ctx, post)
		})
	}
	s.setUp(ctx, room, r, at)
	s.end(ctx, room, r)
}

// postTwice posts something, and again from another process, which does not know
// whether it was done; then there is one message.
func (s *stage) postTwice(name, channel, thread, key string, do func(w retryingWorkspace, again bool) error) {
	s.t.Helper()
	first := do(s.as(s.at.token), false)
	s.recordOutcome(name, first)
	if first != nil {
		return
	}
	second := do(s.as(s.at.token), true)
	messages, _, err := s.as(s.at.token).Messages.readPage(s.t.Context(), outgoing{channel: channel, thread: thread}, "", "")
	count := 0
	for n := range messages {
		if hasKey(messages[n].Metadata.EventPayload, key) {
			count++
		}
	}
	s.recordOutcome(name+", by another process", errors.Join(second, err), count)
}

// setUp runs each step of setting up the room twice.
func (s *stage) setUp(ctx context.Context, room workflow.Room, r bot.RoomRequest, at string) {
	work := bot.RoomWork{
		Key: r.Key + "/setup", Incident: r.Incident, Room: room, Card: at, Title: "Checkout <is> down & out",
		Links: []card.Button{{Label: "Runbook", URL: "https://example.com/runbook?a=b&c=d"}, {Label: "Call", URL: "https://meet.example.com/7"}},
	}
	for _, step := range []string{workflow.StepTopic, workflow.StepPin, workflow.StepBookmarks} {
		work.Step, work.Again = step, false
		s.recordOutcome(step, s.as(s.at.token).SetUpRoom(ctx, work))
		work.Again = true
		s.recordOutcome(step+", by another process", s.as(s.at.token).SetUpRoom(ctx, work))
	}
	w := s.as(s.at.token)
	marks, err := w.API.bot.ListBookmarksContext(ctx, room.ID)
	s.recordOutcome("a room's bookmarks", err, len(marks))
	found, err := w.API.bot.GetConversationInfoContext(ctx, &slack.GetConversationInfoInput{ChannelID: room.ID})
	topic := ""
	if err == nil {
		topic = found.Topic.Value
	}
	s.recordOutcome("a room's topic", err, topic)

	invitation := bot.Invitation{Key: r.Key + "/invite", Incident: r.Incident, Room: room, People: []bot.Invitee{{ID: "ana", Email: "ana@example.com"}}}
	s.recordOutcome("ana is asked in", s.as(s.at.token).Invite(ctx, invitation))
	s.recordOutcome("ana is asked in again", s.as(s.at.token).Invite(ctx, invitation))
	invitation.People = append(invitation.People, bot.Invitee{ID: "ben", Email: "ben@example.com"}, bot.Invitee{ID: "dan", Name: "Dan", Email: "dan@example.com"})
	s.recordOutcome("ana, ben, and dan, who is not on the platform, are invited", s.as(s.at.token).Invite(ctx, invitation))
	members, _, err := w.API.bot.GetUsersInConversationContext(ctx, &slack.GetUsersInConversationParameters{ChannelID: room.ID})
	s.recordOutcome("a room's members", err, len(members))
}

// end closes the room, and opens it again.
func (s *stage) end(ctx context.Context, room workflow.Room, r bot.RoomRequest) {
	work := bot.RoomWork{Key: r.Key + "/close", Incident: r.Incident, Room: room}
	s.recordOutcome("a room is archived", s.as(s.at.token).CloseRoom(ctx, work))
	s.recordOutcome("a room is archived again", s.as(s.at.token).CloseRoom(ctx, work))
	s.recordOutcome("a post into an archived room", s.as(s.at.token).Post(ctx, bot.RoomPost{Key: r.Key + "/late", Room: room, Content: card.Content{Title: "ana", Text: "Late."}}))
	r.Was, r.Key = room, r.Key+"/back"
	back, err := s.as(s.at.token).OpenRoom(ctx, r)
	s.recordOutcome("a room that was archived comes back to a bot", err, back.ID == room.ID)
}

// people are paged, and announcements made.
func (s *stage) people(ctx context.Context) {
	message := card.Content{Title: "INC-7 · Checkout is down", Text: "Page 1 to ana."}
	w := s.as(s.at.token)
	user, err := w.Directory.userID(ctx, "", "ana@example.com", call{wait: true})
	s.recordOutcome("ana by her address", err, user != "")
	_, err = w.Directory.userID(ctx, "", "dan@example.com", call{wait: true})
	s.recordOutcome("dan, who is not on the platform", err)
	account, err := w.Directory.Account(ctx, user)
	s.recordOutcome("who ana is", err, account.Name, account.Email)
	direct, err := w.Messages.openDirect(ctx, user)
	s.recordOutcome("the direct conversation with ana", err, strings.HasPrefix(direct, "D"))
	page := bot.Page{Key: "page:1", Address: "email:ana@example.com", Content: message}
	s.postTwice("a page to ana", direct, "", page.Key, func(w retryingWorkspace, again bool) error {
		if again {
			return w.PageAgain(ctx, page)
		}
		return w.Page(ctx, page)
	})
	s.recordOutcome("the page is taken back", w.Cancel(ctx, page, "ben has answered"))
	page.Key, page.Address = "page:2", "#incidents"
	s.recordOutcome("a page into a channel", w.Page(ctx, page))
	page.Key, page.Address = "page:3", "#nowhere"
	s.recordOutcome("a page into a channel that is not there", w.Page(ctx, page))

	shown := bot.RoomCard{Key: "INC-7/announce", Incident: "INC-7", Place: workflow.Announce, Content: message}
	at, err := w.ShowCard(ctx, shown)
	s.recordOutcome("an announcement", err)
	channel, ts, _ := strings.Cut(at, ":")
	s.postTwice("an update below it", channel, ts, "INC-7/update", func(w retryingWorkspace, again bool) error {
		return w.Post(ctx, bot.RoomPost{Key: "INC-7/update", ReplyTo: at, Again: again, Content: message})
	})
	c, err := w.lookUp(ctx, "#incidents")
	s.recordOutcome("the channel of announcements", err, c != nil && c.IsMember && !c.IsArchived)
}
