package api

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/bot/access"
	"tocsin/bot/card"
	"tocsin/bot/incidents"
	"tocsin/commands"
	"tocsin/workflow"
)

// The number of incidents in one page of a list.
const (
	defaultLimit = 50
	maxLimit     = 500
)

func (s *server) handleList(r *http.Request, who caller) (any, error) {
	q, err := s.parseFilter(r)
	if err != nil {
		return nil, err
	}
	found, next, err := s.Incidents.List(r.Context(), who.Speaker, q)
	if err != nil {
		return nil, err
	}
	page := struct {
		Incidents []summary `json:"incidents"`
		Next      string    `json:"next,omitempty"`
	}{Incidents: make([]summary, 0, len(found))}
	for _, i := range found {
		page.Incidents = append(page.Incidents, newSummary(i))
	}
	page.Next = encodeCursor(next)
	return page, nil
}

// parseFilter reads the filter of a list from the query. An unknown name or
// value is an error: a filter that is silently ignored would look like an
// answer.
func (s *server) parseFilter(r *http.Request) (incidents.Filter, error) {
	q := incidents.Filter{All: true, Limit: defaultLimit}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, badValue("the query cannot be parsed", "write it as name=value&name=value, percent-encoded")
	}
	names := []string{"status", "severity", "service", "limit", "after"}
	for name, all := range values {
		if !slices.Contains(names, name) {
			return q, badValue(fmt.Sprintf("there is no parameter %q", sanitize(name)), suggest(name, names))
		}
		if len(all) > 1 {
			return q, badValue(fmt.Sprintf("%q is given %d times", name, len(all)), "give it once")
		}
	}
	for _, read := range []func(url.Values, *incidents.Filter) error{parseStatus, parseSeverity, parseLimit, parseAfter} {
		if err := read(values, &q); err != nil {
			return q, err
		}
	}
	q.Service = values.Get("service")
	if service, ok := s.Engine.Organization().Service(q.Service); ok {
		q.Service = service.ID
	}
	return q, nil
}

func parseStatus(values url.Values, q *incidents.Filter) error {
	word := strings.ToLower(values.Get("status"))
	switch names := statusNames(); {
	case word == "":
	case word == "open":
		q.All = false
	case slices.Contains(names, word):
		q.Status = word
	default:
		return badValue(fmt.Sprintf("%q is not a status", sanitize(word)), suggest(word, append([]string{"open"}, names...)))
	}
	return nil
}

func statusNames() []string {
	var names []string
	for _, status := range workflow.Statuses() {
		names = append(names, string(status))
	}
	return names
}

func parseSeverity(values url.Values, q *incidents.Filter) error {
	word := values.Get("severity")
	if word == "" {
		return nil
	}
	var ok bool
	if q.Severity, ok = workflow.ParseSeverity(word); !ok {
		return badValue(fmt.Sprintf("%q is not a severity", sanitize(word)), "use SEV1, SEV2, SEV3, SEV4 or SEV5, or the number alone")
	}
	return nil
}

func parseLimit(values url.Values, q *incidents.Filter) error {
	word := values.Get("limit")
	if word == "" {
		return nil
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < 1 || n > maxLimit {
		return badValue(fmt.Sprintf("%q is not a limit", sanitize(word)), fmt.Sprintf("use a number from 1 to %d", maxLimit))
	}
	q.Limit = n
	return nil
}

func parseAfter(values url.Values, q *incidents.Filter) error {
	word := values.Get("after")
	if word == "" {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(word)
	var ok bool
	if q.After, ok = incidents.ParseCursor(string(raw)); err != nil || !ok || q.After.IsZero() {
		return badValue(fmt.Sprintf("%q is not a valid cursor", sanitize(word)), `send the "next" of the previous page, unchanged`)
	}
	return nil
}

// encodeCursor returns the cursor of the next page, "" when there is none. It is
// encoded so that no client relies on its content.
func encodeCursor(next incidents.Cursor) string {
	return base64.RawURLEncoding.EncodeToString([]byte(next.String()))
}

// suggest returns a hint with the accepted names, and the nearest one first.
func suggest(word string, names []string) string {
	hint := "use one of " + strings.Join(names, ", ")
	if near := commands.Nearest(strings.ToLower(word), names); near != "" {
		hint = "did you mean " + near + "? " + hint
	}
	return hint
}

// loadIncident returns the incident of the path as the caller may see it. A
// private incident does not exist for everyone else, in the same words (P2:
// private means members only).
func (s *server) loadIncident(r *http.Request, who access.Speaker) (workflow.Incident, error) {
	id, err := parseIncidentID(r)
	if err != nil {
		return workflow.Incident{}, err
	}
	return s.Incidents.Get(r.Context(), id, who)
}

// loadFor is loadIncident for what a command shows: a caller who may not use the
// command on the incident gets the error forbidden.
func (s *server) loadFor(command string, r *http.Request, who access.Speaker) (workflow.Incident, error) {
	i, err := s.loadIncident(r, who)
	if err != nil {
		return i, err
	}
	if w, ok := s.Engine.Catalog().Find(command); !ok || access.Can(who, w, &i) != nil {
		return workflow.Incident{}, s.forbidden(who.Access, w.Access)
	}
	return i, nil
}

func parseIncidentID(r *http.Request) (string, error) {
	typed := r.PathValue("id")
	id := commands.ParseID(typed)
	if id == "" {
		return "", &problem{
			status: http.StatusNotFound, Code: "not_found", Message: fmt.Sprintf("%q is not an incident", sanitize(typed)),
			Hint: "an incident's ID is like INC-7; /api/v1/incidents lists them",
		}
	}
	return id, nil
}

// speakerInUTC returns the speaker with the zone UTC, because the API shows
// every time in UTC, in texts too.
func (c caller) speakerInUTC() access.Speaker {
	c.Speaker.Zone = time.UTC
	return c.Speaker
}

func (s *server) handleShow(r *http.Request, who caller) (any, error) {
	i, err := s.loadIncident(r, who.Speaker)
	if err != nil {
		return nil, err
	}
	d := newDetails(i)
	if w, ok := s.Engine.Catalog().Find("timers"); ok && access.Can(who.Speaker, w, &i) == nil {
		d.Timers = upcomingTimers(i)
	}
	return d, nil
}

func (s *server) handleTimeline(r *http.Request, who caller) (any, error) {
	i, err := s.loadFor("timeline", r, who.Speaker)
	if err != nil {
		return nil, err
	}
	entries, err := s.Incidents.Timeline(r.Context(), i.ID, who.speakerInUTC())
	if err != nil {
		return nil, err
	}
	for n := range entries {
		entries[n].At = entries[n].At.UTC()
	}
	return map[string][]incidents.Entry{"events": entries}, nil
}

func (s *server) handleDeliveries(r *http.Request, who caller) (any, error) {
	i, err := s.loadFor("who", r, who.Speaker)
	if err != nil {
		return nil, err
	}
	events, err := s.Incidents.History(r.Context(), i.ID, who.Speaker, 0)
	if err != nil {
		return nil, err
	}
	all := []delivery{}
	for _, d := range workflow.Deliveries(events) {
		all = append(all, delivery{
			Page: d.ID, To: d.To, Name: d.Name, Via: d.Via, Purpose: d.Purpose, State: d.State, Why: d.Why,
			AskedAt: d.AskedAt.UTC(), DoneAt: d.DoneAt.UTC(), Text: card.DeliveryStatus(d, card.View{Zone: time.UTC}),
		})
	}
	return map[string][]delivery{"deliveries": all}, nil
}

func (s *server) handleTimers(r *http.Request, who caller) (any, error) {
	i, err := s.loadFor("timers", r, who.Speaker)
	if err != nil {
		return nil, err
	}
	return map[string][]card.Timer{"timers": upcomingTimers(i)}, nil
}

// upcomingTimers returns the incident's timers in UTC. It is never nil: an
// empty list says that nothing is scheduled.
func upcomingTimers(i workflow.Incident) []card.Timer {
	all := append([]card.Timer{}, card.UpcomingTimers(i)...)
	for n := range all {
		all[n].At = all[n].At.UTC()
	}
	return all
}
