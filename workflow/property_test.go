package workflow_test

import (
	"bytes"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	. "tocsin/workflow"
)

// hostile holds texts that break careless programs.
var hostile = []string{
	"", "x", "Checkout is down", strings.Repeat("🏴‍☠️", 3000), strings.Repeat(`"\`, 5000), "<!channel> <script>alert(1)</script>",
	"\u202eevil\u202c", "a\x00b\x1b[31mred", "line\nbreak\r\n", string([]byte{0xff, 0xfe, 'x'}), strings.Repeat("w ", 100_000),
}

func drawText(t *rapid.T) string { return hostile[rapid.IntRange(0, len(hostile)-1).Draw(t, "text")] }

var people = []string{"ana", "ben", "cleo"}

var platforms = []Platform{
	{Name: "web"}, {Name: "slack", ArchiveAfter: time.Hour, Steps: []string{StepTopic, StepPin, StepInvite, StepAnnounce}}, {Name: "discord", Steps: []string{StepPin}},
}

func drawWorld(t *rapid.T) Known {
	target := func() Target {
		return Target(rapid.SampledFrom([]string{"person:ana", "person:ben", "team:all", "webhook:noc", "policy:b", "nobody"}).Draw(t, "target"))
	}
	k := Known{
		Answers: map[Target]Answer{"nobody": {Why: "nobody is on call"}}, Cursors: map[string]int{},
		Others:    map[string]OtherIncident{"INC-2": {Status: Investigating}},
		Platforms: platforms[1:][:rapid.IntRange(0, 2).Draw(t, "rooms")],
	}
	methods := func() (all []Method) {
		for n, key := range []string{"email", "sms", "voice"}[:rapid.IntRange(0, 3).Draw(t, "methods")] {
			all = append(all, Method{Key: key, After: time.Duration(n) * time.Minute})
		}
		return all
	}
	for _, id := range people {
		r := Recipient{ID: id, Name: drawText(t), High: methods(), Low: methods()}
		k.Answers[Target("person:"+id)] = Answer{Recipients: []Recipient{r}}
		all := k.Answers["team:all"]
		all.Recipients = append(all.Recipients, r)
		k.Answers["team:all"] = all
	}
	k.Answers["webhook:noc"] = Answer{Recipients: []Recipient{{ID: "webhook:noc", High: []Method{{Key: "webhook"}}}}}
	for _, id := range []string{"a", "b"} {
		p := Policy{ID: id, Repeat: rapid.IntRange(0, 2).Draw(t, "repeat"), Fallback: "b"}
		for range rapid.IntRange(0, 3).Draw(t, "steps") {
			p.Steps = append(p.Steps, PolicyStep{
				Notify: []Target{target(), target()}, Wait: time.Duration(rapid.IntRange(0, 9).Draw(t, "wait")) * time.Minute,
				RoundRobin: rapid.Bool().Draw(t, "turn"),
			})
		}
		k.Plan.Policies = append(k.Plan.Policies, p)
	}
	k.Plan.Policy, k.Plan.CatchAll = "a", target()
	k.Plan.Checklist = []string{drawText(t)}
	k.Plan.Severities = map[string]SeverityPlan{"SEV1": {Urgency: High, Acknowledge: 5 * time.Minute, Update: 30 * time.Minute}}
	return k
}

func drawCommand(t *rapid.T, i Incident) Command {
	who := rapid.SampledFrom(people).Draw(t, "who")
	seen := rapid.IntRange(0, 20).Draw(t, "seen")
	page := "1.0.0.0/ana/email"
	if n := len(i.Paging.Pages); n > 0 {
		page = i.Paging.Pages[rapid.IntRange(0, n-1).Draw(t, "page")].ID
	}
	text := drawText(t)
	all := []Command{
		Wake{},
		Wake{},
		Wake{},
		Acknowledge{Seen: seen},
		Acknowledge{},
		Unacknowledge{},
		Escalate{Seen: seen, Reason: text},
		Delivered{Page: page},
		Delivered{Page: page},
		Undeliverable{Page: page, Why: text},
		Undeliverable{Page: page, Why: text, Retrying: true},
		Undeliverable{Page: page, Why: text, Retrying: true, Slow: true},
		SetStatus{To: rapid.SampledFrom(Statuses()).Draw(t, "status")},
		SetSeverity{Severity: Severity(seen % 6)},
		SetSeverity{Impact: High},
		ApplyPolicy{},
		PostUpdate{Text: text, Next: time.Minute},
		Assign{Role: text, Person: who},
		Page{Targets: []Target{"team:all"}, Text: text},
		AddNote{Text: text, Pin: true},
		AddActionItem{Text: text, Assignee: who},
		CompleteActionItem{N: seen},
		SetCause{Text: text},
		Resolve{Text: text},
		Verify{N: seen % 3, State: CheckPassed},
		Close{Force: true, Reason: text},
		Close{},
		Reopen{Reason: text},
		Cancel{Reason: text},
		Merge{Into: "INC-2"},
		Absorb{From: "INC-3", Title: text, Began: true, Mail: drawMail(t)},
		Absorb{From: "INC-1", Via: []string{"INC-2"}},
		UpdateMergeTarget{Ended: true},
		UpdateMergeTarget{Ended: true, Release: true},
		UpdateMergeTarget{},
		AddLink{URL: "https://example.com/" + text},
		Invite{People: []string{who, text}},
		SetVisibility{To: Private},
		RoomReady{Platform: "slack", ID: text},
		RoomReady{Platform: "slack", ID: who, Private: true},
		RoomClosed{Platform: "slack", ID: who},
		RoomStepEnded{Platform: "slack", Step: rapid.SampledFrom(platforms[1].Steps).Draw(t, "step"), Why: text},
		RoomStepEnded{Platform: "slack", Step: StepInvite},
		RetryRooms{},
		AddNote{Text: text, Pin: true, Key: who},
		RemoveNote{Key: who},
		SetVisibility{To: Public},
		RoomRefused{Platform: "web", Why: text},
		GiveUp{What: text, Why: text},
		SetDetails{Title: text, AddSymptoms: []string{text}},
		Declare{Title: text},
		nil,
	}
	return all[rapid.IntRange(0, len(all)-1).Draw(t, "command")]
}

func drawMail(t *rapid.T) Mail {
	n := func(label string) int { return rapid.IntRange(0, 3).Draw(t, label) }
	m := Mail{Started: n("started"), Refired: n("again"), Ended: n("ended"), Worst: Severity(n("worst")), Truncated: n("truncated")}
	for range m.Started {
		m.Samples = append(m.Samples, Alert{Key: "k", Title: "Disk full", Severity: m.Worst})
	}
	if n("held?") == 0 {
		for k := range rapid.IntRange(0, 300).Draw(t, "held") {
			m.Held = append(m.Held, HeldAlert{Integration: "p", Key: strconv.Itoa(k), Title: "Disk full", Since: epoch})
		}
	}
	return m
}

// TestArbitraryInputs applies arbitrary inputs to incidents. After each step: replaying
// the events gives the state, a wake leaves no passed deadline, an open incident that is
// not acknowledged has a deadline (E13: the auditor repairs and reports), no page is
// sent twice (E2: a page is owed once), every platform has one room, and the snapshot
// has at most 64 KiB.
func TestArbitraryInputs(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		known := drawWorld(t)
		now := epoch
		i := Incident{ID: "INC-1", Number: 1}
		out, err := Step(i, Input{At: now, By: Actor{Kind: ByAlert, Name: "prometheus"}, Known: known, Command: Declare{
			Title: "Disk full", Source: SourceAlert, Severity: SEV2, Description: drawText(t), Group: "g",
		}})
		if err != nil {
			t.Fatal(err)
		}
		i, events, sent := out.Incident, out.Events, map[string]bool{}
		for range rapid.IntRange(1, 60).Draw(t, "inputs") {
			now = now.Add(time.Duration(rapid.IntRange(0, 900).Draw(t, "seconds")) * time.Second)
			if rapid.IntRange(0, 9).Draw(t, "platforms?") == 0 { // connected, or not any more
				known.Platforms, known.Rooms = platforms[:rapid.IntRange(0, 3).Draw(t, "platforms")], nil
				if len(known.Platforms) > 0 && rapid.Bool().Draw(t, "stands") {
					known.Rooms = []Room{{Platform: "web", ID: "INC-1"}}
				}
			}
			in := Input{At: now, By: Actor{Kind: ByPerson, ID: "ana", Name: drawText(t)}, Known: known, Command: drawCommand(t, i)}
			if rapid.IntRange(0, 3).Draw(t, "mail?") == 0 {
				in.Mail = []Mail{drawMail(t), drawMail(t)}
			}
			out, _ := Step(i, in)
			checkStep(t, i, in, out, sent)
			checkRooms(t, i, in, out)
			checkPosts(t, i, out)
			i, events = out.Incident, append(events, out.Events...)
		}
		if again := Replay("INC-1", 1, events); !reflect.DeepEqual(again, i) {
			t.Fatalf("replay differs: %s", cmp.Diff(i, again))
		}
	})
}

func checkStep(t *rapid.T, before Incident, in Input, out Outcome, sent map[string]bool) {
	i := out.Incident
	if _, ok := in.Command.(Wake); ok {
		if at := i.WakeAt(); !at.IsZero() && !at.After(in.At) {
			t.Fatalf("a Wake at %s left a deadline at %s", in.At, at)
		}
	}
	if i.IsStuck() {
		t.Fatalf("the incident is open, not acknowledged, and has no deadline: %+v", i.Paging)
	}
	for _, e := range out.Effects {
		if p, ok := e.Action.(SendPage); ok {
			if sent[p.Page] {
				t.Fatalf("page %s is sent twice", p.Page)
			}
			sent[p.Page] = true
		}
	}
	raw, err := EncodeIncident(i)
	if err != nil {
		t.Fatal(err)
	}
	if len(raw) > 64<<10 {
		t.Fatalf("snapshot has %d bytes", len(raw))
	}
	again, err := DecodeIncident(raw)
	if err != nil {
		t.Fatal(err)
	}
	if raw2, err := EncodeIncident(again); err != nil || !bytes.Equal(raw, raw2) {
		t.Fatalf("snapshot does not survive encoding: %v", err)
	}
	if len(out.Events) > 0 && out.Events[0].Seq != before.Seq+1 {
		t.Fatalf("events have a gap: %d after %d", out.Events[0].Seq, before.Seq)
	}
}

// checkRooms: after a step an open incident has, or has requested, one room on every
// connected platform. Built-in rooms are never opened, and an ended incident opens none.
func checkRooms(t *rapid.T, before Incident, in Input, out Outcome) {
	rooms := map[string]bool{}
	for _, r := range out.Incident.Rooms {
		if rooms[r.Platform] {
			t.Fatalf("two rooms on %s: %+v", r.Platform, out.Incident.Rooms)
		}
		rooms[r.Platform] = true
	}
	for _, p := range in.Known.Platforms {
		if out.Incident.IsOpen() && !rooms[p.Name] {
			t.Fatalf("no room on %s: %+v", p.Name, out.Incident.Rooms)
		}
	}
	_, mayReplace := in.Command.(SetVisibility)
	if r, ok := in.Command.(RoomReady); ok && before.Visibility == Private && !r.Private {
		mayReplace = true // a private room was requested, and this one is public
	}
	_, closes := in.Command.(RoomClosed)
	mayReplace = mayReplace || closes
	for _, r := range out.Incident.Rooms { // P2: private means members only
		if out.Incident.Visibility == Private && r.Platform != "web" && r.Managed && r.State == RoomOpen && !r.Private {
			t.Fatalf("a private incident has the public room %+v", r)
		}
	}
	opened := map[string]bool{}
	for _, e := range out.Effects {
		d, ok := e.Action.(OpenRoom)
		if !ok {
			continue
		}
		had := slices.ContainsFunc(slices.Concat(before.Rooms, in.Known.Rooms), func(r Room) bool {
			return r.Platform == d.Platform && r.State != RoomFailed && r.State != RoomIsArchived && !mayReplace
		})
		connected := slices.ContainsFunc(in.Known.Platforms, func(p Platform) bool { return p.Name == d.Platform })
		connected = connected || slices.ContainsFunc(before.Rooms, func(r Room) bool { return r.Platform == d.Platform && r.State == RoomIsArchived })
		connected = connected || closes // it was connected when the room was opened
		reopened := slices.ContainsFunc(out.Events, func(e Event) bool { _, ok := e.Fact.(IncidentReopened); return ok })
		if had || opened[d.Platform] || !connected || !out.Incident.IsOpen() && !reopened {
			t.Fatalf("a room on %s is opened, although the rooms were %+v and the status is %s", d.Platform, before.Rooms, out.Incident.Status)
		}
		opened[d.Platform] = true
	}
}

// checkPosts: each room receives every fact that is to be posted, and at most one message
// from a step.
func checkPosts(t *rapid.T, before Incident, out Outcome) {
	posts, moved := map[string]Post{}, map[string]bool{} // in rooms; where another room is asked for
	for _, e := range out.Effects {
		if p, ok := e.Action.(Post); ok && p.Place == InRoom {
			if _, ok := posts[p.Platform]; ok && !moved[p.Platform] {
				t.Fatalf("one step posts twice on %s", p.Platform)
			}
			posts[p.Platform] = p
		}
		if o, ok := e.Action.(OpenRoom); ok {
			moved[o.Platform] = true
		}
	}
	for _, r := range before.Rooms {
		lost := slices.ContainsFunc(out.Incident.Rooms, func(o Room) bool { return o.Platform == r.Platform && o.State == RoomFailed })
		left := slices.ContainsFunc(out.Events, func(e Event) bool { f, ok := e.Fact.(RoomAbandoned); return ok && f.Platform == r.Platform })
		if r.State == RoomFailed || r.State == RoomIsArchived || lost || left || moved[r.Platform] {
			continue
		}
		p := posts[r.Platform]
		for _, e := range out.Events {
			if IsPosted(e.Fact) && (e.Seq < p.Seq || e.Seq > max(p.Seq, p.Through)) {
				t.Fatalf("event %d, %s, is not posted on %s: %+v", e.Seq, FactKind(e.Fact), r.Platform, p)
			}
		}
	}
}

func FuzzDecodeEvent(f *testing.F) {
	f.Add([]byte(`{"seq":1,"at":"2026-03-02T03:00:00Z","by":{"kind":"person"},"kind":"acknowledged","v":1,"fact":{"person":"ana"}}`))
	f.Add([]byte(`{"kind":"step_fired","v":1,"fact":{"pages":[{"id":""}]}}`))
	f.Fuzz(func(t *testing.T, raw []byte) {
		e, err := DecodeEvent(raw)
		if err != nil {
			return
		}
		Replay("INC-1", 1, []Event{e})
		if _, err := EncodeEvent(e); err != nil && e.At.Year() < 10000 && e.At.Year() >= 0 {
			return // a time inside the fact that JSON cannot hold
		}
	})
}
