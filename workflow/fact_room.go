package workflow

import "time"

// RoomWanted is recorded when a platform is asked for a room. Steps lists what the
// room will be given once it is open.
type RoomWanted struct {
	Platform     string        `json:"platform"`
	Private      bool          `json:"private,omitempty"`
	Steps        []RoomStep    `json:"steps,omitempty"`
	ArchiveAfter time.Duration `json:"archive_after,omitempty"` // how long after the incident has ended it is archived; 0: never
}

// RoomOpened is recorded when a room is ready. Invite lists the people that the plan
// wants in it.
type RoomOpened struct {
	Room
	Invite []string `json:"invite,omitempty"`
}

// RoomStepFinished is recorded when a step of setting up a room has succeeded (Why is
// then "") or failed; with Waiting, when it waits for an operator to fix what Why says.
type RoomStepFinished struct {
	Platform string `json:"platform"`
	Step     string `json:"step"`
	Why      string `json:"why,omitempty"` // the error
	Waiting  bool   `json:"waiting,omitempty"`
}

// RoomStepRetried is recorded when a step of setting up a room is to be tried again.
type RoomStepRetried struct {
	Platform string `json:"platform"`
	Step     string `json:"step"`
}

// RoomAbandoned is recorded when a room that other people than its members can see is
// given up because the incident is private (P2: private means members only).
type RoomAbandoned struct {
	Platform string `json:"platform"`
	ID       string `json:"id,omitempty"`
}

// RoomArchiveDue is recorded when the delay after the end of the incident has passed,
// and the room is to be archived.
type RoomArchiveDue struct {
	Platform string        `json:"platform"`
	ID       string        `json:"id,omitempty"`
	LateBy   time.Duration `json:"late_by,omitempty"`
}

// RoomArchived is recorded when a room was archived. ID is "" if the platform had
// not opened it yet. If the incident is still open, another room is requested, and
// the events from Seq to Through are posted there, which the archived room did not
// receive.
type RoomArchived struct {
	Platform string `json:"platform"`
	ID       string `json:"id,omitempty"`
	Seq      int    `json:"seq,omitempty"`
	Through  int    `json:"through,omitempty"`
}

// RoomUnavailable is recorded when a platform could not open a room; with Waiting, when
// the room waits for an operator to fix what Why says, and is opened then.
type RoomUnavailable struct {
	Platform string `json:"platform"`
	Why      string `json:"why"`
	Waiting  bool   `json:"waiting,omitempty"`
}

func (RoomWanted) fact() string       { return "room_wanted" }
func (RoomOpened) fact() string       { return "room_opened" }
func (RoomUnavailable) fact() string  { return "room_unavailable" }
func (RoomStepFinished) fact() string { return "room_step_finished" }
func (RoomStepRetried) fact() string  { return "room_step_retried" }
func (RoomAbandoned) fact() string    { return "room_abandoned" }
func (RoomArchiveDue) fact() string   { return "room_archive_due" }
func (RoomArchived) fact() string     { return "room_archived" }
