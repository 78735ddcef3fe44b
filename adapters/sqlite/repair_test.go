package sqlite_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/sqlite"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// storeWithTasks returns a store in which five incidents owe three tasks each, and a
// closed one owes a last post.
func storeWithTasks(t *testing.T) *sqlite.Store {
	t.Helper()
	s := open(t, file(t))
	for n := 1; n <= 6; n++ {
		id := fmt.Sprint("INC-", n)
		c := wakeCommit(id, 0, bottest.Epoch.Add(time.Duration(n)*time.Minute))
		for k, lane := range []workflow.Lane{{Class: workflow.ClassPage, Destination: "page:1"}, {Class: workflow.ClassUpdate, Destination: "room"}, {Class: workflow.ClassUpdate, Destination: "room"}} {
			c.Tasks = append(c.Tasks, bot.Task{ID: fmt.Sprintf("%s/1.%d", id, k), Owner: id, Lane: lane, Due: bottest.Epoch.Add(time.Duration(k) * time.Second), Body: []byte("task")})
		}
		if n == 6 {
			c.Open, c.WakeAt, c.Tasks = false, time.Time{}, c.Tasks[1:2]
		}
		if _, err := s.Commit(t.Context(), c); err != nil {
			t.Fatal(err)
		}
	}
	return s
}

// listClaimable lists the tasks that are due within an hour. Its leases end at once.
func listClaimable(t *testing.T, s *sqlite.Store) string {
	t.Helper()
	leases, err := s.Claim(t.Context(), bot.Claim{At: bottest.Epoch.Add(time.Hour), For: -time.Hour, Limit: 100, Classes: everyClass})
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, l := range leases {
		all = append(all, fmt.Sprintf("%s %s %s", l.Owner, l.ID, l.Due.Format("04:05")))
	}
	return strings.Join(all, "\n")
}

// TestE13Repair damages the agenda: an audit in slices repairs it completely, reports
// each repair, and finds nothing the second time.
func TestE13Repair(t *testing.T) {
	at := bottest.Epoch.Add(2*time.Minute + 30*time.Second)
	for name, c := range map[string]struct {
		damage []string
		want   []string
	}{
		"nothing": {},
		"empty": {[]string{"DELETE FROM lane"}, []string{
			"INC-1, lane 20 page:1: missing", "INC-1, lane 25 wake: missing", "INC-1, lane 50 room: missing", "INC-6, lane 50 room: missing",
		}},
		"wrong instants": {[]string{"UPDATE lane SET due = due + 5000000000 WHERE number = 2"}, []string{
			"INC-2, lane 20 page:1: in the agenda at 2026-03-02T03:00:05Z instead of 2026-03-02T03:00:00Z", "INC-2, lane 25", "INC-2, lane 50",
		}},
		"nothing owed": {[]string{"INSERT INTO lane VALUES (3, 50, 'nowhere', 0), (77, 20, 'page', 0)"}, []string{
			"INC-3, lane 50 nowhere: in the agenda, with nothing owed", "INC-77, lane 20 page: in the agenda",
		}},
		"no wake-up":    {[]string{"UPDATE incident SET wake_due = 0 WHERE number = 4", "DELETE FROM lane WHERE number = 4 AND class = 25"}, []string{"INC-4: the standing wake-up was at no instant"}},
		"late wake-up":  {[]string{"UPDATE incident SET wake_due = wake_due * 2, wake_set_for = wake_set_for * 2 WHERE number = 5"}, []string{"INC-5: the standing wake-up was at 20"}},
		"stray wake-up": {[]string{"UPDATE incident SET wake_due = 5 WHERE number = 6"}, []string{"INC-6: the standing wake-up was at 1970-01-01T00:00:00.000000005Z instead of no instant"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := storeWithTasks(t)
			want := listClaimable(t, s)
			execRaw(t, s, c.damage...)
			var sum bot.Repairs
			for after, turns := 0, 0; ; turns++ {
				m, err := s.Repair(t.Context(), bot.RepairQuery{At: at, After: after, Limit: 2})
				if err != nil || turns > 9 {
					t.Fatal(turns, err)
				}
				sum.Checked, sum.Overdue, sum.Repaired = sum.Checked+m.Checked, sum.Overdue+m.Overdue, append(sum.Repaired, m.Repaired...)
				if after = m.Next; after == 0 {
					break
				}
			}
			for _, w := range c.want {
				if !slices.ContainsFunc(sum.Repaired, func(line string) bool { return strings.HasPrefix(line, w) }) {
					t.Errorf("no repair begins with %q", w)
				}
			}
			if len(c.want) == 0 && len(sum.Repaired) > 0 || t.Failed() {
				t.Errorf("repaired:\n%s", strings.Join(sum.Repaired, "\n"))
			}
			if got := listClaimable(t, s); got != want {
				t.Errorf("after the repair:\n%s\nwant:\n%s", got, want)
			}
			if sum.Checked < 6 || sum.Overdue != 12 { // pages and rooms of all, the wake-up of the first
				t.Errorf("checked %d, overdue %d", sum.Checked, sum.Overdue)
			}
			again, err := s.Repair(t.Context(), bot.RepairQuery{At: at, Limit: 100})
			if err != nil || len(again.Repaired) != 0 || again.Next != 0 {
				t.Errorf("repaired again: %+v, %v", again, err)
			}
		})
	}
}

// TestE13RepairLeased: a leased or postponed task is neither overdue nor reported as
// damage.
func TestE13RepairLeased(t *testing.T) {
	s := storeWithTasks(t)
	leases, err := s.Claim(t.Context(), bot.Claim{At: bottest.Epoch.Add(10 * time.Minute), For: time.Hour, Limit: 100, Classes: everyClass})
	if err != nil || len(leases) != 16 {
		t.Fatalf("claimed %d, %v", len(leases), err)
	}
	at := bottest.Epoch.Add(20 * time.Minute)
	if m, err := s.Repair(t.Context(), bot.RepairQuery{At: at, Limit: 100}); err != nil || m.Overdue != 0 || len(m.Repaired) != 0 {
		t.Fatalf("repaired %+v, %v", m, err)
	}
	for _, l := range leases {
		if err := s.Postpone(t.Context(), l, at); err != nil {
			t.Fatal(err)
		}
	}
	if m, err := s.Repair(t.Context(), bot.RepairQuery{At: at, Limit: 100}); err != nil || m.Overdue != 0 || len(m.Repaired) != 0 {
		t.Fatalf("repaired %+v, %v", m, err)
	}
}
