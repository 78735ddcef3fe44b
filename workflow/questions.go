package workflow

import "time"

// Known is what a step is told of the world, at the input's instant.
type Known struct {
	Plan      Plan                     // the plan copied into the incident; when declaring, the one that applies
	Answers   map[Target]Answer        // who answers for each target, live (rule E8)
	Cursors   map[string]int           // whose turn it is, by round-robin step (rule E9)
	Others    map[string]OtherIncident // the other incidents that the command names
	Platforms []Platform               // chat platforms that are connected
	Rooms     []Room                   // those of its rooms that are there without being opened
}

// Answer is who stands behind a target now. Nobody is an answer too: Recipients
// is then empty and Why says why, in words for the room.
type Answer struct {
	Recipients []Recipient
	Why        string
}

// Recipient is somebody or something that can be paged.
type Recipient struct {
	ID   string // "ana", "webhook:noc", "room:slack:#ops", "log"
	Name string
	High []Method // in order, for high urgency
	Low  []Method // in order, for low urgency
}

// Method is one way to reach a recipient. Key is unique for the recipient and
// names the pager and, when there are several of one kind, which: "email",
// "sms#2". The address itself stays with the roster and is read when sending.
type Method struct {
	Key   string
	After time.Duration
}

// Other is what a step may know of another incident.
type OtherIncident struct {
	Status      Status
	Title       string
	Private     bool
	MergedCount int // incidents merged into it
}

// Questions is what a step must be told before it can be taken.
type Questions struct {
	Targets []Target
	Cursors []string
	Others  []string
}

// Asks lists what the step must know of the world beside the plan, which is
// already in in.Known. It is pure: the same incident and input ask the same.
func Asks(i Incident, in Input) Questions {
	var q Questions
	if len(in.Mail) > 0 || mayEscalate(in.Command) {
		q.Targets = in.Known.Plan.Targets()
		q.Cursors = in.Known.Plan.cursors()
	}
	if i.Acknowledgement.Person != "" {
		q.Targets = append(q.Targets, personTarget(i.Acknowledgement.Person))
	}
	if c := i.Roles[Commander]; c != "" && c != i.Acknowledgement.Person {
		q.Targets = append(q.Targets, personTarget(c))
	}
	if c, is := in.Command.(Page); is {
		q.Targets = append(q.Targets, c.Targets...)
	}
	if _, is := in.Command.(RoomReady); is {
		q.Targets = append(q.Targets, in.Known.Plan.Severity(i.Severity).Invite...)
	}
	if c, is := in.Command.(Merge); is {
		q.Others = append(q.Others, c.Into)
	}
	if c, is := in.Command.(AddLink); is && c.Incident != "" {
		q.Others = append(q.Others, c.Incident)
	}
	return q
}

func personTarget(id string) Target { return Target("person:" + id) }

// mayEscalate reports whether a command could fire an escalation step or page
// people. Asking who is on call costs time, and the answers to effects are
// frequent.
func mayEscalate(c Command) bool {
	switch c.(type) {
	case nil, Delivered, AddNote, RemoveNote, GiveUp:
		return false
	case RoomReady, RoomRefused, RoomClosed, RoomStepEnded, RetryRooms:
		return false
	case AddActionItem, CompleteActionItem, SetCause, Verify, AddLink, Invite, Assign, SetDetails:
		return false
	case Acknowledge, Unacknowledge, Page, Escalate, Undeliverable, PostUpdate, SetVisibility, LifecycleCommand:
		return true
	}
	return true
}
