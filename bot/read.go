package bot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/bot/alerts"
	"tocsin/bot/card"
	"tocsin/commands"
	"tocsin/workflow"
)

// ListQuery selects incidents for a list.
type ListQuery struct {
	All      bool // ended ones too
	Status   string
	Severity workflow.Severity
	Service  string
	Text     string // in the ID, the title, the services or the description; any case
	Before   int    // Number < Before; 0: from the newest
	Limit    int    // at most 500; 0: 50
}

// List returns incidents that the speaker may see, newest first, and the
// number to go on before; 0 when there are no more.
func (b *Bot) List(ctx context.Context, s Speaker, q ListQuery) ([]workflow.Incident, int, error) {
	limit := min(cmp.Or(q.Limit, 50), 500)
	open := !q.All && (q.Status == "" || workflow.Status(q.Status).Open())
	var found []workflow.Incident
	for before := q.Before; ; {
		page, err := b.cfg.Store.List(ctx, Query{Open: open, Before: before, Limit: 200})
		if err != nil {
			return nil, 0, fmt.Errorf("list incidents: %w", err)
		}
		for _, l := range page {
			i, err := b.asIncident(ctx, l)
			if err != nil {
				return nil, 0, err
			}
			if q.Matches(i) && visible(i, s) == nil {
				if len(found) == limit {
					return found, found[limit-1].Number, nil
				}
				found = append(found, i)
			}
			before = l.Number
		}
		if len(page) < 200 {
			return found, 0, nil
		}
	}
}

// OpenIncidents returns the newest open incidents, whoever may see them:
// [Speaker.Sees] says who does.
func (b *Bot) OpenIncidents(ctx context.Context, limit int) ([]workflow.Incident, error) {
	var all []workflow.Incident
	for before := 0; ; {
		page, err := b.cfg.Store.List(ctx, Query{Open: true, Before: before, Limit: min(limit-len(all), 200)})
		if err != nil {
			return nil, fmt.Errorf("list incidents: %w", err)
		}
		for _, l := range page {
			before = l.Number
			i, err := b.asIncident(ctx, l)
			if err != nil { // the others are worth seeing
				b.cfg.Log.ErrorContext(ctx, "an open incident cannot be read", "incident", l.ID, "error", err.Error())
				continue
			}
			all = append(all, i)
		}
		if len(page) < 200 || len(all) >= limit {
			return all, nil
		}
	}
}

// Matches reports whether an incident is one of those that are looked for,
// whether or not it has ended.
func (q ListQuery) Matches(i workflow.Incident) bool {
	return i.Status != "" && (q.Status == "" || string(i.Status) == q.Status) &&
		(q.Severity == 0 || i.Severity == q.Severity) &&
		(q.Service == "" || slices.Contains(i.Services, q.Service)) &&
		(q.Text == "" || contains(i, strings.ToLower(q.Text)))
}

func contains(i workflow.Incident, text string) bool {
	for _, s := range append([]string{i.ID, i.Title, i.Description}, i.Services...) {
		if strings.Contains(strings.ToLower(s), text) {
			return true
		}
	}
	return false
}

// asIncident decodes what a store holds. A stub looks like the incident it is
// about to become: private, if the one it follows is.
func (b *Bot) asIncident(ctx context.Context, l Loaded) (workflow.Incident, error) {
	if l.Snapshot != nil || l.Stub == nil {
		return decode(l)
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
	if l.Follows != "" {
		before, err := b.Peek(ctx, l.Follows)
		if err != nil && !errors.Is(err, ErrNotFound) {
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
		i.Alerts.Firing += m.Started + m.Again - m.Ended
	}
	return i, nil
}

// Incident returns one incident, or a refusal when it does not exist for the
// speaker.
func (b *Bot) Incident(ctx context.Context, id string, s Speaker) (workflow.Incident, error) {
	l, err := b.cfg.Store.Load(ctx, id)
	if errors.Is(err, ErrNotFound) {
		return workflow.Incident{}, missing(id)
	}
	if err != nil {
		return workflow.Incident{}, err
	}
	i, err := b.asIncident(ctx, l)
	if err != nil {
		return workflow.Incident{}, err
	}
	return i, visible(i, s)
}

// History returns an incident's events with Seq > after, oldest first.
func (b *Bot) History(ctx context.Context, id string, s Speaker, after int) ([]workflow.Event, error) {
	if _, err := b.Incident(ctx, id, s); err != nil {
		return nil, err
	}
	var all []workflow.Event
	for {
		page, err := b.cfg.Store.History(ctx, id, after, 500)
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

// Timeline returns what happened, a line each, in the zone of the speaker.
func (b *Bot) Timeline(ctx context.Context, id string, s Speaker) ([]Entry, error) {
	events, err := b.History(ctx, id, s, 0)
	if err != nil {
		return nil, err
	}
	view := b.view(s)
	return Entries(events, view.Zone), nil
}

// Entries writes events as the lines of a timeline, in a reader's zone.
func Entries(events []workflow.Event, zone *time.Location) []Entry {
	all := make([]Entry, 0, len(events))
	for _, e := range events {
		all = append(all, Entry{Seq: e.Seq, At: e.At, By: card.By(e.By), Kind: workflow.FactKind(e.Fact), Text: card.Line(e, zone)})
	}
	return all
}

// answer carries a query out: it reads and writes text.
func (b *Bot) answer(ctx context.Context, call commands.Call, s Speaker) (string, error) {
	view := b.view(s)
	switch q := call.Query; q.Kind {
	case "help":
		return b.catalog.Help(q.Topic, s.Access)
	case "list":
		return b.listText(ctx, s, ListQuery{All: q.All, Status: q.Status, Severity: q.Severity, Service: q.Service, Limit: q.Limit})
	case "show":
		i, err := b.Incident(ctx, call.Incident, s)
		if err != nil {
			return "", err
		}
		return card.Text(card.Card(i, view)), nil
	case "timeline":
		entries, err := b.Timeline(ctx, call.Incident, s)
		if err != nil {
			return "", err
		}
		var t strings.Builder
		for _, e := range entries {
			fmt.Fprintf(&t, "%s  %s: %s\n", e.At.In(view.Zone).Format("2006-01-02 15:04:05 MST"), e.By, e.Text)
		}
		return t.String(), nil
	case "timers":
		i, err := b.Incident(ctx, call.Incident, s)
		if err != nil {
			return "", err
		}
		return card.Timers(i, view), nil
	case "who":
		events, err := b.History(ctx, call.Incident, s, 0)
		if err != nil {
			return "", err
		}
		return card.Who(call.Incident, workflow.Deliveries(events), view), nil
	case "web":
		return b.webText(ctx, call, s)
	}
	return "", fmt.Errorf("answer %s: nobody knows how", call.Query.Kind)
}

func (b *Bot) listText(ctx context.Context, s Speaker, q ListQuery) (string, error) {
	found, next, err := b.List(ctx, s, q)
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "No incidents. Quiet is good.", nil
	}
	SortByNeed(found)
	view := b.view(s)
	var t strings.Builder
	for _, i := range found {
		t.WriteString(card.Row(i, view) + "\n")
	}
	if next > 0 {
		t.WriteString("There are more: `list --limit 500` shows them.\n")
	}
	return t.String(), nil
}

// SortByNeed puts what needs somebody first: unattended, then not acknowledged,
// then the rest that is open, ended last. The order is kept otherwise.
func SortByNeed(all []workflow.Incident) {
	slices.SortStableFunc(all, func(a, b workflow.Incident) int { return cmp.Compare(attention(a), attention(b)) })
}

func attention(i workflow.Incident) int {
	switch {
	case i.Unattended():
		return 0
	case i.Open() && !i.Acknowledged():
		return 1
	case i.Open():
		return 2
	}
	return 3
}
