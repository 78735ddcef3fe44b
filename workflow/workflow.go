// Package workflow holds the rules for the life of one incident, as pure functions.
//
// Every change goes through [Step]. It takes the incident and an [Input], such as a
// command that a person typed, and returns an [Outcome]: the changed incident, the
// events to store and the effects to carry out. Inside, a step has three parts:
//
//   - decide turns the input into facts, or refuses it;
//   - apply folds each fact into the incident, which cannot fail;
//   - react derives from each fact what must be done outside, such as sending a page.
//
// The package reads no clock, starts no goroutine and does no I/O. The time arrives
// with the input, and so does what a step must know of other data: [Asks] lists it,
// and the caller answers in [Input.Known].
//
// There are no timers. A deadline is a field of [Incident], and [Incident.WakeAt] is
// the earliest one. The caller sends a [Wake] command at that time; sending it early
// or twice changes nothing.
//
// The scenario files testdata/*.txt show each rule step by step.
package workflow

import (
	"slices"
	"strings"
	"time"
)

// Input is one thing that happens to an incident: a command, new alert mail, or both.
type Input struct {
	ID      string    // identifies the delivery; a store takes each ID once
	At      time.Time // when it happens, in UTC
	By      Actor     // who caused it
	Command Command   // nil when only Mail is to be counted
	Mail    []Mail    // unread alert mail, oldest first; counted before the command is decided
	Known   Known     // what the step must know beside the incident, see Asks
}

// Outcome is the result of one step. Events and Effects are empty when the input
// changed nothing.
type Outcome struct {
	Incident Incident
	Events   []Event
	Effects  []Effect
}

// Event is a fact with its number in the history of the incident, its time and its
// actor. Seq starts at 1 and has no gaps.
type Event struct {
	Seq  int
	At   time.Time
	By   Actor
	Fact Fact
}

// Actor is the person, integration or part of Tocsin that caused an input
// (P3: every change names its actor).
type Actor struct {
	Kind  ActorKind `json:"kind"`
	ID    string    `json:"id,omitempty"`    // of the person, integration or API token
	Name  string    `json:"name,omitempty"`  // as shown to people
	Token string    `json:"token,omitempty"` // name of the API token that the person used, if any
}

// ActorKind tells people from machines.
type ActorKind string

// The kinds of actor.
const (
	ByPerson ActorKind = "person" // a person in the configuration
	ByGuest  ActorKind = "guest"  // a person who is not in the configuration
	ByAlert  ActorKind = "alert"  // an integration that sends alerts
	BySystem ActorKind = "system" // Tocsin itself: deadlines, results of effects
)

// guestPrefix begins the ID of a guest.
const guestPrefix = "guest:"

// GuestID returns the ID of the guest who has an account "PLATFORM:ACCOUNT".
func GuestID(account string) string { return guestPrefix + account }

// GuestAccount returns the account of the guest with an ID; ok is false when it is not
// the ID of a guest.
func GuestAccount(id string) (account string, ok bool) { return strings.CutPrefix(id, guestPrefix) }

// IsHuman reports whether a person caused the input, configured or not.
func (a Actor) IsHuman() bool { return a.Kind == ByPerson || a.Kind == ByGuest }

// Refusal is the error of a command that is not possible. It is written for the
// person who gave the command, and the command has changed nothing.
type Refusal struct {
	Message string // what is wrong, in one sentence
	Hint    string // what to do instead; may be empty
}

// Error returns the message and the hint on one line.
func (r *Refusal) Error() string {
	if r.Hint == "" {
		return r.Message
	}
	return r.Message + " " + r.Hint
}

// Step applies one input to an incident. It does not change its arguments. An error
// is always a [*Refusal] of the command. The outcome is valid all the same: it holds
// the mail that came with the command, which was counted before.
func Step(i Incident, in Input) (Outcome, error) {
	in.By.ID, in.By.Name = cleanLabel(in.By.ID, 80), cleanName(in.By.Name)
	t := &transition{incident: i.clone(), in: in}
	t.drainMailbox()
	var err error
	if t.in.Command != nil {
		err = t.decide(t.in.Command)
	}
	t.requestRooms()
	return Outcome{Incident: t.incident, Events: t.events, Effects: mergePosts(t.effects)}, err
}

// mergePosts merges the posts of a step into one message per place, and its
// invitations into one per room: chat platforms limit how often a bot may write.
func mergePosts(effects []Effect) []Effect {
	first := map[Lane]int{} // lane → index in kept of its first effect
	kept := effects[:0]
	for _, e := range effects {
		at, ok := first[e.Lane]
		if ok {
			if merged, canMerge := mergeActions(kept[at].Action, e.Action); canMerge {
				kept[at].Action = merged
				continue
			}
		}
		_, opensRoom := e.Action.(OpenRoom)
		switch {
		case opensRoom: // what follows is posted into another room
			delete(first, e.Lane)
		case !ok:
			first[e.Lane] = len(kept)
		}
		kept = append(kept, e)
	}
	return kept
}

// mergeActions merges two posts, or two invitations; ok is false for all other
// actions.
func mergeActions(a, b Action) (merged Action, ok bool) {
	if post, isPost := a.(Post); isPost {
		var next Post
		next, ok = b.(Post)
		post.Through = next.Seq
		return post, ok
	}
	invite, isInvite := a.(InvitePeople)
	next, ok := b.(InvitePeople)
	if !isInvite || !ok {
		return nil, false
	}
	invite.People = slices.Clone(invite.People)
	for _, p := range next.People {
		if !slices.Contains(invite.People, p) {
			invite.People = append(invite.People, p)
		}
	}
	return invite, true
}

// Replay returns the incident that a history of events leads to. It has no effects.
func Replay(id string, number int, events []Event) Incident {
	i := Incident{ID: id, Number: number}
	for _, e := range events {
		i.apply(e)
	}
	return i
}

// transition is a step in progress. Each fact is folded into the incident when it is
// recorded, so that later decisions of the same step see it.
type transition struct {
	incident Incident
	in       Input
	events   []Event
	effects  []Effect
	late     time.Duration // how long after its deadline the step acts, see lateness; 0 outside of carryOutDeadlines
}

// record records a fact that the actor of the input caused.
func (t *transition) record(f Fact) { t.recordBy(t.in.By, f) }

// recordBySystem records a fact that follows from the rules, not from the actor of
// the input.
func (t *transition) recordBySystem(f Fact) { t.recordBy(Actor{Kind: BySystem}, f) }

func (t *transition) recordBy(by Actor, f Fact) {
	e := Event{Seq: t.incident.Seq + 1, At: t.in.At, By: by, Fact: f}
	was := t.incident.beforeFact()
	t.incident.apply(e)
	t.events = append(t.events, e)
	for n, a := range react(&t.incident, was, e) {
		t.effects = append(t.effects, Effect{
			ID:     effectID(t.incident.ID, e.Seq, n),
			Lane:   LaneOf(a),
			Action: a,
		})
	}
}
