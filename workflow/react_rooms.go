package workflow

import (
	"slices"
	"strings"
)

// houses is what rooms owe to a fact: to be opened, furnished, joined, left and
// put away.
func houses(i *Incident, was outlook, e Event) []Deed {
	var deeds []Deed
	switch f := e.Fact.(type) {
	case RoomFact:
		deeds = reactRoom(i, was, f)
	case LifecycleFact:
		if _, reopened := f.(IncidentReopened); reopened { // before anything is said in them
			deeds = reopenRooms(i, was)
		}
	case RecordFact:
		if d, is := f.(DetailsChanged); is && d.Title != "" {
			deeds = refreshTopics(i)
		}
	case AlertFact, PagingFact, UnknownFact: // they may bring people in
	}
	return append(deeds, newcomers(i, was)...)
}

func reactRoom(i *Incident, was outlook, f RoomFact) []Deed {
	switch f := f.(type) {
	case RoomWanted:
		return []Deed{OpenRoom{Platform: f.Platform}}
	case RoomOpened:
		return reactRoomOpened(i, f)
	case RoomStepRetried:
		if f.Step == StepInvite {
			return inviteAll(f.Platform, i.members())
		}
		return furnish(f.Platform, RoomStep{Name: f.Step})
	case RoomLeft:
		if f.ID != "" {
			return []Deed{CloseRoom(f)}
		}
	case RoomArchived:
		return reactRoomArchived(i, was, f)
	case RoomRetired:
		return []Deed{CloseRoom(f)}
	case RoomLost, RoomFurnished:
	}
	return nil
}

// reactRoomOpened furnishes a platform's room and asks people into it.
func reactRoomOpened(i *Incident, f RoomOpened) []Deed {
	r, _ := i.Room(f.Platform)
	if !r.Hosted {
		return nil
	}
	var deeds []Deed
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

// reactRoomArchived opens the next room of an incident that goes on, and says
// there what could not be said in the archived one.
func reactRoomArchived(i *Incident, was outlook, f RoomArchived) []Deed {
	if r, _ := i.Room(f.Platform); r.State != RoomRequested {
		return nil
	}
	var deeds []Deed
	if !slices.Contains(was.awaited, f.Platform) {
		deeds = append(deeds, OpenRoom{Platform: f.Platform})
	}
	if f.Seq > 0 { // behind the opening
		deeds = append(deeds, Post{Platform: f.Platform, Seq: f.Seq, Through: f.Through})
	}
	return deeds
}

func reopenRooms(i *Incident, was outlook) []Deed {
	var deeds []Deed
	for _, r := range i.Rooms {
		if slices.Contains(was.archived, r.Platform) {
			deeds = append(deeds, OpenRoom{Platform: r.Platform})
		}
	}
	return deeds
}

func refreshTopics(i *Incident) []Deed {
	var deeds []Deed
	for _, r := range i.Rooms {
		if r.State == RoomOpen && r.wants(StepTopic) {
			deeds = append(deeds, Furnish{Platform: r.Platform, Step: StepTopic})
		}
	}
	return deeds
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
