package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/card"
	"tocsin/bot/incidents"
	"tocsin/commands"
	"tocsin/workflow"
)

// How much of an incident its room shows.
const (
	shownTalk   = 100
	shownEvents = 60
	shownPages  = 40
	seenEvents  = 500  // that an open room remembers
	maxEvents   = 2000 // on the page with the whole timeline
)

// sight is what a room knows while somebody looks at it: events do not change,
// so only new ones are read, and the latest are kept.
type sight struct {
	id       string
	who      reader
	incident workflow.Incident
	events   []workflow.Event
}

// A roomPage is one incident as a reader sees it.
type roomPage struct {
	ID    string
	Card  cardPart
	Works bool // the reader may read along and take part
	Talk  []bot.Message
	// Trouble says which platforms do not answer, a line each (rule X5).
	Trouble []string
	Next    []timerRow
	Told    []toldRow
	Alerts  alertsPart
	Events  []incidents.Entry
	Older   int // events that are not shown
	Forms   []form
	Reply   *said
	Text    string // of the box, when it was not taken
	Op      string // of which state the page was drawn: the same message from the same page is one
	Zone    *time.Location
}

type timerRow struct {
	At    time.Time
	Clock string
	Text  string
}

type toldRow struct {
	Clock, Who, Via, How string
	State                string // arrived, failed, waiting or gone: also names its color
}

type alertsPart struct {
	Firing, Resolved, Truncated int
	Rows                        []alertRow
	More                        int
}

type alertRow struct {
	Title, Severity, Key, Integration, Clock, Link string
	Resolved                                       bool
}

// room shows one incident.
func (s *server) room(w http.ResponseWriter, r *http.Request, who reader) {
	s.showRoom(w, r, who, roomPage{})
}

// showRoom draws a room; with what a form that was sent without a script came
// to.
func (s *server) showRoom(w http.ResponseWriter, r *http.Request, who reader, with roomPage) {
	id := commands.ParseID(r.PathValue("id"))
	look := &sight{id: id, who: who}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	p, err := s.look(ctx, look)
	if s.missing(w, r, who, err) {
		return
	}
	p.Reply, p.Text = with.Reply, with.Text
	if p.Works {
		p.Forms = s.forms(ctx, &look.incident, p.Op, who)
	}
	since := time.Now()
	if p.Reply == nil { // nothing was pressed: the board may be a moment old
		since = since.Add(-boardPause)
	}
	shown, err := s.roomParts(p)
	if err == nil {
		shown, err = s.withRing(ctx, pageParts{shown, id}, who, since)
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	title := p.ID + " · " + p.Card.Title
	s.render(w, r, http.StatusOK, view{
		name: "room", title: title, reader: &who, page: p,
		parts: shown, live: "/live?room=" + id + "&at=" + shown.position(), path: "/incidents/" + id,
	})
}

// missing answers for an incident that is not there for the reader, or cannot
// be read, and reports whether it did.
func (s *server) missing(w http.ResponseWriter, r *http.Request, who reader, err error) bool {
	if err == nil {
		return false
	}
	if no, is := errors.AsType[*workflow.Refusal](err); is {
		if commands.ParseID(r.PathValue("id")) == "" {
			no = &workflow.Refusal{Message: "That incident does not exist."}
		}
		s.render(w, r, http.StatusNotFound, view{name: "note", title: "Not there", reader: &who, page: note{Title: no.Message, Lines: []line{
			{Text: "If it should be there: its number may be mistyped, or it is private and you are not one of its members."},
		}, Back: true}})
		return true
	}
	s.broken(w, r, err)
	return true
}

// look reads the incident and whatever belongs to it, as of one moment or
// later.
func (s *server) look(ctx context.Context, l *sight) (roomPage, error) {
	p := roomPage{ID: l.id, Zone: l.who.zone()}
	i, err := s.Bot.Incidents.Get(ctx, l.id, l.who.Speaker)
	if err != nil {
		return p, err
	}
	l.incident = i
	p.Works = l.who.CanWorkOn(&i)
	p.Card = s.cardPart(i, l.who, p.Works)
	if !p.Works {
		return p, nil
	}
	last := max(0, i.Seq-seenEvents)
	if n := len(l.events); n > 0 {
		last = l.events[n-1].Seq
	}
	if i.Seq > last {
		news, e := s.Bot.Incidents.History(ctx, l.id, l.who.Speaker, last)
		if e != nil {
			return p, e
		}
		l.events = append(l.events, news...)
		l.events = slices.Clone(l.events[max(0, len(l.events)-seenEvents):])
	}
	if p.Talk, err = s.Bot.Conversation.List(ctx, l.id, l.who.Speaker, 0, shownTalk); err != nil {
		return p, err
	}
	p.Trouble = s.trouble(i, p.Zone)
	p.Op = strconv.Itoa(i.Seq)
	if n := len(p.Talk); n > 0 {
		p.Op += "." + strconv.Itoa(p.Talk[n-1].Seq)
	}
	for n := range p.Talk { // its times are this reader's
		r := &p.Talk[n]
		if told := l.between(r.Event, r.Through); len(told) > 0 {
			r.Text = card.Post(told, card.View{Zone: p.Zone}).Text
		}
	}
	for _, t := range card.UpcomingTimers(i) {
		p.Next = append(p.Next, timerRow{At: t.At, Clock: clockOf(t.At, p.Zone), Text: upper(t.Text)})
	}
	p.Told = told(l.events, access.View(s.Bot.Engine, l.who.Speaker, &i))
	p.Alerts = alertsOf(i, p.Zone)
	shown := l.events[max(0, len(l.events)-shownEvents):]
	p.Older = max(0, i.Seq-len(shown))
	p.Events = incidents.Entries(shown, p.Zone)
	slices.Reverse(p.Events)
	return p, nil
}

// trouble says which platforms of an incident's rooms do not answer.
func (s *server) trouble(i workflow.Incident, zone *time.Location) []string {
	var all []string
	for _, r := range i.Rooms {
		if t, is := s.Bot.Health.Outage(r.Platform); is && r.Managed {
			all = append(all, platformName(r.Platform)+" has not answered since "+t.Since.In(zone).Format("15:04 MST")+
				". Work on here: what happens reaches it, in order, once it is back.")
		}
	}
	return all
}

// between returns the events from one Seq to another; none when the room does
// not remember the first of them any more.
func (l *sight) between(from, through int) []workflow.Event {
	if len(l.events) == 0 || from < l.events[0].Seq || through > l.events[len(l.events)-1].Seq || through < from {
		return nil
	}
	return l.events[from-l.events[0].Seq : through-l.events[0].Seq+1]
}

// clockOf writes an instant as the reader's clock shows it.
func clockOf(at time.Time, zone *time.Location) string { return at.In(zone).Format("15:04:05") }

func upper(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// told lists who was paged, newest first, and how far each page is.
func told(events []workflow.Event, v card.View) []toldRow {
	all := workflow.Deliveries(events)
	slices.Reverse(all)
	rows := make([]toldRow, 0, min(len(all), shownPages))
	for _, d := range all[:min(len(all), shownPages)] {
		row := toldRow{Clock: clockOf(d.AskedAt, v.Zone), Who: cmp.Or(d.Name, d.To), How: card.DeliveryStatus(d, v), State: "waiting"}
		if d.To != d.Via {
			row.Via = d.Via
		}
		switch d.State {
		case workflow.DeliveryAccepted:
			if d.Via != "log" { // whether anybody reads it is not known
				row.State = "arrived"
			}
		case workflow.DeliveryRetrying, workflow.DeliveryFailed:
			row.State = "failed"
		case workflow.DeliveryCanceled, workflow.DeliveryStandby:
			row.State = "gone"
		case workflow.DeliveryPlanned, workflow.DeliveryQueued: // waiting
		}
		rows = append(rows, row)
	}
	return rows
}

func alertsOf(i workflow.Incident, zone *time.Location) alertsPart {
	p := alertsPart{Firing: i.Alerts.Firing, Resolved: i.Alerts.Resolved, Truncated: i.Alerts.Truncated}
	for _, a := range slices.Backward(i.Alerts.Samples) {
		row := alertRow{Title: cmp.Or(a.Title, a.Key), Key: a.Key, Integration: a.Integration, Clock: clockOf(a.At, zone), Resolved: a.Resolved}
		if a.Severity != 0 {
			row.Severity = a.Severity.String()
		}
		if u, err := url.Parse(a.Link); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
			row.Link = a.Link
		}
		p.Rows = append(p.Rows, row)
	}
	slices.SortStableFunc(p.Rows, func(a, b alertRow) int { return boolCompare(a.Resolved, b.Resolved) })
	p.More = max(0, i.Alerts.Total-len(p.Rows))
	return p
}

func boolCompare(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// timeline shows everything that happened, oldest first.
func (s *server) timeline(w http.ResponseWriter, r *http.Request, who reader) {
	id := commands.ParseID(r.PathValue("id"))
	i, err := s.Bot.Incidents.Get(r.Context(), id, who.Speaker)
	if err == nil && !who.CanWorkOn(&i) {
		err = &workflow.Refusal{Message: "The timeline of " + id + " is for those who work on it."}
	}
	if s.missing(w, r, who, err) {
		return
	}
	events, err := s.Bot.Incidents.History(r.Context(), id, who.Speaker, max(0, i.Seq-maxEvents))
	if s.missing(w, r, who, err) {
		return
	}
	p := roomPage{ID: id, Events: incidents.Entries(events, who.zone()), Zone: who.zone(), Older: max(0, i.Seq-maxEvents)}
	s.render(w, r, http.StatusOK, view{name: "timeline", title: id + " · Timeline", reader: &who, page: p})
}
