package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
)

// slackConfig is a configuration in which a person is paged on Slack.
const slackConfig = `
url: https://tocsin.example.com
people: [{ id: ana, name: Ana Silva, email: ana@example.com, slack: $ANA, access: admin, notify: { high: [{ via: chat }], low: [{ via: chat }] } }]
policies: [{ id: ana, steps: [{ notify: ["person:ana"], wait: 10m }] }]
default_policy: ana
chat: { slack: { announce: "#incidents" } }
`

const checkoutDown = `{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"CheckoutDown","service":"checkout","severity":"critical"},"annotations":{"summary":"Checkout is down"}}]}`

// newSlackCluster returns one process that is connected to a Slack.
func newSlackCluster(t *testing.T, o slacktest.Options) (*cluster, *slacktest.Server, string) {
	t.Helper()
	s := slacktest.New(o)
	t.Cleanup(s.Close)
	ana := s.AddUser(slacktest.User{Name: "ana", RealName: "Ana Silva", Email: "ana@example.com"})
	w := newCluster(t, clusterPlan{config: strings.ReplaceAll(slackConfig, "$ANA", ana), env: func(int) []string { return slackEnv(s) }})
	return w, s, ana
}

func slackEnv(s *slacktest.Server) []string {
	return []string{"SLACK_API_URL=" + s.URL(), "SLACK_BOT_TOKEN=" + s.BotToken, "SLACK_APP_TOKEN=" + s.AppToken, "SLACK_SIGNING_SECRET=" + s.SigningSecret}
}

// TestX1SlackKill kills the real binary at every outgoing call of a declare:
// before Slack has carried it out, and after, before the process gets the
// response. After a restart everything exists once: the room, its card, the
// announcement, each post, bookmark and invitation, and the page.
func TestX1SlackKill(t *testing.T) {
	calls := declareUntil(t, 0, false)
	t.Logf("a declare makes %d calls", calls)
	for k := 1; k <= calls; k++ {
		for _, after := range []bool{false, true} {
			if testing.Short() && k%4 != 0 {
				continue
			}
			t.Run(fmt.Sprintf("call %d after=%v", k, after), func(t *testing.T) {
				t.Parallel()
				declareUntil(t, k, after)
			})
		}
	}
}

// minCalls is the number of calls that every declare makes at least; edits of
// a card may be joined.
const minCalls = 11

// declareUntil declares one incident by an alert, and kills the process at its
// k-th call; 0: at none. It returns the number of calls.
func declareUntil(t *testing.T, k int, after bool) int {
	t.Helper()
	w, s, ana := newSlackCluster(t, slacktest.Options{})
	h := w.replicas[0]
	await(t, 10*time.Second, "the process is connected", func() bool { return s.WaitSockets(2, time.Second) })
	s.Forget()
	died, late := make(chan struct{}), make(chan struct{})
	var n atomic.Int64
	switch {
	case k > 0 && after:
		s.OnCall(func(c slacktest.Call) {
			if c.Phase == "after" && n.Add(1) == int64(k) {
				h.kill()
				close(died)
			}
		})
	case k > 0:
		s.Fail("*", slacktest.Fault{Skip: k - 1, CutBefore: true})
		go func() {
			for tick := time.NewTicker(time.Millisecond); s.Count("") < k; {
				select {
				case <-tick.C:
				case <-late:
					return
				}
			}
			h.kill()
			close(died)
		}()
	}
	if status, answer := h.sendRequest(http.MethodPost, "/hooks/alertmanager", "hook", "", checkoutDown); status != http.StatusAccepted {
		t.Fatalf("the alert is answered %d %s", status, answer)
	}
	if k > 0 {
		select {
		case <-died:
		case <-time.After(20 * time.Second):
			if k <= minCalls {
				t.Fatalf("there was no call %d", k)
			}
			t.Logf("there was no call %d this time: it is killed after all of them", k)
			h.kill()
		}
		close(late)
		s.OnCall(nil)
		s.Heal()
		if err := h.start(); err != nil {
			t.Fatal(err)
		}
	}
	awaitRoom(t, s, ana)
	checkOnce(t, s, ana)
	return s.Count("")
}

// awaitRoom waits until an incident's room is complete and nothing more
// happens.
func awaitRoom(t *testing.T, s *slacktest.Server, ana string) {
	t.Helper()
	quiet, last := time.Now(), -1
	await(t, 60*time.Second, "everything is on Slack", func() bool {
		if n := s.Count(""); n != last {
			quiet, last = time.Now(), n
		}
		room := roomOf(s)
		whole := room.ID != "" && slices.Contains(room.Members, ana) && room.Topic != "" && len(s.Bookmarks(room.ID)) > 0 &&
			len(s.Posts(room.ID)) > 1 && slices.ContainsFunc(s.Posts(room.ID), func(m slacktest.Message) bool { return m.Pinned }) && len(s.Posts(s.Direct(ana).ID)) > 0 && len(s.Posts("#incidents")) > 0
		return whole && time.Since(quiet) > 2*time.Second
	})
}

func roomOf(s *slacktest.Server) slacktest.Channel {
	for _, c := range s.Channels() {
		if strings.HasPrefix(c.Name, "inc-") {
			return c
		}
	}
	return slacktest.Channel{}
}

// checkOnce checks that everything exists once.
func checkOnce(t *testing.T, s *slacktest.Server, ana string) {
	t.Helper()
	var rooms []string
	for _, c := range s.Channels() {
		if strings.HasPrefix(c.Name, "inc-") {
			rooms = append(rooms, c.Name)
		}
	}
	room := roomOf(s)
	if len(rooms) != 1 || !strings.Contains(room.Purpose, "/INC-1") || !strings.HasPrefix(room.Topic, "INC-1 · Checkout is down") {
		t.Errorf("rooms %q, the first is %+v", rooms, room)
	}
	pinned, joined := 0, 0
	for _, place := range []string{room.ID, "#incidents", s.Direct(ana).ID} {
		seen := map[string]int{}
		for _, m := range s.Posts(place) {
			if m.Metadata == nil {
				t.Errorf("a message in %s has no key: %s", place, m.Plain())
				continue
			}
			seen[string(m.Metadata.EventPayload)]++
			if m.Pinned {
				pinned++
			}
		}
		for key, n := range seen {
			if n > 1 {
				t.Errorf("%s is in %s %d times", key, place, n)
			}
		}
	}
	for _, m := range s.Messages(room.ID) {
		if m.Subtype == "channel_join" && m.User == ana {
			joined++
		}
	}
	if pinned != 1 || joined != 1 || len(s.Posts("#incidents")) != 1 || len(s.Posts(s.Direct(ana).ID)) != 1 {
		t.Errorf("%d pinned cards, Ana was asked in %d times, %d announcements, %d pages", pinned, joined, len(s.Posts("#incidents")), len(s.Posts(s.Direct(ana).ID)))
	}
	if marks := s.Bookmarks(room.ID); len(marks) != 1 {
		t.Errorf("bookmarks %+v", marks)
	}
	if calls := s.UnexpectedCalls(); len(calls) > 0 {
		t.Errorf("unexpected calls: %+v", calls)
	}
}
