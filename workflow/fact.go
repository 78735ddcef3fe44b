package workflow

import "time"

// Fact is something that happened to an incident. Facts are never changed or
// removed; each is stored under the name that [FactKind] returns. The members are
// sorted into [LifecycleFact], [AlertFact], [PagingFact], [RoomFact] and
// [RecordFact]; [UnknownFact] stands alone.
//
//sumtype:decl
type Fact interface {
	// fact is the stable name under which the fact is stored.
	fact() string
}

// FactKind returns the name under which a fact is stored, such as "step_fired".
func FactKind(f Fact) string { return f.fact() }

// Declared is recorded once, when the incident is created.
type Declared struct {
	Declare      Declare      `json:"declare"`
	SeverityPlan SeverityPlan `json:"severity_plan,omitzero"` // what the plan promises for the severity
	Basis        Basis        `json:"basis,omitempty"`        // where the severity came from
	Plan         string       `json:"plan,omitempty"`         // content hash of the plan, see Plan.Hash
	Checklist    []string     `json:"checklist,omitempty"`    // to be verified before closing
	Cut          []string     `json:"cut,omitempty"`          // the texts that were too long and were cut: title, description
}

// AlertsArrived is recorded when alert mail is counted into the incident.
type AlertsArrived struct {
	Mail
	From string `json:"from,omitempty"` // the merged incident that forwarded it, if any
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
}

// MergeTargetUpdated is recorded in a merged incident when the incident that it was
// merged into ends, reopens, or gives up its alerts.
type MergeTargetUpdated struct {
	Ended   bool      `json:"ended,omitempty"`
	Until   time.Time `json:"until,omitzero"`
	Release bool      `json:"release,omitempty"`
}

// AlertsAllResolved is recorded when none of the alerts fires any more (G7: all
// alerts resolved means monitoring).
type AlertsAllResolved struct {
	ResolveAt time.Time `json:"resolve_at,omitzero"` // when the incident resolves by itself; zero if it has ended
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

// DetailsChanged is recorded when a person edits the description of the incident.
// Empty fields were not changed; services and symptoms were added.
type DetailsChanged struct {
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Category    string   `json:"category,omitempty"`
	Services    []string `json:"services,omitempty"`
	Symptoms    []string `json:"symptoms,omitempty"`
}

// EscalationStarted is recorded when paging starts, or starts again, with the first
// step of a policy.
type EscalationStarted struct {
	Run    int    `json:"run"`
	Policy string `json:"policy"`
	Why    string `json:"why"`
}

// StepFired is recorded when one step of a policy pages its targets. The pages are
// owed by the same commit (E2: a page is owed once).
type StepFired struct {
	At      PageCoordinates `json:"at"`
	Policy  string          `json:"policy"`
	Pages   []PageState     `json:"pages,omitempty"`
	Skipped []Skipped       `json:"skipped,omitempty"`
	Next    time.Time       `json:"next,omitzero"`    // when the next step fires
	Why     string          `json:"why,omitempty"`    // "" when its time had come
	Cursor  *Cursor         `json:"cursor,omitempty"` // of a round-robin step
	Late    time.Duration   `json:"late,omitempty"`   // how long after its deadline, if that is worth saying
}

// Skipped is a target that is not paged, and why.
type Skipped struct {
	Target Target `json:"target"`
	Why    string `json:"why"`
}

// Cursor moves the turn of a round-robin step from Was to Next.
type Cursor struct {
	Key  string `json:"key"` // policy ID and position of the step, such as "payments/0"
	Was  int    `json:"was"`
	Next int    `json:"next"`
}

// CycleBegan is recorded when escalation repeats its policy, or goes on with the
// fallback policy.
type CycleBegan struct {
	Policy string `json:"policy"`
	Repeat int    `json:"repeat"`
	Moved  bool   `json:"moved,omitempty"` // to another policy, not to a repeat of the same
}

// NobodyReached is recorded when no page of any policy in the run was accepted by a
// provider (E4: a failed page moves on at once). The run starts again at Again.
type NobodyReached struct {
	Again time.Time   `json:"again"`           // when the run starts again
	Pages []PageState `json:"pages,omitempty"` // to the catch-all
}

// EscalationExhausted is recorded when every step of every policy has fired and no
// one has acknowledged, and again with each reminder (E7: never silent until a
// person answers).
type EscalationExhausted struct {
	Reminder int         `json:"reminder"`        // 0 the first time
	Next     time.Time   `json:"next"`            // when the next reminder is due
	Pages    []PageState `json:"pages,omitempty"` // to the catch-all
}

// PagesQueued is recorded when planned pages are handed to the agenda: their delay
// has passed, or an earlier contact method failed.
type PagesQueued struct {
	IDs []string `json:"ids"` // of the pages
	Why string   `json:"why,omitempty"`
}

// PeoplePaged is recorded when people are paged outside escalation: to join the
// incident, or with a notice that needs no answer.
type PeoplePaged struct {
	Manual  int         `json:"manual"`  // counts these facts from 1; part of the pages' IDs
	Purpose Purpose     `json:"purpose"` // PurposeJoin or PurposeNotice
	Pages   []PageState `json:"pages,omitempty"`
	Skipped []Skipped   `json:"skipped,omitempty"`
	Text    string      `json:"text,omitempty"`
	Alerts  int         `json:"alerts,omitempty"` // for a notice: how many new alerts it reports
}

// NoticePostponed is recorded when new alerts come too soon after the last notice to
// the acknowledger: they are counted, and the next notice is sent at Due.
type NoticePostponed struct {
	Due    time.Time `json:"due"`
	Alerts int       `json:"alerts"`
}

// PageDelivered is recorded when the provider accepts a page.
type PageDelivered struct {
	Page string `json:"page"`
	To   string `json:"to"`
	Via  string `json:"via"`
}

// PageFailed is recorded when a page could not be delivered. With Retrying, the
// agenda keeps trying it.
type PageFailed struct {
	Page     string `json:"page"`
	To       string `json:"to"`
	Via      string `json:"via"`
	Why      string `json:"why"`
	Retrying bool   `json:"retrying,omitempty"`
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
	Due  time.Time     `json:"due"`
	Late time.Duration `json:"late,omitempty"`
}

// UpdatePosted is recorded when a person posts a status update.
type UpdatePosted struct {
	Text     string    `json:"text"`
	Audience string    `json:"audience,omitempty"`
	Next     time.Time `json:"next,omitzero"`
	Cut      bool      `json:"cut,omitempty"`
}

// UpdateOverdue is recorded when no status update was posted by the promised
// time.
type UpdateOverdue struct {
	Due  time.Time     `json:"due"`
	Next time.Time     `json:"next,omitzero"`
	Late time.Duration `json:"late,omitempty"`
}

// RoleAssigned is recorded when a role is given to a person, or is taken away (Person
// is then "").
type RoleAssigned struct {
	Role   string `json:"role"`
	Person string `json:"person,omitempty"`
	Name   string `json:"name,omitempty"`
}

// NoteAdded is recorded when a note is added to the timeline.
type NoteAdded struct {
	Text string `json:"text"`
	Pin  bool   `json:"pin,omitempty"`
	Cut  bool   `json:"cut,omitempty"`
	Key  string `json:"key,omitempty"` // of the chat message that it was copied from
}

// NoteWithdrawn is recorded when a note that was copied from a chat message is
// removed.
type NoteWithdrawn struct {
	Key  string `json:"key"`
	Text string `json:"text,omitempty"`
}

// ActionItemAdded records a new action item.
type ActionItemAdded struct{ ActionItem }

// ActionItemCompleted is recorded when an action item is marked as done, or with Undo
// as open again.
type ActionItemCompleted struct {
	N    int    `json:"n"`
	Text string `json:"text,omitempty"`
	Undo bool   `json:"undo,omitempty"`
}

// CauseSet is recorded when a person writes down the cause.
type CauseSet struct {
	Text string `json:"text"`
	Cut  bool   `json:"cut,omitempty"`
}

// IncidentResolved is recorded when a person, or the timer after the last alert,
// resolves the incident.
type IncidentResolved struct {
	From        Status    `json:"from"`
	Text        string    `json:"text,omitempty"`
	ByTimer     bool      `json:"by_timer,omitempty"`
	Firing      []string  `json:"firing,omitempty"` // titles of alerts that still fire, at most five
	StillFiring int       `json:"still_on,omitempty"`
	QuietUntil  time.Time `json:"quiet_till,omitzero"`
	Cut         bool      `json:"cut,omitempty"`
	KeepUntil   time.Time `json:"keep_until,omitzero"` // with ByTimer: until then its alert group reopens the incident
}

// AlertsReleased is recorded when an ended incident gives up the alerts that still
// fire: they open or join another incident.
type AlertsReleased struct {
	Firing int `json:"firing"` // how many
}

// CheckRecorded is recorded when a line of the checklist is verified.
type CheckRecorded struct {
	N     int        `json:"n"`
	Text  string     `json:"text,omitempty"`
	State CheckState `json:"state"`
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
	QuietUntil time.Time `json:"quiet_till,omitzero"`
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

// LinkAdded is recorded when a web address or another incident is linked.
type LinkAdded struct{ Link }

// PeopleInvited is recorded when people are made members of the incident.
type PeopleInvited struct {
	People []string `json:"people"`
}

// VisibilityChanged is recorded when the incident is made private or public.
type VisibilityChanged struct {
	To Visibility `json:"to"`
}

// EffectGivenUp is recorded when the agenda stops trying to carry out an effect.
type EffectGivenUp struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// UnknownFact is a fact that a newer version of Tocsin has stored. It is kept as it
// is and changes nothing.
type UnknownFact struct {
	Kind    string
	Version int
	Body    []byte
}

func (Declared) fact() string            { return "declared" }
func (AlertsArrived) fact() string       { return "alerts_arrived" }
func (AlertsForwarded) fact() string     { return "alerts_forwarded" }
func (MergeTargetUpdated) fact() string  { return "merge_target_updated" }
func (AlertsAllResolved) fact() string   { return "alerts_all_resolved" }
func (StatusChanged) fact() string       { return "status_changed" }
func (SeverityChanged) fact() string     { return "severity_changed" }
func (DetailsChanged) fact() string      { return "details_changed" }
func (EscalationStarted) fact() string   { return "escalation_started" }
func (StepFired) fact() string           { return "step_fired" }
func (CycleBegan) fact() string          { return "cycle_began" }
func (NobodyReached) fact() string       { return "nobody_reached" }
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
func (UpdatePosted) fact() string        { return "update_posted" }
func (UpdateOverdue) fact() string       { return "update_overdue" }
func (RoleAssigned) fact() string        { return "role_assigned" }
func (NoteAdded) fact() string           { return "note_added" }
func (ActionItemAdded) fact() string     { return "action_item_added" }
func (ActionItemCompleted) fact() string { return "action_item_completed" }
func (CauseSet) fact() string            { return "cause_set" }
func (IncidentResolved) fact() string    { return "resolved" }
func (AlertsReleased) fact() string      { return "alerts_released" }
func (CheckRecorded) fact() string       { return "check_recorded" }
func (IncidentClosed) fact() string      { return "closed" }
func (IncidentReopened) fact() string    { return "reopened" }
func (IncidentCanceled) fact() string    { return "canceled" }
func (IncidentMerged) fact() string      { return "merged" }
func (IncidentAbsorbed) fact() string    { return "absorbed" }
func (LinkAdded) fact() string           { return "link_added" }
func (PeopleInvited) fact() string       { return "people_invited" }
func (VisibilityChanged) fact() string   { return "visibility_changed" }
func (NoteWithdrawn) fact() string       { return "note_withdrawn" }
func (EffectGivenUp) fact() string       { return "effect_given_up" }
func (f UnknownFact) fact() string       { return f.Kind }
