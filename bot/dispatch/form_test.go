package dispatch_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/bottest"
	"tocsin/bot/dispatch"
	"tocsin/commands"
	"tocsin/workflow"
)

// lastFact returns the last fact of an incident.
func lastFact(t *testing.T, w *bottest.App, id string) workflow.Fact {
	t.Helper()
	events, err := w.Incidents.History(t.Context(), id, w.Person("ana"), 0)
	if err != nil {
		t.Fatal(err)
	}
	return events[len(events)-1].Fact
}

// TestFields: a form is a command with the values of its fields.
func TestFields(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	reply := w.RunForm(w.Person("ben"), "", "declare", map[string][]string{
		"title": {"Checkout is down"}, "sev": {"2"}, "service": {"checkout", "search"}, "description": {"Since noon.\nNobody can pay."}, "drill": {"on"}, "private": {""},
	})
	i, err := w.Incidents.Get(t.Context(), "INC-1", w.Person("ana"))
	if err != nil || !reply.OK || i.Title != "Checkout is down" || i.Severity != workflow.SEV2 || !slices.Equal(i.Services, []string{"checkout", "search"}) ||
		i.Description != "Since noon.\nNobody can pay." || i.Kind != workflow.Drill || i.Visibility != workflow.Public || i.Reporter.Person != "ben" {
		t.Fatalf("%+v, %+v, %v", reply, i, err)
	}
	w.Expect(w.RunForm(w.Person("ana"), "INC-1", "update", map[string][]string{"text": {"We are looking"}, "next": {"10m"}, "status": {""}, "to": {" support "}}), true, "INC-1")
	i, err = w.Incidents.Get(t.Context(), "INC-1", w.Person("ana"))
	if err != nil || i.Paperwork.LatestUpdate.Text != "We are looking" || i.Paperwork.LatestUpdate.Audience != "support" || i.Paperwork.LatestUpdate.By != "Ana" || !i.Promises.UpdateBy.Equal(w.Clock.Add(10*time.Minute)) {
		t.Errorf("update %+v, due %s, %v", i.Paperwork.LatestUpdate, i.Promises.UpdateBy, err)
	}
	seq := i.Seq
	for line, fields := range map[string]map[string][]string{
		"update":     {"text": {" \n"}, "next": {"10m"}},
		"update ":    {"text": {"a"}, "next": {"soon"}},
		"note":       {"text": {"a", "b"}},
		"note INC-1": {"test": {"a"}},
		"status":     {"status": {"<script>"}},
	} {
		if reply := w.RunForm(w.Person("ana"), "INC-1", line, fields); reply.OK || reply.Text == "" {
			t.Errorf("%s with %v: %+v", line, fields, reply)
		}
	}
	if i, err = w.Incidents.Get(t.Context(), "INC-1", w.Person("ana")); err != nil || i.Seq != seq {
		t.Errorf("a mistake has changed something: %v", err)
	}
	// A repeat of the form is answered as the first time, and changes nothing.
	r := dispatch.Request{Text: "note", Room: "INC-1", Speaker: w.Person("ana"), Fields: map[string][]string{"text": {"once"}}, Operation: "op"}
	first, err1 := w.Dispatcher.Run(t.Context(), r)
	again, err2 := w.Dispatcher.Run(t.Context(), r)
	if err1 != nil || err2 != nil || !first.OK || first != again {
		t.Errorf("%+v %v, then %+v %v", first, err1, again, err2)
	}
	if i, err = w.Incidents.Get(t.Context(), "INC-1", w.Person("ana")); err != nil || i.Paperwork.Notes != 1 {
		t.Errorf("%d notes, %v", i.Paperwork.Notes, err)
	}
}

// TestFieldsHostile: the values of a form are text, whatever they look like.
func TestFieldsHostile(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down")
	w.Say("ben", "declare Search is slow")
	for _, text := range []string{
		"--next 5m", "--status resolved and --to nobody", "INC-2 is to blame", "INC-2", "@ben", "/resolve", "resolve", `"quoted"`, `"open`, "“curly”", `a "b" --c="d`,
		"'; DROP TABLE incidents; --", "<script>alert(1)</script>", "<!channel> @everyone *x* `y` [z](javascript:1)", "a\nb\n\n  c", "a  b   c", `\n\x00\u202e`, "{{.}} %s %!d(MISSING) ${HOME}",
		"🏴‍☠️🇩🇪🏳️‍🌈👩‍👩‍👧‍👦 e\u0301", "שלום עולם مرحبا", strings.Repeat("漢", 4000), "into INC-2", "off", "-", "--", "=", "#7",
	} {
		for _, line := range []string{"update", "update INC-1"} {
			reply := w.RunForm(w.Person("ana"), "INC-1", line, map[string][]string{"text": {text}, "next": {"10m"}})
			f, ok := lastFact(t, w, "INC-1").(workflow.UpdatePosted)
			if !reply.OK || reply.Incident != "INC-1" || !ok || f.Text != text || f.Truncated || !f.Next.Equal(w.Clock.Add(10*time.Minute)) || f.Audience != "" {
				t.Errorf("%s with %.60q: %.200q, %.300v", line, text, reply.Text, f)
			}
		}
	}
	for text, want := range map[string]string{
		"a\x00b\x1b[31m": "ab[31m", "\u202eevil\u202c": "evil", "a\r\nb": "a\nb", "\xff\xfex": "x", "\u200b a \t": "a", strings.Repeat("x", 10_000): strings.Repeat("x", 3999) + "…",
	} {
		w.RunForm(w.Person("ana"), "INC-1", "note", map[string][]string{"text": {text}})
		if f, ok := lastFact(t, w, "INC-1").(workflow.NoteAdded); !ok || f.Text != want || f.Truncated != (len(text) > 4000) {
			t.Errorf("%.20q is noted as %.200v", text, f)
		}
	}
	for _, c := range []map[string][]string{{"text\n\u202e": {"a"}}, {strings.Repeat("x", 10_000): {"a"}}, {"": {"a"}}} {
		if reply := w.RunForm(w.Person("ana"), "INC-1", "note", c); reply.OK || len(reply.Text) > 300 || strings.ContainsAny(reply.Text, "\n\u202e") {
			t.Errorf("a strange field: %.400q", reply.Text)
		}
	}
	if i, err := w.LoadUnchecked(t.Context(), "INC-2"); err != nil || i.Paperwork.Updates != 0 || i.Merge.Into != "" || !i.IsOpen() {
		t.Errorf("another incident was changed: %+v %v", i, err)
	}
}

// completedLines returns the lines of completions.
func completedLines(all []commands.Completion) []string {
	var found []string
	for _, c := range all {
		found = append(found, strings.TrimSpace(c.Line))
	}
	return found
}

// TestComplete: a line is completed with people, targets, services and open incidents;
// never with a command above the speaker's access, nor with an incident that they must
// not see.
func TestComplete(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	org := bottest.SampleOrganization()
	org.Services[0].Name, org.Directory.Teams[0].Name = "Checkout and payment", "Everybody"
	if err := w.Configure(org, map[string]bot.Pager{"email": w}); err != nil {
		t.Fatal(err)
	}
	w.Say("ben", "declare Data leak --private --service search")
	w.Say("ben", "declare Checkout is down")
	complete := func(s access.Speaker, room, line string) []string {
		return completedLines(w.Dispatcher.Complete(t.Context(), dispatch.Request{Text: line, Room: room, Speaker: s}))
	}
	ana := w.Person("ana")
	for _, c := range []struct {
		room, line, want string
	}{
		{"", "ac", "ack"},
		{"", "/resol", "/resolve"},
		{"INC-2", "page @b", "page @ben"},
		{"INC-2", "page B", "page @ben"},
		{"INC-2", "page all", "page team:all"},
		{"INC-2", "page every", "page team:all"},
		{"INC-2", "page thr", "page policy:three"},
		{"INC-2", "assign communications @d", "assign communications @dan"},
		{"", "declare x --service pay", "declare x --service checkout"},
		{"", "declare x --service=se", "declare x --service=search"},
		{"", "list --status reso", "list --status resolved"},
		{"", "web revo", "web revoke"},
		{"", "ack ", "ack INC-2"},
		{"", "ack check", "ack INC-2"},
		{"", "merge INC-1 ", "merge INC-1 INC-2"},
	} {
		if got := complete(ana, c.room, c.line); !slices.Contains(got, c.want) {
			t.Errorf("%q in %q: %q, want %q", c.line, c.room, got, c.want)
		}
	}
	for _, nothing := range []string{"note @an", "page nobody-is-called-this", "zzzzzz ", strings.Repeat("x", 100_000), "\x00", "declare --sev 9 x @a"} {
		if got := complete(ana, "INC-2", nothing); len(got) != 0 {
			t.Errorf("%.30q goes on with %q", nothing, got)
		}
	}
	guest := access.Speaker{Name: "Zoe"}
	for _, line := range []string{"", "a", "ac", "e", "p", "/"} {
		for _, got := range complete(guest, "INC-2", line) {
			word, _ := w.Catalog().Find(strings.TrimPrefix(strings.Fields(got)[0], "/"))
			if word.Access > commands.Guest {
				t.Errorf("a guest is offered %q", got)
			}
		}
	}
	for _, s := range []access.Speaker{ana, guest, w.Person("ben")} {
		for _, line := range []string{"show ", "ack ", "ack 1", "ack inc", "merge INC-2 ", "merge INC-2 data", "web ", "link INC-2 ", "show le"} {
			for _, c := range w.Dispatcher.Complete(t.Context(), dispatch.Request{Text: line, Speaker: s}) {
				if s.Person != "ben" && (strings.Contains(c.Line, "INC-1") || strings.Contains(strings.ToLower(c.Label+c.Help), "leak")) {
					t.Errorf("P2: %s is offered %+v", s.Name, c)
				}
			}
		}
	}
}

// TestChoices: each choice of a form is understood by its command.
func TestChoices(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down --service search")
	for kind, line := range map[commands.FieldKind]string{
		commands.Person: "assign INC-1 scribe %s", commands.Target: "page INC-1 %s please", commands.Service: "edit INC-1 --service %s",
	} {
		all := w.Dispatcher.Choices(t.Context(), kind, access.Speaker{})
		if len(all) == 0 {
			t.Errorf("there is no %s to choose", kind)
		}
		for _, c := range all {
			if reply := w.Say("ana", fmt.Sprintf(line, c.Value)); c.Label == "" || !reply.OK && !strings.Contains(reply.Text, "Nothing would change") {
				t.Errorf("%s %q (%q): %+v", kind, c.Value, c.Label, reply)
			}
		}
	}
}

// TestChoicesTargets: each target that can be paged is offered as a choice.
func TestChoicesTargets(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down")
	offered := map[string]bool{}
	for _, c := range w.Dispatcher.Choices(t.Context(), commands.Target, access.Speaker{}) {
		offered[c.Value] = true
	}
	for _, target := range []string{"@ana", "@dan", "team:all", "policy:three", "webhook:noc"} {
		if reply := w.Say("ana", "page INC-1 "+target+" please"); !reply.OK || !offered[target] {
			t.Errorf("%s can be paged: %v, and is offered: %v", target, reply.OK, offered[target])
		}
	}
}
