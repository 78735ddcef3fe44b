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

// stampMarks are the characters that enclose a time stamp in a text.
const stampMarks = "\U0010FE00\U0010FE01\U0010FE02\U0010FE03"

// TestRoomStamps: managed rooms get times as stamps. No other text does: conversations,
// platforms that do not manage rooms, pages and replies.
func TestRoomStamps(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	g, plain := &leakDetector{actions: map[string]bool{}}, &fakeChat{platform: "irc"}
	w.Restart(map[string]bot.Chat{"slack": g, "irc": plain}, map[string]bot.BuiltinRooms{"web": builtinChat{&fakeChat{}}})
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
		stamps := strings.ContainsAny(line, stampMarks)
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
	if texts := strings.Join(append(plain.posts, replies...), "\n"); strings.ContainsAny(texts, stampMarks) || !strings.Contains(texts, " UTC") {
		t.Errorf("texts: %+q", texts)
	}
	ana := w.Person("ana")
	talk, err := w.Conversation.List(t.Context(), "INC-1", ana, 0, 100)
	if err != nil || len(talk) == 0 {
		t.Fatalf("%d messages, %v", len(talk), err)
	}
	events, err := w.Incidents.Timeline(t.Context(), "INC-1", ana)
	if err != nil {
		t.Fatal(err)
	}
	kept, err := json.Marshal(map[string]any{"talk": talk, "events": events, "pages": w.Paged})
	if err != nil || strings.ContainsAny(string(kept), stampMarks) {
		t.Errorf("kept: %+q, %v", kept, err)
	}
}

// TestCardHash: a card with the same content has the same hash, whenever it is
// rendered.
func TestCardHash(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Restart(map[string]bot.Chat{"slack": &leakDetector{actions: map[string]bool{}}}, nil)
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
		if c, after := w.Rooms.Card(i, d); after != before || !strings.ContainsAny(string(mustJSON(t, c)), stampMarks) {
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
