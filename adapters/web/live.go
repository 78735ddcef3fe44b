package web

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"time"

	"tocsin/bot/signin"
	"tocsin/commands"
	"tocsin/workflow"
)

// Intervals of live updates.
const (
	heartbeatInterval = 10 * time.Second       // so that a browser notices a lost connection
	settleTime        = 40 * time.Millisecond  // changes within this time are sent together
	roomInterval      = 300 * time.Millisecond // minimum time between two renderings of a room, which many may watch
	writeTimeout      = 10 * time.Second       // a browser that reads nothing for so long is disconnected
)

// stream updates one open page: it sends the regions that have changed, as
// server-sent events.
type stream struct {
	w    http.ResponseWriter
	ctl  *http.ResponseController
	sent map[string]string // region → the HTML that was last sent
	at   string            // version of what the browser shows
}

// handleLive updates a page until the browser disconnects, the session ends, or
// the process stops. It begins with the changes that the page has missed.
func (s *Server) handleLive(w http.ResponseWriter, r *http.Request, who reader) {
	draw, incident, err := s.newRenderer(r)
	if err != nil {
		writePlain(w, http.StatusNotFound, err.Error())
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	// Watching begins before the first rendering, so that no change is missed.
	var mine <-chan struct{}
	if incident != "" {
		mine = s.Store.Watch(ctx, incident)
	}
	all := s.board.watch(ctx, s.closed, s.Log)
	setStreamHeaders(w.Header())
	if r.Method == http.MethodHead {
		return // the headers are the whole response
	}
	out := &stream{w: w, ctl: http.NewResponseController(w), at: r.Header.Get("Last-Event-ID")}
	if out.at == "" {
		out.at = r.URL.Query().Get("at")
	}
	// After a restart of the server its browsers reconnect one after the other.
	if out.sendEvent(fmt.Sprintf("retry: %d\n", 1000+rand.IntN(2000))) != nil || out.sendHeartbeat() != nil {
		return
	}
	beat := time.NewTicker(heartbeatInterval)
	defer beat.Stop()
	l, drawn, silent := liveView{who: who, render: draw, room: incident, since: time.Now()}, time.Now(), s.Health.Summary()
	err = s.push(ctx, out, &l, true)
	l.since = time.Time{} // from now on, the latest snapshot of the board
	for err == nil {
		select {
		case <-ctx.Done():
			return
		case <-s.closed:
			return
		case <-mine:
			pause(ctx, max(settleTime, roomInterval-time.Since(drawn)))
			select {
			case <-mine: // a change that came meanwhile is included
			default:
			}
			err, drawn = s.push(ctx, out, &l, true), time.Now()
		case <-all: // any incident has changed: updates lists and the banner
			err = s.pushList(ctx, out, &l)
		case <-l.pace.late:
			err = s.pushList(ctx, out, &l)
		case <-beat.C:
			if _, _, err = s.Sessions.Session(ctx, who.secret); err == nil {
				err = out.sendHeartbeat()
			}
			if now := s.Health.Summary(); err == nil && now != silent { // outages are not in the store
				silent, err = now, s.push(ctx, out, &l, incident != "")
			}
		}
	}
	s.endStream(ctx, out, err)
}

func setStreamHeaders(h http.Header) {
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
}

// liveView is what one open page shows.
type liveView struct {
	who    reader
	render renderer
	room   string    // the incident whose room it is; "" for none
	since  time.Time // the board must be as of then or later
	page   regions
	banner regions
	pace   pacer
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// renderer renders the regions of a page for a reader. The list of open
// incidents is as of since or later.
type renderer func(ctx context.Context, who reader, since time.Time) (regions, error)

// newRenderer returns the renderer for a request's page, and the incident whose
// room it is.
func (s *Server) newRenderer(r *http.Request) (draw renderer, incident string, err error) {
	q := r.URL.Query()
	if q.Has("room") {
		id := commands.ParseID(q.Get("room"))
		if id == "" {
			return nil, "", errors.New("there is no such room")
		}
		look := &roomState{id: id}
		return func(ctx context.Context, who reader, _ time.Time) (regions, error) {
			look.who = who
			p, err := s.loadRoom(ctx, look)
			if err != nil {
				return nil, err
			}
			return s.renderRoom(p)
		}, id, nil
	}
	if q.Has("list") {
		query := parseListFilter(q)
		return func(ctx context.Context, who reader, since time.Time) (regions, error) {
			p, err := s.loadList(ctx, query, who, since)
			if err != nil {
				return nil, err
			}
			return s.renderRegions(p, "rows")
		}, "", nil
	}
	return func(context.Context, reader, time.Time) (regions, error) { return nil, nil }, "", nil
}

// push renders the banner, and the page if that may have changed, and sends the
// changed regions.
func (s *Server) push(ctx context.Context, out *stream, l *liveView, page bool) error {
	look, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	// Reading the board may take a moment: access is checked after it.
	if _, err := s.board.read(look, l.since); err != nil {
		return err
	}
	var err error
	if _, l.who.Speaker, err = s.Sessions.Session(look, l.who.secret); err != nil {
		return err
	}
	if page {
		if l.page, err = l.render(look, l.who, l.since); err != nil {
			return err
		}
	}
	if l.banner, err = s.renderBanner(look, l.who, l.room, l.since); err != nil {
		return err
	}
	return out.sendRegions(append(slices.Clip(l.page), l.banner...))
}

// endStream tells the browser why a page is no longer updated. The browser
// reconnects by itself when the store has failed.
func (s *Server) endStream(ctx context.Context, out *stream, err error) {
	_, gone := errors.AsType[*workflow.Refusal](err)
	switch {
	case ctx.Err() != nil:
		return
	case gone:
		err = out.sendEvent("event: gone\ndata:\n")
	case errors.Is(err, signin.ErrNoSession):
		err = out.sendEvent("event: out\ndata:\n")
	default:
		s.Log.WarnContext(ctx, "a live page failed; its browser reconnects", "error", err.Error())
		return
	}
	if err != nil {
		s.Log.Debug("a browser has disconnected", "error", err)
	}
}

// sendRegions sends the regions that have changed since they were sent, or all
// of them when it is not known what the browser shows.
func (o *stream) sendRegions(p regions) error {
	at := p.version()
	if at == o.at && o.sent == nil {
		o.sent = map[string]string{}
		for _, one := range p {
			o.sent[one.name] = one.html
		}
	}
	if at == o.at {
		return nil
	}
	if o.sent == nil {
		o.sent = map[string]string{}
	}
	var b strings.Builder
	fmt.Fprintf(&b, "id: %s\nevent: live\n", at)
	for _, one := range p {
		if was, ok := o.sent[one.name]; ok && was == one.html {
			continue
		}
		o.sent[one.name] = one.html
		fmt.Fprintf(&b, "data: <div id=\"live-%s\" hx-swap-oob=\"morph\">", one.name)
		b.WriteString(strings.NewReplacer("\r", "", "\n", "\ndata: ").Replace(one.html))
		b.WriteString("</div>\n")
	}
	o.at = at
	return o.sendEvent(b.String())
}

// sendHeartbeat tells the browser that the connection is alive, and the
// server's time.
func (o *stream) sendHeartbeat() error {
	return o.sendEvent(fmt.Sprintf("event: beat\ndata: %d\n", time.Now().UnixMilli()))
}

// sendEvent writes one event and flushes it.
func (o *stream) sendEvent(event string) error {
	if err := o.ctl.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := o.w.Write([]byte(event + "\n")); err != nil {
		return err
	}
	return o.ctl.Flush()
}

// maxBannerIncidents is the maximum number of incidents in the banner.
const maxBannerIncidents = 5

// bannerView is the paging banner: the incidents that page the reader.
type bannerView struct {
	IDs       []string
	Incidents []*workflow.Incident // without the incident whose room this is: its card has the button
	More      bool                 // others page the reader too
}

// renderBanner renders the paging banner of a page.
func (s *Server) renderBanner(ctx context.Context, who reader, room string, since time.Time) (regions, error) {
	board, err := s.board.read(ctx, since)
	if err != nil {
		return nil, err
	}
	mine, err := s.awaitingAnswer(ctx, board, who.Speaker, maxBannerIncidents+1)
	if err != nil {
		return nil, err
	}
	r := bannerView{More: len(mine) > maxBannerIncidents}
	for n := range mine[:min(len(mine), maxBannerIncidents)] {
		i := &mine[n]
		r.IDs = append(r.IDs, i.ID)
		if i.ID != room {
			r.Incidents = append(r.Incidents, i)
		}
	}
	return s.renderRegions(r, "banner")
}
