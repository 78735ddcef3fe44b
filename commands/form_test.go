package commands_test

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"tocsin/commands"
	"tocsin/workflow"
)

// fields holds the values of a submitted form.
type fields = map[string][]string

// formContext returns the context of a submitted form.
func formContext(filled fields) commands.Context {
	ctx := testContext("")
	ctx.Fields = filled
	ctx.Target = func(h string) (workflow.Target, bool) {
		if h == "ana" || h == "@ana" {
			return "person:ana", true
		}
		return workflow.Target(h), strings.HasPrefix(h, "policy:") || strings.HasPrefix(h, "team:")
	}
	return ctx
}

// TestForms: the value of each field arrives in its place in the command.
func TestForms(t *testing.T) {
	me := workflow.Reporter{Person: "cleo", Name: "Cleo"}
	seen := map[string]bool{}
	for _, c := range []struct {
		line   string
		fields fields
		want   workflow.Command
	}{
		{"declare", fields{
			"title": {"Checkout is down"}, "sev": {"2"}, "service": {"Checkout", "db"}, "description": {"first\nsecond"},
			"private": {"on"}, "symptom": {"slow", "red, and loud"}, "category": {"network"}, "detected": {"20m"}, "drill": {"true"},
			"proactive": {"yes"}, "reporter": {"Zoe"}, "contact": {"555 0100"}, "department": {"Sales"}, "impact": {""}, "urgency": nil,
		}, workflow.Declare{
			Title: "Checkout is down", Severity: workflow.SEV2, Services: []string{"checkout", "db"}, Description: "first\nsecond",
			Private: true, Symptoms: []string{"slow", "red, and loud"}, Category: "network", Kind: workflow.Drill,
			Detected: time.Date(2026, 3, 2, 2, 52, 0, 0, time.UTC), Source: workflow.SourceProactive,
			Reporter: workflow.Reporter{Name: "Zoe", Contact: "555 0100", Department: "Sales"},
		}},
		{"declare", fields{"title": {"Slow"}, "impact": {"high"}, "urgency": {"low"}, "private": {"false"}, "drill": {"Off"}, "proactive": {" "}}, workflow.Declare{
			Title: "Slow", Impact: workflow.High, Urgency: workflow.Low, Kind: workflow.Real, Source: workflow.SourcePerson, Reporter: me,
		}},
		{"status INC-7", fields{"status": {"monitoring"}}, workflow.SetStatus{To: workflow.Monitoring}},
		{"severity INC-7", fields{"sev": {"1"}, "reason": {"it spreads"}}, workflow.SetSeverity{Severity: workflow.SEV1, Reason: "it spreads"}},
		{"severity INC-7", fields{"impact": {"high"}, "urgency": {"medium"}}, workflow.SetSeverity{Impact: workflow.High, Urgency: workflow.Medium}},
		{"update INC-7", fields{"text": {"INC-9 --next 3h"}, "next": {"30m"}, "status": {"identified"}, "to": {"support"}}, workflow.PostUpdate{
			Text: "INC-9 --next 3h", Next: 30 * time.Minute, Status: workflow.Identified, Audience: "support",
		}},
		{"escalate INC-7 --seen 12", fields{"why": {"no access"}}, workflow.Escalate{Seen: 12, Reason: "no access"}},
		{"resolve INC-7", fields{"how": {`Rolled "back"`}}, workflow.Resolve{Text: `Rolled "back"`}},
		{"reopen INC-7", fields{"why": {"again"}}, workflow.Reopen{Reason: "again"}},
		{"cancel INC-7", fields{"why": {"a test"}}, workflow.Cancel{Reason: "a test"}},
		{"merge INC-7", fields{"into": {"INC-3"}}, workflow.Merge{Into: "INC-3"}},
		{"merge INC-7", fields{"into": {"#3"}}, workflow.Merge{Into: "INC-3"}},
		{"assign INC-7", fields{"role": {"scribe"}, "person": {"ana"}}, workflow.Assign{Role: "scribe", Person: "ana", Name: "ANA"}},
		{"assign INC-7", fields{"role": {"scribe"}, "person": {"Nobody"}}, workflow.Assign{Role: "scribe"}},
		{"assign INC-7", fields{"role": {"scribe"}, "person": {""}}, workflow.Assign{Role: "scribe"}},
		{"assign INC-7 scribe", fields{"person": {"@ana"}}, workflow.Assign{Role: "scribe", Person: "ana", Name: "ANA"}},
		{"assign INC-7 scribe", fields{"person": nil}, workflow.Assign{Role: "scribe"}},
		{"page INC-7", fields{"who": {"ana", "policy:payments"}, "why": {"@ben said --so"}}, workflow.Page{
			Targets: []workflow.Target{"person:ana", "policy:payments"}, Text: "@ben said --so",
		}},
		{"page INC-7 please come", fields{"who": {"@ana"}}, workflow.Page{Targets: []workflow.Target{"person:ana"}, Text: "please come"}},
		{"page INC-7 @ana", fields{"who": {"team:db"}}, workflow.Page{Targets: []workflow.Target{"team:db", "person:ana"}}},
		{"invite INC-7", fields{"person": {"@ana", "@ben"}}, workflow.Invite{People: []string{"ana", "ben"}}},
		{"private INC-7", fields{"private": {"off"}}, workflow.SetVisibility{To: workflow.Public}},
		{"private INC-7", fields{"private": {""}}, workflow.SetVisibility{To: workflow.Private}},
		{"note INC-7", fields{"text": {"INC-8"}, "pin": {"1"}}, workflow.AddNote{Text: "INC-8", Pin: true}},
		{"note INC-7 typed", fields{"text": {"and  filled in"}}, workflow.AddNote{Text: "typed and  filled in"}},
		{"task INC-7", fields{"text": {"done 2"}, "for": {"@ana"}}, workflow.AddActionItem{Text: "done 2", Assignee: "ana"}},
		{"followup INC-7", fields{"text": {"done"}, "for": {"@ben"}}, workflow.AddActionItem{Text: "done", Assignee: "ben", FollowUp: true}},
		{"cause INC-7", fields{"text": {"DNS"}}, workflow.SetCause{Text: "DNS"}},
		{"link INC-7", fields{"target": {"https://example.com/?q=a b"}, "title": {"A board"}}, workflow.AddLink{URL: "https://example.com/?q=a b", Title: "A board"}},
		{"link INC-7", fields{"target": {"inc3"}, "title": nil}, workflow.AddLink{Incident: "INC-3"}},
		{"edit INC-7", fields{
			"title": {"Payments fail"}, "description": {"all of them"}, "category": {"software"}, "service": {"Checkout"}, "symptom": {"red", "slow"},
		}, workflow.SetDetails{
			Title: "Payments fail", Description: "all of them", Category: "software",
			AddServices: []string{"checkout"}, AddSymptoms: []string{"red", "slow"},
		}},
		{"verify INC-7", fields{"number": {"2"}, "outcome": {"failed"}}, workflow.Verify{N: 2, State: workflow.CheckFailed}},
		{"close INC-7", fields{"force": {"on"}, "reason": {"a drill"}}, workflow.Close{Force: true, Reason: "a drill"}},
		{"update INC-7 --to sales typed --next 1h", fields{"next": {"2h"}, "text": nil}, workflow.PostUpdate{Text: "typed", Next: 2 * time.Hour, Audience: "sales"}},
		{"declare Slow --service a", fields{"service": {"b"}}, workflow.Declare{
			Title: "Slow", Services: []string{"a", "b"}, Kind: workflow.Real, Source: workflow.SourcePerson, Reporter: me,
		}},
	} {
		call, err := commands.New().Parse(c.line, formContext(c.fields))
		if err != nil {
			t.Errorf("%s %v: %v", c.line, c.fields, err)
			continue
		}
		if diff := cmp.Diff(c.want, call.Command); diff != "" {
			t.Errorf("%s %v:\n%s", c.line, c.fields, diff)
		}
		if want := map[bool]string{false: "INC-7"}[call.Spec.Name == "declare"]; call.Incident != want {
			t.Errorf("%s is about %q", c.line, call.Incident)
		}
		for name := range c.fields {
			seen[call.Spec.Name+" "+name] = true
		}
	}
	for _, spec := range commands.New() {
		for _, f := range spec.Form {
			if !seen[spec.Name+" "+f.Name] {
				t.Errorf("the field %q of %s is not in this table", f.Name, spec.Name)
			}
		}
	}
}

// TestFormMistakes: missing and wrong values are refused as in a typed line.
func TestFormMistakes(t *testing.T) {
	for _, c := range []struct {
		line   string
		fields fields
		want   string
	}{
		{"declare", fields{"title": {" \n"}}, "An incident needs a title"},
		{"declare", fields{"title": {"X"}, "sev": {"9"}}, `"9" is not a severity`},
		{"declare", fields{"title": {"X"}, "sev": {"2", "3"}}, `"Severity" takes one value`},
		{"declare", fields{"titel": {""}}, "The form of `declare` has no field \"titel\". For example"},
		{"ack INC-7", fields{"seen": {"3"}}, "has no field \"seen\""},
		{"escalate INC-7", fields{"seen": {"3"}}, "has no field \"seen\""},
		{"update", fields{"text": {"INC-7"}}, "Which incident?"},
		{"update INC-7", fields{"text": {"x"}, "next": {"soon"}}, "--next takes a time"},
		{"status INC-7 identified", fields{"status": {"monitoring"}}, "does not take \"identified\""},
		{"status INC-7", fields{"status": {"monitring"}}, "Did you mean `monitoring`?"},
		{"severity INC-7", fields{"sev": {"1"}, "impact": {"high"}}, "not both"},
		{"merge INC-7", fields{"into": {"that one"}}, `"that one" is not an incident`},
		{"merge INC-7 INC-8", fields{"into": {"INC-9"}}, "does not take \"INC-8\""},
		{"merge", fields{"into": {"INC-9"}}, "Which incident?"},
		{"assign INC-7", fields{"role": nil, "person": {"ana"}}, "Which role, and who gets it?"},
		{"assign INC-7", fields{"role": {"scribe"}, "person": {"@zoe"}}, `There is no one called "@zoe"`},
		{"assign INC-7 scribe", nil, "Which role, and who gets it?"},
		{"page INC-7", fields{"who": {"somebody else"}, "why": {"x"}}, `There is no one called "somebody else"`},
		{"page INC-7", fields{"who": slices.Repeat([]string{"@ana"}, 11)}, "pages at most ten"},
		{"page INC-7", fields{"why": {"@ana"}}, "Name who should be paged."},
		{"link INC-7", fields{"title": {""}}, "Link what?"},
		{"verify INC-7", fields{"number": {"one"}, "outcome": {"passed"}}, `Give its number, not "one"`},
		{"verify INC-7", fields{"number": {"1"}}, "The result of a check is passed or failed"},
	} {
		_, err := commands.New().Parse(c.line, formContext(c.fields))
		if refusal, ok := errors.AsType[*workflow.Refusal](err); !ok || !strings.Contains(refusal.Error(), c.want) {
			t.Errorf("%s %v: got %v, want %q", c.line, c.fields, err, c.want)
		}
	}
}

// sample returns a valid value of a field.
func sample(f commands.Field) string {
	if f.Name == "number" {
		return "1"
	}
	if f.Name == "detected" {
		return "20m"
	}
	return map[commands.FieldKind]string{
		commands.Line: "something", commands.Text: "something\nmore", commands.Person: "@ana", commands.Target: "team:db",
		commands.Service: "checkout", commands.Incident: "INC-3", commands.Duration: "45m", commands.Check: "on",
	}[f.Kind]
}

// TestFormsMatchCommands: a field with the name of a flag fits that flag, every flag that
// people use has a field, a form with its required fields alone parses, and so does each
// choice.
func TestFormsMatchCommands(t *testing.T) {
	catalog := commands.New()
	for _, spec := range catalog {
		options := map[string]commands.Flag{}
		for _, f := range spec.Flags {
			options[f.Name] = f
		}
		delete(options, "seen") // buttons fill it in
		if spec.Name == "policy" {
			delete(options, "all") // a form is for one incident
		}
		query := spec.Section == "Look up"
		if asks := len(options) > 0 || strings.TrimSpace(strings.TrimPrefix(strings.TrimPrefix(spec.Args, "apply "), "[INC-n]")) != ""; !query && asks != (len(spec.Form) > 0) {
			t.Errorf("%s %s has options %v and the form %v", spec.Name, spec.Args, options, spec.Form)
		}
		if query {
			continue
		}
		line := spec.Name
		if spec.Name != "declare" {
			line += " INC-7"
		}
		parse := func(filled fields) error {
			_, err := catalog.Parse(line, formContext(filled))
			return err
		}
		required := fields{}
		for _, f := range spec.Form {
			if flag, ok := options[f.Name]; ok && (f.Many != flag.Many || (f.Kind == commands.Check) != (flag.Arg == "")) {
				t.Errorf("%s: the field %v does not fit the flag %v", spec.Name, f, flag)
			} else if !ok && f.Kind == commands.Check {
				t.Errorf("%s: the switch %q is not a flag", spec.Name, f.Name)
			}
			delete(options, f.Name)
			switch {
			case f.Kind == commands.Choose && f.Required:
				required[f.Name] = []string{f.Choices[0].Value}
			case f.Required:
				required[f.Name] = []string{sample(f)}
			}
		}
		if len(options) > 0 {
			t.Errorf("%s: no field for %v", spec.Name, options)
		}
		for _, f := range spec.Form {
			with := func(values ...string) fields {
				filled := maps.Clone(required)
				filled[f.Name] = values
				return filled
			}
			if err := parse(with()); (err != nil) != f.Required && spec.Name != "severity" { // which wants one of three
				t.Errorf("%s without %q: %v", spec.Name, f.Name, err)
			}
			if (f.Kind == commands.Choose) != (len(f.Choices) > 0) {
				t.Errorf("%s: %q has the choices %v", spec.Name, f.Name, f.Choices)
			}
			values := []string{sample(f)}
			if f.Kind == commands.Choose {
				values = nil
			}
			for _, c := range f.Choices {
				values = append(values, c.Value)
			}
			for _, v := range values {
				if err := parse(with(v)); err != nil && (spec.Name != "severity" || f.Name != "reason") {
					t.Errorf("%s with %s=%q: %v", spec.Name, f.Name, v, err)
				}
			}
		}
	}
}

// TestFormsCanBeShown: every form fits the limits of the chat platforms. In Discord a
// label has at most 45 characters, a hint 100, and a list 25 choices; in Slack a choice has
// at most 75 characters. (The limits are from the API references of Discord and Slack.)
func TestFormsCanBeShown(t *testing.T) {
	for _, spec := range commands.New() {
		names := map[string]bool{}
		for _, f := range spec.Form {
			if f.Name == "" || f.Label == "" || names[f.Name] || utf8.RuneCountInString(f.Label) > 45 || utf8.RuneCountInString(f.Hint) > 100 || len(f.Choices) > 25 {
				t.Errorf("%s: %+v cannot be shown", spec.Name, f)
			}
			names[f.Name] = true
			for _, c := range f.Choices {
				if c.Value == "" || c.Label == "" || utf8.RuneCountInString(c.Label) > 75 {
					t.Errorf("%s: %+v of %q cannot be shown", spec.Name, c, f.Name)
				}
			}
		}
	}
}

// TestTextsArriveUnchanged: a text of a form arrives unchanged, even if it looks like a
// flag, a quoted text, an incident or a target.
func TestTextsArriveUnchanged(t *testing.T) {
	texts := map[string]func(workflow.Command) string{
		"declare title":       func(c workflow.Command) string { return c.(workflow.Declare).Title },
		"declare description": func(c workflow.Command) string { return c.(workflow.Declare).Description },
		"declare symptom":     func(c workflow.Command) string { return c.(workflow.Declare).Symptoms[0] },
		"severity reason":     func(c workflow.Command) string { return c.(workflow.SetSeverity).Reason },
		"update text":         func(c workflow.Command) string { return c.(workflow.PostUpdate).Text },
		"update to":           func(c workflow.Command) string { return c.(workflow.PostUpdate).Audience },
		"escalate why":        func(c workflow.Command) string { return c.(workflow.Escalate).Reason },
		"resolve how":         func(c workflow.Command) string { return c.(workflow.Resolve).Text },
		"reopen why":          func(c workflow.Command) string { return c.(workflow.Reopen).Reason },
		"cancel why":          func(c workflow.Command) string { return c.(workflow.Cancel).Reason },
		"page why":            func(c workflow.Command) string { return c.(workflow.Page).Text },
		"note text":           func(c workflow.Command) string { return c.(workflow.AddNote).Text },
		"task text":           func(c workflow.Command) string { return c.(workflow.AddActionItem).Text },
		"followup text":       func(c workflow.Command) string { return c.(workflow.AddActionItem).Text },
		"cause text":          func(c workflow.Command) string { return c.(workflow.SetCause).Text },
		"link title":          func(c workflow.Command) string { return c.(workflow.AddLink).Title },
		"edit title":          func(c workflow.Command) string { return c.(workflow.SetDetails).Title },
		"edit description":    func(c workflow.Command) string { return c.(workflow.SetDetails).Description },
		"close reason":        func(c workflow.Command) string { return c.(workflow.Close).Reason },
	}
	catalog := commands.New()
	check := func(t interface{ Fatalf(string, ...any) }, place, text string) {
		word, name, _ := strings.Cut(place, " ")
		spec, _ := catalog.Find(word)
		filled := fields{}
		for _, f := range spec.Form {
			if f.Kind == commands.Choose && f.Required {
				filled[f.Name] = []string{f.Choices[0].Value}
			} else if f.Required {
				filled[f.Name] = []string{sample(f)}
			}
		}
		if word == "severity" {
			filled["sev"] = []string{"1"}
		}
		filled[name] = []string{text}
		line := map[bool]string{false: word + " INC-7", true: word}[word == "declare"]
		call, err := catalog.Parse(line, formContext(filled))
		if err != nil {
			t.Fatalf("%s with %q: %v", place, text, err)
		}
		want := strings.TrimSpace(text)
		if n := slices.IndexFunc(spec.Form, func(f commands.Field) bool { return f.Name == name }); spec.Form[n].Kind == commands.Text {
			want = workflow.TrimText(text)
		}
		if got := texts[place](call.Command); got != want {
			t.Fatalf("%s: %q arrived as %q", place, text, got)
		}
	}
	for _, place := range slices.Sorted(maps.Keys(texts)) {
		for _, text := range []string{
			`"`, `"quoted"`, `“curly`, `it's "half`, "--next 3h", "--sev=1", "INC-9", "#3", "done 2", "@ana", "a\nb\r\n c", "\n  A  B\n  1\t2\n", "<script>", "into",
			"\x00\x1b[31m", "\xff\xfe", "$(reboot)", strings.Repeat(`long "text" `, 1000),
		} {
			check(t, place, text)
		}
	}
	rapid.Check(t, func(r *rapid.T) {
		place := rapid.SampledFrom(slices.Sorted(maps.Keys(texts))).Draw(r, "place")
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[-"“”@#:=IiNnCc0-9 \n]{1,20}`)).Draw(r, "text")
		if strings.TrimSpace(text) != "" {
			check(r, place, text)
		}
	})
}

func FuzzForm(f *testing.F) {
	f.Add("declare X --sev 2", "service", "a,b", "title")
	f.Add("merge INC-1", "into", "INC-2", "")
	f.Add("page INC-7 @ana", "who", "team:db", "why")
	f.Add("task INC-7 done", "text", "2", "for")
	catalog := commands.New()
	f.Fuzz(func(t *testing.T, line, name, value, other string) {
		ctx := formContext(fields{name: {value, ""}, other: {value}})
		call, err := catalog.Parse(line, ctx)
		if _, ok := errors.AsType[*workflow.Refusal](err); err != nil && !ok {
			t.Fatalf("%v is not a refusal", err)
		}
		if err == nil && (call.Command == nil) == (call.Query == nil) {
			t.Fatalf("%q is parsed to both or neither of a command and a query", line)
		}
	})
}
