package bottest

import (
	"context"
	"encoding/json"
	"fmt"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/dispatch"
	"tocsin/workflow"
)

// message is one thing that somebody says in a room, as a platform delivers it:
// under one operation, again until there is an answer, and now and then once
// more after that.
type sentMessage struct {
	who, incident, text, operation string
	taken                          bool // answered OK
	unclear                        bool // a delivery ended without an answer: its place depends on when it was taken
}

// talk lets somebody say something, or a platform deliver again what somebody
// said earlier.
func (w *World) sendMessage(ctx context.Context, n int) {
	var m *sentMessage
	if len(w.messages) > 0 && w.rng.IntN(4) == 0 {
		m = w.messages[w.rng.IntN(len(w.messages))]
	} else {
		w.operations++
		m = &sentMessage{
			who: []string{"ana", "ben", "dan"}[w.rng.IntN(3)], incident: fmt.Sprintf("INC-%d", 1+w.rng.IntN(4)),
			text: fmt.Sprintf("line %d", w.operations), operation: fmt.Sprintf("say %d", w.operations),
		}
		w.messages = append(w.messages, m)
	}
	for range 1 + w.rng.IntN(6) {
		answered := false
		w.runOn(n, func(r *replica) {
			speaker, _ := access.Person(r.bot.Organization(), m.who)
			reply, err := r.bot.Dispatcher.WriteMessage(ctx, dispatch.Request{Text: m.text, Room: m.incident, Speaker: speaker, Operation: m.operation})
			if err != nil {
				w.logf("%s says %q in %s: %v", m.who, m.text, m.incident, err)
				return
			}
			answered = true
			w.logf("%s says %q in %s: %v", m.who, m.text, m.incident, reply.OK)
			if reply.OK && !m.taken {
				m.taken = true
				w.accepted = append(w.accepted, m)
			}
		})
		if answered {
			return
		}
		n = w.rng.IntN(len(w.replicas))
	}
	m.unclear = true
}

// conversation: what was said and answered is there once, in the order of the
// answers to its speaker; and Tocsin's own posts tell of every event that is
// worth one, in order, each once.
func (w *World) checkConversation(ctx context.Context, i workflow.Incident, events []workflow.Event) {
	said, err := w.store.base.Messages(ctx, i.ID, 0, 1_000_000)
	if err != nil {
		w.fail("the conversation of %s: %v", i.ID, err)
	}
	place, told := map[string]int{}, map[int]bool{}
	last := 0
	for n, one := range said {
		var r bot.Message
		if err := json.Unmarshal(one.Body, &r); err != nil || one.Seq != n+1 || r.Text == "" || r.Name == "" {
			w.fail("X1: message %d of %s: %+v %v", n+1, i.ID, r, err)
		}
		if r.Event == 0 {
			if place[r.Text] > 0 {
				w.fail("X1: %q is in the conversation of %s twice", r.Text, i.ID)
			}
			place[r.Text] = one.Seq
			continue
		}
		if r.Event <= last || r.Through < r.Event {
			w.fail("X1: events %d to %d of %s are posted after event %d", r.Event, r.Through, i.ID, last)
		}
		last = r.Through
		for seq := r.Event; seq <= last; seq++ {
			told[seq] = true
		}
	}
	w.checkOrder(i.ID, place)
	w.checkPosts(i, events, "web", told)
}

// inOrder checks what was said in one room against what was answered.
func (w *World) checkOrder(incident string, place map[string]int) {
	last := map[string]int{}
	for _, m := range w.accepted {
		at := place[m.text]
		switch {
		case m.incident != incident:
			if at > 0 {
				w.fail("X1: %q was said in %s and is in %s", m.text, m.incident, incident)
			}
		case at == 0:
			w.fail("X1: %q was taken in %s, and is not there", m.text, incident)
		case m.unclear:
		case at < last[m.who]:
			w.fail("X1: %q of %s is in %s before what was answered earlier", m.text, m.who, incident)
		default:
			last[m.who] = at
		}
	}
}

// allTold: while its room is there or on its way, a platform was told of every
// event that is worth it. What had not reached a room that was left or put away
// is in the timeline alone.
func (w *World) checkPosts(i workflow.Incident, events []workflow.Event, platform string, told map[int]bool) {
	has, away, missed := false, false, []workflow.Event(nil)
	for _, e := range events {
		switch f := e.Fact.(type) {
		case workflow.RoomWanted:
			has = has || f.Platform == platform
		case workflow.RoomOpened:
			has = has || f.Room.Platform == platform
		case workflow.RoomUnavailable:
			has = has && f.Platform != platform
		case workflow.RoomArchived:
			if f.Platform == platform {
				has, away, missed = false, true, nil
			}
		case workflow.RoomAbandoned:
			if f.Platform == platform {
				has, away, missed = false, false, nil
			}
			if platform == "web" && !told[e.Seq] {
				missed = append(missed, e)
			}
		case workflow.IncidentReopened:
			if has = has || away; has && !told[e.Seq] {
				missed = append(missed, e)
			}
		case workflow.LifecycleFact, workflow.AlertFact, workflow.PagingFact, workflow.RoomFact, workflow.RecordFact, workflow.UnknownFact:
			if has && workflow.IsPosted(e.Fact) && !told[e.Seq] {
				missed = append(missed, e)
			}
		}
	}
	for _, e := range missed {
		w.fail("X1: event %d of %s (%s) is not posted to %s", e.Seq, i.ID, workflow.FactKind(e.Fact), platform)
	}
}

// givenUp: what a platform refused for good is on record.
func (w *World) checkGivenUp(i workflow.Incident, events []workflow.Event) {
	said := 0
	for _, e := range events {
		switch e.Fact.(type) {
		case workflow.EffectGivenUp:
			said++
		case workflow.RoomAbandoned, workflow.RoomArchived: // it may not have come to that
			return
		case workflow.LifecycleFact, workflow.AlertFact, workflow.PagingFact, workflow.RoomFact, workflow.RecordFact, workflow.UnknownFact:
		}
	}
	if refused := len(w.chat.refused[i.ID]); said < refused {
		w.fail("X1: %d posts of %s were refused, and it says so %d times", refused, i.ID, said)
	}
}

// BuiltinRooms are the conversations in the store, as the browser's rooms are:
// nothing is ever owed to them.
type BuiltinRooms struct{}

// Room implements [bot.BuiltinRooms].
func (BuiltinRooms) Room(incident, url string) workflow.Room {
	return workflow.Room{Platform: "web", ID: incident, Name: incident, URL: url + "/incidents/" + incident}
}
