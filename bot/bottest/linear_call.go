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

// call is one call of a port: how to make it, and what it does to the model.
type call interface {
	// make calls a store, and returns the answer in the form that step compares.
	make(ctx context.Context, s bot.Store) (any, error)
	// step reports whether the model may give this answer, and returns the model after
	// the call. If the answer is unclear, it is the model after the call was executed.
	step(l *model, a answer) (*model, bool)
}

// answer is the result of a call. After an error that is not the port's own it is unclear
// whether the call was executed.
type answer struct {
	value any
	err   error
}

// unclear reports whether the call may or may not have been executed.
func (a answer) unclear() bool { return a.err != nil && !a.isRefused() }

// isRefused reports whether the error is one of the port's own, after which nothing was
// changed.
func (a answer) isRefused() bool {
	return errors.Is(a.err, bot.ErrNotFound) || errors.Is(a.err, bot.ErrConflict) ||
		errors.Is(a.err, bot.ErrTaken) || errors.Is(a.err, bot.ErrLeaseLost)
}

// text encodes a value for comparison: two values are equal when their texts are.
func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(b)
}

// readLoad is Load.
type readLoad struct{ ID string }

// seenIncident is what Load returns of an incident.
type seenIncident struct {
	Version                  int
	Snapshot, Stub, Previous string
	Started, Again, Ended    int    // of all unread mail: a store may join pieces
	Samples                  string // of all unread mail
}

// add adds mail, and returns its samples. Pieces that a store joins keep the order of their
// samples, and that of what they hold, but not the order between the two.
func (s *seenIncident) add(mail []workflow.Mail) (samples []string) {
	var all workflow.Mail
	for _, m := range mail {
		s.Started, s.Again, s.Ended = s.Started+m.Started, s.Again+m.Refired, s.Ended+m.Ended
		all.Samples, all.Held = append(all.Samples, m.Samples...), append(all.Held, m.Held...)
	}
	samples = mailSamples(all)
	s.Samples = strings.Join(samples, " ")
	return samples
}

// mailSamples returns the alerts of a piece of mail, which tell it from others.
func mailSamples(m workflow.Mail) (all []string) {
	for _, one := range m.Samples {
		all = append(all, text(one))
	}
	for _, one := range m.Held {
		all = append(all, text(one))
	}
	return all
}

// loadedState is the result of Load, with what a commit that reads the mail needs.
type loadedState struct {
	Shown seenIncident

	last    int // the number of the last mail
	samples []string
}

func (c readLoad) make(ctx context.Context, s bot.Store) (any, error) {
	l, err := s.Load(ctx, c.ID)
	v := loadedState{Shown: seenIncident{Version: l.Version, Snapshot: string(l.Snapshot), Stub: string(l.Stub), Previous: l.Previous}}
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
	want := seenIncident{Version: i.version, Snapshot: i.snapshot, Stub: i.stub, Previous: i.previous}
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

// readMessages is Messages for a whole conversation.
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

// readListed is ListOpen: where an incident is in a list.
type readListed struct{ ID, Tag string }

// listedAt is the need with which an incident is listed; "" when it is not.
type listedAt string

func (c readListed) make(ctx context.Context, s bot.Store) (any, error) {
	all, err := s.ListOpen(ctx, bot.OpenQuery{Tag: c.Tag, Limit: 1000})
	for _, l := range all {
		if l.ID == c.ID {
			return listedAt(l.Need.String()), err
		}
	}
	return listedAt(""), err
}

func (c readListed) step(l *model, a answer) (*model, bool) {
	want := ""
	if i := l.incidents[c.ID]; i.open {
		listing, err := workflow.ParseListing(i.listing)
		if err == nil && (c.Tag == "" || slices.Contains(listing.Tags, c.Tag)) {
			want = listing.Need.String()
		}
	}
	return l, a.err == nil && a.value == listedAt(want)
}

// doCommit is Commit.
type doCommit struct {
	bot.Commit

	Read []string // the samples of the mail up to ReadMail: stores may number mail differently
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
	if a.isRefused() || a.err == nil && got.Repeated {
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

// step accepts lanes that are due at the same instant in any order, and a claim that skips
// lanes whose lease has ended: their worker may be settling the task at that moment. A
// claim that got something may also skip lanes that fell due during the call; a claim that
// got nothing may not. Tasks that an unclear claim has leased belong to no client.
func (c doClaim) step(l *model, a answer) (*model, bool) {
	due := l.due(c.Claim)
	if a.unclear() && len(due) == 0 {
		return l, true
	}
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
			g.Token == "" || g.Token == q.token || next.lanes[id].token != q.token { // the last: a token was given out twice
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

// sameTask compares tasks, except for the revision of the standing wake-up, which stores
// may count differently.
func sameTask(a, b bot.Task) bool {
	return sameRevision(a, b) && a.Owner == b.Owner && a.Lane == b.Lane && a.Due.Equal(b.Due) && a.Attempt == b.Attempt &&
		bytes.Equal(a.Body, b.Body)
}

// sameRevision reports whether a task is still the one that was leased.
func sameRevision(a, b bot.Task) bool {
	return a.ID == b.ID && (a.Rev == b.Rev || a.ID == bot.WakeTask)
}

// doRenew is Renew.
type doRenew struct {
	Lease bot.Lease
	Until time.Time
}

func (c doRenew) make(ctx context.Context, s bot.Store) (any, error) {
	return nil, s.Renew(ctx, c.Lease, c.Until)
}

func (c doRenew) step(l *model, a answer) (*model, bool) {
	id := laneID{c.Lease.Owner, c.Lease.Lane}
	q := l.lanes[id]
	if q.token != c.Lease.Token {
		return l, a.unclear() || errors.Is(a.err, bot.ErrLeaseLost)
	}
	if a.isRefused() {
		return l, false
	}
	q.until = c.Until
	next := l.clone()
	next.lanes[id] = q
	return next, true
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
	if a.isRefused() {
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
