package rooms_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// fakeChat is a chat platform that records what it is given.
type fakeChat struct {
	platform string
	rooms    []bot.RoomRequest
	posts    []string
}

// OpenRoom implements [bot.Chat].
func (h *fakeChat) OpenRoom(_ context.Context, r bot.RoomRequest) (workflow.Room, error) {
	h.rooms = append(h.rooms, r)
	return workflow.Room{Platform: h.platform, ID: "C-" + r.Incident, Name: r.Name, Private: r.Private}, nil
}

// Post implements [bot.Chat].
func (h *fakeChat) Post(_ context.Context, p bot.RoomPost) error {
	h.posts = append(h.posts, p.Room.ID+" "+p.Content.Title+": "+p.Content.Text)
	return nil
}

// builtinChat is a built-in platform that would record calls.
type builtinChat struct{ *fakeChat }

// Room implements [bot.BuiltinRooms].
func (builtinChat) Room(incident, url string) workflow.Room {
	return workflow.Room{Platform: "web", ID: incident, Name: incident, URL: url + "/incidents/" + incident}
}

// TestPlatformConnectedLater: a platform that is connected while an incident is open
// gets a room at its next step, and posts from then on.
func TestPlatformConnectedLater(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down --service search")
	w.Say("ben", "declare Payroll leak --private --service search")
	w.Say("ben", "declare Search is slow --service search")
	w.Say("ben", "resolve INC-3 it was the cache")
	w.Say("ben", "note INC-1 before")
	slack, web := &fakeChat{platform: "slack"}, &fakeChat{}
	w.Restart(map[string]bot.Chat{"slack": slack}, map[string]bot.BuiltinRooms{"web": builtinChat{web}})
	w.Advance(time.Second) // the pages of the declarations
	w.Say("ben", "note INC-3 hello")
	w.Say("ben", "note INC-1 hello")
	w.Say("ben", "note INC-2 hello")
	w.Say("ben", "note INC-1 again")
	w.Advance(time.Second)
	names := map[string]bool{}
	for _, r := range slack.rooms {
		names[r.Incident+" "+r.Name] = true
		if r.Private != (r.Incident == "INC-2") {
			t.Errorf("%s is opened as private: %v", r.Incident, r.Private)
		}
	}
	if len(slack.rooms) != 2 || !names["INC-1 inc-1-checkout-is-down"] || !names["INC-2 inc-2"] {
		t.Errorf("opened %v", names)
	}
	all := strings.Join(slack.posts, "\n")
	if strings.Contains(all, "before") || strings.Contains(all, "INC-3") || strings.Count(all, "hello") != 2 || strings.Count(all, "C-INC-1 Ben: ") != 2 {
		t.Errorf("posted:\n%s", all)
	}
	if len(web.rooms)+len(web.posts) > 0 {
		t.Errorf("our own rooms are opened %v, and posted to %q", web.rooms, web.posts)
	}
	i, err := w.LoadUnchecked(t.Context(), "INC-3")
	if err != nil || len(i.Rooms) != 0 {
		t.Errorf("what has ended has rooms: %+v %v", i.Rooms, err)
	}
}

// TestRoomRecordsForgotten: the records of a room are deleted with its incident.
func TestRoomRecordsForgotten(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Restart(map[string]bot.Chat{"slack": &fakeChat{platform: "slack"}}, nil)
	w.Say("ben", "declare Checkout is down --service search")
	w.Say("ben", "declare Payroll is down --service search")
	w.Advance(time.Second)
	w.Say("ben", "cancel INC-1 nothing")
	for range 20 {
		w.Advance(time.Hour)
	}
	for n, want := range []string{"INC-1", "INC-2"} {
		if owner, err := w.Rooms.RoomOwner(t.Context(), "slack", fmt.Sprint("C-INC-", n+1)); owner != want || err != nil {
			t.Errorf("the room of %s is that of %q: %v", want, owner, err)
		}
	}
	if gone, err := w.Store.Forget(t.Context(), "INC-1"); !gone || err != nil {
		t.Fatalf("forgotten: %v %v", gone, err)
	}
	if owner, err := w.Rooms.RoomOwner(t.Context(), "slack", "C-INC-1"); !errors.Is(err, bot.ErrNotFound) {
		t.Errorf("the room of a forgotten incident belongs to %q: %v", owner, err)
	}
	all, err := w.Store.Records(t.Context(), "room", "", 10)
	if err != nil || len(all) != 2 || all[0].ID != "INC-2/slack/C-INC-2" || all[1].ID != "slack/C-INC-2" {
		t.Errorf("rooms on record: %+v %v", all, err)
	}
}

// noCardChat is a platform that refuses cards.
type noCardChat struct{ leakDetector }

// ShowCard implements [bot.RoomManager].
func (*noCardChat) ShowCard(context.Context, bot.RoomCard) (string, error) {
	return "", bot.Permanent(errors.New("restricted_action"))
}

// TestNoCardToPin: when a card cannot be written its pin has failed, and no task stays
// pending for ever.
func TestNoCardToPin(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Restart(map[string]bot.Chat{"slack": &noCardChat{}}, nil)
	w.Say("ben", "declare Checkout is down --service search")
	for range 60 {
		w.Advance(time.Second)
	}
	i, err := w.LoadUnchecked(t.Context(), "INC-1")
	if err != nil {
		t.Fatal(err)
	}
	room, _ := i.Room("slack")
	if pin, _ := room.Step(workflow.StepPin); pin.State != workflow.StepFailed || pin.Why != "restricted_action" {
		t.Errorf("the pin is %+v, after %d events", pin, i.Seq)
	}
	w.Say("ben", "cancel INC-1")
	for range 30 {
		w.Advance(time.Hour)
	}
	if gone, err := w.Store.Forget(t.Context(), "INC-1"); !gone || err != nil {
		t.Errorf("it still owes something: %v", err)
	}
}

// noRoomChat is a platform that refuses rooms until opens is set.
type noRoomChat struct {
	leakDetector
	opens bool
}

// OpenRoom implements [bot.Chat].
func (s *noRoomChat) OpenRoom(ctx context.Context, r bot.RoomRequest) (workflow.Room, error) {
	if !s.opens {
		return workflow.Room{}, bot.Permanent(errors.New("missing_scope"))
	}
	return s.leakDetector.OpenRoom(ctx, r)
}

// TestRetriedRoomIsAnnounced: an incident that was announced before its room could be
// opened is announced again with the room, and all setup steps are done.
func TestRetriedRoomIsAnnounced(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	s := &noRoomChat{}
	w.Restart(map[string]bot.Chat{"slack": s}, nil)
	w.Say("ben", "declare Checkout is down --service search")
	for range 10 {
		w.Advance(time.Second)
	}
	s.opens = true
	w.Expect(w.Say("ben", "retry INC-1"), true, "")
	for range 20 {
		w.Advance(time.Second)
	}
	i, err := w.LoadUnchecked(t.Context(), "INC-1")
	if err != nil {
		t.Fatal(err)
	}
	room, _ := i.Room("slack")
	for _, step := range room.Steps {
		if step.State != workflow.StepDone {
			t.Errorf("%s is %q %s", step.Name, step.State, step.Why)
		}
	}
}
