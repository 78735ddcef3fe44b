package workflow

import (
	"strconv"
	"strings"
	"time"
)

// Effect is one thing to do outside of the incident, such as sending a page. The
// caller of [Step] stores it as a task of the agenda.
type Effect struct {
	ID     string // "incident/seq.n", such as "INC-7/3.0"; it never changes, so that a repeat can be recognized
	Lane   Lane
	Action Action
}

// Lane is the queue of an incident that an effect waits in. Effects of one lane are
// carried out in order; lanes never wait for each other.
type Lane struct {
	Class       Class  `json:"class"`
	Destination string `json:"destination"` // such as "page:1.0.0.0/ana/sms", "room:PLATFORM" or "incident:INC-3"
}

// Class is the priority of a lane: workers claim a lower class first (E10: lanes by
// priority).
type Class int

// The classes, in the order in which they are claimed. The gaps leave room for SLA
// clocks and mirroring.
const (
	ClassFirstPage Class = 10 // pages of the first step of a run
	ClassPage      Class = 20 // all other pages
	ClassWake      Class = 25 // deadlines and new mail
	ClassForward   Class = 30 // commands to another incident
	ClassUpdate    Class = 50 // opening rooms, inviting people, posting
	ClassCard      Class = 55 // cards and room topics
	ClassDroppable Class = 90 // low priority: bookmarks, archiving
)

// Classes returns every class, in the order in which they are claimed.
func Classes() []Class {
	return []Class{ClassFirstPage, ClassPage, ClassWake, ClassForward, ClassUpdate, ClassCard, ClassDroppable}
}

// Action is what an effect does. The members are sorted into [PageAction],
// [RoomAction] and [IncidentAction]; [UnknownAction] stands alone.
//
//sumtype:decl
type Action interface {
	// action is the stable name under which the action is stored.
	action() string
}

// SendPage pages one recipient through one contact method. The result comes back as
// [Delivered] or [Undeliverable].
type SendPage struct {
	Page    string  `json:"page"` // ID of the page, see PageState
	Purpose Purpose `json:"purpose"`
	To      string  `json:"to"`               // ID of the recipient
	Via     string  `json:"via"`              // key of the contact method, such as "sms"
	First   bool    `json:"first,omitempty"`  // of the first step of a run: claimed before all others
	Text    string  `json:"text,omitempty"`   // what the page says beside the incident itself
	Alerts  int     `json:"alerts,omitempty"` // for a notice: how many new alerts it reports

	Severity Severity `json:"severity,omitempty"` // of the incident when the page was queued
	Urgent   bool     `json:"urgent,omitempty"`   // it waits for no bundle: another page failed before it, or a person asked for it

	LateBy time.Duration `json:"late_by,omitempty"` // how long after its deadline the page was queued, if that is worth saying
}

// CancelPage tells the recipient of a delivered page that it needs no answer any
// more, where the medium can do that.
type CancelPage struct {
	Page string `json:"page"`
	To   string `json:"to"`
	Via  string `json:"via"`
	Why  string `json:"why"`
}

// OpenRoom opens the incident's room on a chat platform. The result comes back as
// [RoomReady] or [RoomRefused].
type OpenRoom struct {
	Platform string `json:"platform"`
}

// Post writes the events of one step into a place, as one message: those from Seq to
// Through (0: Seq alone) for which [IsPosted] holds, and at the announcement those
// for which [IsAnnounced] holds.
type Post struct {
	Platform string `json:"platform"`
	Place    Place  `json:"place,omitempty"`
	Seq      int    `json:"seq"`
	Through  int    `json:"through,omitempty"`
}

// ShowCard creates or updates the incident's card in a place. It is stored as a
// standing task, which a newer one replaces, and its result is not an event.
type ShowCard struct {
	Platform string `json:"platform"`
	Place    Place  `json:"place,omitempty"`
}

// SetUpRoom carries out one step of setting up a room, such as setting its topic. The
// result comes back as [RoomStepEnded].
type SetUpRoom struct {
	Platform string `json:"platform"`
	Step     string `json:"step"` // StepTopic, StepPin or StepBookmarks
}

// InvitePeople adds people to a room. The result comes back as [RoomStepEnded].
type InvitePeople struct {
	Platform string   `json:"platform"`
	People   []string `json:"people"` // IDs
}

// CloseRoom archives a room. The result comes back as [RoomClosed]. Hide says that the room
// is public and its incident is private: what it shows of the incident is removed first
// (P2: private means members only).
type CloseRoom struct {
	Platform string `json:"platform"`
	ID       string `json:"id,omitempty"`
	Hide     bool   `json:"hide,omitempty"`
}

// Forward sends a command to another incident, as an input under the effect's ID.
type Forward struct {
	Incident string             `json:"incident"` // ID of the other incident
	Absorb   Absorb             `json:"absorb,omitzero"`
	Target   *UpdateMergeTarget `json:"target,omitempty"` // sent instead of Absorb, when set
}

// Command returns the command to send.
func (f Forward) Command() Command {
	if f.Target != nil {
		return *f.Target
	}
	return f.Absorb
}

// Reroute sends the alerts that still fire through alert intake again, so that they
// open or join another incident (I6: firing again reopens or links).
type Reroute struct {
	At time.Time `json:"at,omitzero"` // when the incident gave them up: alerts that began to fire again later are counted already
}

// JudgeAlerts judges held firing notices again: alert intake applies those that nothing
// newer has superseded.
type JudgeAlerts struct {
	Alerts []HeldAlert `json:"alerts"`
}

// UnknownAction is an action that a newer version of Tocsin has stored. It is kept
// as it is, and reported instead of being carried out.
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
func (JudgeAlerts) action() string     { return "judge_alerts" }
func (a UnknownAction) action() string { return a.Kind }

// effectID returns the ID of the effect number n of an event, such as "INC-7/3.0".
func effectID(incident string, seq, n int) string {
	return incident + "/" + strconv.Itoa(seq) + "." + strconv.Itoa(n)
}

// EventOf returns the Seq of the event that an effect belongs to; 0 if the ID is not one of
// an effect.
func EventOf(effect string) int {
	_, rest, _ := strings.Cut(effect, "/")
	seq, _, _ := strings.Cut(rest, ".")
	n, err := strconv.Atoi(seq)
	if err != nil || n < 0 {
		return 0
	}
	return n
}

// LaneOf returns the lane of an action.
func LaneOf(a Action) Lane {
	switch a := a.(type) {
	case SendPage:
		class := ClassPage
		if a.First {
			class = ClassFirstPage
		}
		return Lane{class, "page:" + a.Page}
	case CancelPage:
		return Lane{ClassPage, "page:" + a.Page}
	case OpenRoom:
		return Lane{ClassUpdate, "room:" + a.Platform}
	case Post:
		return Lane{ClassUpdate, a.Place.lane() + ":" + a.Platform}
	case ShowCard:
		return Lane{ClassCard, a.Place.lane() + ":" + a.Platform}
	case InvitePeople:
		return Lane{ClassUpdate, "invite:" + a.Platform}
	case SetUpRoom:
		class := ClassDroppable
		if a.Step == StepTopic {
			class = ClassCard
		}
		return Lane{class, a.Step + ":" + a.Platform}
	case CloseRoom:
		if a.Hide {
			return Lane{ClassUpdate, "hide:" + a.Platform}
		}
		return Lane{ClassDroppable, "close:" + a.Platform}
	case Forward:
		return Lane{ClassForward, "incident:" + a.Incident}
	case Reroute, JudgeAlerts:
		return Lane{ClassForward, "intake"}
	case UnknownAction:
		return Lane{ClassDroppable, "unknown"}
	}
	return Lane{ClassDroppable, "unknown"}
}

// IsStillNeeded reports whether an action should still be carried out, and if not,
// why not (E3: check again before each send).
func (i Incident) IsStillNeeded(a Action) (needed bool, why string) {
	page, ok := a.(SendPage)
	if !ok {
		return true, ""
	}
	p := i.Paging.findPage(page.Page)
	switch {
	case p == nil:
		return false, "the page is older than those the incident remembers"
	case p.State == DeliveryCanceled:
		return false, p.Why
	case p.State == DeliveryAccepted:
		return false, "delivered already"
	case !p.State.IsPending():
		return false, "given up"
	}
	return true, ""
}
