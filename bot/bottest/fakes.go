package bottest

import (
	"context"

	"tocsin/bot"
	"tocsin/bot/intake"
	"tocsin/workflow"
)

// Take implements [bot.Intake].
func (s *faultyStore) Take(ctx context.Context, b intake.Batch) ([]intake.Receipt, error) {
	if err := s.before("take"); err != nil {
		return nil, err
	}
	receipts, err := s.Store.Take(ctx, b)
	if err != nil {
		return nil, err
	}
	for _, r := range receipts {
		if r.Change == intake.Started {
			s.w.started++
		}
		s.w.logf("take %s %s", r.Change, r.Incident)
	}
	return receipts, s.after("take")
}

// fakePager accepts, refuses for good, fails for now, loses its answer, and
// crashes before and after it sends. A number called "unknown" is refused.
type fakePager struct{ w *World }

// Page implements [bot.Pager].
func (p *fakePager) Page(_ context.Context, page bot.Page) error {
	w := p.w
	switch {
	case page.Address == "unknown":
		return bot.Permanent(errFault)
	case w.one(100):
		w.logf("crash before page %s", page.Key)
		panic(crash{})
	case w.one(6):
		return errFault
	case w.one(40):
		return bot.Permanent(errFault)
	}
	for n, i := range page.Incidents {
		p.check(i.ID, page.Keys[n], page)
		w.sent[page.Keys[n]]++
	}
	w.logf("page %s", page.Key)
	switch {
	case w.one(30):
		w.logf("answer lost after page %s", page.Key)
		return errFault
	case w.one(60):
		w.logf("crash after page %s", page.Key)
		panic(crash{})
	}
	return nil
}

// check: nothing is sent that was answered, canceled or delivered before (E3,
// G7), but for a page that went out because the store could not be read.
func (p *fakePager) check(incident, key string, page bot.Page) {
	if p.w.settled[key] {
		p.w.fail("E3: page %s is sent again after its delivery was on record", key)
	}
	if p.w.blind {
		return
	}
	i := p.w.truth(incident)
	purpose := page.Purpose
	for _, state := range i.Paging.Pages {
		if incident+"/"+state.ID == key {
			purpose = state.Purpose
		}
	}
	if i.Acknowledged() && purpose == workflow.ToAnswer {
		p.w.fail("E3: %s is acknowledged, and %s is sent", incident, key)
	}
	if !i.Open() {
		p.w.fail("E3: %s is %s, and %s is sent", incident, i.Status, key)
	}
	if i.Status == workflow.Monitoring && i.Paging.State == workflow.Stopped && purpose == workflow.ToAnswer {
		p.w.fail("G7: all alerts of %s have resolved, and %s is sent", incident, key)
	}
}

// Cancel implements [bot.Canceler].
func (p *fakePager) Cancel(_ context.Context, page bot.Page, _ string) error {
	if p.w.one(6) {
		return errFault
	}
	if p.w.sent[page.Key] == 0 {
		p.w.fail("E5: %s is taken back and was never sent", page.Key)
	}
	return nil
}

// fakeChat opens rooms and takes posts. It knows its keys, as platforms do
// that can be asked. Now and then it refuses a post for good.
type fakeChat struct {
	w       *World
	rooms   map[string]string          // incident → key
	told    map[string]map[int]bool    // incident → events that it was told of, or refused to be
	last    map[string]int             // incident → event of the last post
	refused map[string]map[string]bool // incident → keys of posts whose last answer was a refusal for good
}

// OpenRoom implements [bot.Chat].
func (c *fakeChat) OpenRoom(_ context.Context, r bot.RoomRequest) (workflow.Room, error) {
	if c.w.one(8) {
		return workflow.Room{}, errFault
	}
	if key, is := c.rooms[r.Incident]; is && key != r.Key {
		c.w.fail("X1: a second room for %s", r.Incident)
	}
	c.rooms[r.Incident] = r.Key
	c.w.logf("room %s", r.Incident)
	if c.w.one(20) {
		return workflow.Room{}, errFault
	}
	return workflow.Room{Platform: "slack", ID: r.Name, Name: r.Name}, nil
}

// Post implements [bot.Chat].
func (c *fakeChat) Post(_ context.Context, p bot.RoomPost) error {
	if _, open := c.rooms[p.Incident]; !open {
		c.w.fail("a post to %s before its room is open", p.Incident)
	}
	if c.w.one(10) {
		return errFault
	}
	if p.Event < c.last[p.Incident] {
		c.w.fail("X1: event %d of %s is posted after event %d", p.Event, p.Incident, c.last[p.Incident])
	}
	c.last[p.Incident] = p.Event
	if c.told[p.Incident] == nil {
		c.told[p.Incident], c.refused[p.Incident] = map[int]bool{}, map[string]bool{}
	}
	delete(c.refused[p.Incident], p.Key)
	for seq := p.Event; seq <= p.Through; seq++ {
		c.told[p.Incident][seq] = true
	}
	c.w.logf("post %s", p.Key)
	switch {
	case c.w.one(30):
		return errFault
	case c.w.one(100):
		if !p.Failure { // a failure to tell of a failure is let be
			c.refused[p.Incident][p.Key] = true
		}
		return bot.Permanent(errFault)
	}
	return nil
}
