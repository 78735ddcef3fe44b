package workflow

import (
	"slices"
	"time"
)

// applyRoom applies facts about rooms.
func (i *Incident) applyRoom(e Event, f RoomFact) {
	switch f := f.(type) {
	case RoomWanted:
		r := Room{Platform: f.Platform, State: RoomRequested, Managed: true, Private: f.Private, Steps: slices.Clone(f.Steps), ArchiveAfter: f.ArchiveAfter}
		i.setRoom(r)
	case RoomOpened:
		i.applyRoomOpened(e.At, f)
	case RoomUnavailable:
		i.updateRoom(f.Platform, func(r *Room) {
			if r.Why = excerpt(f.Why, 200); !f.Waiting {
				r.State = RoomFailed
			}
		})
	case RoomStepFinished:
		i.updateRoom(f.Platform, func(r *Room) { r.setStep(f) })
	case RoomStepRetried:
		i.updateRoom(f.Platform, func(r *Room) { r.clearStep(f.Step) })
	case RoomAbandoned:
		i.Rooms = slices.DeleteFunc(i.Rooms, func(r Room) bool {
			return r.Platform == f.Platform && (r.ID == f.ID || r.ID == "" && r.State == RoomRequested)
		})
	case RoomArchiveDue:
		i.updateRoom(f.Platform, func(r *Room) { r.ArchiveAt = time.Time{} })
	case RoomArchived:
		i.updateRoom(f.Platform, func(r *Room) {
			if r.State, r.ArchiveAt = RoomIsArchived, (time.Time{}); i.IsOpen() {
				r.State = RoomRequested
			}
		})
	}
}

// hideRooms sets whether the rooms that are requested and not open yet will be private.
func (i *Incident) hideRooms(private bool) {
	for n := range i.Rooms {
		if r := &i.Rooms[n]; r.Managed && r.ID == "" {
			r.Private = private
		}
	}
}

// applyRoomOpened keeps the settings and steps with which the room was requested. If it
// is another room than before, it is set up from the start; the announcement stays.
func (i *Incident) applyRoomOpened(at time.Time, f RoomOpened) {
	r := f.Room
	if was, ok := i.Room(f.Platform); ok {
		r.Managed, r.Steps, r.ArchiveAfter = was.Managed, was.Steps, was.ArchiveAfter
		if was.ID != "" && was.ID != f.ID {
			for n := range r.Steps {
				if r.Steps[n].Name != StepAnnounce {
					r.Steps[n] = RoomStep{Name: r.Steps[n].Name}
				}
			}
		}
	}
	i.setRoom(r)
	if !i.IsOpen() && i.Status != Resolved {
		i.scheduleRoomArchive(at)
	}
}

// setRoom adds a room, or replaces the one on the same platform.
func (i *Incident) setRoom(r Room) {
	if n := i.findRoom(r.Platform); n >= 0 {
		i.Rooms[n] = r
		return
	}
	i.Rooms = append(i.Rooms, r)
}

// updateRoom changes the room on a platform, if there is one.
func (i *Incident) updateRoom(platform string, change func(*Room)) {
	if n := i.findRoom(platform); n >= 0 {
		change(&i.Rooms[n])
	}
}

// setStep sets the result of a step. One that waits for an operator has none yet.
func (r *Room) setStep(f RoomStepFinished) {
	state := StepDone
	switch {
	case f.Waiting:
		state = ""
	case f.Why != "":
		state = StepFailed
	}
	for n := range r.Steps {
		if r.Steps[n].Name == f.Step {
			r.Steps[n].State, r.Steps[n].Why = state, excerpt(f.Why, 200)
		}
	}
}

// clearStep adds a step without a result, in place of an earlier one of that name.
func (r *Room) clearStep(name string) {
	r.Steps = append(slices.DeleteFunc(r.Steps, func(s RoomStep) bool { return s.Name == name }), RoomStep{Name: name})
}

// scheduleRoomArchive sets when the rooms of an incident that has ended are archived.
func (i *Incident) scheduleRoomArchive(at time.Time) {
	for n := range i.Rooms {
		if r := &i.Rooms[n]; r.ArchiveAfter > 0 && r.State == RoomOpen {
			r.ArchiveAt = at.Add(r.ArchiveAfter)
		}
	}
}

// reopenRooms keeps the rooms of an incident that is active again, and requests those
// that were archived.
func (i *Incident) reopenRooms() {
	for n := range i.Rooms {
		r := &i.Rooms[n]
		r.ArchiveAt = time.Time{}
		if r.State == RoomIsArchived {
			r.State = RoomRequested
		}
	}
}
