package workflow

import (
	"slices"
	"strings"
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
	Hosted   bool       `json:"hosted,omitempty"`  // it is the platform's: it was asked for, and is looked after
	Private  bool       `json:"private,omitempty"` // only its members see it
	Steps    []RoomStep `json:"steps,omitempty"`   // what it is given

	Archive  time.Duration `json:"archive,omitempty"`   // how long after the end it is put away; 0: never
	RetireAt time.Time     `json:"retire_at,omitzero"` // it is put away at
}

// RoomState is how far a room is.
type RoomState string

// The states of a room.
const (
	RoomRequested   RoomState = "requested"
	RoomOpen        RoomState = "open"
	RoomFailed      RoomState = "failed"
	RoomWasArchived RoomState = "archived"
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
	Name    string
	Steps   []string      // what it gives its rooms
	Archive time.Duration // how long after an incident's end its room is put away; 0: never
}

// Room returns the incident's room on a platform.
func (i Incident) Room(platform string) (Room, bool) {
	n := i.room(platform)
	if n < 0 {
		return Room{}, false
	}
	return i.Rooms[n], true
}

func (i *Incident) room(platform string) int {
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
func (r Room) wants(name string) bool {
	s, is := r.Step(name)
	return is && s.State != StepFailed
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
		if r.Hosted && r.State == RoomOpen {
			all = append(all, ShowCard{Platform: r.Platform})
		}
		if r.Hosted && r.wants(StepAnnounce) {
			all = append(all, ShowCard{Platform: r.Platform, Place: Announce})
		}
	}
	return all
}

// wantRooms asks every platform that is connected for a room, unless it was
// asked before: one that is connected later opens its rooms at the next step of
// each running incident. Rooms that are always there need no asking.
func (t *turn) wantRooms() {
	if !t.now.Open() {
		return
	}
	for _, r := range t.in.Known.Rooms {
		if t.now.room(r.Platform) < 0 {
			t.conclude(opened(r))
		}
	}
	for _, p := range t.in.Known.Platforms {
		if t.now.room(p.Name) < 0 {
			t.conclude(wanted(p, t.now.Visibility))
		}
	}
}

// wanted asks a platform for a room. A private incident is not announced.
func wanted(p Platform, v Visibility) RoomWanted {
	f := RoomWanted{Platform: shortName(p.Name), Archive: p.Archive, Private: v == Private}
	for _, name := range p.Steps {
		if name != StepAnnounce || !f.Private {
			f.Steps = append(f.Steps, RoomStep{Name: name})
		}
	}
	return f
}

// standing reports a room that is always there.
func (t *turn) standing(platform string) bool {
	return slices.ContainsFunc(t.in.Known.Rooms, func(r Room) bool { return r.Platform == platform })
}

// opened is the fact that a room is there, with its texts as short as they are
// kept.
func opened(r Room) RoomOpened {
	return RoomOpened{Room: Room{
		Platform: shortName(r.Platform), ID: label(r.ID, 200), Name: label(r.Name, 100), URL: label(r.URL, maxURL), State: RoomOpen, Private: r.Private,
	}}
}

// roomReady notes that a room is there. One that everybody sees is no room for
// an incident that has become private meanwhile (rule P2): another is on its
// way.
func (t *turn) roomReady(c RoomReady) {
	if r, is := t.now.Room(c.Platform); is && r.State == RoomOpen && r.ID == c.ID {
		return
	}
	f := opened(Room{Platform: c.Platform, ID: c.ID, Name: c.Name, URL: c.URL, Private: c.Private})
	if t.now.Visibility == Private && !c.Private && !t.standing(c.Platform) {
		t.leave(c.Platform, f.ID)
		return
	}
	if t.now.Visibility != Private {
		for _, target := range t.in.Known.Plan.Severity(t.now.Severity).Invite {
			for _, r := range t.in.Known.Answers[target].Recipients {
				if joins(r.ID) && !slices.Contains(f.Invite, r.ID) && len(f.Invite) < maxInvited {
					f.Invite = append(f.Invite, r.ID)
				}
			}
		}
	}
	t.record(f)
}

// furnished notes how a step of a room went.
func (t *turn) furnished(c Furnished) {
	r, is := t.now.Room(c.Platform)
	if !is {
		return
	}
	f := RoomFurnished{Platform: r.Platform, Step: c.Step, Why: label(c.Why, maxLine)}
	s, is := r.Step(c.Step)
	if !is || s.State == StepDone && f.Why == "" || s.State == StepFailed && s.Why == f.Why {
		return
	}
	t.record(f)
}

// retryRooms tries again what could not be done.
func (t *turn) retryRooms() error {
	tried := false
	for _, r := range slices.Clone(t.now.Rooms) {
		n := slices.IndexFunc(t.in.Known.Platforms, func(p Platform) bool { return p.Name == r.Platform })
		if r.State == RoomFailed && n >= 0 && t.now.Open() {
			t.record(wanted(t.in.Known.Platforms[n], t.now.Visibility))
			tried = true
			continue
		}
		for _, s := range r.Steps {
			if s.State == StepFailed {
				t.record(RoomStepRetried{Platform: r.Platform, Step: s.Name})
				tried = true
			}
		}
	}
	if !tried {
		return refuse("Nothing of "+t.now.ID+"'s rooms has failed.", "`show` says how they are.")
	}
	return nil
}

// rehouse gives an incident that is about to become private rooms that only
// members see, and leaves the others (rule P2). Those on their way will be such
// rooms.
func (t *turn) rehouse() {
	for _, r := range slices.Clone(t.now.Rooms) {
		if r.Hosted && !r.Private && r.ID != "" {
			t.leave(r.Platform, r.ID)
		}
	}
}

// leave gives a room up that not only members see, and asks for one that is
// private, if there is still something to do in it. An announcement stays, to
// be emptied.
func (t *turn) leave(platform, id string) {
	r, _ := t.now.Room(platform)
	t.conclude(RoomLeft{Platform: shortName(platform), ID: id})
	n := slices.IndexFunc(t.in.Known.Platforms, func(p Platform) bool { return p.Name == platform })
	if _, still := t.now.Room(platform); still || n < 0 || !t.now.Open() {
		return
	}
	f := wanted(t.in.Known.Platforms[n], Private)
	if s, is := r.Step(StepAnnounce); is && s.State != StepFailed {
		f.Steps = append(f.Steps, s)
	}
	t.conclude(f)
}

// announce announces an incident that is not private any more.
func (t *turn) announce() {
	for _, p := range t.in.Known.Platforms {
		r, is := t.now.Room(p.Name)
		if is && r.Hosted && slices.Contains(p.Steps, StepAnnounce) && !r.wants(StepAnnounce) {
			t.conclude(RoomStepRetried{Platform: r.Platform, Step: StepAnnounce})
		}
	}
}

// dueRooms puts rooms away whose time has come.
func (t *turn) dueRooms() {
	for _, r := range slices.Clone(t.now.Rooms) {
		if !r.RetireAt.IsZero() && !r.RetireAt.After(t.in.At) {
			t.conclude(RoomRetired{Platform: r.Platform, ID: r.ID})
		}
	}
}

// housed folds what becomes of rooms; false means that a fact is about
// something else.
func (i *Incident) housed(e Event) bool {
	switch f := e.Fact.(type) {
	case RoomWanted:
		r := Room{Platform: f.Platform, State: RoomRequested, Hosted: true, Private: f.Private, Steps: slices.Clone(f.Steps), Archive: f.Archive}
		i.setRoom(r)
	case RoomOpened:
		i.roomOpened(e.At, f)
	case RoomLost:
		i.atRoom(f.Platform, func(r *Room) { r.State, r.Why = RoomFailed, excerpt(f.Why, 200) })
	case RoomFurnished:
		i.atRoom(f.Platform, func(r *Room) { r.setStep(f.Step, f.Why) })
	case RoomStepRetried:
		i.atRoom(f.Platform, func(r *Room) { r.clearStep(f.Step) })
	case RoomLeft:
		i.Rooms = slices.DeleteFunc(i.Rooms, func(r Room) bool {
			return r.Platform == f.Platform && (r.ID == f.ID || r.ID == "" && r.State == RoomRequested)
		})
	case VisibilityChanged:
		for n := range i.Rooms { // those on their way will be such rooms
			if r := &i.Rooms[n]; r.Hosted && r.ID == "" {
				r.Private = f.To == Private
			}
		}
		return false
	case RoomRetired:
		i.atRoom(f.Platform, func(r *Room) { r.RetireAt = time.Time{} })
	case RoomArchived:
		i.atRoom(f.Platform, func(r *Room) { r.State, r.RetireAt = RoomWasArchived, time.Time{} })
	default:
		return false
	}
	return true
}

// roomOpened keeps what the room was to be given. A room that is not the one
// before is given everything anew.
func (i *Incident) roomOpened(at time.Time, f RoomOpened) {
	r := f.Room
	if was, is := i.Room(f.Platform); is {
		r.Hosted, r.Steps, r.Archive = was.Hosted, was.Steps, was.Archive
		if was.ID != "" && was.ID != f.ID {
			for n := range r.Steps {
				if r.Steps[n].Name != StepAnnounce {
					r.Steps[n] = RoomStep{Name: r.Steps[n].Name}
				}
			}
		}
	}
	i.setRoom(r)
	if !i.Open() && i.Status != Resolved {
		i.retireRooms(at)
	}
}

func (i *Incident) setRoom(r Room) {
	if n := i.room(r.Platform); n >= 0 {
		i.Rooms[n] = r
		return
	}
	i.Rooms = append(i.Rooms, r)
}

func (i *Incident) atRoom(platform string, do func(*Room)) {
	if n := i.room(platform); n >= 0 {
		do(&i.Rooms[n])
	}
}

func (r *Room) setStep(name, why string) {
	for n := range r.Steps {
		if r.Steps[n].Name == name {
			r.Steps[n].State, r.Steps[n].Why = StepDone, excerpt(why, 200)
			if why != "" {
				r.Steps[n].State = StepFailed
			}
		}
	}
}

func (r *Room) clearStep(name string) {
	r.Steps = append(slices.DeleteFunc(r.Steps, func(s RoomStep) bool { return s.Name == name }), RoomStep{Name: name})
}

// retireRooms says when the rooms of an incident that has ended are put away.
func (i *Incident) retireRooms(at time.Time) {
	for n := range i.Rooms {
		if r := &i.Rooms[n]; r.Archive > 0 && r.State == RoomOpen {
			r.RetireAt = at.Add(r.Archive)
		}
	}
}

// returnRooms wants the rooms back of an incident that goes on.
func (i *Incident) returnRooms() {
	for n := range i.Rooms {
		r := &i.Rooms[n]
		r.RetireAt = time.Time{}
		if r.State == RoomWasArchived {
			r.State = RoomRequested
		}
	}
}

// houses is what rooms owe to a fact: to be opened, furnished, joined, left and
// put away.
func houses(i *Incident, was outlook, e Event) []Deed {
	var deeds []Deed
	switch f := e.Fact.(type) {
	case RoomWanted:
		deeds = append(deeds, OpenRoom{Platform: f.Platform})
	case IncidentReopened: // before anything is said in them
		for _, r := range i.Rooms {
			if r.State == RoomRequested && r.ID != "" {
				deeds = append(deeds, OpenRoom{Platform: r.Platform})
			}
		}
	case RoomOpened:
		if r, _ := i.Room(f.Platform); r.Hosted {
			for _, s := range r.Steps {
				deeds = append(deeds, furnish(r.Platform, s)...)
			}
			people := i.members()
			for _, p := range f.Invite {
				if !slices.Contains(people, p) {
					people = append(people, p)
				}
			}
			return append(deeds, inviteAll(f.Platform, people)...)
		}
	case RoomStepRetried:
		if f.Step == StepInvite {
			return inviteAll(f.Platform, i.members())
		}
		return furnish(f.Platform, RoomStep{Name: f.Step})
	case DetailsChanged:
		for _, r := range i.Rooms {
			if f.Title != "" && r.State == RoomOpen && r.wants(StepTopic) {
				deeds = append(deeds, Furnish{Platform: r.Platform, Step: StepTopic})
			}
		}
	case RoomLeft:
		if f.ID != "" {
			deeds = append(deeds, CloseRoom(f))
		}
	case RoomRetired:
		deeds = append(deeds, CloseRoom(f))
	default: // it may bring people in
	}
	return append(deeds, newcomers(i, was)...)
}

func furnish(platform string, s RoomStep) []Deed {
	switch s.Name {
	case StepTopic, StepPin, StepBookmarks:
		if s.State != StepDone {
			return []Deed{Furnish{Platform: platform, Step: s.Name}}
		}
	default: // people and cards go their own ways
	}
	return nil
}

func inviteAll(platform string, people []string) []Deed {
	if len(people) == 0 {
		return nil
	}
	return []Deed{InviteAll{Platform: platform, People: people}}
}

// newcomers invites whoever has come to belong to the incident.
func newcomers(i *Incident, was outlook) []Deed {
	if was.members == nil {
		return nil
	}
	fresh := slices.DeleteFunc(i.members(), func(p string) bool { return slices.Contains(was.members, p) })
	var deeds []Deed
	for _, r := range i.Rooms {
		if r.Hosted && r.State == RoomOpen {
			deeds = append(deeds, inviteAll(r.Platform, fresh)...)
		}
	}
	return deeds
}

// housedOpen reports whether some platform's room is open.
func (i *Incident) housedOpen() bool {
	return slices.ContainsFunc(i.Rooms, func(r Room) bool { return r.Hosted && r.State == RoomOpen })
}

// joins reports whether somebody can be asked into a room: people can, and
// guests whose platform is known; webhooks and the log cannot.
func joins(id string) bool {
	return id != "" && id != "log" && (!strings.Contains(id, ":") || strings.HasPrefix(id, "guest:") && strings.Count(id, ":") == 2)
}

// members are those who belong in the rooms: reporter, roles, acknowledger,
// invited and paged people, each once, never nil.
func (i *Incident) members() []string {
	all := make([]string, 0, 8)
	add := func(id string) {
		if joins(id) && !slices.Contains(all, id) && len(all) < maxInvited {
			all = append(all, id)
		}
	}
	add(i.Reporter.Person)
	if i.Reporter.Person == "" && i.Reporter.Handle != "" {
		add("guest:" + i.Reporter.Handle)
	}
	roles := make([]string, 0, len(i.Roles))
	for _, person := range i.Roles {
		roles = append(roles, person)
	}
	slices.Sort(roles)
	for _, person := range roles {
		add(person)
	}
	add(i.AcknowledgedBy)
	for _, person := range i.Invited {
		add(person)
	}
	for _, p := range i.Paging.Pages {
		if p.Purpose != ToKnow && p.State != Planned && p.State != Spare {
			add(p.To)
		}
	}
	return all
}
