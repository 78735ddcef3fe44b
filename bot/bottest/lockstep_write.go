package bottest

import (
	"fmt"
	"slices"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// tasks returns the tasks of a step: some in the order of their lane, and cards that
// replace older ones.
func (tw *twins) tasks(id string) []bot.Task {
	k := tw.known[id]
	var all []bot.Task
	for n := range tw.rand.IntN(4) {
		lane := workflow.Lane{Class: workflow.Classes()[tw.rand.IntN(3)*2], Destination: tw.pick("room", "page")}
		all = append(all, bot.Task{ID: fmt.Sprintf("%s/%d.%d", id, k.events+1, n), Owner: id, Lane: lane, Due: tw.randomInstant(10 * time.Second), Body: []byte("task")})
	}
	for _, to := range []string{"room", "announce"} {
		if tw.chance(50) {
			t := standingTask(id, to, k.events+1, 0)
			t.Due = tw.randomInstant(10 * time.Second)
			all = append(all, t)
		}
	}
	return all
}

// records returns changes of a few records, some of them owned by the incident.
func (tw *twins) records(id string) []bot.RecordChange {
	var all []bot.RecordChange
	for range tw.rand.IntN(3) {
		r := bot.RecordChange{Kind: "k", ID: tw.pick("x", "y"), Version: tw.rand.IntN(3) - 1, Body: fmt.Append(nil, len(tw.log))}
		if tw.chance(30) {
			r.Body = nil
		}
		all = append(all, r)
	}
	if tw.chance(30) {
		room := tw.pick("square/C1", "square/C2", "square/C3")
		all = append(
			all,
			bot.RecordChange{Kind: "room", ID: room, Version: bot.AnyVersion, Body: []byte(id)},
			bot.RecordChange{Kind: "room", ID: id + "/" + room, Version: bot.AnyVersion, Body: []byte{}},
			bot.RecordChange{Kind: tw.pick("card", "attempt", "k"), ID: id + "/" + room, Version: bot.AnyVersion, Body: fmt.Append(nil, len(tw.log))},
		)
	}
	return all
}

// compareRecords wants both stores to have the same records, and returns their number.
func (tw *twins) compareRecords() int {
	total := 0
	for _, kind := range append(bot.OwnedKinds(), "k") {
		m, errM := tw.model.Records(tw.Context(), kind, "", 1000)
		s, errS := tw.tested.Records(tw.Context(), kind, "", 1000)
		wantSame(tw, "records of kind "+kind, m, s, errM, errS)
		total += len(m)
	}
	return total
}

// leasedCards returns the destinations of the incident's cards that are leased, as far as
// the test knows.
func (tw *twins) leasedCards(c bot.Commit) []string {
	var all []string
	for _, l := range tw.leases {
		if l[0].Owner == c.Incident && l[0].Lane.Class == workflow.ClassCard && l[0].Until.After(tw.now) && (c.Settle == nil || c.Settle.Token != l[0].Token) {
			all = append(all, l[0].Lane.Destination)
		}
	}
	return all
}

// isOlderCard reports whether a lease is of a card that a newer one has replaced, as far
// as the test knows.
func (tw *twins) isOlderCard(l bot.Lease) bool {
	k := tw.known[l.Owner]
	return k != nil && l.Lane.Class == workflow.ClassCard && l.Rev < k.cards[l.Lane.Destination]
}

// rewriteCard claims cards and commits a step of the incident of one, so that a newer card
// exists before the older one is settled or postponed.
func (tw *twins) rewriteCard() {
	got := tw.claimBoth(bot.Claim{At: tw.now, For: 10 * time.Second, Limit: 2, Classes: bot.Classes{From: workflow.ClassCard, To: workflow.ClassCard}})
	if got == 0 || len(tw.leases) == 0 {
		return
	}
	l := tw.leases[len(tw.leases)-1]
	id := l[0].Owner
	k := tw.known[id]
	card := standingTask(id, l[0].Lane.Destination, k.events+1, 0)
	card.Due = tw.randomInstant(10 * time.Second)
	tw.commitBoth(bot.Commit{
		At: tw.now, Incident: id, Version: k.version, Open: true, Listing: tw.randomListing(), WakeAt: k.wakeAt, Snapshot: fmt.Appendf(nil, "state %d", k.version+1),
		Events: []bot.StoredEvent{{Seq: k.events + 1, Body: fmt.Appendf(nil, "event %d", k.events+1)}}, Tasks: []bot.Task{card},
	}, bot.Lease{})
	switch tw.rand.IntN(3) {
	case 0:
		tw.settleLease(l)
	case 1:
		tw.postponeLease(l)
	default:
	}
}

// learnCards updates which cards exist after a commit.
func (tw *twins) learnCards(c bot.Commit, leased []string) {
	k := tw.known[c.Incident]
	if l := c.Settle; l != nil && l.Lane.Class == workflow.ClassCard {
		if tw.isOlderCard(*l) {
			tw.reached["older card settled"]++
		} else {
			delete(k.cards, l.Lane.Destination)
		}
	}
	for _, t := range c.Tasks {
		if t.Rev == 0 || c.Snapshot == nil {
			continue
		}
		if k.cards[t.Lane.Destination] > 0 {
			tw.reached["card replaced"]++
			if slices.Contains(leased, t.Lane.Destination) {
				tw.reached["card replaced while leased"]++
			}
		}
		k.cards[t.Lane.Destination] = t.Rev
	}
}

// commitMessages commits messages without a step, also to incidents that are only reserved.
func (tw *twins) commitMessages() {
	if len(tw.ids) == 0 {
		return
	}
	c := bot.Commit{At: tw.now, Incident: tw.id()}
	if tw.chance(60) {
		c.Messages = tw.messages()
	}
	if len(c.Messages) == 0 || tw.chance(30) {
		c.EditedMessages = tw.messages()
	}
	if archived := tw.archivedIDs(); len(archived) > 0 && tw.chance(30) {
		c.Incident = tw.pick(archived...)
	}
	if tw.chance(10) {
		c.Incident = ""
	}
	if tw.chance(50) {
		c.Operation, c.Reply = fmt.Sprint("op-", tw.rand.IntN(40)), fmt.Append(nil, "reply ", len(tw.log))
	}
	if tw.chance(20) {
		c.Records = []bot.RecordChange{{Kind: "k", ID: "x", Version: bot.AnyVersion, Body: fmt.Append(nil, len(tw.log))}}
	}
	tw.commitBoth(c, bot.Lease{})
}

// messages returns some of a few messages, so that many are repeated.
func (tw *twins) messages() []bot.StoredMessage {
	var all []bot.StoredMessage
	for range 1 + tw.rand.IntN(3) {
		all = append(all, bot.StoredMessage{Key: fmt.Sprint("message ", tw.rand.IntN(12)), Seq: tw.rand.IntN(5), Body: fmt.Append(nil, "text ", len(tw.log))})
	}
	return all
}

// messageKeys returns the keys of the messages of an incident.
func (tw *twins) messageKeys(id string) map[string]int {
	all, err := tw.model.Messages(tw.Context(), id, 0, 100)
	if err != nil {
		tw.Error(err)
	}
	keys := map[string]int{}
	for _, m := range all {
		keys[m.Key] = 1
	}
	return keys
}

// countMessages counts the outcomes of the messages of a commit.
func (tw *twins) countMessages(c bot.Commit, before map[string]int) {
	after := tw.messageKeys(c.Incident)
	tw.reached["message"] += len(after) - len(before)
	tw.reached["repeated message"] += len(c.Messages) - (len(after) - len(before))
	for _, m := range c.EditedMessages {
		tw.reached["edit"] += after[m.Key]
		tw.reached["edit without a message"] += 1 - after[m.Key]
	}
}
