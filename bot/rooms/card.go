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

// shownCard is where a card is, and what it says.
type cardState struct {
	Ref  string    `json:"ref,omitempty"` // "": it may have been written, and nobody knows
	Hash string    `json:"hash,omitempty"`
	At   time.Time `json:"at,omitzero"`
	By   string    `json:"by,omitempty"` // the process that tried to write it

	record bot.Record
}

// change is the record of what has become of a card.
func (s cardState) change(next cardState) (bot.RecordChange, error) {
	body, err := json.Marshal(next)
	if err != nil {
		return bot.RecordChange{}, fmt.Errorf("remember a card: %w", err)
	}
	return bot.RecordChange{Kind: bot.KindCard, ID: s.record.ID, Version: s.record.Version, Body: body}, nil
}

// wasTried reports whether a process has tried to write the card.
func (s cardState) isTried() bool { return s.record.Version > 0 }

// shown returns where the card of an incident is in a place.
func (m *Manager) loadCard(ctx context.Context, i workflow.Incident, d workflow.ShowCard) (cardState, error) {
	id := cardKey(i, d)
	s := cardState{record: bot.Record{Kind: bot.KindCard, ID: id}}
	rec, err := m.store.Get(ctx, bot.KindCard, id)
	if errors.Is(err, bot.ErrNotFound) {
		return s, nil
	}
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(rec.Body, &s); err != nil {
		return s, fmt.Errorf("read where a card is: %w", err)
	}
	s.record = rec
	return s, nil
}

// cardKey names a card for ever. Each room has its own.
func cardKey(i workflow.Incident, d workflow.ShowCard) string {
	if d.Place != workflow.InRoom {
		return i.ID + "/" + d.Platform + "/" + string(d.Place)
	}
	r, _ := i.Room(d.Platform)
	return i.ID + "/" + d.Platform + "/" + r.ID
}

// RoomOwner returns the incident whose room it is, or ErrNotFound.
func (m *Manager) RoomOwner(ctx context.Context, platform, room string) (string, error) {
	rec, err := m.store.Get(ctx, bot.KindRoom, platform+"/"+room)
	return string(rec.Body), err
}

// showEvery is between two edits of one card: what changes meanwhile is shown
// at once then.
const showEvery = 2 * time.Second

// showCard brings a card up to date.
func (m *Manager) showCard(ctx context.Context, w bot.Work, a workflow.ShowCard) bot.Answer {
	i := w.Incident
	host, ok := m.manager(a.Platform)
	room, is := i.Room(a.Platform)
	if !ok || !is || a.Place == workflow.InRoom && !i.CanPost(a.Platform, workflow.InRoom) {
		return bot.Answer{}
	}
	at, err := m.loadCard(ctx, i, a)
	if err != nil {
		return bot.Retry(err)
	}
	card, hash := m.Card(i, a)
	now := m.engine.Now()
	wait := at.At.Add(showEvery).Sub(now)
	switch {
	case at.Ref != "" && at.Hash == hash:
		return answerCard(a, room)
	case at.Ref == "" && a.Place == workflow.Announce && i.Visibility == workflow.Private && !at.isTried():
		return bot.Answer{}
	case at.Ref != "" && wait > 0 && wait <= showEvery:
		return bot.Retry(bot.RetryAfter(wait, errors.New("the card was shown a moment ago")))
	}
	card.Ref, card.Again = at.Ref, at.Ref == "" && m.attempts.MayHaveRun(card.Key, at.By)
	if at.Ref == "" && at.By != m.attempts.Process() {
		if at, err = m.recordAttempt(ctx, i, a, at); err != nil {
			return bot.Retry(err)
		}
	}
	next := cardState{Hash: hash, At: now, By: m.attempts.Process()}
	err = m.call(ctx, a.Platform, w, func(ctx context.Context) (err error) {
		next.Ref, err = host.ShowCard(ctx, card)
		return err
	})
	m.attempts.RecordResult(card.Key, card.Again, err)
	if err != nil {
		return m.answerCardError(w, a, at, err)
	}
	change, err := at.change(next)
	if err != nil {
		return bot.Retry(err)
	}
	return answerCard(a, room, change)
}

// cardShown settles a card that is true. An announcement is a step of its room's,
// which may have been asked for anew since it was written.
func answerCard(a workflow.ShowCard, room workflow.Room, changes ...bot.RecordChange) bot.Answer {
	answer := bot.Answer{Records: changes}
	if s, ok := room.Step(workflow.StepAnnounce); ok && a.Place == workflow.Announce && s.State != workflow.StepDone {
		answer.Command = workflow.RoomStepEnded{Platform: a.Platform, Step: workflow.StepAnnounce}
	}
	return answer
}

// beginCard puts on record that this process is about to write a card.
func (m *Manager) recordAttempt(ctx context.Context, i workflow.Incident, a workflow.ShowCard, at cardState) (cardState, error) {
	change, err := at.change(cardState{By: m.attempts.Process()})
	if err != nil {
		return at, err
	}
	if _, err = m.store.Commit(ctx, bot.Commit{At: m.engine.Now(), Records: []bot.RecordChange{change}}); err != nil {
		return at, err
	}
	return m.loadCard(ctx, i, a)
}

// cardFailed says why a card could not be shown. That an incident cannot be
// announced is a step of its room's; a card that never was cannot be pinned.
func (m *Manager) answerCardError(w bot.Work, a workflow.ShowCard, at cardState, err error) bot.Answer {
	if !bot.IsPermanent(err) {
		return answerError(err)
	}
	m.log.Error("gave up showing a card", "incident", w.Owner, "platform", a.Platform, "place", string(a.Place), "error", err.Error())
	if a.Place == workflow.Announce {
		return bot.Answer{Command: workflow.RoomStepEnded{Platform: a.Platform, Step: workflow.StepAnnounce, Why: err.Error()}}
	}
	if at.Ref == "" {
		return bot.Answer{Command: workflow.RoomStepEnded{Platform: a.Platform, Step: workflow.StepPin, Why: err.Error()}}
	}
	return bot.Answer{}
}
