// Package alertmanager decodes the webhooks of Prometheus Alertmanager:
// https://prometheus.io/docs/alerting/latest/configuration/#webhook_config.
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
	maxQuoted   = 40   // characters of the body that a note quotes
)

// webhook is the body of a request. The version is ignored: 4 is the only one
// with this shape. The status of the group is ignored too: a group that fires
// contains alerts that have resolved (I4: status is per alert).
type webhook struct {
	Alerts      []alert `json:"alerts"`
	ExternalURL string  `json:"externalURL"`
	Truncated   int     `json:"truncatedAlerts"`
}

// alert is one alert of a webhook.
type alert struct {
	Status       string            `json:"status"`
	Labels       map[string]string `json:"labels"`
	Annotations  map[string]string `json:"annotations"`
	StartsAt     string            `json:"startsAt"`
	EndsAt       string            `json:"endsAt"`
	GeneratorURL string            `json:"generatorURL"`
	Fingerprint  string            `json:"fingerprint"`
}

// Source returns Alertmanager as a source of alerts. It signs nothing: its
// http_config sends a token, as Bearer or Basic.
func Source() alerts.Source {
	return alerts.Source{
		Type: "alertmanager", MaxBody: 4 << 20,
		Decode: func(r alerts.Request) ([]alerts.Alert, error) { return Decode(r.Body) },
	}
}

// Decode returns the alerts of one webhook body, in its order. An empty list is
// valid. A byte order mark is ignored, and UTF-16 that has one is read. The error of
// a body that holds nothing wraps [alerts.ErrNoAlert]. The error for a body that cannot be read has the byte offset, line and
// column, and the path of a field with a wrong type. One such field makes the
// whole body unreadable, so that it is kept as a dead letter and can be replayed.
// Decode is pure and safe for concurrent use.
func Decode(body []byte) ([]alerts.Alert, error) {
	body = decodeText(body)
	all, err := decodeWebhook(body)
	if err != nil && holdsNothing(body) {
		err = fmt.Errorf("%w; %w", err, alerts.ErrNoAlert)
	}
	return all, err
}

// decodeWebhook is Decode for UTF-8 without a byte order mark.
func decodeWebhook(body []byte) ([]alerts.Alert, error) {
	if err := checkSize(body); err != nil {
		return nil, err
	}
	var w webhook
	if err := json.Unmarshal(body, &w); err != nil {
		return nil, describeError(body, err)
	}
	switch {
	case w.Alerts == nil:
		return nil, errors.New(`read webhook: the list "alerts" is missing`)
	case len(w.Alerts) == 0 && w.Truncated > 0:
		// With a 2xx, no one would learn of the alerts that were left out.
		return nil, fmt.Errorf("read webhook: it has no alerts, and the sender left out %d (see its max_alerts)", w.Truncated)
	}
	fallbackLink, _ := webAddress(w.ExternalURL)
	all := make([]alerts.Alert, len(w.Alerts))
	for n, a := range w.Alerts {
		all[n] = a.toAlert(fallbackLink)
	}
	if w.Truncated > 0 {
		all[0].Truncated = w.Truncated
	}
	return all, nil
}

// toAlert converts one alert. fallbackLink is the link of an alert that has
// none of its own.
func (a alert) toAlert(fallbackLink string) alerts.Alert {
	var notes []string
	note := func(text string) {
		if text != "" {
			notes = append(notes, text)
		}
	}
	out := alerts.Alert{
		Title:       title(a.Labels, a.Annotations),
		Description: firstText(a.Annotations, workflow.MaxText, "description", "message", "details"),
		Severity:    firstLine(a.Labels, maxSeverity, "severity", "priority"),
	}
	var reason string
	out.State, reason = parseState(a.Status)
	note(reason)
	out.Key, reason = dedupKey(a.Fingerprint, a.Labels)
	note(reason)
	out.StartedAt, reason = parseTime("startsAt", a.StartsAt)
	note(reason)
	if out.State == alerts.Resolved { // the end of a firing alert is an estimate
		out.EndedAt, reason = parseTime("endsAt", a.EndsAt)
		note(reason)
	}
	out.Labels, reason = limitLabels("labels", a.Labels)
	note(reason)
	out.Annotations, reason = limitLabels("annotations", a.Annotations)
	note(reason)
	out.Link = fallbackLink
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

// parseState parses an alert's own status. An unknown one counts as firing and
// is noted (I4: status is per alert).
func parseState(status string) (s alerts.State, note string) {
	switch strings.ToLower(strings.TrimSpace(status)) {
	case "firing":
		return alerts.Firing, ""
	case "resolved":
		return alerts.Resolved, ""
	case "":
		return alerts.Firing, "it has no status and counts as firing"
	}
	return alerts.Firing, fmt.Sprintf("its status %q is unknown and counts as firing", quote(status))
}

// dedupKey returns the alert's identity: the fingerprint, else a hash of all
// its labels before any is left out (I3: identity is integration and dedup
// key).
func dedupKey(fingerprint string, labels map[string]string) (k, note string) {
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
		b.WriteByte(0xff) // never part of UTF-8: separates names from values
		b.WriteString(labels[name])
		b.WriteByte(0xff)
	}
	return hash(b.String()), ""
}

// hash returns a short hash.
func hash(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}

// title returns the summary that the rule's author wrote, else the name of the
// alert with its instance or job.
func title(labels, annotations map[string]string) string {
	if t := firstLine(annotations, workflow.MaxTitle, "summary", "title"); t != "" {
		return t
	}
	t := cmp.Or(firstLine(labels, workflow.MaxTitle, "alertname"), "Alert without a name")
	if where := firstLine(labels, workflow.MaxTitle, "instance"); where != "" {
		t += " on " + where
	} else if job := firstLine(labels, workflow.MaxTitle, "job"); job != "" {
		t += " in " + job
	}
	t, _ = workflow.CleanLine(t, workflow.MaxTitle)
	return t
}

// firstLine returns the first non-empty one of the named values, on one line.
func firstLine(values map[string]string, limit int, names ...string) string {
	for _, name := range names {
		if s, _ := workflow.CleanLine(values[name], limit); s != "" {
			return s
		}
	}
	return ""
}

// firstText is [firstLine] for texts of several lines.
func firstText(values map[string]string, limit int, names ...string) string {
	for _, name := range names {
		if s, _ := workflow.CleanText(values[name], limit); s != "" {
			return s
		}
	}
	return ""
}

// parseTime parses a time. The year 1 is Go's zero time, which Alertmanager
// sends for "not yet". A time that cannot be parsed is left out and noted: an
// alert without its start is better than no alert.
func parseTime(field, s string) (at time.Time, note string) {
	if s == "" {
		return time.Time{}, ""
	}
	t, err := time.Parse(time.RFC3339, s)
	t = t.UTC()
	switch {
	case err != nil || t.Year() > 9999: // JSON cannot encode a later year
		return time.Time{}, fmt.Sprintf("its %s %q is not a time", field, quote(s))
	case t.Year() <= 1:
		return time.Time{}, ""
	}
	return t, ""
}

// webAddress returns a web address without hidden characters, and without the
// password that it may contain (P4: secrets are never shown).
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

// quote returns a piece of the body for a note, on one line and cut to
// maxQuoted.
func quote(s string) string {
	s, _ = workflow.CleanLine(s, maxQuoted)
	return s
}
