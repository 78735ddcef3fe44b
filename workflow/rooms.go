package workflow

import (
	"slices"
	"time"
)

// Room is an incident's room on one chat platform.
type Room struct {
	Platform string     `json:"platform"`
	ID       string     `json:"id,omitempty"`
	Name     string     `json:"name,omitempty"`
	URL      string     `json:"url,omitempty"`
	State    RoomState  `json:"state"`
	Why      string     `json:"why,omitempty"`     // why it failed
	Managed  bool       `json:"managed,omitempty"` // it is the platform's: it was asked for, and is looked after
	Private  bool       `json:"private,omitempty"` // only its members see it
	Steps    []RoomStep `json:"steps,omitempty"`   // what it is given

	ArchiveAfter time.Duration `json:"archive_after,omitempty"` // how long after the end it is put away; 0: never
	ArchiveAt    time.Time     `json:"archive_at,omitzero"`     // it is put away at
}

// RoomState is how far a room is.
type RoomState string

// The states of a room.
const (
	RoomRequested  RoomState = "requested"
	RoomOpen       RoomState = "open"
	RoomFailed     RoomState = "failed"
	RoomIsArchived RoomState = "archived"
)

// RoomStep is one thing that a room is given once it is open.
type RoomStep struct {
	Name  string    `json:"name"`
	State StepState `json:"state,omitempty"`
	Why   string    `json:"why,omitempty"` // why it failed
}

// StepState is how far a step is; "" means that it is still to be done.
type StepState string

// The states of a step.
const (
	StepDone   StepState = "done"
	StepFailed StepState = "failed"
)

// The steps that rooms know. A platform names those that it takes.
const (
	StepTopic     = "topic"
	StepPin       = "pin"       // pins the card
	StepBookmarks = "bookmarks" // or another list of addresses beside the room
	StepInvite    = "invite"
	StepAnnounce  = "announce" // a card where everybody looks
)

// Place is where on a platform something is said.
type Place string

// The places.
const (
	InRoom   Place = ""         // in the incident's room
	Announce Place = "announce" // where incidents are announced
)

// lane is what the lanes of a place are called.
func (p Place) lane() string {
	if p == InRoom {
		return "room"
	}
	return string(p)
}

// Platform is a chat platform that is connected.
type Platform struct {
	Name         string
	Steps        []string      // what it gives its rooms
	ArchiveAfter time.Duration // how long after an incident's end its room is put away; 0: never
}

// Room returns the incident's room on a platform.
func (i Incident) Room(platform string) (Room, bool) {
	n := i.findRoom(platform)
	if n < 0 {
		return Room{}, false
	}
	return i.Rooms[n], true
}

func (i *Incident) findRoom(platform string) int {
	return slices.IndexFunc(i.Rooms, func(r Room) bool { return r.Platform == platform })
}

// Step returns a step of a room.
func (r Room) Step(name string) (RoomStep, bool) {
	n := slices.IndexFunc(r.Steps, func(s RoomStep) bool { return s.Name == name })
	if n < 0 {
		return RoomStep{}, false
	}
	return r.Steps[n], true
}

// wants reports whether a room has a step that has not failed.
func (r Room) hasStep(name string) bool {
	s, ok := r.Step(name)
	return ok && s.State != StepFailed
}

// CanPost reports whether something may be said of the incident in a place: the
// check before anything is sent there. What is private is said in private rooms
// only (rule P2).
func (i Incident) CanPost(platform string, p Place) bool {
	r, _ := i.Room(platform)
	private := i.Visibility == Private
	if p == Announce {
		return r.hasStep(StepAnnounce) && !private
	}
	return r.State == RoomOpen && (r.Private || !private || !r.Managed)
}

func cloneRooms(rooms []Room) []Room {
	rooms = slices.Clone(rooms)
	for n := range rooms {
		rooms[n].Steps = slices.Clone(rooms[n].Steps)
	}
	return rooms
}

// Cards names the cards that are kept up to date while they are there.
func (i Incident) Cards() []ShowCard {
	var all []ShowCard
	for _, r := range i.Rooms {
		if r.Managed && r.State == RoomOpen {
			all = append(all, ShowCard{Platform: r.Platform})
		}
		if r.Managed && r.hasStep(StepAnnounce) {
			all = append(all, ShowCard{Platform: r.Platform, Place: Announce})
		}
	}
	return all
}
