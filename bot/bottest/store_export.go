package bottest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// export exports a whole store in pages.
func export(t *testing.T, s bot.Store, limit int) []bot.ArchiveItem {
	t.Helper()
	var all []bot.ArchiveItem
	for after := ""; ; after = all[len(all)-1].Key {
		page := must1(s.Export(t.Context(), after, limit))(t)
		if len(page) > limit {
			t.Fatalf("a page of %d items, want at most %d", len(page), limit)
		}
		for _, p := range page {
			if err := p.Validate(); err != nil {
				t.Fatalf("exported %+v: %v", p, err)
			}
		}
		if all = append(all, page...); len(page) == 0 {
			return all
		}
	}
}

// lines returns items as the lines of a file.
func lines(t *testing.T, items []bot.ArchiveItem) string {
	t.Helper()
	var all []string
	for _, p := range items {
		all = append(all, string(must1(json.Marshal(p))(t)))
	}
	return strings.Join(all, "\n")
}

// fillStore adds some of everything that a store can hold.
func fillStore(t *testing.T, s bot.Store) {
	t.Helper()
	ctx := t.Context()
	addEndedIncident(t, s) // INC-1, ended
	take(t, s, at(110), fire("c", "h"), fire("d", "h"), fire("e", "stub"), fire("recorded", ""))
	c := commitOf("INC-2", 0, 1) // open: c and d fire
	c.At, c.ReadMail, c.WakeAt, c.Group = at(111), 1, at(400), &bot.GroupHold{Key: "h", Always: true}
	c.Messages = messageCommit("", "m1: <hello> & \u2028 goodbye").Messages
	for n, lane := range []string{"room", "page:2", "page:1", "room"} {
		d := task("INC-2", "INC-2/1."+string(rune('0'+n)), workflow.ClassUpdate, lane)
		if lane != "room" {
			d.Lane.Class = workflow.ClassPage
		}
		d.Due = at(120 + float64(n)/1e9)
		c.Tasks = append(c.Tasks, d)
	}
	c.Tasks = append(c.Tasks, standingTask("INC-2", "room", 7, 360))
	c.Operation, c.Reply = "op-2", []byte("acknowledged")
	must1(s.Commit(ctx, c))(t)
	for _, l := range claim(t, s, at(130)) {
		if l.ID == "INC-2/1.2" { // it fails once
			if err := s.Postpone(ctx, l, at(350)); err != nil {
				t.Fatal(err)
			}
		}
	}
	take(t, s, at(140), resolved(fire("d", "h"), at(139))) // unread
	for n := 4; n <= 12; n++ {                             // so that 10 must come after 9
		if number := mustReserve(t, s); number != n {
			t.Fatalf("the number is %d, want %d", number, n)
		}
	}
	c = commitOf("INC-10", 0, 1)
	c.Group = &bot.GroupHold{Key: "a", Always: true}
	must1(s.Commit(ctx, c))(t)
	take(t, s, at(149), fire("z", "a"))
	c = commitOf("INC-10", 1, 2)
	c.ReadMail = 1 // z still fires
	c.At, c.Open, c.Group = at(150), false, &bot.GroupHold{Key: "a", Until: at(900)}
	c.Operation = "op-3" // without a reply
	c.Records = []bot.RecordChange{
		{Kind: "k", ID: "b/c", Body: []byte("1")}, {Kind: "k", ID: "a", Body: []byte("{}")}, {Kind: "k-k", ID: "a", Body: []byte{}}, {Kind: "j", ID: "", Body: []byte("0")},
	}
	must1(s.Commit(ctx, c))(t)
	must1(s.Commit(ctx, bot.Commit{At: at(151), Records: []bot.RecordChange{{Kind: "k", ID: "a", Version: 1, Body: []byte("2")}}}))(t)
}

var filledKeys = []string{ //nolint:gochecknoglobals // a constant
	"counter", "record/j/", "record/k/a", "record/k/b/c", "record/k-k/a", "incident/1", "incident/2", "incident/3", "incident/10",
	"group/a", "group/g", "group/h", "group/stub",
	"alert/prometheus\x00a", "alert/prometheus\x00b", "alert/prometheus\x00c", "alert/prometheus\x00d", "alert/prometheus\x00e", "alert/prometheus\x00recorded",
	"alert/prometheus\x00z",
	"operation/op-1", "operation/op-2", "operation/op-3",
}

// testExportPages: pages of every size give the same items in the same order, whether or
// not incidents are archived.
func testExportPages(t *testing.T, s bot.Store) {
	if got := lines(t, export(t, s, 1)); got != `{"key":"counter","counter":0}` {
		t.Fatalf("an empty store is exported as %s", got)
	}
	fillStore(t, s)
	whole := export(t, s, 1000)
	keys := make([]string, 0, len(whole))
	for _, p := range whole {
		keys = append(keys, p.Key)
	}
	if diff := gocmp.Diff(filledKeys, keys); diff != "" {
		t.Fatalf("keys (-want +got):\n%s", diff)
	}
	want := lines(t, whole)
	for limit := 1; limit <= len(whole)+1; limit++ {
		if got := lines(t, export(t, s, limit)); got != want {
			t.Fatalf("in pages of %d:\n%s\nwant\n%s", limit, got, want)
		}
	}
	if n := *whole[0].Counter; n != 12 {
		t.Errorf("the counter is %d", n)
	}
	d := whole[slices.Index(keys, "incident/2")].Incident
	var tasks []string
	for _, l := range d.Tasks {
		tasks = append(tasks, l.ID)
	}
	if got := strings.Join(tasks, " "); got != "INC-2/1.2 INC-2/1.1 INC-2/1.0 INC-2/1.3 card:room" || d.Tasks[0].Attempt != 1 || !d.Tasks[0].Due.Equal(at(350)) {
		t.Errorf("tasks %+v", d.Tasks)
	}
	if want := standingTask("INC-2", "room", 7, 360); !sameTask(d.Tasks[4], want) {
		t.Errorf("exported %+v, want %+v", d.Tasks[4], want)
	}
	if !d.Open || d.Version != 1 || string(d.Body) != "state 1 of INC-2" || !d.WakeAt.Equal(at(400)) || !d.Changed.Equal(at(111)) || d.ReadSeq != 1 || !d.ReadAt.Equal(at(111)) ||
		len(d.Mail) == 0 || d.Mail[len(d.Mail)-1].Seq != 2 {
		t.Errorf("exported %+v", d)
	}
	archive(t, s, "INC-1", true)
	archive(t, s, "INC-10", true)
	if got := lines(t, export(t, s, 3)); got != want {
		t.Errorf("archived, it is\n%s\nwant\n%s", got, want)
	}
	if _, err := s.Export(t.Context(), "nowhere/x", 1); err == nil {
		t.Error("an unknown section is exported")
	}
}

// testImport: an imported store has the same content and works.
func testImport(t *testing.T, from, to bot.Store) {
	fillStore(t, from)
	archive(t, from, "INC-1", true)
	want := export(t, from, 7)
	for part := range slices.Chunk(viaJSON(t, want), 5) {
		if err := to.Import(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
	if got := lines(t, export(t, to, 4)); got != lines(t, want) {
		t.Fatalf("imported it is\n%s\nwant\n%s", got, lines(t, want))
	}
	wantEnded(t, to, "INC-1 INC-10 | ") // it is not archived after the import
	for _, id := range []string{"INC-1", "INC-2", "INC-3", "INC-10"} {
		if got, want := dumpReads(t, to, id), dumpReads(t, from, id); got != want {
			t.Errorf("%s reads\n%s\nwant\n%s", id, got, want)
		}
	}
	continueFilled(t, to)
	if m := must1(to.Repair(t.Context(), bot.RepairQuery{At: at(200), Limit: 100}))(t); len(m.Repaired) != 0 {
		t.Errorf("repaired %q", m.Repaired)
	}
}

// viaJSON returns items as they are read from a file.
func viaJSON(t *testing.T, items []bot.ArchiveItem) []bot.ArchiveItem {
	t.Helper()
	all := make([]bot.ArchiveItem, len(items))
	for n, p := range items {
		if err := json.Unmarshal(must1(json.Marshal(p))(t), &all[n]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// continueFilled works with a store that fillStore has filled and testImport has copied.
func continueFilled(t *testing.T, s bot.Store) {
	ctx := t.Context()
	// A repeated operation gets its reply and changes nothing.
	c := commitOf("INC-2", 1, 2)
	c.Operation = "op-2"
	if r := must1(s.Commit(ctx, c))(t); !r.Repeated || string(r.Reply) != "acknowledged" {
		t.Errorf("receipt of a repeat %+v", r)
	}
	if n := mustReserve(t, s); n != 13 {
		t.Errorf("the next number is %d", n)
	}
	// Leases are not imported; the order of lanes is, and unread mail wakes its incident.
	due := claim(t, s, at(200))
	if got := joinNames(due); got != "INC-2:INC-2/1.1 INC-3:wake INC-2:wake INC-2:INC-2/1.0" {
		t.Errorf("claimed %s", got)
	}
	for _, l := range due {
		if l.ID == "INC-2/1.0" {
			if err := settle(t, s, l); err != nil {
				t.Error(err)
			}
		}
	}
	if got := joinNames(claim(t, s, at(200))); got != "INC-2:INC-2/1.3" {
		t.Errorf("claimed %s", got)
	}
	if l := claim(t, s, at(350)); !slices.ContainsFunc(l, func(l bot.Lease) bool {
		return l.ID == "INC-2/1.2" && l.Attempt == 1 && string(l.Body) == "task INC-2/1.2"
	}) {
		t.Errorf("claimed %s", joinNames(l))
	}
	card := wantCard(t, s, at(360), standingTask("INC-2", "room", 7, 360))
	// Firing alerts stay with their incident, resolved alerts fire again there, and a
	// group that is held for some time is held.
	got := take(t, s, at(500), fire("c", "h"), firingSince(fire("d", "h"), at(499)), fire("f", "h"), fire("x", "a"), fire("y", "g"))
	want := []alerts.Receipt{
		{Change: alerts.Repeated, Incident: "INC-2"},
		{Change: alerts.Again, Incident: "INC-2"},
		{Change: alerts.Started, Incident: "INC-2"},
		{Change: alerts.Started, Incident: "INC-10"},
		{Change: alerts.Started, Incident: "INC-14", New: true},
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("taken (-want +got):\n%s", diff)
	}
	if l := must1(s.Load(ctx, "INC-14"))(t); l.Previous != "INC-1" {
		t.Errorf("the previous incident is %q", l.Previous)
	}
	l := must1(s.Load(ctx, "INC-10"))(t) // it had no unread mail before
	if len(l.Mail) != 1 || l.Mail[0].Seq != 2 {
		t.Errorf("mail %+v", l.Mail)
	}
	l = must1(s.Load(ctx, "INC-2"))(t)
	if len(l.Mail) != 2 || l.Mail[0].Seq != 2 || l.Mail[1].Seq != 3 {
		t.Errorf("mail %+v", l.Mail)
	}
	c = commitOf("INC-2", 1, 2)
	c.At, c.ReadMail, c.WakeAt, c.Messages = at(501), 3, at(900), messageCommit("", "m1: again", "m2: on").Messages
	c.Tasks, c.Settle, c.EditedMessages = []bot.Task{standingTask("INC-2", "room", 8, 502)}, &card, messageCommit("", "m1: goodbye").Messages
	must1(s.Commit(ctx, c))(t)
	if l = must1(s.Load(ctx, "INC-2"))(t); len(l.Mail) != 0 || l.Version != 2 {
		t.Errorf("loaded %+v", l)
	}
	wantMessages(t, s, "INC-2", "1 m1: goodbye, 2 m2: on")
	wantCard(t, s, at(502), standingTask("INC-2", "room", 8, 502))
}

// testImportAtomic: the items of one call are written together or not at all.
func testImportAtomic(t *testing.T, s bot.Store) {
	ctx := t.Context()
	fillStore(t, s)
	want := lines(t, export(t, s, 100))
	good := bot.ArchiveItem{Key: "record/k/new", Record: &bot.Record{Kind: "k", ID: "new", Version: 1, Body: []byte("1")}}
	incident := bot.ArchivedIncident{Number: 20, Version: 1, Body: []byte("state")}
	twice := incident
	twice.Events = []bot.StoredEvent{{Seq: 1}, {Seq: 1}}
	unread := incident
	unread.Mail = []bot.StoredMail{{Seq: 1, Body: []byte("not JSON")}}
	for what, bad := range map[string]bot.ArchiveItem{
		"no content":            {Key: "group/x"},
		"two contents":          {Key: "counter", Counter: new(1), Group: &bot.ArchivedGroup{Key: "x"}},
		"another key":           {Key: "incident/21", Incident: &incident},
		"an event twice":        {Key: "incident/20", Incident: &twice},
		"mail that is not JSON": {Key: "incident/20", Incident: &unread},
	} {
		if err := s.Import(ctx, []bot.ArchiveItem{good, bad}); err == nil {
			t.Errorf("an item with %s was imported", what)
		}
		if got := lines(t, export(t, s, 100)); got != want {
			t.Fatalf("after an item with %s the store has\n%s\nwant\n%s", what, got, want)
		}
	}
}

// testImportOverwrites: an import overwrites what exists, any number of times, and never
// lowers the counter.
func testImportOverwrites(t *testing.T, s bot.Store) {
	ctx := t.Context()
	fillStore(t, s)
	items := export(t, s, 100)
	// Everything changes after the export.
	c := commitOf("INC-2", 1, 2, 3)
	c.At, c.ReadMail, c.Open, c.Messages = at(300), 2, false, messageCommit("", "later: this goes").Messages
	c.Tasks = []bot.Task{task("INC-2", "INC-2/3.0", workflow.ClassPage, "later")}
	c.Group = &bot.GroupHold{Key: "h"}
	c.Records = []bot.RecordChange{{Kind: "k", ID: "a", Version: 2, Body: []byte("3")}}
	must1(s.Commit(ctx, c))(t)
	take(t, s, at(301), resolved(fire("c", "h"), at(301)))
	archive(t, s, "INC-1", true)
	one := s.Watch(ctx, "INC-1")
	for range 2 {
		if err := s.Import(ctx, viaJSON(t, items)); err != nil {
			t.Fatal(err)
		}
		if got, want := lines(t, export(t, s, 100)), lines(t, items); got != want {
			t.Fatalf("imported again it is\n%s\nwant\n%s", got, want)
		}
	}
	if !isNotified(one) {
		t.Error("watchers are not notified")
	}
	wantEnded(t, s, "INC-1 INC-10 | ")
	lower := *items[0].Counter - 5
	if err := s.Import(ctx, []bot.ArchiveItem{{Key: "counter", Counter: &lower}}); err != nil {
		t.Fatal(err)
	}
	if n := mustReserve(t, s); n != 13 {
		t.Errorf("the next number is %d", n)
	}
}
