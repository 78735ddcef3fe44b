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

// The pace of a page that is kept true.
const (
	beatEvery = 10 * time.Second       // so that a lost connection shows
	settleFor = 40 * time.Millisecond  // changes that come together are one
	roomPause = 300 * time.Millisecond // between two drawings of a room: many may watch a busy one
	writeFor  = 10 * time.Second       // a browser that takes nothing for so long is gone
)

// stream keeps one open page true: it sends the regions that have changed, as
// server-sent events of one kind.
type stream struct {
	w    http.ResponseWriter
	ctl  *http.ResponseController
	sent map[string]string // region → as sent last
	at   string            // position of what the browser shows
}

// live keeps a page true until the browser goes, the session ends, or the
// process stops. Whatever was missed comes first.
func (s *server) live(w http.ResponseWriter, r *http.Request, who reader) {
	draw, incident, err := s.drawer(r)
	if err != nil {
		plain(w, http.StatusNotFound, err.Error())
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	// Watching begins before the first look, so that nothing falls between.
	var mine <-chan struct{}
	if incident != "" {
		mine = s.Store.Watch(ctx, incident)
	}
	all := s.board.watch(ctx, s.closed, s.Log)
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Accel-Buffering", "no") // nginx would hold events back
	if r.Method == http.MethodHead {
		return // there is nothing to be kept true
	}
	out := &stream{w: w, ctl: http.NewResponseController(w), at: r.Header.Get("Last-Event-ID")}
	if out.at == "" {
		out.at = r.URL.Query().Get("at")
	}
	// When a server comes back, its browsers come one after the other.
	if out.send(fmt.Sprintf("retry: %d\n", 1000+rand.IntN(2000))) != nil || out.beat() != nil {
		return
	}
	beat := time.NewTicker(beatEvery)
	defer beat.Stop()
	l, drawn, silent := looking{who: who, draw: draw, room: incident, since: time.Now()}, time.Now(), s.Bot.Health.Summary()
	err = s.push(ctx, out, &l, true)
	l.since = time.Time{} // from now on, the board as it was read last
	for err == nil {
		select {
		case <-ctx.Done():
			return
		case <-s.closed:
			return
		case <-mine:
			pause(ctx, max(settleFor, roomPause-time.Since(drawn)))
			select {
			case <-mine: // came meanwhile: it is drawn too
			default:
			}
			err, drawn = s.push(ctx, out, &l, true), time.Now()
		case <-all: // something has changed somewhere: that concerns lists, and who is paged
			err = s.push(ctx, out, &l, incident == "")
		case <-beat.C:
			if _, _, err = s.Bot.SignIn.Session(ctx, who.secret); err == nil {
				err = out.beat()
			}
			if now := s.Bot.Health.Summary(); err == nil && now != silent { // no store knows of it
				silent, err = now, s.push(ctx, out, &l, incident != "")
			}
		}
	}
	s.endLive(ctx, out, err)
}

// looking is what one open page shows.
type looking struct {
	who   reader
	draw  drawing
	room  string    // the incident whose room it is; "" for none
	since time.Time // what concerns all incidents is as of then or later
	page  parts
	ring  parts
}

func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// A drawing draws the regions of a page that change, for a reader as they are
// now; what concerns all incidents as of since or later.
type drawing func(ctx context.Context, who reader, since time.Time) (parts, error)

// drawer returns how the page of this request is drawn, and which incident it
// is about, if one.
func (s *server) drawer(r *http.Request) (draw drawing, incident string, err error) {
	q := r.URL.Query()
	if q.Has("room") {
		id := commands.ParseID(q.Get("room"))
		if id == "" {
			return nil, "", errors.New("there is no such room")
		}
		look := &sight{id: id}
		return func(ctx context.Context, who reader, _ time.Time) (parts, error) {
			look.who = who
			p, err := s.look(ctx, look)
			if err != nil {
				return nil, err
			}
			return s.roomParts(p)
		}, id, nil
	}
	if q.Has("list") {
		query := listQuery(q)
		return func(ctx context.Context, who reader, since time.Time) (parts, error) {
			p, err := s.list(ctx, query, who, since)
			if err != nil {
				return nil, err
			}
			return s.draws(p, "rows")
		}, "", nil
	}
	return func(context.Context, reader, time.Time) (parts, error) { return nil, nil }, "", nil
}

// push draws who is paged, and the page if that may have changed, and sends
// what is not there yet.
func (s *server) push(ctx context.Context, out *stream, l *looking, page bool) error {
	look, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	// The board may have to be waited for: who may see what is asked after that.
	if _, err := s.board.read(look, l.since); err != nil {
		return err
	}
	var err error
	if _, l.who.Speaker, err = s.Bot.SignIn.Session(look, l.who.secret); err != nil {
		return err
	}
	if page {
		if l.page, err = l.draw(look, l.who, l.since); err != nil {
			return err
		}
	}
	if l.ring, err = s.ring(look, l.who, l.room, l.since); err != nil {
		return err
	}
	return out.show(append(slices.Clip(l.page), l.ring...))
}

// endLive says why a page is not kept true any more. The browser comes again
// by itself when the store does not answer.
func (s *server) endLive(ctx context.Context, out *stream, err error) {
	_, gone := errors.AsType[*workflow.Refusal](err)
	switch {
	case ctx.Err() != nil:
		return
	case gone:
		err = out.send("event: gone\ndata:\n")
	case errors.Is(err, signin.ErrNoSession):
		err = out.send("event: out\ndata:\n")
	default:
		s.Log.WarnContext(ctx, "a page cannot be kept true; its browser comes again", "error", err.Error())
		return
	}
	if err != nil {
		s.Log.Debug("a browser has gone", "error", err)
	}
}

// show sends the regions that have changed since they were sent, or all of
// them when it is not known what the browser shows.
func (o *stream) show(p parts) error {
	at := p.position()
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
		if was, has := o.sent[one.name]; has && was == one.html {
			continue
		}
		o.sent[one.name] = one.html
		fmt.Fprintf(&b, "data: <div id=\"live-%s\" hx-swap-oob=\"morph\">", one.name)
		b.WriteString(strings.NewReplacer("\r", "", "\n", "\ndata: ").Replace(one.html))
		b.WriteString("</div>\n")
	}
	o.at = at
	return o.send(b.String())
}

// beat says that the connection lives, and what time it is here.
func (o *stream) beat() error {
	return o.send(fmt.Sprintf("event: beat\ndata: %d\n", time.Now().UnixMilli()))
}

// send writes one event and waits until it is on its way.
func (o *stream) send(event string) error {
	if err := o.ctl.SetWriteDeadline(time.Now().Add(writeFor)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := o.w.Write([]byte(event + "\n")); err != nil {
		return err
	}
	return o.ctl.Flush()
}

// maxCalls is how many incidents the banner names at once.
const maxCalls = 5

// A ringPart is what pages the reader.
type ringPart struct {
	IDs   []string
	Calls []*workflow.Incident // but for the one whose room this is: its card asks
}

// ring draws what pages the reader, on whatever page they are.
func (s *server) ring(ctx context.Context, who reader, room string, since time.Time) (parts, error) {
	open, err := s.board.read(ctx, since)
	if err != nil {
		return nil, err
	}
	mine := s.needs(open, who.Speaker)
	var r ringPart
	for _, i := range mine[:min(len(mine), maxCalls)] {
		r.IDs = append(r.IDs, i.ID)
		if i.ID != room {
			r.Calls = append(r.Calls, i)
		}
	}
	return s.draws(r, "ring")
}
