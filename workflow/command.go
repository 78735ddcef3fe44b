package workflow

import "time"

// Command is what somebody or something wants of an incident.
//
//sumtype:decl
type Command interface{ command() }

// Declare begins an incident. Severity, when set, was chosen by hand or by an
// alert; else it comes from Impact and Urgency through Matrix.
type Declare struct {
	Kind        Kind      `json:"kind,omitempty"`
	Source      Source    `json:"source,omitempty"`
	Title       string    `json:"title"`
	Description string    `json:"description,omitempty"`
	Symptoms    []string  `json:"symptoms,omitempty"`
	Reporter    Reporter  `json:"reporter,omitzero"`
	Detected    time.Time `json:"detected,omitzero"`
	Category    string    `json:"category,omitempty"`
	Services    []string  `json:"services,omitempty"`
	Impact      Level     `json:"impact,omitempty"`
	Urgency     Level     `json:"urgency,omitempty"`
	Severity    Severity  `json:"severity,omitempty"`
	Matrix      Matrix    `json:"matrix,omitempty"`
	Private     bool      `json:"private,omitempty"`
	Group       string    `json:"group,omitempty"`    // the alert group, when alerts opened it
	Previous    string    `json:"previous,omitempty"` // the incident that this group had before
	Links       []Link    `json:"links,omitempty"`
	Owner       Target    `json:"owner,omitempty"` // paged first, before the policy that holds
}

// Wake carries out whatever is due.
type Wake struct{}

// Acknowledge answers the page. Seen is the Seq the person saw, 0 when typed.
type Acknowledge struct{ Seen int }

// Unacknowledge gives the incident back: paging starts again.
type Unacknowledge struct{}

// SetStatus moves among the open statuses.
type SetStatus struct{ To Status }

// SetSeverity sets it by hand, or by impact and urgency through Matrix.
type SetSeverity struct {
	Severity        Severity
	Impact, Urgency Level
	Matrix          Matrix
	Reason          string
}

// SetDetails changes what is known; empty fields stay.
type SetDetails struct {
	Title, Description, Category string
	AddServices                  []string
	AddSymptoms                  []string
}

// PostUpdate tells an audience how things stand. Next, when set, promises the
// next update by then.
type PostUpdate struct {
	Text, Audience string
	Status         Status // also moves there when set
	Next           time.Duration
}

// Assign gives a role to a person; an empty person takes it away.
type Assign struct{ Role, Person, Name string }

// Page asks for more people, whoever has acknowledged.
type Page struct {
	Targets []Target
	Text    string
}

// Escalate fires the next step now. Seen is the Seq the person saw, 0 when
// typed, so that two clicks advance once (rule E9).
type Escalate struct {
	Seen   int
	Reason string
}

// AddNote writes to the timeline. A pinned note is also kept in view. Key names
// the message that it was copied from, if any.
type AddNote struct {
	Text string
	Pin  bool
	Key  string
}

// RemoveNote takes back a note that was copied from a message.
type RemoveNote struct{ Key string }

// AddActionItem adds something to be done, now or (FollowUp) afterwards.
type AddActionItem struct {
	Text, Assignee string
	FollowUp       bool
}

// CompleteActionItem ticks task N, or opens it again.
type CompleteActionItem struct {
	N    int
	Undo bool
}

// SetCause writes down why it happened.
type SetCause struct{ Text string }

// Resolve says that users are well again. An empty text keeps the resolution
// already written.
type Resolve struct{ Text string }

// Verify records the outcome of checklist line N, counted from 1.
type Verify struct {
	N     int
	State CheckState
}

// Close ends the paperwork. Force closes in spite of what is missing, and
// needs a reason.
type Close struct {
	Force  bool
	Reason string
}

// Reopen makes an ended incident active again and pages.
type Reopen struct{ Reason string }

// Cancel says that it was no incident.
type Cancel struct{ Reason string }

// Merge ends this incident in favor of another, which takes its alerts.
type Merge struct{ Into string }

// Absorb arrives at the other side of a merge: first once to say so, then with
// every later mail of the merged incident.
type Absorb struct {
	From  string   `json:"from"`
	Title string   `json:"title,omitempty"`
	Began bool     `json:"began,omitempty"` // the merge itself, not a later mail
	Via   []string `json:"via,omitempty"`   // the merged incidents it has passed through
	Mail  Mail     `json:"mail,omitzero"`
}

// UpdateMergeTarget arrives at a merged incident when the other has ended, is open again,
// or gives its alerts up. A merged incident answers for its alert group as long
// as the other would.
type UpdateMergeTarget struct {
	Ended   bool      `json:"ended,omitempty"`
	Until   time.Time `json:"until,omitzero"`    // when it ended: the group comes back until then
	Release bool      `json:"release,omitempty"` // alerts that still fire open a new incident
}

// AddLink links an address or another incident.
type AddLink struct{ URL, Incident, Title string }

// Invite adds people who may see and join.
type Invite struct{ People []string }

// SetVisibility hides the incident from all but its members, or shows it.
type SetVisibility struct{ To Visibility }

// RoomReady answers an [OpenRoom]. Private says that only its members see the
// room.
type RoomReady struct {
	Platform, ID, Name, URL string
	Private                 bool
}

// RoomClosed answers a [CloseRoom], or says that somebody has put a room away.
// The events from Seq to Through, if any, could not be posted any more.
type RoomClosed struct {
	Platform, ID string
	Seq, Through int
}

// RoomStepEnded answers a [SetUpRoom], the invitations, or the first announcement.
// Why says what is wrong; "" when nothing is.
type RoomStepEnded struct{ Platform, Step, Why string }

// RetryRooms tries again what could not be done for the rooms.
type RetryRooms struct{}

// RoomRefused answers an [OpenRoom] that failed for good.
type RoomRefused struct{ Platform, Why string }

// Delivered answers a [SendPage]: the provider accepted it.
type Delivered struct{ Page string }

// Undeliverable answers a [SendPage] that failed. Retrying says that it is
// tried again beside the advance (rule E4).
type Undeliverable struct {
	Page, Why string
	Retrying  bool
}

// GiveUp records that the agenda gave up on an effect, so that somebody knows.
type GiveUp struct{ What, Why string }

func (Declare) command()            {}
func (Wake) command()               {}
func (Acknowledge) command()        {}
func (Unacknowledge) command()      {}
func (SetStatus) command()          {}
func (SetSeverity) command()        {}
func (SetDetails) command()         {}
func (PostUpdate) command()         {}
func (Assign) command()             {}
func (Page) command()               {}
func (Escalate) command()           {}
func (AddNote) command()            {}
func (AddActionItem) command()      {}
func (CompleteActionItem) command() {}
func (SetCause) command()           {}
func (Resolve) command()            {}
func (Verify) command()             {}
func (Close) command()              {}
func (Reopen) command()             {}
func (Cancel) command()             {}
func (Merge) command()              {}
func (Absorb) command()             {}
func (UpdateMergeTarget) command()  {}
func (AddLink) command()            {}
func (Invite) command()             {}
func (SetVisibility) command()      {}
func (RoomReady) command()          {}
func (RoomRefused) command()        {}
func (RoomClosed) command()         {}
func (RoomStepEnded) command()      {}
func (RetryRooms) command()         {}
func (RemoveNote) command()         {}
func (Delivered) command()          {}
func (Undeliverable) command()      {}
func (GiveUp) command()             {}
