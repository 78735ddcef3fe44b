package bottest

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// model is the content of a store after some calls: the sequential meaning of the ports.
// Values in its maps are never changed in place, so that cloning the maps clones the model.
type model struct {
	number    int
	incidents map[string]modelIncident
	groups    map[string]modelGroup
	alerts    map[[2]string]alerts.Row
	lanes     map[laneID]modelLane
	replies   map[string]string
	records   map[string]bot.Record
	answers   int // of the history, which the calls so far have not given
}

type modelIncident struct {
	version  int
	snapshot string
	stub     string
	previous string
	open     bool
	listing  string
	mail     []workflow.Mail // unread
	readAt   time.Time
	mailDue  time.Time
	wakeAt   time.Time
	messages []bot.StoredMessage
}

// addMessages appends new messages to a conversation, and then edits messages.
func (i *modelIncident) addMessages(added, edited []bot.StoredMessage) {
	i.messages = slices.Clone(i.messages)
	place := func(key string) int {
		return slices.IndexFunc(i.messages, func(m bot.StoredMessage) bool { return m.Key == key })
	}
	for _, m := range added {
		if place(m.Key) < 0 {
			i.messages = append(i.messages, bot.StoredMessage{Key: m.Key, Seq: len(i.messages) + 1, Body: m.Body})
		}
	}
	for _, m := range edited {
		if n := place(m.Key); n >= 0 {
			i.messages[n].Body = m.Body
		}
	}
}

// unreadMail returns the mail that a commit leaves unread. Of pieces that read the same,
// because a batch was delivered twice, the oldest were read.
func (i modelIncident) unreadMail(c doCommit) []workflow.Mail {
	read := slices.Clone(c.Read)
	return slices.DeleteFunc(slices.Clone(i.mail), func(m workflow.Mail) bool {
		samples := mailSamples(m)
		wasRead := slices.Contains(read, samples[0])
		for _, one := range samples {
			if n := slices.Index(read, one); wasRead && n >= 0 {
				read = slices.Delete(read, n, n+1)
			}
		}
		return wasRead
	})
}

type modelGroup struct {
	owner  string
	always bool
	until  time.Time
}

type laneID struct {
	owner string
	lane  workflow.Lane
}

type modelLane struct {
	tasks []bot.Task
	token string
	until time.Time
}

// wakeLane is the lane of the standing wake-up.
var wakeLane = workflow.Lane{Class: workflow.ClassWake, Destination: bot.WakeTask} //nolint:gochecknoglobals // a constant

func newModel(number int) *model {
	return &model{
		number: number, incidents: map[string]modelIncident{}, groups: map[string]modelGroup{}, alerts: map[[2]string]alerts.Row{},
		lanes: map[laneID]modelLane{}, replies: map[string]string{}, records: map[string]bot.Record{},
	}
}

func (l *model) clone() *model {
	return &model{
		number: l.number, incidents: maps.Clone(l.incidents), groups: maps.Clone(l.groups), alerts: maps.Clone(l.alerts),
		lanes: maps.Clone(l.lanes), replies: maps.Clone(l.replies), records: maps.Clone(l.records), answers: l.answers,
	}
}

// refusals returns the errors with which a commit may be refused; stores may check in any
// order. None: the commit must be executed.
func (l *model) refusals(c doCommit) (all []error) {
	i, ok := l.incidents[c.Incident]
	if len(c.Messages)+len(c.EditedMessages) > 0 && !ok && c.Snapshot == nil {
		all = append(all, bot.ErrNotFound)
	}
	if c.Settle != nil {
		if q := l.lanes[laneID{c.Settle.Owner, c.Settle.Lane}]; q.token == "" || q.token != c.Settle.Token {
			all = append(all, bot.ErrLeaseLost)
		}
	}
	if dependsOnVersion(c.Commit) && i.version != c.Version {
		all = append(all, bot.ErrConflict)
	}
	if g := c.Group; g != nil {
		holder := l.groups[g.Key]
		isHolder := holder.owner == c.Incident
		if g.Always && !isHolder && (holder.always || holder.until.After(c.At)) {
			all = append(all, bot.ErrTaken)
		}
		if !g.Always && isHolder && len(i.unreadMail(c)) > 0 {
			all = append(all, bot.ErrConflict)
		}
	}
	for _, r := range c.Records {
		if r.Version != bot.AnyVersion && r.Version != l.records[r.ID].Version {
			all = append(all, bot.ErrConflict)
		}
	}
	return all
}

// dependsOnVersion reports whether a commit depends on the version that was loaded.
func dependsOnVersion(c bot.Commit) bool {
	return c.Incident != "" && (c.Snapshot != nil || c.Settle != nil && c.Settle.ID == bot.WakeTask)
}

// commit returns the model after a commit that was not refused.
func (l *model) commit(c doCommit) *model {
	l = l.clone()
	for _, r := range c.Records {
		l.records[r.ID] = bot.Record{Kind: r.Kind, ID: r.ID, Version: l.records[r.ID].Version + 1, Body: r.Body}
		if r.Body == nil {
			delete(l.records, r.ID)
		}
	}
	if c.Settle != nil {
		id := laneID{c.Settle.Owner, c.Settle.Lane}
		q := modelLane{tasks: l.lanes[id].tasks}
		if len(q.tasks) > 0 && sameRevision(q.tasks[0], c.Settle.Task) { // the wake-up is set below anyway
			q.tasks = q.tasks[1:]
		}
		l.lanes[id] = q
	}
	if c.Operation != "" {
		l.replies[c.Operation] = string(c.Reply)
	}
	if len(c.Messages)+len(c.EditedMessages) > 0 {
		i := l.incidents[c.Incident]
		i.addMessages(c.Messages, c.EditedMessages)
		l.incidents[c.Incident] = i
	}
	if dependsOnVersion(c.Commit) {
		l.write(c)
	}
	return l
}

// write writes a step into a cloned model.
func (l *model) write(c doCommit) {
	i := l.incidents[c.Incident]
	i.wakeAt = c.WakeAt
	if c.Snapshot != nil {
		i.version++
		i.snapshot, i.stub, i.open, i.listing = string(c.Snapshot), "", c.Open, c.Listing.String()
	}
	if g := c.Group; g != nil && (g.Always || l.groups[g.Key].owner == c.Incident) {
		l.groups[g.Key] = modelGroup{owner: c.Incident, always: g.Always, until: g.Until}
	}
	if c.ReadMail > 0 {
		i.readAt, i.mailDue = c.At, time.Time{}
		i.mail = i.unreadMail(c)
		if len(i.mail) > 0 {
			i.mailDue = c.At.Add(alerts.MailInterval)
		}
	}
	for _, t := range c.Tasks {
		id := laneID{t.Owner, t.Lane}
		q := l.lanes[id]
		if t.Rev > 0 {
			q.tasks = nil
		}
		q.tasks = append(slices.Clip(q.tasks), t)
		l.lanes[id] = q
	}
	l.put(c.Incident, i)
}

// put writes an incident with its standing wake-up into a cloned model.
func (l *model) put(id string, i modelIncident) {
	l.incidents[id] = i
	due := i.wakeAt
	if !i.mailDue.IsZero() && (due.IsZero() || i.mailDue.Before(due)) {
		due = i.mailDue
	}
	lane := laneID{id, wakeLane}
	q := l.lanes[lane]
	q.tasks = nil
	if !due.IsZero() {
		q.tasks = []bot.Task{{ID: bot.WakeTask, Owner: id, Lane: wakeLane, Due: due}}
	}
	l.lanes[lane] = q
}

// due returns the lanes that a claim may lease, in its order except for lanes that are due
// at the same instant.
func (l *model) due(q bot.Claim) []laneID {
	var all []laneID
	for id, lane := range l.lanes {
		if len(lane.tasks) > 0 && id.lane.Class >= q.Classes.From && id.lane.Class <= q.Classes.To &&
			!lane.tasks[0].Due.After(q.At) && !lane.until.After(q.At) {
			all = append(all, id)
		}
	}
	slices.SortFunc(all, func(a, b laneID) int {
		return cmp.Or(
			cmp.Compare(a.lane.Class, b.lane.Class), l.lanes[a].tasks[0].Due.Compare(l.lanes[b].tasks[0].Due),
			cmp.Compare(a.owner, b.owner), cmp.Compare(a.lane.Destination, b.lane.Destination),
		)
	})
	return all
}

// lease leases a lane in a cloned model.
func (l *model) lease(id laneID, token string, until time.Time) {
	q := l.lanes[id]
	q.token, q.until = token, until
	l.lanes[id] = q
}

// modelTx implements [alerts.Tx] in a cloned model.
type modelTx struct {
	*model
	at time.Time
}

// Row implements [alerts.Tx].
func (t modelTx) Row(integration, key string) (*alerts.Row, error) {
	if r, ok := t.alerts[[2]string{integration, key}]; ok {
		return &r, nil
	}
	return nil, nil //nolint:nilnil // a missing row is not an error: the interface says so
}

// PutRow implements [alerts.Tx].
func (t modelTx) PutRow(r alerts.Row) error {
	t.alerts[[2]string{r.Integration, r.Key}] = r
	return nil
}

// Owner implements [alerts.Tx].
func (t modelTx) Owner(key string) (incident string, holds bool, err error) {
	g := t.groups[key]
	return g.owner, g.always || g.until.After(t.at), nil
}

// Open implements [alerts.Tx].
func (t modelTx) Open(o alerts.Opening) (string, error) {
	t.model.number++
	id := workflow.ID(t.model.number)
	t.incidents[id] = modelIncident{stub: string(o.Stub), previous: o.Previous, open: true, listing: o.Listing.String()}
	t.groups[o.Group] = modelGroup{owner: id, always: true}
	return id, nil
}

// Mail implements [alerts.Tx].
func (t modelTx) Mail(id string, m workflow.Mail) error {
	i := t.incidents[id]
	if due := alerts.MailDue(i.readAt, t.at, m.Ahead); i.mailDue.IsZero() || due.Before(i.mailDue) {
		i.mailDue = due
	}
	m.Ahead = 0
	i.mail = append(slices.Clip(i.mail), m)
	t.put(id, i)
	return nil
}
