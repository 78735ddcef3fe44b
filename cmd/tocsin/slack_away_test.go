package main

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
)

const awayConfig = `
url: https://tocsin.example.com
people: [{ id: ana, name: Ana Silva, slack: $ANA, access: admin }]
webhooks: [{ name: noc, url: "$NOC", secret_env: NOC_SECRET }]
policies: [{ id: noc, steps: [{ notify: ["webhook:noc"], wait: 10m }] }]
default_policy: noc
default_access: responder
`

// TestX5SlackAway: while Slack does not answer, everything else works. When it
// answers again, its rooms catch up in order, each message once, and the
// missed edits of a card are one.
func TestX5SlackAway(t *testing.T) {
	for name, away := range map[string]func(*slacktest.Server, bool){"hangs": (*slacktest.Server).Hang, "is down": (*slacktest.Server).SetDown} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			st := newSlackStory(t, awayConfig)
			run := func(line string) {
				t.Helper()
				status, answer := st.cluster.sendRequest(http.MethodPost, "/api/v1/commands", "api", "", fmt.Sprintf(`{"text": %q}`, line))
				if status != http.StatusOK || !strings.Contains(string(answer), `"ok":true`) {
					t.Fatalf("%s: %d %s", line, status, answer)
				}
			}
			run("declare Checkout is down --sev 1")
			room := slacktest.Channel{}
			st.await("the room is there", func() bool { room = roomOf(st.slack); return len(st.slack.Posts(room.ID)) > 1 })
			st.awaitMessage(room.ID, "INC-1 · Checkout is down")
			away(st.slack, true)
			began := time.Now()
			for n := range 12 {
				run(fmt.Sprintf("note INC-1 line %d.", n))
			}
			run("declare Search is slow --sev 1")
			await(t, 5*time.Second, "the new incident pages", func() bool {
				return len(st.cluster.received.pagesOf(webhookID("INC-2", "1.0.0.0/webhook:noc/webhook"))) > 0
			})
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("commands and the page took %s", took)
			}
			await(t, 30*time.Second, "it says that Slack does not answer", func() bool {
				return strings.Contains(st.cluster.replicas[0].server.log.String(), "a chat platform does not answer")
			})
			run("status INC-1 identified")
			updates := st.slack.Count("chat.update")
			away(st.slack, false)
			back := time.Now()
			last := ""
			if !st.slack.Wait(100*time.Second, func() bool {
				for _, m := range st.slack.Posts(room.ID) {
					last = m.Plain()
				}
				return strings.Contains(last, "Now identified") && st.slack.Channel("inc-2-search-is-slow").ID != ""
			}) {
				t.Fatalf("it has not caught up; last is %q", last)
			}
			t.Logf("caught up after %s", time.Since(back).Round(100*time.Millisecond))
			n := 0
			for _, m := range st.slack.Posts(room.ID) {
				if strings.Contains(m.Plain(), fmt.Sprintf("line %d.", n)) {
					n++
				} else if strings.Contains(m.Plain(), "line ") {
					t.Errorf("after line %d comes %q", n-1, m.Plain())
				}
			}
			if n != 12 {
				t.Errorf("%d of 12 lines are there in order", n)
			}
			st.await("the card is true", func() bool {
				return strings.Contains(st.slack.Posts(room.ID)[0].Plain(), "identified")
			})
			if edits := st.slack.CountDone("chat.update") - updates; edits > 12 {
				t.Errorf("%d edits of cards", edits)
			}
			st.end()
		})
	}
}
