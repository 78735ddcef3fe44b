// Package memory is the store for tests and the simulation: everything is in the memory
// of one process. It passes the same suite as the durable stores and is the shortest to
// read.
package memory

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"sync"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// Store is a [bot.Store] of maps behind one mutex. Use [New].
type Store struct {
	mu        sync.Mutex
	number    int
	token     int
	incidents map[string]*incident
	groups    map[string]group
	alerts    map[[2]string]alerts.Row
	lanes     map[laneKey]*lane
	replies   map[string]reply
	records   map[[2]string]bot.Record
	feed      bot.Feed
}

type incident struct {
	bot.Loaded
	open       bool
	listing    workflow.Listing // while it is open
	events     []bot.StoredEvent
	messages   []bot.StoredMessage
	mailSeq    int       // of the last mail that arrived
	readSeq    int       // of the last mail that was read
	readAt     time.Time // when mail was last read
	mailDue    time.Time // when unread mail wakes the incident; zero: there is none
	wakeAt     time.Time // its own earliest deadline
	wakeRev    int
	wakeSetFor time.Time // the instant the standing wake-up was last set for
	changed    time.Time // the last commit with a snapshot
	archived   bool
}

type group struct {
	owner  string
	always bool
	until  time.Time
}

type laneKey struct {
	owner string
	lane  workflow.Lane
}

// lane has the tasks of one lane in order, and its lease.
type lane struct {
	tasks []bot.Task
	token string
	until time.Time
}

type reply struct {
	at   time.Time
	body []byte
}

// keepReplies is how long operations are kept.
const keepReplies = 25 * time.Hour

var wakeLane = workflow.Lane{Class: workflow.ClassWake, Destination: bot.WakeTask} //nolint:gochecknoglobals // a constant

// New returns an empty store.
func New() *Store {
	return &Store{
		incidents: map[string]*incident{}, groups: map[string]group{}, alerts: map[[2]string]alerts.Row{},
		lanes: map[laneKey]*lane{}, replies: map[string]reply{}, records: map[[2]string]bot.Record{},
	}
}

// ForgetLeases ends every lease, as a restart of the process does in the SQLite store.
func (s *Store) ForgetLeases() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lanes {
		l.token, l.until = "", time.Time{}
	}
}

// Load implements [bot.Incidents].
func (s *Store) Load(_ context.Context, id string) (bot.Loaded, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i, ok := s.incidents[id]
	if !ok {
		return bot.Loaded{}, fmt.Errorf("load %s: %w", id, bot.ErrNotFound)
	}
	l := i.Loaded
	l.Mail = slices.Clone(i.Mail)
	return l, nil
}

// Reserve implements [bot.Incidents].
func (s *Store) Reserve(context.Context) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.number++
	return s.number, nil
}

// Reply implements [bot.Incidents].
func (s *Store) Reply(_ context.Context, operation string) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.replies[operation]
	if !ok {
		return nil, bot.ErrNotFound
	}
	return r.body, nil
}

// Commit implements [bot.Incidents]. It checks everything before it writes.
func (s *Store) Commit(_ context.Context, c bot.Commit) (bot.Receipt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.replies[c.Operation]; ok && c.Operation != "" {
		return bot.Receipt{Repeated: true, Reply: r.body}, nil
	}
	if err := s.check(c); err != nil {
		return bot.Receipt{}, fmt.Errorf("commit %s: %w", c.Incident, err)
	}
	receipt := bot.Receipt{Version: c.Version, Reply: c.Reply}
	for _, r := range c.Records {
		s.putRecord(r)
	}
	if c.Settle != nil {
		s.settle(*c.Settle)
	}
	changed := false
	if c.Incident != "" {
		receipt.Version, changed = s.write(c)
	}
	if c.Operation != "" {
		s.replies[c.Operation] = reply{at: c.At, body: c.Reply}
		maps.DeleteFunc(s.replies, func(_ string, r reply) bool { return c.At.Sub(r.at) > keepReplies })
	}
	if changed {
		s.feed.Notify(c.Incident)
	}
	return receipt, nil
}

func (s *Store) check(c bot.Commit) error {
	if c.Settle != nil {
		l := s.lanes[laneKey{c.Settle.Owner, c.Settle.Lane}]
		if l == nil || l.token != c.Settle.Token || l.token == "" {
			return bot.ErrLeaseLost
		}
	}
	i := s.incidents[c.Incident]
	if len(c.Messages)+len(c.EditedMessages) > 0 && i == nil && (c.Incident == "" || c.Snapshot == nil) {
		return bot.ErrNotFound // the incident neither exists nor is created by this commit
	}
	if dependsOnVersion(c) {
		version := 0
		if i != nil {
			version = i.Version
		}
		if version != c.Version {
			return bot.ErrConflict
		}
	}
	if g := c.Group; g != nil {
		holder := s.groups[g.Key]
		isHolder := holder.owner == c.Incident
		switch {
		case g.Always && !isHolder && (holder.always || holder.until.After(c.At)):
			return bot.ErrTaken
		case !g.Always && isHolder && i != nil && i.mailSeq > c.ReadMail && len(i.Mail) > 0:
			return bot.ErrConflict
		}
	}
	for _, r := range c.Records {
		if stored := s.records[[2]string{r.Kind, r.ID}]; r.Version != bot.AnyVersion && stored.Version != r.Version {
			return bot.ErrConflict
		}
	}
	return nil
}

// dependsOnVersion reports whether a commit depends on the version that was loaded. A
// commit that only settles a task does not.
func dependsOnVersion(c bot.Commit) bool {
	return c.Incident != "" && (c.Snapshot != nil || len(c.Events) > 0 || c.Settle != nil && c.Settle.ID == bot.WakeTask)
}

// write writes an incident's step and its messages. It returns the version, and whether
// readers can see a change.
func (s *Store) write(c bot.Commit) (version int, changed bool) {
	i := s.incidents[c.Incident]
	switch {
	case i == nil && !dependsOnVersion(c):
		return 0, false
	case i == nil:
		i = &incident{Loaded: bot.Loaded{ID: c.Incident, Number: workflow.NumberOf(c.Incident)}}
		s.incidents[c.Incident] = i
		s.number = max(s.number, i.Number)
	}
	changed = i.addMessages(c.Messages)
	changed = i.editMessages(c.EditedMessages) || changed
	if len(c.Messages)+len(c.EditedMessages) > 0 || dependsOnVersion(c) {
		i.archived = false
	}
	if !dependsOnVersion(c) {
		return i.Version, changed
	}
	if c.Snapshot != nil {
		i.Version++
		i.Snapshot, i.Stub, i.open, i.listing, i.wakeAt, i.changed = c.Snapshot, nil, c.Open, c.Listing, c.WakeAt, c.At
		i.events = append(i.events, c.Events...)
	}
	if g := c.Group; g != nil && (g.Always || s.groups[g.Key].owner == c.Incident) {
		s.groups[g.Key] = group{owner: c.Incident, always: g.Always, until: g.Until}
	}
	if c.ReadMail > 0 {
		i.readAt, i.mailDue = c.At, time.Time{}
		i.readSeq = min(max(i.readSeq, c.ReadMail), i.mailSeq)
		i.Mail = slices.DeleteFunc(i.Mail, func(m workflow.Mail) bool { return m.Seq <= c.ReadMail })
		if len(i.Mail) > 0 {
			i.mailDue = c.At.Add(alerts.MailInterval)
		}
	}
	for _, t := range c.Tasks {
		s.addTask(t)
	}
	s.setWakeUp(i)
	return i.Version, changed || c.Snapshot != nil || c.ReadMail > 0
}

// setWakeUp sets the standing wake-up: the earlier of the incident's own deadline and its
// unread mail.
func (s *Store) setWakeUp(i *incident) {
	due := i.wakeAt
	if !i.mailDue.IsZero() && (due.IsZero() || i.mailDue.Before(due)) {
		due = i.mailDue
	}
	key := laneKey{i.ID, wakeLane}
	l := s.lanes[key]
	if l == nil {
		l = &lane{}
		s.lanes[key] = l
	}
	if due.IsZero() {
		l.tasks = nil
		s.drop(key)
		return
	}
	if len(l.tasks) == 1 && l.tasks[0].Due.Equal(due) && i.wakeSetFor.Equal(due) {
		return
	}
	i.wakeRev++
	i.wakeSetFor = due
	l.tasks = []bot.Task{{ID: bot.WakeTask, Owner: i.ID, Lane: wakeLane, Due: due, Rev: i.wakeRev}}
}

// drop deletes a lane that is empty and not leased.
func (s *Store) drop(key laneKey) {
	if l := s.lanes[key]; l != nil && len(l.tasks) == 0 && l.token == "" {
		delete(s.lanes, key)
	}
}

// settle removes a leased task, unless a newer revision has replaced it.
func (s *Store) settle(lease bot.Lease) {
	key := laneKey{lease.Owner, lease.Lane}
	l := s.lanes[key]
	if len(l.tasks) > 0 && l.tasks[0].ID == lease.ID && l.tasks[0].Rev == lease.Rev {
		l.tasks = slices.Delete(l.tasks, 0, 1)
	}
	l.token, l.until = "", time.Time{}
	s.drop(key)
}

func (s *Store) putRecord(r bot.RecordChange) {
	key := [2]string{r.Kind, r.ID}
	if r.Body == nil {
		delete(s.records, key)
		return
	}
	s.records[key] = bot.Record{Kind: r.Kind, ID: r.ID, Version: s.records[key].Version + 1, Body: r.Body}
}

// Claim implements [bot.Agenda].
func (s *Store) Claim(_ context.Context, q bot.Claim) ([]bot.Lease, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var due []laneKey
	for key, l := range s.lanes {
		if s.claimable(key, l, q.Classes) && !l.tasks[0].Due.After(q.At) && !l.until.After(q.At) {
			due = append(due, key)
		}
	}
	slices.SortFunc(due, func(a, b laneKey) int {
		return cmp.Or(
			cmp.Compare(a.lane.Class, b.lane.Class),
			s.lanes[a].tasks[0].Due.Compare(s.lanes[b].tasks[0].Due),
			cmp.Compare(workflow.NumberOf(a.owner), workflow.NumberOf(b.owner)),
			cmp.Compare(a.lane.Destination, b.lane.Destination),
		)
	})
	var leases []bot.Lease
	for _, key := range due[:min(len(due), q.Limit)] {
		l := s.lanes[key]
		s.token++
		l.token, l.until = strconv.Itoa(s.token), q.At.Add(q.For)
		leases = append(leases, bot.Lease{Task: l.tasks[0], Token: l.token, Until: l.until})
	}
	return leases, nil
}

func (s *Store) claimable(key laneKey, l *lane, c bot.Classes) bool {
	return len(l.tasks) > 0 && key.lane.Class >= c.From && key.lane.Class <= c.To
}

// Postpone implements [bot.Agenda].
func (s *Store) Postpone(_ context.Context, lease bot.Lease, due time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[laneKey{lease.Owner, lease.Lane}]
	if l == nil || l.token != lease.Token {
		return bot.ErrLeaseLost
	}
	l.token, l.until = "", time.Time{}
	if len(l.tasks) > 0 && l.tasks[0].ID == lease.ID && l.tasks[0].Rev == lease.Rev {
		l.tasks[0].Due, l.tasks[0].Attempt = due, lease.Attempt+1
	}
	return nil
}

// Renew implements [bot.Agenda].
func (s *Store) Renew(_ context.Context, lease bot.Lease, until time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[laneKey{lease.Owner, lease.Lane}]
	if l == nil || l.token != lease.Token {
		return bot.ErrLeaseLost
	}
	l.until = until
	return nil
}

// NextDue implements [bot.Agenda].
func (s *Store) NextDue(_ context.Context, c bot.Classes) (time.Time, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var next time.Time
	for key, l := range s.lanes {
		if !s.claimable(key, l, c) {
			continue
		}
		due := l.tasks[0].Due
		if l.until.After(due) {
			due = l.until
		}
		if next.IsZero() || due.Before(next) {
			next = due
		}
	}
	return next, nil
}

// Repair implements [bot.Agenda]. There is no separate agenda that could differ, so it
// only counts overdue tasks.
func (s *Store) Repair(_ context.Context, q bot.RepairQuery) (bot.Repairs, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var m bot.Repairs
	for key, l := range s.lanes {
		if s.incidents[key.owner].Number > q.After && len(l.tasks) > 0 &&
			q.At.Sub(l.tasks[0].Due) > time.Minute && !l.until.After(q.At) {
			m.Overdue++
		}
	}
	m.Checked = len(s.incidents)
	return m, nil
}
