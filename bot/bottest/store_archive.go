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

// endIncident commits the last step of an incident: it is closed, has no unread mail and
// no deadline, and releases its group.
func endIncident(t *testing.T, s bot.Store, id string, when time.Time, group string) {
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

// addEndedIncident adds INC-1: alerts a and b of group g opened it, it has three events
// and three messages, a page was sent, and it was closed after 100 s.
func addEndedIncident(t *testing.T, s bot.Store) {
	t.Helper()
	take(t, s, at(0), fire("a", "g"), fire("b", "g"))
	c := commitOf("INC-1", 0, 1, 2)
	c.At, c.ReadMail, c.Group, c.WakeAt = at(1), 1, &bot.GroupHold{Key: "g", Always: true}, at(300)
	c.Messages = messageCommit("", "m1: hello", "m2: who is on it?").Messages
	c.Tasks = []bot.Task{task("INC-1", "INC-1/1.0", workflow.ClassPage, "page:1")}
	c.Operation, c.Reply = "op-1", []byte("declared")
	must1(s.Commit(t.Context(), c))(t)
	if err := settle(t, s, claim(t, s, at(2))[0]); err != nil {
		t.Fatal(err)
	}
	must1(s.Commit(t.Context(), messageCommit("INC-1", "m3: me")))(t)
	take(t, s, at(50), resolved(fire("a", "g"), at(50)), resolved(fire("b", "g"), at(50)))
	endIncident(t, s, "INC-1", at(100), "g")
}

// archive archives an incident, and wants this result.
func archive(t *testing.T, s bot.Store, id string, want bool) {
	t.Helper()
	if got := must1(s.Archive(t.Context(), id))(t); got != want {
		t.Fatalf("archived %s: %v, want %v", id, got, want)
	}
}

// forget forgets an incident, and wants this result.
func forget(t *testing.T, s bot.Store, id string, want bool) {
	t.Helper()
	if got := must1(s.Forget(t.Context(), id))(t); got != want {
		t.Fatalf("forgotten %s: %v, want %v", id, got, want)
	}
}

// listEnded returns the ended incidents that are not archived, a bar, and those that are.
func listEnded(t *testing.T, s bot.Store, before time.Time, limit int) string {
	t.Helper()
	ended := must1(s.ListEnded(t.Context(), bot.EndedQuery{Before: before, Limit: limit}))(t)
	archived := must1(s.ListEnded(t.Context(), bot.EndedQuery{Before: before, Limit: limit, Archived: true}))(t)
	return strings.Join(ended, " ") + " | " + strings.Join(archived, " ")
}

func wantEnded(t *testing.T, s bot.Store, want string) {
	t.Helper()
	if got := listEnded(t, s, at(1_000_000), 100); got != want {
		t.Fatalf("ended and archived are %q, want %q", got, want)
	}
}

// dumpReads is everything that can be read of an incident, and the lists.
func dumpReads(t *testing.T, s bot.Store, id string) string {
	t.Helper()
	ctx := t.Context()
	all := []any{dumpIncident(t, s, id)}
	for _, open := range []bool{true, false} {
		page := must1(s.List(ctx, bot.Query{Open: open, Limit: 100}))(t)
		for n := range page {
			page[n].Mail = nil // a list may or may not have mail
		}
		all = append(all, page)
	}
	return string(must1(json.MarshalIndent(all, "", " "))(t))
}

// dumpIncident is everything that can be read of an incident.
func dumpIncident(t *testing.T, s bot.Store, id string) string {
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

// testArchive: readers find an archived incident as before, and watchers are not notified.
func testArchive(t *testing.T, s bot.Store) {
	addEndedIncident(t, s)
	must1(s.Commit(t.Context(), commitOf("INC-2", 0, 1)))(t)
	before := dumpReads(t, s, "INC-1")
	one, all := s.Watch(t.Context(), "INC-1"), s.Watch(t.Context(), "")
	wantEnded(t, s, "INC-1 | ")
	for range 2 { // the second time it is archived already
		archive(t, s, "INC-1", true)
		wantEnded(t, s, " | INC-1")
		if after := dumpReads(t, s, "INC-1"); after != before {
			t.Fatalf("archived, it reads\n%s\nand before\n%s", after, before)
		}
	}
	if isNotified(one) || isNotified(all) {
		t.Error("watchers are notified of a change that no reader can see")
	}
	if due := must1(s.NextDue(t.Context(), everyClass))(t); !due.IsZero() {
		t.Errorf("something is due at %s", due)
	}
	// A commit that depends on another version is still refused.
	_, err := s.Commit(t.Context(), commitOf("INC-1", 1, 4))
	wantError(t, err, bot.ErrConflict)
	must1(s.Commit(t.Context(), bot.Commit{At: at(101), Incident: "INC-1", Records: []bot.RecordChange{{Kind: "k", ID: "a", Body: []byte("1")}}}))(t)
	if m := must1(s.Repair(t.Context(), bot.RepairQuery{At: at(200), Limit: 100}))(t); len(m.Repaired) != 0 || m.Overdue != 0 {
		t.Errorf("repaired %+v", m)
	}
	wantEnded(t, s, " | INC-1")
}

// testArchiveRefused: an incident that has not ended or owes something is not archived.
func testArchiveRefused(t *testing.T, s bot.Store) {
	ctx := t.Context()
	archive(t, s, "INC-1", false) // it does not exist
	take(t, s, at(0), fire("a", "g"))
	archive(t, s, "INC-1", false) // a stub
	c := commitOf("INC-1", 0, 1)
	c.ReadMail = 1
	must1(s.Commit(ctx, c))(t)
	archive(t, s, "INC-1", false) // open
	c = commitOf("INC-1", 1, 2)
	c.Open, c.WakeAt = false, at(500)
	must1(s.Commit(ctx, c))(t)
	archive(t, s, "INC-1", false) // it wakes later
	c = commitOf("INC-1", 2, 3)
	c.Open, c.Tasks = false, []bot.Task{task("INC-1", "INC-1/3.0", workflow.ClassUpdate, "room")}
	must1(s.Commit(ctx, c))(t)
	archive(t, s, "INC-1", false) // a last post is owed
	lease := claim(t, s, at(600))
	archive(t, s, "INC-1", false) // and leased
	if err := settle(t, s, lease[0]); err != nil {
		t.Fatal(err)
	}
	take(t, s, at(601), resolved(fire("a", "g"), at(601)))
	archive(t, s, "INC-1", false) // mail is unread
	wantEnded(t, s, "INC-1 | ")
	endIncident(t, s, "INC-1", at(602), "")
	archive(t, s, "INC-1", true)
}

// testArchivedRestored: a change restores an archived incident completely, in the same
// commit.
func testArchivedRestored(t *testing.T, s bot.Store) {
	ctx := t.Context()
	addEndedIncident(t, s)
	archive(t, s, "INC-1", true)

	// A step that is refused does not restore it.
	c := commitOf("INC-1", 2, 4)
	c.Records = []bot.RecordChange{{Kind: "k", ID: "a", Version: 7, Body: []byte("1")}}
	_, err := s.Commit(ctx, c)
	wantError(t, err, bot.ErrConflict)
	wantEnded(t, s, " | INC-1")

	must1(s.Commit(ctx, messageCommit("INC-1", "m2: again", "m4: looking back")))(t)
	wantEnded(t, s, "INC-1 | ")
	wantMessages(t, s, "INC-1", "1 m1: hello, 2 m2: who is on it?, 3 m3: me, 4 m4: looking back")
	archive(t, s, "INC-1", true)

	c = commitOf("INC-1", 2, 4) // reopened
	c.At, c.WakeAt, c.Group = at(200), at(260), &bot.GroupHold{Key: "g", Always: true}
	c.Tasks = []bot.Task{task("INC-1", "INC-1/4.0", workflow.ClassPage, "page:4")}
	c.Messages = messageCommit("", "m5: open again").Messages
	if r := must1(s.Commit(ctx, c))(t); r.Version != 3 {
		t.Errorf("receipt %+v", r)
	}
	wantEnded(t, s, " | ")
	archive(t, s, "INC-1", false)
	var events []string
	for _, e := range must1(s.History(ctx, "INC-1", 0, 100))(t) {
		events = append(events, string(e))
	}
	if want := []string{"event 1", "event 2", "event 3", "event 4"}; !slices.Equal(events, want) {
		t.Errorf("events %q, want %q", events, want)
	}
	wantMessages(t, s, "INC-1", "1 m1: hello, 2 m2: who is on it?, 3 m3: me, 4 m4: looking back, 5 m5: open again")
	if l := must1(s.Load(ctx, "INC-1"))(t); string(l.Snapshot) != "state 3 of INC-1" || l.Version != 3 || len(l.Mail) != 0 {
		t.Errorf("loaded %+v", l)
	}
	if got := joinNames(claim(t, s, at(260))); got != "INC-1:INC-1/4.0 INC-1:wake" {
		t.Errorf("claimed %s", got)
	}
	// The numbers of mail go on.
	take(t, s, at(261), firingSince(fire("a", "g"), at(261)))
	if l := must1(s.Load(ctx, "INC-1"))(t); len(l.Mail) != 1 || l.Mail[0].Seq != 3 {
		t.Errorf("mail %+v", l.Mail)
	}
}

// testArchivedAlert: an alert of an archived incident restores it and wakes it.
func testArchivedAlert(t *testing.T, s bot.Store) {
	ctx := t.Context()
	addEndedIncident(t, s)
	take(t, s, at(101), fire("z", "h")) // INC-2, which is closed while z fires
	endIncident(t, s, "INC-2", at(102), "h")
	c := commitOf("INC-1", 2, 4) // and INC-1 still holds its group
	c.At, c.Open, c.Group = at(103), false, &bot.GroupHold{Key: "g", Always: true}
	must1(s.Commit(ctx, c))(t)
	archive(t, s, "INC-1", true)
	archive(t, s, "INC-2", true)
	all := s.Watch(ctx, "")

	got := take(t, s, at(1000), firingSince(fire("a", "g"), at(999)), resolved(fire("z", "h"), at(999)))
	want := []alerts.Receipt{{Change: alerts.Again, Incident: "INC-1"}, {Change: alerts.Ended, Incident: "INC-2"}}
	if !slices.Equal(got, want) {
		t.Fatalf("taken %+v, want %+v", got, want)
	}
	if !isNotified(all) {
		t.Error("watchers are not notified of the mail")
	}
	wantEnded(t, s, "INC-2 INC-1 | ")
	for id, seq := range map[string]int{"INC-1": 3, "INC-2": 2} {
		if l := must1(s.Load(ctx, id))(t); len(l.Mail) != 1 || l.Mail[0].Seq != seq || l.Snapshot == nil {
			t.Errorf("%s: loaded %+v", id, l)
		}
	}
	if got := joinNames(claim(t, s, at(1000))); got != "INC-1:wake INC-2:wake" {
		t.Errorf("claimed %s", got)
	}
	archive(t, s, "INC-1", false)
	wantMessages(t, s, "INC-1", "1 m1: hello, 2 m2: who is on it?, 3 m3: me")
	if history := must1(s.History(ctx, "INC-1", 0, 100))(t); len(history) != 4 {
		t.Errorf("%d events", len(history))
	}
}
