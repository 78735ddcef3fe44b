package inbound

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack"
	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
	"tocsin/bot/directory"
	"tocsin/commands"
	"tocsin/workflow"
)

// TestE10PageStorm: alerts come at once, or one after the other, for one person who is only
// in Slack, the worst last. The worst page is handed to Slack within two seconds, all are
// within half a minute, and no one is called unreachable (E4e: our own pacing is never a
// failure; E10b: a bundle is worst first).
func TestE10PageStorm(t *testing.T) {
	for _, c := range []struct {
		alerts int
		pause  time.Duration // between two
	}{{8, 0}, {20, 0}, {100, 0}, {8, 300 * time.Millisecond}, {20, 300 * time.Millisecond}, {40, time.Second}} {
		t.Run(fmt.Sprintf("%d alerts, one in %s", c.alerts, c.pause), func(t *testing.T) { pageStorm(t, c.alerts, c.pause) })
	}
}

func pageStorm(t *testing.T, n int, pause time.Duration) {
	h := newTestApp(t, slacktest.Options{})
	eve := h.slack.AddUser(slacktest.User{Name: "eve"})
	org := bottest.SampleOrganization()
	org.Directory.People = append(org.Directory.People, directory.Person{ID: "eve", Name: "Eve", Access: commands.Admin, Accounts: map[string]string{slack.Platform: eve}})
	org.Directory.Platforms = []directory.Platform{{Name: slack.Platform, Title: "Slack"}}
	org.Policies = []workflow.Policy{{ID: "one", Steps: []workflow.PolicyStep{{Notify: []workflow.Target{"person:eve"}, Wait: 5 * time.Minute}}}}
	org.Policy, org.Fallback, org.Services, org.CatchAll = "one", "", nil, ""
	if err := h.bot.Configure(org, map[string]bot.Pager{slack.Platform: h.workspace, "log": accepts{}}); err != nil {
		t.Fatal(err)
	}
	r := h.bot.Agenda(0)
	var worstAt time.Time
	for k := range n {
		severity := "low"
		if k == n-1 {
			severity, worstAt = "critical", h.clock.Now()
		}
		_, err := h.bot.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{{
			Key: fmt.Sprint("k", k), Title: fmt.Sprintf("Disk %d is full", k), State: alerts.Firing, StartedAt: h.clock.Now(), Severity: severity,
			Labels: map[string]string{"alertname": fmt.Sprint("disk", k)},
		}})
		if err != nil {
			t.Fatal(err)
		}
		if pause > 0 {
			h.runFor(r, pause)
		}
	}
	began := worstAt
	h.runFor(r, 40*time.Second)
	text := ""
	for k, m := range h.slack.Posts(h.slack.Direct(eve).ID) {
		if strings.Contains(m.Plain(), "SEV1") && text == "" {
			text = m.Plain()
			if after := sentAt(t, m).Sub(began); after > 2*time.Second {
				t.Errorf("the worst page is message %d, after %s", k+1, after)
			}
			if n > 3 && strings.Contains(text, "incidents need you") {
				t.Errorf("the worst page is in a bundle: %s", text)
			}
		}
	}
	if text == "" {
		t.Error("the worst page did not come")
	}
	ana, _ := access.Person(h.bot.Organization(), "eve")
	for k := range n {
		id := workflow.ID(k + 1)
		events, err := h.bot.Incidents.History(t.Context(), id, ana, 0)
		if err != nil {
			t.Fatal(err)
		}
		delivered := false
		for _, e := range events {
			kind := workflow.FactKind(e.Fact)
			if kind == "page_failed" || kind == "no_one_reached" {
				t.Errorf("%s: %s", id, kind)
			}
			delivered = delivered || kind == "page_delivered"
		}
		if !delivered {
			t.Errorf("the page of %s has not come after 40 s", id)
		}
	}
	for _, call := range h.slack.Calls("chat.postMessage") {
		if call.Status == 429 {
			t.Errorf("refused as too much at %s", call.At.Sub(began))
		}
	}
}

// sentAt returns the time of a message.
func sentAt(t *testing.T, m slacktest.Message) time.Time {
	t.Helper()
	seconds, err := strconv.ParseFloat(m.TS, 64)
	if err != nil {
		t.Fatal(err)
	}
	return time.UnixMilli(int64(seconds * 1000)).UTC()
}
