// Package alertmanager reads what Prometheus Alertmanager posts to a webhook
// receiver: https://prometheus.io/docs/alerting/latest/configuration/#webhook_config.
package alertmanager

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

const (
	maxKey      = 128  // bytes of a fingerprint; Alertmanager's own have 16
	maxLink     = 2048 // bytes
	maxSeverity = 64   // characters of a severity word
	maxQuoted   = 40   // characters of the body that a note repeats
)

// webhook is the body. Its version is not looked at: 4 is the only one there
// ever was with this shape, and another that has it means the same. What the
// sender says of the whole group is not looked at either: a group that fires
// contains alerts that have resolved (rule I4).
type webhook struct {
	Alerts      []alert `json:"alerts"`
	ExternalURL string  `json:"externalURL"`
	Truncated   int     `json:"truncatedAlerts"`
}

type alert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     string            `json:"startsAt"`
	EndsAt       string            `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

// Source is Alertmanager as a source of alerts. It signs nothing: its
// http_config sends a token, as Bearer or Basic.
func Source() alerts.Source {
	return alerts.Source{
		Type: "alertmanager", MaxBody: 4 << 20,
		Decode: func(r alerts.Request) ([]alerts.Alert, error) { return Decode(r.Body) },
	}
}

// Decode returns the alerts of one webhook body, in its order. An empty list is
// no error. A body that cannot be read gives an error that says where: with
// byte offset, line and column, and with the field's path when its type is
// wrong. Of a body with one such fault nothing is returned, so that it can be
// kept and replayed whole. Decode is pure and safe for concurrent use.
func Decode(body []byte) ([]alerts.Alert, error) {
	if err := measure(body); err != nil {
		return nil, err
	}
	var w webhook
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, explain(body, err)
	}
	switch {
	case w.Alerts == nil:
		return nil, errors.New(`read webhook: no alerts in it: the list "alerts" is missing`)
	case len(w.Alerts) == 0 && w.Truncated > 0:
		// Nothing would remember the ones that were left out.
		return nil, fmt.Errorf("read webhook: no alerts in it, and the sender left out %d (see its max_alerts)", w.Truncated)
	}
	elsewhere, _ := webAddress(w.ExternalURL)
	all := make([]alerts.Alert, len(w.Alerts))
	for n, a := range w.Alerts {
		all[n] = a.decode(elsewhere)
	}
	if w.Truncated > 0 {
		all[0].Truncated = w.Truncated
	}
	return all, nil
}

// decode turns one alert into ours. elsewhere is the link of an alert that has
// none of its own.
func (a alert) decode(elsewhere string) alerts.Alert {
	var notes []string
	note := func(text string) {
		if text != "" {
			notes = append(notes, text)
		}
	}
	out := alerts.Alert{
		Title:       title(a.Labels, a.Annotations),
		Description: text(a.Annotations, workflow.MaxText, "description", "message", "details"),
		Severity:    line(a.Labels, maxSeverity, "severity", "priority"),
	}
	var why string
	out.State, why = state(a.Status)
	note(why)
	out.Key, why = key(a.Fingerprint, a.Labels)
	note(why)
	out.StartedAt, why = instant("startsAt", a.StartsAt)
	note(why)
	if out.State == alerts.Resolved { // the end of an alert that fires is a guess
		out.EndedAt, why = instant("endsAt", a.EndsAt)
		note(why)
	}
	out.Labels, why = bounded("labels", a.Labels)
	note(why)
	out.Annotations, why = bounded("annotations", a.Annotations)
	note(why)
	out.Link = elsewhere
	if own, ok := webAddress(a.GeneratorURL); ok {
		out.Link = own
	}
	for _, name := range []string{"runbook_url", "runbook"} {
		if address, ok := webAddress(a.Annotations[name]); ok {
			out.Runbook = address
			break
		}
	}
	out.Note = strings.Join(notes, "; ")
	return out
}

// state reads an alert's own status. One that nobody knows counts as firing
// and is marked (rule I4).
func state(status string) (s alerts.State, note string) {
	switch strings.ToLower(strings.TrimSpace(status)) {
	case "firing":
		return alerts.Firing, ""
	case "resolved":
		return alerts.Resolved, ""
	case "":
		return alerts.Firing, "it has no status and counts as firing"
	}
	return alerts.Firing, fmt.Sprintf("its status %q is unknown and counts as firing", quoted(status))
}

// key is the alert's identity (rule I3): the fingerprint, else a hash of all
// its labels, before any is cut.
func key(fingerprint string, labels map[string]string) (k, note string) {
	k = strings.TrimSpace(fingerprint)
	switch {
	case k != "" && len(k) <= maxKey:
		return k, ""
	case k != "":
		return hash(k), ""
	case len(labels) == 0:
		return hash(""), "it has neither fingerprint nor labels: all such alerts are one"
	}
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		b.WriteString(name)
		b.WriteByte(0xff) // in no UTF-8 text: names and values cannot run into each other
		b.WriteString(labels[name])
		b.WriteByte(0xff)
	}
	return hash(b.String()), ""
}

func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// title is what the rule's author wrote, else what fires and where.
func title(labels, annotations map[string]string) string {
	if t := line(annotations, workflow.MaxTitle, "summary", "title"); t != "" {
		return t
	}
	t := cmp.Or(line(labels, workflow.MaxTitle, "alertname"), "Alert without a name")
	if where := line(labels, workflow.MaxTitle, "instance"); where != "" {
		t += " on " + where
	} else if job := line(labels, workflow.MaxTitle, "job"); job != "" {
		t += " in " + job
	}
	t, _ = workflow.CleanLine(t, workflow.MaxTitle)
	return t
}

// line returns the first of the named values that says something, on one line.
func line(values map[string]string, limit int, names ...string) string {
	for _, name := range names {
		if s, _ := workflow.CleanLine(values[name], limit); s != "" {
			return s
		}
	}
	return ""
}

// text is [line] for texts of several lines.
func text(values map[string]string, limit int, names ...string) string {
	for _, name := range names {
		if s, _ := workflow.CleanText(values[name], limit); s != "" {
			return s
		}
	}
	return ""
}

// instant reads a time. The year 1 is Go's zero time, which Alertmanager sends
// for "not yet". A time that cannot be read is left out and marked: when an
// alert began matters less than that it fires.
func instant(field, s string) (at time.Time, note string) {
	if s == "" {
		return time.Time{}, ""
	}
	t, err := time.Parse(time.RFC3339, s)
	t = t.UTC()
	switch {
	case err != nil || t.Year() > 9999: // a later year could not be written again
		return time.Time{}, fmt.Sprintf("its %s %q is no time", field, quoted(s))
	case t.Year() <= 1:
		return time.Time{}, ""
	}
	return t, ""
}

// webAddress keeps an address that a browser may open and that shows itself as
// it is, without the password that it may carry (rule P4).
func webAddress(s string) (address string, ok bool) {
	s = strings.TrimSpace(s)
	hidden := func(r rune) bool { return r == ' ' || !unicode.IsPrint(r) }
	if s == "" || len(s) > maxLink || strings.ContainsFunc(s, hidden) {
		return "", false
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", false
	}
	if u.User != nil {
		u.User = nil
		return u.String(), true
	}
	return s, true
}

func quoted(s string) string {
	s, _ = workflow.CleanLine(s, maxQuoted)
	return s
}
