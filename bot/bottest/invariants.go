package bottest

import (
	"bytes"
	"context"
	"slices"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// tolerance is the lateness that is due to the ticks of the world at rest.
const tolerance = time.Minute

// Crashes returns the number of restarts so far.
func (w *World) Crashes() int { return w.crashes }

// checkCommit checks every commit as it is applied.
func (w *World) checkCommit(c bot.Commit) {
	var events []workflow.Event
	for _, stored := range c.Events {
		e, err := workflow.DecodeEvent(stored.Body)
		if err != nil {
			w.fail("an event of %s cannot be decoded: %v", c.Incident, err)
			return
		}
		w.logf("%s %d %s", c.Incident, e.Seq, workflow.FactKind(e.Fact))
		switch f := e.Fact.(type) {
		case workflow.PageDelivered:
			w.settled[c.Incident+"/"+f.Page] = true
		case workflow.RoomArchived: // events that were not posted before are posted after a reopening
			w.chat.replaced[c.Incident] = w.chat.replaced[c.Incident] || f.Seq > 0
		case workflow.LifecycleFact, workflow.AlertFact, workflow.PagingFact, workflow.RoomFact, workflow.RecordFact, workflow.UnknownFact:
		}
		events = append(events, e)
	}
	if c.Snapshot == nil {
		return
	}
	i, err := workflow.DecodeIncident(c.Snapshot)
	if err != nil {
		w.fail("the snapshot of %s cannot be decoded: %v", c.Incident, err)
		return
	}
	if i.IsStuck() {
		w.fail("E13: %s is open and not acknowledged, and nothing will happen", i.ID)
	}
	w.checkEscalation(i)
	w.checkAlertsAnnounced(i, events)
	w.checkNoPageAfterResolve(i, events)
}

// checkNoPageAfterResolve: once all alerts have resolved, no page is outstanding (G7: all
// alerts resolved means monitoring).
func (w *World) checkNoPageAfterResolve(i workflow.Incident, events []workflow.Event) {
	resolved := false
	for _, e := range events {
		switch f := e.Fact.(type) {
		case workflow.AlertsAllResolved:
			resolved = !f.ResolveAt.IsZero()
		case workflow.EscalationStarted, workflow.PeoplePaged:
			resolved = false // requested again after that
		case workflow.LifecycleFact, workflow.AlertFact, workflow.PagingFact, workflow.RoomFact, workflow.RecordFact, workflow.UnknownFact:
		}
	}
	if !resolved || i.Status != workflow.Monitoring {
		return
	}
	for _, p := range i.Paging.Pages {
		if p.State.IsPending() {
			w.fail("G7: all alerts of %s have resolved, and page %s is %s", i.ID, p.ID, p.State)
		}
	}
}

// checkEscalation: escalation waits only while a person may still answer (E4: a failed page
// moves on at once), and always has a next step (E7: never silent until a person answers).
func (w *World) checkEscalation(i workflow.Incident) {
	p := i.Paging
	if !i.IsOpen() || i.IsAcknowledged() || p.State != workflow.Running || p.RestartPending {
		return
	}
	waiting, failed := false, false
	for _, s := range p.Pages {
		if s.Purpose != workflow.PurposeEscalation || s.Coordinates.Run != p.Run || s.Coordinates.Repeat != p.Repeat || s.Coordinates.Policy != len(p.Chain)-1 || s.Coordinates.Step != p.Step {
			continue
		}
		switch s.State {
		case workflow.DeliveryQueued, workflow.DeliveryPlanned, workflow.DeliveryAccepted:
			waiting = true
		case workflow.DeliveryRetrying, workflow.DeliverySlow, workflow.DeliveryFailed:
			failed = true
		case workflow.DeliveryStandby, workflow.DeliveryCanceled:
		}
	}
	if failed && !waiting && !p.CycleReached {
		w.fail("E4: %s waits until %s and no one was reached: %+v", i.ID, p.NextAt, p.Pages)
	}
	if p.NextAt.IsZero() {
		w.fail("E7: %s pages, and no next step is due", i.ID)
	}
}

// checkAlertsAnnounced: alerts after an acknowledgement are announced to the acknowledger
// (G3: an acknowledgement swallows nothing).
func (w *World) checkAlertsAnnounced(i workflow.Incident, events []workflow.Event) {
	var arrived workflow.Event
	for _, e := range events {
		switch f := e.Fact.(type) {
		case workflow.AlertsArrived:
			if f.Started+f.Refired > 0 {
				arrived = e
			}
		case workflow.PeoplePaged, workflow.NoticePostponed, workflow.Unacknowledged, workflow.EscalationStarted, workflow.Acknowledged:
			arrived = workflow.Event{}
		case workflow.LifecycleFact, workflow.AlertFact, workflow.PagingFact, workflow.RoomFact, workflow.RecordFact, workflow.UnknownFact:
		}
	}
	if arrived.Seq > 0 && i.IsAcknowledged() && i.IsOpen() {
		w.fail("G3: alerts came to %s, which %s has, and no one was notified", i.ID, i.Acknowledgement.Name)
	}
}

// checkWorld checks the whole world once it is at rest.
func (w *World) checkWorld(ctx context.Context) {
	all, err := w.store.base.List(ctx, bot.Query{Limit: 1000})
	if err != nil {
		w.fail("list: %v", err)
	}
	started, notes, fires := 0, map[string]int{}, map[string]bool{}
	for _, l := range all {
		if l.Snapshot == nil {
			if l.Stub != nil {
				w.fail("X1: %s is still a stub", l.ID)
			}
			continue
		}
		i := w.loadIncident(l.ID)
		s, n := w.checkHistory(ctx, i)
		started += s
		for text := range n {
			notes[text] += n[text]
		}
		w.checkSettled(i)
		w.judgeRooms(i)
		for _, row := range w.checkFiringAlerts(ctx, i) {
			fires[row.Key] = true
		}
	}
	for key, a := range w.said { // I5c: an old start is judged again after a minute
		if a.State == alerts.Firing && !fires[key] {
			w.fail("I5: the sender said last that %s fires, and it does not", key)
		}
	}
	if err := CheckListed(ctx, w.store.base); err != nil {
		w.fail("E14: %v", err)
	}
	if started != w.started {
		w.fail("I1: %d alerts began by the receipts, %d by the incidents", w.started, started)
	}
	for text := range w.notes {
		if notes[text] != 1 {
			w.fail("X1: %q was accepted once and is stored %d times", text, notes[text])
		}
	}
	for text, n := range notes {
		if n > 1 {
			w.fail("X1: %q is stored %d times", text, n)
		}
	}
	for n := range w.replicas {
		w.replicas[n].runner.Audit(ctx)
		if h := w.replicas[n].runner.Health(); h.Overdue > 0 || len(h.Stuck)+len(h.Repaired) > 0 {
			w.fail("E13: the audit found %+v", h)
		}
	}
}

// checkHistory compares an incident's events with its snapshot. It returns the number of
// alerts that started and of each note.
func (w *World) checkHistory(ctx context.Context, i workflow.Incident) (started int, notes map[string]int) {
	notes = map[string]int{}
	raw, err := w.store.base.History(ctx, i.ID, 0, 1_000_000)
	if err != nil {
		w.fail("history: %v", err)
	}
	owed := map[string]bool{}
	events := make([]workflow.Event, 0, len(raw))
	owe := func(pages []workflow.PageState) {
		for _, p := range pages {
			if owed[p.ID] {
				w.fail("E2: page %s of %s is owed twice", p.ID, i.ID)
			}
			owed[p.ID] = true
		}
	}
	for n, body := range raw {
		e, err := workflow.DecodeEvent(body)
		if err != nil || e.Seq != n+1 {
			w.fail("event %d of %s: %v", n+1, i.ID, err)
			return started, notes
		}
		events = append(events, e)
		switch f := e.Fact.(type) {
		case workflow.AlertsArrived:
			if f.From == "" {
				started += f.Started
			}
		case workflow.AlertsForwarded:
			if f.From == "" {
				started += f.Mail.Started
			}
		case workflow.NoteAdded:
			notes[f.Text]++
		case workflow.StepFired:
			owe(f.Pages)
		case workflow.NoOneReached:
			owe(f.Pages)
		case workflow.EscalationExhausted:
			owe(f.Pages)
		case workflow.PeoplePaged:
			owe(f.Pages)
		case workflow.LifecycleFact, workflow.AlertFact, workflow.PagingFact, workflow.RoomFact, workflow.RecordFact, workflow.UnknownFact:
		}
	}
	a, err1 := workflow.EncodeIncident(workflow.Replay(i.ID, i.Number, events))
	w.checkConversation(ctx, i, events)
	w.checkPosts(i, events, worldPlatform, w.chat.reported[i.ID])
	w.checkGivenUp(i, events)
	b, err2 := workflow.EncodeIncident(i)
	if err1 != nil || err2 != nil || !bytes.Equal(a, b) {
		w.fail("replaying %s gives\n%s\nand the snapshot is\n%s", i.ID, a, b)
	}
	return started, notes
}

// checkFiringAlerts: a firing alert belongs to an incident that is open, or that a person
// has ended a short time ago (I6: firing again reopens or links), and the incident counts
// its firing alerts. It returns them.
func (w *World) checkFiringAlerts(ctx context.Context, i workflow.Incident) []alerts.Row {
	firing, err := w.store.base.Firing(ctx, i.ID, "", 1000)
	if err != nil {
		w.fail("firing: %v", err)
	}
	if i.IsOpen() && len(i.Merge.From) == 0 && i.Alerts.Firing != len(firing) {
		w.fail("I3: %s counts %d firing alerts, and %d fire", i.ID, i.Alerts.Firing, len(firing))
	}
	if i.IsOpen() && i.Alerts.Firing == 0 && w.familyFires(ctx, i) {
		w.fail("G7: %s counts no firing alert, and one of it or of the incidents merged into it fires", i.ID)
	}
	if len(firing) == 0 {
		return nil
	}
	end := i
	for hops := 0; end.Status == workflow.Merged && hops < 20; hops++ {
		end = w.loadIncident(end.Merge.Into)
	}
	if !end.IsOpen() && end.Alerts.QuietUntil.IsZero() {
		w.fail("G3: %d alerts of %s fire, which ended as %s (%s), and nothing will happen", len(firing), i.ID, end.ID, end.Status)
	}
	if end.IsOpen() && end.Status == workflow.Monitoring && end.Paging.State == workflow.Stopped && !end.IsAcknowledged() {
		w.fail("G7: %d alerts of %s fire, and %s only monitors", len(firing), i.ID, end.ID)
	}
	return firing
}

// familyFires reports whether an alert of the incident fires, or of one that was merged
// into it or into such a one.
func (w *World) familyFires(ctx context.Context, i workflow.Incident) bool {
	family := []string{i.ID}
	for n := 0; n < len(family); n++ {
		member := w.loadIncident(family[n])
		if n > 0 && member.Status != workflow.Merged {
			continue
		}
		firing, err := w.store.base.Firing(ctx, member.ID, "", 1)
		if err != nil {
			w.fail("firing: %v", err)
		}
		if len(firing) > 0 {
			return true
		}
		for _, id := range member.Merge.From {
			if !slices.Contains(family, id) {
				family = append(family, id)
			}
		}
	}
	return false
}

// checkSettled: at rest nothing is overdue and every owed page is settled.
func (w *World) checkSettled(i workflow.Incident) {
	if at := i.WakeAt(); !at.IsZero() && w.now.Sub(at) > tolerance {
		w.fail("X1: %s was due at %s, it is %s", i.ID, at, w.now)
	}
	for _, p := range i.Paging.Pages {
		if (p.State == workflow.DeliveryQueued || p.State == workflow.DeliveryRetrying && p.To != "hal") && w.now.Sub(p.Due) > 5*tolerance {
			w.fail("X1: page %s of %s is %s since %s, it is %s", p.ID, i.ID, p.State, p.Due, w.now)
		}
		if p.State == workflow.DeliveryAccepted && w.sent[i.ID+"/"+p.ID] == 0 {
			w.fail("X1: page %s of %s is recorded as delivered and was never sent", p.ID, i.ID)
		}
	}
	if i.IsOpen() && i.Alerts.Notice.Pending > 0 && i.IsAcknowledged() && w.now.Sub(i.Alerts.Notice.DueAt) > tolerance {
		w.fail("G3: %d alerts of %s are not announced", i.Alerts.Notice.Pending, i.ID)
	}
	for _, r := range i.Rooms {
		if i.IsOpen() && r.State != workflow.RoomOpen {
			w.fail("X1: the room of %s on %s is %s", i.ID, r.Platform, r.State)
		}
	}
	if i.IsOpen() && len(i.Rooms) != 2 {
		w.fail("X1: %s has the rooms %+v", i.ID, i.Rooms)
	}
}
