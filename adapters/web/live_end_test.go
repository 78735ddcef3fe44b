package web_test

import (
	"bufio"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/dispatch"
)

func TestLiveEndsWithTheSession(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	ana, ben := h.as("ana"), h.as("ben")
	streams := []*stream{ana.follow("/incidents/INC-1"), ana.follow("/"), ana.follow("/declare")}
	other := ben.follow("/incidents/INC-1")
	if _, err := h.bot.SignIn.Revoke(t.Context(), h.person("ana"), "all"); err != nil {
		t.Fatal(err)
	}
	h.do("ben: note INC-1 Not for her eyes", "ben: declare Not for her eyes")
	for _, s := range streams {
		if raw := s.gone(); strings.Contains(raw, "Not for her eyes") {
			t.Errorf("sent to somebody who is signed out: %s", raw)
		}
	}
	other.shows("events", "Not for her eyes")
	if log := h.log.text(); strings.Contains(log, "cannot be kept true") {
		t.Errorf("an end as it should be is logged: %s", log)
	}
}

func TestLiveEndsWithThePerson(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	s := h.as("ana").follow("/incidents/INC-1")
	h.configure(func(org *bot.Organization) { org.Directory.People = org.Directory.People[1:] })
	h.do("ben: note INC-1 Not for her eyes")
	if raw := s.gone(); strings.Contains(raw, "Not for her eyes") {
		t.Errorf("sent to somebody who has left: %s", raw)
	}
}

// Access that is taken away is taken from pages that are open too.
func TestP2LiveHasTheAccessOfNow(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	s, ben := h.as("cy").follow("/incidents/INC-1"), h.as("ben").follow("/incidents/INC-1")
	h.configure(guests)
	h.as("ben").say("INC-1", "Not for guests")
	ben.shows("talk", "Not for guests")
	h.do("ben: severity INC-1 1")
	raw := s.until("a card, or the end", func(e event) bool { return e.name == "gone" || e.name == "out" || strings.Contains(e.raw, "SEV1") }).raw
	if strings.Contains(raw, "Not for guests") {
		t.Errorf("sent to a guest: %s", raw)
	}
}

func TestP2LiveEndsWhenTheIncidentIsHidden(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	cy, ana := h.as("cy"), h.as("ana")
	room, list, all, member := cy.follow("/incidents/INC-1"), cy.follow("/"), cy.follow("/?show=all"), ana.follow("/incidents/INC-1")
	operator := h.signIn(operator(), nil).follow("/incidents/INC-1")
	h.do("ben: private INC-1", "ben: update INC-1 Somebody stole the key")
	for _, s := range []*stream{room, operator} {
		if raw := s.gone(); strings.Contains(raw, "stole the key") {
			t.Errorf("sent to somebody who is no member: %s", raw)
		}
	}
	for _, s := range []*stream{list, all} {
		s.until("a list without it", func(e event) bool {
			rows, sent := e.regions["rows"]
			return sent && !strings.Contains(rows, "INC-1") && !strings.Contains(rows, "1 open")
		})
	}
	member.shows("card", "stole the key")
	cy.live("/live?room=INC-1").gone()
	h.do("ben: private INC-1 off")
	list.shows("rows", "Checkout is down")
}

func TestLiveEndsWithTheStore(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	streams := []*stream{h.as("ana").follow("/incidents/INC-1"), h.as("ana").follow("/"), h.as("ana").follow("/declare")}
	speaker := h.person("ben")
	if _, err := h.bot.Dispatcher.Say(t.Context(), dispatch.Request{Text: "hello", Room: "INC-1", Speaker: speaker}); err != nil {
		t.Fatal(err)
	}
	streams[0].shows("talk", "hello")
	h.store.unread.Store(true)
	// Somebody else's process still reaches it.
	if _, err := h.store.Store.Commit(t.Context(), bot.Commit{At: h.bot.Now(), Incident: "INC-1", Messages: []bot.StoredMessage{{Key: "x", Body: []byte(`{"text":"x"}`)}}}); err != nil {
		t.Fatal(err)
	}
	for _, s := range streams {
		if raw := s.ends(); strings.Contains(raw, "db-7") || strings.Contains(raw, "gone") {
			t.Errorf("sent %s", raw)
		}
	}
	if log := h.log.text(); strings.Count(log, "cannot be kept true") != len(streams) || !strings.Contains(log, "db-7") {
		t.Errorf("logged %s", log)
	}
}

func TestCloseEndsEveryStreamAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	var streams []*stream
	for _, person := range []string{"ana", "ben", "cy"} {
		for _, path := range []string{"/incidents/INC-1", "/", "/sessions"} {
			streams = append(streams, h.as(person).follow(path))
		}
	}
	h.pages.Close()
	for _, s := range streams {
		if raw := s.ends(); strings.Contains(raw, "gone") {
			t.Errorf("the browser is told not to come again: %s", raw)
		}
	}
	h.pages.Close() // once more is no matter
	h.as("ana").live("/live").ends()
}

// stuck is a browser that takes nothing, from its second event on.
type stuck struct {
	*httptest.ResponseRecorder
	writes  int
	blocked chan struct{} // closed when it takes no more
	freed   chan struct{}
	once    sync.Once
}

func (s *stuck) Write(b []byte) (int, error) {
	s.writes++
	if s.writes > 1 {
		s.once.Do(func() { close(s.blocked) })
		<-s.freed
		return 0, http.ErrHandlerTimeout
	}
	return s.ResponseRecorder.Write(b)
}

// A browser that reads nothing holds up neither the others nor the work.
func TestLiveAReaderThatDoesNotRead(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	ana, ben := h.as("ana"), h.as("ben")
	lazy := &stuck{ResponseRecorder: httptest.NewRecorder(), blocked: make(chan struct{}), freed: make(chan struct{})}
	var serving sync.WaitGroup
	q := httptest.NewRequestWithContext(t.Context(), "GET", "/live?room=INC-1", http.NoBody)
	q.Host = "localhost"
	q.Header.Set("Cookie", "tocsin_session="+ana.cookie)
	serving.Go(func() { h.pages.ServeHTTP(lazy, q) })
	<-lazy.blocked
	s, list := ben.follow("/incidents/INC-1"), ben.follow("/")
	for _, word := range []string{"alpha", "bravo", "charlie"} {
		ben.say("INC-1", word).has(200)
		s.shows("talk", word)
		h.do("ben: declare It is " + word)
		list.shows("rows", "It is "+word)
	}
	ana.get("/incidents/INC-1").has(200, "charlie")
	h.pages.Close()
	close(lazy.freed)
	serving.Wait()
}

// Asking only for the headers of a stream begins none: what comes next on the
// same connection is answered.
func TestLiveIsNotHeldOpenForItsHeaders(t *testing.T) {
	t.Parallel()
	h := newHouse(t).declared()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", h.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err = conn.SetDeadline(time.Now().Add(soon)); err != nil {
		t.Fatal(err)
	}
	cookie := "\r\nHost: localhost\r\nCookie: tocsin_session=" + h.as("ana").cookie + "\r\n\r\n"
	if _, err = conn.Write([]byte("HEAD /live HTTP/1.1" + cookie + "GET /healthz HTTP/1.1" + cookie)); err != nil {
		t.Fatal(err)
	}
	answers := bufio.NewReader(conn)
	for _, method := range []string{"HEAD", "GET"} {
		response, err := http.ReadResponse(answers, &http.Request{Method: method})
		if err != nil {
			t.Fatalf("%s is not answered: %v", method, err)
		}
		response.Body.Close()
	}
}
