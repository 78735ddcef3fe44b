package workflow

import (
	"maps"
	"slices"
	"time"
)

// Incident is everything true of one incident. It is a value folded from
// events; its encoded form is bounded to 64 KiB, whatever happens to it.
type Incident struct {
	ID     string `json:"id"` // "INC-7"
	Number int    `json:"number"`
	Seq    int    `json:"seq"` // the last event; buttons carry the Seq they were drawn from

	Kind        Kind              `json:"kind,omitempty"`
	Title       string            `json:"title,omitempty"`
	Description string            `json:"description,omitempty"` // an excerpt; the event holds the whole
	Symptoms    []string          `json:"symptoms,omitempty"`
	Source      Source            `json:"source,omitempty"`
	Reporter    Reporter          `json:"reporter,omitzero"`
	Category    string            `json:"category,omitempty"`
	Services    []string          `json:"services,omitempty"`
	Visibility  Visibility        `json:"visibility,omitempty"`
	Invited     []string          `json:"invited,omitempty"`
	Roles       map[string]string `json:"roles,omitempty"` // role → person

	Impact        Level    `json:"impact,omitempty"`
	Urgency       Level    `json:"urgency,omitempty"`
	Severity      Severity `json:"severity,omitempty"`
	SeverityBasis Basis    `json:"severity_basis,omitempty"`
	SeverityBy    Actor    `json:"severity_by,omitzero"`
	Meaning       string   `json:"meaning,omitempty"` // the severity's published name and definition

	Status         Status    `json:"status,omitempty"`
	PreviousStatus Status    `json:"previous_status,omitempty"` // the status that monitoring took over from
	DetectedAt     time.Time `json:"detected_at,omitzero"`
	DeclaredAt     time.Time `json:"declared_at,omitzero"`
	LastActivityAt time.Time `json:"last_activity_at,omitzero"` // the last time a person did something
	PlanHash       string    `json:"plan,omitempty"`

	Acknowledgement Acknowledgement `json:"acknowledgement,omitzero"`
	Alerts          Alerts          `json:"alerts,omitzero"`
	Paging          Escalation      `json:"paging,omitzero"`
	Promises        Promises        `json:"promises,omitzero"`
	Rooms           []Room          `json:"rooms,omitempty"`
	Paperwork       Paperwork       `json:"paperwork,omitzero"`
	Ending          Ending          `json:"ending,omitzero"`
	Merge           MergeState      `json:"merge,omitzero"`
}

// Acknowledgement is who has taken the incident on. Person is "" while nobody
// has.
type Acknowledgement struct {
	At     time.Time `json:"at,omitzero"`
	Person string    `json:"person,omitempty"`
	Name   string    `json:"name,omitempty"`
}

// Promises are the instants by which people were promised to hear something.
// Zero means that nothing is promised.
type Promises struct {
	AcknowledgeBy time.Time `json:"acknowledge_by,omitzero"`
	UpdateBy      time.Time `json:"update_by,omitzero"`
	MissedUpdate  time.Time `json:"missed_update,omitzero"` // when the first update was due that nobody has posted since
}

// Paperwork is what people write down: what is to be done and known before the
// incident is closed.
type Paperwork struct {
	ActionItems  []ActionItem `json:"action_items,omitempty"`
	Checklist    []Check      `json:"checklist,omitempty"`
	Links        []Link       `json:"links,omitempty"`
	Notes        int          `json:"notes,omitempty"` // how many; the events hold them
	Pins         []Pin        `json:"pins,omitempty"`  // the latest five
	Updates      int          `json:"updates,omitempty"`
	LatestUpdate Update       `json:"latest_update,omitzero"`
	Cause        string       `json:"cause,omitempty"`
}

// Ending is how the incident ended, or will end by itself.
type Ending struct {
	ResolvedAt time.Time `json:"resolved_at,omitzero"`
	Resolution string    `json:"resolution,omitempty"`
	ByTimer    bool      `json:"by_timer,omitempty"` // resolved by the timer (rule G7), not by a person
	ClosedAt   time.Time `json:"closed_at,omitzero"`
	// The timer resolves the incident at ResolveAt, which is ResolveAfter the last
	// time a person did something (rule G7).
	ResolveAt    time.Time     `json:"resolve_at,omitzero"`
	ResolveAfter time.Duration `json:"resolve_after,omitempty"`
}

// MergeState ties an incident to those that were merged into it, and to the one
// that it was merged into.
type MergeState struct {
	Into        string    `json:"into,omitempty"`
	From        []string  `json:"from,omitempty"`
	TargetEnded bool      `json:"target_ended,omitempty"` // the incident it was merged into has ended,
	HoldUntil   time.Time `json:"hold_until,omitzero"`    // and its alert group comes back until then
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
	SourceAlert     Source = "alert"
	SourcePerson    Source = "person"
	SourceProactive Source = "proactive" // found before anybody was hurt
)

// Visibility is who may see an incident.
type Visibility string

// The visibilities.
const (
	Public  Visibility = "public"
	Private Visibility = "private" // members only (rule P2)
)

// Reporter is who reported the incident.
type Reporter struct {
	Person     string `json:"person,omitempty"` // configured person, if known
	Handle     string `json:"handle,omitempty"` // of a guest: where they write from, such as "slack:U024BE7LH"
	Name       string `json:"name,omitempty"`
	Contact    string `json:"contact,omitempty"`
	Department string `json:"department,omitempty"`
}

// Alerts counts the alerts of an incident and keeps the latest samples.
type Alerts struct {
	Group      string      `json:"group,omitempty"` // the alert group it answers for
	Firing     int         `json:"firing,omitempty"`
	Resolved   int         `json:"resolved,omitempty"`
	Total      int         `json:"total,omitempty"`     // distinct alerts ever
	Truncated  int         `json:"truncated,omitempty"` // that senders said they left out (rule I7)
	Worst      Severity    `json:"worst,omitempty"`
	Unmapped   []string    `json:"unmapped,omitempty"`   // severity words nobody mapped; they page as high urgency
	Samples    []Alert     `json:"samples,omitempty"`    // the latest 20, oldest first
	QuietUntil time.Time   `json:"quiet_until,omitzero"` // alerts left firing at the resolve stay quiet until (rule I6)
	Notice     AlertNotice `json:"notice,omitzero"`
}

// Alert is one alert as an incident remembers it.
type Alert struct {
	Key         string    `json:"key"` // dedup key within the integration
	Integration string    `json:"integration,omitempty"`
	Title       string    `json:"title,omitempty"`
	Severity    Severity  `json:"severity,omitempty"`
	Word        string    `json:"word,omitempty"` // the sender's word, when it is not mapped
	Resolved    bool      `json:"resolved,omitempty"`
	At          time.Time `json:"at,omitzero"`
	Link        string    `json:"link,omitempty"`
}

// Mail is what the intake put into an incident's mailbox: the difference that
// a batch of alerts made.
type Mail struct {
	Seq       int       `json:"-"`
	At        time.Time `json:"at"`
	Started   int       `json:"started,omitempty"` // distinct alerts new to the incident
	Again     int       `json:"again,omitempty"`   // known alerts that fire again
	Ended     int       `json:"ended,omitempty"`   // alerts that resolved
	Worst     Severity  `json:"worst,omitempty"`   // of those that started or fire again
	Truncated int       `json:"truncated,omitempty"`
	Unmapped  []string  `json:"unmapped,omitempty"`
	Samples   []Alert   `json:"samples,omitempty"` // the first 20
}

// ActionItem is something to be done; a follow-up outlives the incident.
type ActionItem struct {
	N        int    `json:"n"`
	Text     string `json:"text"`
	FollowUp bool   `json:"follow_up,omitempty"`
	Assignee string `json:"assignee,omitempty"`
	Done     bool   `json:"done,omitempty"`
}

// Check is one line of the verification checklist.
type Check struct {
	Text  string     `json:"text"`
	State CheckState `json:"state,omitempty"` // "" until somebody looked
	By    string     `json:"by,omitempty"`
}

// CheckState is the outcome of a check.
type CheckState string

// The outcomes of a check.
const (
	CheckPassed CheckState = "passed"
	CheckFailed CheckState = "failed"
)

// Link is an address or another incident.
type Link struct {
	URL      string `json:"url,omitempty"`
	Incident string `json:"incident,omitempty"`
	Title    string `json:"title,omitempty"`
}

// Pin is a note that is kept in view.
type Pin struct {
	Key  string    `json:"key,omitempty"` // of the message it was copied from
	At   time.Time `json:"at"`
	By   string    `json:"by,omitempty"`
	Text string    `json:"text"` // an excerpt; the event holds the whole
}

// Update is what was last told to an audience.
type Update struct {
	At       time.Time `json:"at,omitzero"`
	By       string    `json:"by,omitempty"`
	Audience string    `json:"audience,omitempty"`
	Text     string    `json:"text,omitempty"` // an excerpt; the event holds the whole
}

// AlertNotice collects what the acknowledger is told about new alerts, so that a
// flood of them is one message every [tellEvery] (rule G3).
type AlertNotice struct {
	LastAt  time.Time `json:"last_at,omitzero"`
	Pending int       `json:"pending,omitempty"` // new alerts not told yet
	DueAt   time.Time `json:"due_at,omitzero"`
}

// Commander is the role that [Take lead] takes.
const Commander = "commander"

// Acknowledged reports whether somebody has answered.
func (i Incident) IsAcknowledged() bool { return i.Acknowledgement.Person != "" }

// Open reports whether the incident still needs work: it is declared and not
// resolved, closed, canceled or merged.
func (i Incident) IsOpen() bool { return i.Status.IsOpen() }

// Unattended reports whether everybody was asked and nobody answered (E7), or
// nobody could be reached at all.
func (i Incident) IsUnattended() bool {
	return i.IsOpen() && !i.IsAcknowledged() && (i.Paging.State == Exhausted || i.Paging.Unreachable)
}

// IsPaging reports whether the incident pages people until one acknowledges.
func (i *Incident) IsPaging() bool {
	return i.IsOpen() && !i.IsAcknowledged() && isPaging(i.Paging.State)
}

// IsMember reports whether a person may see the incident when it is private:
// reporter, roles, invited and paged people.
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

// clone copies everything that evolve may change in place.
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

// WakeAt is the earliest deadline; zero means that nothing is due.
func (i Incident) WakeAt() time.Time {
	var first time.Time
	for _, d := range i.Deadlines() {
		if first.IsZero() || d.At.Before(first) {
			first = d.At
		}
	}
	return first
}

// Deadline is something that will happen by itself, and when.
type Deadline struct {
	At   time.Time
	Kind DeadlineKind
	Page *PageState // for DuePage: what will be sent
}

// DeadlineKind names what falls due.
type DeadlineKind string

// What can fall due.
const (
	DueStep    DeadlineKind = "escalate"    // the next escalation step fires
	DueRestart DeadlineKind = "restart"     // escalation starts again: nobody was reached (E4)
	DueRemind  DeadlineKind = "remind"      // the catch-all is reminded (E7)
	DuePage    DeadlineKind = "page"        // a person's next method
	DueAck     DeadlineKind = "acknowledge" // the acknowledgement is overdue
	DueUpdate  DeadlineKind = "update"      // the promised update is overdue
	DueNotice  DeadlineKind = "notice"      // the acknowledger hears of more alerts
	DueResolve DeadlineKind = "resolve"     // resolves by itself (G7)
	DueQuiet   DeadlineKind = "quiet"       // alerts left firing are looked at again (I6)
	DueArchive DeadlineKind = "archive"     // a room is put away
)

// Deadlines lists everything that will happen by itself, in no order.
func (i Incident) Deadlines() []Deadline {
	var all []Deadline
	add := func(at time.Time, what DeadlineKind) {
		if !at.IsZero() {
			all = append(all, Deadline{At: at, Kind: what})
		}
	}
	next := DueStep
	switch {
	case i.Paging.State == Exhausted:
		next = DueRemind
	case i.Paging.RestartPending:
		next = DueRestart
	}
	add(i.Paging.NextAt, next)
	add(i.Promises.AcknowledgeBy, DueAck)
	add(i.Promises.UpdateBy, DueUpdate)
	add(i.Alerts.Notice.DueAt, DueNotice)
	add(i.Ending.ResolveAt, DueResolve)
	add(i.Alerts.QuietUntil, DueQuiet)
	for _, r := range i.Rooms {
		add(r.ArchiveAt, DueArchive)
	}
	for n := range i.Paging.Pages {
		if p := i.Paging.Pages[n]; p.State == DeliveryPlanned {
			all = append(all, Deadline{At: p.Due, Kind: DuePage, Page: &p})
		}
	}
	return all
}

// IsStuck reports an open incident that nobody has acknowledged and for which
// nothing would ever happen: it must not exist (rule E13).
func (i Incident) IsStuck() bool {
	return i.IsOpen() && !i.IsAcknowledged() && i.WakeAt().IsZero()
}
