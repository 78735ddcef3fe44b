package alerts

import (
	"encoding/json"
	"time"

	"tocsin/workflow"
)

// Row is an alert as a store keeps it, under (Integration, Key).
type Row struct {
	Integration string            `json:"-"`
	Key         string            `json:"-"`
	Incident    string            `json:"incident,omitempty"`
	Group       string            `json:"group,omitempty"`
	Firing      bool              `json:"firing,omitempty"`
	Severity    workflow.Severity `json:"severity,omitempty"`
	EventAt     time.Time         `json:"event_at,omitzero"` // the sender's time of the last applied event
	AppliedAt   time.Time         `json:"applied_at,omitzero"`
	SeenAt      time.Time         `json:"seen_at,omitzero"`
	Alert       Alert             `json:"alert"`
	Memory
}

// Memory is what a row remembers of earlier events, to recognize one that comes late.
type Memory struct {
	EarlierStart time.Time   `json:"earlier_start,omitzero"` // of the time before that it fired
	EarlierEnd   time.Time   `json:"earlier_end,omitzero"`   // the end that the last resolve named
	Held         *HeldNotice `json:"held,omitempty"`         // a firing notice that is judged again
}

// HeldNotice is a firing notice that came shortly after the resolve of an alert and
// bears a start from before it.
type HeldNotice struct {
	Since   time.Time       `json:"since"`
	Arrival Arrival         `json:"arrival"`
	Stub    json.RawMessage `json:"stub,omitempty"` // of Arrival.Declare, see [EncodeStub]
}

// lateDelivery is how long after a resolve a firing notice with an older start may be
// a late delivery.
const lateDelivery = time.Minute

// HoldFor is how long such a notice is held before it is judged again (I5c: an old start
// is judged again after a minute).
const HoldFor = time.Minute

// maxSkew is how far the clocks of two machines may differ: times that are closer
// decide no order (I5d: clocks of two machines are not compared closely).
const maxSkew = 2 * time.Minute

// eventAt returns the sender's time of the event.
func eventAt(a Alert, received time.Time) time.Time {
	switch {
	case a.State == Resolved && !a.EndedAt.IsZero():
		return a.EndedAt
	case a.State != Resolved && !a.StartedAt.IsZero():
		return a.StartedAt
	}
	return received
}

// apply returns what an arrival changes and the new row, given the row under
// its key, nil if there is none. When the change is Started or Again, the store
// finds the incident that owns the group and calls [Row.join]. Without mayHold nothing
// is held: what may be late fires.
func apply(row *Row, a Arrival, at time.Time, mayHold bool) (Row, Change) {
	if a.From != "" {
		if a.Group == "" || row == nil || !row.Firing || row.Incident != a.From || !a.Before.IsZero() && !row.AppliedAt.Before(a.Before) {
			return Row{}, Ignored
		}
		next := *row
		next.Incident, next.AppliedAt = "", at
		return next, Started
	}
	next := Row{Integration: a.Integration, Key: a.Alert.Key, SeenAt: at}
	if row != nil {
		next = *row
		next.SeenAt = at
	}
	if a.Alert.State == Resolved { // ends the alert in its incident, whatever the routes say now
		return next.resolve(row, a, at)
	}
	if a.Alert.State == Notice || a.Group == "" {
		if next.Incident == "" {
			next.Alert = a.Alert // the alert of an incident is not replaced
		}
		return next, Ignored
	}
	event := eventAt(a.Alert, at)
	switch {
	case row == nil || row.Incident == "":
	case row.Firing:
		return next.repeat(a, event)
	case mayHold && a.Held.IsZero() && row.mayBeLate(a.Alert, at):
		if change, ok := next.hold(a, at); ok {
			return next, change
		}
	}
	change := Started
	if row != nil && row.Incident != "" {
		change = Again
		next.EarlierStart = row.Alert.StartedAt
	}
	next.Firing, next.EventAt, next.AppliedAt = true, event, at
	next.Severity, next.Alert, next.Held = a.Severity, a.Alert, nil
	return next, change
}

// mayBeLate reports whether a firing notice for an alert that has resolved may have been
// sent before the resolve.
func (r *Row) mayBeLate(a Alert, at time.Time) bool {
	return !a.StartedAt.IsZero() && a.StartedAt.Before(r.EventAt) && at.Sub(r.AppliedAt) < lateDelivery
}

// hold keeps a firing notice that may be late. Of several, the first of the worst is kept,
// and judged when the first would have been. ok is false when it cannot be kept.
func (r *Row) hold(a Arrival, at time.Time) (c Change, ok bool) {
	since, c := at, Held
	if was := r.Held; was != nil {
		if a.Group != was.Arrival.Group || !a.Severity.IsWorseThan(was.Arrival.Severity) {
			return Repeated, true
		}
		since, c = was.Since, Repeated
	}
	stub, err := EncodeStub(a.Declare)
	if err != nil {
		return "", false
	}
	a.Declare = workflow.Declare{}
	r.Held = &HeldNotice{Since: since, Arrival: a, Stub: stub}
	return c, true
}

// judge returns the arrival of a group that is held since an instant; ok is false when
// something newer has superseded it. A store reads the group before it calls Take, so
// that another one would not do.
func (r *Row) judge(since time.Time, group string) (a Arrival, ok bool) {
	if r == nil || r.Held == nil || !r.Held.Since.Equal(since) || r.Held.Arrival.Group != group {
		return Arrival{}, false
	}
	a = r.Held.Arrival
	a.Held = since
	var err error
	a.Declare, err = DecodeStub(r.Held.Stub)
	return a, err == nil
}

// repeat is [apply] for an alert that fires already: it is shown as it is now (I6c: a
// repeat shows its labels as they are now), and one that is worse raises its incident
// (I6b: a worse repeat raises the incident).
func (r Row) repeat(a Arrival, event time.Time) (Row, Change) {
	was := r
	if event.After(r.EventAt) { // a resolve older than this must not end it
		r.EventAt, r.EarlierStart = event, was.Alert.StartedAt
	}
	worse := a.Severity.IsWorseThan(r.Severity)
	if event.Before(was.EventAt) && !worse {
		return r, Repeated // an older delivery
	}
	r.Severity, r.Alert = a.Severity, a.Alert
	switch {
	case worse:
		return r, Raised
	case r.Severity != was.Severity || r.Alert.Title != was.Alert.Title || r.Alert.Link != was.Alert.Link:
		return r, Changed
	}
	return r, Repeated
}

// resolve is [apply] for an alert that resolves. It ends the alert that it names, unless
// it is clearly older: clocks of several machines may differ (I5d: clocks of two machines
// are not compared closely).
func (r Row) resolve(was *Row, a Arrival, at time.Time) (Row, Change) {
	event := eventAt(a.Alert, at)
	switch {
	case was == nil || was.Incident == "" || !was.Firing:
		r.Held = nil // superseded
		return r, Ignored
	case r.isOlder(a.Alert):
		return r, Stale
	}
	r.Firing, r.EventAt, r.AppliedAt = false, event, at
	r.Alert.State, r.Alert.EndedAt, r.EarlierEnd = Resolved, a.Alert.EndedAt, a.Alert.EndedAt
	return r, Ended
}

// isOlder reports whether a resolve is about an earlier time that the alert fired. When
// it names that time by its start or by its end, or a time that was over before the start
// that the sender named, it is; otherwise only when it ended more than maxSkew before the
// alert began.
func (r Row) isOlder(a Alert) bool {
	namesStart := !a.StartedAt.IsZero()
	switch {
	case a.EndedAt.IsZero():
		return false
	case namesStart && a.StartedAt.Before(a.EndedAt) && a.EndedAt.Before(r.Alert.StartedAt): // by the clock of one sender
		return true
	case a.EndedAt.Equal(r.EarlierEnd) && !a.EndedAt.Equal(a.StartedAt): // delivered again; a sender that writes minutes may mean two ends by one
		return true
	case !a.EndedAt.Before(r.EventAt):
		return false
	}
	return namesStart && a.StartedAt.Equal(r.EarlierStart) || r.EventAt.Sub(a.EndedAt) > maxSkew
}

// join assigns the row to the incident that owns its group. An alert that fires
// again in another incident than before counts as started there.
func (r *Row) join(incident, group string, c Change) Change {
	if c == Again && r.Incident != incident {
		c = Started
	}
	r.Incident, r.Group = incident, group
	return c
}
