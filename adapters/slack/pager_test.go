package slack

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// TestCancelOneOfSeveral: when one of several pages in one message is answered, the others
// are still open: the message stays, with its buttons
// (E5: an acknowledgement carries what was seen).
func TestCancelOneOfSeveral(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	ana := h.slack.AddUser(slacktest.User{Name: "ana"})
	both := bot.Page{
		Key: "INC-7/p1", Keys: []string{"INC-7/p1", "INC-8/p1"}, Address: ana,
		Content: card.Content{Title: "2 incidents need you", Buttons: []card.Button{{Label: "Acknowledge INC-8", Command: "ack INC-8"}}},
	}
	if err := h.Page(t.Context(), both); err != nil {
		t.Fatal(err)
	}
	alone := bot.Page{Key: "INC-9/p1", Keys: []string{"INC-9/p1"}, Address: both.Address, Content: card.Content{Title: "INC-9 needs you"}}
	h.clock.Advance(channelInterval)
	if err := h.Page(t.Context(), alone); err != nil {
		t.Fatal(err)
	}
	for _, key := range []string{"INC-7/p1", "INC-8/p1", "INC-9/p1"} {
		if err := h.Cancel(t.Context(), bot.Page{Key: key, Address: both.Address, Content: card.Content{Title: key}}, "acknowledged by ben"); err != nil {
			t.Fatal(err)
		}
	}
	posts := h.slack.Posts(h.slack.Direct(ana).ID)
	if len(posts) != 2 || !strings.Contains(posts[0].Plain(), "2 incidents need you") || !strings.Contains(posts[0].Plain(), "Acknowledge INC-8") {
		t.Errorf("the user paged for two reads %+v", posts)
	}
	if len(posts) == 2 && !strings.Contains(posts[1].Plain(), "not needed any more: acknowledged by ben") {
		t.Errorf("the user paged for one reads %q", posts[1].Plain())
	}
}

// TestPageGoesFirst: a page waits neither for the posts that wait for the same channel nor
// for those of the whole workspace (E10: lanes by priority).
func TestPageGoesFirst(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	ops := h.slack.AddChannel(slacktest.Channel{Name: "ops", Members: []string{h.slack.BotUser}})
	for n := range 30 {
		one := post(workflow.Room{ID: ops}, fmt.Sprintf("INC-%d/3.0", n), false)
		one.Severity = workflow.SEV1
		if err := h.Post(t.Context(), one); (err == nil) != (n == 0) {
			t.Fatal(err)
		}
	}
	err := h.Page(t.Context(), bot.Page{Key: "INC-7/p1", Keys: []string{"INC-7/p1"}, Address: "#ops", Content: card.Content{Title: "INC-7 needs you"}})
	if wait, later := bot.RetryDelay(err); later && wait > 2*time.Second {
		t.Errorf("a page waits for posts: %v", err)
	}
}

// TestInvitationsLeaveRoom: looking many people up for an invitation does not hold up a
// page to a person who is known by e-mail address alone.
func TestInvitationsLeaveRoom(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	room, err := h.OpenRoom(t.Context(), request(false))
	if err != nil {
		t.Fatal(err)
	}
	in := bot.Invitation{Key: "INC-7/3.1", Incident: "INC-7", Room: room, Severity: workflow.SEV1}
	for n := range 60 {
		name := fmt.Sprint("p", n)
		h.slack.AddUser(slacktest.User{Name: name, Email: name + "@example.com"})
		in.People = append(in.People, bot.Invitee{ID: name, Email: name + "@example.com"})
	}
	h.slack.AddUser(slacktest.User{Name: "ana", Email: "ana@example.com"})
	if _, later := bot.RetryDelay(h.Invite(t.Context(), in)); !later {
		t.Fatal("sixty people are looked up at once")
	}
	if err = h.Page(t.Context(), bot.Page{Key: "INC-7/p1", Keys: []string{"INC-7/p1"}, Address: "email:ana@example.com"}); err != nil {
		t.Errorf("a page waits for an invitation: %v", err)
	}
}

// TestPageAgainLooksNoFurther: a page that may have been written is looked for back to the
// beginning of its incident and no further: looking counts against the rate limits, and
// the page waits for it (E3: check again before each send).
func TestPageAgainLooksNoFurther(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	ana := h.slack.AddUser(slacktest.User{Name: "ana"})
	page := bot.Page{Key: "INC-6/p1", Keys: []string{"INC-6/p1"}, Address: ana, Content: card.Content{Title: "INC-6 needs you"}}
	if err := h.Page(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	for range 700 {
		h.slack.Say(ana, h.slack.Direct(ana).ID, "thanks", "")
	}
	h.clock.Advance(time.Hour)
	page.Key, page.Keys, page.Content.Title = "INC-7/p1", []string{"INC-7/p1"}, "INC-7 needs you"
	page.Since = h.clock.Now()
	for range 2 {
		if err := h.anotherProcess().PageAgain(t.Context(), page); err != nil {
			t.Fatal(err)
		}
	}
	if looked := h.slack.Count("conversations.history"); looked != 2 {
		t.Errorf("looked %d times", looked)
	}
	if posts := h.slack.Posts(h.slack.Direct(ana).ID); len(posts) != 2 {
		t.Errorf("%d pages", len(posts))
	}
}

// TestChannelAmongMany: a channel is found by its name among more channels than can be
// listed at a time: each search goes on where the last one ended.
func TestChannelAmongMany(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	for n := range 2 * pageSize {
		h.slack.AddChannel(slacktest.Channel{Name: fmt.Sprint("c", n)})
	}
	ops := h.slack.AddChannel(slacktest.Channel{Name: "ops", Members: []string{h.slack.BotUser}})
	page := bot.Page{Key: "INC-7/p1", Keys: []string{"INC-7/p1"}, Address: "#ops", Content: card.Content{Title: "INC-7 needs you"}}
	var err error
	for range 3 {
		for range tier2 - 1 { // one page is left of what may be listed in a minute
			h.API.pace.take(call{method: "conversations.list", wait: true})
		}
		if err = h.Page(t.Context(), page); err == nil {
			break
		}
		h.clock.Advance(2 * window)
	}
	if err != nil || len(h.slack.Posts(ops)) != 1 {
		t.Errorf("%v, %d calls", err, h.slack.Count("conversations.list"))
	}
}

// TestAnnounceAtOnce: when several processes announce the first incidents at once, the
// channel is created once, and all of them are announced.
func TestAnnounceAtOnce(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	var all sync.WaitGroup
	failed := make(chan error, 20)
	for _, w := range []*Workspace{h.Workspace, h.connect()} {
		for n := range 5 {
			all.Go(func() {
				_, err := w.findChannel(t.Context(), "#incidents", true)
				if _, later := bot.RetryDelay(err); err != nil && !later {
					failed <- fmt.Errorf("%d: %w", n, err)
				}
			})
		}
	}
	all.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	if listed := h.slack.Count("conversations.list"); listed > 4 {
		t.Errorf("channels are listed %d times", listed)
	}
}

// TestJoinedBeforeWritten: the app joins a channel before it writes into it, also when
// joining has to wait.
func TestJoinedBeforeWritten(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	var scopes []string
	for _, s := range Scopes() { // not all that there are: chat:write.public is not asked for
		scopes = append(scopes, s.Name)
	}
	h.slack.SetScopes(scopes)
	id := h.slack.AddChannel(slacktest.Channel{Name: "incidents"})
	h.slack.Fail("conversations.join", slacktest.Fault{Status: 429, RetryAfter: 5 * time.Second})
	c := bot.RoomCard{Key: "INC-7/slack/announce", Incident: "INC-7", Place: workflow.Announce, Content: card.Content{Title: "INC-7"}}
	if at, err := h.anotherProcess().ShowCard(t.Context(), c); err != nil || len(h.slack.Posts(id)) != 1 {
		t.Errorf("%q, %v: %d posts", at, err, len(h.slack.Posts(id)))
	}
}

// TestChannelWithoutHash: a channel is the same with and without #, as a target and as the
// place of announcements.
func TestChannelWithoutHash(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	ops := h.slack.AddChannel(slacktest.Channel{Name: "ops"})
	for n, address := range []string{"ops", "#ops", ops} {
		h.clock.Advance(channelInterval)
		page := bot.Page{Key: fmt.Sprint("INC-7/p", n), Address: address, Content: card.Content{Title: "INC-7 needs you"}}
		if err := h.Page(t.Context(), page); err != nil || len(h.slack.Posts(ops)) != n+1 {
			t.Errorf("%q: %v, %d pages", address, err, len(h.slack.Posts(ops)))
		}
	}
	h.Configure(&Settings{Announce: "incidents"}, bottest.SampleOrganization())
	c := bot.RoomCard{Key: "INC-7/slack/announce", Incident: "INC-7", Place: workflow.Announce, Content: card.Content{Title: "INC-7"}}
	if _, err := h.ShowCard(t.Context(), c); err != nil || len(h.slack.Posts("#incidents")) != 1 {
		t.Errorf("announced: %v, %d posts", err, len(h.slack.Posts("#incidents")))
	}
}

// TestWorstPageFirst: of pages that wait for one person the worst goes first, whenever it
// came, and a page that is not wanted any more keeps no place (E10: lanes by priority).
func TestWorstPageFirst(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	ana := h.slack.AddUser(slacktest.User{Name: "ana"})
	send := func(n int, s workflow.Severity) bool {
		return h.Page(t.Context(), bot.Page{
			Key: fmt.Sprintf("INC-%d/p1", n), Keys: []string{fmt.Sprintf("INC-%d/p1", n)}, Address: ana, Severity: s,
			Content: card.Content{Title: fmt.Sprintf("INC-%d", n)},
		}) == nil
	}
	if !send(1, workflow.SEV4) {
		t.Fatal("the first page waits")
	}
	for n := 2; n <= 6; n++ {
		if send(n, workflow.SEV4) {
			t.Fatalf("page %d does not wait", n)
		}
	}
	if send(7, workflow.SEV1) {
		t.Fatal("two messages within a second")
	}
	h.clock.Advance(channelInterval)
	if send(2, workflow.SEV4) {
		t.Error("a SEV4 goes before the SEV1")
	}
	if !send(7, workflow.SEV1) {
		t.Error("the SEV1 waits")
	}
	for n := 2; n <= 5; n++ {
		h.Drop(fmt.Sprintf("INC-%d/p1", n))
	}
	h.clock.Advance(channelInterval)
	if !send(6, workflow.SEV4) {
		t.Error("a page waits for others that are not wanted any more")
	}
}
