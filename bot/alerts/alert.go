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
	Integration string            `json:"integration"`
	Alert       Alert             `json:"alert"`
	Group       string            `json:"group,omitempty"` // the incident's group; "" when it is only recorded
	Severity    workflow.Severity `json:"severity,omitempty"`
	Word        string            `json:"word,omitempty"` // the severity word, when it is not mapped
	// Declare declares the incident, should the alert open one; without a title
	// it gets the alert's.
	Declare workflow.Declare `json:"-"` // a held arrival keeps it as a stub
	// From is the incident that releases this alert so that it can open another
	// one (I6: firing again reopens or links). The alert counts only if it
	// still fires for that incident and was not applied again since Before; it
	// then counts as started.
	From   string    `json:"-"`
	Before time.Time `json:"-"`
	// Held is the instant since which a firing notice of this alert is held. When it is
	// set, that notice is judged again (I5c: an old start is judged again after a
	// minute), and only Integration, Alert.Key and Group count beside it.
	Held time.Time `json:"-"`
}

// Batch is the alerts of one delivery.
type Batch struct {
	At       time.Time
	Arrivals []Arrival
	Flood    bool // its integration has sent more than its share: the batch waits behind others
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
	Raised   Change = "raised"   // fires on, and is worse than before
	Changed  Change = "changed"  // fires on, with another title, severity or link
	Held     Change = "held"     // fires, but may be a late delivery: it is judged again
	Repeated Change = "repeated" // nothing new; SeenAt is updated
	Ignored  Change = "ignored"  // recorded only: a notice, an ignoring route, or a resolve of an alert that does not fire
	Stale    Change = "stale"    // older than what was applied (I5: an older event changes nothing)
)

// HasMail reports whether the incident of an arrival gets mail about it.
func (c Change) HasMail() bool { return c != Repeated && c != Ignored && c != Stale }

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
	case Raised:
		m.Raised = 1
	case Changed:
		m.Changed = 1
	case Held:
		m.Held = []workflow.HeldAlert{{Key: a.Alert.Key, Integration: a.Integration, Group: a.Group, Title: clean(a.Alert.Title, 120), Since: at}}
		return m
	case Repeated, Ignored, Stale:
		return m
	}
	if c == Started || c == Again || c == Raised {
		m.Worst = a.Severity
		if a.Word != "" {
			m.Unmapped = []string{clean(a.Word, 40)}
		}
		if !a.Held.IsZero() {
			m.WasHeld = 1
		}
	}
	m.Samples = []workflow.Alert{sample(a, c == Ended, at)}
	return m
}

// sample returns an alert as its incident shows it.
func sample(a Arrival, resolved bool, at time.Time) workflow.Alert {
	return workflow.Alert{
		Key: clean(a.Alert.Key, 64), Integration: clean(a.Integration, 40), Title: clean(a.Alert.Title, 120),
		Severity: a.Severity, Word: clean(a.Word, 40), Resolved: resolved, At: at, Link: webAddress(a.Alert.Link),
	}
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
