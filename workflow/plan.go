package workflow

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"time"
)

// Plan is what an incident was promised when it was declared: the policies
// that page for it and the targets of every severity. It is copied once, under
// its content hash, so that editing the configuration never rewrites a running
// incident. People and schedules are read live.
type Plan struct {
	Policy     string                  `json:"policy"`             // where escalation starts
	Fallback   string                  `json:"fallback,omitempty"` // when a policy without its own fallback is exhausted
	CatchAll   Target                  `json:"catch_all,omitempty"`
	Policies   []Policy                `json:"policies"`
	Severities map[string]SeverityPlan `json:"severities,omitempty"` // keyed "SEV1" …
	Checklist  []string                `json:"checklist,omitempty"`  // verified before closing
	Rules      Rules                   `json:"rules"`
}

// Policy is an escalation policy: steps in order, repeated Repeat more times,
// then the fallback.
type Policy struct {
	ID       string       `json:"id"`
	Steps    []PolicyStep `json:"steps"`
	Repeat   int          `json:"repeat,omitempty"`
	Fallback string       `json:"fallback,omitempty"`
}

// PolicyStep pages its targets and waits before the next step.
type PolicyStep struct {
	Notify     []Target      `json:"notify"`
	Wait       time.Duration `json:"wait"`
	RoundRobin bool          `json:"round_robin,omitempty"` // page one of the people in turn (rule E9)
}

// SeverityPlan is what a severity promises. A zero duration means no promise.
type SeverityPlan struct {
	Name        string        `json:"name,omitempty"`
	Definition  string        `json:"definition,omitempty"`
	Urgency     Level         `json:"urgency,omitempty"` // high or low: which notification methods
	Acknowledge time.Duration `json:"acknowledge,omitempty"`
	Update      time.Duration `json:"update,omitempty"`
	Invite      []Target      `json:"invite,omitempty"` // into the rooms, when they open
}

// meaning is the published name and definition, on one line.
func (s SeverityPlan) meaning() string {
	text := s.Name
	if s.Definition != "" {
		text += ": " + s.Definition
	}
	return cleanLabel(strings.TrimPrefix(text, ": "), MaxTitle)
}

// Rules holds the delays that docs/rules.md shows in brackets. [Rules.OrDefault]
// fills what is zero.
type Rules struct {
	ReopenWindow time.Duration `json:"reopen_window,omitempty"` // I6
	ResolveAfter time.Duration `json:"resolve_after,omitempty"` // G7
	RestartAfter time.Duration `json:"restart_after,omitempty"` // E4
	QuietAfter   time.Duration `json:"quiet_after,omitempty"`   // I6: how long alerts stay quiet after a person resolved
	StaleAfter   time.Duration `json:"stale_after,omitempty"`   // G3: nobody has moved for so long
	RemindEvery  time.Duration `json:"remind_every,omitempty"`  // E7
}

// OrDefault returns r with the published default wherever it is zero.
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

// Hash names the plan by its content: 16 hexadecimal digits.
func (p Plan) Hash() string {
	b, err := json.Marshal(p)
	if err != nil { // a Plan holds nothing that cannot be encoded
		return ""
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:8])
}

// policy finds a policy by its ID.
func (p Plan) findPolicy(id string) (Policy, bool) {
	n := slices.IndexFunc(p.Policies, func(q Policy) bool { return q.ID == id })
	if n < 0 {
		return Policy{}, false
	}
	return p.Policies[n], true
}

// Severity returns what the plan promises for s. Without a promise SEV1 and
// SEV2 are of high urgency and the rest of low.
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

// Target names whoever a step pages: "person:ana", "team:payments",
// "webhook:noc", "room:slack:#ops", "policy:everyone" or "log".
type Target string

// Kind returns the part before the first colon.
func (t Target) Kind() string {
	kind, _, _ := strings.Cut(string(t), ":")
	return kind
}

// ID returns the part after the first colon.
func (t Target) ID() string {
	_, id, _ := strings.Cut(string(t), ":")
	return id
}

// Targets lists every target that the plan's policies name, each once, without
// the policies themselves.
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

// cursors lists the round-robin steps of the plan.
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
