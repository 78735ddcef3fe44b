package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// book is what [alerts.Take] judges on: what was read, and what is to be
// written if that still holds.
type book struct {
	at      time.Time
	alerts  map[string]alertState
	groups  map[string]groupState
	order   []string // alerts, as they were read
	number  string   // the last given out, as it was read
	last    int64
	opens   []opening
	mail    []*letter
	letters map[string]*letter
}

// alertState is an alert as it was read, and as it is to be.
type alertState struct {
	revision string // "" when it was not there
	was      string // incident
	row      *alerts.Row
	dirty    bool
}

type groupState struct {
	read  string // as it stands in Redis
	now   string
	owner int64
	holds func(at time.Time) bool
}

type opening struct {
	number  int64
	follows string
	stub    []byte
	group   string
}

// letter is the mail of one incident.
type letter struct {
	number int64
	at     time.Time
	mail   workflow.Mail
}

// readBook reads what batches may be judged by.
func (s *Store) readBook(ctx context.Context, all []*taking) (*book, error) {
	b := &book{alerts: map[string]alertState{}, groups: map[string]groupState{}, letters: map[string]*letter{}}
	var groups []string
	for _, t := range all {
		for _, a := range t.batch.Arrivals {
			id := alertID(a.Integration, a.Alert.Key)
			if _, has := b.alerts[id]; !has {
				b.alerts[id] = alertState{}
				b.order = append(b.order, id)
			}
			if _, has := b.groups[a.Group]; !has && a.Group != "" {
				b.groups[a.Group] = groupState{}
				groups = append(groups, a.Group)
			}
		}
	}
	keys := make([]string, 0, len(b.order)+len(groups))
	for _, id := range b.order {
		keys = append(keys, s.keys.alert(id))
	}
	for _, g := range groups {
		keys = append(keys, s.keys.group(g))
	}
	keys = append(keys, s.keys.of("number"))
	var values []any
	err := s.read(ctx, func() (err error) {
		values, err = s.client.MGet(ctx, keys...).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	for n, id := range b.order {
		text, _ := values[n].(string)
		if b.alerts[id], err = alertOf(id, text); err != nil {
			return nil, err
		}
	}
	for n, g := range groups {
		text, _ := values[len(b.order)+n].(string)
		b.groups[g] = groupOf(text)
	}
	b.number, _ = values[len(keys)-1].(string)
	if b.last, err = s.lastNumber(ctx, b.number); err != nil {
		return nil, fmt.Errorf("read the last number: %w", err)
	}
	return b, nil
}

// lastNumber reads the last number given out. Should it be lost, the newest
// incident tells.
func (s *Store) lastNumber(ctx context.Context, text string) (int64, error) {
	if text == "" {
		err := s.read(ctx, func() error {
			newest, err := s.client.ZRevRange(ctx, s.keys.of("all"), 0, 0).Result()
			text = strings.Join(append(newest, mark)[:1], "")
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return strconv.ParseInt(text, 10, 64)
}

// alertOf reads an alert: its revision, and JSON.
func alertOf(id, text string) (alertState, error) {
	if len(text) < revisionWidth {
		return alertState{}, nil
	}
	integration, key, _ := strings.Cut(id, "\x00")
	row := &alerts.Row{}
	if err := json.Unmarshal([]byte(text[revisionWidth:]), row); err != nil {
		return alertState{}, fmt.Errorf("read alert %s of %s: %w", key, integration, err)
	}
	row.Integration, row.Key = integration, key
	return alertState{revision: text[:revisionWidth], was: row.Incident, row: row}, nil
}

// packGroup writes who answers for a group, as commit.lua does.
func packGroup(number int64, always bool, until time.Time) string {
	first := "0"
	if always {
		first = "1"
	}
	return first + padded(until) + strconv.FormatInt(number, 10)
}

// groupOf reads what packGroup wrote.
func groupOf(text string) groupState {
	g := groupState{read: text, now: text, holds: func(time.Time) bool { return false }}
	if len(text) <= 1+len(noInstant) {
		return g
	}
	g.owner, _ = parseID("INC-" + text[1+len(noInstant):])
	until := instant(text[1 : 1+len(noInstant)])
	always := text[0] == '1'
	g.holds = func(at time.Time) bool { return always || until.After(at) }
	return g
}

// judge takes batches, one after the other.
func (b *book) judge(all []*taking) error {
	for _, t := range all {
		b.at = t.batch.At
		var err error
		if t.receipts, err = alerts.Take(b, t.batch); err != nil {
			return err
		}
	}
	return nil
}

// idle reports whether there is nothing to write.
func (b *book) idle() bool {
	return len(b.mail) == 0 && !slices.ContainsFunc(b.order, func(id string) bool { return b.alerts[id].dirty })
}

// Row implements [alerts.Tx].
func (b *book) Row(integration, key string) (*alerts.Row, error) {
	if s := b.alerts[alertID(integration, key)]; s.row != nil {
		row := *s.row
		return &row, nil
	}
	return nil, nil //nolint:nilnil // a row that is not there is no error, and this is how Book says so
}

// PutRow implements [alerts.Tx].
func (b *book) PutRow(r alerts.Row) error {
	id := alertID(r.Integration, r.Key)
	s := b.alerts[id]
	s.row, s.dirty = &r, true
	b.alerts[id] = s
	return nil
}

// Owner implements [alerts.Tx].
func (b *book) Owner(key string) (incident string, holds bool, err error) {
	g := b.groups[key]
	return idOf(g.owner), g.holds != nil && g.holds(b.at), nil
}

// Open implements [alerts.Tx].
func (b *book) Open(key, follows string, stub []byte) (string, error) {
	n := b.last + int64(len(b.opens)) + 1
	b.opens = append(b.opens, opening{number: n, follows: follows, stub: stub, group: key})
	g := b.groups[key]
	g.owner, g.now = n, packGroup(n, true, time.Time{})
	g.holds = func(time.Time) bool { return true }
	b.groups[key] = g
	return idOf(n), nil
}

// Mail implements [alerts.Tx]. What is judged together brings an incident
// one piece of mail.
func (b *book) Mail(incident string, m workflow.Mail) error {
	if l, has := b.letters[incident]; has {
		l.mail.Add(m)
		return nil
	}
	n, _ := parseID(incident)
	l := &letter{number: n, at: b.at, mail: m}
	b.letters[incident] = l
	b.mail = append(b.mail, l)
	return nil
}

// own numbers the keys of one call, each once.
type own struct {
	keys  []string
	index map[string]int
}

func (o *own) key(name string) int {
	if n, has := o.index[name]; has {
		return n
	}
	o.keys = append(o.keys, name)
	o.index[name] = len(o.keys)
	return len(o.keys)
}

// takeCall is the call of take.lua.
func (s *Store) takeCall(b *book) (*call, error) {
	o := &own{index: map[string]int{}}
	a := &arguments{}
	a.add(s.keys.of("feed"), s.origin, len(b.order))
	sets := func(incident string) (alerts, firing int) {
		n, is := parseID(incident)
		if !is {
			return 0, 0
		}
		return o.key(s.keys.incident(n, partAlerts)), o.key(s.keys.incident(n, partFiring))
	}
	revision := s.revision()
	for _, id := range b.order {
		state := b.alerts[id]
		value, firing := []byte(nil), false
		oldAlerts, oldFiring := sets(state.was)
		newAlerts, newFiring := oldAlerts, oldFiring
		if state.dirty {
			raw, err := json.Marshal(state.row)
			if err != nil {
				return nil, fmt.Errorf("write alert %s of %s: %w", state.row.Key, state.row.Integration, err)
			}
			value, firing = append([]byte(revision), raw...), state.row.Firing
			newAlerts, newFiring = sets(state.row.Incident)
		}
		a.add(o.key(s.keys.alert(id)), state.revision, value, firing, id, oldAlerts, oldFiring, newAlerts, newFiring)
	}
	a.add(len(b.groups))
	for _, key := range slices.Sorted(maps.Keys(b.groups)) {
		g, write := b.groups[key], ""
		if g.now != g.read {
			write = g.now
		}
		a.add(o.key(s.keys.group(key)), g.read, write)
	}
	a.add(b.number, len(b.opens))
	for _, i := range b.opens {
		a.add(o.key(s.keys.incident(i.number, partHead)), i.number, i.follows, i.stub, s.keys.group(i.group))
	}
	a.add(len(b.mail))
	for _, l := range b.mail {
		raw, err := json.Marshal(l.mail)
		if err != nil {
			return nil, fmt.Errorf("write mail for %s: %w", idOf(l.number), err)
		}
		a.add(o.key(s.keys.incident(l.number, partHead)), o.key(s.keys.incident(l.number, partTasks)), l.number,
			nanos(l.at), nanos(l.at.Add(alerts.MailInterval)), raw)
	}
	return &call{script: s.scripts.take, keys: o.keys, args: a.all, size: a.size}, nil
}
