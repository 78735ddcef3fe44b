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
	"tocsin/bot/access"
	"tocsin/bot/dispatch"
	"tocsin/commands"
)

func TestLiveEndsWithTheSession(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana, ben := h.signInAs("ana"), h.signInAs("ben")
	streams := []*stream{ana.follow("/incidents/INC-1"), ana.follow("/"), ana.follow("/declare")}
	other := ben.follow("/incidents/INC-1")
	if _, err := h.bot.SignIn.Revoke(t.Context(), h.person("ana"), "all"); err != nil {
		t.Fatal(err)
	}
	h.mustRun("ben: note INC-1 Not for her eyes", "ben: declare Not for her eyes")
	for _, s := range streams {
		if raw := s.waitGone(); strings.Contains(raw, "Not for her eyes") {
			t.Errorf("sent to a reader who is signed out: %s", raw)
		}
	}
	other.waitRegion("events", "Not for her eyes")
	if log := h.log.text(); strings.Contains(log, "a live page failed") {
		t.Errorf("an end as it should be is logged: %s", log)
	}
}

func TestLiveEndsWithThePerson(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	s := h.signInAs("ana").follow("/incidents/INC-1")
	h.configure(func(org *bot.Organization) { org.Directory.People = org.Directory.People[1:] })
	h.mustRun("ben: note INC-1 Not for her eyes")
	if raw := s.waitGone(); strings.Contains(raw, "Not for her eyes") {
		t.Errorf("sent to a person who has left: %s", raw)
	}
}

// A token with another secret ends the open pages that it signed in, also when they
// watch only the list (P1d: a session ends with its token).
func TestP1DLiveEndsWithTheToken(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	asAna := h.person("ana")
	asAna.Token = "ci"
	ana, other := h.signIn(asAna, nil), h.signIn(access.Speaker{Name: "grafana", Token: "grafana", Access: commands.Responder}, nil)
	streams, goesOn := []*stream{ana.follow("/incidents/INC-1"), ana.follow("/")}, other.follow("/incidents/INC-1")
	h.configure(func(org *bot.Organization) {
		for n := range org.Tokens {
			if org.Tokens[n].Name == "ci" {
				org.Tokens[n].Secret = "its next secret"
			}
		}
	})
	ana.expectSignedOut("after its token has another secret")
	h.mustRun("ben: note INC-1 Not for her eyes", "ben: declare Not for her eyes")
	for _, s := range streams {
		if raw := s.waitGone(); strings.Contains(raw, "Not for her eyes") {
			t.Errorf("sent to a session whose token has another secret: %s", raw)
		}
	}
	goesOn.waitRegion("events", "Not for her eyes")
}

// A lower access applies to open pages too (P2: private means members only).
func TestP2LiveUsesTheCurrentAccess(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	s, ben := h.signInAs("cy").follow("/incidents/INC-1"), h.signInAs("ben").follow("/incidents/INC-1")
	h.configure(guests)
	h.signInAs("ben").sendMessage("INC-1", "Not for guests")
	ben.waitRegion("conversation", "Not for guests")
	h.mustRun("ben: severity INC-1 1")
	raw := s.waitUntil("a card, or the end", func(e event) bool { return e.name == "gone" || e.name == "out" || strings.Contains(e.raw, "SEV1") }).raw
	if strings.Contains(raw, "Not for guests") {
		t.Errorf("sent to a guest: %s", raw)
	}
}

func TestP2LiveEndsWhenTheIncidentIsHidden(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	cy, ana := h.signInAs("cy"), h.signInAs("ana")
	room, list, all, member := cy.follow("/incidents/INC-1"), cy.follow("/"), cy.follow("/?show=all"), ana.follow("/incidents/INC-1")
	operator := h.signIn(operator(), nil).follow("/incidents/INC-1")
	h.mustRun("ben: private INC-1", "ben: update INC-1 A key was stolen")
	for _, s := range []*stream{room, operator} {
		if raw := s.waitGone(); strings.Contains(raw, "key was stolen") {
			t.Errorf("sent to a reader who is not a member: %s", raw)
		}
	}
	for _, s := range []*stream{list, all} {
		s.waitUntil("a list without it", func(e event) bool {
			rows, sent := e.regions["rows"]
			return sent && !strings.Contains(rows, "INC-1") && !strings.Contains(rows, "1 open")
		})
	}
	member.waitRegion("card", "key was stolen")
	cy.live("/live?room=INC-1").waitGone()
	h.mustRun("ben: private INC-1 off")
	list.waitRegion("rows", "Checkout is down")
}

func TestLiveEndsWithTheStore(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	streams := []*stream{h.signInAs("ana").follow("/incidents/INC-1"), h.signInAs("ana").follow("/"), h.signInAs("ana").follow("/declare")}
	speaker := h.person("ben")
	if _, err := h.bot.Dispatcher.WriteMessage(t.Context(), dispatch.Request{Text: "hello", Room: "INC-1", Speaker: speaker}); err != nil {
		t.Fatal(err)
	}
	streams[0].waitRegion("conversation", "hello")
	h.store.readsFail.Store(true)
	// Another process still reaches the store.
	if _, err := h.store.Store.Commit(t.Context(), bot.Commit{At: h.bot.Now(), Incident: "INC-1", Messages: []bot.StoredMessage{{Key: "x", Body: []byte(`{"text":"x"}`)}}}); err != nil {
		t.Fatal(err)
	}
	for _, s := range streams {
		if raw := s.waitEnd(); strings.Contains(raw, "db-7") || strings.Contains(raw, "gone") {
			t.Errorf("sent %s", raw)
		}
	}
	if log := h.log.text(); strings.Count(log, "a live page failed") != len(streams) || !strings.Contains(log, "db-7") {
		t.Errorf("logged %s", log)
	}
}

func TestCloseEndsEveryStreamAtOnce(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	var streams []*stream
	for _, person := range []string{"ana", "ben", "cy"} {
		for _, path := range []string{"/incidents/INC-1", "/", "/sessions"} {
			streams = append(streams, h.signInAs(person).follow(path))
		}
	}
	h.pages.Close()
	for _, s := range streams {
		if raw := s.waitEnd(); strings.Contains(raw, "gone") {
			t.Errorf("the browser was asked not to reconnect: %s", raw)
		}
	}
	h.pages.Close() // once more is no matter
	h.signInAs("ana").live("/live").waitEnd()
}

// stuckResponse is a response to a browser that reads nothing from its second event on.
type stuckResponse struct {
	*httptest.ResponseRecorder
	writes  int
	blocked chan struct{} // closed when it takes no more
	freed   chan struct{}
	once    sync.Once
}

func (s *stuckResponse) Write(b []byte) (int, error) {
	s.writes++
	if s.writes > 1 {
		s.once.Do(func() { close(s.blocked) })
		<-s.freed
		return 0, http.ErrHandlerTimeout
	}
	return s.ResponseRecorder.Write(b)
}

// A browser that reads nothing delays neither other browsers nor the bot.
func TestLiveStuckBrowser(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana, ben := h.signInAs("ana"), h.signInAs("ben")
	lazy := &stuckResponse{ResponseRecorder: httptest.NewRecorder(), blocked: make(chan struct{}), freed: make(chan struct{})}
	var serving sync.WaitGroup
	q := httptest.NewRequestWithContext(t.Context(), "GET", "/live?room=INC-1", http.NoBody)
	q.Host = "localhost"
	q.Header.Set("Cookie", "tocsin_session="+ana.cookie)
	serving.Go(func() { h.pages.ServeHTTP(lazy, q) })
	<-lazy.blocked
	s, list := ben.follow("/incidents/INC-1"), ben.follow("/")
	for _, word := range []string{"alpha", "bravo", "charlie"} {
		ben.sendMessage("INC-1", word).expect(200)
		s.waitRegion("conversation", word)
		h.mustRun("ben: declare It is " + word)
		list.waitRegion("rows", "It is "+word)
	}
	ana.get("/incidents/INC-1").expect(200, "charlie")
	h.pages.Close()
	close(lazy.freed)
	serving.Wait()
}

// A HEAD request ends at once, so that the next request on the connection is
// answered.
func TestLiveHead(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", h.server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err = conn.SetDeadline(time.Now().Add(waitTimeout)); err != nil {
		t.Fatal(err)
	}
	cookie := "\r\nHost: localhost\r\nCookie: tocsin_session=" + h.signInAs("ana").cookie + "\r\n\r\n"
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
