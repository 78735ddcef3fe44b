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

// sentMessage is a message that a person sends in a room, as a platform delivers it: under
// one operation, again until there is an answer, and sometimes once more after that.
type sentMessage struct {
	who, incident, text, operation string
	accepted                       bool // answered OK
	unclear                        bool // a delivery got no answer: its position depends on which delivery was accepted
}

// sendMessage delivers a new message, or an earlier one again.
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
				w.logf("%s sends %q to %s: %v", m.who, m.text, m.incident, err)
				return
			}
			answered = true
			w.logf("%s sends %q to %s: %v", m.who, m.text, m.incident, reply.OK)
			if reply.OK && !m.accepted {
				m.accepted = true
				w.answered = append(w.answered, m)
			}
		})
		if answered {
			return
		}
		n = w.rng.IntN(len(w.replicas))
	}
	m.unclear = true
}

// checkConversation: each accepted message is stored once, in the order of the answers to
// its sender, and Tocsin's own posts cover every posted event, in order, each once.
func (w *World) checkConversation(ctx context.Context, i workflow.Incident, events []workflow.Event) {
	messages, err := w.store.base.Messages(ctx, i.ID, 0, 1_000_000)
	if err != nil {
		w.fail("the conversation of %s: %v", i.ID, err)
	}
	position, posted := map[string]int{}, map[int]bool{}
	last := 0
	for n, one := range messages {
		var r bot.Message
		if err := json.Unmarshal(one.Body, &r); err != nil || one.Seq != n+1 || r.Text == "" || r.Name == "" {
			w.fail("X1: message %d of %s: %+v %v", n+1, i.ID, r, err)
		}
		if r.Event == 0 {
			if position[r.Text] > 0 {
				w.fail("X1: %q is in the conversation of %s twice", r.Text, i.ID)
			}
			position[r.Text] = one.Seq
			continue
		}
		if r.Event <= last || r.Through < r.Event {
			w.fail("X1: events %d to %d of %s are posted after event %d", r.Event, r.Through, i.ID, last)
		}
		last = r.Through
		for seq := r.Event; seq <= last; seq++ {
			posted[seq] = true
		}
	}
	w.checkOrder(i.ID, position)
	w.checkPosts(i, events, "web", posted)
}

// checkOrder compares the messages of one room with the answers.
func (w *World) checkOrder(incident string, position map[string]int) {
	last := map[string]int{}
	for _, m := range w.answered {
		at := position[m.text]
		switch {
		case m.incident != incident:
			if at > 0 {
				w.fail("X1: %q was sent to %s and is in %s", m.text, m.incident, incident)
			}
		case at == 0:
			w.fail("X1: %q was accepted in %s and is not stored", m.text, incident)
		case m.unclear:
		case at < last[m.who]:
			w.fail("X1: %q of %s is in %s before a message that was answered earlier", m.text, m.who, incident)
		default:
			last[m.who] = at
		}
	}
}

// checkPosts: a platform gets a post for every posted event while its room is open or being
// opened. Events that had not been posted when the room was abandoned or archived are only
// in the timeline.
func (w *World) checkPosts(i workflow.Incident, events []workflow.Event, platform string, posted map[int]bool) {
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
			if platform == "web" && !posted[e.Seq] {
				missed = append(missed, e)
			}
		case workflow.IncidentReopened:
			if has = has || away; has && !posted[e.Seq] {
				missed = append(missed, e)
			}
		case workflow.LifecycleFact, workflow.AlertFact, workflow.PagingFact, workflow.RoomFact, workflow.RecordFact, workflow.UnknownFact:
			if has && workflow.IsPosted(e.Fact) && !posted[e.Seq] {
				missed = append(missed, e)
			}
		}
	}
	for _, e := range missed {
		w.fail("X1: event %d of %s (%s) is not posted to %s", e.Seq, i.ID, workflow.FactKind(e.Fact), platform)
	}
}

// checkGivenUp: posts that a platform has refused permanently are recorded.
func (w *World) checkGivenUp(i workflow.Incident, events []workflow.Event) {
	recorded := 0
	for _, e := range events {
		switch e.Fact.(type) {
		case workflow.EffectGivenUp:
			recorded++
		case workflow.RoomAbandoned, workflow.RoomArchived, workflow.VisibilityChanged: // the posts may not have been tried, or not again
			return
		case workflow.LifecycleFact, workflow.AlertFact, workflow.PagingFact, workflow.RoomFact, workflow.RecordFact, workflow.UnknownFact:
		}
	}
	if refused := len(w.chat.refused[i.ID]); recorded < refused {
		w.fail("X1: %d posts of %s were refused, and %d refusals are recorded", refused, i.ID, recorded)
	}
}

// BuiltinRooms are rooms whose messages are in the store, like those of the browser: no
// task is ever owed to them.
type BuiltinRooms struct{}

// Room implements [bot.BuiltinRooms].
func (BuiltinRooms) Room(incident, url string) workflow.Room {
	return workflow.Room{Platform: "web", ID: incident, Name: incident, URL: url + "/incidents/" + incident}
}
