package web

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/incidents"
	"tocsin/commands"
	"tocsin/workflow"
)

// maxRows is the maximum number of incidents on one page.
const maxRows = 100

// listPage is the list of incidents.
type listPage struct {
	Query      incidents.Filter
	Show       string // the filter's status: "open", "all", or a status
	Severity   string
	Rows       []listRow
	Counts     bot.OpenCounts // of all that the reader may see, whatever the filter
	Next       string
	Services   []commands.Choice
	Severities []string
	Statuses   []string
	Filtered   bool
	Fresh      bool // there has never been an incident
}

// listRow is one incident in the list.
type listRow struct {
	ID, Title, Severity, Meaning, Status, Services, Who string
	At                                                  time.Time
	Clock                                               string
	Firing                                              int
	Unattended, Waiting, Ended, Private, Drill          bool
}

// parseListFilter parses the filter of a query. Unknown values are ignored.
func parseListFilter(q url.Values) incidents.Filter {
	l := incidents.Filter{Text: strings.TrimSpace(cleanInput(q.Get("q"))), Service: cleanInput(q.Get("service")), Limit: maxRows}
	l.After, _ = incidents.ParseCursor(q.Get("after"))
	if sev, ok := workflow.ParseSeverity(q.Get("sev")); ok {
		l.Severity = sev
	}
	switch show := q.Get("show"); {
	case show == "all":
		l.All = true
	case slices.Contains(workflow.Statuses(), workflow.Status(show)):
		l.Status = show
	}
	return l
}

func encodeListFilter(l incidents.Filter) url.Values {
	v := url.Values{}
	set := func(name, value string) {
		if value != "" {
			v.Set(name, value)
		}
	}
	set("q", l.Text)
	set("service", l.Service)
	set("show", l.Status)
	if l.All {
		set("show", "all")
	}
	if l.Severity != 0 {
		set("sev", l.Severity.String())
	}
	set("after", l.After.String())
	return v
}

func (s *Server) handleIncidents(w http.ResponseWriter, r *http.Request, who reader) {
	query := parseListFilter(r.URL.Query())
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	since := time.Now().Add(-boardInterval)
	p, err := s.loadList(ctx, query, who, since)
	if err != nil {
		s.writeStoreError(w, r, err)
		return
	}
	shown, err := s.renderRegions(p, "rows")
	if err == nil {
		shown, err = s.withBanner(ctx, pageRegions{regions: shown}, who, since)
	}
	if err != nil {
		s.writeStoreError(w, r, err)
		return
	}
	values := encodeListFilter(query)
	values.Set("list", "1")
	values.Set("at", shown.version())
	s.render(w, r, http.StatusOK, view{name: "list", title: "Incidents", reader: &who, page: p, parts: shown, live: "/live?" + values.Encode(), path: "/"})
}

// loadList returns the incidents of a page, by need (E14: lists are by need).
func (s *Server) loadList(ctx context.Context, q incidents.Filter, who reader, since time.Time) (listPage, error) {
	p := listPage{Query: q, Show: "open", Services: s.Dispatcher.Choices(ctx, commands.Service, who.Speaker), Filtered: len(encodeListFilter(q)) > 0}
	if q.Severity != 0 {
		p.Severity = q.Severity.String()
	}
	for _, status := range workflow.Statuses() {
		p.Statuses = append(p.Statuses, string(status))
	}
	for sev := workflow.SEV1; sev <= workflow.SEV5; sev++ {
		p.Severities = append(p.Severities, sev.String())
	}
	switch {
	case q.All:
		p.Show = "all"
	case q.Status != "":
		p.Show = q.Status
	}
	board, err := s.board.read(ctx, since)
	if err != nil {
		return p, err
	}
	p.Counts = board.census.For(who.Speaker)
	found, next, err := s.listIncidents(ctx, q, who, board)
	if err != nil {
		return p, err
	}
	for _, i := range found {
		p.Rows = append(p.Rows, s.newListRow(i, who))
	}
	if !next.IsZero() {
		more := q
		more.After = next
		p.Next = "/?" + encodeListFilter(more).Encode()
	}
	if len(p.Rows) == 0 && !p.Filtered {
		past, _, err := s.Incidents.List(ctx, who.Speaker, incidents.Filter{All: true, Limit: 1})
		p.Fresh = err == nil && len(past) == 0
	}
	return p, nil
}

// listIncidents returns the incidents of a page, and where the next page begins. The first
// page of open ones is read from the board, which all browsers share, and from the store
// only what the board does not have.
func (s *Server) listIncidents(ctx context.Context, q incidents.Filter, who reader, board *snapshot) (found []workflow.Incident, next incidents.Cursor, err error) {
	if q.All || q.Status != "" && !workflow.Status(q.Status).IsOpen() || !q.After.IsZero() {
		return s.Incidents.List(ctx, who.Speaker, q)
	}
	for n := range board.open {
		i := &board.open[n]
		if !who.CanSee(i) || !q.Matches(*i) {
			continue
		}
		if len(found) == q.Limit {
			return found, incidents.After(&found[len(found)-1]), nil
		}
		found = append(found, *i)
	}
	if len(board.open) < maxBoard {
		return found, incidents.Cursor{}, nil
	}
	q.After = incidents.After(&board.open[len(board.open)-1])
	if q.Limit -= len(found); q.Limit == 0 { // is there another one?
		q.Limit = 1
		rest, _, failed := s.Incidents.List(ctx, who.Speaker, q)
		if len(rest) > 0 {
			next = incidents.After(&found[len(found)-1])
		}
		return found, next, failed
	}
	rest, next, err := s.Incidents.List(ctx, who.Speaker, q)
	return append(found, rest...), next, err
}

func (s *Server) newListRow(i workflow.Incident, who reader) listRow {
	at := i.DeclaredAt
	if !i.Ending.ResolvedAt.IsZero() {
		at = i.Ending.ResolvedAt
	}
	row := listRow{
		ID: i.ID, Title: i.Title, Severity: i.Severity.String(), Meaning: s.Engine.Organization().Severities[i.Severity.String()].Name,
		Status: string(i.Status), Services: strings.Join(i.Services, ", "), At: at, Clock: s.formatTime(at, who.zone()),
		Firing: i.Alerts.Firing, Unattended: i.IsUnattended(), Waiting: i.IsOpen() && !i.IsAcknowledged(), Ended: !i.IsOpen(),
		Private: i.Visibility == workflow.Private, Drill: i.Kind == workflow.Drill,
	}
	if i.IsAcknowledged() {
		row.Who = i.Acknowledgement.Name
		if row.Who == "" {
			row.Who = i.Acknowledgement.Person
		}
	}
	return row
}
