package workflow

import (
	"maps"
	"slices"
	"time"
)

// Incident is the state of one incident, as its events have made it. Its encoded form
// is at most 64 KiB, whatever happens: lists are bounded, and long texts are excerpts
// of what the events hold.
type Incident struct {
	ID     string `json:"id"` // "INC-7"
	Number int    `json:"number"`
	Seq    int    `json:"seq"` // number of the last event; a button carries the Seq of the card that it is on

	Kind        Kind              `json:"kind,omitempty"`
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"` // an excerpt
	Symptoms    []string          `json:"symptoms,omitempty"`    // what users see
	Source      Source            `json:"source,omitempty"`
	Reporter    Reporter          `json:"reporter,omitzero"`
	Category    string            `json:"category,omitempty"`
	Services    []string          `json:"services,omitempty"` // IDs of the services affected
	Visibility  Visibility        `json:"visibility,omitempty"`
	Invited     []string          `json:"invited,omitempty"` // people who were invited or paged, and may see a private incident
	Roles       map[string]string `json:"roles,omitempty"`   // role → person ID

	Impact        Level    `json:"impact,omitempty"`
	Urgency       Level    `json:"urgency,omitempty"`
	Severity      Severity `json:"severity,omitempty"`
	SeverityBasis Basis    `json:"severity_basis,omitempty"`
	SeverityBy    Actor    `json:"severity_by,omitzero"`
	Meaning       string   `json:"meaning,omitempty"` // name and definition of the severity, from the configuration

	Status         Status    `json:"status,omitempty"`
	PreviousStatus Status    `json:"previous_status,omitempty"` // the status before the last change; monitoring returns to it when alerts fire again
	DetectedAt     time.Time `json:"detected_at,omitzero"`
	DeclaredAt     time.Time `json:"declared_at,omitzero"`
	LastActivityAt time.Time `json:"last_activity_at,omitzero"` // the last event that a person caused
	PlanHash       string    `json:"plan,omitempty"`            // the plan that was copied in, see Plan.Hash

	Acknowledgement Acknowledgement `json:"acknowledgement,omitzero"`
	Alerts          Alerts          `json:"alerts,omitzero"`
	Paging          Escalation      `json:"paging,omitzero"`
	Promises        Promises        `json:"promises,omitzero"`
	Rooms           []Room          `json:"rooms,omitempty"`
	Paperwork       Paperwork       `json:"paperwork,omitzero"`
	Ending          Ending          `json:"ending,omitzero"`
	Merge           MergeState      `json:"merge,omitzero"`
}

// Acknowledgement is who has taken the incident on, and when. Person is "" while it
// is not acknowledged.
type Acknowledgement struct {
	At     time.Time `json:"at,omitzero"`
	Person string    `json:"person,omitempty"` // ID
	Name   string    `json:"name,omitempty"`
}

// Promises holds the times by which the severity promises a reaction. A zero time
// means that nothing is promised.
type Promises struct {
	AcknowledgeBy time.Time `json:"acknowledge_due_at,omitzero"`
	UpdateBy      time.Time `json:"update_due_at,omitzero"`    // when the next status update is due
	MissedUpdate  time.Time `json:"missed_update_at,omitzero"` // when the first of the overdue updates was due; zero after an update
}

// Paperwork is the write-up: what people record during the incident, and what must
// be complete before it is closed.
type Paperwork struct {
	ActionItems  []ActionItem `json:"action_items,omitempty"`
	Checklist    []Check      `json:"checklist,omitempty"`
	Links        []Link       `json:"links,omitempty"`
	Notes        int          `json:"notes,omitempty"`   // how many; the events hold the texts
	Pins         []Pin        `json:"pins,omitempty"`    // the latest five
	Updates      int          `json:"updates,omitempty"` // how many status updates were posted
	LatestUpdate Update       `json:"latest_update,omitzero"`
	Cause        string       `json:"cause,omitempty"` // an excerpt
}

// Ending is how the incident ended, and when it will resolve by itself.
type Ending struct {
	ResolvedAt time.Time `json:"resolved_at,omitzero"`
	Resolution string    `json:"resolution,omitempty"` // how it was resolved, an excerpt
	ByTimer    bool      `json:"by_timer,omitempty"`   // resolved by the timer, not by a person
	ClosedAt   time.Time `json:"closed_at,omitzero"`
	// The timer resolves the incident at ResolveAt, which is ResolveAfter the last
	// event that a person caused (G7: all alerts resolved means monitoring).
	ResolveAt    time.Time     `json:"resolve_at,omitzero"`
	ResolveAfter time.Duration `json:"resolve_after,omitempty"`
}

// MergeState names the incident that this one was merged into, and those that were
// merged into this one.
type MergeState struct {
	Into        string    `json:"into,omitempty"`
	From        []string  `json:"from,omitempty"`
	TargetEnded bool      `json:"target_ended,omitempty"` // the incident Into has ended
	HoldUntil   time.Time `json:"hold_until,omitzero"`    // with TargetEnded: until then its alert group reopens it
}

// Kind tells a real incident from a drill.
type Kind string

// The kinds of incident.
const (
	Real  Kind = "real"
	Drill Kind = "drill"
)

// Source is how an incident was noticed.
type Source string

// The sources.
const (
	SourceAlert     Source = "alert"     // an alert opened it
	SourcePerson    Source = "person"    // a person noticed it
	SourceProactive Source = "proactive" // a person noticed it before users were affected
)

// Visibility is who may see an incident.
type Visibility string

// The visibilities.
const (
	Public  Visibility = "public"
	Private Visibility = "private" // only members see it (P2: private means members only)
)

// Reporter is who reported the incident.
type Reporter struct {
	Person     string `json:"person,omitempty"` // ID of a person in the configuration; "" for a guest
	Handle     string `json:"handle,omitempty"` // of a guest: platform and account, "PLATFORM:ACCOUNT"
	Name       string `json:"name,omitempty"`
	Contact    string `json:"contact,omitempty"` // how to reach the reporter
	Department string `json:"department,omitempty"`
}

// Alerts counts the alerts of an incident and keeps the latest samples.
type Alerts struct {
	Group      string      `json:"group,omitempty"`      // the alert group whose alerts come to this incident
	Firing     int         `json:"firing,omitempty"`     // alerts that fire now
	Resolved   int         `json:"resolved,omitempty"`   // alerts that have resolved
	Total      int         `json:"total,omitempty"`      // distinct alerts ever
	Truncated  int         `json:"truncated,omitempty"`  // alerts that the sender left out of a batch (I7: a truncated batch is flagged)
	Worst      Severity    `json:"worst,omitempty"`      // of all alerts so far
	Unmapped   []string    `json:"unmapped,omitempty"`   // severity words without a mapping; they page as high urgency
	Samples    []Alert     `json:"samples,omitempty"`    // the latest 20, oldest first
	QuietUntil time.Time   `json:"quiet_until,omitzero"` // until when alerts that still fire after the end change nothing (I6: firing again reopens or links)
	Notice     AlertNotice `json:"notice,omitzero"`
	Held       []HeldAlert `json:"held,omitempty"` // firing notices that are judged again at JudgeAt
	JudgeAt    time.Time   `json:"judge_at,omitzero"`
}

// Alert is one alert of the incident, as it is shown to people.
type Alert struct {
	Key         string    `json:"key"` // dedup key within the integration
	Integration string    `json:"integration,omitempty"`
	Title       string    `json:"title,omitempty"`
	Severity    Severity  `json:"severity,omitempty"`
	Word        string    `json:"word,omitempty"` // the sender's severity word, if it has no mapping
	Resolved    bool      `json:"resolved,omitempty"`
	At          time.Time `json:"at,omitzero"`
	Link        string    `json:"link,omitempty"` // to the source of the alert
}

// Mail is what one batch of alerts changed for an incident. Alert intake does not load
// incidents: it stores mail in the mailbox of the incident, and the next step counts it.
type Mail struct {
	Seq       int       `json:"-"` // position in the mailbox
	At        time.Time `json:"at"`
	Started   int       `json:"started,omitempty"`   // alerts that are new to the incident
	Refired   int       `json:"refired,omitempty"`   // resolved alerts that fire again
	Ended     int       `json:"ended,omitempty"`     // alerts that have resolved
	Raised    int       `json:"raised,omitempty"`    // alerts that fire on and are worse than before
	Changed   int       `json:"changed,omitempty"`   // alerts that fire on and read differently
	WasHeld   int       `json:"was_held,omitempty"`  // of those that started or fire again: were held before
	Worst     Severity  `json:"worst,omitempty"`     // of those that started, fire again or are worse than before
	Truncated int       `json:"truncated,omitempty"` // alerts that the sender left out
	Unmapped  []string  `json:"unmapped,omitempty"`  // severity words without a mapping
	Samples   []Alert   `json:"samples,omitempty"`   // the first 20

	Held []HeldAlert `json:"held,omitempty"` // alerts whose firing notice is held

	Ahead time.Duration `json:"-"` // how far it goes ahead of other mail; the store only reads it
}

// HeldAlert is an alert whose firing notice came shortly after its resolve and may be
// late. It is judged again (I5c: an old start is judged again after a minute).
type HeldAlert struct {
	Integration string    `json:"integration"`
	Key         string    `json:"key"`
	Group       string    `json:"group"` // the alert group
	Title       string    `json:"title,omitempty"`
	Since       time.Time `json:"since"`
}

// ActionItem is a person's to-do: during the incident, or after it (FollowUp).
type ActionItem struct {
	N        int    `json:"number"` // its number in the incident, counted from 1
	Text     string `json:"text"`
	FollowUp bool   `json:"follow_up,omitempty"`
	Assignee string `json:"assignee,omitempty"` // person ID, or ""
	Done     bool   `json:"done,omitempty"`
}

// Check is one line of the verification checklist.
type Check struct {
	Text  string     `json:"text"`
	State CheckState `json:"state,omitempty"` // "" until it is verified
	By    string     `json:"by,omitempty"`    // name of the person who verified it
}

// CheckState is the outcome of a check.
type CheckState string

// The outcomes of a check.
const (
	CheckPassed CheckState = "passed"
	CheckFailed CheckState = "failed"
)

// Link points to a web address (URL) or to another incident (its ID).
type Link struct {
	URL      string `json:"url,omitempty"`
	Incident string `json:"incident,omitempty"`
	Title    string `json:"title,omitempty"`
}

// Pin is a note that is shown on the card.
type Pin struct {
	Key  string    `json:"key,omitempty"` // of the chat message that it was copied from
	At   time.Time `json:"at"`
	By   string    `json:"by,omitempty"` // name
	Text string    `json:"text"`         // an excerpt
}

// Update is a status update.
type Update struct {
	At       time.Time `json:"at,omitzero"`
	By       string    `json:"by,omitempty"`       // name
	Audience string    `json:"audience,omitempty"` // "" is everyone
	Text     string    `json:"text,omitempty"`     // an excerpt
}

// AlertNotice limits how often the acknowledger is notified of new alerts: at once,
// then at most every two minutes (G3: an acknowledgement swallows nothing).
type AlertNotice struct {
	LastAt  time.Time `json:"last_at,omitzero"`  // when the last notice was sent
	Pending int       `json:"pending,omitempty"` // new alerts since
	DueAt   time.Time `json:"due_at,omitzero"`   // when the next notice is sent; zero: none is waiting
}

// Commander is the role of the person who leads the work on an incident.
const Commander = "commander"

// IsAcknowledged reports whether a person has taken the incident on.
func (i Incident) IsAcknowledged() bool { return i.Acknowledgement.Person != "" }

// IsOpen reports whether the incident still needs work: it is declared and not
// resolved, closed, canceled or merged.
func (i Incident) IsOpen() bool { return i.Status.IsOpen() }

// IsUnattended reports whether everyone was paged and no one has acknowledged
// (E7: never silent until a person answers), or no one could be reached at all.
func (i Incident) IsUnattended() bool {
	return i.IsOpen() && !i.IsAcknowledged() && (i.Paging.State == Exhausted || i.Paging.Unreachable)
}

// IsPaging reports whether the incident is paging people until one acknowledges.
func (i *Incident) IsPaging() bool {
	return i.IsOpen() && !i.IsAcknowledged() && isPaging(i.Paging.State)
}

// IsMember reports whether a person may see the incident when it is private: the
// reporter, the acknowledger, holders of roles, invited and paged people (P2: private
// means members only). Person is an ID.
func (i Incident) IsMember(person string) bool {
	if person == "" {
		return false
	}
	if i.Reporter.Person == person || i.Acknowledgement.Person == person || slices.Contains(i.Invited, person) {
		return true
	}
	for _, holder := range i.Roles {
		if holder == person {
			return true
		}
	}
	return slices.ContainsFunc(i.Paging.Pages, func(p PageState) bool { return p.To == person })
}

// clone copies everything that apply may change in place.
func (i Incident) clone() Incident {
	i.Symptoms = slices.Clone(i.Symptoms)
	i.Services = slices.Clone(i.Services)
	i.Invited = slices.Clone(i.Invited)
	i.Roles = maps.Clone(i.Roles)
	i.Alerts.Unmapped = slices.Clone(i.Alerts.Unmapped)
	i.Alerts.Samples = slices.Clone(i.Alerts.Samples)
	i.Rooms = cloneRooms(i.Rooms)
	i.Paperwork.ActionItems = slices.Clone(i.Paperwork.ActionItems)
	i.Paperwork.Checklist = slices.Clone(i.Paperwork.Checklist)
	i.Paperwork.Links = slices.Clone(i.Paperwork.Links)
	i.Paperwork.Pins = slices.Clone(i.Paperwork.Pins)
	i.Merge.From = slices.Clone(i.Merge.From)
	i.Paging.Pages = slices.Clone(i.Paging.Pages)
	i.Paging.Chain = slices.Clone(i.Paging.Chain)
	return i
}
