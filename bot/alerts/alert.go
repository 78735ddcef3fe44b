// Package alerts says what a source of alerts is, and decides what becomes of
// them: which incident they belong to, how severe they are, and what changed
// since the last time. It is pure; stores call [Take] within their
// transactions.
package alerts

import (
	"encoding/json"
	"time"

	"tocsin/workflow"
)

// Alert is one alert as a source tells it, after decoding.
type Alert struct {
	Key         string            `json:"key"` // the source's own alert ID, else a hash of the identity labels (rule I3)
	State       State             `json:"state"`
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"`
	Severity    string            `json:"severity,omitempty"` // the source's word (rule I11)
	StartedAt   time.Time         `json:"started_at,omitzero"`
	EndedAt     time.Time         `json:"ended_at,omitzero"`
	Labels      map[string]string `json:"labels,omitempty"`
	Annotations map[string]string `json:"annotations,omitempty"`
	Link        string            `json:"link,omitempty"`
	Runbook     string            `json:"runbook,omitempty"`
	Truncated   int               `json:"truncated,omitempty"` // alerts the sender says it left out beside this one (rule I7)
	Note        string            `json:"note,omitempty"`      // what the decoder could not make sense of
}

// State is what an alert says of itself (rule I4).
type State string

// The states of an alert. A state nobody knows counts as firing and is marked.
const (
	Firing   State = "firing"
	Resolved State = "resolved"
	Notice   State = "notice" // test, downtime, flapping: recorded, never pages
)

// Arrival is an alert on its way into the store, routed.
type Arrival struct {
	Integration string
	Alert       Alert
	Group       string // the incident's group; "" when it is only recorded
	Severity    workflow.Severity
	Word        string // the severity word, when nobody mapped it
	// Declare is what is declared should the alert open an incident; with no
	// title, the alert's own stands in.
	Declare workflow.Declare
	// From is set when an incident gives its alerts up and they are taken
	// again (rule I6): only one that still fires for that incident counts, and
	// it starts anew, and only if it has not begun again since: that counted.
	From   string
	Before time.Time
}

// Batch is what one delivery brought.
type Batch struct {
	At       time.Time
	Arrivals []Arrival
}

// Receipt says what became of an arrival.
type Receipt struct {
	Change   Change `json:"change"`
	Incident string `json:"incident,omitempty"`
	New      bool   `json:"new,omitempty"` // it opened the incident
}

// Change is the difference an arrival makes.
type Change string

// The changes.
const (
	Started  Change = "started"  // fires, and is new to its incident
	Again    Change = "again"    // fires again
	Ended    Change = "ended"    // resolved
	Repeated Change = "repeated" // nothing new: last seen now
	Ignored  Change = "ignored"  // recorded only: a notice, a route's wish, or a resolve with nothing open (I5)
	Stale    Change = "stale"    // older than what was applied (rule I5)
)

// Row is an alert as a store keeps it, under (Integration, Key).
type Row struct {
	Integration string            `json:"-"`
	Key         string            `json:"-"`
	Incident    string            `json:"incident,omitempty"`
	Group       string            `json:"group,omitempty"`
	Firing      bool              `json:"firing,omitempty"`
	Severity    workflow.Severity `json:"severity,omitempty"`
	EventAt     time.Time         `json:"event_at,omitzero"` // by the sender's clock, of the last one applied
	AppliedAt   time.Time         `json:"applied_at,omitzero"`
	SeenAt      time.Time         `json:"seen_at,omitzero"`
	Alert       Alert             `json:"alert"`
}

// lateDelivery is how long after a resolve a firing notice with an old start
// is taken for a late delivery. After that it is taken for the truth: some
// senders keep the start of an alert that they had called resolved.
const lateDelivery = time.Minute

// eventAt is when the sender says that it happened.
func eventAt(a Alert, received time.Time) time.Time {
	switch {
	case a.State == Resolved && !a.EndedAt.IsZero():
		return a.EndedAt
	case a.State != Resolved && !a.StartedAt.IsZero():
		return a.StartedAt
	}
	return received
}

// Judge says what an arrival changes, given the row under its key, if any, and
// returns the row as it is then. Where the change is Started or Again, the
// store finds the incident that owns the group and calls [Row.Join].
func Judge(row *Row, a Arrival, at time.Time) (Row, Change) {
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
	if a.Alert.State == Resolved { // for whoever has the alert, whatever routes say by now
		return next.resolve(row, a, at)
	}
	if a.Alert.State == Notice || a.Group == "" {
		if next.Incident == "" {
			next.Alert = a.Alert // an incident's alert stays as it was
		}
		return next, Ignored
	}
	event := eventAt(a.Alert, at)
	if row != nil && row.Incident != "" {
		switch {
		case row.Firing:
			if event.After(row.EventAt) { // an older resolve must not end this
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

// resolve is Judge for an alert that resolves.
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

// Join makes the row part of the incident that owns its group. An alert that
// fires again in another incident than before is new there.
func (r *Row) Join(incident, group string, c Change) Change {
	if c == Again && r.Incident != incident {
		c = Started
	}
	r.Incident, r.Group = incident, group
	return c
}

// Mail turns the change of one arrival into mail.
func Mail(a Arrival, c Change, at time.Time) workflow.Mail {
	m := workflow.Mail{At: at}
	switch c {
	case Started:
		m.Started = 1
	case Again:
		m.Again = 1
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
			Severity: a.Severity, Word: clean(a.Word, 40), Resolved: c == Ended, At: at, Link: link(a.Alert.Link),
		}}
	}
	return m
}

func clean(text string, limit int) string {
	s, _ := workflow.CleanLine(text, limit)
	return s
}

// link keeps an address that a browser may open, and drops the rest.
func link(url string) string {
	s := clean(url, 400)
	if len(s) > 8 && (s[:7] == "http://" || s[:8] == "https://") && len(url) <= 400 {
		return s
	}
	return ""
}

// Stub is what an incident is declared from when an alert opened it.
type Stub struct {
	Declare workflow.Declare `json:"declare"`
}

// EncodeStub writes a stub.
func EncodeStub(d workflow.Declare) ([]byte, error) { return json.Marshal(Stub{d}) }

// DecodeStub reads what [EncodeStub] wrote.
func DecodeStub(b []byte) (workflow.Declare, error) {
	var s Stub
	err := json.Unmarshal(b, &s)
	return s.Declare, err
}
