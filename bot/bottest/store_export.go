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

// export reads a whole store, in pages.
func export(t *testing.T, s bot.Store, limit int) []bot.ArchiveItem {
	t.Helper()
	var all []bot.ArchiveItem
	for after := ""; ; after = all[len(all)-1].Key {
		page := must1(s.Export(t.Context(), after, limit))(t)
		if len(page) > limit {
			t.Fatalf("%d pieces, at most %d were asked for", len(page), limit)
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

// lines are pieces as they stand in a file.
func lines(t *testing.T, pieces []bot.ArchiveItem) string {
	t.Helper()
	var all []string
	for _, p := range pieces {
		all = append(all, string(must1(json.Marshal(p))(t)))
	}
	return strings.Join(all, "\n")
}

// used fills a store with something of everything.
func used(t *testing.T, s bot.Store) {
	t.Helper()
	ctx := t.Context()
	past(t, s) // INC-1, over
	take(t, s, at(110), fire("c", "h"), fire("d", "h"), fire("e", "stub"), fire("recorded", ""))
	c := commitOf("INC-2", 0, 1) // open: c and d fire
	c.At, c.ReadMail, c.WakeAt, c.Group = at(111), 1, at(400), &bot.GroupHold{Key: "h", Always: true}
	c.Messages = say("", "m1: <hello> & \u2028 goodbye").Messages
	for n, lane := range []string{"room", "page:2", "page:1", "room"} {
		d := task("INC-2", "INC-2/1."+string(rune('0'+n)), workflow.ClassUpdate, lane)
		if lane != "room" {
			d.Lane.Class = workflow.ClassPage
		}
		d.Due = at(120 + float64(n)/1e9)
		c.Tasks = append(c.Tasks, d)
	}
	c.Tasks = append(c.Tasks, stand("INC-2", "room", 7, 360))
	c.Operation, c.Reply = "op-2", []byte("acknowledged")
	must1(s.Commit(ctx, c))(t)
	for _, l := range claim(t, s, at(130)) {
		if l.ID == "INC-2/1.2" { // it failed once
			if err := s.Postpone(ctx, l, at(350)); err != nil {
				t.Fatal(err)
			}
		}
	}
	take(t, s, at(140), ended(fire("d", "h"), at(139))) // unread
	for n := 4; n <= 12; n++ {                          // 10 comes after 9
		if number := mustReserve(t, s); number != n {
			t.Fatalf("the number is %d, want %d", number, n)
		}
	}
	c = commitOf("INC-10", 0, 1)
	c.Group = &bot.GroupHold{Key: "a", Always: true}
	must1(s.Commit(ctx, c))(t)
	take(t, s, at(149), fire("z", "a"))
	c = commitOf("INC-10", 1, 2)
	c.ReadMail = 1 // z fires on
	c.At, c.Open, c.Group = at(150), false, &bot.GroupHold{Key: "a", Until: at(900)}
	c.Operation = "op-3" // with no reply
	c.Records = []bot.RecordChange{
		{Kind: "k", ID: "b/c", Body: []byte("1")}, {Kind: "k", ID: "a", Body: []byte("{}")}, {Kind: "k-k", ID: "a", Body: []byte{}}, {Kind: "j", ID: "", Body: []byte("0")},
	}
	must1(s.Commit(ctx, c))(t)
	must1(s.Commit(ctx, bot.Commit{At: at(151), Records: []bot.RecordChange{{Kind: "k", ID: "a", Version: 1, Body: []byte("2")}}}))(t)
}

var usedPlaces = []string{ //nolint:gochecknoglobals // a constant
	"counter", "record/j/", "record/k/a", "record/k/b/c", "record/k-k/a", "incident/1", "incident/2", "incident/3", "incident/10",
	"group/a", "group/g", "group/h", "group/stub",
	"alert/prometheus\x00a", "alert/prometheus\x00b", "alert/prometheus\x00c", "alert/prometheus\x00d", "alert/prometheus\x00e", "alert/prometheus\x00recorded",
	"alert/prometheus\x00z",
	"operation/op-1", "operation/op-2", "operation/op-3",
}

// exportPages: in pages of any size it is the same, each piece once and in its
// place, and whether an incident is shelved makes no difference.
func exportPages(t *testing.T, s bot.Store) {
	if got := lines(t, export(t, s, 1)); got != `{"key":"counter","counter":0}` {
		t.Fatalf("an empty store is exported as %s", got)
	}
	used(t, s)
	whole := export(t, s, 1000)
	places := make([]string, 0, len(whole))
	for _, p := range whole {
		places = append(places, p.Key)
	}
	if diff := gocmp.Diff(usedPlaces, places); diff != "" {
		t.Fatalf("places (-want +got):\n%s", diff)
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
	d := whole[slices.Index(places, "incident/2")].Incident
	var tasks []string
	for _, l := range d.Tasks {
		tasks = append(tasks, l.ID)
	}
	if got := strings.Join(tasks, " "); got != "INC-2/1.2 INC-2/1.1 INC-2/1.0 INC-2/1.3 card:room" || d.Tasks[0].Attempt != 1 || !d.Tasks[0].Due.Equal(at(350)) {
		t.Errorf("tasks %+v", d.Tasks)
	}
	if want := stand("INC-2", "room", 7, 360); !sameTask(d.Tasks[4], want) {
		t.Errorf("exported %+v, want %+v", d.Tasks[4], want)
	}
	if !d.Open || d.Version != 1 || string(d.Body) != "state 1 of INC-2" || !d.WakeAt.Equal(at(400)) || !d.Changed.Equal(at(111)) || d.ReadSeq != 1 || !d.ReadAt.Equal(at(111)) ||
		len(d.Mail) == 0 || d.Mail[len(d.Mail)-1].Seq != 2 {
		t.Errorf("dossier %+v", d)
	}
	shelve(t, s, "INC-1", true)
	shelve(t, s, "INC-10", true)
	if got := lines(t, export(t, s, 3)); got != want {
		t.Errorf("shelved, it is\n%s\nwant\n%s", got, want)
	}
	if _, err := s.Export(t.Context(), "nowhere/x", 1); err == nil {
		t.Error("there is nothing wrong with a place that is nowhere")
	}
}

// imports: from an export the same store arises, and it goes on working.
func imports(t *testing.T, from, to bot.Store) {
	used(t, from)
	shelve(t, from, "INC-1", true)
	want := export(t, from, 7)
	for part := range slices.Chunk(reread(t, want), 5) {
		if err := to.Import(t.Context(), part); err != nil {
			t.Fatal(err)
		}
	}
	if got := lines(t, export(t, to, 4)); got != lines(t, want) {
		t.Fatalf("imported it is\n%s\nwant\n%s", got, lines(t, want))
	}
	wantOver(t, to, "INC-1 INC-10 | ") // it comes back unshelved
	for _, id := range []string{"INC-1", "INC-2", "INC-3", "INC-10"} {
		if got, want := seen(t, to, id), seen(t, from, id); got != want {
			t.Errorf("%s reads\n%s\nwant\n%s", id, got, want)
		}
	}
	goesOn(t, to)
	if m := must1(to.Repair(t.Context(), bot.RepairQuery{At: at(200), Limit: 100}))(t); len(m.Repaired) != 0 {
		t.Errorf("mended %q", m.Repaired)
	}
}

// reread is what a file makes of pieces.
func reread(t *testing.T, pieces []bot.ArchiveItem) []bot.ArchiveItem {
	t.Helper()
	all := make([]bot.ArchiveItem, len(pieces))
	for n, p := range pieces {
		if err := json.Unmarshal(must1(json.Marshal(p))(t), &all[n]); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// goesOn: what used has left is carried on with.
func goesOn(t *testing.T, s bot.Store) {
	ctx := t.Context()
	// Operations that are repeated are answered, and change nothing.
	c := commitOf("INC-2", 1, 2)
	c.Operation = "op-2"
	if r := must1(s.Commit(ctx, c))(t); !r.Repeated || string(r.Reply) != "acknowledged" {
		t.Errorf("receipt of a repeat %+v", r)
	}
	if n := mustReserve(t, s); n != 13 {
		t.Errorf("the next number is %d", n)
	}
	// Leases are not among it, the order of a lane is, and mail has woken.
	due := claim(t, s, at(200))
	if got := names(due); got != "INC-2:INC-2/1.1 INC-3:wake INC-2:wake INC-2:INC-2/1.0" {
		t.Errorf("claimed %s", got)
	}
	for _, l := range due {
		if l.ID == "INC-2/1.0" {
			if err := settle(t, s, l); err != nil {
				t.Error(err)
			}
		}
	}
	if got := names(claim(t, s, at(200))); got != "INC-2:INC-2/1.3" {
		t.Errorf("claimed %s", got)
	}
	if l := claim(t, s, at(350)); !slices.ContainsFunc(l, func(l bot.Lease) bool {
		return l.ID == "INC-2/1.2" && l.Attempt == 1 && string(l.Body) == "deed INC-2/1.2"
	}) {
		t.Errorf("claimed %s", names(l))
	}
	card := wantCard(t, s, at(360), stand("INC-2", "room", 7, 360))
	// What fires goes on, what resolved fires again where it was, and a group
	// that is held for some time is.
	got := take(t, s, at(500), fire("c", "h"), since(fire("d", "h"), at(499)), fire("f", "h"), fire("x", "a"), fire("y", "g"))
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
		t.Errorf("it follows %q", l.Previous)
	}
	l := must1(s.Load(ctx, "INC-10"))(t) // it has read all its mail before
	if len(l.Mail) != 1 || l.Mail[0].Seq != 2 {
		t.Errorf("mail %+v", l.Mail)
	}
	l = must1(s.Load(ctx, "INC-2"))(t)
	if len(l.Mail) != 2 || l.Mail[0].Seq != 2 || l.Mail[1].Seq != 3 {
		t.Errorf("mail %+v", l.Mail)
	}
	c = commitOf("INC-2", 1, 2)
	c.At, c.ReadMail, c.WakeAt, c.Messages = at(501), 3, at(900), say("", "m1: again", "m2: on").Messages
	c.Tasks, c.Settle, c.EditedMessages = []bot.Task{stand("INC-2", "room", 8, 502)}, &card, say("", "m1: goodbye").Messages
	must1(s.Commit(ctx, c))(t)
	if l = must1(s.Load(ctx, "INC-2"))(t); len(l.Mail) != 0 || l.Version != 2 {
		t.Errorf("loaded %+v", l)
	}
	wantTalk(t, s, "INC-2", "1 m1: goodbye, 2 m2: on")
	wantCard(t, s, at(502), stand("INC-2", "room", 8, 502))
}

// importAtomic: the pieces of one call are written together or not at all.
func importAtomic(t *testing.T, s bot.Store) {
	ctx := t.Context()
	used(t, s)
	want := lines(t, export(t, s, 100))
	good := bot.ArchiveItem{Key: "record/k/new", Record: &bot.Record{Kind: "k", ID: "new", Version: 1, Body: []byte("1")}}
	dossier := bot.ArchivedIncident{Number: 20, Version: 1, Body: []byte("state")}
	twice := dossier
	twice.Events = []bot.StoredEvent{{Seq: 1}, {Seq: 1}}
	unread := dossier
	unread.Mail = []bot.StoredMail{{Seq: 1, Body: []byte("not JSON")}}
	for what, bad := range map[string]bot.ArchiveItem{
		"nothing in it":        {Key: "group/x"},
		"two things in it":     {Key: "counter", Counter: new(1), Group: &bot.ArchivedGroup{Key: "x"}},
		"another place":        {Key: "incident/21", Incident: &dossier},
		"an event twice":       {Key: "incident/20", Incident: &twice},
		"mail that is no mail": {Key: "incident/20", Incident: &unread},
	} {
		if err := s.Import(ctx, []bot.ArchiveItem{good, bad}); err == nil {
			t.Errorf("a piece with %s was imported", what)
		}
		if got := lines(t, export(t, s, 100)); got != want {
			t.Fatalf("a piece with %s has left\n%s\nwant\n%s", what, got, want)
		}
	}
}

// importOver: what is there already is written over, as often as one likes,
// and the counter never goes back.
func importOver(t *testing.T, s bot.Store) {
	ctx := t.Context()
	used(t, s)
	pieces := export(t, s, 100)
	// All of it changes.
	c := commitOf("INC-2", 1, 2, 3)
	c.At, c.ReadMail, c.Open, c.Messages = at(300), 2, false, say("", "later: this goes").Messages
	c.Tasks = []bot.Task{task("INC-2", "INC-2/3.0", workflow.ClassPage, "later")}
	c.Group = &bot.GroupHold{Key: "h"}
	c.Records = []bot.RecordChange{{Kind: "k", ID: "a", Version: 2, Body: []byte("3")}}
	must1(s.Commit(ctx, c))(t)
	take(t, s, at(301), ended(fire("c", "h"), at(301)))
	shelve(t, s, "INC-1", true)
	one := s.Watch(ctx, "INC-1")
	for range 2 {
		if err := s.Import(ctx, reread(t, pieces)); err != nil {
			t.Fatal(err)
		}
		if got, want := lines(t, export(t, s, 100)), lines(t, pieces); got != want {
			t.Fatalf("written over it is\n%s\nwant\n%s", got, want)
		}
	}
	if !told(one) {
		t.Error("nobody is told")
	}
	wantOver(t, s, "INC-1 INC-10 | ")
	lower := *pieces[0].Counter - 5
	if err := s.Import(ctx, []bot.ArchiveItem{{Key: "counter", Counter: &lower}}); err != nil {
		t.Fatal(err)
	}
	if n := mustReserve(t, s); n != 13 {
		t.Errorf("the next number is %d", n)
	}
}
