package sqlite_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"tocsin/adapters/sqlite"
	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
)

// openAgain opens a file, calls do, and closes it.
func openAgain(t *testing.T, path string, do func(s *sqlite.Store)) {
	t.Helper()
	s, err := sqlite.Open(t.Context(), sqlite.Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	do(s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

func wantListed(t *testing.T, s bot.Store) {
	t.Helper()
	if err := bottest.CheckListed(t.Context(), s); err != nil {
		t.Error(err)
	}
}

// takeStub reserves an incident that has no first step yet.
func takeStub(t *testing.T, s *sqlite.Store) {
	t.Helper()
	b := alerts.Batch{At: bottest.Epoch, Arrivals: []alerts.Arrival{{Integration: "i", Group: "stub", Severity: 2, Alert: alerts.Alert{Key: "a", Title: "Disk full", State: alerts.Firing}}}}
	if _, err := s.Take(t.Context(), b); err != nil {
		t.Fatal(err)
	}
}

// TestE14EarlierFile: a file of the same layout from a build that knew no lists by need is
// listed when it is opened, however many incidents are open in it (E14: lists are by need).
func TestE14EarlierFile(t *testing.T) {
	earlier, err := os.ReadFile("schema.sql")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(earlier), "listed") {
		t.Fatal("schema.sql is frozen: additions.sql has what was added")
	}
	for _, many := range []int{0, 1, 499, 500, 1201} {
		path := file(t)
		openAgain(t, path, func(s *sqlite.Store) {
			bottest.OpenIncidents(t, s, 1, many)
			takeStub(t, s)
			c := bottest.OpenIncident(t, many+10)
			c.Open = false
			if _, err := s.Commit(t.Context(), c); err != nil {
				t.Fatal(err)
			}
			execRaw(t, s, "DROP TABLE listed", "ALTER TABLE incident DROP COLUMN listing", "ALTER TABLE incident DROP COLUMN listing_version")
		})
		for range 2 {
			openAgain(t, path, func(s *sqlite.Store) {
				wantListed(t, s)
				if c, err := s.CountOpen(t.Context(), ""); err != nil || c.Open != many+1 {
					t.Errorf("%d of %d are listed, %v", c.Open, many+1, err)
				}
			})
		}
	}
}

// TestE14EarlierBuild: what a build that knows no lists writes into a file that has them is
// listed at the next opening: steps, ends and new incidents.
func TestE14EarlierBuild(t *testing.T) {
	path := file(t)
	openAgain(t, path, func(s *sqlite.Store) {
		bottest.OpenIncidents(t, s, 1, 30)
		execRaw(
			t, s,
			"UPDATE incident SET version = version + 1 WHERE number <= 3",
			"UPDATE state SET body = (SELECT body FROM state WHERE number = 28) WHERE number <= 3",
			"UPDATE incident SET version = version + 1, open = 0 WHERE number BETWEEN 4 AND 9",
			"INSERT INTO incident SELECT 40, version, open, previous, wake_at, mail_seq, read_seq, read_at, mail_due, wake_rev, wake_set_for, wake_due, wake_attempt, task_seq, changed, archived, '', -1 FROM incident WHERE number = 30",
			"INSERT INTO state SELECT 40, body FROM state WHERE number = 30",
		)
	})
	openAgain(t, path, func(s *sqlite.Store) { wantListed(t, s) })
}

// TestE13RepairListed: an audit lists what is missing from the lists, and says so.
func TestE13RepairListed(t *testing.T) {
	s := open(t, file(t))
	bottest.OpenIncidents(t, s, 1, 12)
	execRaw(t, s, "DELETE FROM listed WHERE number IN (2, 5) OR tag = 'private'", "UPDATE incident SET listing_version = 9 WHERE number = 7")
	m, err := s.Repair(t.Context(), bot.RepairQuery{At: bottest.Epoch, Limit: 100})
	want := []string{
		"INC-2: missing from the lists of open incidents", "INC-5: missing from the lists of open incidents", "INC-7: its place in the lists was that of another version",
		"INC-10: missing from the lists of open incidents",
	}
	if err != nil || !slices.Equal(m.Repaired, want) {
		t.Errorf("repaired %q, %v", m.Repaired, err)
	}
	wantListed(t, s)
	if m, err = s.Repair(t.Context(), bot.RepairQuery{At: bottest.Epoch, Limit: 100}); err != nil || len(m.Repaired) > 0 {
		t.Errorf("repaired again %q, %v", m.Repaired, err)
	}
}
