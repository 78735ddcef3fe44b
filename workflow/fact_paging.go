package workflow

import "time"

// EscalationStarted is recorded when paging starts, or starts again, with the first
// step of a policy.
type EscalationStarted struct {
	Run    int           `json:"run"`
	Policy string        `json:"policy"`
	Why    string        `json:"why"`
	LateBy time.Duration `json:"late_by,omitempty"`
}

// StepFired is recorded when one step of a policy pages its targets. The pages are
// owed by the same commit (E2: a page is owed once).
type StepFired struct {
	Coordinates PageCoordinates `json:"coordinates"`
	Policy      string          `json:"policy"`
	Pages       []PageState     `json:"pages,omitempty"`
	Skipped     []Skipped       `json:"skipped,omitempty"`
	Next        time.Time       `json:"next_at,omitzero"`  // when the next step fires
	Why         string          `json:"why,omitempty"`     // "" when its time had come
	Cursor      *Cursor         `json:"cursor,omitempty"`  // of a round-robin step
	LateBy      time.Duration   `json:"late_by,omitempty"` // how long after its deadline, if that is worth saying
}

// Skipped is a target that is not paged, and why.
type Skipped struct {
	Target Target `json:"target"`
	Why    string `json:"why"`
}

// Cursor moves the turn of a round-robin step from Previous to Next.
type Cursor struct {
	Key      string `json:"key"` // policy ID and position of the step, such as "payments/0"
	Previous int    `json:"previous"`
	Next     int    `json:"next"`
}

// EscalationRepeated is recorded when escalation repeats its policy, or goes on with the
// fallback policy.
type EscalationRepeated struct {
	Policy string        `json:"policy"`
	Repeat int           `json:"repeat"`
	Moved  bool          `json:"moved,omitempty"` // to another policy, not to a repeat of the same
	LateBy time.Duration `json:"late_by,omitempty"`
}

// NoOneReached is recorded when no page of any policy in the run was accepted by a
// provider (E4: a failed page moves on at once). The run starts again at RestartAt.
type NoOneReached struct {
	RestartAt time.Time     `json:"restart_at"`      // when the run starts again
	Pages     []PageState   `json:"pages,omitempty"` // to the catch-all
	Slow      int           `json:"slow,omitempty"`  // pages that may still arrive
	LateBy    time.Duration `json:"late_by,omitempty"`
}

// EscalationExhausted is recorded when every step of every policy has fired and no
// one has acknowledged, and again with each reminder (E7: never silent until a
// person answers).
type EscalationExhausted struct {
	Reminder int           `json:"reminder"`        // 0 the first time
	Next     time.Time     `json:"next_at"`         // when the next reminder is due
	Pages    []PageState   `json:"pages,omitempty"` // to the catch-all
	LateBy   time.Duration `json:"late_by,omitempty"`
}

// PagesQueued is recorded when planned pages are handed to the agenda: their delay
// has passed, or an earlier contact method failed.
type PagesQueued struct {
	IDs    []string      `json:"ids"` // of the pages
	Why    string        `json:"why,omitempty"`
	LateBy time.Duration `json:"late_by,omitempty"`
}

// PeoplePaged is recorded when people are paged outside escalation: to join the
// incident, or with a notice that needs no answer.
type PeoplePaged struct {
	Manual  int           `json:"manual"`  // counts these facts from 1; part of the pages' IDs
	Purpose Purpose       `json:"purpose"` // PurposeJoin or PurposeNotice
	Pages   []PageState   `json:"pages,omitempty"`
	Skipped []Skipped     `json:"skipped,omitempty"`
	Text    string        `json:"text,omitempty"`
	Alerts  int           `json:"alerts,omitempty"` // for a notice: how many new alerts it reports
	LateBy  time.Duration `json:"late_by,omitempty"`
}

// NoticePostponed is recorded when new alerts come too soon after the last notice to
// the acknowledger: they are counted, and the next notice is sent at Due.
type NoticePostponed struct {
	Due    time.Time `json:"due_at"`
	Alerts int       `json:"alerts"`
}

// PageDelivered is recorded when the provider accepts a page.
type PageDelivered struct {
	Page string    `json:"page"`
	To   string    `json:"to"`
	Via  string    `json:"via"`
	Next time.Time `json:"next_at,omitzero"` // when the next step fires, if this moves it (E4d: the wait begins with the first acceptance)
}

// PageFailed is recorded when a page could not be delivered. With Retrying, the
// agenda keeps trying it. With Slow it may still be accepted: the provider has not
// answered yet.
type PageFailed struct {
	Page     string `json:"page"`
	To       string `json:"to"`
	Via      string `json:"via"`
	Why      string `json:"why"`
	Retrying bool   `json:"retrying,omitempty"`
	Slow     bool   `json:"slow,omitempty"`
}

// PagesCanceled is recorded when pages that were not delivered yet are given up.
type PagesCanceled struct {
	IDs []string `json:"ids"`
	Why string   `json:"why"`
}

// Acknowledged is recorded when a person takes the incident on.
type Acknowledged struct {
	Person string `json:"person"`
	Name   string `json:"name,omitempty"`
	Run    int    `json:"run,omitempty"`
}

// PageAnswered is recorded when a person who was asked to join acknowledges while
// another person already holds the acknowledgement.
type PageAnswered struct {
	Person string `json:"person"`
	Name   string `json:"name,omitempty"`
}

// Unacknowledged is recorded when the acknowledgement of Person ends.
type Unacknowledged struct {
	Person string `json:"person"`
	Why    string `json:"why,omitempty"`
}

// AcknowledgeOverdue is recorded when no one has acknowledged by the promised
// time.
type AcknowledgeOverdue struct {
	Due    time.Time     `json:"due_at"`
	LateBy time.Duration `json:"late_by,omitempty"`
}

func (EscalationStarted) fact() string   { return "escalation_started" }
func (StepFired) fact() string           { return "step_fired" }
func (EscalationRepeated) fact() string  { return "escalation_repeated" }
func (NoOneReached) fact() string        { return "no_one_reached" }
func (EscalationExhausted) fact() string { return "escalation_exhausted" }
func (PagesQueued) fact() string         { return "pages_queued" }
func (PeoplePaged) fact() string         { return "people_paged" }
func (NoticePostponed) fact() string     { return "notice_postponed" }
func (PageDelivered) fact() string       { return "page_delivered" }
func (PageFailed) fact() string          { return "page_failed" }
func (PagesCanceled) fact() string       { return "pages_canceled" }
func (Acknowledged) fact() string        { return "acknowledged" }
func (PageAnswered) fact() string        { return "page_answered" }
func (Unacknowledged) fact() string      { return "unacknowledged" }
func (AcknowledgeOverdue) fact() string  { return "acknowledge_overdue" }
