package commands_test

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/commands"
	"tocsin/workflow"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// testContext returns a context in which Cleo types into a room, and Ana and Ben exist.
func testContext(room string) commands.Context {
	people := map[string]string{"@ana": "ana", "ana": "ana", "@ben": "ben"}
	return commands.Context{
		Room: room, Now: time.Date(2026, 3, 2, 3, 12, 0, 0, time.UTC), Zone: time.FixedZone("CET", 3600),
		Speaker: workflow.Reporter{Person: "cleo", Name: "Cleo"},
		Person: func(h string) (string, string, bool) {
			id, ok := people[h]
			return id, strings.ToUpper(id), ok
		},
		Target: func(h string) (workflow.Target, bool) {
			if id, ok := people[h]; ok {
				return workflow.Target("person:" + id), true
			}
			return workflow.Target(h), strings.HasPrefix(h, "team:")
		},
		Service: func(s string) (string, bool) { return "checkout", s == "Checkout" },
	}
}

func TestParse(t *testing.T) {
	me := workflow.Reporter{Person: "cleo", Name: "Cleo"}
	declare := func(d workflow.Declare) workflow.Declare {
		d.Kind, d.Reporter = workflow.Real, me
		if d.Source == "" {
			d.Source = workflow.SourcePerson
		}
		return d
	}
	for _, c := range []struct {
		line     string
		room     string
		incident string
		want     workflow.Command
	}{
		{line: "policy apply INC-7", incident: "INC-7", want: workflow.ApplyPolicy{}},
		{line: "/policy Apply #7", incident: "INC-7", want: workflow.ApplyPolicy{}},
		{line: "policy apply 7", incident: "INC-7", want: workflow.ApplyPolicy{}},
		{line: "policy apply", room: "INC-3", incident: "INC-3", want: workflow.ApplyPolicy{}},
		{line: "policy apply --all", room: "INC-3", want: workflow.ApplyPolicy{}},
		{line: "declare Checkout is down", want: declare(workflow.Declare{Title: "Checkout is down"})},
		{line: `/incident declare "Checkout is down" --sev 2 --service Checkout,db`, want: declare(workflow.Declare{
			Title: "Checkout is down", Severity: workflow.SEV2, Services: []string{"checkout", "db"},
		})},
		{line: `declare It's "really" down --description="two words" --symptom a --symptom "b c" --private`, want: declare(workflow.Declare{
			Title: `It's "really" down`, Description: "two words", Symptoms: []string{"a", "b c"}, Private: true,
		})},
		{line: "declare Slow --impact high --urgency l --detected 02:55 --proactive", want: declare(workflow.Declare{
			Title: "Slow", Impact: workflow.High, Urgency: workflow.Low, Source: workflow.SourceProactive,
			Detected: time.Date(2026, 3, 2, 1, 55, 0, 0, time.UTC), // 02:55 where the speaker is
		})},
		{line: "ack INC-12", incident: "INC-12", want: workflow.Acknowledge{}},
		{line: "ACK inc-12 --seen 12", incident: "INC-12", want: workflow.Acknowledge{Seen: 12}},
		{line: "ack 12", incident: "INC-12", want: workflow.Acknowledge{}},
		{line: "ack #12", incident: "INC-12", want: workflow.Acknowledge{}},
		{line: "ack inc12", incident: "INC-12", want: workflow.Acknowledge{}},
		{line: "assign INC-7 lead @ana", incident: "INC-7", want: workflow.Assign{Role: "commander", Person: "ana", Name: "ANA"}},
		{line: "ack", room: "INC-3", incident: "INC-3", want: workflow.Acknowledge{}},
		{line: "ack INC-4", room: "INC-3", incident: "INC-4", want: workflow.Acknowledge{}},
		{line: "update INC-7 We found --the cause --next 1h30m", incident: "INC-7", want: workflow.PostUpdate{
			Text: "We found --the cause", Next: 90 * time.Minute,
		}},
		{line: "update “Curly quotes” --status monitoring", room: "INC-1", incident: "INC-1", want: workflow.PostUpdate{
			Text: "Curly quotes", Status: workflow.Monitoring,
		}},
		{line: "status identified", room: "INC-1", incident: "INC-1", want: workflow.SetStatus{To: workflow.Identified}},
		{line: "severity INC-1 sev2 --reason worse", incident: "INC-1", want: workflow.SetSeverity{Severity: workflow.SEV2, Reason: "worse"}},
		{line: "merge INC-8 INC-7", incident: "INC-8", want: workflow.Merge{Into: "INC-7"}},
		{line: "merge INC-8 into INC-7", incident: "INC-8", want: workflow.Merge{Into: "INC-7"}},
		{line: "merge INC-7", room: "INC-8", incident: "INC-8", want: workflow.Merge{Into: "INC-7"}},
		{line: "assign INC-7 communications @ana", incident: "INC-7", want: workflow.Assign{Role: "communications", Person: "ana", Name: "ANA"}},
		{line: "assign @ana scribe", room: "INC-7", incident: "INC-7", want: workflow.Assign{Role: "scribe", Person: "ana", Name: "ANA"}},
		{line: "assign scribe nobody", room: "INC-7", incident: "INC-7", want: workflow.Assign{Role: "scribe"}},
		{line: "lead", room: "INC-7", incident: "INC-7", want: workflow.Assign{Role: "commander", Person: "cleo", Name: "Cleo"}},
		{line: "page @ana team:db please come", room: "INC-7", incident: "INC-7", want: workflow.Page{
			Targets: []workflow.Target{"person:ana", "team:db"}, Text: "please come",
		}},
		{line: "task INC-7 Call the vendor --for @ana", incident: "INC-7", want: workflow.AddActionItem{Text: "Call the vendor", Assignee: "ana"}},
		{line: "task done 2", room: "INC-7", incident: "INC-7", want: workflow.CompleteActionItem{N: 2}},
		{line: "task undo #2", room: "INC-7", incident: "INC-7", want: workflow.CompleteActionItem{N: 2, Undo: true}},
		{line: "followup Alert on expiry", room: "INC-7", incident: "INC-7", want: workflow.AddActionItem{Text: "Alert on expiry", FollowUp: true}},
		{line: `note INC-7: He said "hi" and left`, incident: "INC-7", want: workflow.AddNote{Text: `He said "hi" and left`}},
		{line: "verify 1 ok", room: "INC-7", incident: "INC-7", want: workflow.Verify{N: 1, State: workflow.CheckPassed}},
		{line: `close INC-7 --force --reason "a drill"`, incident: "INC-7", want: workflow.Close{Force: true, Reason: "a drill"}},
		{line: "link INC-7 INC-3", incident: "INC-7", want: workflow.AddLink{Incident: "INC-3"}},
		{line: "link <https://example.com> Dashboard", room: "INC-7", incident: "INC-7", want: workflow.AddLink{URL: "https://example.com", Title: "Dashboard"}},
		{line: "/ack INC-12", incident: "INC-12", want: workflow.Acknowledge{}},
		{line: "/inc /Ack INC-12", incident: "INC-12", want: workflow.Acknowledge{}},
		{line: "note /ack is a word", room: "INC-7", incident: "INC-7", want: workflow.AddNote{Text: "/ack is a word"}},
		{line: "page @ben :fire: urgent: see https://example.com at 12:30", room: "INC-7", incident: "INC-7", want: workflow.Page{
			Targets: []workflow.Target{"person:ben"}, Text: ":fire: urgent: see https://example.com at 12:30",
		}},
		{line: "page @ben urgent: now", room: "INC-7", incident: "INC-7", want: workflow.Page{
			Targets: []workflow.Target{"person:ben"}, Text: "urgent: now",
		}},
		{line: "page @ben 12:30 it began", room: "INC-7", incident: "INC-7", want: workflow.Page{
			Targets: []workflow.Target{"person:ben"}, Text: "12:30 it began",
		}},
		{line: "private off", room: "INC-7", incident: "INC-7", want: workflow.SetVisibility{To: workflow.Public}},
		{line: "invite @ana @ben", room: "INC-7", incident: "INC-7", want: workflow.Invite{People: []string{"ana", "ben"}}},
	} {
		t.Run(c.line, func(t *testing.T) {
			call, err := commands.New().Parse(c.line, testContext(c.room))
			if err != nil {
				t.Fatal(err)
			}
			if call.Incident != c.incident {
				t.Errorf("incident is %q, want %q", call.Incident, c.incident)
			}
			if diff := cmp.Diff(c.want, call.Command); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// TestMistakes: the refusal of a mistake names what would be right, and gives an example.
func TestMistakes(t *testing.T) {
	for line, want := range map[string]string{
		"":                            "`help` lists the commands",
		"declrae Checkout":            "Did you mean `declare`?",
		"acknowledge INC-7":           "Did you mean `ack`?",
		"frobnicate":                  "`help` lists them",
		"declare":                     "An incident needs a title. For example: `declare Checkout is down",
		"declare X --sev 9":           `"9" is not a severity: give 1 (worst) to 5`,
		"declare X --sevv 2":          "Did you mean --sev?",
		"declare X --sev 2 --sev 3":   "--sev is given twice",
		"declare X --sev":             "--sev needs a value",
		"declare X --impact enormous": "--impact is high, medium or low",
		"declare X --detected soon":   "02:55 or 20m",
		"ack":                         "Which incident? `ack` needs one here. Name it, such as `ack INC-7`",
		"ack INC-7 now":               "`ack` does not take \"now\"",
		"ack INC-7 --force":           "`ack` has no option --force. Its options are --seen.",
		"ack INC-7 --seen x":          "--seen takes a number",
		"status INC-7 identifed":      "Did you mean `identified`?",
		"status INC-7 banana":         "The status is one of triage",
		"severity INC-7":              "Which severity?",
		"update INC-7":                "An update needs a text",
		"update INC-7 x --next soon":  "--next takes a time such as 30m",
		"assign INC-7 scribe @zoe":    `There is no one called "@zoe"`,
		"merge INC-7":                 "Merge into which incident?",
		"task INC-7 done x":           `Give its number, not "x"`,
		"verify INC-7 1 maybe":        "The result of a check is passed or failed",
		"/declrae Checkout":           "Did you mean `declare`?",
		"/":                           `There is no command "/"`,
		"/tmp is full":                `There is no command "/tmp". ` + "`help` lists them",
		"page INC-7 @ana tean:db":     `There is no one called "tean:db"`,
		"page INC-7 " + strings.Repeat("@ana ", 11) + "come": "pages at most ten",
		"assign INC-7 @ana @ben":                             "Which role, and who gets it?",
		"link INC-7":                                         "Link what?",
		"web revoke":                                         "Which session?",
		"policy":                                             "`policy` needs the word `apply`",
		"policy INC-7":                                       "`policy` needs the word `apply`",
		"policy apply":                                       "`policy apply INC-7`",
		"policy apply INC-7 --all":                           "not both",
		"policy apply INC-7 now":                             "does not take \"now\"",
		"web sesions":                                        "`web` gives a link",
		"web sessions now":                                   "`web` does not take \"now\"",
		"web revoke all now":                                 "`web` does not take \"now\"",
		"web --all":                                          "it takes no options",
		"help declrae":                                       "",
		"list --status nope":                                 "The status is one of",
		"\x00\x1b[31m":                                       "There is no command",
	} {
		_, err := commands.New().Parse(line, testContext(""))
		refusal, ok := errors.AsType[*workflow.Refusal](err)
		switch {
		case want == "" && err == nil:
		case !ok:
			t.Errorf("%q: got %v, want a refusal", line, err)
		case !strings.Contains(refusal.Error(), want):
			t.Errorf("%q: got %q, want %q", line, refusal.Error(), want)
		case strings.ContainsAny(refusal.Error(), "\x00\x1b"):
			t.Errorf("%q: the refusal contains control characters", line)
		}
	}
}

// TestQueries: lines that only read are parsed to a Query and the incident that it is for.
func TestQueries(t *testing.T) {
	for _, c := range []struct {
		line, room, incident string
		want                 commands.Query
	}{
		{line: "list --sev 1 --status Closed", want: commands.Query{Kind: "list", Severity: workflow.SEV1, Status: "closed", All: true}},
		{line: "show INC-7", room: "INC-3", incident: "INC-7", want: commands.Query{Kind: "show"}},
		{line: "help Declare", want: commands.Query{Kind: "help", Topic: "declare"}},
		{line: "web", want: commands.Query{Kind: "web"}},
		{line: "web", room: "INC-3", incident: "INC-3", want: commands.Query{Kind: "web"}},
		{line: "/web inc-7", room: "INC-3", incident: "INC-7", want: commands.Query{Kind: "web"}},
		{line: "web #7", incident: "INC-7", want: commands.Query{Kind: "web"}},
		{line: "web Sessions", want: commands.Query{Kind: "web", Topic: "sessions"}},
		{line: "web revoke 7xY", room: "INC-3", incident: "INC-3", want: commands.Query{Kind: "web", Topic: "revoke", ID: "7xY"}},
		{line: "web revoke ALL", want: commands.Query{Kind: "web", Topic: "revoke", ID: "all"}},
	} {
		call, err := commands.New().Parse(c.line, testContext(c.room))
		if err != nil || call.Incident != c.incident || cmp.Diff(&c.want, call.Query) != "" {
			t.Errorf("%q in %q: %q %+v %v", c.line, c.room, call.Incident, call.Query, err)
		}
	}
}

// TestAccess: a call needs the access of its command, or more because of a flag.
func TestAccess(t *testing.T) {
	for line, want := range map[string]commands.Access{
		"declare X": commands.Guest, "list": commands.Guest, "ack INC-1": commands.Responder,
		"close INC-1": commands.Responder, "close INC-1 --force": commands.Commander, "cancel INC-1": commands.Commander,
	} {
		call, err := commands.New().Parse(line, testContext(""))
		if err != nil || call.Access != want {
			t.Errorf("%s: %v %v, want %v", line, call.Access, err, want)
		}
	}
}

// TestCatalog: every example parses as its own command, and testdata/help.golden holds
// the help of all commands.
func TestCatalog(t *testing.T) {
	catalog := commands.New()
	ctx := testContext("")
	ctx.Target = func(string) (workflow.Target, bool) { return "person:ben", true }
	var all strings.Builder
	for _, spec := range catalog {
		call, err := catalog.Parse(spec.Example, ctx)
		if err != nil || call.Spec.Name != spec.Name {
			t.Errorf("the example of %s does not parse: %v", spec.Name, err)
		}
		about, e := catalog.Help(spec.Name, commands.Admin.CanUse)
		if e != nil {
			t.Error(e)
		}
		all.WriteString(about + "\n")
	}
	help, err := catalog.Help("", commands.Admin.CanUse)
	if err != nil {
		t.Fatal(err)
	}
	got := help + "\n" + all.String()
	if *update {
		if err = os.WriteFile("testdata/help.golden", []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/help.golden")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
	if guest, _ := catalog.Help("", commands.Guest.CanUse); strings.Contains(guest, "escalate") || !strings.Contains(guest, "declare") {
		t.Errorf("a guest's help:\n%s", guest)
	}
}

func FuzzParse(f *testing.F) {
	for _, spec := range commands.New() {
		f.Add(spec.Example, "")
		f.Add(spec.Example, "INC-3")
	}
	f.Add(`note "unclosed`, "INC-1")
	f.Add("declare --sev=\"2", "")
	f.Add("“”", "")
	catalog := commands.New()
	f.Fuzz(func(t *testing.T, line, room string) {
		call, err := catalog.Parse(line, testContext(room))
		if _, ok := errors.AsType[*workflow.Refusal](err); err != nil && !ok {
			t.Fatalf("%v is not a refusal", err)
		}
		if err == nil && (call.Command == nil) == (call.Query == nil) {
			t.Fatalf("%q is parsed to both or neither of a command and a query", line)
		}
	})
}
