package main

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
)

// slackStory is one process, its Slack, and the people in it.
type slackStory struct {
	*testing.T
	cluster *cluster
	slack   *slacktest.Server
	ana     string
	ben     string
}

func newSlackStory(t *testing.T, config string) *slackStory {
	s := slacktest.New(slacktest.Options{})
	t.Cleanup(s.Close)
	st := &slackStory{T: t, slack: s}
	st.ana = s.AddUser(slacktest.User{Name: "ana", RealName: "Ana Silva", Email: "ana@example.com"})
	st.ben = s.AddUser(slacktest.User{Name: "ben", RealName: "Ben Okafor", Email: "ben@example.com"})
	st.cluster = newCluster(t, clusterPlan{config: strings.ReplaceAll(config, "$ANA", st.ana), env: func(int) []string { return slackEnv(s) }})
	if !s.WaitSockets(2, 20*time.Second) {
		t.Fatal("the process is not connected by two sockets")
	}
	return st
}

// awaitMessage waits for a message of ours in a channel that contains all the
// texts.
func (st *slackStory) awaitMessage(place string, wanted ...string) slacktest.Message {
	st.Helper()
	var found slacktest.Message
	st.await(fmt.Sprintf("%s says %q", place, wanted), func() bool {
		for _, m := range st.slack.Posts(place) {
			if !slices.ContainsFunc(wanted, func(w string) bool { return !strings.Contains(m.Plain(), w) }) {
				found = m
				return true
			}
		}
		return false
	})
	return found
}

func (st *slackStory) await(what string, so func() bool) {
	st.Helper()
	if !st.slack.Wait(20*time.Second, so) {
		for _, c := range st.slack.Channels() {
			for _, m := range st.slack.Posts(c.ID) {
				st.Logf("in %s%s: %s", c.Name, c.ID, m.Plain())
			}
		}
		st.Fatalf("it never comes to this: %s", what)
	}
}

// awaitReply waits for a reply that only one person sees.
func (st *slackStory) awaitReply(user string, wanted ...string) slacktest.Ephemeral {
	st.Helper()
	var found slacktest.Ephemeral
	st.await(fmt.Sprintf("%s is told %q", user, wanted), func() bool {
		for _, e := range slices.Backward(st.slack.Ephemerals()) {
			if e.User == user && !slices.ContainsFunc(wanted, func(w string) bool { return !strings.Contains(e.Plain(), w) }) {
				found = e
				return true
			}
		}
		return false
	})
	return found
}

func (st *slackStory) ok(d slacktest.Delivery) slacktest.Delivery {
	st.Helper()
	if d.Err != nil {
		st.Fatalf("%s %s: %v", d.Kind, d.Type, d.Err)
	}
	return d
}

// end checks that Slack received only valid requests, and that all of its
// requests were answered.
func (st *slackStory) end() {
	st.Helper()
	if calls := st.slack.UnexpectedCalls(); len(calls) > 0 {
		st.Errorf("unexpected calls: %+v", calls)
	}
	for _, f := range st.slack.Failures() {
		st.Errorf("Slack was not answered: %+v", f)
	}
	for _, c := range st.slack.Calls("") {
		if c.Status == http.StatusTooManyRequests {
			st.Errorf("%s was refused as too much", c.Method)
		}
	}
}

const storyConfig = `
url: https://tocsin.example.com
people:
  - { id: ana, name: Ana Silva, email: ana@example.com, slack: $ANA, access: admin, notify: { high: [{ via: chat }], low: [{ via: chat }] } }
  - { id: ben, name: Ben Okafor, email: ben@example.com, access: responder, notify: { high: [{ via: chat }], low: [{ via: chat }] } }
services: [{ id: checkout, name: Checkout }]
policies: [{ id: ana, steps: [{ notify: ["person:ana"], wait: 10m }] }]
default_policy: ana
severities: { SEV1: { urgency: high, invite: ["person:ben"] } }
chat: { slack: { announce: "#incidents", archive_after: 2s } }
`

// TestSlackByAlert: an alert becomes an incident that people handle in Slack
// alone, from its page to its archived room, and that opens again.
func TestSlackByAlert(t *testing.T) {
	t.Parallel()
	st := newSlackStory(t, storyConfig)
	if status, answer := st.cluster.sendRequest(http.MethodPost, "/hooks/alertmanager", "hook", "", checkoutDown); status != http.StatusAccepted {
		t.Fatalf("the alert is answered %d %s", status, answer)
	}
	// The person on the policy is paged, and acknowledges there.
	var page slacktest.Message
	st.await("Ana is paged", func() bool {
		posts := st.slack.Posts(st.slack.Direct(st.ana).ID)
		if len(posts) > 0 {
			page = posts[0]
		}
		return len(posts) > 0
	})
	if !strings.Contains(page.Plain(), "INC-1 SEV1 · Checkout is down") {
		t.Errorf("the page says %q", page.Plain())
	}
	st.ok(st.slack.Click(st.ana, page, "Acknowledge"))
	st.awaitReply(st.ana, "Acknowledged by Ana Silva", "lead INC-1")
	st.await("the page has no button any more", func() bool {
		m := st.slack.Message(page.Channel, page.TS)
		return strings.Contains(m.Plain(), "You are not needed any more: acknowledged by Ana Silva") && !strings.Contains(string(m.Blocks), "do:0")
	})
	// The room exists, with the people it needs, and its card is up to date.
	room := roomOf(st.slack)
	st.await("Ana and Ben are in the room", func() bool {
		room = roomOf(st.slack)
		return slices.Contains(room.Members, st.ana) && slices.Contains(room.Members, st.ben)
	})
	card := st.awaitMessage(room.ID, "INC-1 · Checkout is down", "triage", "by Ana Silva")
	st.await("the card is pinned", func() bool { return st.slack.Message(room.ID, card.TS).Pinned })
	st.awaitMessage("#incidents", "INC-1 · Checkout is down", "by Ana Silva")
	// It is worked on with buttons, forms and words.
	st.ok(st.slack.Click(st.ana, st.slack.Message(room.ID, card.TS), "Accept"))
	st.awaitMessage(room.ID, "INC-1 · Checkout is down", "investigating")
	st.ok(st.slack.Click(st.ana, st.slack.Message(room.ID, card.TS), "Post update"))
	st.await("the form is open", func() bool { return strings.Contains(string(st.slack.Modal(st.ana).Blocks), "Status update") })
	st.ok(st.slack.Submit(st.ana, st.slack.Modal(st.ana).ID, map[string]any{"text": "We are rolling back", "next": "30m"}))
	st.awaitMessage(room.ID, "Update: We are rolling back")
	announced := st.awaitMessage("#incidents", "INC-1 · Checkout is down", "We are rolling back")
	below := st.awaitMessage("#incidents", "Update: We are rolling back")
	if below.ThreadTS != announced.TS {
		t.Errorf("the update is not below the announcement: %+v", below)
	}
	posted := st.ok(st.slack.Say(st.ben, room.ID, "It was the certificate", ""))
	st.ok(st.slack.React(st.ben, room.ID, posted.Message.TS, "pushpin"))
	st.awaitMessage(room.ID, "Ben Okafor", "It was the certificate")
	st.ok(st.slack.Slash(st.ben, room.ID, "/incident", "resolve Rolled back to 4.2"))
	st.awaitReply(st.ben, "Resolved: Rolled back to 4.2")
	st.awaitMessage("#incidents", "✅ INC-1 · Checkout is down", "resolved")
	st.ok(st.slack.Slash(st.ana, room.ID, "/inc", "cause The certificate had expired"))
	st.awaitReply(st.ana, "Cause: The certificate had expired")
	st.ok(st.slack.Slash(st.ana, room.ID, "/inc", "close"))
	st.awaitReply(st.ana, "Closed")
	st.await("the room is archived", func() bool { return st.slack.Channel(room.ID).Archived })
	// It fails again: Slack lets no bot unarchive the room, so that another is created.
	st.ok(st.slack.Slash(st.ana, st.slack.Channel("#incidents").ID, "/inc", "reopen INC-1 It fails again"))
	st.awaitReply(st.ana, "Reopened: It fails again")
	st.await("there is another room", func() bool {
		for _, c := range st.slack.Channels() {
			if c.Name == room.Name+"-2" {
				return !c.Archived && len(st.slack.Posts(c.ID)) > 1
			}
		}
		return false
	})
	// What was written on Slack is in the browser's conversation too.
	st.end()
}

// TestSlackByCommand: a person declares an incident with the command alone:
// the form opens at once, and only those see the room who may.
func TestSlackByCommand(t *testing.T) {
	t.Parallel()
	st := newSlackStory(t, storyConfig)
	general := st.slack.AddChannel(slacktest.Channel{Name: "general", Members: []string{st.ana, st.ben}})
	st.ok(st.slack.Slash(st.ben, general, "/incident", ""))
	st.await("the form is open", func() bool { return st.slack.Modal(st.ben).ID != "" })
	d := st.slack.Submit(st.ben, st.slack.Modal(st.ben).ID, map[string]any{"title": "Search is slow", "sev": "2"})
	if d.Err != nil || len(d.Errors) > 0 {
		t.Fatalf("the form is refused: %v %v", d.Err, d.Errors)
	}
	st.awaitReply(st.ben, "INC-1", "Declared SEV2: Search is slow")
	room := roomOf(st.slack)
	st.await("the reporter is in the room", func() bool {
		room = roomOf(st.slack)
		return slices.Contains(room.Members, st.ben)
	})
	if room.Private || room.Name != "inc-1-search-is-slow" {
		t.Errorf("room %+v", room)
	}
	st.awaitMessage(room.ID, "INC-1 · Search is slow", "Ben Okafor")
	// The same delivery again is the same incident.
	again := st.ok(st.slack.Slash(st.ben, general, "/incident", "declare Payments fail --sev 1"))
	st.awaitReply(st.ben, "INC-2", "Declared SEV1: Payments fail")
	st.slack.Redeliver(again)
	st.ok(st.slack.Slash(st.ben, general, "/incident", "list"))
	st.awaitReply(st.ben, "INC-1", "INC-2")
	// A private incident has a private room, and is announced nowhere.
	st.ok(st.slack.Slash(st.ana, general, "/inc", "declare Payroll has leaked --private --sev 1"))
	st.awaitReply(st.ana, "INC-3")
	st.await("the private room is there", func() bool {
		c := st.slack.Channel("inc-3")
		return c.Private && slices.Contains(c.Members, st.ana) && len(st.slack.Posts(c.ID)) > 0
	})
	st.ok(st.slack.Slash(st.ben, general, "/inc", "show INC-3"))
	st.awaitReply(st.ben, "INC-3 does not exist")
	for _, m := range st.slack.Posts("#incidents") {
		if strings.Contains(m.Plain(), "Payroll") || strings.Contains(m.Plain(), "INC-3") {
			t.Errorf("P2: a private incident is announced: %s", m.Plain())
		}
	}
	// A mistake is answered with what would be right.
	st.ok(st.slack.Slash(st.ben, room.ID, "/inc", "stauts identified"))
	st.awaitReply(st.ben, "Did you mean", "status")
	for _, line := range []string{"ack", "status identified", "resolve It was the cache", "cause A full cache", "close"} {
		st.ok(st.slack.Slash(st.ben, room.ID, "/inc", line))
	}
	st.awaitReply(st.ben, "Closed")
	st.await("the room is archived", func() bool { return st.slack.Channel(room.ID).Archived })
	st.end()
}
