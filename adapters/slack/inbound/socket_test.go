package inbound

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"tocsin/adapters/memory"
	"tocsin/adapters/slack"
	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/platform"
)

// TestSockets: there are two connections, each gets some of the payloads, and each is
// replaced when it is lost.
func TestSockets(t *testing.T) {
	d := newTestServer(t, bySocket)
	used := map[int]int{}
	for range 6 {
		got := d.slack.Slash(d.ana, d.lobby, "/incident", "list")
		if got.Err != nil || !strings.Contains(string(got.Response), "Quiet is good") {
			t.Fatal(got.Err, string(got.Response))
		}
		used[got.Socket]++
	}
	if len(used) != socketCount {
		t.Errorf("sockets %v were used", used)
	}
	d.slack.CutSocket(0)
	if !d.slack.WaitSockets(1, 5*time.Second) || !d.slack.WaitSockets(2, 5*time.Second) {
		t.Errorf("%d sockets", d.slack.Sockets())
	}
	d.slack.SetDown(true)
	d.slack.WaitSockets(0, 5*time.Second)
	d.slack.SetDown(false)
	if !d.slack.WaitSockets(2, 20*time.Second) {
		t.Errorf("%d sockets after Slack was away", d.slack.Sockets())
	}
	if got := d.slack.Slash(d.ana, d.lobby, "/incident", "list"); got.Err != nil {
		t.Error(got.Err)
	}
}

// TestRefresh: Slack closes its connections while commands come, one after the other and
// both at once; no command is lost.
func TestRefresh(t *testing.T) {
	d := newTestServer(t, bySocket)
	d.slack.Slash(d.ana, d.lobby, "/incident", "declare Checkout is down")
	var sending sync.Mutex // no connection is taken down while it is being used
	var people sync.WaitGroup
	for n := range 4 {
		people.Go(func() {
			for m := range 50 {
				sending.Lock()
				got := d.slack.Slash(d.ana, d.lobby, "/incident", fmt.Sprintf("note INC-1 %d of %d", m, n))
				sending.Unlock()
				if got.Err != nil || !strings.Contains(string(got.Response), "INC-1") {
					t.Error(got.Err, string(got.Response))
				}
			}
		})
	}
	for range 3 {
		d.slack.WarnSockets()
		if !d.slack.WaitSockets(2*socketCount, 10*time.Second) {
			t.Fatalf("%d sockets: there are no successors", d.slack.Sockets())
		}
		for n := range socketCount { // those that came first
			sending.Lock()
			d.slack.CutSocket(0)
			if !d.slack.WaitSockets(2*socketCount-n-1, 5*time.Second) {
				t.Errorf("%d sockets", d.slack.Sockets())
			}
			sending.Unlock()
		}
	}
	people.Wait()
	if failed := d.slack.Failures(); len(failed) != 0 || d.incident("INC-1").Paperwork.Notes != 200 {
		t.Errorf("%d notes, failures %+v", d.incident("INC-1").Paperwork.Notes, failed)
	}
	d.slack.RefreshSockets(true)
	if !d.slack.WaitSockets(socketCount, 10*time.Second) {
		t.Errorf("%d sockets", d.slack.Sockets())
	}
}

// TestDeadConnection: a connection on which nothing comes any more, not even a pong, is
// replaced.
func TestDeadConnection(t *testing.T) {
	opened := make(chan struct{}, 10)
	over := make(chan struct{})
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/apps.connections.open" {
			fmt.Fprintf(rw, `{"ok":true,"url":"ws://%s/link"}`, strings.TrimPrefix(server.URL, "http://"))
			return
		}
		conn, err := (&websocket.Upgrader{}).Upgrade(rw, r, nil)
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		opened <- struct{}{}
		<-over // it reads nothing
	}))
	defer server.Close()
	defer close(over)
	workspace, err := slack.New(slack.Config{
		BotToken: "xoxb-1", AppToken: "xapp-1", APIURL: server.URL + "/api/", Store: memory.New(), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	s := New(workspace, platform.Application{})
	s.maxSilence = 20 * time.Millisecond
	ctx, cancel := context.WithCancel(t.Context())
	var sitting sync.WaitGroup
	sitting.Go(func() { s.keepConnected(ctx) })
	for range 2 {
		select {
		case <-opened:
		case <-time.After(10 * time.Second):
			t.Error("the dead connection was not replaced")
		}
	}
	cancel()
	sitting.Wait()
}

// TestBackOff: the pauses grow to half a minute, and chance takes at most half
// of each away.
func TestBackOff(t *testing.T) {
	for failures, most := range map[int]time.Duration{1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 6: 30 * time.Second, 1000: 30 * time.Second} {
		if low, high := backOff(failures, 0), backOff(failures, 1); low != most/2 || high != most {
			t.Errorf("after %d failures: %s to %s", failures, low, high)
		}
	}
}

// TestOpeningFails: a connection that cannot be opened is tried again, and the error is in
// the log, without any token.
func TestOpeningFails(t *testing.T) {
	d := newTestServer(t, bySocket, func(d *testServer, _ *bot.Organization) {
		d.slack.Fail("apps.connections.open", slacktest.Fault{Status: 500})
		d.slack.Fail("apps.connections.open", slacktest.Fault{LoseAnswer: true})
	})
	if !strings.Contains(d.log.String(), "could not be opened") {
		t.Error(d.log)
	}
}
