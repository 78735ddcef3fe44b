package workflow

import (
	"slices"
	"strings"
)

// reactRooms returns what a fact changes about rooms: they are opened, set up, joined or
// archived.
func reactRooms(i *Incident, was stateBefore, e Event) []Action {
	var actions []Action
	switch f := e.Fact.(type) {
	case RoomFact:
		actions = reactRoom(i, was, f)
	case LifecycleFact:
		if _, ok := f.(IncidentReopened); ok { // before anything is posted into them
			actions = reopenRooms(i, was)
		}
	case RecordFact:
		if d, ok := f.(DetailsChanged); ok && d.Title != "" {
			actions = refreshTopics(i)
		}
	case AlertFact, PagingFact, UnknownFact: // they can only bring new members
	}
	return append(actions, inviteNewMembers(i, was)...)
}

func reactRoom(i *Incident, was stateBefore, f RoomFact) []Action {
	switch f := f.(type) {
	case RoomWanted:
		return []Action{OpenRoom{Platform: f.Platform}}
	case RoomOpened:
		return reactRoomOpened(i, f)
	case RoomStepRetried:
		if f.Step == StepInvite {
			return invitePeople(f.Platform, i.members())
		}
		return setUpRoom(f.Platform, RoomStep{Name: f.Step})
	case RoomAbandoned:
		if f.ID != "" {
			return []Action{CloseRoom{Platform: f.Platform, ID: f.ID, Hide: true}}
		}
	case RoomArchived:
		return reactRoomArchived(i, was, f)
	case RoomArchiveDue:
		return []Action{CloseRoom{Platform: f.Platform, ID: f.ID}}
	case RoomUnavailable, RoomStepFinished:
	}
	return nil
}

// reactRoomOpened sets up a managed room and invites the members.
func reactRoomOpened(i *Incident, f RoomOpened) []Action {
	r, _ := i.Room(f.Platform)
	if !r.Managed {
		return nil
	}
	var actions []Action
	for _, s := range r.Steps {
		actions = append(actions, setUpRoom(r.Platform, s)...)
	}
	people := i.members()
	for _, p := range f.Invite {
		if !slices.Contains(people, p) {
			people = append(people, p)
		}
	}
	return append(actions, invitePeople(f.Platform, people)...)
}

// reactRoomArchived opens another room if the incident is still open, and posts there
// what the archived one did not receive.
func reactRoomArchived(i *Incident, was stateBefore, f RoomArchived) []Action {
	if r, _ := i.Room(f.Platform); r.State != RoomRequested {
		return nil
	}
	var actions []Action
	if !slices.Contains(was.requested, f.Platform) {
		actions = append(actions, OpenRoom{Platform: f.Platform})
	}
	if f.Seq > 0 {
		actions = append(actions, Post{Platform: f.Platform, Seq: f.Seq, Through: f.Through})
	}
	return actions
}

// reopenRooms opens the rooms of a reopened incident that were archived.
func reopenRooms(i *Incident, was stateBefore) []Action {
	var actions []Action
	for _, r := range i.Rooms {
		if slices.Contains(was.archived, r.Platform) {
			actions = append(actions, OpenRoom{Platform: r.Platform})
		}
	}
	return actions
}

// refreshTopics sets the topics of the open rooms again.
func refreshTopics(i *Incident) []Action {
	var actions []Action
	for _, r := range i.Rooms {
		if r.State == RoomOpen && r.hasStep(StepTopic) {
			actions = append(actions, SetUpRoom{Platform: r.Platform, Step: StepTopic})
		}
	}
	return actions
}

// setUpRoom returns the action for a step that is not done, if the step has one.
func setUpRoom(platform string, s RoomStep) []Action {
	switch s.Name {
	case StepTopic, StepPin, StepBookmarks:
		if s.State != StepDone {
			return []Action{SetUpRoom{Platform: platform, Step: s.Name}}
		}
	default: // invitations and announcements are not SetUpRoom actions
	}
	return nil
}

// invitePeople returns the action that invites people, or none if there are none.
func invitePeople(platform string, people []string) []Action {
	if len(people) == 0 {
		return nil
	}
	return []Action{InvitePeople{Platform: platform, People: people}}
}

// inviteNewMembers invites people who have become members by the fact into the open
// rooms.
func inviteNewMembers(i *Incident, was stateBefore) []Action {
	if was.members == nil {
		return nil
	}
	fresh := slices.DeleteFunc(i.members(), func(p string) bool { return slices.Contains(was.members, p) })
	var actions []Action
	for _, r := range i.Rooms {
		if r.Managed && r.State == RoomOpen {
			actions = append(actions, invitePeople(r.Platform, fresh)...)
		}
	}
	return actions
}

// hasManagedRoom reports whether a managed room is open.
func (i *Incident) hasManagedRoom() bool {
	return slices.ContainsFunc(i.Rooms, func(r Room) bool { return r.Managed && r.State == RoomOpen })
}

// canJoinRoom reports whether a recipient can be invited into a room: a person, or a
// guest whose platform is known ("guest:PLATFORM:ACCOUNT"), but not a webhook or the log.
func canJoinRoom(id string) bool {
	account, isGuest := GuestAccount(id)
	return id != "" && id != "log" && (!strings.Contains(id, ":") || isGuest && strings.Count(account, ":") == 1)
}

// members returns the IDs of the people who belong in the rooms, each once: reporter,
// holders of roles, acknowledger, invited and paged people. It is never nil.
func (i *Incident) members() []string {
	all := make([]string, 0, 8)
	add := func(id string) {
		if canJoinRoom(id) && !slices.Contains(all, id) && len(all) < maxInvited {
			all = append(all, id)
		}
	}
	add(i.Reporter.Person)
	if i.Reporter.Person == "" && i.Reporter.Handle != "" {
		add(GuestID(i.Reporter.Handle))
	}
	roles := make([]string, 0, len(i.Roles))
	for _, person := range i.Roles {
		roles = append(roles, person)
	}
	slices.Sort(roles)
	for _, person := range roles {
		add(person)
	}
	add(i.Acknowledgement.Person)
	for _, person := range i.Invited {
		add(person)
	}
	for _, p := range i.Paging.Pages {
		if p.Purpose != PurposeNotice && p.State != DeliveryPlanned && p.State != DeliveryStandby {
			add(p.To)
		}
	}
	return all
}
