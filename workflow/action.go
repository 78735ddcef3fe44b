package workflow

import (
	"strconv"
	"time"
)

// Effect is something the world must be told. ID is "incident/seq.n", stable
// for ever, so that doing it twice can be recognized.
type Effect struct {
	ID     string
	Lane   Lane
	Action Action
}

// Lane is where an effect waits its turn: strictly in order within the lane,
// never behind another lane. The owner is the incident.
type Lane struct {
	Class       Class  `json:"class"`
	Destination string `json:"destination"` // one room, one page, or one incident
}

// Class orders the lanes: a lower class is claimed first (rule E10).
type Class int

// The classes, in the order they are claimed. Between them is room for SLA and
// mirroring.
const (
	ClassFirstPage Class = 10 // the first page of an incident
	ClassPage      Class = 20
	ClassWake      Class = 25 // deadlines and new mail
	ClassForward   Class = 30 // incident to incident
	ClassUpdate    Class = 50 // rooms and posts
	ClassCard      Class = 55
	ClassDroppable Class = 90
)

// Classes returns every class, in the order they are claimed.
func Classes() []Class {
	return []Class{ClassFirstPage, ClassPage, ClassWake, ClassForward, ClassUpdate, ClassCard, ClassDroppable}
}

// Action is what an effect does.
//
//sumtype:decl
type Action interface {
	// action is the stable name under which the action is stored.
	action() string
}

// SendPage pages one recipient through one method. The answer is [Delivered]
// or [Undeliverable].
type SendPage struct {
	Page    string  `json:"page"`
	Purpose Purpose `json:"purpose"`
	To      string  `json:"to"`
	Via     string  `json:"via"`
	First   bool    `json:"first,omitempty"`
	Text    string  `json:"text,omitempty"`   // for a notice
	Alerts  int     `json:"alerts,omitempty"` // for a notice: how many new alerts it tells of
}

// CancelPage tells a medium that can that a page needs no answer any more.
type CancelPage struct {
	Page string `json:"page"`
	To   string `json:"to"`
	Via  string `json:"via"`
	Why  string `json:"why"`
}

// OpenRoom makes the incident's room on a platform. The answer is [RoomReady]
// or [RoomRefused].
type OpenRoom struct {
	Platform string `json:"platform"`
}

// Post writes what one step made true into the room: the events from Seq to
// Through (0: Seq alone) that are [IsPosted] a line. At the announcement it writes
// those that are for everybody (see [IsAnnounced]).
type Post struct {
	Platform string `json:"platform"`
	Place    Place  `json:"place,omitempty"`
	Seq      int    `json:"seq"`
	Through  int    `json:"through,omitempty"`
}

// ShowCard brings the card in a place up to date. It is owed as a standing
// task, which a later one replaces, and makes no event.
type ShowCard struct {
	Platform string `json:"platform"`
	Place    Place  `json:"place,omitempty"`
}

// SetUpRoom gives a room what it lacks. The answer is [RoomStepEnded].
type SetUpRoom struct {
	Platform string `json:"platform"`
	Step     string `json:"step"`
}

// InvitePeople asks people into a room. The answer is [RoomStepEnded].
type InvitePeople struct {
	Platform string   `json:"platform"`
	People   []string `json:"people"`
}

// CloseRoom puts a room away. The answer is [RoomClosed].
type CloseRoom struct {
	Platform string `json:"platform"`
	ID       string `json:"id,omitempty"`
}

// Forward gives a command to another incident, under the effect's ID.
type Forward struct {
	Incident string             `json:"incident"`
	Absorb   Absorb             `json:"absorb,omitzero"`
	Target   *UpdateMergeTarget `json:"target,omitempty"` // instead of Absorb
}

// Command is what the other incident is told.
func (d Forward) Command() Command {
	if d.Target != nil {
		return *d.Target
	}
	return d.Absorb
}

// Reroute takes the alerts that still fire through the intake again (I6).
type Reroute struct {
	At time.Time `json:"at,omitzero"` // when they were given up: what began again since has been counted since
}

// UnknownAction is an action of a newer version: kept, and reported.
type UnknownAction struct {
	Kind    string
	Version int
	Body    []byte
}

func (SendPage) action() string        { return "send_page" }
func (CancelPage) action() string      { return "cancel_page" }
func (OpenRoom) action() string        { return "open_room" }
func (Post) action() string            { return "post" }
func (ShowCard) action() string        { return "show_card" }
func (SetUpRoom) action() string       { return "set_up_room" }
func (InvitePeople) action() string    { return "invite_people" }
func (CloseRoom) action() string       { return "close_room" }
func (Forward) action() string         { return "forward" }
func (Reroute) action() string         { return "reroute" }
func (d UnknownAction) action() string { return d.Kind }

func effectID(incident string, seq, n int) string {
	return incident + "/" + strconv.Itoa(seq) + "." + strconv.Itoa(n)
}

// LaneOf says where an action waits.
func LaneOf(d Action) Lane {
	switch d := d.(type) {
	case SendPage:
		class := ClassPage
		if d.First {
			class = ClassFirstPage
		}
		return Lane{class, "page:" + d.Page}
	case CancelPage:
		return Lane{ClassPage, "page:" + d.Page}
	case OpenRoom:
		return Lane{ClassUpdate, "room:" + d.Platform}
	case Post:
		return Lane{ClassUpdate, d.Place.lane() + ":" + d.Platform}
	case ShowCard:
		return Lane{ClassCard, d.Place.lane() + ":" + d.Platform}
	case InvitePeople:
		return Lane{ClassUpdate, "invite:" + d.Platform}
	case SetUpRoom:
		class := ClassDroppable
		if d.Step == StepTopic {
			class = ClassCard
		}
		return Lane{class, d.Step + ":" + d.Platform}
	case CloseRoom:
		return Lane{ClassDroppable, "close:" + d.Platform}
	case Forward:
		return Lane{ClassForward, "incident:" + d.Incident}
	case Reroute:
		return Lane{ClassForward, "intake"}
	case UnknownAction:
		return Lane{ClassDroppable, "unknown"}
	}
	return Lane{ClassDroppable, "unknown"}
}

// StillWanted reports whether an effect should still happen, and if not, why: the
// check before each send (rule E3).
func (i Incident) IsStillNeeded(d Action) (ok bool, why string) {
	page, is := d.(SendPage)
	if !is {
		return true, ""
	}
	p := i.Paging.page(page.Page)
	switch {
	case p == nil:
		return false, "an older page, forgotten since"
	case p.State == DeliveryCanceled:
		return false, p.Why
	case p.State == DeliveryAccepted:
		return false, "delivered already"
	case !p.State.IsPending():
		return false, "given up"
	}
	return true, ""
}
