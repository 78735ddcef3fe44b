package workflow

import (
	"slices"
	"time"
)

// Known is what a step must know beside the incident itself, as of the time of the
// input. The caller of [Step] fills in Plan, Platforms and Rooms, and answers what
// [Asks] lists in the other fields.
type Known struct {
	Plan      Plan                     // the plan that was copied into the incident; for Declare, the one that applies now
	Next      Plan                     // for ApplyPolicy: the plan that the configuration gives the incident now
	Answers   map[Target]Answer        // who is behind each target now (E8: targets are read live and policies are copied)
	Cursors   map[string]int           // whose turn it is, by key of the round-robin step
	Others    map[string]OtherIncident // other incidents, by ID; one that does not exist is missing
	Firing    bool                     // an alert of the incidents in Questions.Firing fires
	Platforms []Platform               // the chat platforms that are connected
	Rooms     []Room                   // rooms of the incident that exist without being opened, such as the browser's
}

// Answer is who is behind a target now. If no one is, Recipients is empty and Why
// gives the reason, in words for the room.
type Answer struct {
	Recipients []Recipient
	Why        string
}

// Recipient is a person, or a service such as a webhook, that can be paged.
type Recipient struct {
	ID   string // "ana", "webhook:noc", "room:PLATFORM:#ops" or "log"
	Name string
	High []Method // for high urgency, in order
	Low  []Method // for low urgency, in order
}

// Method is one way to reach a recipient, such as e-mail. The address is not part of
// it: it is looked up when the page is sent.
type Method struct {
	Key   string        // the pager, and which of several addresses: "email", "sms#2"; unique for the recipient
	After time.Duration // delay after the page starts
}

// OtherIncident is what a step may know of another incident.
type OtherIncident struct {
	Status      Status
	Private     bool
	MergedCount int // how many incidents were merged into it
}

// Questions lists what a step must know before it can be taken; [Known] holds the
// answers.
type Questions struct {
	Targets []Target // for Known.Answers
	Cursors []string // for Known.Cursors
	Others  []string // IDs, for Known.Others
	Firing  []string // IDs of the incident and of those merged into it, for Known.Firing
}

// Asks returns what the step of an input must know beside the plan, which in.Known
// holds already.
func Asks(i Incident, in Input) Questions {
	var q Questions
	if len(in.Mail) > 0 || canEscalate(in.Command) {
		q.Targets = in.Known.Plan.Targets()
		q.Cursors = in.Known.Plan.cursors()
	}
	if _, ok := in.Command.(ApplyPolicy); ok {
		q.Targets, q.Cursors = append(q.Targets, in.Known.Next.Targets()...), append(q.Cursors, in.Known.Next.cursors()...)
	}
	if i.Acknowledgement.Person != "" {
		q.Targets = append(q.Targets, personTarget(i.Acknowledgement.Person))
	}
	if commander := i.Roles[Commander]; commander != "" && commander != i.Acknowledgement.Person {
		q.Targets = append(q.Targets, personTarget(commander))
	}
	if _, ok := in.Command.(Wake); ok {
		for _, person := range i.responders() {
			q.Targets = append(q.Targets, personTarget(person))
		}
	}
	if c, ok := in.Command.(Page); ok {
		q.Targets = append(q.Targets, c.Targets...)
	}
	if _, ok := in.Command.(RoomReady); ok {
		q.Targets = append(q.Targets, in.Known.Plan.Severity(i.Severity).Invite...)
	}
	if c, ok := in.Command.(Merge); ok {
		q.Others = append(q.Others, c.Into)
	}
	if c, ok := in.Command.(AddLink); ok && c.Incident != "" {
		q.Others = append(q.Others, c.Incident)
	}
	q.Firing = asksFiring(i, in)
	return q
}

// asksFiring returns the incidents whose alerts count for this one, when the input
// says that alerts ended. The count of the incident is a sum of differences, and those
// that a merged incident passes on may be of alerts that are counted elsewhere by now:
// whether one fires is asked, not concluded from it.
func asksFiring(i Incident, in Input) []string {
	ids := append([]string{i.ID}, i.Merge.From...)
	c, ok := in.Command.(Absorb)
	if ok && !slices.Contains(ids, c.From) {
		ids = append(ids, c.From)
	}
	if c.Mail.Ended == 0 && !slices.ContainsFunc(in.Mail, func(m Mail) bool { return m.Ended > 0 }) {
		return nil
	}
	return ids
}

// personTarget returns the target for a person.
func personTarget(id string) Target { return Target("person:" + id) }

// canEscalate reports whether a command could fire an escalation step or page people.
// Only then is it worth finding out who is on call: the results of effects are the
// most frequent inputs, and most of them page no one.
func canEscalate(c Command) bool {
	switch c.(type) {
	case nil, Delivered, AddNote, RemoveNote, GiveUp:
		return false
	case RoomReady, RoomRefused, RoomClosed, RoomStepEnded, RoomCardReplaced, RetryRooms:
		return false
	case AddActionItem, CompleteActionItem, SetCause, Verify, AddLink, Invite, Assign, SetDetails:
		return false
	case Acknowledge, Unacknowledge, Page, Escalate, Undeliverable, PostUpdate, SetVisibility, LifecycleCommand:
		return true
	}
	return true
}
