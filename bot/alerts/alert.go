// Package alerts defines sources of alerts and routes what they send: which
// incident an alert belongs to, how severe it is, and what it changes. It is
// pure; stores call [Take] in their transactions.
package alerts

import (
	"encoding/json"
	"time"

	"tocsin/workflow"
)

// Alert is one decoded alert of a source.
type Alert struct {
	Key         string            `json:"key"` // the source's own alert ID, else a hash of the identity labels (I3: identity is integration and dedup key)
	State       State             `json:"state"`
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"`
	Severity    string            `json:"severity,omitempty"` // the source's word (I11: severity words are mapped)
	StartedAt   time.Time         `json:"started_at,omitzero"`
	EndedAt     time.Time         `json:"ended_at,omitzero"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Link        string            `json:"link,omitempty"`
	Runbook     string            `json:"runbook,omitempty"`
	Truncated   int               `json:"truncated,omitempty"` // alerts that the sender left out of the batch (I7: a truncated batch is flagged)
	Note        string            `json:"note,omitempty"`      // what the decoder could not read
}

// State is an alert's own status (I4: status is per alert).
type State string

// The states of an alert. An unknown state counts as firing and is noted.
const (
	Firing   State = "firing"
	Resolved State = "resolved"
	Notice   State = "notice" // test, downtime, flapping: recorded, never pages
)

// Arrival is a routed alert that a store is about to record.
type Arrival struct {
	Integration string
	Alert       Alert
	Group       string // the incident's group; "" when it is only recorded
	Severity    workflow.Severity
	Word        string // the severity word, when it is not mapped
	// Declare declares the incident, should the alert open one; without a title
	// it gets the alert's.
	Declare workflow.Declare
	// From is the incident that releases this alert so that it can open another
	// one (I6: firing again reopens or links). The alert counts only if it
	// still fires for that incident and was not applied again since Before; it
	// then counts as started.
	From   string
	Before time.Time
}

// Batch is the alerts of one delivery.
type Batch struct {
	At       time.Time
	Arrivals []Arrival
}

// Receipt reports what an arrival changed.
type Receipt struct {
	Change   Change `json:"change"`
	Incident string `json:"incident,omitempty"`
	New      bool   `json:"new,omitempty"` // it opened the incident
}

// Change is the difference that an arrival makes.
type Change string

// The changes.
const (
	Started  Change = "started"  // fires, and is new to its incident
	Again    Change = "again"    // fires again
	Ended    Change = "ended"    // resolved
	Repeated Change = "repeated" // nothing new; SeenAt is updated
	Ignored  Change = "ignored"  // recorded only: a notice, an ignoring route, or a resolve of an alert that does not fire
	Stale    Change = "stale"    // older than what was applied (I5: an older event changes nothing)
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
}

// lateDelivery is how long after a resolve a firing event with an older start
// counts as a late delivery. After that it counts as firing again: some senders
// keep the start of an alert that they had resolved.
const lateDelivery = time.Minute

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
// finds the incident that owns the group and calls [Row.join].
func apply(row *Row, a Arrival, at time.Time) (Row, Change) {
	if a.From != "" {
		if row == nil || !row.Firing || row.Incident != a.From || !a.Before.IsZero() && !row.AppliedAt.Before(a.Before) {
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
	if row != nil && row.Incident != "" {
		switch {
		case row.Firing:
			if event.After(row.EventAt) { // a resolve older than this must not end it
				next.EventAt = event
			}
			return next, Repeated
		case event.Before(row.EventAt) && at.Sub(row.AppliedAt) < lateDelivery:
			return next, Stale
		}
	}
	change := Started
	if row != nil && row.Incident != "" {
		change = Again
	}
	next.Firing, next.EventAt, next.AppliedAt = true, event, at
	next.Severity, next.Alert = a.Severity, a.Alert
	return next, change
}

// resolve is [apply] for an alert that resolves.
func (r Row) resolve(was *Row, a Arrival, at time.Time) (Row, Change) {
	event := eventAt(a.Alert, at)
	switch {
	case was == nil || was.Incident == "" || !was.Firing:
		return r, Ignored
	case event.Before(was.EventAt) && !a.Alert.EndedAt.IsZero():
		return r, Stale
	}
	r.Firing, r.EventAt, r.AppliedAt = false, event, at
	r.Alert.State, r.Alert.EndedAt = Resolved, a.Alert.EndedAt
	return r, Ended
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

// Mail returns the mail that tells an incident of one arrival's change.
func Mail(a Arrival, c Change, at time.Time) workflow.Mail {
	m := workflow.Mail{At: at}
	switch c {
	case Started:
		m.Started = 1
	case Again:
		m.Refired = 1
	case Ended:
		m.Ended = 1
	case Repeated, Ignored, Stale:
	}
	if c == Started || c == Again {
		m.Worst = a.Severity
		if a.Word != "" {
			m.Unmapped = []string{clean(a.Word, 40)}
		}
	}
	if c == Started || c == Again || c == Ended {
		m.Samples = []workflow.Alert{{
			Key: clean(a.Alert.Key, 64), Integration: clean(a.Integration, 40), Title: clean(a.Alert.Title, 120),
			Severity: a.Severity, Word: clean(a.Word, 40), Resolved: c == Ended, At: at, Link: webAddress(a.Alert.Link),
		}}
	}
	return m
}

func clean(text string, limit int) string {
	s, _ := workflow.CleanLine(text, limit)
	return s
}

// webAddress returns a URL that a browser may open, "" for any other.
func webAddress(url string) string {
	s := clean(url, 400)
	if len(s) > 8 && (s[:7] == "http://" || s[:8] == "https://") && len(url) <= 400 {
		return s
	}
	return ""
}

// Stub is the declaration of an incident that an alert opened.
type Stub struct {
	Declare workflow.Declare `json:"declare"`
}

// EncodeStub encodes a stub.
func EncodeStub(d workflow.Declare) ([]byte, error) { return json.Marshal(Stub{d}) }

// DecodeStub decodes what [EncodeStub] returned.
func DecodeStub(b []byte) (workflow.Declare, error) {
	var s Stub
	err := json.Unmarshal(b, &s)
	return s.Declare, err
}
