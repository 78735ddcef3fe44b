package bottest

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// ends commits the last step of an incident: it is closed, has read its mail,
// waits for nothing, and gives its group up.
func ends(t *testing.T, s bot.Store, id string, when time.Time, group string) {
	t.Helper()
	l := must1(s.Load(t.Context(), id))(t)
	c := commitOf(id, l.Version, len(must1(s.History(t.Context(), id, 0, 1000))(t))+1)
	c.At, c.Open = when, false
	if len(l.Mail) > 0 {
		c.ReadMail = l.Mail[len(l.Mail)-1].Seq
	}
	if group != "" {
		c.Group = &bot.GroupHold{Key: group}
	}
	must1(s.Commit(t.Context(), c))(t)
}

// past makes INC-1: alerts a and b of group g opened it, it had three events
// and three messages, a page was sent, and all of it is over since 100 s.
func past(t *testing.T, s bot.Store) {
	t.Helper()
	take(t, s, at(0), fire("a", "g"), fire("b", "g"))
	c := commitOf("INC-1", 0, 1, 2)
	c.At, c.ReadMail, c.Group, c.WakeAt = at(1), 1, &bot.GroupHold{Key: "g", Always: true}, at(300)
	c.Messages = say("", "m1: hello", "m2: who is on it?").Messages
	c.Tasks = []bot.Task{task("INC-1", "INC-1/1.0", workflow.ClassPage, "page:1")}
	c.Operation, c.Reply = "op-1", []byte("declared")
	must1(s.Commit(t.Context(), c))(t)
	if err := settle(t, s, claim(t, s, at(2))[0]); err != nil {
		t.Fatal(err)
	}
	must1(s.Commit(t.Context(), say("INC-1", "m3: me")))(t)
	take(t, s, at(50), ended(fire("a", "g"), at(50)), ended(fire("b", "g"), at(50)))
	ends(t, s, "INC-1", at(100), "g")
}

func shelve(t *testing.T, s bot.Store, id string, want bool) {
	t.Helper()
	if got := must1(s.Archive(t.Context(), id))(t); got != want {
		t.Fatalf("shelved %s: %v, want %v", id, got, want)
	}
}

func forget(t *testing.T, s bot.Store, id string, want bool) {
	t.Helper()
	if got := must1(s.Forget(t.Context(), id))(t); got != want {
		t.Fatalf("forgot %s: %v, want %v", id, got, want)
	}
}

// over is what is over and not shelved, and then what is shelved.
func over(t *testing.T, s bot.Store, before time.Time, limit int) string {
	t.Helper()
	open := must1(s.ListEnded(t.Context(), bot.EndedQuery{Before: before, Limit: limit}))(t)
	shelved := must1(s.ListEnded(t.Context(), bot.EndedQuery{Before: before, Limit: limit, Archived: true}))(t)
	return strings.Join(open, " ") + " | " + strings.Join(shelved, " ")
}

func wantOver(t *testing.T, s bot.Store, want string) {
	t.Helper()
	if got := over(t, s, at(1_000_000), 100); got != want {
		t.Fatalf("over and shelved are %q, want %q", got, want)
	}
}

// seen is all that can be read of an incident, and the lists.
func seen(t *testing.T, s bot.Store, id string) string {
	t.Helper()
	ctx := t.Context()
	all := []any{seenOne(t, s, id)}
	for _, open := range []bool{true, false} {
		page := must1(s.List(ctx, bot.Query{Open: open, Limit: 100}))(t)
		for n := range page {
			page[n].Mail = nil // what a list says of mail is open
		}
		all = append(all, page)
	}
	return string(must1(json.MarshalIndent(all, "", " "))(t))
}

// seenOne is all that can be read of an incident.
func seenOne(t *testing.T, s bot.Store, id string) string {
	t.Helper()
	ctx := t.Context()
	l := must1(s.Load(ctx, id))(t)
	if len(l.Mail) == 0 {
		l.Mail = nil
	}
	all := []any{l}
	for _, p := range [][2]int{{0, 100}, {0, 1}, {1, 1}, {2, 100}, {3, 5}} {
		all = append(all, must1(s.History(ctx, id, p[0], p[1]))(t), must1(s.Messages(ctx, id, p[0], p[1]))(t))
	}
	all = append(all, must1(s.Firing(ctx, id, "", 100))(t))
	return string(must1(json.MarshalIndent(all, "", " "))(t))
}

// shelves: readers find a shelved incident as before, and hear nothing of it.
func shelves(t *testing.T, s bot.Store) {
	past(t, s)
	must1(s.Commit(t.Context(), commitOf("INC-2", 0, 1)))(t)
	before := seen(t, s, "INC-1")
	one, all := s.Watch(t.Context(), "INC-1"), s.Watch(t.Context(), "")
	wantOver(t, s, "INC-1 | ")
	for range 2 { // the second time it is there already
		shelve(t, s, "INC-1", true)
		wantOver(t, s, " | INC-1")
		if after := seen(t, s, "INC-1"); after != before {
			t.Fatalf("shelved, it reads\n%s\nand before\n%s", after, before)
		}
	}
	if told(one) || told(all) {
		t.Error("watchers are told of what no reader can see")
	}
	if due := must1(s.NextDue(t.Context(), every))(t); !due.IsZero() {
		t.Errorf("something is due at %s", due)
	}
	// What depends on another version than the one it has is still refused.
	_, err := s.Commit(t.Context(), commitOf("INC-1", 1, 4))
	wants(t, err, bot.ErrConflict)
	must1(s.Commit(t.Context(), bot.Commit{At: at(101), Incident: "INC-1", Records: []bot.RecordChange{{Kind: "k", ID: "a", Body: []byte("1")}}}))(t)
	if m := must1(s.Repair(t.Context(), bot.RepairQuery{At: at(200), Limit: 100}))(t); len(m.Repaired) != 0 || m.Overdue != 0 {
		t.Errorf("mended %+v", m)
	}
	wantOver(t, s, " | INC-1")
}

// shelveRefuses: what is not over yet stays as it is.
func shelveRefuses(t *testing.T, s bot.Store) {
	ctx := t.Context()
	shelve(t, s, "INC-1", false) // it is not there
	take(t, s, at(0), fire("a", "g"))
	shelve(t, s, "INC-1", false) // a stub
	c := commitOf("INC-1", 0, 1)
	c.ReadMail = 1
	must1(s.Commit(ctx, c))(t)
	shelve(t, s, "INC-1", false) // open
	c = commitOf("INC-1", 1, 2)
	c.Open, c.WakeAt = false, at(500)
	must1(s.Commit(ctx, c))(t)
	shelve(t, s, "INC-1", false) // it wakes later
	c = commitOf("INC-1", 2, 3)
	c.Open, c.Tasks = false, []bot.Task{task("INC-1", "INC-1/3.0", workflow.ClassUpdate, "room")}
	must1(s.Commit(ctx, c))(t)
	shelve(t, s, "INC-1", false) // a last post is owed
	lease := claim(t, s, at(600))
	shelve(t, s, "INC-1", false) // and being sent
	if err := settle(t, s, lease[0]); err != nil {
		t.Fatal(err)
	}
	take(t, s, at(601), ended(fire("a", "g"), at(601)))
	shelve(t, s, "INC-1", false) // mail is unread
	wantOver(t, s, "INC-1 | ")
	ends(t, s, "INC-1", at(602), "")
	shelve(t, s, "INC-1", true)
}

// shelvedBack: whatever changes an incident brings it back whole, in the same
// commit.
func shelvedBack(t *testing.T, s bot.Store) {
	ctx := t.Context()
	past(t, s)
	shelve(t, s, "INC-1", true)

	// A step that is refused brings nothing back.
	c := commitOf("INC-1", 2, 4)
	c.Records = []bot.RecordChange{{Kind: "k", ID: "a", Version: 7, Body: []byte("1")}}
	_, err := s.Commit(ctx, c)
	wants(t, err, bot.ErrConflict)
	wantOver(t, s, " | INC-1")

	must1(s.Commit(ctx, say("INC-1", "m2: again", "m4: looking back")))(t)
	wantOver(t, s, "INC-1 | ")
	wantTalk(t, s, "INC-1", "1 m1: hello, 2 m2: who is on it?, 3 m3: me, 4 m4: looking back")
	shelve(t, s, "INC-1", true)

	c = commitOf("INC-1", 2, 4) // reopened
	c.At, c.WakeAt, c.Group = at(200), at(260), &bot.GroupHold{Key: "g", Always: true}
	c.Tasks = []bot.Task{task("INC-1", "INC-1/4.0", workflow.ClassPage, "page:4")}
	c.Messages = say("", "m5: open again").Messages
	if r := must1(s.Commit(ctx, c))(t); r.Version != 3 {
		t.Errorf("receipt %+v", r)
	}
	wantOver(t, s, " | ")
	shelve(t, s, "INC-1", false)
	var events []string
	for _, e := range must1(s.History(ctx, "INC-1", 0, 100))(t) {
		events = append(events, string(e))
	}
	if want := []string{"event 1", "event 2", "event 3", "event 4"}; !slices.Equal(events, want) {
		t.Errorf("events %q, want %q", events, want)
	}
	wantTalk(t, s, "INC-1", "1 m1: hello, 2 m2: who is on it?, 3 m3: me, 4 m4: looking back, 5 m5: open again")
	if l := must1(s.Load(ctx, "INC-1"))(t); string(l.Snapshot) != "state 3 of INC-1" || l.Version != 3 || len(l.Mail) != 0 {
		t.Errorf("loaded %+v", l)
	}
	if got := names(claim(t, s, at(260))); got != "INC-1:INC-1/4.0 INC-1:wake" {
		t.Errorf("claimed %s", got)
	}
	// Mail that comes now is numbered after what was read before.
	take(t, s, at(261), since(fire("a", "g"), at(261)))
	if l := must1(s.Load(ctx, "INC-1"))(t); len(l.Mail) != 1 || l.Mail[0].Seq != 3 {
		t.Errorf("mail %+v", l.Mail)
	}
}

// shelvedAlert: an alert finds its incident on the shelf, and wakes it.
func shelvedAlert(t *testing.T, s bot.Store) {
	ctx := t.Context()
	past(t, s)
	take(t, s, at(101), fire("z", "h")) // INC-2, which is closed while z fires
	ends(t, s, "INC-2", at(102), "h")
	c := commitOf("INC-1", 2, 4) // and INC-1 still answers for its group
	c.At, c.Open, c.Group = at(103), false, &bot.GroupHold{Key: "g", Always: true}
	must1(s.Commit(ctx, c))(t)
	shelve(t, s, "INC-1", true)
	shelve(t, s, "INC-2", true)
	all := s.Watch(ctx, "")

	got := take(t, s, at(1000), since(fire("a", "g"), at(999)), ended(fire("z", "h"), at(999)))
	want := []alerts.Receipt{{Change: alerts.Again, Incident: "INC-1"}, {Change: alerts.Ended, Incident: "INC-2"}}
	if !slices.Equal(got, want) {
		t.Fatalf("taken %+v, want %+v", got, want)
	}
	if !told(all) {
		t.Error("nobody is told of the mail")
	}
	wantOver(t, s, "INC-2 INC-1 | ")
	for id, seq := range map[string]int{"INC-1": 3, "INC-2": 2} {
		if l := must1(s.Load(ctx, id))(t); len(l.Mail) != 1 || l.Mail[0].Seq != seq || l.Snapshot == nil {
			t.Errorf("%s: loaded %+v", id, l)
		}
	}
	if got := names(claim(t, s, at(1000))); got != "INC-1:wake INC-2:wake" {
		t.Errorf("claimed %s", got)
	}
	shelve(t, s, "INC-1", false)
	wantTalk(t, s, "INC-1", "1 m1: hello, 2 m2: who is on it?, 3 m3: me")
	if history := must1(s.History(ctx, "INC-1", 0, 100))(t); len(history) != 4 {
		t.Errorf("%d events", len(history))
	}
}
