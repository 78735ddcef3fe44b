package workflow

import "time"

// AlertsArrived is recorded when alert mail is counted into the incident.
type AlertsArrived struct {
	Mail
	From     string `json:"from,omitempty"`      // the merged incident that forwarded it, if any
	MoreFire bool   `json:"more_fire,omitempty"` // by the count none fires any more, but at least one does
}

// AlertsForwarded is recorded when a merged incident passes alert mail on to the
// incident that it was merged into.
type AlertsForwarded struct {
	Mail  Mail     `json:"mail"`
	To    string   `json:"to"`
	From  string   `json:"from,omitempty"`  // another merged incident that it came from, if any
	Title string   `json:"title,omitempty"` // with Began: of that incident
	Began bool     `json:"began,omitempty"` // that incident was merged just now
	Via   []string `json:"via,omitempty"`   // merged incidents that it has passed through, which shows a circle

	Severity   Severity `json:"severity,omitempty"`   // with Began: of that incident
	Unanswered bool     `json:"unanswered,omitempty"` // with Began: no one had acknowledged it
}

// AlertsAllResolved is recorded when none of the alerts fires any more (G7: all
// alerts resolved means monitoring).
type AlertsAllResolved struct {
	ResolveAt time.Time `json:"resolve_at,omitzero"` // when the incident resolves by itself; zero if it has ended
}

// AlertsReleased is recorded when an ended incident gives up the alerts that still
// fire: they open or join another incident.
type AlertsReleased struct {
	Firing int           `json:"firing"` // how many
	LateBy time.Duration `json:"late_by,omitempty"`
}

// AlertsHeld is recorded when firing notices came that may be late: alerts of the
// incident resolved a moment before, and the notices bear a start from before that.
type AlertsHeld struct {
	Alerts  []HeldAlert `json:"alerts"`
	JudgeAt time.Time   `json:"judge_at"` // when they are judged again
}

// AlertsJudged is recorded when held notices are judged again: those that nothing newer
// has superseded fire.
type AlertsJudged struct {
	Alerts []HeldAlert   `json:"alerts"`
	Next   time.Time     `json:"next_at,omitzero"` // when others are judged
	LateBy time.Duration `json:"late_by,omitempty"`
}

func (AlertsArrived) fact() string     { return "alerts_arrived" }
func (AlertsForwarded) fact() string   { return "alerts_forwarded" }
func (AlertsAllResolved) fact() string { return "alerts_all_resolved" }
func (AlertsReleased) fact() string    { return "alerts_released" }
func (AlertsHeld) fact() string        { return "alerts_held" }
func (AlertsJudged) fact() string      { return "alerts_judged" }
