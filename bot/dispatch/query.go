package dispatch

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"tocsin/bot/access"
	"tocsin/bot/card"
	"tocsin/bot/incidents"
	"tocsin/bot/signin"
	"tocsin/commands"
	"tocsin/workflow"
)

// answerQuery runs a command that only reads, and returns its text.
func (d *Dispatcher) answerQuery(ctx context.Context, call commands.Call, s access.Speaker) (string, error) {
	view := d.engine.View(s.Zone)
	switch q := call.Query; q.Kind {
	case commands.QueryHelp:
		return d.engine.Catalog().Help(q.Topic, access.Usable(s, nil))
	case commands.QueryList:
		return d.listText(ctx, s, incidents.Filter{All: q.All, Status: q.Status, Severity: q.Severity, Service: q.Service, Limit: q.Limit})
	case commands.QueryShow:
		i, err := d.incidents.Get(ctx, call.Incident, s)
		if err != nil {
			return "", err
		}
		return card.Text(card.Card(i, view)), nil
	case commands.QueryTimeline:
		entries, err := d.incidents.Timeline(ctx, call.Incident, s)
		if err != nil {
			return "", err
		}
		var t strings.Builder
		for _, e := range entries {
			fmt.Fprintf(&t, "%s  %s: %s\n", card.FormatTimestamp(e.At, view.Zone), e.By, e.Text)
		}
		return t.String(), nil
	case commands.QueryTimers:
		i, err := d.incidents.Get(ctx, call.Incident, s)
		if err != nil {
			return "", err
		}
		return card.Timers(i, view), nil
	case commands.QueryWho:
		events, err := d.incidents.History(ctx, call.Incident, s, 0)
		if err != nil {
			return "", err
		}
		return card.Deliveries(call.Incident, workflow.Deliveries(events), view), nil
	case commands.QueryWeb:
		return d.webText(ctx, call, s)
	}
	return "", fmt.Errorf("answer the query %q: it has no handler", call.Query.Kind)
}

// listText returns the reply of `list`, by need (E14: lists are by need).
func (d *Dispatcher) listText(ctx context.Context, s access.Speaker, q incidents.Filter) (string, error) {
	found, next, err := d.incidents.List(ctx, s, q)
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "No incidents. Quiet is good.", nil
	}
	view := d.engine.View(s.Zone)
	var t strings.Builder
	for _, i := range found {
		t.WriteString(card.Row(i, view) + "\n")
	}
	if next.IsZero() {
		return t.String(), nil
	}
	more := fmt.Sprintf("There are more: `list --limit %d` shows them.\n", incidents.MaxLimit)
	if len(found) == incidents.MaxLimit {
		more = "There are more: the browser shows them, or choose with `--sev`, `--service` or `--status`.\n"
	}
	counts, err := d.incidents.CountOpen(ctx, s)
	if err != nil {
		return "", err
	}
	fmt.Fprintf(&t, "These are %d; %d are open, %d of them not acknowledged, %d unattended. %s", len(found), counts.Open, counts.Unacknowledged, counts.Unattended, more)
	return t.String(), nil
}

// webText returns the reply of `web`: a sign-in link, the list of the speaker's
// sessions, or how many sessions were ended.
func (d *Dispatcher) webText(ctx context.Context, call commands.Call, s access.Speaker) (string, error) {
	switch call.Query.Topic {
	case "sessions":
		all, err := d.signin.Sessions(ctx, s)
		if err != nil {
			return "", err
		}
		if len(all) == 0 {
			return "No browser is signed in.", nil
		}
		var t strings.Builder
		for _, one := range all {
			fmt.Fprintf(&t, "%s  %s, since %s, until %s: %s, %s\n", one.ID, cmp.Or(one.Name, one.Person), d.formatTime(one.StartedAt, s), d.formatTime(one.ExpiresAt, s),
				cmp.Or(one.Browser, "unknown browser"), cmp.Or(one.From, "unknown address"))
		}
		return t.String() + "`web revoke ID` signs one of them out, `web revoke all` all.", nil
	case "revoke":
		n, err := d.signin.Revoke(ctx, s, call.Query.ID)
		if err != nil {
			return "", err
		}
		if n == 0 {
			short, _ := workflow.CleanLine(call.Query.ID, 20)
			return "", &workflow.Refusal{Message: fmt.Sprintf("No session is called %q.", short), Hint: "`web sessions` lists them."}
		}
		return fmt.Sprintf("Signed out: %d.", n), nil
	}
	to := "/"
	if call.Incident != "" {
		if _, err := d.incidents.Get(ctx, call.Incident, s); err != nil {
			return "", err
		}
		to = "/incidents/" + call.Incident
	}
	link, err := d.signin.CreateLink(ctx, s, to)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("%s\nSigns you in once, until %s. Keep it to yourself.", link, d.formatTime(d.engine.Now().Add(signin.LinkLife), s)), nil
}

// formatTime returns an instant in the zone of a speaker.
func (d *Dispatcher) formatTime(at time.Time, s access.Speaker) string {
	return card.FormatTime(at, d.engine.Now(), d.engine.View(s.Zone).Zone)
}
