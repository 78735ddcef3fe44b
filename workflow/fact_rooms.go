package workflow

import "time"

// RoomWanted asked a platform for a room. Steps is what it is to be given.
type RoomWanted struct {
	Platform     string        `json:"platform"`
	Private      bool          `json:"private,omitempty"`
	Steps        []RoomStep    `json:"steps,omitempty"`
	ArchiveAfter time.Duration `json:"archive_after,omitempty"` // how long after the end it is put away
}

// RoomOpened is there. Invite is whom the plan wants in it.
type RoomOpened struct {
	Room
	Invite []string `json:"invite,omitempty"`
}

// RoomStepFinished gave a room something, or could not.
type RoomStepFinished struct {
	Platform string `json:"platform"`
	Step     string `json:"step"`
	Why      string `json:"why,omitempty"` // what is wrong
}

// RoomStepRetried tries a step of a room again, or for the first time.
type RoomStepRetried struct {
	Platform string `json:"platform"`
	Step     string `json:"step"`
}

// RoomAbandoned gave up a room that not only members see, because the incident is
// private (rule P2).
type RoomAbandoned struct {
	Platform string `json:"platform"`
	ID       string `json:"id,omitempty"`
}

// RoomArchiveDue is to be put away: the incident ended some time ago.
type RoomArchiveDue struct {
	Platform string `json:"platform"`
	ID       string `json:"id,omitempty"`
}

// RoomArchived was put away, or left for one that is on its way (ID is then "").
// While the incident goes on the room is wanted back, and told of the events from
// Seq to Through.
type RoomArchived struct {
	Platform string `json:"platform"`
	ID       string `json:"id,omitempty"`
	Seq      int    `json:"seq,omitempty"`
	Through  int    `json:"through,omitempty"`
}

// RoomUnavailable could not be opened.
type RoomUnavailable struct {
	Platform string `json:"platform"`
	Why      string `json:"why"`
}

func (RoomWanted) fact() string       { return "room_wanted" }
func (RoomOpened) fact() string       { return "room_opened" }
func (RoomUnavailable) fact() string  { return "room_unavailable" }
func (RoomStepFinished) fact() string { return "room_step_finished" }
func (RoomStepRetried) fact() string  { return "room_step_retried" }
func (RoomAbandoned) fact() string    { return "room_abandoned" }
func (RoomArchiveDue) fact() string   { return "room_archive_due" }
func (RoomArchived) fact() string     { return "room_archived" }
