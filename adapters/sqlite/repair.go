package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"maps"
	"slices"
	"time"

	"tocsin/bot"
)

// Repair implements [bot.Agenda]. The rows of incidents and tasks say what is owed; the
// table lane is compared with them and corrected where it differs (E1: the incident's
// record is the truth; E13: the auditor repairs and reports). Closed incidents that still owe
// something, for example a last post, are checked like open ones.
func (s *Store) Repair(ctx context.Context, q bot.RepairQuery) (bot.Repairs, error) {
	var m bot.Repairs
	err := s.queue.submit(ctx, &request{do: func(t *tx) (err error) {
		m, err = t.repair(q)
		return t.fail(err)
	}})
	if err != nil {
		return bot.Repairs{}, fmt.Errorf("repair the agenda: %w", err)
	}
	return m, nil
}

// audit is one slice of an audit: when each lane should be due, and when it is due in
// the agenda.
type audit struct {
	numbers           []int64
	expected, indexed map[laneKey]int64
	repaired          []string
}

func (t *tx) repair(q bot.RepairQuery) (bot.Repairs, error) {
	// Changes that the transaction has collected would look like damage.
	if err := t.flush(); err != nil {
		return bot.Repairs{}, err
	}
	a := &audit{expected: map[laneKey]int64{}, indexed: map[laneKey]int64{}}
	if err := a.read(t, q); err != nil {
		return bot.Repairs{}, err
	}
	m := bot.Repairs{Checked: len(a.numbers), Repaired: a.repaired}
	if len(a.numbers) == q.Limit && q.Limit > 0 {
		m.Next = int(a.numbers[len(a.numbers)-1])
	}
	at := nanos(q.At)
	for _, k := range a.lanes() {
		wrong, err := a.repair(t, k)
		if err != nil {
			return bot.Repairs{}, err
		}
		if wrong != "" {
			m.Repaired = append(m.Repaired, fmt.Sprintf("%s, lane %d %s: %s", optionalID(k.number), k.class, k.destination, wrong))
		}
		if due, owed := a.expected[k]; owed && at-due > int64(time.Minute) && t.leases.isFree(k, at) {
			m.Overdue++
		}
	}
	return m, nil
}

func (a *audit) lanes() []laneKey {
	keys := slices.AppendSeq(slices.Collect(maps.Keys(a.expected)), maps.Keys(a.indexed))
	slices.SortFunc(keys, func(x, y laneKey) int {
		return cmp.Or(cmp.Compare(x.number, y.number), cmp.Compare(x.class, y.class), cmp.Compare(x.destination, y.destination))
	})
	return slices.Compact(keys)
}

// repair corrects one lane of the agenda, and returns what was wrong.
func (a *audit) repair(t *tx, k laneKey) (string, error) {
	due, owed := a.expected[k]
	indexed, found := a.indexed[k]
	switch {
	case owed && !found:
		return "missing from the agenda", t.addLane(k, due)
	case !owed:
		return "in the agenda, with nothing owed", t.dropLane(k)
	case due != indexed:
		t.classes.add(k.class)
		return fmt.Sprintf("in the agenda at %s instead of %s", formatInstant(indexed), formatInstant(due)), t.moveLane(k, due)
	}
	return "", nil
}

// formatInstant formats an instant for a report.
func formatInstant(n int64) string {
	if n == 0 {
		return "no instant"
	}
	return instant(n).Format(time.RFC3339Nano)
}

// read reads a slice of incidents with their lanes.
func (a *audit) read(t *tx, q bot.RepairQuery) error {
	err := t.each(`SELECT number FROM (
			SELECT number FROM (SELECT number FROM incident INDEXED BY incident_open WHERE open AND number > ?1 ORDER BY number LIMIT ?2)
			UNION SELECT number FROM (SELECT number FROM incident INDEXED BY incident_wake WHERE wake_due <> 0 AND number > ?1 ORDER BY number LIMIT ?2)
			UNION SELECT number FROM (SELECT DISTINCT number FROM task WHERE number > ?1 ORDER BY number LIMIT ?2)
			UNION SELECT number FROM (SELECT DISTINCT number FROM lane WHERE number > ?1 ORDER BY number LIMIT ?2)
		) ORDER BY number LIMIT ?2`, func(row []driver.Value) (bool, error) {
		a.numbers = append(a.numbers, number(row[0]))
		return true, nil
	}, int64(q.After), int64(max(q.Limit, 0)))
	if err != nil || len(a.numbers) == 0 {
		return err
	}
	last := a.numbers[len(a.numbers)-1]
	err = t.each("SELECT number, class, destination, due FROM lane WHERE number > ? AND number <= ?", func(row []driver.Value) (bool, error) {
		a.indexed[laneKey{number(row[0]), number(row[1]), text(row[2])}] = number(row[3])
		return true, nil
	}, int64(q.After), last)
	if err != nil {
		return err
	}
	err = t.each("SELECT number, class, destination, due FROM task WHERE number > ? AND number <= ? ORDER BY number, class, destination, position",
		func(row []driver.Value) (bool, error) {
			k := laneKey{number(row[0]), number(row[1]), text(row[2])}
			if _, ok := a.expected[k]; !ok {
				a.expected[k] = number(row[3])
			}
			return true, nil
		}, int64(q.After), last)
	if err != nil {
		return err
	}
	for _, n := range a.numbers {
		if err := a.checkWakeUp(t, n); err != nil {
			return err
		}
		wrong, err := t.checkListing(n)
		if err != nil {
			return err
		}
		if wrong != "" {
			a.repaired = append(a.repaired, optionalID(n)+": "+wrong)
		}
	}
	return nil
}

// checkWakeUp adds the standing wake-up of an incident, and corrects it if it is not due
// when the incident's deadline and mail are. A wake-up that was postponed may be
// later.
func (a *audit) checkWakeUp(t *tx, n int64) error {
	t.rows.drop(n) // read the row from the file
	i, err := t.incidentRow(n)
	if err != nil || i == nil {
		return err
	}
	due := i.due()
	if i.wakeDue != due && (i.wakeAttempt == 0 || i.wakeDue == 0 || due == 0) {
		a.repaired = append(a.repaired, fmt.Sprintf("%s: the standing wake-up was at %s instead of %s", optionalID(n), formatInstant(i.wakeDue), formatInstant(due)))
		i.setWakeUp()
		t.touch(i)
	}
	if i.wakeDue != 0 {
		a.expected[wakeLane(n)] = i.wakeDue
	}
	return nil
}
