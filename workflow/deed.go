package workflow

import (
	"strconv"
	"time"
)

// Effect is something the world must be told. ID is "incident/seq.n", stable
// for ever, so that doing it twice can be recognized.
type Effect struct {
	ID   string
	Lane Lane
	Do   Deed
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
	ClassTell      Class = 30 // incident to incident
	ClassUpdate    Class = 50 // rooms and posts
	ClassCard      Class = 55
	ClassDroppable Class = 90
)

// Classes returns every class, in the order they are claimed.
func Classes() []Class {
	return []Class{ClassFirstPage, ClassPage, ClassWake, ClassTell, ClassUpdate, ClassCard, ClassDroppable}
}

// Deed is what an effect does.
//
//sumtype:decl
type Deed interface {
	// deed is the stable name under which the deed is stored.
	deed() string
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

// TakeBack tells a medium that can that a page needs no answer any more.
type TakeBack struct {
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
// Through (0: Seq alone) that are [Worth] a line. At the announcement it writes
// those that are for everybody (see [Announced]).
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

// Furnish gives a room what it lacks. The answer is [Furnished].
type Furnish struct {
	Platform string `json:"platform"`
	Step     string `json:"step"`
}

// InviteAll asks people into a room. The answer is [Furnished].
type InviteAll struct {
	Platform string   `json:"platform"`
	People   []string `json:"people"`
}

// CloseRoom puts a room away. The answer is [RoomClosed].
type CloseRoom struct {
	Platform string `json:"platform"`
	ID       string `json:"id,omitempty"`
}

// Tell gives a command to another incident, under the effect's ID.
type Tell struct {
	Incident string  `json:"incident"`
	Absorb   Absorb  `json:"absorb,omitzero"`
	Follow   *Follow `json:"follow,omitempty"` // instead of Absorb
}

// Command is what the other incident is told.
func (d Tell) Command() Command {
	if d.Follow != nil {
		return *d.Follow
	}
	return d.Absorb
}

// Reroute takes the alerts that still fire through the intake again (I6).
type Reroute struct {
	At time.Time `json:"at,omitzero"` // when they were given up: what began again since has been counted since
}

// UnknownDeed is a deed of a newer version: kept, and reported.
type UnknownDeed struct {
	Kind    string
	Version int
	Body    []byte
}

func (SendPage) deed() string      { return "send_page" }
func (TakeBack) deed() string      { return "take_back" }
func (OpenRoom) deed() string      { return "open_room" }
func (Post) deed() string          { return "post" }
func (ShowCard) deed() string      { return "show_card" }
func (Furnish) deed() string       { return "furnish" }
func (InviteAll) deed() string     { return "invite" }
func (CloseRoom) deed() string     { return "close_room" }
func (Tell) deed() string          { return "tell" }
func (Reroute) deed() string       { return "reroute" }
func (d UnknownDeed) deed() string { return d.Kind }

func effectID(incident string, seq, n int) string {
	return incident + "/" + strconv.Itoa(seq) + "." + strconv.Itoa(n)
}

// LaneOf says where a deed waits.
func LaneOf(d Deed) Lane {
	switch d := d.(type) {
	case SendPage:
		class := ClassPage
		if d.First {
			class = ClassFirstPage
		}
		return Lane{class, "page:" + d.Page}
	case TakeBack:
		return Lane{ClassPage, "page:" + d.Page}
	case OpenRoom:
		return Lane{ClassUpdate, "room:" + d.Platform}
	case Post:
		return Lane{ClassUpdate, d.Place.lane() + ":" + d.Platform}
	case ShowCard:
		return Lane{ClassCard, d.Place.lane() + ":" + d.Platform}
	case InviteAll:
		return Lane{ClassUpdate, "invite:" + d.Platform}
	case Furnish:
		class := ClassDroppable
		if d.Step == StepTopic {
			class = ClassCard
		}
		return Lane{class, d.Step + ":" + d.Platform}
	case CloseRoom:
		return Lane{ClassDroppable, "close:" + d.Platform}
	case Tell:
		return Lane{ClassTell, "incident:" + d.Incident}
	case Reroute:
		return Lane{ClassTell, "intake"}
	case UnknownDeed:
		return Lane{ClassDroppable, "unknown"}
	}
	return Lane{ClassDroppable, "unknown"}
}

// Wanted reports whether an effect should still happen, and if not, why: the
// check before each send (rule E3).
func (i Incident) Wanted(d Deed) (ok bool, why string) {
	page, is := d.(SendPage)
	if !is {
		return true, ""
	}
	p := i.Paging.page(page.Page)
	switch {
	case p == nil:
		return false, "an older page, forgotten since"
	case p.State == Withdrawn:
		return false, p.Why
	case p.State == Arrived:
		return false, "delivered already"
	case !p.State.Live():
		return false, "given up"
	}
	return true, ""
}
