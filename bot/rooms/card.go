package rooms

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// cardState is the record of a card: where it is, and what was written there last.
type cardState struct {
	Ref  string    `json:"ref,omitempty"`  // where the platform keeps it; "": an attempt was begun, and its result is unknown
	Hash string    `json:"hash,omitempty"` // of the content
	At   time.Time `json:"at,omitzero"`    // of the last edit
	By   string    `json:"by,omitempty"`   // the process that wrote it or attempted to

	record bot.Record
}

// change returns the change that replaces the record of a card.
func (s cardState) change(next cardState) (bot.RecordChange, error) {
	body, err := json.Marshal(next)
	if err != nil {
		return bot.RecordChange{}, fmt.Errorf("encode the record of a card: %w", err)
	}
	return bot.RecordChange{Kind: bot.KindCard, ID: s.record.ID, Version: s.record.Version, Body: body}, nil
}

// isTried reports whether a process has attempted to write the card.
func (s cardState) isTried() bool { return s.record.Version > 0 }

// loadCard returns the record of the card of an incident in a place.
func (m *Manager) loadCard(ctx context.Context, i workflow.Incident, a workflow.ShowCard) (cardState, error) {
	id := cardKey(i, a)
	s := cardState{record: bot.Record{Kind: bot.KindCard, ID: id}}
	rec, err := m.store.Get(ctx, bot.KindCard, id)
	if errors.Is(err, bot.ErrNotFound) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(rec.Body, &s); err != nil {
		return s, fmt.Errorf("decode the record of a card: %w", err)
	}
	s.record = rec
	return s, nil
}

// cardKey returns the stable key of a card. Each room of an incident has a card of its
// own.
func cardKey(i workflow.Incident, a workflow.ShowCard) string {
	if a.Place != workflow.InRoom {
		return i.ID + "/" + a.Platform + "/" + string(a.Place)
	}
	r, _ := i.Room(a.Platform)
	return i.ID + "/" + a.Platform + "/" + r.ID
}

// RoomOwner returns the ID of the incident that a room belongs to, or ErrNotFound.
func (m *Manager) RoomOwner(ctx context.Context, platform, room string) (string, error) {
	rec, err := m.store.Get(ctx, bot.KindRoom, platform+"/"+room)
	return string(rec.Body), err
}

// showEvery is the shortest interval between two edits of one card. Changes within it
// are shown together.
const showEvery = 2 * time.Second

// showCard writes a card or brings it up to date. It does nothing when the content has
// not changed since the last edit.
func (m *Manager) showCard(ctx context.Context, w bot.Work, a workflow.ShowCard) bot.Answer {
	i := w.Incident
	manager, managed := m.manager(a.Platform)
	room, ok := i.Room(a.Platform)
	if !managed || !ok || a.Place == workflow.InRoom && !i.CanPost(a.Platform, workflow.InRoom) {
		return bot.Answer{}
	}
	shown, err := m.loadCard(ctx, i, a)
	if err != nil {
		return bot.Retry(err)
	}
	card, hash := m.Card(i, a)
	now := m.engine.Now()
	wait := shown.At.Add(showEvery).Sub(now)
	switch {
	case shown.Ref != "" && shown.Hash == hash:
		return answerCard(a, room)
	case shown.Ref == "" && a.Place == workflow.Announce && i.Visibility == workflow.Private && !shown.isTried():
		return bot.Answer{} // a private incident is not announced
	case shown.Ref != "" && wait > 0 && wait <= showEvery:
		return bot.Retry(bot.RetryAfter(wait, errors.New("the card was edited a moment ago")))
	}
	card.Ref, card.Again = shown.Ref, shown.Ref == "" && m.attempts.MayHaveRun(card.Key, shown.By)
	if shown.Ref == "" && shown.By != m.attempts.Process() {
		if shown, err = m.recordAttempt(ctx, i, a, shown); err != nil {
			return bot.Retry(err)
		}
	}
	next := cardState{Hash: hash, At: now, By: m.attempts.Process()}
	err = m.call(ctx, a.Platform, w, func(ctx context.Context) (err error) {
		next.Ref, err = manager.ShowCard(ctx, card)
		return err
	})
	m.attempts.RecordResult(card.Key, card.Again, err)
	if err != nil {
		return m.answerCardError(w, a, shown, err)
	}
	change, err := shown.change(next)
	if err != nil {
		return bot.Retry(err)
	}
	answer := answerCard(a, room, change)
	if a.Place == workflow.InRoom && shown.Ref != "" && next.Ref != shown.Ref { // a person has deleted it, and the new one is not pinned
		answer.Command = workflow.RoomCardReplaced{Platform: a.Platform}
	}
	return answer
}

// answerCard returns the answer of a card that is up to date. Announcing is a setup
// step of the room: it is answered when the step is not done yet, which also happens
// when a new room asks for it after the announcement was written.
func answerCard(a workflow.ShowCard, room workflow.Room, changes ...bot.RecordChange) bot.Answer {
	answer := bot.Answer{Records: changes}
	if s, ok := room.Step(workflow.StepAnnounce); ok && a.Place == workflow.Announce && s.State != workflow.StepDone {
		answer.Command = workflow.RoomStepEnded{Platform: a.Platform, Step: workflow.StepAnnounce}
	}
	return answer
}

// recordAttempt records that this process is about to write a card for the first time.
func (m *Manager) recordAttempt(ctx context.Context, i workflow.Incident, a workflow.ShowCard, shown cardState) (cardState, error) {
	change, err := shown.change(cardState{By: m.attempts.Process()})
	if err != nil {
		return shown, err
	}
	if _, err = m.store.Commit(ctx, bot.Commit{At: m.engine.Now(), Records: []bot.RecordChange{change}}); err != nil {
		return shown, err
	}
	return m.loadCard(ctx, i, a)
}

// answerCardError returns the answer of a card that could not be written. A failed
// announcement fails the room's step "announce", a card that was never written fails
// its step "pin".
func (m *Manager) answerCardError(w bot.Work, a workflow.ShowCard, shown cardState, err error) bot.Answer {
	if bot.IsBlocked(err) {
		step := workflow.StepPin
		if a.Place == workflow.Announce {
			step = workflow.StepAnnounce
		}
		return bot.Answer{Report: workflow.RoomStepEnded{Platform: a.Platform, Step: step, Why: bot.BlockedReason(err), Waiting: true}, Retry: err}
	}
	if !bot.IsPermanent(err) {
		return answerError(err)
	}
	m.log.Error("gave up writing a card", "incident", w.Owner, "platform", a.Platform, "place", string(a.Place), "error", err.Error())
	if a.Place == workflow.Announce {
		return bot.Answer{Command: workflow.RoomStepEnded{Platform: a.Platform, Step: workflow.StepAnnounce, Why: err.Error()}}
	}
	if shown.Ref == "" {
		return bot.Answer{Command: workflow.RoomStepEnded{Platform: a.Platform, Step: workflow.StepPin, Why: err.Error()}}
	}
	return bot.Answer{}
}
