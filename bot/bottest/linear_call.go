package bottest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// call is one call of a port: it knows how to be made, and what it means.
type call interface {
	// make calls a store, and returns what it answers as step wants it.
	make(ctx context.Context, s bot.Store) (any, error)
	// step says whether a ledger may give this answer, and what holds after it.
	// When the answer is unclear it says what the call does if it is done.
	step(l *model, a answer) (*model, bool)
}

// answer is what a call got. An error that is none of the port's own leaves
// unclear whether anything was done.
type answer struct {
	value any
	err   error
}

func (a answer) unclear() bool { return a.err != nil && !a.refused() }

// refused reports whether the error is one of those by which a port says that
// nothing was done.
func (a answer) refused() bool {
	return errors.Is(a.err, bot.ErrNotFound) || errors.Is(a.err, bot.ErrConflict) ||
		errors.Is(a.err, bot.ErrTaken) || errors.Is(a.err, bot.ErrLeaseLost)
}

// text writes a value down, whatever it is made of: two are equal when their
// texts are.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// readLoad is Load.
type readLoad struct{ ID string }

// shown is what of an incident can be seen by Load.
type seenMail struct {
	Version                 int
	Snapshot, Stub, Follows string
	Started, Again, Ended   int    // of all the mail that is unread: a store may join pieces
	Samples                 string // of all of it
}

// add adds mail, and returns its samples.
func (s *seenMail) add(mail []workflow.Mail) (samples []string) {
	for _, m := range mail {
		s.Started, s.Again, s.Ended = s.Started+m.Started, s.Again+m.Again, s.Ended+m.Ended
		for _, one := range m.Samples {
			samples = append(samples, text(one))
		}
	}
	s.Samples = strings.Join(samples, " ")
	return samples
}

// loaded is what Load shows, with what reading the mail needs.
type loadedState struct {
	Shown seenMail

	last    int // the number of the last mail
	samples []string
}

func (c readLoad) make(ctx context.Context, s bot.Store) (any, error) {
	l, err := s.Load(ctx, c.ID)
	v := loadedState{Shown: seenMail{Version: l.Version, Snapshot: string(l.Snapshot), Stub: string(l.Stub), Follows: l.Previous}}
	v.samples = v.Shown.add(l.Mail)
	for _, m := range l.Mail {
		v.last = m.Seq
	}
	return v, err
}

func (c readLoad) step(l *model, a answer) (*model, bool) {
	i, there := l.incidents[c.ID]
	if !there {
		return l, errors.Is(a.err, bot.ErrNotFound)
	}
	want := seenMail{Version: i.version, Snapshot: i.snapshot, Stub: i.stub, Follows: i.previous}
	want.add(i.mail)
	got, _ := a.value.(loadedState)
	return l, a.err == nil && got.Shown == want
}

// readReply is Reply.
type readReply struct{ Operation string }

func (c readReply) make(ctx context.Context, s bot.Store) (any, error) {
	r, err := s.Reply(ctx, c.Operation)
	return string(r), err
}

func (c readReply) step(l *model, a answer) (*model, bool) {
	want, there := l.replies[c.Operation]
	if !there {
		return l, errors.Is(a.err, bot.ErrNotFound)
	}
	return l, a.err == nil && a.value == want
}

// readRecord is Get.
type readRecord struct{ ID string }

func (c readRecord) make(ctx context.Context, s bot.Store) (any, error) {
	return s.Get(ctx, linearKind, c.ID)
}

func (c readRecord) step(l *model, a answer) (*model, bool) {
	want, there := l.records[c.ID]
	if !there {
		return l, errors.Is(a.err, bot.ErrNotFound)
	}
	return l, a.err == nil && text(a.value) == text(want)
}

// readTalk is Talk, of a whole conversation.
type readMessages struct{ ID string }

func (c readMessages) make(ctx context.Context, s bot.Store) (any, error) {
	return s.Messages(ctx, c.ID, 0, 1000)
}

func (c readMessages) step(l *model, a answer) (*model, bool) {
	got, _ := a.value.([]bot.StoredMessage)
	return l, a.err == nil && slices.EqualFunc(got, l.incidents[c.ID].messages, func(a, b bot.StoredMessage) bool {
		return a.Key == b.Key && a.Seq == b.Seq && bytes.Equal(a.Body, b.Body)
	})
}

// doCommit is Commit.
type doCommit struct {
	bot.Commit

	Read []string // the samples of the mail up to ReadMail: a store numbers as it likes
}

func (c doCommit) make(ctx context.Context, s bot.Store) (any, error) { return s.Commit(ctx, c.Commit) }

func (c doCommit) step(l *model, a answer) (*model, bool) {
	got, _ := a.value.(bot.Receipt)
	if reply, repeated := l.replies[c.Operation]; repeated {
		return l, a.unclear() || a.err == nil && got.Repeated && string(got.Reply) == reply
	}
	if all := l.refusals(c); len(all) > 0 {
		return l, a.unclear() || slices.ContainsFunc(all, func(err error) bool { return errors.Is(a.err, err) })
	}
	if a.refused() || a.err == nil && got.Repeated {
		return l, false
	}
	next := l.commit(c)
	return next, a.unclear() || !dependsOnVersion(c.Commit) || got.Version == next.incidents[c.Incident].version
}

// doTake is Take.
type doTake struct{ alerts.Batch }

func (c doTake) make(ctx context.Context, s bot.Store) (any, error) { return s.Take(ctx, c.Batch) }

func (c doTake) step(l *model, a answer) (*model, bool) {
	next := l.clone()
	want, err := alerts.Take(modelTx{next, c.At}, c.Batch)
	got, _ := a.value.([]alerts.Receipt)
	return next, err == nil && (a.unclear() || a.err == nil && slices.Equal(got, want))
}

// doClaim is Claim.
type doClaim struct{ bot.Claim }

func (c doClaim) make(ctx context.Context, s bot.Store) (any, error) { return s.Claim(ctx, c.Claim) }

// step lets those that are due at the same instant come in any order, and those
// whose lease ran out be passed over: their holder may be answering just then.
// A claim that got something may also leave what fell due while it was under
// way; one that got nothing may not.
// Nobody holds what an unclear claim leased.
func (c doClaim) step(l *model, a answer) (*model, bool) {
	due := l.due(c.Claim)
	next, until := l.clone(), c.At.Add(c.For)
	if a.unclear() {
		for _, id := range due[:min(len(due), c.Limit)] {
			next.lease(id, "unknown", until)
		}
		return next, true
	}
	got, _ := a.value.([]bot.Lease)
	if a.err != nil || len(got) > c.Limit {
		return l, false
	}
	var last time.Time
	for _, g := range got {
		id := laneID{g.Owner, g.Lane}
		q := l.lanes[id]
		if !slices.Contains(due, id) || !sameTask(g.Task, q.tasks[0]) || !g.Until.Equal(until) || g.Due.Before(last) ||
			g.Token == "" || g.Token == q.token || next.lanes[id].token != q.token { // the last: given out twice
			return l, false
		}
		last = g.Due
		next.lease(id, g.Token, until)
	}
	for _, id := range due[:min(len(due), c.Limit)] {
		q := l.lanes[id]
		if q.token == "" && len(got) == 0 {
			return l, false
		}
	}
	return next, true
}

// sameTask compares all but the revision of the standing wake-up, which a store
// counts as it likes.
func sameTask(a, b bot.Task) bool {
	return sameRevision(a, b) && a.Owner == b.Owner && a.Lane == b.Lane && a.Due.Equal(b.Due) && a.Attempt == b.Attempt &&
		bytes.Equal(a.Body, b.Body)
}

// sameRevision reports whether a task is still the one that was leased.
func sameRevision(a, b bot.Task) bool {
	return a.ID == b.ID && (a.Rev == b.Rev || a.ID == bot.WakeTask)
}

// doPostpone is Postpone.
type doPostpone struct {
	Lease bot.Lease
	Due   time.Time
}

func (c doPostpone) make(ctx context.Context, s bot.Store) (any, error) {
	return nil, s.Postpone(ctx, c.Lease, c.Due)
}

func (c doPostpone) step(l *model, a answer) (*model, bool) {
	id := laneID{c.Lease.Owner, c.Lease.Lane}
	q := l.lanes[id]
	if q.token != c.Lease.Token {
		return l, a.unclear() || errors.Is(a.err, bot.ErrLeaseLost)
	}
	if a.refused() {
		return l, false
	}
	if q.tasks = slices.Clone(q.tasks); sameRevision(q.tasks[0], c.Lease.Task) {
		q.tasks[0].Due, q.tasks[0].Attempt = c.Due, c.Lease.Attempt+1
	}
	q.token, q.until = "", time.Time{}
	next := l.clone()
	next.lanes[id] = q
	return next, true
}
