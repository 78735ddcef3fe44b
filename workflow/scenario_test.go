package workflow_test

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	. "tocsin/workflow"
)

var update = flag.Bool("update", false, "rewrite what the scenario files expect")

// TestScenarios runs testdata/*.txt. A line at the margin sets something up or is an
// input; the indented lines below it are the events, the effects and the state that
// follow. The files document the rules: each names those that it shows. With -update the
// indented lines are rewritten.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			got := runScenario(t, string(raw))
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(strings.Split(string(raw), "\n"), strings.Split(got, "\n")); diff != "" {
				t.Errorf("%s (-expected +got):\n%s", file, diff)
			}
		})
	}
}

// scenario is the state of one file while it is played.
type scenario struct {
	t       *testing.T
	i       Incident
	events  []Event
	actions []Action
	now     time.Time
	plan    Plan
	kept    *Plan // the plan of the incident, when the configuration was edited since
	answers map[Target]Answer
	cursors map[string]int
	others  map[string]OtherIncident
	rooms   []Platform
	builtin []Room // rooms that exist without being opened
	firing  string // the incident whose alerts fire, whatever the count says
	out     strings.Builder
}

var epoch = time.Date(2026, 3, 2, 0, 0, 0, 0, time.UTC)

func runScenario(t *testing.T, text string) string {
	s := play(t, text)
	return s.out.String()
}

func play(t *testing.T, text string) *scenario {
	s := &scenario{
		t: t, now: epoch, i: Incident{ID: "INC-1", Number: 1},
		answers: map[Target]Answer{}, cursors: map[string]int{},
		others: map[string]OtherIncident{"INC-9": {Status: Investigating}, "INC-8": {Status: Closed}, "INC-5": {Status: Triage, Private: true}},
		plan:   Plan{Severities: map[string]SeverityPlan{}},
	}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "  ") {
			continue // expected before
		}
		s.out.WriteString(line + "\n")
		if line != "" && !strings.HasPrefix(line, "#") {
			s.line(line)
		}
	}
	return s
}

// words splits a line, keeping "quoted text" together, and takes key=value
// words out.
func words(line string) (list []string, keys map[string]string) {
	keys = map[string]string{}
	for line != "" {
		var w string
		if strings.HasPrefix(line, `"`) {
			w, line, _ = strings.Cut(line[1:], `"`)
			list = append(list, w)
		} else {
			w, line, _ = strings.Cut(line, " ")
			if k, v, ok := strings.Cut(w, "="); ok && k != "" {
				keys[k] = v
			} else if w != "" {
				list = append(list, w)
			}
		}
		line = strings.TrimLeft(line, " ")
	}
	return list, keys
}

func (s *scenario) line(line string) {
	list, keys := words(line)
	if s.setup(list, keys) {
		return
	}
	if at, err := time.Parse("15:04:05", list[0]); err == nil {
		next := time.Date(s.now.Year(), s.now.Month(), s.now.Day(), at.Hour(), at.Minute(), at.Second(), 0, time.UTC)
		if next.Before(s.now) {
			next = next.AddDate(0, 0, 1)
		}
		s.now, list = next, list[1:]
	}
	in := Input{At: s.now, By: Actor{Kind: BySystem}, Known: Known{Plan: s.plan, Platforms: s.rooms, Rooms: s.builtin}}
	if who, ok := strings.CutSuffix(list[0], ":"); ok {
		in.By = Actor{Kind: ByPerson, ID: who, Name: strings.ToUpper(who[:1]) + who[1:]}
		list = list[1:]
	}
	if list[0] == "sleep" { // until the next deadline
		if in.At = s.i.WakeAt(); in.At.IsZero() {
			s.t.Fatalf("%s: nothing is due", line)
		}
		s.now = in.At
	}
	in.Command, in.Mail = s.command(list, keys)
	if in.Known.Next = s.plan; s.kept != nil {
		in.Known.Plan, in.Known.Next = *s.kept, s.plan
	}
	s.answer(&in)
	s.step(in)
}

// answer fills in what [Asks] lists, and nothing else.
func (s *scenario) answer(in *Input) {
	q := Asks(s.i, *in)
	in.Known.Answers, in.Known.Cursors, in.Known.Others = map[Target]Answer{}, map[string]int{}, map[string]OtherIncident{}
	for _, t := range q.Targets {
		if a, ok := s.answers[t]; ok {
			in.Known.Answers[t] = a
		}
	}
	for _, key := range q.Cursors {
		in.Known.Cursors[key] = s.cursors[key]
	}
	in.Known.Firing = slices.Contains(q.Firing, s.firing)
	for _, id := range q.Others {
		if o, ok := s.others[id]; ok {
			in.Known.Others[id] = o
		}
	}
}

func (s *scenario) setup(list []string, keys map[string]string) bool {
	dur := func(key string) time.Duration {
		d, err := time.ParseDuration(keys[key])
		if keys[key] != "" && err != nil {
			s.t.Fatal(err)
		}
		return d
	}
	switch list[0] {
	case "edited": // what follows edits the configuration, and the incident keeps its plan
		old := s.plan
		s.kept = &old
		s.plan = Plan{Severities: map[string]SeverityPlan{}, CatchAll: old.CatchAll}
	case "policy":
		repeat, _ := strconv.Atoi(keys["repeat"])
		s.plan.Policies = append(s.plan.Policies, Policy{ID: list[1], Repeat: repeat, Fallback: keys["fallback"]})
		if s.plan.Policy == "" {
			s.plan.Policy = list[1]
		}
	case "step":
		p := &s.plan.Policies[len(s.plan.Policies)-1]
		st := PolicyStep{Wait: dur("wait"), RoundRobin: keys["turn"] != ""}
		for _, w := range list[1:] {
			st.Notify = append(st.Notify, Target(w))
		}
		p.Steps = append(p.Steps, st)
	case "fires":
		s.firing = strings.Join(list[1:], "")
	case "fallback":
		s.plan.Fallback = list[1]
	case "catch-all":
		s.plan.CatchAll = Target(list[1])
	case "check":
		s.plan.Checklist = append(s.plan.Checklist, list[1])
	case "severity":
		s.plan.Severities[list[1]] = SeverityPlan{Urgency: Level(keys["urgency"]), Acknowledge: dur("ack"), Update: dur("update")}
	case "person":
		s.answers[Target("person:"+list[1])] = Answer{Recipients: []Recipient{recipient(list[1], keys)}}
	case "team":
		var a Answer
		for _, id := range list[2:] {
			a.Recipients = append(a.Recipients, s.answers[Target("person:"+id)].Recipients...)
		}
		s.answers[Target("team:"+list[1])] = a
	case "many-people":
		var a Answer
		for n := range 45 {
			a.Recipients = append(a.Recipients, recipient("p"+strconv.Itoa(10+n), keys))
		}
		s.answers[Target("team:"+list[1])] = a
	case "no-one":
		s.answers[Target(list[1])] = Answer{Why: list[2]}
	case "room":
		p := Platform{Name: list[1], ArchiveAfter: dur("archive")}
		if keys["steps"] != "" {
			p.Steps = strings.Split(keys["steps"], ",")
		}
		s.rooms = append(s.rooms, p)
		if keys["builtin"] != "" {
			s.builtin = append(s.builtin, Room{Platform: list[1], ID: s.i.ID, Name: s.i.ID})
		}
	default:
		return false
	}
	return true
}

// recipient reads high=email,sms@1m low=email.
func recipient(id string, keys map[string]string) Recipient {
	r := Recipient{ID: id, Name: strings.ToUpper(id[:1]) + id[1:]}
	read := func(text string) (all []Method) {
		for m := range strings.SplitSeq(text, ",") {
			key, after, _ := strings.Cut(m, "@")
			d, _ := time.ParseDuration(after)
			if key != "" {
				all = append(all, Method{Key: key, After: d})
			}
		}
		return all
	}
	r.High, r.Low = read(keys["high"]), read(keys["low"])
	return r
}

func (s *scenario) step(in Input) {
	before := s.i.Seq
	out, err := Step(s.i, in)
	s.i = out.Incident
	if s.i.PlanHash == s.plan.Hash() {
		s.kept = nil
	}
	s.events = append(s.events, out.Events...)
	printf := func(format string, args ...any) { fmt.Fprintf(&s.out, "  "+format+"\n", args...) }
	if refusal, ok := errors.AsType[*Refusal](err); ok {
		printf("refused: %s", refusal.Error())
	}
	for _, e := range out.Events {
		printf("%d %s %s", e.Seq, FactKind(e.Fact), s.fact(e.Fact))
		if f, ok := e.Fact.(StepFired); ok && f.Cursor != nil {
			s.cursors[f.Cursor.Key] = f.Cursor.Next
		}
	}
	for _, e := range out.Effects {
		s.actions = append(s.actions, e.Action)
		raw, err := EncodeAction(e.Action)
		if err != nil {
			s.t.Fatal(err)
		}
		var form struct {
			Kind   string
			Action map[string]any
		}
		if err := json.Unmarshal(raw, &form); err != nil {
			s.t.Fatal(err)
		}
		delete(form.Action, "severity") // of a page: the state below shows it
		printf("→ %s %s", form.Kind, flat(form.Action))
	}
	if before == s.i.Seq {
		printf("nothing changes")
	}
	state := string(s.i.Status) + " " + s.i.Severity.String()
	if s.i.IsAcknowledged() {
		state += ", " + s.i.Acknowledgement.Name + " has it"
	}
	if s.i.IsUnattended() {
		state += ", UNATTENDED"
	}
	if at := s.i.WakeAt(); !at.IsZero() {
		state += ", wakes " + at.Format("15:04:05")
	}
	printf("= %s", state)
	if again := Replay(s.i.ID, s.i.Number, s.events); !reflect.DeepEqual(again, s.i) {
		s.t.Errorf("replaying the events does not give the incident:\n%s", cmp.Diff(s.i, again))
	}
}

// fact returns a fact as one line: its JSON without the fields that do not matter here.
func (s *scenario) fact(f Fact) string {
	raw, err := json.Marshal(f)
	if err != nil {
		s.t.Fatal(err)
	}
	var m map[string]any
	if err := json.Unmarshal(raw, &m); err != nil {
		s.t.Fatal(err)
	}
	for _, noise := range []string{"plan", "matrix", "severity_plan", "detected_at", "samples", "from"} {
		delete(m, noise)
	}
	if d, ok := m["declare"].(map[string]any); ok {
		delete(m, "declare")
		delete(d, "detected_at")
		maps.Copy(m, d)
	}
	return flat(m)
}

// flat returns a JSON object as one line, with the keys in order and times as 15:04:05.
func flat(m map[string]any) string {
	raw, _ := json.Marshal(m)
	text := string(raw)
	for range 8 {
		n := strings.Index(text, "2026-03-0")
		if n < 0 {
			break
		}
		end := strings.Index(text[n:], "Z") + n
		text = text[:n] + text[n+len("2026-03-02T"):end] + text[end+1:]
	}
	return strings.NewReplacer(`"`, "", "{", "(", "}", ")", ":(", " (").Replace(strings.Trim(text, "{}"))
}
