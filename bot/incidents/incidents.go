// Package incidents reads incidents for a speaker: lists and counts, one incident, and its
// history and timeline, each without what the speaker may not see. It changes nothing.
//
// Begin reading at [Reader.List].
package incidents

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/alerts"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// Store is the part of the store that a reader uses.
type Store interface {
	bot.Incidents
	bot.Library
}

// Reader reads incidents.
type Reader struct {
	engine *bot.Engine
	store  Store
	log    *slog.Logger
}

// New returns a reader.
func New(engine *bot.Engine, store Store, log *slog.Logger) *Reader {
	return &Reader{engine: engine, store: store, log: log}
}

// decode decodes a loaded incident. A stub is returned as the incident that its first
// step will make of it; it is private when the incident that it follows is.
func (r *Reader) decode(ctx context.Context, l bot.Loaded) (workflow.Incident, error) {
	if l.Snapshot != nil || l.Stub == nil {
		return bot.DecodeIncident(l)
	}
	d, err := alerts.DecodeStub(l.Stub)
	if err != nil {
		return workflow.Incident{}, fmt.Errorf("read the stub of %s: %w", l.ID, err)
	}
	title, _ := workflow.CleanLine(d.Title, workflow.MaxTitle)
	i := workflow.Incident{
		ID: l.ID, Number: l.Number, Title: title, Severity: d.Severity, SeverityBasis: workflow.FromAlert, Services: d.Services,
		Status: workflow.Triage, Kind: workflow.Real, Source: d.Source, Visibility: workflow.Public, DetectedAt: d.Detected,
	}
	if l.Previous != "" {
		before, err := r.engine.LoadUnchecked(ctx, l.Previous)
		if err != nil && !errors.Is(err, bot.ErrNotFound) {
			return i, err
		}
		if before.Visibility == workflow.Private {
			i.Visibility = workflow.Private
		}
	}
	i.DeclaredAt = l.Need.DeclaredAt() // a list has no mail
	for n, m := range l.Mail {
		if n == 0 {
			i.DeclaredAt = m.At
		}
		i.Alerts.Firing += m.Started + m.Refired - m.Ended
	}
	return i, nil
}

// Get returns one incident, or the refusal [access.NotFound] when it does not exist for
// the speaker.
func (r *Reader) Get(ctx context.Context, id string, s access.Speaker) (workflow.Incident, error) {
	l, err := r.store.Load(ctx, id)
	if errors.Is(err, bot.ErrNotFound) {
		return workflow.Incident{}, access.NotFound(id)
	}
	if err != nil {
		return workflow.Incident{}, err
	}
	i, err := r.decode(ctx, l)
	if err != nil {
		return workflow.Incident{}, err
	}
	return i, access.CheckVisible(i, s)
}

// History returns an incident's events with Seq > after, oldest first.
func (r *Reader) History(ctx context.Context, id string, s access.Speaker, after int) ([]workflow.Event, error) {
	if _, err := r.Get(ctx, id, s); err != nil {
		return nil, err
	}
	var all []workflow.Event
	for {
		page, err := r.store.History(ctx, id, after, 500)
		if err != nil {
			return nil, fmt.Errorf("read the history of %s: %w", id, err)
		}
		for _, raw := range page {
			e, err := workflow.DecodeEvent(raw)
			if err != nil {
				return nil, err
			}
			all = append(all, e)
			after = e.Seq
		}
		if len(page) < 500 {
			return all, nil
		}
	}
}

// Entry is one line of a timeline.
type Entry struct {
	Seq  int       `json:"seq"`
	At   time.Time `json:"at"`
	By   string    `json:"by"`
	Kind string    `json:"kind"`
	Text string    `json:"text"`
}

// Timeline returns the timeline of an incident, with times in the speaker's zone.
func (r *Reader) Timeline(ctx context.Context, id string, s access.Speaker) ([]Entry, error) {
	events, err := r.History(ctx, id, s, 0)
	if err != nil {
		return nil, err
	}
	return Entries(events, s.ZoneOr(r.engine.Organization().Zone)), nil
}

// Entries returns events as the entries of a timeline, with times in a zone.
func Entries(events []workflow.Event, zone *time.Location) []Entry {
	all := make([]Entry, 0, len(events))
	for _, e := range events {
		all = append(all, Entry{Seq: e.Seq, At: e.At, By: card.ActorName(e.By), Kind: workflow.FactKind(e.Fact), Text: card.Line(e, zone)})
	}
	return all
}
