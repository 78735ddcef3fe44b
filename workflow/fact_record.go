package workflow

import "time"

// DetailsChanged is recorded when a person edits the description of the incident.
// Empty fields were not changed; services and symptoms were added.
type DetailsChanged struct {
	Title       string   `json:"title,omitempty"`
	Description string   `json:"description,omitempty"`
	Category    string   `json:"category,omitempty"`
	Services    []string `json:"services,omitempty"`
	Symptoms    []string `json:"symptoms,omitempty"`
}

// UpdatePosted is recorded when a person posts a status update.
type UpdatePosted struct {
	Text      string    `json:"text"`
	Audience  string    `json:"audience,omitempty"`
	Next      time.Time `json:"next_at,omitzero"`
	Truncated bool      `json:"truncated,omitempty"`
}

// UpdateOverdue is recorded when no status update was posted by the promised
// time.
type UpdateOverdue struct {
	Due    time.Time     `json:"due_at"`
	Next   time.Time     `json:"next_at,omitzero"`
	LateBy time.Duration `json:"late_by,omitempty"`
	Pages  []PageState   `json:"pages,omitempty"` // to the catch-all, when no one who works on the incident can be notified
}

// RoleAssigned is recorded when a role is given to a person, or is taken away (Person
// is then "").
type RoleAssigned struct {
	Role   string `json:"role"`
	Person string `json:"person,omitempty"`
	Name   string `json:"name,omitempty"`
}

// NoteAdded is recorded when a note is added to the timeline.
type NoteAdded struct {
	Text      string `json:"text"`
	Pin       bool   `json:"pin,omitempty"`
	Truncated bool   `json:"truncated,omitempty"`
	Key       string `json:"key,omitempty"` // of the chat message that it was copied from
}

// NoteWithdrawn is recorded when a note that was copied from a chat message is
// removed.
type NoteWithdrawn struct {
	Key  string `json:"key"`
	Text string `json:"text,omitempty"`
}

// ActionItemAdded records a new action item.
type ActionItemAdded struct{ ActionItem }

// ActionItemCompleted is recorded when an action item is marked as done, or with Undo
// as open again.
type ActionItemCompleted struct {
	N    int    `json:"number"`
	Text string `json:"text,omitempty"`
	Undo bool   `json:"undo,omitempty"`
}

// CauseSet is recorded when a person writes down the cause.
type CauseSet struct {
	Text      string `json:"text"`
	Truncated bool   `json:"truncated,omitempty"`
}

// CheckRecorded is recorded when a line of the checklist is verified.
type CheckRecorded struct {
	N     int        `json:"number"`
	Text  string     `json:"text,omitempty"`
	State CheckState `json:"state"`
}

// LinkAdded is recorded when a web address or another incident is linked.
type LinkAdded struct{ Link }

// PeopleInvited is recorded when people are made members of the incident.
type PeopleInvited struct {
	People []string `json:"people"`
}

// VisibilityChanged is recorded when the incident is made private or public.
type VisibilityChanged struct {
	To Visibility `json:"to"`
}

// EffectGivenUp is recorded when the agenda stops trying to carry out an effect.
type EffectGivenUp struct {
	What string `json:"what"`
	Why  string `json:"why"`
}

func (DetailsChanged) fact() string      { return "details_changed" }
func (UpdatePosted) fact() string        { return "update_posted" }
func (UpdateOverdue) fact() string       { return "update_overdue" }
func (RoleAssigned) fact() string        { return "role_assigned" }
func (NoteAdded) fact() string           { return "note_added" }
func (ActionItemAdded) fact() string     { return "action_item_added" }
func (ActionItemCompleted) fact() string { return "action_item_completed" }
func (CauseSet) fact() string            { return "cause_set" }
func (CheckRecorded) fact() string       { return "check_recorded" }
func (LinkAdded) fact() string           { return "link_added" }
func (PeopleInvited) fact() string       { return "people_invited" }
func (VisibilityChanged) fact() string   { return "visibility_changed" }
func (NoteWithdrawn) fact() string       { return "note_withdrawn" }
func (EffectGivenUp) fact() string       { return "effect_given_up" }
