package web_test

import (
	"bufio"
	"context"
	"io"
	"maps"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"
)

// waitTimeout is how long a test waits for an event on a busy machine.
const waitTimeout = 10 * time.Second

// event is one server-sent event.
type event struct {
	id, name, data string
	raw            string
	regions        map[string]string // what is in each region that it replaces
}

// stream is the event stream of a live page.
type stream struct {
	t      testing.TB
	events chan event
	header http.Header
	retry  string
	leave  context.CancelFunc
}

// live opens the stream of a page, as a reader's browser does.
func (r reader) live(query string, header ...string) *stream {
	r.h.t.Helper()
	ctx, leave := context.WithCancel(r.h.t.Context())
	q, err := http.NewRequestWithContext(ctx, http.MethodGet, r.h.server.URL+query, http.NoBody)
	if err != nil {
		r.h.t.Fatal(err)
	}
	q.Header.Set("Cookie", "tocsin_session="+r.cookie)
	for _, line := range header {
		name, value, _ := strings.Cut(line, ": ")
		q.Header.Set(name, value)
	}
	response, err := r.h.server.Client().Transport.RoundTrip(q) //nolint:bodyclose // the reader of the stream closes it
	if err != nil {
		r.h.t.Fatal(err)
	}
	if response.StatusCode != http.StatusOK || response.Header.Get("Content-Type") != "text/event-stream" {
		body, e := io.ReadAll(response.Body)
		r.h.t.Fatalf("GET %s: %d %s, %v", query, response.StatusCode, body, e)
	}
	s := &stream{t: r.h.t, events: make(chan event, 10_000), header: response.Header, leave: leave}
	first := make(chan string, 1)
	go s.read(response.Body, first)
	r.h.t.Cleanup(leave)
	select {
	case s.retry = <-first:
	case <-time.After(waitTimeout):
		r.h.t.Fatal("a stream does not begin")
	}
	return s
}

// follow loads a page and opens its stream, as a browser does.
func (r reader) follow(path string) *stream {
	r.h.t.Helper()
	return r.live(r.get(path).expect(200).livePath())
}

// livePath returns the path of a page's stream.
func (p page) livePath() string {
	p.t.Helper()
	e := p.dom().id("live")
	if e == nil {
		p.t.Fatalf("nothing keeps the page true:\n%s", p.body())
	}
	return e.attr["sse-connect"]
}

// read parses events as a browser does (HTML Standard, "event stream
// interpretation"), until the stream ends.
func (s *stream) read(body io.ReadCloser, first chan<- string) {
	defer close(s.events)
	defer body.Close()
	lines := bufio.NewReader(body)
	var e event
	begun := false
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			return
		}
		e.raw += line
		line = strings.TrimSuffix(line, "\n")
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case line != "":
			switch name {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data += value + "\n"
			}
			continue
		case !begun:
			begun = true
			first <- e.raw
		default:
			s.events <- e
		}
		e = event{}
	}
}

var region = regexp.MustCompile(`(?s)<div id="live-([a-z]+)" hx-swap-oob="[a-zA-Z]+">(.*?)</div>\n(?:<div id="live-|$)`)

// nextEvent waits for the next event that changes something.
func (s *stream) nextEvent() event {
	s.t.Helper()
	for {
		select {
		case e, open := <-s.events:
			if !open {
				s.t.Fatal("the stream has ended")
			}
			if e.name == "beat" {
				continue
			}
			e.regions = map[string]string{}
			for rest := e.data; rest != "" && e.name == "live"; {
				m := region.FindStringSubmatchIndex(rest)
				if m == nil {
					s.t.Fatalf("no regions: %q", rest)
				}
				e.regions[rest[m[2]:m[3]]] = rest[m[4]:m[5]]
				rest = rest[m[5]+len("</div>\n"):]
			}
			return e
		case <-time.After(waitTimeout):
			s.t.Fatal("nothing arrives")
		}
	}
}

// waitUntil waits for an event for which passes is true, and returns everything up to it as one.
func (s *stream) waitUntil(what string, passes func(event) bool) event {
	s.t.Helper()
	sum := event{regions: map[string]string{}}
	end := time.Now().Add(waitTimeout)
	for time.Now().Before(end) {
		e := s.nextEvent()
		sum.id, sum.name = e.id, e.name
		sum.raw += e.raw
		maps.Copy(sum.regions, e.regions)
		if passes(sum) {
			return sum
		}
	}
	s.t.Fatalf("%s does not arrive", what)
	return sum
}

// waitRegion waits until a region contains some words.
func (s *stream) waitRegion(name, words string) event {
	s.t.Helper()
	return s.waitUntil(name+" with "+words, func(e event) bool { return strings.Contains(e.regions[name], words) })
}

// waitGone waits until the browser is told that the incident is no longer
// visible and the stream ends. It returns what came before.
func (s *stream) waitGone() string {
	s.t.Helper()
	raw := s.waitUntil("gone", func(e event) bool { return e.name == "gone" || e.name == "out" }).raw
	s.waitEnd()
	return raw
}

// waitEnd waits until the stream has ended, and returns what came before.
func (s *stream) waitEnd() (raw string) {
	s.t.Helper()
	late := time.After(waitTimeout)
	for {
		select {
		case e, open := <-s.events:
			if !open {
				return raw
			}
			raw += e.raw
		case <-late:
			s.t.Fatal("the stream does not end")
		}
	}
}
