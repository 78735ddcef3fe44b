package incidents_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot/access"
	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
	"tocsin/bot/incidents"
	"tocsin/commands"
	"tocsin/workflow"
)

// ids returns the IDs of incidents: "INC-3 INC-1".
func ids(all []workflow.Incident) string {
	names := make([]string, 0, len(all))
	for _, i := range all {
		names = append(names, i.ID)
	}
	return strings.Join(names, " ")
}

// TestListText: a text is found in the ID, the title, the services and the description,
// in any case.
func TestListText(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down --service checkout")
	w.Say("ben", `declare Straße gesperrt --service search --description "The ISP says: fiber cut near Évora"`)
	w.Say("ben", "declare Printer on fire --service search")
	w.Say("ben", "declare Payroll leak --private --service search")
	w.Say("ben", "resolve INC-3 water")
	eve := access.Speaker{Person: "eve", Name: "Eve", Access: commands.Admin}
	for _, c := range []struct {
		q    incidents.Filter
		s    access.Speaker
		want string
	}{
		{incidents.Filter{}, eve, "INC-1 INC-2"},
		{incidents.Filter{All: true}, eve, "INC-1 INC-2 INC-3"},
		{incidents.Filter{Text: "CHECKOUT"}, eve, "INC-1"},
		{incidents.Filter{Text: "inc-2"}, eve, "INC-2"},
		{incidents.Filter{Text: "INC"}, eve, "INC-1 INC-2"},
		{incidents.Filter{Text: "search", All: true}, eve, "INC-2 INC-3"},
		{incidents.Filter{Text: "fiber CUT"}, eve, "INC-2"},
		{incidents.Filter{Text: "éVORA"}, eve, "INC-2"},
		{incidents.Filter{Text: "straße"}, eve, "INC-2"},
		{incidents.Filter{Text: "on fire"}, eve, ""},
		{incidents.Filter{Text: "on fire", Status: "resolved"}, eve, "INC-3"},
		{incidents.Filter{Text: "on fire", Status: "closed"}, eve, ""},
		{incidents.Filter{Text: "payroll"}, eve, ""},
		{incidents.Filter{Text: "INC-4"}, eve, ""},
		{incidents.Filter{Text: "payroll"}, w.Person("ben"), "INC-4"},
		{incidents.Filter{Text: "%"}, eve, ""},
		{incidents.Filter{Text: ".*"}, eve, ""},
		{incidents.Filter{Text: "\x00"}, eve, ""},
		{incidents.Filter{Text: strings.Repeat("x", 100_000)}, eve, ""},
		{incidents.Filter{Text: "c", Service: "checkout", Severity: workflow.SEV3}, eve, "INC-1"},
		{incidents.Filter{Text: "c", Service: "checkout", Severity: workflow.SEV1}, eve, ""},
	} {
		got, next, err := w.Incidents.List(t.Context(), c.s, c.q)
		if err != nil || ids(got) != c.want || !next.IsZero() {
			t.Errorf("%.60v: %q, more at %q, %v; want %q", c.q, ids(got), next, err, c.want)
		}
	}
}

// TestListPages: the incidents found come in pages, however far apart they are, and the
// last page says so. An incident that the speaker must not see leaves no gap.
func TestListPages(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	for n := range 450 { // more than are read from the store at once
		switch n % 90 {
		case 0:
			w.Say("ben", "declare Needle")
		case 45:
			w.Say("ben", "declare Needle --service search --private")
		default:
			w.Say("ben", "declare Straw")
		}
	}
	eve := access.Speaker{Person: "eve", Name: "Eve", Access: commands.Admin}
	for _, c := range []struct {
		s     access.Speaker
		limit int
		want  string
	}{
		{eve, 2, "INC-1 INC-91 | INC-181 INC-271 | INC-361"},
		{eve, 5, "INC-1 INC-91 INC-181 INC-271 INC-361"},
		{eve, 4, "INC-1 INC-91 INC-181 INC-271 | INC-361"},
		{eve, 0, "INC-1 INC-91 INC-181 INC-271 INC-361"},
		{w.Person("ben"), 4, "INC-1 INC-46 INC-91 INC-136 | INC-181 INC-226 INC-271 INC-316 | INC-361 INC-406"},
	} {
		var pages []string
		for after, more := (incidents.Cursor{}), true; more; more = !after.IsZero() {
			page, next, err := w.Incidents.List(t.Context(), c.s, incidents.Filter{Text: "needle", After: after, Limit: c.limit})
			if err != nil {
				t.Fatal(err)
			}
			pages, after = append(pages, ids(page)), next
		}
		if got := strings.Join(pages, " | "); got != c.want {
			t.Errorf("%s by %d: %q, want %q", c.s.Name, c.limit, got, c.want)
		}
	}
	all, next, err := w.Incidents.List(t.Context(), w.Person("ben"), incidents.Filter{Limit: 10_000})
	if err != nil || len(all) != 450 || !next.IsZero() {
		t.Errorf("%d of 450, more at %q, %v", len(all), next, err)
	}
	for limit, want := range map[int]int{1: 1, 199: 199, 200: 200, 201: 201, 449: 449, 450: 450, 500: 450} {
		open, err := w.Incidents.ListOpen(t.Context(), limit)
		if err != nil || len(open) != want || open[0].ID != "INC-1" || open[want-1].ID != fmt.Sprint("INC-", want) {
			t.Errorf("at most %d: %d open ones, %v", limit, len(open), err)
		}
	}
}

// TestOpenIncidents: the open incidents include stubs and private ones.
func TestOpenIncidents(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	if open, err := w.Incidents.ListOpen(t.Context(), 10); err != nil || len(open) != 0 {
		t.Fatalf("%v %v", open, err)
	}
	w.Say("ben", "declare Checkout is down")
	w.Say("ben", "declare Data leak --private --service search") // pages ben
	w.Say("ben", "declare Search is slow")
	w.Say("ben", "resolve INC-3 fixed")
	alert := func(key string, state alerts.State) {
		w.Clock = w.Clock.Add(time.Second)
		a := alerts.Alert{Key: key, Title: "Disk full\n\u202e" + key, State: state, StartedAt: w.Clock, EndedAt: w.Clock, Severity: "critical", Labels: map[string]string{"alertname": "DiskFull", "service": "search"}}
		if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{a}); err != nil {
			t.Fatal(err)
		}
	}
	alert("a", alerts.Firing)
	began := w.Clock
	alert("b", alerts.Firing)
	alert("c", alerts.Firing)
	alert("b", alerts.Resolved)
	open, err := w.Incidents.ListOpen(t.Context(), 10)
	if err != nil || ids(open) != "INC-4 INC-1 INC-2" {
		t.Fatalf("open are %q, %v", ids(open), err)
	}
	stub := open[0]
	if stub.Status != workflow.Triage || stub.Title != "Disk full a" || stub.Severity != workflow.SEV1 || !slices.Equal(stub.Services, []string{"search"}) ||
		!stub.DeclaredAt.Equal(began) || stub.Visibility != workflow.Public || stub.Source != workflow.SourceAlert || stub.Number != 4 {
		t.Errorf("the stub looks like %+v", stub)
	}
	// Store.List need not read mail: firing alerts are counted by Incident.
	one, err := w.Incidents.Get(t.Context(), "INC-4", w.Person("ana"))
	if err != nil || one.Alerts.Firing != 2 {
		t.Errorf("%d alerts fire, %v", one.Alerts.Firing, err)
	}
	eve := access.Speaker{Person: "eve", Name: "Eve", Access: commands.Admin}
	for s, want := range map[string]bool{"ben": true, "dan": false} {
		if got := w.Person(s).CanSee(&open[2]); got != want {
			t.Errorf("%s sees a private incident: %v", s, got)
		}
	}
	if eve.CanSee(&open[2]) || eve.CanWorkOn(&open[2]) || !eve.CanSee(&open[0]) {
		t.Error("an outsider sees a private incident, or not a public one")
	}
	w.Advance(time.Second) // the first step
	after, err := w.Incidents.ListOpen(t.Context(), 10)
	if err != nil || ids(after) != "INC-4 INC-1 INC-2" || after[0].Alerts.Firing != 2 || after[0].Title != stub.Title || after[0].Status != stub.Status || after[0].Severity != stub.Severity {
		t.Errorf("after the first step: %q, %+v, %v", ids(after), after[0], err)
	}
}

// TestP2StubFollows: a stub that follows a private incident is private before its first
// step.
func TestP2StubFollows(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	fire := func(state alerts.State) {
		a := alerts.Alert{Key: "a", Title: "Secret database full", State: state, StartedAt: w.Clock, EndedAt: w.Clock, Labels: map[string]string{"alertname": "x"}}
		if _, err := w.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{a}); err != nil {
			t.Fatal(err)
		}
	}
	fire(alerts.Firing)
	w.Advance(time.Second)
	w.Expect(w.Say("ana", "ack INC-1"), true, "")
	w.Expect(w.Say("ana", "private INC-1"), true, "")
	w.Clock = w.Clock.Add(time.Second)
	fire(alerts.Resolved)
	w.Advance(time.Second)
	w.Expect(w.Say("ana", "resolve INC-1 fixed"), true, "")
	w.Clock = w.Clock.Add(time.Hour)
	fire(alerts.Firing)
	open, err := w.Incidents.ListOpen(t.Context(), 10)
	if err != nil || len(open) != 1 || open[0].ID == "INC-1" {
		t.Fatalf("open are %q, %v", ids(open), err)
	}
	if open[0].Visibility != workflow.Private || w.Person("ben").CanSee(&open[0]) {
		t.Errorf("the stub is %s", open[0].Visibility)
	}
	found, _, err := w.Incidents.List(t.Context(), w.Person("ben"), incidents.Filter{Text: "secret", All: true})
	if err != nil || len(found) != 0 {
		t.Errorf("found %q, %v", ids(found), err)
	}
}

// TestEntries: the entries of a timeline have times in the reader's zone and the names
// of the actors.
func TestEntries(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down --detected 02:55")
	ci := w.Person("ana")
	ci.Token = "ci"
	w.Run(ci, "INC-1", "note <b>hello</b>")
	w.Run(access.Speaker{Name: "Zoe", Access: commands.Responder}, "INC-1", "ack")
	w.Run(w.Person("ana"), "INC-1", "update soon --next 2h")
	events, err := w.Incidents.History(t.Context(), "INC-1", w.Person("ana"), 0)
	if err != nil {
		t.Fatal(err)
	}
	tokyo, err := time.LoadLocation("Asia/Tokyo")
	if err != nil {
		t.Fatal(err)
	}
	entries := incidents.Entries(events, tokyo)
	by := map[string]string{}
	for n, e := range entries {
		if e.Seq != n+1 || !e.At.Equal(bottest.Epoch) {
			t.Errorf("entry %+v", e)
		}
		by[e.Kind] = e.By + ": " + e.Text
	}
	for kind, want := range map[string]string{
		"declared": "Ben: ", "note_added": "Ana, by token ci: ", "acknowledged": "Zoe: ", "escalation_started": "tocsin: ",
	} {
		if !strings.HasPrefix(by[kind], want) {
			t.Errorf("%s: %q, want %q…", kind, by[kind], want)
		}
	}
	if !strings.Contains(by["note_added"], "<b>hello</b>") || !strings.Contains(by["update_posted"], "14:00") {
		t.Errorf("entries %q", by)
	}
}
