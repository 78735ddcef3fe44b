package workflow

import "time"

// Command is what a person, an alert source, another incident or a worker asks
// of an incident. [Step] decides it, or returns a [*Refusal]. The members are
// sorted into [LifecycleCommand], [PagingCommand], [RoomCommand] and
// [RecordCommand].
//
//sumtype:decl
type Command interface{ command() }

// Declare creates the incident. Severity is set when a person or an alert named
// one; otherwise it follows from Impact and Urgency by Matrix.
type Declare struct {
	Kind        Kind      `json:"kind,omitempty"`   // zero: Real
	Source      Source    `json:"source,omitempty"` // zero: SourcePerson
	Title       string    `json:"title"`            // required; at most MaxTitle characters are kept
	Description string    `json:"description,omitempty"`
	Symptoms    []string  `json:"symptoms,omitempty"` // what users see
	Reporter    Reporter  `json:"reporter,omitzero"`
	Detected    time.Time `json:"detected_at,omitzero"` // when the problem was noticed; zero: now
	Category    string    `json:"category,omitempty"`
	Services    []string  `json:"services,omitempty"` // IDs of the services affected
	Impact      Level     `json:"impact,omitempty"`
	Urgency     Level     `json:"urgency,omitempty"`
	Severity    Severity  `json:"severity,omitempty"`
	Matrix      Matrix    `json:"matrix,omitempty"` // nil: DefaultMatrix
	Private     bool      `json:"private,omitempty"`
	Group       string    `json:"group,omitempty"`    // the alert group that opened it, if alerts did
	Previous    string    `json:"previous,omitempty"` // ID of the incident that this alert group opened before
	Links       []Link    `json:"links,omitempty"`
	Owner       Target    `json:"owner,omitempty"` // paged first, before the policy of the plan
}

// Wake carries out every deadline that has passed. The agenda sends it when
// [Incident.WakeAt] is due; sending it early or twice changes nothing.
type Wake struct{}

// Acknowledge records that the person who sends it has taken the incident on, and
// stops paging. Seen is the Seq of the incident that the person saw on the card or
// the page; 0 when the command was typed (E5: an acknowledgement carries what was
// seen).
type Acknowledge struct{ Seen int }

// Unacknowledge removes the acknowledgement; paging starts again.
type Unacknowledge struct{}

// SetStatus moves the incident to another open status, or resolves it.
type SetStatus struct{ To Status }

// SetSeverity sets the severity: to Severity, or to what Matrix gives for Impact
// and Urgency when Severity is zero.
type SetSeverity struct {
	Severity        Severity
	Impact, Urgency Level
	Matrix          Matrix
	Reason          string
}

// SetDetails edits the description of the incident. Empty fields stay as they are.
type SetDetails struct {
	Title, Description, Category string
	AddServices                  []string
	AddSymptoms                  []string
}

// PostUpdate publishes a status update for an audience ("" is everyone).
type PostUpdate struct {
	Text, Audience string
	Status         Status        // moves the incident there too, when set
	Next           time.Duration // when the next update is due; 0: the interval of the severity
}

// Assign gives a role to a person, or takes it away when Person is "".
type Assign struct{ Role, Person, Name string }

// Page asks more people to join, whether or not the incident is acknowledged.
type Page struct {
	Targets []Target
	Text    string // for the people who are paged
}

// Escalate fires the next step of the escalation policy now. Seen is the Seq of
// the incident that the person saw, 0 when the command was typed (E9: two clicks
// advance once).
type Escalate struct {
	Seen   int
	Reason string
}

// ApplyPolicy replaces the plan of a running incident by Known.Next, the one that the
// configuration gives it now (E8b: an edited policy can be applied to running incidents).
type ApplyPolicy struct{}

// AddNote adds a note to the timeline. Pin keeps it on the card as well. Key names
// the chat message that the note was copied from, if any; the same key is added
// once.
type AddNote struct {
	Text string
	Pin  bool
	Key  string
}

// RemoveNote removes the note that was copied from the chat message Key.
type RemoveNote struct{ Key string }

// AddActionItem adds an action item. FollowUp marks one that is done after the
// incident, and does not keep it from being closed.
type AddActionItem struct {
	Text, Assignee string
	FollowUp       bool
}

// CompleteActionItem marks action item N as done, or as open again when Undo is
// set.
type CompleteActionItem struct {
	N    int
	Undo bool
}

// SetCause records the cause of the incident.
type SetCause struct{ Text string }

// Resolve records that users are no longer affected, and how that was done. An
// empty text keeps an earlier resolution.
type Resolve struct{ Text string }

// Verify records the outcome of line N of the checklist, counted from 1.
type Verify struct {
	N     int
	State CheckState
}

// Close completes the write-up of a resolved incident. It is refused while cause,
// resolution, action items or checklist are incomplete; Force closes anyway and
// needs a reason.
type Close struct {
	Force  bool
	Reason string
}

// Reopen makes a resolved, closed or canceled incident active again and starts
// paging.
type Reopen struct{ Reason string }

// Cancel ends an incident that was not one.
type Cancel struct{ Reason string }

// Merge ends this incident and continues it as the incident Into, which receives
// its alerts.
type Merge struct{ Into string }

// Absorb is forwarded to the incident that another was merged into: once with
// Began when they are merged, then with every mail that the merged incident
// receives.
type Absorb struct {
	From  string   `json:"from"`            // ID of the merged incident
	Title string   `json:"title,omitempty"` // of the merged incident
	Began bool     `json:"began,omitempty"` // the merge itself, not a later mail
	Via   []string `json:"via,omitempty"`   // merged incidents that it has passed through, which shows a circle
	Mail  Mail     `json:"mail,omitzero"`

	Severity   Severity `json:"severity,omitempty"`   // with Began: of the merged incident
	Unanswered bool     `json:"unanswered,omitempty"` // with Began: it was being paged for, and no one had acknowledged it
}

// UpdateMergeTarget is forwarded to a merged incident when the incident it was
// merged into ends, reopens, or gives up its alerts. A merged incident answers for
// its alert group as long as its target would.
type UpdateMergeTarget struct {
	Ended     bool      `json:"ended,omitempty"`
	HoldUntil time.Time `json:"hold_until,omitzero"` // with Ended: until when the alert group still reopens the target
	Release   bool      `json:"release,omitempty"`   // alerts that still fire open a new incident
}

// AddLink links a web address or another incident; one of URL and Incident is set.
type AddLink struct{ URL, Incident, Title string }

// Invite adds people to the members of the incident and to its rooms.
type Invite struct{ People []string }

// SetVisibility makes the incident private, visible to its members only, or public
// (P2: private means members only).
type SetVisibility struct{ To Visibility }

// RoomReady reports that an [OpenRoom] succeeded. Private says that only its
// members see the room.
type RoomReady struct {
	Platform, ID, Name, URL string
	Private                 bool
}

// RoomClosed reports that a [CloseRoom] succeeded, or that a person archived the
// room on the platform. The events from Seq to Through could not be posted into it;
// Seq is 0 when there are none.
type RoomClosed struct {
	Platform, ID string
	Seq, Through int
}

// RoomStepEnded reports the result of a [SetUpRoom], of an [InvitePeople] or of the
// announcement. Why is the error, "" on success. With Waiting the step has not ended: it
// is tried again until an operator has fixed what Why says.
type RoomStepEnded struct {
	Platform, Step, Why string
	Waiting             bool
}

// RoomCardReplaced reports that the card of a room was written anew, because a person has
// deleted it.
type RoomCardReplaced struct{ Platform string }

// RetryRooms repeats whatever failed for the rooms of the incident.
type RetryRooms struct{}

// RoomRefused reports that an [OpenRoom] failed and will not be retried; with Waiting,
// that it is tried again until an operator has fixed what Why says.
type RoomRefused struct {
	Platform, Why string
	Waiting       bool
}

// Delivered reports that the provider accepted a [SendPage].
type Delivered struct{ Page string }

// Undeliverable reports that a [SendPage] failed. Retrying says that the agenda
// keeps trying it while escalation moves on (E4: a failed page moves on at once). Slow
// says that it may still be accepted: the provider has not answered for a while (E4c:
// slow is not failed).
type Undeliverable struct {
	Page, Why string
	Retrying  bool
	Slow      bool
}

// GiveUp reports an effect that the agenda will not try again, for the timeline
// and the rooms.
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
func (ApplyPolicy) command()        {}
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
func (RoomCardReplaced) command()   {}
func (RetryRooms) command()         {}
func (RemoveNote) command()         {}
func (Delivered) command()          {}
func (Undeliverable) command()      {}
func (GiveUp) command()             {}
