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

// The limits of what a room shows.
const (
	maxMessages       = 100
	maxShownEvents    = 60
	maxDeliveries     = 40
	maxCachedEvents   = 500  // kept by an open room
	maxTimelineEvents = 2000 // on the timeline page
)

// roomState is what an open room keeps between renderings: events do not
// change, so only new ones are read.
type roomState struct {
	id       string
	who      reader
	incident workflow.Incident
	events   []workflow.Event
}

// roomPage is one incident as a reader sees it.
type roomPage struct {
	ID       string
	Card     cardPart
	CanWork  bool // the reader may read the conversation and take part
	Messages []bot.Message
	// Outages has a line for each platform that does not answer (X5: go on
	// without a chat platform).
	Outages    []string
	Timers     []timerRow
	Deliveries []deliveryRow
	Alerts     alertsView
	Events     []incidents.Entry
	Older      int // events that are not shown
	Forms      []form
	Reply      *commandReply
	Text       string // the message box's content, when it was refused
	Op         string // identifies the state that the page was rendered from: the same message from the same page is sent once
	Zone       *time.Location
}

type timerRow struct {
	At    time.Time
	Clock string
	Text  string
}

type deliveryRow struct {
	Clock, Who, Via, How string
	State                string // delivered, failed, waiting or gone: also the CSS class
}

type alertsView struct {
	Firing, Resolved, Truncated int
	Rows                        []alertRow
	More                        int
}

type alertRow struct {
	Title, Severity, Key, Integration, Clock, Link string
	Resolved                                       bool
}

// handleRoom shows one incident.
func (s *Server) handleRoom(w http.ResponseWriter, r *http.Request, who reader) {
	s.writeRoomPage(w, r, who, roomPage{})
}

// writeRoomPage shows a room, with the result of a form that was posted without
// JavaScript.
func (s *Server) writeRoomPage(w http.ResponseWriter, r *http.Request, who reader, with roomPage) {
	id := commands.ParseID(r.PathValue("id"))
	look := &roomState{id: id, who: who}
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	p, err := s.loadRoom(ctx, look)
	if s.writeMissing(w, r, who, err) {
		return
	}
	p.Reply, p.Text = with.Reply, with.Text
	if p.CanWork {
		p.Forms = s.incidentForms(ctx, &look.incident, p.Op, who)
	}
	since := time.Now()
	if p.Reply == nil { // nothing was changed: the board may be a moment old
		since = since.Add(-boardInterval)
	}
	shown, err := s.renderRoom(p)
	if err == nil {
		shown, err = s.withBanner(ctx, pageRegions{shown, id}, who, since)
	}
	if err != nil {
		s.writeStoreError(w, r, err)
		return
	}
	title := p.ID + " · " + p.Card.Title
	s.render(w, r, http.StatusOK, view{
		name: "room", title: title, reader: &who, page: p,
		parts: shown, live: "/live?room=" + id + "&at=" + shown.version(), path: "/incidents/" + id,
	})
}

// writeMissing answers for an incident that does not exist for the reader, or
// cannot be read, and reports whether there was an error.
func (s *Server) writeMissing(w http.ResponseWriter, r *http.Request, who reader, err error) bool {
	if err == nil {
		return false
	}
	if refusal, ok := errors.AsType[*workflow.Refusal](err); ok {
		if commands.ParseID(r.PathValue("id")) == "" {
			refusal = &workflow.Refusal{Message: "That incident does not exist."}
		}
		s.render(w, r, http.StatusNotFound, view{name: "errorpage", title: "Not found", reader: &who, page: errorPage{Title: refusal.Message, Lines: []textLine{
			{Text: "Check the number. A private incident is visible only to its members."},
		}, Back: true}})
		return true
	}
	s.writeStoreError(w, r, err)
	return true
}

// loadRoom reads the incident and everything that its room shows.
func (s *Server) loadRoom(ctx context.Context, l *roomState) (roomPage, error) {
	p := roomPage{ID: l.id, Zone: l.who.zone()}
	i, err := s.Incidents.Get(ctx, l.id, l.who.Speaker)
	if err != nil {
		return p, err
	}
	l.incident = i
	p.CanWork = l.who.CanWorkOn(&i)
	p.Card = s.newCardPart(i, l.who, p.CanWork)
	if !p.CanWork {
		return p, nil
	}
	last := max(0, i.Seq-maxCachedEvents)
	if n := len(l.events); n > 0 {
		last = l.events[n-1].Seq
	}
	if i.Seq > last {
		news, e := s.Incidents.History(ctx, l.id, l.who.Speaker, last)
		if e != nil {
			return p, e
		}
		l.events = append(l.events, news...)
		l.events = slices.Clone(l.events[max(0, len(l.events)-maxCachedEvents):])
	}
	if p.Messages, err = s.Conversation.List(ctx, l.id, l.who.Speaker, 0, maxMessages); err != nil {
		return p, err
	}
	p.Outages = s.outages(i, p.Zone)
	p.Op = strconv.Itoa(i.Seq)
	if n := len(p.Messages); n > 0 {
		p.Op += "." + strconv.Itoa(p.Messages[n-1].Seq)
	}
	for n := range p.Messages { // with times in the reader's zone
		r := &p.Messages[n]
		if events := l.eventsBetween(r.Event, r.Through); len(events) > 0 {
			r.Text = card.Post(events, card.View{Zone: p.Zone}).Text
		}
	}
	for _, t := range card.UpcomingTimers(i) {
		p.Timers = append(p.Timers, timerRow{At: t.At, Clock: s.formatTime(t.At, p.Zone), Text: capitalize(t.Text)})
	}
	p.Deliveries = s.newDeliveryRows(l.events, access.View(s.Engine, l.who.Speaker, &i))
	p.Alerts = s.newAlertsPart(i, p.Zone)
	shown := l.events[max(0, len(l.events)-maxShownEvents):]
	p.Older = max(0, i.Seq-len(shown))
	p.Events = incidents.Entries(shown, p.Zone)
	slices.Reverse(p.Events)
	return p, nil
}

// outages describes the platforms of the incident's rooms that do not answer, or refuse
// messages.
func (s *Server) outages(i workflow.Incident, zone *time.Location) []string {
	var all []string
	for _, r := range i.Rooms {
		t, ok := s.Health.Outage(r.Platform)
		switch {
		case !ok || !r.Managed:
		case t.Blocked:
			all = append(all, card.PlatformName(r.Platform)+" has refused messages since "+s.formatTime(t.Since, zone)+
				" ("+t.Why+"). Continue here: everything is sent there, in order, once that is fixed.")
		default:
			all = append(all, card.PlatformName(r.Platform)+" has not answered since "+s.formatTime(t.Since, zone)+
				". Continue here: everything is sent there, in order, once it answers again.")
		}
	}
	return all
}

// eventsBetween returns the events from one Seq to another; none when the first
// of them is not kept any more.
func (l *roomState) eventsBetween(from, through int) []workflow.Event {
	if len(l.events) == 0 || from < l.events[0].Seq || through > l.events[len(l.events)-1].Seq || through < from {
		return nil
	}
	return l.events[from-l.events[0].Seq : through-l.events[0].Seq+1]
}

func capitalize(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + text[1:]
}

// newDeliveryRows lists the pages with the state of each delivery, newest first.
func (s *Server) newDeliveryRows(events []workflow.Event, v card.View) []deliveryRow {
	all := workflow.Deliveries(events)
	slices.Reverse(all)
	rows := make([]deliveryRow, 0, min(len(all), maxDeliveries))
	for _, d := range all[:min(len(all), maxDeliveries)] {
		row := deliveryRow{Clock: s.formatTime(d.AskedAt, v.Zone), Who: card.RecipientName(d.PageState), How: card.DeliveryStatus(d, v), State: "waiting"}
		if d.To != d.Via {
			row.Via = d.Via
		}
		switch d.State {
		case workflow.DeliveryAccepted:
			if d.Via != "log" { // whether a person reads the log is not known
				row.State = "delivered"
			}
		case workflow.DeliveryRetrying, workflow.DeliveryFailed:
			row.State = "failed"
		case workflow.DeliveryCanceled, workflow.DeliveryStandby:
			row.State = "gone"
		case workflow.DeliveryPlanned, workflow.DeliveryQueued, workflow.DeliverySlow: // waiting
		}
		rows = append(rows, row)
	}
	return rows
}

func (s *Server) newAlertsPart(i workflow.Incident, zone *time.Location) alertsView {
	p := alertsView{Firing: i.Alerts.Firing, Resolved: i.Alerts.Resolved, Truncated: i.Alerts.Truncated}
	for _, a := range slices.Backward(i.Alerts.Samples) {
		row := alertRow{Title: cmp.Or(a.Title, a.Key), Key: a.Key, Integration: a.Integration, Clock: s.formatTime(a.At, zone), Resolved: a.Resolved}
		if a.Severity != 0 {
			row.Severity = a.Severity.String()
		}
		if u, err := url.Parse(a.Link); err == nil && (u.Scheme == "https" || u.Scheme == "http") {
			row.Link = a.Link
		}
		p.Rows = append(p.Rows, row)
	}
	slices.SortStableFunc(p.Rows, func(a, b alertRow) int { return compareBool(a.Resolved, b.Resolved) })
	p.More = max(0, i.Alerts.Total-len(p.Rows))
	return p
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	}
	return 1
}

// handleTimeline shows the whole timeline, oldest first.
func (s *Server) handleTimeline(w http.ResponseWriter, r *http.Request, who reader) {
	id := commands.ParseID(r.PathValue("id"))
	i, err := s.Incidents.Get(r.Context(), id, who.Speaker)
	if err == nil && !who.CanWorkOn(&i) {
		err = &workflow.Refusal{Message: "The timeline of " + id + " is visible only to people who work on it."}
	}
	if s.writeMissing(w, r, who, err) {
		return
	}
	events, err := s.Incidents.History(r.Context(), id, who.Speaker, max(0, i.Seq-maxTimelineEvents))
	if s.writeMissing(w, r, who, err) {
		return
	}
	p := roomPage{ID: id, Events: incidents.Entries(events, who.zone()), Zone: who.zone(), Older: max(0, i.Seq-maxTimelineEvents)}
	s.render(w, r, http.StatusOK, view{name: "timeline", title: id + " · Timeline", reader: &who, page: p})
}
