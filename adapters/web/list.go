package web

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/bot/incidents"
	"tocsin/commands"
	"tocsin/workflow"
)

// maxRows is the maximum number of incidents on one page.
const maxRows = 100

// listPage is the list of incidents.
type listPage struct {
	Query      listFilter
	Show       string // the filter's status: "open", "all", or a status
	Severity   string
	Rows       []listRow
	Open       int // number of open incidents, whatever the filter
	Urgent     int // number of open incidents without an acknowledgement
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

// listFilter selects the incidents of a list.
type listFilter struct {
	incidents.Filter
	From int // number of open incidents to skip
}

// parseListFilter parses the filter of a query. Unknown values are ignored.
func parseListFilter(q url.Values) listFilter {
	l := listFilter{Filter: incidents.Filter{Text: strings.TrimSpace(cleanInput(q.Get("q"))), Service: cleanInput(q.Get("service")), Limit: maxRows}}
	for name, into := range map[string]*int{"before": &l.Before, "from": &l.From} {
		if n, err := strconv.Atoi(q.Get(name)); err == nil && n > 0 {
			*into = n
		}
	}
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

func encodeListFilter(l listFilter) url.Values {
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
	if l.Before != 0 {
		set("before", strconv.Itoa(l.Before))
	}
	if l.From != 0 {
		set("from", strconv.Itoa(l.From))
	}
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

// loadList returns the incidents of a page: open ones from the board, others
// from the store.
func (s *Server) loadList(ctx context.Context, q listFilter, who reader, since time.Time) (listPage, error) {
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
	open, err := s.board.read(ctx, since)
	if err != nil {
		return p, err
	}
	var found []workflow.Incident
	for n := range open {
		i := open[n]
		if !who.CanSee(&open[n]) {
			continue
		}
		p.Open++
		if i.IsUnattended() || !i.IsAcknowledged() {
			p.Urgent++
		}
		if q.Matches(i) {
			found = append(found, i)
		}
	}
	if q.All || q.Status != "" && !workflow.Status(q.Status).IsOpen() || q.Before != 0 {
		p.Show = map[bool]string{true: "all", false: q.Status}[q.All]
		var next int
		if found, next, err = s.Incidents.List(ctx, who.Speaker, q.Filter); err != nil {
			return p, err
		}
		if next > 0 {
			more := q
			more.Before, more.From = next, 0
			p.Next = "/?" + encodeListFilter(more).Encode()
		}
	} else {
		if q.Status != "" {
			p.Show = q.Status
		}
		found, p.Next = q.paginate(found, open)
	}
	for _, i := range found {
		p.Rows = append(p.Rows, s.newListRow(i, who))
	}
	if len(p.Rows) == 0 && !p.Filtered {
		past, _, err := s.Incidents.List(ctx, who.Speaker, incidents.Filter{All: true, Limit: 1})
		p.Fresh = err == nil && len(past) == 0
	}
	return p, nil
}

// paginate returns the open incidents of one page, and the address of the next
// page. The board has the newest open incidents; older ones come from the
// store.
func (f listFilter) paginate(found, board []workflow.Incident) (shown []workflow.Incident, next string) {
	shown = found[min(f.From, len(found)):]
	more := f
	switch {
	case len(shown) > maxRows:
		shown, more.From = shown[:maxRows], f.From+maxRows
	case len(board) == maxBoard:
		oldest := slices.MinFunc(board, func(a, b workflow.Incident) int { return cmp.Compare(a.Number, b.Number) })
		more.Before, more.From = oldest.Number, 0
	default:
		return shown, ""
	}
	return shown, "/?" + encodeListFilter(more).Encode()
}

func (s *Server) newListRow(i workflow.Incident, who reader) listRow {
	at := i.DeclaredAt
	if !i.Ending.ResolvedAt.IsZero() {
		at = i.Ending.ResolvedAt
	}
	row := listRow{
		ID: i.ID, Title: i.Title, Severity: i.Severity.String(), Meaning: s.Engine.Organization().Severities[i.Severity.String()].Name,
		Status: string(i.Status), Services: strings.Join(i.Services, ", "), At: at, Clock: formatMoment(at, who.zone()),
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
