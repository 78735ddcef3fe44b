package inbound

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/directory"
)

// TestFormFilledAgain: a form that was opened is filled although Slack could not take its
// content at first, and whether or not it says so.
func TestFormFilledAgain(t *testing.T) {
	for name, fault := range map[string]slacktest.Fault{
		"500": {Status: 500, Times: 2}, "cut off": {CutBefore: true, Times: 2}, "lost answer": {LoseAnswer: true}, "internal error": {Error: "internal_error"},
		"later": {Status: 429, RetryAfter: time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			d := newTestServer(t, byHTTP)
			d.declare("Checkout is down --service checkout")
			d.slack.Fail("views.update", fault)
			if typed := d.slack.Slash(d.ana, d.lobby, "/incident", "page INC-1"); typed.Err != nil {
				t.Fatal(typed.Err)
			}
			d.eventually("the form is filled", func() bool { return strings.Contains(string(d.slack.Modal(d.ana).Blocks), "static_select") })
			if told := strings.Join(d.ephemerals(d.ana), "\n"); strings.Contains(told, "could not be loaded") {
				t.Errorf("ana reads %q", told)
			}
		})
	}
}

// TestFormNotFilled: a person is told when their form cannot be filled.
func TestFormNotFilled(t *testing.T) {
	d := newTestServer(t, byHTTP)
	d.declare("Checkout is down --service checkout")
	d.slack.Fail("views.update", slacktest.Fault{Error: "invalid_arguments", Times: -1})
	if typed := d.slack.Slash(d.ana, d.lobby, "/incident", "page INC-1"); typed.Err != nil {
		t.Fatal(typed.Err)
	}
	d.waitForAnswer(d.ana, "The form could not be loaded")
	if n := d.slack.Count("views.update"); n != 1 {
		t.Errorf("a refused form is sent %d times", n)
	}
}

// TestMenuOfMany: a menu of more options than Slack lists is searched. When nothing
// matches, the response is an empty list.
func TestMenuOfMany(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way, func(_ *testServer, org *bot.Organization) {
			for n := range 150 {
				org.Directory.People = append(org.Directory.People, directory.Person{ID: fmt.Sprintf("p%d", n), Name: fmt.Sprintf("Person %d", n), Email: fmt.Sprintf("p%d@example.com", n)})
			}
		})
		d.declare("Checkout is down --service checkout")
		if typed := d.slack.Slash(d.ana, d.lobby, "/incident", "page INC-1"); typed.Err != nil {
			t.Fatal(typed.Err)
		}
		d.eventually("the form is filled", func() bool { return strings.Contains(string(d.slack.Modal(d.ana).Blocks), "external_select") })
		for typed, want := range map[string]string{"Person 14": "@p14 @p140 @p141 @p142 @p143 @p144 @p145 @p146 @p147 @p148 @p149", "team": "team:all", "nobody": ""} {
			found := d.slack.Suggest(d.ana, d.slack.Modal(d.ana).ID, "who", "v", typed)
			if found.Err != nil || strings.Join(found.Options, " ") != want {
				t.Errorf("%q suggests %q, want %q: %v %s", typed, found.Options, want, found.Err, found.Response)
			}
			if typed == "nobody" && strings.TrimSpace(string(found.Response)) != `{"options":[]}` {
				t.Errorf("it is answered with %s", found.Response)
			}
		}
	})
}
