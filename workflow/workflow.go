// Package workflow is the life of one incident, as pure functions.
//
// [Step] is the only door. An input makes facts true (decide), facts fold into
// the incident (evolve), and each fact says what the world must be told
// (react). Nothing here reads a clock, sleeps, logs or talks to anybody: time
// arrives with the input, and effects leave as values.
//
// A deadline is a field of [Incident]; [Incident.WakeAt] is the earliest one.
// There is nothing to start, cancel or leak: whoever holds an incident wakes
// it at that instant with a [Wake] command, and waking early or twice changes
// nothing.
package workflow

import (
	"slices"
	"time"
)

// Input is one thing that happens to an incident.
type Input struct {
	ID      string    // stable name of the delivery; the same ID twice is one input
	At      time.Time // when it happened, UTC
	By      Actor     // who caused it
	Command Command   // what is wanted; nil when only Mail is to be read
	Mail    []Mail    // unread alert mail, oldest first; read before Command
	Known   Known     // what the step must know of the world, see [Asks]
}

// Outcome is what one step changed. Events and Effects are empty when the
// input changed nothing.
type Outcome struct {
	Incident Incident
	Events   []Event
	Effects  []Effect
}

// Event is a fact with its place in the incident's history. Seq starts at 1
// and has no gaps.
type Event struct {
	Seq  int
	At   time.Time
	By   Actor
	Fact Fact
}

// Actor is whoever caused an input.
type Actor struct {
	Kind  ActorKind `json:"kind"`
	ID    string    `json:"id,omitempty"`    // person, integration or token
	Name  string    `json:"name,omitempty"`  // as shown to people
	Token string    `json:"token,omitempty"` // the named API token the person used, if any
}

// ActorKind tells people from machines.
type ActorKind string

// The kinds of actor.
const (
	ByPerson ActorKind = "person" // a configured person
	ByGuest  ActorKind = "guest"  // a person nobody configured
	ByAlert  ActorKind = "alert"  // an integration
	BySystem ActorKind = "system" // Tocsin itself: deadlines, deliveries
)

// Human reports whether a person, known or not, caused the input.
func (a Actor) IsHuman() bool { return a.Kind == ByPerson || a.Kind == ByGuest }

// Refusal is a polite no. It is shown to whoever asked and changes nothing.
type Refusal struct {
	Message string // what was wrong, in one sentence
	Hint    string // what to do next; may be empty
}

// Error returns the message and the hint as one line.
func (r *Refusal) Error() string {
	if r.Hint == "" {
		return r.Message
	}
	return r.Message + " " + r.Hint
}

// Step takes an incident through one input. It never panics and never changes
// its arguments. The error is always a [*Refusal]; the outcome is then still
// valid, and holds what unread mail made true before the command was refused.
func Step(i Incident, in Input) (Outcome, error) {
	in.By.ID, in.By.Name = label(in.By.ID, 80), shortName(in.By.Name)
	t := &transition{now: i.clone(), in: in}
	t.drainMailbox()
	var err error
	if t.in.Command != nil {
		err = t.decide(t.in.Command)
	}
	t.requestRooms()
	return Outcome{Incident: t.now, Events: t.events, Effects: mergePosts(t.effects)}, err
}

// together makes one message of all that a step has to say in a place, and one
// invitation of all: people read it at once, and platforms limit how often
// anybody may speak.
func mergePosts(effects []Effect) []Effect {
	first := map[Lane]int{} // lane → its post or invitation in kept
	kept := effects[:0]
	for _, e := range effects {
		at, has := first[e.Lane]
		if has {
			if both, ok := joinActions(kept[at].Action, e.Action); ok {
				kept[at].Action = both
				continue
			}
		}
		if _, opens := e.Action.(OpenRoom); opens { // what comes after it is said in another room
			delete(first, e.Lane)
		} else if !has {
			first[e.Lane] = len(kept)
		}
		kept = append(kept, e)
	}
	return kept
}

// joinDeeds makes one action of two posts, or of two invitations; ok is false for
// everything else.
func joinActions(a, b Action) (both Action, ok bool) {
	if one, is := a.(Post); is {
		two, same := b.(Post)
		if same {
			one.Through = two.Seq
		}
		return one, same
	}
	one, is := a.(InvitePeople)
	two, same := b.(InvitePeople)
	if !is || !same {
		return nil, false
	}
	one.People = slices.Clone(one.People)
	for _, p := range two.People {
		if !slices.Contains(one.People, p) {
			one.People = append(one.People, p)
		}
	}
	return one, true
}

// Replay folds a history into the incident it made. Replaying sends nothing.
func Replay(id string, number int, events []Event) Incident {
	i := Incident{ID: id, Number: number}
	for _, e := range events {
		i.apply(e)
	}
	return i
}

// turn is one step in the making. Facts are folded in as they are recorded, so
// later decisions of the same step see them.
type transition struct {
	now     Incident
	in      Input
	events  []Event
	effects []Effect
}

// record makes a fact true.
func (t *transition) record(f Fact) { t.recordBy(t.in.By, f) }

// conclude records a fact that follows from the rules, not from a person.
func (t *transition) recordBySystem(f Fact) { t.recordBy(Actor{Kind: BySystem}, f) }

func (t *transition) recordBy(by Actor, f Fact) {
	e := Event{Seq: t.now.Seq + 1, At: t.in.At, By: by, Fact: f}
	was := t.now.before()
	t.now.apply(e)
	t.events = append(t.events, e)
	for n, d := range react(&t.now, was, e) {
		t.effects = append(t.effects, Effect{
			ID:     effectID(t.now.ID, e.Seq, n),
			Lane:   LaneOf(d),
			Action: d,
		})
	}
}
