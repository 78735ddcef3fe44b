package slack

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/roster"
	"tocsin/workflow"
)

// slash types a command that must be acknowledged.
func (d *desk) slash(user, channel, text string) slacktest.Delivery {
	d.t.Helper()
	got := d.slack.Slash(user, channel, "/incident", text)
	if got.Err != nil {
		d.t.Fatalf("/incident %s: %v\n%s", text, got.Err, d.log)
	}
	return got
}

// TestSlash: a command is carried out for whoever typed it, and they alone see
// the answer, at once.
func TestSlash(t *testing.T) {
	both(t, func(t *testing.T, way string) {
		d := newDesk(t, way)
		d.slash(d.ana, d.lobby, "declare Checkout is down --sev 2 --service checkout")
		d.slash(d.dan, d.lobby, "ack INC-1") // by his ID
		if i := d.incident("INC-1"); i.Severity != workflow.SEV2 || i.Reporter.Person != "ana" || i.AcknowledgedBy != "dan" {
			t.Errorf("%+v", i)
		}
		for _, command := range []string{"/inc", "/incident"} {
			if got := d.slack.Slash(d.zoe, d.lobby, command, "resolve INC-1 --how x"); got.Err != nil || !strings.Contains(string(got.Response), `needs the access`) {
				t.Errorf("a guest: %v %s", got.Err, got.Response)
			}
		}
		d.slash(d.zoe, d.lobby, "declare Search is slow") // guests may
		if i := d.incident("INC-2"); i.Reporter.Handle != "slack:"+d.zoe || i.Reporter.Name != "Zoe Young" {
			t.Errorf("%+v", i.Reporter)
		}
		d.slash(d.ana, d.lobby, "statsu INC-1")
		if told := d.whispers(d.ana); len(told) != 2 || !strings.Contains(told[0], "INC-1: Declared SEV2") || !strings.Contains(told[1], "status") {
			t.Errorf("%q", told)
		}
		for _, r := range d.slack.Responses() {
			if r.InChannel {
				t.Errorf("everybody sees %+v", r)
			}
		}
		if n := d.slack.Count("response_url"); n != 0 {
			t.Errorf("%d answers went to a response URL, although they were there in time", n)
		}
	})
}

// TestSlashInRoom: in an incident's room its ID can be left out; without a word
// its card comes, with its buttons, for whoever asked.
func TestSlashInRoom(t *testing.T) {
	both(t, func(t *testing.T, way string) {
		d := newDesk(t, way)
		id, room := d.declare("Checkout is down --sev 2")
		d.slash(d.ben, room, "note The cache is cold")
		if d.incident(id).Notes != 1 {
			t.Error("nothing was noted")
		}
		d.slash(d.ben, room, "")
		card := d.slack.Ephemerals()[len(d.slack.Ephemerals())-1]
		if card.User != d.ben || !strings.Contains(card.Plain(), id+" · Checkout is down") || !bytes.Contains(card.Blocks, []byte("ack "+id)) {
			t.Fatalf("%s", card.Plain())
		}
		if got := d.slack.ClickEphemeral(card, "Acknowledge"); got.Err != nil {
			t.Fatal(got.Err)
		}
		d.told(d.ben, "Acknowledged")
		if d.incident(id).AcknowledgedBy != "ben" {
			t.Error("the button did nothing")
		}
	})
}

// TestSlashForm: a command without what it needs is answered with a form, which
// is opened before anything is read.
func TestSlashForm(t *testing.T) {
	both(t, func(t *testing.T, way string) {
		d := newDesk(t, way)
		id, room := d.declare("Checkout is down --sev 2")
		for _, text := range []string{"", "declare"} {
			d.slash(d.zoe, d.lobby, text)
			if v := d.slack.Modal(d.zoe); v.Title != "Declare an incident" || v.CallbackID != "form:declare" || !strings.Contains(v.Plain(), "What is wrong?") {
				t.Errorf("%q opens %q", text, v.Plain())
			}
		}
		d.slash(d.ben, room, "update")
		d.eventually("the form is drawn", func() bool { return strings.Contains(d.slack.Modal(d.ben).Plain(), "Next update in") })
		if v := d.slack.Modal(d.ben); v.Title != id+" · Update" {
			t.Errorf("%q", v.Plain())
		}
		// While the store does not answer, the form is there all the same.
		_, release := d.store.hold()
		d.anew()
		began := time.Now()
		d.slash(d.ana, room, "edit")
		if v := d.slack.Modal(d.ana); !strings.Contains(v.Plain(), "One moment") || time.Since(began) > time.Second {
			t.Errorf("after %s: %q", time.Since(began), v.Plain())
		}
		release()
		d.eventually("the form is drawn", func() bool { return strings.Contains(d.slack.Modal(d.ana).Plain(), "What is known") })
		if v := d.slack.Modal(d.ana); v.State["title"]["v"]["value"] != "Checkout is down" || v.Title != id+" · Correct" {
			t.Errorf("%q %v", v.Title, v.State)
		}
		// Where no incident is meant, the form says so.
		d.slash(d.ben, d.lobby, "update")
		d.eventually("the form says why not", func() bool { return strings.Contains(d.slack.Modal(d.ben).Plain(), "Which incident") })
		d.slash(d.ben, d.lobby, "update INC-99")
		d.eventually("the form says why not", func() bool { return strings.Contains(d.slack.Modal(d.ben).Plain(), "INC-99 does not exist") })
	})
}

// TestFormConflict: a form that was drawn meanwhile is drawn once more.
func TestFormConflict(t *testing.T) {
	d := newDesk(t, bySocket)
	_, room := d.declare("Checkout is down --sev 2")
	d.slack.Fail("views.update", slacktest.Fault{Error: "hash_conflict"})
	d.slash(d.ben, room, "update")
	d.eventually("the form is drawn", func() bool { return strings.Contains(d.slack.Modal(d.ben).Plain(), "Next update in") })
	if n := d.slack.Count("views.update"); n != 2 {
		t.Errorf("%d updates", n)
	}
}

// TestFormNotOpened: when Slack does not open a form, the line is answered as
// where there are none; when nobody knows, whoever asked is told what to do.
func TestFormNotOpened(t *testing.T) {
	d := newDesk(t, bySocket)
	d.slack.Fail("views.open", slacktest.Fault{Error: "expired_trigger_id"})
	if got := d.slash(d.ana, d.lobby, "declare"); !strings.Contains(string(got.Response), "needs a title") {
		t.Errorf("%s", got.Response)
	}
	d.slack.Fail("views.open", slacktest.Fault{LoseAnswer: true})
	if got := d.slash(d.ana, d.lobby, "declare"); !strings.Contains(string(got.Response), "did not say") {
		t.Errorf("%s", got.Response)
	}
}

// TestSlashLate: what takes longer than two seconds is acknowledged all the
// same, and answered when it is done.
func TestSlashLate(t *testing.T) {
	both(t, func(t *testing.T, way string) {
		d := newDesk(t, way)
		d.slash(d.ana, d.lobby, "list") // she is known now
		_, release := d.store.hold()
		got := d.slash(d.ana, d.lobby, "declare Checkout is down")
		if len(got.Response) > 2 || got.Took > 2900*time.Millisecond || got.Took < 1500*time.Millisecond {
			t.Errorf("acknowledged after %s with %s", got.Took, got.Response)
		}
		release()
		d.told(d.ana, "INC-1: Declared")
		if d.slack.Count("response_url") != 1 || d.incident("INC-1").Reporter.Person != "ana" {
			t.Error(d.incident("INC-1"))
		}
	})
}

// TestAnswerElsewhere: what a response URL does not take is shown in the
// channel, and else told in our conversation.
func TestAnswerElsewhere(t *testing.T) {
	d := newDesk(t, bySocket)
	d.inbox.patience = 10 * time.Millisecond
	d.slack.Fail("response_url", slacktest.Fault{Status: 404})
	d.slack.Fail("response_url", slacktest.Fault{CutBefore: true})
	late := func(text string) {
		d.t.Helper()
		_, release := d.store.hold()
		d.slash(d.ana, d.lobby, text)
		release()
	}
	late("declare Checkout is down")
	d.told(d.ana, "INC-1: Declared")
	d.slack.Fail("chat.postEphemeral", slacktest.Fault{Error: "channel_not_found"})
	late("declare Search is slow")
	d.eventually("ana has a message", func() bool {
		return slices.ContainsFunc(d.slack.Posts(d.slack.Direct(d.ana).ID), func(m slacktest.Message) bool { return strings.Contains(m.Plain(), "INC-2: Declared") })
	})
}

// TestStoreAway: when the store cannot be reached, whoever asked is told, and
// what is wrong is in the log alone.
func TestStoreAway(t *testing.T) {
	d := newDesk(t, byHTTP)
	d.store.fail(errors.New("disk on fire"))
	got := d.slash(d.ana, d.lobby, "note INC-1 x")
	if !strings.Contains(string(got.Response), "may not have been done") || strings.Contains(string(got.Response), "fire") || !strings.Contains(d.log.String(), "disk on fire") {
		t.Errorf("%s\n%s", got.Response, d.log)
	}
}

// TestSlashTwice: the same delivery is one command, to the same process while it
// is at it and afterwards, and to another.
func TestSlashTwice(t *testing.T) {
	both(t, func(t *testing.T, way string) {
		d := newDesk(t, way)
		first := d.slash(d.ana, d.lobby, "declare Checkout is down")
		again := d.slack.Redeliver(first)
		d.anew()
		other := d.slack.Redeliver(first)
		for _, r := range []slacktest.Delivery{again, other} {
			if r.Err != nil || !bytes.Equal(r.Response, first.Response) {
				t.Errorf("%v: %s, not %s", r.Err, r.Response, first.Response)
			}
		}
		come, release := d.store.hold()
		done := make(chan slacktest.Delivery)
		go func() { done <- d.slack.Slash(d.ana, d.lobby, "/incident", "declare Search is slow") }()
		<-come
		release()
		if r := d.slack.Redeliver(<-done); r.Err != nil {
			t.Error(r.Err)
		}
		if open, err := d.bot.OpenIncidents(t.Context(), 10); err != nil || len(open) != 2 {
			t.Errorf("%d incidents, %v", len(open), err)
		}
	})
}

// TestWhoUnknown: while Slack does not say who somebody is, they are a guest,
// and not for longer (rule P1). Whoever is configured by ID is known without.
func TestWhoUnknown(t *testing.T) {
	both(t, func(t *testing.T, way string) {
		d := newDesk(t, way)
		id, _ := d.declare("Checkout is down --sev 2")
		d.slack.Fail("users.info", slacktest.Fault{Delay: 1500 * time.Millisecond})
		got := d.slash(d.ana, d.lobby, "status "+id+" identified")
		if !strings.Contains(string(got.Response), "needs the access") || got.Took > 2*time.Second {
			t.Errorf("after %s: %s", got.Took, got.Response)
		}
		d.slack.Heal()
		if got = d.slash(d.ana, d.lobby, "status "+id+" identified"); !strings.Contains(string(got.Response), "identified") {
			t.Errorf("%s", got.Response)
		}
		d.slack.Fail("users.info", slacktest.Fault{Error: "internal_error"})
		if got = d.slash(d.dan, d.lobby, "note "+id+" x"); !strings.Contains(string(got.Response), id+": x.") {
			t.Errorf("%s", got.Response)
		}
	})
}

// TestWhoWas: whoever was known is known still while Slack does not answer; who
// never was is told that it is Slack that does not know them.
func TestWhoWas(t *testing.T) {
	d := newDesk(t, byHTTP)
	id, _ := d.declare("Checkout is down --sev 2")
	d.slash(d.ana, d.lobby, "note "+id+" before")
	d.accounts.mu.Lock()
	for user, known := range d.accounts.byID {
		known.until = time.Time{}
		d.accounts.byID[user] = known
	}
	d.accounts.mu.Unlock()
	d.slack.Fail("users.info", slacktest.Fault{Status: 503, Times: -1})
	if got := d.slash(d.ana, d.lobby, "status "+id+" identified"); !strings.Contains(string(got.Response), "identified") {
		t.Errorf("%s", got.Response)
	}
	if got := d.slash(d.ben, d.lobby, "status "+id+" monitoring"); !strings.Contains(string(got.Response), "does not say who you are") {
		t.Errorf("%s", got.Response)
	}
}

// TestUnmarked: what Slack writes as markup is read as what people see.
func TestUnmarked(t *testing.T) {
	w := words{
		person: func(id, label string) string { return "@" + firstOf(label, id) },
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
		if got := unmarked(text, w); got != want {
			t.Errorf("%q is read as %q, not %q", text, got, want)
		}
	}
}

// FuzzUnmarked: nothing that comes brings it down.
func FuzzUnmarked(f *testing.F) {
	f.Add("<@U1|a> <!subteam^S|b> <#C|c> <https://x|y> &amp;")
	f.Fuzz(func(t *testing.T, text string) {
		unmarked(text, words{
			person: func(id, label string) string { return id + label }, group: func(id, label string) string { return id + label },
			link: func(address, label string) string { return address + label },
		})
	})
}

// TestTyped: people, groups, channels and links in a command are what the
// language calls them.
func TestTyped(t *testing.T) {
	d := newDesk(t, bySocket, func(d *desk, o *bot.Organization) {
		o.Roster.Teams = append(o.Roster.Teams, roster.Team{ID: "payments", Members: []string{"ben"}})
	})
	id, room := d.declare("Checkout is down --sev 2")
	d.slash(d.ana, room, fmt.Sprintf("assign communications <@%s|ben>", d.ben))
	d.slash(d.ana, room, fmt.Sprintf("assign operations <@%s>", d.dan))
	if i := d.incident(id); i.Roles["communications"] != "ben" || i.Roles["operations"] != "dan" {
		t.Errorf("%v", i.Roles)
	}
	d.slash(d.ana, room, "link <https://wiki.example.com/a?b=1&amp;c=2|Runbook>")
	if i := d.incident(id); len(i.Links) != 1 || i.Links[0].URL != "https://wiki.example.com/a?b=1&c=2" {
		t.Errorf("%+v", i.Links)
	}
	if got := d.slash(d.ana, room, "assign scribe <@U0NOBODY|zoe>"); !strings.Contains(string(got.Response), "@zoe") {
		t.Errorf("%s", got.Response)
	}
}

// TestP1Namesake: somebody on Slack who is called like somebody here is not
// taken for them: in a command, in a form, or in what they say (rule P1).
func TestP1Namesake(t *testing.T) {
	d := newDesk(t, bySocket)
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
	said := d.slack.Say(other, room, "It is slow", "").Message
	d.slack.MessageShortcut(d.ben, "declare_from_message", said)
	d.eventually("the form is filled", func() bool { return d.slack.Modal(d.ben).State["reporter"]["v"]["value"] == "Ana on Slack" })
	d.slack.Submit(d.ben, d.slack.Modal(d.ben).ID, map[string]any{"title": "Slow"})
	d.told(d.ben, "INC-2: Declared")
	if r := d.incident("INC-2").Reporter; r.Person != "" {
		t.Errorf("%+v", r)
	}
}

// TestRespond: a response URL is asked once, follows nobody elsewhere, and its
// address is in no error.
func TestRespond(t *testing.T) {
	elsewhere := 0
	var server *httptest.Server
	server = httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/redirect-secret":
			http.Redirect(rw, r, server.URL+"/elsewhere", http.StatusTemporaryRedirect)
		case "/cut-secret":
			panic(http.ErrAbortHandler)
		case "/elsewhere":
			elsewhere++
		}
	}))
	defer server.Close()
	w := &Workspace{cfg: Config{APIURL: server.URL + "/api/", HTTP: &http.Client{}}}
	for _, path := range []string{"/redirect-secret", "/cut-secret", "/%zz-secret"} {
		if err := w.respond(t.Context(), server.URL+path, sayReply("hello")); err == nil || strings.Contains(err.Error(), "secret") || elsewhere > 0 {
			t.Errorf("%s: %v", path, err)
		}
	}
	if err := w.respond(t.Context(), server.URL+"/good-secret", sayReply("hello")); err != nil {
		t.Error(err)
	}
}

// TestHostileCommands: what people type is text, whatever it looks like, in the
// incident, in the answer and in what Slack shows.
func TestHostileCommands(t *testing.T) {
	both(t, func(t *testing.T, way string) {
		d := newDesk(t, way)
		id, room := d.declare("Checkout is down --sev 2")
		for _, text := range []string{
			"<!channel> everybody", "<@U123> *bold* `code`", "<https://good.example|https://evil.example>", "&lt;!here&gt;", "a & b < c > d",
			"'; DROP TABLE incidents; --", "\u202eevil", "x\x00y", strings.Repeat("漢", 3000), "payload=%7B%7D&text=x", `{"type":"view_submission"}`, "{{.}} %s",
		} {
			before := d.incident(id).Notes
			escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text) // as Slack sends what is typed
			got := d.slash(d.ana, room, "note "+escaped)
			if d.incident(id).Notes != before+1 {
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

// TestPinned: an answer goes to Slack, and nowhere else, whatever a payload says
// (rule I9).
func TestPinned(t *testing.T) {
	w := &Workspace{cfg: Config{APIURL: DefaultAPI}}
	other := &Workspace{cfg: Config{APIURL: "http://127.0.0.1:4000/api/"}}
	for address, want := range map[string][2]bool{
		"https://hooks.slack.com/commands/T1/2/x":      {true, true},
		"http://hooks.slack.com/commands/T1/2/x":       {},
		"https://hooks.slack.com.evil.example/x":       {},
		"https://hooks.slack.com@evil.example/x":       {},
		"https://evil.example/hooks.slack.com":         {},
		"https://hooks.slack.com:8443/x":               {},
		"https://slack.com/api/chat.postMessage":       {},
		"http://127.0.0.1:4000/response/x":             {false, true},
		"https://127.0.0.1:4000/response/x":            {},
		"http://127.0.0.1:4001/response/x":             {},
		"https://hooks.127.0.0.1:4000/x":               {false, true},
		"http://169.254.169.254/latest/meta-data":      {},
		"file:///etc/passwd":                           {},
		"//hooks.slack.com/x":                          {},
		"":                                             {},
		"https://user:pass@hooks.slack.com/commands/x": {},
	} {
		if w.ofSlack(address) != want[0] || other.ofSlack(address) != want[1] {
			t.Errorf("%q is taken for Slack's: %v, %v", address, w.ofSlack(address), other.ofSlack(address))
		}
	}
}

// TestP1NameIsNoCommand: what somebody calls themselves on Slack adds nothing to
// the commands of those who mention them.
func TestP1NameIsNoCommand(t *testing.T) {
	d := newDesk(t, byHTTP)
	id, _ := d.declare("Checkout is down --sev 2")
	mallory := d.slack.AddUser(slacktest.User{Name: "mal", RealName: "Mal --status monitoring"})
	if got := d.slash(d.ana, d.lobby, "update "+id+" talking to <@"+mallory+">"); !strings.Contains(string(got.Response), "talking to @") {
		t.Fatalf("%s", got.Response)
	}
	if i := d.incident(id); i.Status != workflow.Investigating {
		t.Errorf("%s, %q", i.Status, i.Latest.Text)
	}
}
