package bot

import (
	"context"
	"errors"
	"time"

	"tocsin/bot/card"
	"tocsin/workflow"
)

// Chat is a chat platform on which incidents have rooms. An error is temporary
// unless it is [Permanent]; [RetryAfter] says when to try again.
type Chat interface {
	// OpenRoom creates the incident's room, finds the one that an earlier call
	// created, or reopens one that was closed: an incident never has two rooms on
	// one platform. A private incident gets a room that only its members see, or
	// none.
	OpenRoom(ctx context.Context, r RoomRequest) (workflow.Room, error)
	// Post writes a message into a room. A message with the same Key is never posted
	// twice where the platform can be asked for it.
	Post(ctx context.Context, p RoomPost) error
}

// BuiltinRooms is a chat whose rooms are the conversations in Tocsin's own store.
// They always exist, so nothing has to be opened, and a post into one is stored in
// the commit of the step that it reports.
type BuiltinRooms interface {
	// Room returns the room of an incident. url is the address of the pages, without
	// a trailing slash.
	Room(incident, url string) workflow.Room
}

// RoomManager is implemented by a [Chat] whose rooms can be managed: a card is kept
// in them, they are set up, people are invited and rooms are closed. Times in the
// content that it is given are stamps, which each reader sees in their own zone
// ([card.ParseSpans]).
type RoomManager interface {
	// Platform returns the platform's name and the setup steps of its rooms.
	Platform() workflow.Platform
	// ShowCard writes a card, or updates the one at Ref, and returns its ref. When
	// Again is set, an earlier call may have written the card, and it is looked for
	// by its Key first.
	ShowCard(ctx context.Context, c RoomCard) (ref string, err error)
	// SetUpRoom carries out one setup step of a room.
	SetUpRoom(ctx context.Context, w RoomWork) error
	// Invite invites people into a room. It succeeds for people who are in the room
	// already. Those who cannot be invited are named by a permanent error, after all
	// others were invited.
	Invite(ctx context.Context, i Invitation) error
	// CloseRoom archives a room. It succeeds when the room does not exist any more. With
	// Hide it first removes what the room shows of the incident: its name, its topic,
	// its links and all that Tocsin has written there.
	CloseRoom(ctx context.Context, w RoomWork) error
}

// RoomRequest describes the room that an incident needs.
type RoomRequest struct {
	Key      string // stable: the effect's ID
	Incident string
	Name     string // preferred name, such as "inc-7-checkout-down"
	Private  bool
	Severity workflow.Severity // rooms of the most severe incidents are opened first
	Since    time.Time         // when the incident was declared: an older room is not its own
	Was      workflow.Room     // the room it had before, to be reopened; ID "": none
}

// RoomPost is one message for a room, or a reply below the announcement.
type RoomPost struct {
	Key      string // stable: the effect's ID
	Incident string
	Room     workflow.Room
	Severity workflow.Severity
	ReplyTo  string    // ref of the card that it replies to; "": posted into the room itself
	Again    bool      // an earlier attempt may have posted it, and its answer was lost
	Since    time.Time // an earlier attempt was not before this time
	Event    int       // Seq of the first event that it reports
	Through  int       // Seq of the last one
	Failure  bool      // it reports only effects that were given up; if it fails too, that is not reported
	Content  card.Content
}

// RoomCard is a card that is kept up to date in one place.
type RoomCard struct {
	Key      string // stable: "INC-7/PLATFORM/ROOM" or "INC-7/PLATFORM/announce"
	Incident string
	Place    workflow.Place
	Room     workflow.Room
	Severity workflow.Severity
	Ref      string    // where the platform keeps the card; "": not yet known
	Again    bool      // an earlier attempt may have written it, and its answer was lost
	Since    time.Time // an earlier attempt was not before this time
	Hide     bool      // the incident has become private: what was posted below the card is removed (P2: private means members only)
	Content  card.Content
}

// RoomWork is one thing to do with a room: a setup step, or closing it.
type RoomWork struct {
	Key      string // stable: the effect's ID
	Incident string
	Room     workflow.Room
	Severity workflow.Severity
	Step     string // for SetUpRoom: which step
	Again    bool   // an earlier attempt may have done it, and its answer was lost
	Card     string // ref of the incident's card
	Title    string // of the incident
	Links    []card.Button
	Hide     bool // for CloseRoom: the room is public, and the incident is private now (P2: private means members only)
}

// Invitation lists the people to be invited into a room.
type Invitation struct {
	Key      string // stable: the effect's ID
	Incident string
	Room     workflow.Room
	Severity workflow.Severity
	People   []Invitee
}

// Invitee is a person to be invited into a room. Handle is their account ID on the
// platform; when it is empty the platform finds them by Email.
type Invitee struct {
	ID, Name, Email, Handle string
}

// ErrRoomGone is wrapped in the error of a [Chat] when the room was archived or
// deleted on the platform.
var ErrRoomGone = errors.New("the room is gone")
