package workflow_test

import (
	"testing"

	. "tocsin/workflow"
)

// TestP2CanPost: messages about a private incident are posted into open rooms that only
// its members see, and never where incidents are announced (P2: private means members
// only).
func TestP2CanPost(t *testing.T) {
	announced := []RoomStep{{Name: StepAnnounce}}
	for _, c := range []struct {
		visibility Visibility
		room       Room
		place      Place
		want       bool
	}{
		{Public, Room{State: RoomOpen, Managed: true}, InRoom, true},
		{Public, Room{State: RoomOpen, Managed: true, Private: true}, InRoom, true},
		{Public, Room{State: RoomRequested, Managed: true}, InRoom, false},
		{Public, Room{State: RoomFailed, Managed: true}, InRoom, false},
		{Public, Room{State: RoomIsArchived, Managed: true}, InRoom, false},
		{Private, Room{State: RoomOpen, Managed: true}, InRoom, false},
		{Private, Room{State: RoomOpen, Managed: true, Private: true}, InRoom, true},
		{Private, Room{State: RoomOpen}, InRoom, true}, // a built-in room, which members alone can see
		{Public, Room{State: RoomRequested, Managed: true, Steps: announced}, Announce, true},
		{Public, Room{State: RoomOpen, Managed: true}, Announce, false},
		{Public, Room{State: RoomOpen, Managed: true, Steps: []RoomStep{{Name: StepAnnounce, State: StepFailed}}}, Announce, false},
		{Private, Room{State: RoomOpen, Managed: true, Private: true, Steps: announced}, Announce, false},
	} {
		c.room.Platform = "slack"
		i := Incident{ID: "INC-1", Visibility: c.visibility, Rooms: []Room{c.room}}
		if got := i.CanPost("slack", c.place); got != c.want {
			t.Errorf("CanPost(%q) of a %s incident with %+v is %v", c.place, c.visibility, c.room, got)
		}
		if i.CanPost("discord", c.place) {
			t.Errorf("CanPost(%q) is true on a platform without a room", c.place)
		}
	}
}

// TestIsAwaiting: an answer is awaited from a person who was paged, until any person has
// acknowledged, or until this one has answered a page to join.
func TestIsAwaiting(t *testing.T) {
	for _, c := range []struct {
		page           PageState
		acknowledgedBy string
		want           bool
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
		i := Incident{Acknowledgement: Acknowledgement{Person: c.acknowledgedBy}, Paging: Escalation{Pages: []PageState{c.page}}}
		if got := i.IsAwaiting("ana"); got != c.want {
			t.Errorf("IsAwaiting(ana) is %v for %+v, acknowledged by %q", got, c.page, c.acknowledgedBy)
		}
		if i.IsAwaiting("cleo") || i.IsAwaiting("") {
			t.Errorf("IsAwaiting is true for a person who was not paged: %+v", c.page)
		}
	}
}
