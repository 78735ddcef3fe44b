// Package incidents reads incidents for a speaker: the list, one incident, and its
// history and timeline, each without what the speaker may not see. It changes nothing.
//
// Begin reading at [Reader.List].
package incidents

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
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

// Filter selects incidents for a list.
type Filter struct {
	All      bool // includes ended ones
	Status   string
	Severity workflow.Severity
	Service  string
	Text     string // part of the ID, the title, a service or the description, in any case
	Before   int    // Number < Before; 0: from the newest
	Limit    int    // at most 500; 0 means 50
}

// List returns incidents that the speaker may see, newest first, and the Before of the
// next page; 0 when there are no more.
func (r *Reader) List(ctx context.Context, s access.Speaker, q Filter) ([]workflow.Incident, int, error) {
	limit := min(cmp.Or(q.Limit, 50), 500)
	open := !q.All && (q.Status == "" || workflow.Status(q.Status).IsOpen())
	var found []workflow.Incident
	for l, err := range bot.ListAll(ctx, r.store, bot.Query{Open: open, Before: q.Before}) {
		if err != nil {
			return nil, 0, err
		}
		i, err := r.decode(ctx, l)
		if err != nil {
			return nil, 0, err
		}
		if !q.Matches(i) || access.CheckVisible(i, s) != nil {
			continue
		}
		if len(found) == limit {
			return found, found[limit-1].Number, nil
		}
		found = append(found, i)
	}
	return found, 0, nil
}

// ListOpen returns the newest open incidents without any check of access: the caller
// shows each only to a speaker for whom [access.Speaker.CanSee] holds. An incident that
// cannot be decoded is logged and left out.
func (r *Reader) ListOpen(ctx context.Context, limit int) ([]workflow.Incident, error) {
	var all []workflow.Incident
	for l, err := range bot.ListAll(ctx, r.store, bot.Query{Open: true, Limit: min(limit, 200)}) {
		if err != nil {
			return nil, err
		}
		i, err := r.decode(ctx, l)
		if err != nil {
			r.log.ErrorContext(ctx, "an open incident cannot be decoded", "incident", l.ID, "error", err.Error())
			continue
		}
		if all = append(all, i); len(all) >= limit {
			break
		}
	}
	return all, nil
}

// Matches reports whether an incident meets the filter. It does not look at All,
// Before and Limit.
func (q Filter) Matches(i workflow.Incident) bool {
	return i.Status != "" && (q.Status == "" || string(i.Status) == q.Status) &&
		(q.Severity == 0 || i.Severity == q.Severity) &&
		(q.Service == "" || slices.Contains(i.Services, q.Service)) &&
		(q.Text == "" || containsText(i, strings.ToLower(q.Text)))
}

// containsText reports whether an incident contains a text in lower case.
func containsText(i workflow.Incident, text string) bool {
	for _, s := range append([]string{i.ID, i.Title, i.Description}, i.Services...) {
		if strings.Contains(strings.ToLower(s), text) {
			return true
		}
	}
	return false
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

// SortByNeed sorts incidents by how much they need a person: unattended ones first,
// then those not acknowledged, then other open ones, then ended ones. Among equals it
// keeps the order.
func SortByNeed(all []workflow.Incident) {
	slices.SortStableFunc(all, func(a, b workflow.Incident) int { return cmp.Compare(needRank(a), needRank(b)) })
}

// needRank is the position of an incident in [SortByNeed].
func needRank(i workflow.Incident) int {
	switch {
	case i.IsUnattended():
		return 0
	case i.IsOpen() && !i.IsAcknowledged():
		return 1
	case i.IsOpen():
		return 2
	}
	return 3
}
