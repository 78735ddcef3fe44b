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

// What one list holds.
const (
	usualLimit = 50
	mostLimit  = 500
)

func (s *server) list(r *http.Request, who caller) (any, error) {
	q, err := s.query(r)
	if err != nil {
		return nil, err
	}
	found, next, err := s.Bot.Incidents.List(r.Context(), who.Speaker, q)
	if err != nil {
		return nil, err
	}
	page := struct {
		Incidents []summary `json:"incidents"`
		Next      string    `json:"next,omitempty"`
	}{Incidents: make([]summary, 0, len(found))}
	for _, i := range found {
		page.Incidents = append(page.Incidents, summarize(i))
	}
	if next > 0 {
		page.Next = cursor(next)
	}
	return page, nil
}

// query reads what is to be listed. A name or a value that is not understood is
// an error: to leave a filter out would look like an answer.
func (s *server) query(r *http.Request) (incidents.Filter, error) {
	q := incidents.Filter{All: true, Limit: usualLimit}
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return q, badValue("the query of the address cannot be read", "write it as name=value&name=value, percent-encoded")
	}
	names := []string{"status", "severity", "service", "limit", "after"}
	for name, all := range values {
		if !slices.Contains(names, name) {
			return q, badValue(fmt.Sprintf("there is no parameter %q", shown(name)), oneOf(name, names))
		}
		if len(all) > 1 {
			return q, badValue(fmt.Sprintf("%q is given %d times", name, len(all)), "give it once")
		}
	}
	for _, read := range []func(url.Values, *incidents.Filter) error{readStatus, readSeverity, readLimit, readAfter} {
		if err := read(values, &q); err != nil {
			return q, err
		}
	}
	q.Service = values.Get("service")
	if service, ok := s.Bot.Organization().Service(q.Service); ok {
		q.Service = service.ID
	}
	return q, nil
}

func readStatus(values url.Values, q *incidents.Filter) error {
	word := strings.ToLower(values.Get("status"))
	switch names := statuses(); {
	case word == "":
	case word == "open":
		q.All = false
	case slices.Contains(names, word):
		q.Status = word
	default:
		return badValue(fmt.Sprintf("%q is no status", shown(word)), oneOf(word, append([]string{"open"}, names...)))
	}
	return nil
}

func statuses() []string {
	var names []string
	for _, status := range workflow.Statuses() {
		names = append(names, string(status))
	}
	return names
}

func readSeverity(values url.Values, q *incidents.Filter) error {
	word := values.Get("severity")
	if word == "" {
		return nil
	}
	var ok bool
	if q.Severity, ok = workflow.ParseSeverity(word); !ok {
		return badValue(fmt.Sprintf("%q is no severity", shown(word)), "it is SEV1, SEV2, SEV3, SEV4 or SEV5, or its number alone")
	}
	return nil
}

func readLimit(values url.Values, q *incidents.Filter) error {
	word := values.Get("limit")
	if word == "" {
		return nil
	}
	n, err := strconv.Atoi(word)
	if err != nil || n < 1 || n > mostLimit {
		return badValue(fmt.Sprintf("%q is no limit", shown(word)), fmt.Sprintf("it is a number from 1 to %d", mostLimit))
	}
	q.Limit = n
	return nil
}

func readAfter(values url.Values, q *incidents.Filter) error {
	word := values.Get("after")
	if word == "" {
		return nil
	}
	raw, err := base64.RawURLEncoding.DecodeString(word)
	number, named := strings.CutPrefix(string(raw), "before ")
	if q.Before, _ = strconv.Atoi(number); err != nil || !named || q.Before < 1 {
		return badValue(fmt.Sprintf("%q is not where a page ended", shown(word)), `give what the page before answered as "next", unchanged`)
	}
	return nil
}

// cursor is where the next page begins. It is wrapped so that nobody counts on
// what is in it.
func cursor(before int) string {
	return base64.RawURLEncoding.EncodeToString([]byte("before " + strconv.Itoa(before)))
}

// oneOf says what would be right.
func oneOf(word string, names []string) string {
	hint := "it is one of " + strings.Join(names, ", ")
	if near := commands.Nearest(strings.ToLower(word), names); near != "" {
		hint = "did you mean " + near + "? " + hint
	}
	return hint
}

// incident reads the incident of the path as the caller may see it. One that is
// private is missing to everybody else, in the same words (rule P2).
func (s *server) incident(r *http.Request, who access.Speaker) (workflow.Incident, error) {
	id, err := incidentID(r)
	if err != nil {
		return workflow.Incident{}, err
	}
	return s.Bot.Incidents.Get(r.Context(), id, who)
}

func incidentID(r *http.Request) (string, error) {
	typed := r.PathValue("id")
	id := commands.ParseID(typed)
	if id == "" {
		return "", &problem{
			status: http.StatusNotFound, Code: "not_found", Message: fmt.Sprintf("%q is no incident", shown(typed)),
			Hint: "incidents are called INC-7; /api/v1/incidents lists them",
		}
	}
	return id, nil
}

// inUTC is the caller as a reader of the interface: its times are UTC, in texts
// too.
func (c caller) inUTC() access.Speaker {
	c.Speaker.Zone = time.UTC
	return c.Speaker
}

func (s *server) show(r *http.Request, who caller) (any, error) {
	i, err := s.incident(r, who.Speaker)
	if err != nil {
		return nil, err
	}
	d := detail(i)
	if w, ok := s.Bot.Catalog().Find("timers"); ok && access.Can(who.Speaker, w, &i) == nil {
		d.Timers = timers(i)
	}
	return d, nil
}

func (s *server) timeline(r *http.Request, who caller) (any, error) {
	id, err := incidentID(r)
	if err != nil {
		return nil, err
	}
	entries, err := s.Bot.Incidents.Timeline(r.Context(), id, who.inUTC())
	if err != nil {
		return nil, err
	}
	for n := range entries {
		entries[n].At = entries[n].At.UTC()
	}
	return map[string][]incidents.Entry{"events": entries}, nil
}

func (s *server) deliveries(r *http.Request, who caller) (any, error) {
	id, err := incidentID(r)
	if err != nil {
		return nil, err
	}
	events, err := s.Bot.Incidents.History(r.Context(), id, who.Speaker, 0)
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

func (s *server) timers(r *http.Request, who caller) (any, error) {
	i, err := s.incident(r, who.Speaker)
	if err != nil {
		return nil, err
	}
	return map[string][]card.Timer{"timers": timers(i)}, nil
}

// timers is never nil: an empty list says that nothing will happen by itself.
func timers(i workflow.Incident) []card.Timer {
	all := append([]card.Timer{}, card.UpcomingTimers(i)...)
	for n := range all {
		all[n].At = all[n].At.UTC()
	}
	return all
}
