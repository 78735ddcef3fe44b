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

// alertsTx implements [alerts.Tx] in memory: it has the values that were read from
// Redis, and collects what take.lua is to write if they have not changed.
type alertsTx struct {
	at             time.Time
	alerts         map[string]alertState
	groups         map[string]groupState
	alertIDs       []string // in the order in which the alerts were read
	numberRead     string   // the last incident number, as it was read
	lastNumber     int
	opened         []openedIncident
	mail           []*incidentMail
	mailByIncident map[string]*incidentMail
}

// alertState is an alert with what is known of its stored value.
type alertState struct {
	revision string // that was read; "" when the alert did not exist
	incident string // that it belonged to when it was read
	row      *alerts.Row
	dirty    bool // it is to be written
}

// groupState is an alert group with its stored value.
type groupState struct {
	stored string // that was read
	value  string // that is to be stored
	owner  int
	holds  func(at time.Time) bool
}

// openedIncident is an incident that an alert opens.
type openedIncident struct {
	number   int
	previous string
	stub     []byte
	group    string
	listing  workflow.Listing
}

// incidentMail is the mail for one incident.
type incidentMail struct {
	number int
	at     time.Time
	mail   workflow.Mail
}

// readAlertsTx reads the alerts, the groups and the last number that batches need.
func (s *Store) readAlertsTx(ctx context.Context, all []*pendingTake) (*alertsTx, error) {
	b := &alertsTx{alerts: map[string]alertState{}, groups: map[string]groupState{}, mailByIncident: map[string]*incidentMail{}}
	var groups []string
	for _, t := range all {
		for _, a := range t.batch.Arrivals {
			id := alertID(a.Integration, a.Alert.Key)
			if _, ok := b.alerts[id]; !ok {
				b.alerts[id] = alertState{}
				b.alertIDs = append(b.alertIDs, id)
			}
			if _, ok := b.groups[a.Group]; !ok && a.Group != "" {
				b.groups[a.Group] = groupState{}
				groups = append(groups, a.Group)
			}
		}
	}
	keys := make([]string, 0, len(b.alertIDs)+len(groups))
	for _, id := range b.alertIDs {
		keys = append(keys, s.keys.alert(id))
	}
	for _, g := range groups {
		keys = append(keys, s.keys.group(g))
	}
	keys = append(keys, s.keys.of(keyLastNumber))
	var values []any
	err := s.read(ctx, func() (err error) {
		values, err = s.client.MGet(ctx, keys...).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	for n, id := range b.alertIDs {
		text, _ := values[n].(string)
		if b.alerts[id], err = decodeAlert(id, text); err != nil {
			return nil, err
		}
	}
	for n, g := range groups {
		text, _ := values[len(b.alertIDs)+n].(string)
		b.groups[g] = decodeGroup(text)
	}
	b.numberRead, _ = values[len(keys)-1].(string)
	if b.lastNumber, err = s.lastNumber(ctx, b.numberRead); err != nil {
		return nil, fmt.Errorf("read the last number: %w", err)
	}
	return b, nil
}

// lastNumber decodes the last incident number. If its key was lost, it is the
// number of the newest incident.
func (s *Store) lastNumber(ctx context.Context, text string) (int, error) {
	if text == "" {
		err := s.read(ctx, func() error {
			newest, err := s.client.ZRevRange(ctx, s.keys.of(keyAll), 0, 0).Result()
			text = strings.Join(append(newest, mark)[:1], "")
			return err
		})
		if err != nil {
			return 0, err
		}
	}
	return strconv.Atoi(text)
}

// decodeAlert decodes an alert: its revision and its JSON.
func decodeAlert(id, text string) (alertState, error) {
	if len(text) < revisionWidth {
		return alertState{}, nil
	}
	integration, key, _ := strings.Cut(id, "\x00")
	row := &alerts.Row{}
	if err := json.Unmarshal([]byte(text[revisionWidth:]), row); err != nil {
		return alertState{}, fmt.Errorf("decode alert %s of %s: %w", key, integration, err)
	}
	row.Integration, row.Key = integration, key
	return alertState{revision: text[:revisionWidth], incident: row.Incident, row: row}, nil
}

// encodeGroup encodes which incident holds a group, as commit.lua does: "1" when it
// holds the group always, else "0"; until when in 19 digits; the number.
func encodeGroup(number int, always bool, until time.Time) string {
	first := "0"
	if always {
		first = "1"
	}
	return first + padNanos(until) + strconv.Itoa(number)
}

// decodeGroup decodes what encodeGroup encoded. In an incomplete text no incident
// holds the group.
func decodeGroup(text string) groupState {
	g := groupState{stored: text, value: text, holds: func(time.Time) bool { return false }}
	if len(text) <= 1+len(noInstant) {
		return g
	}
	owner, err := strconv.Atoi(text[1+len(noInstant):])
	if err != nil {
		return g
	}
	g.owner = owner
	until := instant(text[1 : 1+len(noInstant)])
	always := text[0] == '1'
	g.holds = func(at time.Time) bool { return always || until.After(at) }
	return g
}

// take applies batches, one after the other.
func (b *alertsTx) take(all []*pendingTake) error {
	for _, t := range all {
		b.at = t.batch.At
		var err error
		if t.receipts, err = alerts.Take(b, t.batch); err != nil {
			return err
		}
	}
	return nil
}

// isUnchanged reports whether there is nothing to write.
func (b *alertsTx) isUnchanged() bool {
	return len(b.mail) == 0 && !slices.ContainsFunc(b.alertIDs, func(id string) bool { return b.alerts[id].dirty })
}

// Row implements [alerts.Tx].
func (b *alertsTx) Row(integration, key string) (*alerts.Row, error) {
	if s := b.alerts[alertID(integration, key)]; s.row != nil {
		row := *s.row
		return &row, nil
	}
	return nil, nil //nolint:nilnil // a missing row is not an error: the interface says so
}

// PutRow implements [alerts.Tx].
func (b *alertsTx) PutRow(r alerts.Row) error {
	id := alertID(r.Integration, r.Key)
	s := b.alerts[id]
	s.row, s.dirty = &r, true
	b.alerts[id] = s
	return nil
}

// Owner implements [alerts.Tx].
func (b *alertsTx) Owner(key string) (incident string, holds bool, err error) {
	g := b.groups[key]
	return optionalID(g.owner), g.holds != nil && g.holds(b.at), nil
}

// Open implements [alerts.Tx].
func (b *alertsTx) Open(o alerts.Opening) (string, error) {
	n := b.lastNumber + len(b.opened) + 1
	b.opened = append(b.opened, openedIncident{number: n, previous: o.Previous, stub: o.Stub, group: o.Group, listing: o.Listing})
	g := b.groups[o.Group]
	g.owner, g.value = n, encodeGroup(n, true, time.Time{})
	g.holds = func(time.Time) bool { return true }
	b.groups[o.Group] = g
	return workflow.ID(n), nil
}

// Mail implements [alerts.Tx]. Batches that are applied together give an incident
// one piece of mail.
func (b *alertsTx) Mail(incident string, m workflow.Mail) error {
	if l, ok := b.mailByIncident[incident]; ok {
		l.mail.Add(m)
		l.mail.Ahead = max(l.mail.Ahead, m.Ahead)
		return nil
	}
	n := workflow.NumberOf(incident)
	l := &incidentMail{number: n, at: b.at, mail: m}
	b.mailByIncident[incident] = l
	b.mail = append(b.mail, l)
	return nil
}

// keyNumbers numbers the keys of one call, each key once.
type keyNumbers struct {
	keys  []string
	index map[string]int
}

func (o *keyNumbers) number(name string) int {
	if n, ok := o.index[name]; ok {
		return n
	}
	o.keys = append(o.keys, name)
	o.index[name] = len(o.keys)
	return len(o.keys)
}

// takeCall is the call of take.lua.
func (s *Store) takeCall(b *alertsTx) (*call, error) {
	o := &keyNumbers{index: map[string]int{}}
	a := &arguments{}
	a.add(s.keys.of(keyFeed), s.origin, len(b.alertIDs))
	sets := func(incident string) (alerts, firing int) {
		n := workflow.NumberOf(incident)
		if n == 0 {
			return 0, 0
		}
		return o.number(s.keys.incident(n, partAlerts)), o.number(s.keys.incident(n, partFiring))
	}
	revision := s.revision()
	for _, id := range b.alertIDs {
		state := b.alerts[id]
		value, firing := []byte(nil), false
		oldAlerts, oldFiring := sets(state.incident)
		newAlerts, newFiring := oldAlerts, oldFiring
		if state.dirty {
			raw, err := json.Marshal(state.row)
			if err != nil {
				return nil, fmt.Errorf("write alert %s of %s: %w", state.row.Key, state.row.Integration, err)
			}
			value, firing = append([]byte(revision), raw...), state.row.Firing
			newAlerts, newFiring = sets(state.row.Incident)
		}
		a.add(o.number(s.keys.alert(id)), state.revision, value, firing, id, oldAlerts, oldFiring, newAlerts, newFiring)
	}
	a.add(len(b.groups))
	for _, key := range slices.Sorted(maps.Keys(b.groups)) {
		g, changed := b.groups[key], ""
		if g.value != g.stored {
			changed = g.value
		}
		a.add(o.number(s.keys.group(key)), g.stored, changed)
	}
	a.add(b.numberRead, len(b.opened))
	for _, i := range b.opened {
		a.add(o.number(s.keys.incident(i.number, partIncident)), i.number, i.previous, i.stub, s.keys.group(i.group), i.listing.String())
	}
	a.add(len(b.mail))
	for _, l := range b.mail {
		raw, err := json.Marshal(l.mail)
		if err != nil {
			return nil, fmt.Errorf("write mail for %s: %w", workflow.ID(l.number), err)
		}
		a.add(o.number(s.keys.incident(l.number, partIncident)), o.number(s.keys.incident(l.number, partTasks)), l.number,
			nanos(l.at.Add(-l.mail.Ahead)), nanos(l.at.Add(alerts.MailInterval)), raw)
	}
	return &call{script: s.scripts.take, keys: o.keys, args: a.all, size: a.size}, nil
}
