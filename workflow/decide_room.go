package workflow

import "slices"

func (t *transition) decideRoom(c RoomCommand) error {
	switch c := c.(type) {
	case RoomReady:
		t.handleRoomReady(c)
	case RoomRefused:
		t.handleRoomRefused(c)
	case RoomClosed:
		t.handleRoomClosed(c)
	case RoomStepEnded:
		t.handleRoomStepEnded(c)
	case RoomCardReplaced:
		t.pinAgain(c)
	case RetryRooms:
		return t.retryRooms()
	}
	return nil
}

// handleRoomRefused records that a room could not be opened. One that waits for an
// operator is recorded once for each reason (E4g: what an operator can fix waits).
func (t *transition) handleRoomRefused(c RoomRefused) {
	f := RoomUnavailable{Platform: cleanName(c.Platform), Why: cleanLabel(c.Why, MaxTitle), Waiting: c.Waiting}
	if r, ok := t.incident.Room(f.Platform); f.Waiting && (!ok || r.State != RoomRequested || r.Why == excerpt(f.Why, 200)) {
		return
	}
	t.record(f)
}

// handleRoomClosed records that the incident's room was archived, by Tocsin or by a
// person on the platform.
func (t *transition) handleRoomClosed(c RoomClosed) {
	r, ok := t.incident.Room(c.Platform)
	if ok && r.ID == c.ID && r.Managed && (r.State == RoomOpen || r.State == RoomRequested && c.Seq > 0) {
		t.record(RoomArchived(c))
	}
}

// requestRooms requests a room on every connected platform that has none yet, and takes
// in built-in rooms. It runs at the end of each step, so that a platform which is
// connected later gets its rooms at the next step of each open incident (G2: one room
// per platform).
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

// roomRequest returns the fact that requests a room of a platform. A private incident
// is not announced (P2: private means members only).
func roomRequest(p Platform, v Visibility) RoomWanted {
	f := RoomWanted{Platform: cleanName(p.Name), ArchiveAfter: p.ArchiveAfter, Private: v == Private}
	for _, name := range p.Steps {
		if name != StepAnnounce || !f.Private {
			f.Steps = append(f.Steps, RoomStep{Name: name})
		}
	}
	return f
}

// isBuiltin reports whether the rooms of a platform exist without being opened.
func (t *transition) isBuiltin(platform string) bool {
	return slices.ContainsFunc(t.in.Known.Rooms, func(r Room) bool { return r.Platform == platform })
}

// roomOpenedFact returns the fact that a room is open, with its texts cut to the length
// that is stored.
func roomOpenedFact(r Room) RoomOpened {
	return RoomOpened{Room: Room{
		Platform: cleanName(r.Platform), ID: cleanLabel(r.ID, 200), Name: cleanLabel(r.Name, 100), URL: cleanLabel(r.URL, maxURL), State: RoomOpen, Private: r.Private,
	}}
}

// handleRoomReady records that a room is open, and invites the people of the severity.
// If the incident has become private meanwhile and the room is public, the room is
// abandoned and a private one requested (P2: private means members only). So is a room
// that the incident does not want any more.
func (t *transition) handleRoomReady(c RoomReady) {
	r, wanted := t.incident.Room(c.Platform)
	if wanted && r.State == RoomOpen && r.ID == c.ID {
		return
	}
	f := roomOpenedFact(Room{Platform: c.Platform, ID: c.ID, Name: c.Name, URL: c.URL, Private: c.Private})
	if !t.isBuiltin(c.Platform) && (!wanted || t.incident.Visibility == Private && !c.Private) {
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

// handleRoomStepEnded records the result of a step of setting up a room, unless it is
// the same as before.
func (t *transition) handleRoomStepEnded(c RoomStepEnded) {
	r, ok := t.incident.Room(c.Platform)
	if !ok {
		return
	}
	f := RoomStepFinished{Platform: r.Platform, Step: c.Step, Why: cleanLabel(c.Why, maxLine), Waiting: c.Waiting}
	s, ok := r.Step(c.Step)
	if !ok || s.State == StepDone && (f.Why == "" || f.Waiting) || s.State == StepFailed && s.Why == f.Why || f.Waiting && s.Why == excerpt(f.Why, 200) {
		return
	}
	t.record(f)
}

// pinAgain pins a card that was written anew, if the one before was to be pinned.
func (t *transition) pinAgain(c RoomCardReplaced) {
	r, ok := t.incident.Room(c.Platform)
	if s, pins := r.Step(StepPin); ok && pins && s.State != "" {
		t.recordBySystem(RoomStepRetried{Platform: r.Platform, Step: StepPin})
	}
}

// retryRooms requests the rooms that failed again, and repeats the failed steps of the
// others.
func (t *transition) retryRooms() error {
	retried := false
	for _, r := range slices.Clone(t.incident.Rooms) {
		platform := slices.IndexFunc(t.in.Known.Platforms, func(p Platform) bool { return p.Name == r.Platform })
		builtin := slices.IndexFunc(t.in.Known.Rooms, func(k Room) bool { return k.Platform == r.Platform })
		if r.State == RoomFailed && builtin >= 0 {
			t.record(roomOpenedFact(t.in.Known.Rooms[builtin]))
			retried = true
			continue
		}
		if r.State == RoomFailed && platform >= 0 && t.incident.IsOpen() {
			t.record(roomRequest(t.in.Known.Platforms[platform], t.incident.Visibility))
			retried = true
			continue
		}
		for _, s := range r.Steps {
			if s.State == StepFailed {
				t.record(RoomStepRetried{Platform: r.Platform, Step: s.Name})
				retried = true
			}
		}
	}
	if why := t.incident.roomWaitsFor(); !retried && why != "" {
		return refuse("A room of "+t.incident.ID+" waits: "+why+".", "It is tried again by itself, and succeeds once that is fixed.")
	}
	if !retried {
		return refuse("No room of "+t.incident.ID+" has failed.", "`show` lists its rooms.")
	}
	return nil
}

// roomWaitsFor returns what an operator has to fix before a room can be opened or set up;
// "" if no room waits.
func (i *Incident) roomWaitsFor() string {
	for _, r := range i.Rooms {
		if r.State == RoomRequested && r.Why != "" {
			return r.Why
		}
		for _, s := range r.Steps {
			if s.State == "" && s.Why != "" {
				return s.Why
			}
		}
	}
	return ""
}

// replacePublicRooms replaces the public rooms of an incident that is about to become
// private by private ones (P2: private means members only). Rooms that are requested
// and not open yet become private without being replaced.
func (t *transition) replacePublicRooms() {
	for _, r := range slices.Clone(t.incident.Rooms) {
		if r.Managed && !r.Private && r.ID != "" {
			t.abandonRoom(r.Platform, r.ID)
		}
	}
}

// abandonRoom gives up a public room, and requests a private one if the incident is
// still open. The step for the announcement moves to the new room, because the card
// that was announced must still be emptied.
func (t *transition) abandonRoom(platform, id string) {
	r, _ := t.incident.Room(platform)
	t.recordBySystem(RoomAbandoned{Platform: cleanName(platform), ID: id})
	n := slices.IndexFunc(t.in.Known.Platforms, func(p Platform) bool { return p.Name == platform })
	if _, ok := t.incident.Room(platform); ok || n < 0 || !t.incident.IsOpen() {
		return
	}
	f := roomRequest(t.in.Known.Platforms[n], Private)
	if s, ok := r.Step(StepAnnounce); ok && s.State != StepFailed {
		f.Steps = append(f.Steps, s)
	}
	t.recordBySystem(f)
}

// announcePublic announces an incident that is not private any more.
func (t *transition) announcePublic() {
	for _, p := range t.in.Known.Platforms {
		r, ok := t.incident.Room(p.Name)
		if ok && r.Managed && slices.Contains(p.Steps, StepAnnounce) && !r.hasStep(StepAnnounce) {
			t.recordBySystem(RoomStepRetried{Platform: r.Platform, Step: StepAnnounce})
		}
	}
}

// archiveDueRooms records that the rooms whose delay has passed are to be archived.
func (t *transition) archiveDueRooms() {
	for _, r := range slices.Clone(t.incident.Rooms) {
		if !r.ArchiveAt.IsZero() && !r.ArchiveAt.After(t.in.At) {
			t.recordBySystem(RoomArchiveDue{Platform: r.Platform, ID: r.ID, LateBy: lateness(r.ArchiveAt, t.in.At)})
		}
	}
}
