package commands_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/commands"
	"tocsin/workflow"
)

// fullContext returns a context that lists people, services and open incidents.
func fullContext(room string) commands.Context {
	ctx := testContext(room)
	people := []commands.Choice{{Value: "@ana", Label: "Ana López"}, {Value: "@ben", Label: "Ben"}}
	ctx.Choices = func(kind commands.FieldKind) []commands.Choice {
		switch kind {
		case commands.Person:
			return people
		case commands.Target:
			return append(slices.Clone(people), commands.Choice{Value: "team:db", Label: "Databases"})
		case commands.Service:
			return []commands.Choice{{Value: "checkout", Label: "Checkout"}, {Value: "web shop"}, {Value: `un "sayable`}}
		case commands.Incident:
			return []commands.Choice{{Value: "INC-12", Label: "INC-12 Checkout is down"}, {Value: "INC-1", Label: "INC-1 Slow"}}
		case commands.Line, commands.Text, commands.Choose, commands.Duration, commands.Check:
			return nil
		}
		return nil
	}
	return ctx
}

func TestComplete(t *testing.T) {
	for _, c := range []struct {
		line string
		room string
		want []string
	}{
		// The word.
		{line: "re", want: []string{"resolve ", "reopen ", "retry "}},
		{line: "Show", want: []string{"show "}},
		{line: "un", room: "INC-3", want: []string{"unack"}},
		{line: "ack", room: "INC-3", want: []string{"ack"}},
		{line: "/ac", want: []string{"/ack "}},
		{line: " /Incident  re", want: []string{" /Incident  resolve ", " /Incident  reopen ", " /Incident  retry "}},
		{line: "/inc /un", want: []string{"/inc /unack "}},
		{line: "incident ti", want: []string{"incident timeline ", "incident timers "}},
		{line: "declrae", want: []string{"declare "}},
		{line: "frobnicate"},
		{line: "frobnicate "},

		// The incident.
		{line: "ack ", want: []string{"ack INC-12", "ack INC-1"}},
		{line: "ack inc1", want: []string{"ack INC-1"}},
		{line: "ack INC-1", want: []string{"ack INC-1", "ack INC-12"}},
		{line: "ack #12", want: []string{"ack INC-12"}},
		{line: "/ack check", want: []string{"/ack INC-12"}},
		{line: "note slo", want: []string{"note INC-1 "}},
		{line: "ack ", room: "INC-3"},
		{line: "ack INC-1 "},
		{line: "ack now "},
		{line: "merge ", want: []string{"merge INC-12 ", "merge INC-1 "}},
		{line: "merge INC-1 ", want: []string{"merge INC-1 INC-12"}},
		{line: "merge INC-1 into ", want: []string{"merge INC-1 into INC-12"}},
		{line: "merge ", room: "INC-1", want: []string{"merge INC-12"}},
		{line: "merge INC-1 INC-12 "},

		// What it takes in order.
		{line: "status INC-1 ", want: []string{
			"status INC-1 triage", "status INC-1 investigating", "status INC-1 identified", "status INC-1 monitoring", "status INC-1 resolved",
		}},
		{line: "status mo", room: "INC-3", want: []string{"status monitoring"}},
		{line: "status monitoring ", room: "INC-3"},
		{line: "severity sev2", room: "INC-3", want: []string{"severity 2 "}},
		{line: "private ", room: "INC-3", want: []string{"private on", "private off"}},
		{line: "private every", room: "INC-3", want: []string{"private off"}},
		{line: "assign com", room: "INC-3", want: []string{"assign commander ", "assign communications "}},
		{line: "assign commander ", room: "INC-3", want: []string{"assign commander @ana", "assign commander @ben"}},
		{line: "assign commander lóp", room: "INC-3", want: []string{"assign commander @ana"}},
		{line: "assign @ana sc", room: "INC-3", want: []string{"assign @ana scribe"}},
		{line: "page ", room: "INC-3", want: []string{"page @ana ", "page @ben ", "page team:db "}},
		{line: "page d", room: "INC-3", want: []string{"page team:db "}},
		{line: "page @ana ", room: "INC-3", want: []string{"page @ana @ben ", "page @ana team:db "}},
		{line: "page @ana come ", room: "INC-3"},
		{line: "page @ana come @b", room: "INC-3"},
		{line: "invite @ana b", room: "INC-3", want: []string{"invite @ana @ben "}},
		{line: "verify 1 ", room: "INC-3", want: []string{"verify 1 passed", "verify 1 failed"}},
		{line: "help de", want: []string{"help declare"}},
		{line: "policy ", want: []string{"policy apply "}},
		{line: "policy ap", room: "INC-3", want: []string{"policy apply"}},
		{line: "policy apply ", want: []string{"policy apply INC-12", "policy apply INC-1"}},
		{line: "policy apply check", want: []string{"policy apply INC-12"}},
		{line: "policy apply --", want: []string{"policy apply --all"}},
		{line: "policy INC-1 "},
		{line: "web ", want: []string{"web INC-12 ", "web INC-1 ", "web sessions ", "web revoke "}},
		{line: "web ", room: "INC-3", want: []string{"web sessions ", "web revoke "}},
		{line: "web revoke "},

		// Free text.
		{line: "note INC-1 "},
		{line: "note INC-1 res"},
		{line: `note INC-1 "--pi`},
		{line: "declare Checkout re"},
		{line: "task INC-1 done "},
		{line: "link INC-1 INC-"},

		// Options.
		{line: "update INC-1 Better now --", want: []string{
			"update INC-1 Better now --next ", "update INC-1 Better now --status ",
		}},
		{line: "update INC-1 --next 5m x --", want: []string{"update INC-1 --next 5m x --status "}},
		{line: "update INC-1 --", want: []string{"update INC-1 --next ", "update INC-1 --status ", "update INC-1 --to "}},
		{line: "update INC-1 Better now —Ne", want: []string{"update INC-1 Better now --next "}},
		{line: "note INC-1 x --p", want: []string{"note INC-1 x --pin "}},
		{line: "ack --", room: "INC-3", want: []string{"ack --seen "}},
		{line: "ack -- ", room: "INC-3"},
		{line: "close INC-1 ", want: []string{"close INC-1 --reason "}},
		{line: "close INC-1 --f", want: []string{"close INC-1 --force "}},
		{line: "update INC-1 x --next ", want: []string{
			"update INC-1 x --next 15m ", "update INC-1 x --next 30m ", "update INC-1 x --next 1h ", "update INC-1 x --next 4h ",
		}},
		{line: "update INC-1 x --next=3", want: []string{"update INC-1 x --next=30m "}},
		{line: "update INC-1 x --status=Mo", want: []string{"update INC-1 x --status=monitoring "}},
		{line: `list --status "clo`, want: []string{"list --status closed "}},
		{line: "update INC-1 --next 5m x --next "},
		{line: "update INC-1 x --next 5m --next="},
		{line: "update INC-1 x --pin="},
		{line: "update INC-1 x --to "},
		{line: "declare X --service ", want: []string{"declare X --service checkout ", `declare X --service "web shop" `}},
		{line: "declare X --service checkout --service ", want: []string{`declare X --service checkout --service "web shop" `}},
		{line: `declare X --service "web s`, want: []string{`declare X --service "web shop" `}},
		{line: `declare X --service "web shop"`, want: []string{`declare X --service "web shop" `}},
		{line: `declare X --service="web s`, want: []string{`declare X --service="web shop" `}},
		{line: "task Call --for a", room: "INC-3", want: []string{"task Call --for @ana "}},

		// After a mistake.
		{line: "ack INC-1 --sen 3 "},
		{line: "close it --"},
		{line: "status monitoring now --"},
	} {
		var got []string
		for _, found := range commands.New().Complete(c.line, fullContext(c.room), commands.Admin.CanUse) {
			got = append(got, found.Line)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%q in %q:\n%s", c.line, c.room, diff)
		}
	}
}

// TestCompletions: a completion has a label and an explanation, there are at most 25, and
// none is of a command that the access may not use.
func TestCompletions(t *testing.T) {
	catalog := commands.New()
	for line, want := range map[string]commands.Completion{
		"dec":                  {Line: "declare ", Label: "declare TITLE", Help: "Open an incident and page the people responsible."},
		"ack inc1":             {Line: "ack INC-1", Label: "INC-1 Slow", Help: "Incident"},
		"declare X --se":       {Line: "declare X --sev ", Label: "--sev 1-5", Help: "severity, 1 is the worst; without it, SEV3"},
		"declare X --sev 1":    {Line: "declare X --sev 1 ", Label: "SEV1 (worst)", Help: "Severity"},
		"update INC-1 --next ": {Line: "update INC-1 --next 15m ", Label: "15m", Help: "Next update in"},
	} {
		if got := catalog.Complete(line, fullContext(""), commands.Admin.CanUse); len(got) == 0 || got[0] != want {
			t.Errorf("%q: got %+v, want %+v", line, got, want)
		}
	}
	many := fullContext("")
	many.Choices = func(commands.FieldKind) []commands.Choice {
		var all []commands.Choice
		for n := range 1000 {
			all = append(all, commands.Choice{Value: workflow.ID(n + 1)})
		}
		return all
	}
	if got := catalog.Complete("show 7", many, commands.Guest.CanUse); len(got) != 25 || got[0].Line != "show INC-7" {
		t.Errorf("got %d, first %+v", len(got), got)
	}
	for access := commands.Guest; access <= commands.Admin; access++ {
		for _, spec := range catalog {
			got := catalog.Complete(spec.Name, fullContext(""), access.CanUse)
			if offered := len(got) > 0 && got[0].Line == spec.Name+" " || len(got) > 0 && got[0].Line == spec.Name; offered != (spec.Access <= access) {
				t.Errorf("%s for a %s: %+v", spec.Name, access, got)
			}
			if after := catalog.Complete(spec.Name+" --", fullContext(""), access.CanUse); spec.Access > access && len(after) > 0 {
				t.Errorf("%s for a %s: %+v", spec.Name, access, after)
			}
		}
	}
	if got := catalog.Complete("help ", fullContext(""), commands.Guest.CanUse); slices.ContainsFunc(got, func(c commands.Completion) bool { return c.Line == "help ack" }) {
		t.Errorf("a guest gets a completion for help about a command that they may not use: %+v", got)
	}
	if got := catalog.Complete("page @", testContext("INC-3"), commands.Admin.CanUse); len(got) > 0 {
		t.Errorf("completions although the context lists nothing: %+v", got)
	}
}

// completeStable completes a line and checks what holds for every line: there are at most
// 25 completions, and each one is offered again after it was chosen.
func completeStable(t interface{ Fatalf(string, ...any) }, line string, ctx commands.Context) []commands.Completion {
	catalog := commands.New()
	all := catalog.Complete(line, ctx, commands.Admin.CanUse)
	if len(all) > 25 {
		t.Fatalf("%q has %d completions", line, len(all))
	}
	for _, c := range all {
		typed := strings.TrimRight(c.Line, " ")
		if again := catalog.Complete(typed, ctx, commands.Admin.CanUse); !slices.Contains(again, c) {
			t.Fatalf("%q is completed to %q, which then has only %+v", line, c.Line, again)
		}
	}
	return all
}

// TestCompleteAll builds lines by choosing completions at random, and types a word where
// there are none. A line to which nothing can be added must parse.
func TestCompleteAll(t *testing.T) {
	catalog := commands.New()
	rapid.Check(t, func(r *rapid.T) {
		ctx := fullContext(rapid.SampledFrom([]string{"", "INC-3"}).Draw(r, "room"))
		ctx.Target = func(h string) (workflow.Target, bool) { return workflow.Target(h), true }
		line := ""
		for range rapid.IntRange(1, 12).Draw(r, "steps") {
			all := completeStable(r, line+rapid.SampledFrom([]string{"", "--", "a", "/"}).Draw(r, "typed"), ctx)
			if len(all) == 0 {
				all = completeStable(r, line, ctx)
			}
			switch {
			case len(all) > 0:
				line = rapid.SampledFrom(all).Draw(r, "chosen").Line
			case strings.HasSuffix(line, " "):
				line += "1 "
			}
			_, err := catalog.Parse(line, ctx)
			if err != nil && !strings.HasSuffix(line, " ") && !strings.Contains(err.Error(), "impact and urgency, not both") {
				r.Fatalf("nothing can be added to %q, but: %v", line, err)
			}
		}
	})
}

func FuzzComplete(f *testing.F) {
	for _, spec := range commands.New() {
		f.Add(spec.Example, "")
		f.Add(spec.Name+" ", "INC-3")
	}
	f.Add(`declare X --service="web s`, "")
	f.Add(`page "@a`, "INC-1")
	f.Add("“", "")
	f.Add("merge INC-1 into ", "")
	f.Fuzz(func(t *testing.T, line, room string) { completeStable(t, line, fullContext(room)) })
}
