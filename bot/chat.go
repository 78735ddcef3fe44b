package bot

import (
	"context"
	"errors"
	"time"

	"tocsin/bot/card"
	"tocsin/workflow"
)

// Chat is one platform on which incidents have rooms.
type Chat interface {
	// OpenRoom makes the incident's room, finds the one it made before, or
	// brings back one that was put away: the same incident never has two. A
	// private incident gets a room that only its members see, or none.
	OpenRoom(ctx context.Context, r RoomRequest) (workflow.Room, error)
	// Post writes into a room. The same Key never posts twice where the
	// platform lets it be known.
	Post(ctx context.Context, p RoomPost) error
}

// BuiltinRooms is a chat whose rooms are the conversations in our own store: they
// are always there, so that nothing has to be opened, and what is posted is
// part of the commit that it tells of.
type BuiltinRooms interface {
	// Room is the incident's. url is how people reach the pages, without a
	// trailing slash.
	Room(incident, url string) workflow.Room
}

// RoomManager is a chat whose rooms are the platform's own, and are looked after:
// they hold a card, are furnished, people are asked into them, and they are
// put away. The times in what it is given to show are stamps, each reader's
// own ([card.ParseSpans]).
type RoomManager interface {
	// Platform says what it is called and what it gives its rooms.
	Platform() workflow.Platform
	// ShowCard writes a card, or brings the one at Ref up to date, and returns
	// where it is. What was never written is found by its Key when Again says
	// that it may have been.
	ShowCard(ctx context.Context, c RoomCard) (ref string, err error)
	// SetUpRoom gives a room one of the platform's steps.
	SetUpRoom(ctx context.Context, w RoomWork) error
	// Invite asks people into a room. Whoever is in it already is no error.
	// Those who cannot be asked are named by a permanent error, once all
	// others have been.
	Invite(ctx context.Context, i Invitation) error
	// CloseRoom puts a room away. One that is not there any more is no error.
	CloseRoom(ctx context.Context, w RoomWork) error
}

// RoomRequest asks for an incident's room.
type RoomRequest struct {
	Key      string // stable: the effect's ID
	Incident string
	Name     string // wanted, such as "inc-7-checkout-down"
	Private  bool
	Severity workflow.Severity // the worst are served first
	Since    time.Time         // the incident was declared: a room from before is not its own
	Was      workflow.Room     // with an ID: the room it had, to be brought back
}

// RoomPost is one message into a room, or below the announcement.
type RoomPost struct {
	Key      string // stable: the effect's ID
	Incident string
	Room     workflow.Room
	Severity workflow.Severity
	ReplyTo  string    // ref of the card it goes below; "": into the room
	Again    bool      // it may have been posted before, and nobody knows
	Since    time.Time // not before: where to look for it
	Event    int       // the Seq of the first event it tells of,
	Through  int       // and of the last
	Failure  bool      // it only tells of what was given up: if it fails too, it is let be
	Content  card.Content
}

// RoomCard is a card that is kept up to date in one place.
type RoomCard struct {
	Key      string // stable: "INC-7/slack/C024BE7LR", "INC-7/slack/announce"
	Incident string
	Place    workflow.Place
	Room     workflow.Room
	Severity workflow.Severity
	Ref      string    // where it is; "": not yet written
	Again    bool      // it may have been written, and nobody knows
	Since    time.Time // not before: where to look for it
	Content  card.Content
}

// RoomWork is one thing to do for a room.
type RoomWork struct {
	Key      string // stable: the effect's ID
	Incident string
	Room     workflow.Room
	Severity workflow.Severity
	Step     string // for Furnish
	Again    bool   // it may have been done before, and nobody knows
	Card     string // ref of the card
	Title    string // of the incident
	Links    []card.Button
}

// Invitation asks people into a room.
type Invitation struct {
	Key      string // stable: the effect's ID
	Incident string
	Room     workflow.Room
	Severity workflow.Severity
	People   []Invitee
}

// Invitee is somebody to be asked into a room. Handle is their ID on the
// platform, where it is known; else they are found by their address.
type Invitee struct {
	ID, Name, Email, Handle string
}

// ErrRoomGone is part of the error of a [Chat] that is asked to write into a
// room that somebody has put away or deleted.
var ErrRoomGone = errors.New("the room is gone")
