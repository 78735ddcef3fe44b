package rooms_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// marks are the characters between which a time stands in a text that several
// people read.
const marks = "\U0010FE00\U0010FE01\U0010FE02\U0010FE03"

// TestTimesOfRooms: rooms on a platform are given times that each reader sees
// in their own zone. Nobody else is: not our own conversation, no platform that
// does not look after its rooms, no page, no reply.
func TestTimesOfRooms(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	g, plain := &glass{kinds: map[string]bool{}}, &hall{platform: "irc"}
	w.Restart(map[string]bot.Chat{"slack": g, "irc": plain}, map[string]bot.BuiltinRooms{"web": ours{&hall{}}})
	var replies []string
	for _, line := range []string{
		"declare Checkout is down --sev 1 --service checkout", "ack INC-1", "update INC-1 rolling back --next 10m", "show INC-1", "timeline INC-1", "timers INC-1", "who INC-1", "list",
		"resolve INC-1 rolled back",
	} {
		replies = append(replies, w.Say("ana", line).Text)
		for range 10 {
			w.Advance(time.Second)
		}
	}
	posts, cards := 0, 0
	for line := range strings.Lines(g.outside.String()) {
		what, _, _ := strings.Cut(line, " ")
		stamps := strings.ContainsAny(line, marks)
		switch {
		case what == "post" && stamps:
			posts++
		case what == "show" && stamps:
			cards++
		case stamps:
			t.Errorf("%s", line)
		case what == "show":
			t.Errorf("a card without stamps: %s", line)
		}
	}
	if posts < 2 || cards < 4 {
		t.Errorf("%d posts and %d cards have stamps", posts, cards)
	}
	if len(plain.posts) == 0 || len(w.Paged) == 0 {
		t.Errorf("%d posts, %d pages", len(plain.posts), len(w.Paged))
	}
	if said := strings.Join(append(plain.posts, replies...), "\n"); strings.ContainsAny(said, marks) || !strings.Contains(said, " UTC") {
		t.Errorf("said: %+q", said)
	}
	ana := w.Person("ana")
	talk, err := w.Conversation.List(t.Context(), "INC-1", ana, 0, 100)
	if err != nil || len(talk) == 0 {
		t.Fatalf("%d remarks, %v", len(talk), err)
	}
	events, err := w.Incidents.Timeline(t.Context(), "INC-1", ana)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := json.Marshal(map[string]any{"talk": talk, "events": events, "pages": w.Paged})
	if err != nil || strings.ContainsAny(string(kept), marks) {
		t.Errorf("kept: %+q, %v", kept, err)
	}
}

// TestCardIsTheSame: a card that says the same has the same hash, whenever it
// is drawn.
func TestCardIsTheSame(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Restart(map[string]bot.Chat{"slack": &glass{kinds: map[string]bool{}}}, nil)
	w.Say("ana", "declare Checkout is down --sev 1 --service checkout")
	w.Say("ana", "update INC-1 rolling back --next 10m")
	i, err := w.LoadUnchecked(t.Context(), "INC-1")
	if err != nil {
		t.Fatal(err)
	}
	for _, place := range []workflow.Place{workflow.InRoom, workflow.Announce} {
		d := workflow.ShowCard{Platform: "slack", Place: place}
		_, before := w.Rooms.Card(i, d)
		w.Clock = w.Clock.Add(200 * 24 * time.Hour)
		if c, after := w.Rooms.Card(i, d); after != before || !strings.ContainsAny(string(mustJSON(t, c)), marks) {
			t.Errorf("%q has the hash %s, and had %s: %+v", place, after, before, c)
		}
		later := i
		later.DeclaredAt = i.DeclaredAt.Add(time.Second)
		if _, other := w.Rooms.Card(later, d); other == before {
			t.Errorf("%q: another time has the same hash", place)
		}
	}
}

func mustJSON(t *testing.T, v any) []byte {
	t.Helper()
	raw, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}
