package workflow

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Plan is the part of the configuration that an incident keeps as it was when the
// incident was declared: escalation policies, severities and delays. The store keeps
// each plan once, under its content hash, so that editing the configuration never
// changes a running incident. People, teams and schedules are read when they are
// needed (E8: targets are read live and policies are copied).
type Plan struct {
	Policy     string                  `json:"policy"`               // ID of the policy that escalation starts with
	Fallback   string                  `json:"fallback,omitempty"`   // ID of the policy that follows one without a fallback of its own
	CatchAll   Target                  `json:"catch_all,omitempty"`  // paged when escalation reached no one, or no one acknowledged
	Policies   []Policy                `json:"policies"`             // the policies named above, and all that those refer to
	Severities map[string]SeverityPlan `json:"severities,omitempty"` // keyed "SEV1" to "SEV5"
	Checklist  []string                `json:"checklist,omitempty"`  // to be verified before closing
	Rules      Rules                   `json:"rules"`
}

// Policy is an escalation policy: its steps fire in order, are repeated Repeat times,
// and then the fallback policy follows.
type Policy struct {
	ID       string       `json:"id"`
	Steps    []PolicyStep `json:"steps"`
	Repeat   int          `json:"repeat,omitempty"`
	Fallback string       `json:"fallback,omitempty"` // ID; "": the fallback of the plan
}

// PolicyStep pages its targets, and waits for an acknowledgement before the next step
// fires.
type PolicyStep struct {
	Notify     []Target      `json:"notify"`
	Wait       time.Duration `json:"wait"`
	RoundRobin bool          `json:"round_robin,omitempty"` // page one of the recipients, the next one each time
}

// SeverityPlan is what a severity means and promises. A zero duration means that
// nothing is promised.
type SeverityPlan struct {
	Name        string        `json:"name,omitempty"`
	Definition  string        `json:"definition,omitempty"`
	Urgency     Level         `json:"urgency,omitempty"`     // High or Low: which contact methods are used
	Acknowledge time.Duration `json:"acknowledge,omitempty"` // from the declaration to the acknowledgement
	Update      time.Duration `json:"update,omitempty"`      // between two status updates
	Invite      []Target      `json:"invite,omitempty"`      // invited into rooms when they open
}

// meaning returns name and definition on one line.
func (s SeverityPlan) meaning() string {
	text := s.Name
	if s.Definition != "" {
		text += ": " + s.Definition
	}
	return cleanLabel(strings.TrimPrefix(text, ": "), MaxTitle)
}

// Rules holds the configurable delays of docs/rules.md. A zero delay stands for its
// default, which [Rules.OrDefault] fills in.
type Rules struct {
	// ReopenWindow is how long after a resolve by the timer an alert of the same group
	// reopens the incident (I6: firing again reopens or links).
	ReopenWindow time.Duration `json:"reopen_window,omitempty"`
	// ResolveAfter is how long after the last alert has resolved the timer resolves the
	// incident (G7: all alerts resolved means monitoring).
	ResolveAfter time.Duration `json:"resolve_after,omitempty"`
	// RestartAfter is how long after a run that reached no one escalation starts again
	// (E4: a failed page moves on at once).
	RestartAfter time.Duration `json:"restart_after,omitempty"`
	// QuietAfter is how long alerts that still fire change nothing after a person has
	// resolved or canceled the incident (I6: firing again reopens or links).
	QuietAfter time.Duration `json:"quiet_after,omitempty"`
	// StaleAfter is how long after the last event that a person caused a new alert ends
	// the acknowledgement (G3: an acknowledgement swallows nothing).
	StaleAfter time.Duration `json:"stale_after,omitempty"`
	// RemindEvery is the time between two reminders to the catch-all
	// (E7: never silent until a person answers).
	RemindEvery time.Duration `json:"remind_every,omitempty"`
}

// OrDefault returns r with the defaults of docs/rules.md wherever it is zero.
func (r Rules) OrDefault() Rules {
	def := func(d *time.Duration, v time.Duration) {
		if *d <= 0 {
			*d = v
		}
	}
	def(&r.ReopenWindow, 15*time.Minute)
	def(&r.ResolveAfter, 30*time.Minute)
	def(&r.RestartAfter, time.Minute)
	def(&r.QuietAfter, time.Hour)
	def(&r.StaleAfter, 15*time.Minute)
	def(&r.RemindEvery, 15*time.Minute)
	return r
}

// Hash returns the content hash of the plan, under which it is stored: 16 hexadecimal
// digits.
func (p Plan) Hash() string {
	b, err := json.Marshal(p)
	if err != nil { // a Plan holds nothing that cannot be encoded
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// findPolicy returns the policy with an ID.
func (p Plan) findPolicy(id string) (Policy, bool) {
	n := slices.IndexFunc(p.Policies, func(q Policy) bool { return q.ID == id })
	if n < 0 {
		return Policy{}, false
	}
	return p.Policies[n], true
}

// Severity returns what the plan promises for s. If it states no urgency, SEV1 and
// SEV2 have high urgency and all others low.
func (p Plan) Severity(s Severity) SeverityPlan {
	sp := p.Severities[s.String()]
	if sp.Urgency == "" {
		sp.Urgency = Low
		if s != 0 && s <= SEV2 {
			sp.Urgency = High
		}
	}
	return sp
}

// Target names what a step pages: "person:ana", "team:payments", "webhook:noc",
// "room:PLATFORM:#ops", "policy:everyone" (what the first step of that policy pages) or
// "log" (the log of the server).
type Target string

// Kind returns the part before the first colon, such as "person".
func (t Target) Kind() string {
	kind, _, _ := strings.Cut(string(t), ":")
	return kind
}

// ID returns the part after the first colon, such as "ana"; "" when there is none.
func (t Target) ID() string {
	_, id, _ := strings.Cut(string(t), ":")
	return id
}

// Targets lists every target that the plan can page, each once: those of its policies
// and the catch-all, without targets of the kind policy.
func (p Plan) Targets() []Target {
	var all []Target
	add := func(t Target) {
		if t != "" && t.Kind() != "policy" && !slices.Contains(all, t) {
			all = append(all, t)
		}
	}
	for _, policy := range p.Policies {
		for _, step := range policy.Steps {
			for _, t := range step.Notify {
				add(t)
			}
		}
	}
	add(p.CatchAll)
	return all
}

// cursors lists the keys of the plan's round-robin steps.
func (p Plan) cursors() []string {
	var all []string
	for _, policy := range p.Policies {
		for n, step := range policy.Steps {
			if step.RoundRobin {
				all = append(all, cursorKey(policy.ID, n))
			}
		}
	}
	return all
}
