package workflow

import "slices"

func (t *transition) decideRoom(c RoomCommand) error {
	switch c := c.(type) {
	case RoomReady:
		t.handleRoomReady(c)
	case RoomRefused:
		t.record(RoomUnavailable{Platform: cleanName(c.Platform), Why: cleanLabel(c.Why, MaxTitle)})
	case RoomClosed:
		t.handleRoomClosed(c)
	case RoomStepEnded:
		t.handleRoomStepEnded(c)
	case RetryRooms:
		return t.retryRooms()
	}
	return nil
}

// roomClosed notes that the incident's room was archived, by Tocsin or by hand.
func (t *transition) handleRoomClosed(c RoomClosed) {
	r, ok := t.incident.Room(c.Platform)
	if ok && r.ID == c.ID && r.Managed && (r.State == RoomOpen || r.State == RoomRequested && c.Seq > 0) {
		t.record(RoomArchived(c))
	}
}

// wantRooms asks every platform that is connected for a room, unless it was
// asked before: one that is connected later opens its rooms at the next step of
// each running incident. Rooms that are always there need no asking.
func (t *transition) requestRooms() {
	if !t.incident.IsOpen() {
		return
	}
	for _, r := range t.in.Known.Rooms {
		if t.incident.findRoom(r.Platform) < 0 {
			t.recordBySystem(roomOpenedFact(r))
		}
	}
	for _, p := range t.in.Known.Platforms {
		if t.incident.findRoom(p.Name) < 0 {
			t.recordBySystem(roomRequest(p, t.incident.Visibility))
		}
	}
}

// wanted asks a platform for a room. A private incident is not announced.
func roomRequest(p Platform, v Visibility) RoomWanted {
	f := RoomWanted{Platform: cleanName(p.Name), ArchiveAfter: p.ArchiveAfter, Private: v == Private}
	for _, name := range p.Steps {
		if name != StepAnnounce || !f.Private {
			f.Steps = append(f.Steps, RoomStep{Name: name})
		}
	}
	return f
}

// standing reports a room that is always there.
func (t *transition) isBuiltin(platform string) bool {
	return slices.ContainsFunc(t.in.Known.Rooms, func(r Room) bool { return r.Platform == platform })
}

// opened is the fact that a room is there, with its texts as short as they are
// kept.
func roomOpenedFact(r Room) RoomOpened {
	return RoomOpened{Room: Room{
		Platform: cleanName(r.Platform), ID: cleanLabel(r.ID, 200), Name: cleanLabel(r.Name, 100), URL: cleanLabel(r.URL, maxURL), State: RoomOpen, Private: r.Private,
	}}
}

// roomReady notes that a room is there. One that everybody sees is no room for
// an incident that has become private meanwhile (rule P2): another is on its
// way.
func (t *transition) handleRoomReady(c RoomReady) {
	if r, ok := t.incident.Room(c.Platform); ok && r.State == RoomOpen && r.ID == c.ID {
		return
	}
	f := roomOpenedFact(Room{Platform: c.Platform, ID: c.ID, Name: c.Name, URL: c.URL, Private: c.Private})
	if t.incident.Visibility == Private && !c.Private && !t.isBuiltin(c.Platform) {
		t.abandonRoom(c.Platform, f.ID)
		return
	}
	if t.incident.Visibility != Private {
		for _, target := range t.in.Known.Plan.Severity(t.incident.Severity).Invite {
			for _, r := range t.in.Known.Answers[target].Recipients {
				if canJoinRoom(r.ID) && !slices.Contains(f.Invite, r.ID) && len(f.Invite) < maxInvited {
					f.Invite = append(f.Invite, r.ID)
				}
			}
		}
	}
	t.record(f)
}

// furnished notes how a step of a room went.
func (t *transition) handleRoomStepEnded(c RoomStepEnded) {
	r, ok := t.incident.Room(c.Platform)
	if !ok {
		return
	}
	f := RoomStepFinished{Platform: r.Platform, Step: c.Step, Why: cleanLabel(c.Why, maxLine)}
	s, ok := r.Step(c.Step)
	if !ok || s.State == StepDone && f.Why == "" || s.State == StepFailed && s.Why == f.Why {
		return
	}
	t.record(f)
}

// retryRooms tries again what could not be done.
func (t *transition) retryRooms() error {
	tried := false
	for _, r := range slices.Clone(t.incident.Rooms) {
		n := slices.IndexFunc(t.in.Known.Platforms, func(p Platform) bool { return p.Name == r.Platform })
		stands := slices.IndexFunc(t.in.Known.Rooms, func(k Room) bool { return k.Platform == r.Platform })
		if r.State == RoomFailed && stands >= 0 {
			t.record(roomOpenedFact(t.in.Known.Rooms[stands]))
			tried = true
			continue
		}
		if r.State == RoomFailed && n >= 0 && t.incident.IsOpen() {
			t.record(roomRequest(t.in.Known.Platforms[n], t.incident.Visibility))
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
		return refuse("Nothing of "+t.incident.ID+"'s rooms has failed.", "`show` says how they are.")
	}
	return nil
}

// rehouse gives an incident that is about to become private rooms that only
// members see, and leaves the others (rule P2). Those on their way will be such
// rooms.
func (t *transition) replacePublicRooms() {
	for _, r := range slices.Clone(t.incident.Rooms) {
		if r.Managed && !r.Private && r.ID != "" {
			t.abandonRoom(r.Platform, r.ID)
		}
	}
}

// leave gives a room up that not only members see, and asks for one that is
// private, if there is still something to do in it. An announcement stays, to
// be emptied.
func (t *transition) abandonRoom(platform, id string) {
	r, _ := t.incident.Room(platform)
	t.recordBySystem(RoomAbandoned{Platform: cleanName(platform), ID: id})
	n := slices.IndexFunc(t.in.Known.Platforms, func(p Platform) bool { return p.Name == platform })
	if _, still := t.incident.Room(platform); still || n < 0 || !t.incident.IsOpen() {
		return
	}
	f := roomRequest(t.in.Known.Platforms[n], Private)
	if s, ok := r.Step(StepAnnounce); ok && s.State != StepFailed {
		f.Steps = append(f.Steps, s)
	}
	t.recordBySystem(f)
}

// announce announces an incident that is not private any more.
func (t *transition) announcePublic() {
	for _, p := range t.in.Known.Platforms {
		r, ok := t.incident.Room(p.Name)
		if ok && r.Managed && slices.Contains(p.Steps, StepAnnounce) && !r.hasStep(StepAnnounce) {
			t.recordBySystem(RoomStepRetried{Platform: r.Platform, Step: StepAnnounce})
		}
	}
}

// dueRooms puts rooms away whose time has come.
func (t *transition) archiveDueRooms() {
	for _, r := range slices.Clone(t.incident.Rooms) {
		if !r.ArchiveAt.IsZero() && !r.ArchiveAt.After(t.in.At) {
			t.recordBySystem(RoomArchiveDue{Platform: r.Platform, ID: r.ID})
		}
	}
}
