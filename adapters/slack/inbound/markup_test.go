package inbound

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/directory"
	"tocsin/commands"
	"tocsin/workflow"
)

// TestResolveMarkup: references in Slack's markup are written out as people see them.
func TestResolveMarkup(t *testing.T) {
	w := references{
		person: func(id, label string) string { return "@" + cmp.Or(label, id) },
		group:  func(id, label string) string { return "team:" + id },
		link:   func(address, label string) string { return address },
	}
	for text, want := range map[string]string{
		"plain":                                     "plain",
		"a &lt;b&gt; &amp;amp; c":                   "a <b> &amp; c",
		"<@U123|ana> and <@U124>":                   "@ana and @U124",
		"<!subteam^S123|@sre>":                      "team:S123",
		"<!subteam^S123>":                           "team:S123",
		"in <#C123|general>, <#C124>":               "in #general, #C124",
		"see <https://a.example/?x=1&amp;y=2|here>": "see https://a.example/?x=1&y=2",
		"<https://a.example>":                       "https://a.example",
		"<!here> <!channel|channel>":                "@here @channel",
		"<!date^1392734382^{date}|soon>":            "soon",
		"<":                                         "<", "<>": "", "<@>": "@", "<|>": "", "<!>": "", "<#>": "#",
		"&lt;@U123&gt;": "<@U123>", "&lt;!channel&gt;": "<!channel>", "a < b": "a < b", "<@U1|<@U2>": "@<@U2",
		"&amp;lt;": "&lt;", "&quot;": "&quot;",
	} {
		if got := resolveMarkup(text, w); got != want {
			t.Errorf("%q is read as %q, not %q", text, got, want)
		}
	}
}

// FuzzResolveMarkup: no text makes it panic.
func FuzzResolveMarkup(f *testing.F) {
	f.Add("<@U1|a> <!subteam^S|b> <#C|c> <https://x|y> &amp;")
	f.Fuzz(func(t *testing.T, text string) {
		resolveMarkup(text, references{
			person: func(id, label string) string { return id + label }, group: func(id, label string) string { return id + label },
			link: func(address, label string) string { return address + label },
		})
	})
}

// TestCommandText: people, groups, channels and links in a command become what the
// command language calls them.
func TestCommandText(t *testing.T) {
	d := newTestServer(t, bySocket, func(d *testServer, o *bot.Organization) {
		o.Directory.Teams = append(o.Directory.Teams, directory.Team{ID: "payments", Members: []string{"ben"}})
	})
	id, room := d.declare("Checkout is down --sev 2")
	d.slash(d.ana, room, fmt.Sprintf("assign communications <@%s|ben>", d.ben))
	d.slash(d.ana, room, fmt.Sprintf("assign operations <@%s>", d.dan))
	if i := d.incident(id); i.Roles["communications"] != "ben" || i.Roles["operations"] != "dan" {
		t.Errorf("%v", i.Roles)
	}
	d.slash(d.ana, room, "link <https://wiki.example.com/a?b=1&amp;c=2|Runbook>")
	if i := d.incident(id); len(i.Paperwork.Links) != 1 || i.Paperwork.Links[0].URL != "https://wiki.example.com/a?b=1&c=2" {
		t.Errorf("%+v", i.Paperwork.Links)
	}
	if got := d.slash(d.ana, room, "assign scribe <@U0NOBODY|zoe>"); !strings.Contains(string(got.Response), "@zoe") {
		t.Errorf("%s", got.Response)
	}
}

// TestP1Namesake: a user of Slack with the name of a configured person is not taken for
// that person: in a command, in a form, or as the author of a message
// (P1: access is checked first).
func TestP1Namesake(t *testing.T) {
	d := newTestServer(t, bySocket)
	id, room := d.declare("Checkout is down --sev 2")
	other := d.slack.AddUser(slacktest.User{Name: "ana", RealName: "Ana", Email: "other@example.com"})
	team := d.slack.AddUser(slacktest.User{Name: "all", RealName: "all", Email: "all@example.com"})
	for _, text := range []string{"assign scribe <@" + other + "|ana>", "assign scribe <@" + other + ">", "page <@" + team + "|all>", "page <@" + team + ">"} {
		if got := d.slash(d.ana, room, text); !strings.Contains(string(got.Response), "@U") {
			t.Errorf("%s: %s", text, got.Response)
		}
	}
	d.slack.Join(other, room)
	if got := d.slash(other, room, "status identified"); !strings.Contains(string(got.Response), "needs the access") {
		t.Errorf("%s", got.Response)
	}
	if i := d.incident(id); i.Roles["scribe"] != "" || i.Status != workflow.Investigating {
		t.Errorf("%+v", i)
	}
	message := d.slack.Say(other, room, "It is slow", "").Message
	d.slack.MessageShortcut(d.ben, "declare_from_message", message)
	d.eventually("the form is filled", func() bool { return d.slack.Modal(d.ben).State["reporter"]["v"]["value"] == "Ana on Slack" })
	d.slack.Submit(d.ben, d.slack.Modal(d.ben).ID, map[string]any{"title": "Slow"})
	d.waitForAnswer(d.ben, "INC-2: Declared")
	if r := d.incident("INC-2").Reporter; r.Person != "" {
		t.Errorf("%+v", r)
	}
}

// TestHostileCommands: what people type is shown as text, whatever it looks like, in the
// incident, in the answer and on Slack.
func TestHostileCommands(t *testing.T) {
	forEachTransport(t, func(t *testing.T, way string) {
		d := newTestServer(t, way)
		id, room := d.declare("Checkout is down --sev 2")
		for _, text := range []string{
			"<!channel> everybody", "<@U123> *bold* `code`", "<https://good.example|https://evil.example>", "&lt;!here&gt;", "a & b < c > d",
			"'; DROP TABLE incidents; --", "\u202eevil", "x\x00y", strings.Repeat("漢", 3000), "payload=%7B%7D&text=x", `{"type":"view_submission"}`, "{{.}} %s",
		} {
			before := d.incident(id).Paperwork.Notes
			escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text) // as Slack sends what is typed
			got := d.slash(d.ana, room, "note "+escaped)
			if d.incident(id).Paperwork.Notes != before+1 {
				t.Errorf("%.40q: %s", text, got.Response)
			}
		}
		for _, e := range d.slack.Ephemerals() {
			if m := slacktest.Mentions(e.Text); len(m) != 0 {
				t.Errorf("%v are notified by %.200s", m, e.Text)
			}
		}
		if failed := d.slack.Failures(); len(failed) != 0 {
			t.Errorf("%+v", failed[0].Reason)
		}
	})
}

// TestP1NameIsNoCommand: a user's name on Slack adds nothing to the command of a person
// who mentions them.
func TestP1NameIsNoCommand(t *testing.T) {
	d := newTestServer(t, byHTTP)
	id, _ := d.declare("Checkout is down --sev 2")
	for _, name := range []string{"Mal --status monitoring", "Mal —status monitoring", "Mal “ －－status monitoring", "Mal \u200b–status=monitoring", "Mal `-status` monitoring"} {
		mallory := d.slack.AddUser(slacktest.User{Name: "mal", RealName: name})
		if got := d.slash(d.ana, d.lobby, "update "+id+" talking to <@"+mallory+">"); !strings.Contains(string(got.Response), "talking to @") {
			t.Fatalf("%s: %s", name, got.Response)
		}
		if i := d.incident(id); i.Status != workflow.Investigating {
			t.Errorf("%s: %s, %q", name, i.Status, i.Paperwork.LatestUpdate.Text)
		}
	}
}

// TestP1Stranger: a user of another workspace, in a shared channel, is a guest, whatever
// e-mail address they have there and whatever the default access is
// (P1: access is checked first). The e-mail addresses of apps and of users who have left
// identify no one.
func TestP1Stranger(t *testing.T) {
	d := newTestServer(t, bySocket, func(_ *testServer, o *bot.Organization) { o.DefaultAccess = commands.Responder })
	id, room := d.declare("Checkout is down --sev 2")
	if got := d.slash(d.zoe, room, "status identified"); !strings.Contains(string(got.Response), "Now identified") {
		t.Fatalf("a guest may respond: %s", got.Response)
	}
	for name, u := range map[string]slacktest.User{
		"another workspace's": {TeamID: "T0ELSEWHERE"}, "a stranger": {Stranger: true},
	} {
		u.Name, u.Email = "ana", "ana@example.com"
		other := d.slack.AddUser(u)
		d.slack.Join(other, room)
		if got := d.slash(other, room, "note it was nothing"); !strings.Contains(string(got.Response), "needs the access") {
			t.Errorf("%s: %s", name, got.Response)
		}
	}
	for name, u := range map[string]slacktest.User{"an app": {Bot: true}, "a user who left": {Deleted: true}} {
		u.Name, u.Email = "ana", "ana@example.com"
		if a, err := d.workspace.Directory.Account(t.Context(), d.slack.AddUser(u)); err != nil || a.Email != "" {
			t.Errorf("%s has the address %q %v", name, a.Email, err)
		}
	}
	if i := d.incident(id); i.Status != workflow.Identified {
		t.Errorf("it is %s", i.Status)
	}
}
