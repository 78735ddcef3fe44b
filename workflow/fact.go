package workflow

import "time"

// Fact is something that became true. Facts are past tense, are never taken
// back, and are kept for ever under the name that [FactKind] gives.
//
//sumtype:decl
type Fact interface {
	// fact is the stable name under which the fact is stored.
	fact() string
}

// FactKind returns the stable name under which a fact is stored.
func FactKind(f Fact) string { return f.fact() }

// Declared began the incident.
type Declared struct {
	Declare      Declare      `json:"declare"`
	SeverityPlan SeverityPlan `json:"severity_plan,omitzero"`
	Basis        Basis        `json:"basis,omitempty"`
	Plan         string       `json:"plan,omitempty"`
	Checklist    []string     `json:"checklist,omitempty"`
	Cut          []string     `json:"cut,omitempty"` // which texts were too long and cut
}

// AlertsArrived read one piece of mail.
type AlertsArrived struct {
	Mail
	From string `json:"from,omitempty"` // the merged incident it came through
}

// AlertsForwarded passed mail on to the incident this one was merged into.
type AlertsForwarded struct {
	Mail  Mail     `json:"mail"`
	To    string   `json:"to"`
	From  string   `json:"from,omitempty"`  // the merged incident it came through
	Title string   `json:"title,omitempty"` // with Began: of that incident
	Began bool     `json:"began,omitempty"` // that incident was merged just now
	Via   []string `json:"via,omitempty"`
}

// MergeTargetUpdated says what became of the incident that this one was merged into.
type MergeTargetUpdated struct {
	Ended   bool      `json:"ended,omitempty"`
	Until   time.Time `json:"until,omitzero"`
	Release bool      `json:"release,omitempty"`
}

// AlertsAllResolved says that none fires any more (rule G7).
type AlertsAllResolved struct {
	ResolveAt time.Time `json:"resolve_at,omitzero"`
}

// StatusChanged moved the incident.
type StatusChanged struct {
	From Status `json:"from"`
	To   Status `json:"to"`
	Why  string `json:"why,omitempty"`
}

// SeverityChanged replaced the severity.
type SeverityChanged struct {
	From    Severity     `json:"from,omitempty"`
	To      Severity     `json:"to"`
	Impact  Level        `json:"impact,omitempty"`
	Urgency Level        `json:"urgency,omitempty"`
	Basis   Basis        `json:"basis,omitempty"`
	Reason  string       `json:"reason,omitempty"`
	Plan    SeverityPlan `json:"plan,omitzero"`
}

// DetailsChanged replaced what is known; empty fields stay.
type DetailsChanged struct {
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Category    string   `json:"category,omitempty"`
	Services    []string `json:"services,omitempty"`
	Symptoms    []string `json:"symptoms,omitempty"`
}

// EscalationStarted began a run of paging.
type EscalationStarted struct {
	Run    int    `json:"run"`
	Policy string `json:"policy"`
	Why    string `json:"why"`
}

// StepFired asked the targets of one step and owes their pages (rule E2).
type StepFired struct {
	At      PageCoordinates `json:"at"`
	Policy  string          `json:"policy"`
	Pages   []PageState     `json:"pages,omitempty"`
	Skipped []Skipped       `json:"skipped,omitempty"`
	Next    time.Time       `json:"next,omitzero"`
	Why     string          `json:"why,omitempty"`
	Cursor  *Cursor         `json:"cursor,omitempty"`
	Late    time.Duration   `json:"late,omitempty"`
}

// Skipped is a target that nobody stood behind.
type Skipped struct {
	Target Target `json:"target"`
	Why    string `json:"why"`
}

// Cursor is where a round-robin step goes on next time.
type Cursor struct {
	Key  string `json:"key"`
	Was  int    `json:"was"`
	Next int    `json:"next"`
}

// CycleBegan went on with the next repeat, or with the fallback policy.
type CycleBegan struct {
	Policy string `json:"policy"`
	Repeat int    `json:"repeat"`
	Moved  bool   `json:"moved,omitempty"` // to another policy
}

// NobodyReached says that the whole chain of policies reached nobody (E4).
type NobodyReached struct {
	Again time.Time   `json:"again"`
	Pages []PageState `json:"pages,omitempty"` // to the catch-all
}

// EscalationExhausted says that everybody was asked and nobody answered (E7).
// It repeats as a reminder until somebody does.
type EscalationExhausted struct {
	Reminder int         `json:"reminder"` // 0 the first time
	Next     time.Time   `json:"next"`
	Pages    []PageState `json:"pages,omitempty"`
}

// PagesQueued says that later methods fell due, or were brought forward because
// an earlier one failed.
type PagesQueued struct {
	IDs []string `json:"ids"`
	Why string   `json:"why,omitempty"`
}

// PeoplePaged asked people outside escalation: to join, or to know.
type PeoplePaged struct {
	Manual  int         `json:"manual"`
	Purpose Purpose     `json:"purpose"`
	Pages   []PageState `json:"pages,omitempty"`
	Skipped []Skipped   `json:"skipped,omitempty"`
	Text    string      `json:"text,omitempty"`
	Alerts  int         `json:"alerts,omitempty"` // how many new alerts it tells of
}

// NoticePostponed will tell the acknowledger of new alerts at Due.
type NoticePostponed struct {
	Due    time.Time `json:"due"`
	Alerts int       `json:"alerts"`
}

// PageDelivered was accepted by the provider.
type PageDelivered struct {
	Page string `json:"page"`
	To   string `json:"to"`
	Via  string `json:"via"`
}

// PageFailed was not.
type PageFailed struct {
	Page     string `json:"page"`
	To       string `json:"to"`
	Via      string `json:"via"`
	Why      string `json:"why"`
	Retrying bool   `json:"retrying,omitempty"`
}

// PagesCanceled will not be sent, or are taken back where the medium can.
type PagesCanceled struct {
	IDs []string `json:"ids"`
	Why string   `json:"why"`
}

// Acknowledged has somebody on it.
type Acknowledged struct {
	Person string `json:"person"`
	Name   string `json:"name,omitempty"`
	Run    int    `json:"run,omitempty"`
}

// PageAnswered says that a person answered a page of their own while another
// holds the acknowledgement.
type PageAnswered struct {
	Person string `json:"person"`
	Name   string `json:"name,omitempty"`
}

// Unacknowledged has nobody on it any more.
type Unacknowledged struct {
	Person string `json:"person"`
	Why    string `json:"why,omitempty"`
}

// AcknowledgeOverdue passed the promised time without an answer.
type AcknowledgeOverdue struct {
	Due  time.Time     `json:"due"`
	Late time.Duration `json:"late,omitempty"`
}

// UpdatePosted told an audience how things stand.
type UpdatePosted struct {
	Text     string    `json:"text"`
	Audience string    `json:"audience,omitempty"`
	Next     time.Time `json:"next,omitzero"`
	Cut      bool      `json:"cut,omitempty"`
}

// UpdateOverdue passed the promised time without an update.
type UpdateOverdue struct {
	Due  time.Time     `json:"due"`
	Next time.Time     `json:"next,omitzero"`
	Late time.Duration `json:"late,omitempty"`
}

// RoleAssigned gave a role, or took it away when Person is empty.
type RoleAssigned struct {
	Role   string `json:"role"`
	Person string `json:"person,omitempty"`
	Name   string `json:"name,omitempty"`
}

// NoteAdded wrote to the timeline.
type NoteAdded struct {
	Text string `json:"text"`
	Pin  bool   `json:"pin,omitempty"`
	Cut  bool   `json:"cut,omitempty"`
	Key  string `json:"key,omitempty"` // of the message it was copied from
}

// NoteWithdrawn took back a note that was copied from a message.
type NoteWithdrawn struct {
	Key  string `json:"key"`
	Text string `json:"text,omitempty"`
}

// ActionItemAdded is to be done.
type ActionItemAdded struct{ ActionItem }

// ActionItemCompleted was done, or was opened again.
type ActionItemCompleted struct {
	N    int    `json:"n"`
	Text string `json:"text,omitempty"`
	Undo bool   `json:"undo,omitempty"`
}

// CauseSet wrote down why.
type CauseSet struct {
	Text string `json:"text"`
	Cut  bool   `json:"cut,omitempty"`
}

// IncidentResolved says that users are well again.
type IncidentResolved struct {
	From        Status    `json:"from"`
	Text        string    `json:"text,omitempty"`
	ByTimer     bool      `json:"by_timer,omitempty"`
	Firing      []string  `json:"firing,omitempty"` // alerts that still fire, by title
	StillFiring int       `json:"still_on,omitempty"`
	QuietUntil  time.Time `json:"quiet_till,omitzero"`
	Cut         bool      `json:"cut,omitempty"`
	KeepUntil   time.Time `json:"keep_until,omitzero"` // the group comes back here until then
}

// AlertsReleased gives up alerts that still fire: they open a new incident.
type AlertsReleased struct {
	Firing int `json:"firing"`
}

// CheckRecorded looked at a line of the checklist.
type CheckRecorded struct {
	N     int        `json:"n"`
	Text  string     `json:"text,omitempty"`
	State CheckState `json:"state"`
}

// IncidentClosed ended the paperwork.
type IncidentClosed struct {
	Forced  bool     `json:"forced,omitempty"`
	Reason  string   `json:"reason,omitempty"`
	Missing []string `json:"missing,omitempty"`
}

// IncidentReopened is active again.
type IncidentReopened struct {
	From Status `json:"from"`
	To   Status `json:"to"`
	Why  string `json:"why,omitempty"`
}

// IncidentCanceled was none.
type IncidentCanceled struct {
	From       Status    `json:"from"`
	Reason     string    `json:"reason,omitempty"`
	QuietUntil time.Time `json:"quiet_till,omitzero"`
}

// IncidentMerged went on as another.
type IncidentMerged struct {
	From  Status `json:"from"`
	Into  string `json:"into"`
	Title string `json:"title,omitempty"`
	Mail  Mail   `json:"mail,omitzero"` // the alerts it hands over
}

// IncidentAbsorbed took another in.
type IncidentAbsorbed struct {
	From  string `json:"from"`
	Title string `json:"title,omitempty"`
}

// LinkAdded points elsewhere.
type LinkAdded struct{ Link }

// PeopleInvited may see and join.
type PeopleInvited struct {
	People []string `json:"people"`
}

// VisibilityChanged hid or showed the incident.
type VisibilityChanged struct {
	To Visibility `json:"to"`
}

// EffectGivenUp will not happen; somebody should know.
type EffectGivenUp struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

// UnknownFact is a fact of a newer version: kept as it is, and without effect.
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
