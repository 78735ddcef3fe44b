package workflow_test

import (
	"fmt"
	"testing"

	. "tocsin/workflow"
)

// TestP2MaySay: what is private is said in open rooms that only its members see,
// and never where incidents are announced (rule P2).
func TestP2MaySay(t *testing.T) {
	announced := []RoomStep{{Name: StepAnnounce}}
	for _, c := range []struct {
		visibility Visibility
		room       Room
		place      Place
		may        bool
	}{
		{Public, Room{State: RoomOpen, Hosted: true}, InRoom, true},
		{Public, Room{State: RoomOpen, Hosted: true, Private: true}, InRoom, true},
		{Public, Room{State: RoomRequested, Hosted: true}, InRoom, false},
		{Public, Room{State: RoomFailed, Hosted: true}, InRoom, false},
		{Public, Room{State: RoomWasArchived, Hosted: true}, InRoom, false},
		{Private, Room{State: RoomOpen, Hosted: true}, InRoom, false},
		{Private, Room{State: RoomOpen, Hosted: true, Private: true}, InRoom, true},
		{Private, Room{State: RoomOpen}, InRoom, true}, // our own, which shows it to members alone
		{Public, Room{State: RoomRequested, Hosted: true, Steps: announced}, Announce, true},
		{Public, Room{State: RoomOpen, Hosted: true}, Announce, false},
		{Public, Room{State: RoomOpen, Hosted: true, Steps: []RoomStep{{Name: StepAnnounce, State: StepFailed}}}, Announce, false},
		{Private, Room{State: RoomOpen, Hosted: true, Private: true, Steps: announced}, Announce, false},
	} {
		c.room.Platform = "slack"
		i := Incident{ID: "INC-1", Visibility: c.visibility, Rooms: []Room{c.room}}
		if may := i.MaySay("slack", c.place); may != c.may {
			t.Errorf("%s, %q, %+v: %v", c.visibility, c.place, c.room, may)
		}
		if i.MaySay("discord", c.place) {
			t.Error("something may be said where there is no room")
		}
	}
}

// TestAwaits: somebody is waited for from when they are paged until they, or for
// an answer anybody, have answered.
func TestAwaits(t *testing.T) {
	for _, c := range []struct {
		page   PageState
		acked  string
		awaits bool
	}{
		{PageState{Purpose: ToAnswer, State: Owed}, "", true},
		{PageState{Purpose: ToAnswer, State: Arrived}, "", true},
		{PageState{Purpose: ToAnswer, State: Lost}, "", true},
		{PageState{Purpose: ToAnswer, State: Arrived}, "ben", false},
		{PageState{Purpose: ToAnswer, State: Planned}, "", false},
		{PageState{Purpose: ToAnswer, State: Withdrawn}, "", false},
		{PageState{Purpose: ToKnow, State: Arrived}, "", false},
		{PageState{Purpose: ToJoin, State: Arrived}, "ben", true},
		{PageState{Purpose: ToJoin, State: Arrived, Why: "answered"}, "ben", false},
	} {
		c.page.To = "ana"
		i := Incident{AcknowledgedBy: c.acked, Paging: Escalation{Pages: []PageState{c.page}}}
		if i.Awaits("ana") != c.awaits || i.Awaits("cleo") || i.Awaits("") {
			t.Error(fmt.Sprintf("%+v, acknowledged by %q:", c.page, c.acked), i.Awaits("ana"))
		}
	}
}
