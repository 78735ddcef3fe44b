package workflow

import "time"

// Declared is recorded once, when the incident is created.
type Declared struct {
	Declare      Declare      `json:"declare"`
	SeverityPlan SeverityPlan `json:"severity_plan,omitzero"` // what the plan promises for the severity
	Basis        Basis        `json:"basis,omitempty"`        // where the severity came from
	Plan         string       `json:"plan,omitempty"`         // content hash of the plan, see Plan.Hash
	Checklist    []string     `json:"checklist,omitempty"`    // to be verified before closing
	Truncated    []string     `json:"truncated,omitempty"`    // the texts that were too long and were cut: title, description
}

// MergeTargetUpdated is recorded in a merged incident when the incident that it was
// merged into ends, reopens, or gives up its alerts.
type MergeTargetUpdated struct {
	Ended     bool      `json:"ended,omitempty"`
	HoldUntil time.Time `json:"hold_until,omitzero"`
	Release   bool      `json:"release,omitempty"`
}

// StatusChanged is recorded when the incident moves from one open status to
// another.
type StatusChanged struct {
	From Status `json:"from"`
	To   Status `json:"to"`
	Why  string `json:"why,omitempty"`
}

// SeverityChanged is recorded when a person or an alert changes the severity, or
// judges it anew.
type SeverityChanged struct {
	From    Severity     `json:"from,omitempty"`
	To      Severity     `json:"to"`
	Impact  Level        `json:"impact,omitempty"`
	Urgency Level        `json:"urgency,omitempty"`
	Basis   Basis        `json:"basis,omitempty"`
	Reason  string       `json:"reason,omitempty"`
	Plan    SeverityPlan `json:"plan,omitzero"`
}

// PlanReplaced is recorded when a person applies the plan that the configuration gives
// now to a running incident (E8b: an edited policy can be applied to running incidents).
type PlanReplaced struct {
	From     string       `json:"from"` // content hash of the plan before, see Plan.Hash
	To       string       `json:"to"`
	Policy   string       `json:"policy"`             // ID of the policy that escalation starts with
	Changes  []string     `json:"changes,omitempty"`  // what is different for this incident, in words
	Promises bool         `json:"promises,omitempty"` // what Plan promises is different, so that the deadlines are set anew
	Plan     SeverityPlan `json:"plan,omitzero"`      // what the new plan promises for the severity
}

// IncidentResolved is recorded when a person, or the timer after the last alert,
// resolves the incident.
type IncidentResolved struct {
	From        Status        `json:"from"`
	Text        string        `json:"text,omitempty"`
	ByTimer     bool          `json:"by_timer,omitempty"`
	Firing      []string      `json:"firing,omitempty"` // titles of alerts that still fire, at most five
	StillFiring int           `json:"still_firing,omitempty"`
	QuietUntil  time.Time     `json:"quiet_until,omitzero"`
	Truncated   bool          `json:"truncated,omitempty"`
	HoldUntil   time.Time     `json:"hold_until,omitzero"` // with ByTimer: until then its alert group reopens the incident
	LateBy      time.Duration `json:"late_by,omitempty"`   // with ByTimer
}

// IncidentClosed is recorded when the write-up is complete, or is closed by force.
type IncidentClosed struct {
	Forced  bool     `json:"forced,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Missing []string `json:"missing,omitempty"` // with Forced: what was incomplete
}

// IncidentReopened is recorded when an ended incident becomes active again, by a
// person or because its alerts fire again.
type IncidentReopened struct {
	From Status `json:"from"`
	To   Status `json:"to"`
	Why  string `json:"why,omitempty"`
}

// IncidentCanceled is recorded when a person cancels what was not an incident.
type IncidentCanceled struct {
	From       Status    `json:"from"`
	Reason     string    `json:"reason,omitempty"`
	QuietUntil time.Time `json:"quiet_until,omitzero"`
}

// IncidentMerged is recorded in the incident that ends by a merge.
type IncidentMerged struct {
	From  Status `json:"from"`
	Into  string `json:"into"`
	Title string `json:"title,omitempty"`
	Mail  Mail   `json:"mail,omitzero"` // its firing alerts, which Into receives
}

// IncidentAbsorbed is recorded in the incident that another one was merged into.
type IncidentAbsorbed struct {
	From  string `json:"from"` // ID of the other
	Title string `json:"title,omitempty"`
}

func (Declared) fact() string           { return "declared" }
func (MergeTargetUpdated) fact() string { return "merge_target_updated" }
func (StatusChanged) fact() string      { return "status_changed" }
func (SeverityChanged) fact() string    { return "severity_changed" }
func (PlanReplaced) fact() string       { return "plan_replaced" }
func (IncidentResolved) fact() string   { return "resolved" }
func (IncidentClosed) fact() string     { return "closed" }
func (IncidentReopened) fact() string   { return "reopened" }
func (IncidentCanceled) fact() string   { return "canceled" }
func (IncidentMerged) fact() string     { return "merged" }
func (IncidentAbsorbed) fact() string   { return "absorbed" }
