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

// shownIncidents is how many incidents one page lists.
const shownIncidents = 100

// A listPage is the incidents.
type listPage struct {
	Query      filter
	Show       string // what of the ended ones: "open", "all", or a status
	Severity   string
	Rows       []listRow
	Open       int // how many are open, whatever is looked for
	Urgent     int // of these, how many nobody attends to
	Next       string
	Services   []commands.Choice
	Severities []string
	Statuses   []string
	Filtered   bool
	Fresh      bool // nothing has ever happened
}

// A listRow is one incident in a list.
type listRow struct {
	ID, Title, Severity, Meaning, Status, Services, Who string
	At                                                  time.Time
	Clock                                               string
	Firing                                              int
	Unattended, Waiting, Ended, Private, Drill          bool
}

// A filter is what of the incidents is listed.
type filter struct {
	incidents.Filter
	From int // of what is open: so many are left out
}

// listQuery reads the filter of an address. What it does not know it leaves
// out.
func listQuery(q url.Values) filter {
	l := filter{Filter: incidents.Filter{Text: strings.TrimSpace(typed(q.Get("q"))), Service: typed(q.Get("service")), Limit: shownIncidents}}
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

func listValues(l filter) url.Values {
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

func (s *server) incidents(w http.ResponseWriter, r *http.Request, who reader) {
	query := listQuery(r.URL.Query())
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	since := time.Now().Add(-boardPause)
	p, err := s.list(ctx, query, who, since)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	shown, err := s.draws(p, "rows")
	if err == nil {
		shown, err = s.withRing(ctx, pageParts{parts: shown}, who, since)
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	values := listValues(query)
	values.Set("list", "1")
	values.Set("at", shown.position())
	s.render(w, r, http.StatusOK, view{name: "list", title: "Incidents", reader: &who, page: p, parts: shown, live: "/live?" + values.Encode(), path: "/"})
}

// list finds the incidents of a page: the open ones as everybody sees them
// now, or any by looking through the store.
func (s *server) list(ctx context.Context, q filter, who reader, since time.Time) (listPage, error) {
	p := listPage{Query: q, Show: "open", Services: s.Bot.Dispatcher.Choices(ctx, commands.Service, who.Speaker), Filtered: len(listValues(q)) > 0}
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
		if i.Unattended() || !i.Acknowledged() {
			p.Urgent++
		}
		if q.Matches(i) {
			found = append(found, i)
		}
	}
	if q.All || q.Status != "" && !workflow.Status(q.Status).Open() || q.Before != 0 {
		p.Show = map[bool]string{true: "all", false: q.Status}[q.All]
		var next int
		if found, next, err = s.Bot.Incidents.List(ctx, who.Speaker, q.Filter); err != nil {
			return p, err
		}
		if next > 0 {
			more := q
			more.Before, more.From = next, 0
			p.Next = "/?" + listValues(more).Encode()
		}
	} else {
		if q.Status != "" {
			p.Show = q.Status
		}
		found, p.Next = q.cut(found, open)
	}
	for _, i := range found {
		p.Rows = append(p.Rows, s.row(i, who))
	}
	if len(p.Rows) == 0 && !p.Filtered {
		past, _, err := s.Bot.Incidents.List(ctx, who.Speaker, incidents.Filter{All: true, Limit: 1})
		p.Fresh = err == nil && len(past) == 0
	}
	return p, nil
}

// cut returns what of the open incidents stands on one page, and where the next
// one is. The board holds the newest of them: older ones are looked for in the
// store.
func (f filter) cut(found, board []workflow.Incident) (shown []workflow.Incident, next string) {
	shown = found[min(f.From, len(found)):]
	more := f
	switch {
	case len(shown) > shownIncidents:
		shown, more.From = shown[:shownIncidents], f.From+shownIncidents
	case len(board) == boardLimit:
		oldest := slices.MinFunc(board, func(a, b workflow.Incident) int { return cmp.Compare(a.Number, b.Number) })
		more.Before, more.From = oldest.Number, 0
	default:
		return shown, ""
	}
	return shown, "/?" + listValues(more).Encode()
}

func (s *server) row(i workflow.Incident, who reader) listRow {
	at := i.DeclaredAt
	if !i.Ending.ResolvedAt.IsZero() {
		at = i.Ending.ResolvedAt
	}
	row := listRow{
		ID: i.ID, Title: i.Title, Severity: i.Severity.String(), Meaning: s.Bot.Organization().Severities[i.Severity.String()].Name,
		Status: string(i.Status), Services: strings.Join(i.Services, ", "), At: at, Clock: moment(at, who.zone()),
		Firing: i.Alerts.Firing, Unattended: i.Unattended(), Waiting: i.Open() && !i.Acknowledged(), Ended: !i.Open(),
		Private: i.Visibility == workflow.Private, Drill: i.Kind == workflow.Drill,
	}
	if i.Acknowledged() {
		row.Who = i.Acknowledgement.Name
		if row.Who == "" {
			row.Who = i.Acknowledgement.Person
		}
	}
	return row
}
