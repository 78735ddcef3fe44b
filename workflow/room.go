package workflow

import (
	"slices"
	"time"
)

// Room is the incident's room on one chat platform.
type Room struct {
	Platform string     `json:"platform"`
	ID       string     `json:"id,omitempty"`
	Name     string     `json:"name,omitempty"`
	URL      string     `json:"url,omitempty"`
	State    RoomState  `json:"state"`
	Why      string     `json:"why,omitempty"`     // the error, if it could not be opened, or waits to be
	Managed  bool       `json:"managed,omitempty"` // opened, set up and archived on request; false for a built-in room, such as the browser's
	Private  bool       `json:"private,omitempty"` // only its members see it
	Steps    []RoomStep `json:"steps,omitempty"`   // how it is set up

	ArchiveAfter time.Duration `json:"archive_after,omitempty"` // how long after the incident has ended it is archived; 0: never
	ArchiveAt    time.Time     `json:"archive_at,omitzero"`     // when it is archived; zero while the incident is open
}

// RoomState is the state of a room.
type RoomState string

// The states of a room.
const (
	RoomRequested  RoomState = "requested" // the platform was asked to open it
	RoomOpen       RoomState = "open"
	RoomFailed     RoomState = "failed" // the platform could not open it
	RoomIsArchived RoomState = "archived"
)

// RoomStep is one step of setting up a room, such as setting its topic.
type RoomStep struct {
	Name  string    `json:"name"`
	State StepState `json:"state,omitempty"`
	Why   string    `json:"why,omitempty"` // the error, if it failed, or waits for an operator
}

// StepState is the result of a step; "" while it has none.
type StepState string

// The results of a step.
const (
	StepDone   StepState = "done"
	StepFailed StepState = "failed"
)

// The steps of setting up a room. A [Platform] lists those that it supports.
const (
	StepTopic     = "topic"     // show severity, status and title in the topic
	StepPin       = "pin"       // pin the card
	StepBookmarks = "bookmarks" // add links beside the messages
	StepInvite    = "invite"    // invite the members
	StepAnnounce  = "announce"  // show a card in the channel for announcements
)

// Place is where on a platform a message is posted.
type Place string

// The places.
const (
	InRoom   Place = ""         // the incident's room
	Announce Place = "announce" // the channel in which incidents are announced
)

// lane returns the first part of the destinations of a place's lanes.
func (p Place) lane() string {
	if p == InRoom {
		return "room"
	}
	return string(p)
}

// Platform is a chat platform that is connected.
type Platform struct {
	Name         string
	Steps        []string      // the steps of setting up a room that it supports
	ArchiveAfter time.Duration // how long after an incident has ended its room is archived; 0: never
}

// Room returns the incident's room on a platform; ok is false if there is none.
func (i Incident) Room(platform string) (r Room, ok bool) {
	n := i.findRoom(platform)
	if n < 0 {
		return Room{}, false
	}
	return i.Rooms[n], true
}

// findRoom returns the index of the room on a platform, or -1.
func (i *Incident) findRoom(platform string) int {
	return slices.IndexFunc(i.Rooms, func(r Room) bool { return r.Platform == platform })
}

// Step returns a step of setting up the room; ok is false if the room has none of
// that name.
func (r Room) Step(name string) (s RoomStep, ok bool) {
	n := slices.IndexFunc(r.Steps, func(s RoomStep) bool { return s.Name == name })
	if n < 0 {
		return RoomStep{}, false
	}
	return r.Steps[n], true
}

// hasStep reports whether the room has a step that has not failed.
func (r Room) hasStep(name string) bool {
	s, ok := r.Step(name)
	return ok && s.State != StepFailed
}

// CanPost reports whether messages about the incident may be posted in a place. It is
// checked before each post: a private incident is mentioned in private rooms only
// (P2: private means members only).
func (i Incident) CanPost(platform string, p Place) bool {
	r, _ := i.Room(platform)
	private := i.Visibility == Private
	if p == Announce {
		return r.hasStep(StepAnnounce) && !private
	}
	return r.State == RoomOpen && (r.Private || !private || !r.Managed)
}

// cloneRooms returns a deep copy.
func cloneRooms(rooms []Room) []Room {
	rooms = slices.Clone(rooms)
	for n := range rooms {
		rooms[n].Steps = slices.Clone(rooms[n].Steps)
	}
	return rooms
}

// Cards returns the actions that bring the incident's cards up to date: one in each
// managed room that is open, and one in each channel for announcements.
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
