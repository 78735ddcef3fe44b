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
		{Public, Room{State: RoomOpen, Managed: true}, InRoom, true},
		{Public, Room{State: RoomOpen, Managed: true, Private: true}, InRoom, true},
		{Public, Room{State: RoomRequested, Managed: true}, InRoom, false},
		{Public, Room{State: RoomFailed, Managed: true}, InRoom, false},
		{Public, Room{State: RoomIsArchived, Managed: true}, InRoom, false},
		{Private, Room{State: RoomOpen, Managed: true}, InRoom, false},
		{Private, Room{State: RoomOpen, Managed: true, Private: true}, InRoom, true},
		{Private, Room{State: RoomOpen}, InRoom, true}, // our own, which shows it to members alone
		{Public, Room{State: RoomRequested, Managed: true, Steps: announced}, Announce, true},
		{Public, Room{State: RoomOpen, Managed: true}, Announce, false},
		{Public, Room{State: RoomOpen, Managed: true, Steps: []RoomStep{{Name: StepAnnounce, State: StepFailed}}}, Announce, false},
		{Private, Room{State: RoomOpen, Managed: true, Private: true, Steps: announced}, Announce, false},
	} {
		c.room.Platform = "slack"
		i := Incident{ID: "INC-1", Visibility: c.visibility, Rooms: []Room{c.room}}
		if may := i.CanPost("slack", c.place); may != c.may {
			t.Errorf("%s, %q, %+v: %v", c.visibility, c.place, c.room, may)
		}
		if i.CanPost("discord", c.place) {
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
		{PageState{Purpose: PurposeEscalation, State: DeliveryQueued}, "", true},
		{PageState{Purpose: PurposeEscalation, State: DeliveryAccepted}, "", true},
		{PageState{Purpose: PurposeEscalation, State: DeliveryFailed}, "", true},
		{PageState{Purpose: PurposeEscalation, State: DeliveryAccepted}, "ben", false},
		{PageState{Purpose: PurposeEscalation, State: DeliveryPlanned}, "", false},
		{PageState{Purpose: PurposeEscalation, State: DeliveryCanceled}, "", false},
		{PageState{Purpose: PurposeNotice, State: DeliveryAccepted}, "", false},
		{PageState{Purpose: PurposeJoin, State: DeliveryAccepted}, "ben", true},
		{PageState{Purpose: PurposeJoin, State: DeliveryAccepted, Why: "answered"}, "ben", false},
	} {
		c.page.To = "ana"
		i := Incident{Acknowledgement: Acknowledgement{Person: c.acked}, Paging: Escalation{Pages: []PageState{c.page}}}
		if i.IsAwaiting("ana") != c.awaits || i.IsAwaiting("cleo") || i.IsAwaiting("") {
			t.Error(fmt.Sprintf("%+v, acknowledged by %q:", c.page, c.acked), i.IsAwaiting("ana"))
		}
	}
}
