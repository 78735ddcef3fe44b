package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// dueLanes selects the lanes that are due, in the order of the agenda, each with its
// first task: the standing wake-up, which is in the incident's row, or the first row
// of the lane in task. A lane with neither is left to Repair.
const dueLanes = `
	SELECT l.number, l.destination, coalesce(t.id, ''), coalesce(t.due, i.wake_due), coalesce(t.attempt, i.wake_attempt),
		coalesce(t.rev, i.wake_rev), t.position, t.body
	FROM lane l INDEXED BY lane_due
	LEFT JOIN task t ON t.number = l.number AND t.class = l.class AND t.destination = l.destination AND t.position = (
		SELECT min(m.position) FROM task m WHERE m.number = l.number AND m.class = l.class AND m.destination = l.destination)
	LEFT JOIN incident i ON i.number = CASE WHEN l.class = ?3 AND l.destination = ?4 THEN l.number END
	WHERE l.class = ?1 AND l.due <= ?2 AND coalesce(t.due, nullif(i.wake_due, 0)) <= ?2
	ORDER BY l.class, l.due, l.number, l.destination`

// Claim implements [bot.Agenda]. It reads only the lanes that it returns and the due
// lanes that are leased; [leases] explains why it may run beside the writer.
func (s *Store) Claim(ctx context.Context, q bot.Claim) ([]bot.Lease, error) {
	s.leases.beginClaim()
	defer s.leases.endClaim()
	c := &claim{query: q, at: nanos(q.At), leases: s.leases}
	err := s.read(ctx, func(r *session) error {
		for _, class := range s.classes.inRange(q.Classes) {
			if err := c.claimClass(r, class); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		s.leases.release(c.keys)
		return nil, fmt.Errorf("claim: %w", err)
	}
	return c.granted, nil
}

// claim is one call of Claim.
type claim struct {
	query   bot.Claim
	at      int64
	leases  *leases
	keys    []laneKey
	granted []bot.Lease
}

// claimClass claims lanes of one class.
func (c *claim) claimClass(r *session, class int64) error {
	if len(c.granted) >= c.query.Limit {
		return nil
	}
	return r.each(dueLanes, func(row []driver.Value) (bool, error) {
		c.claimLane(laneKey{number(row[0]), class, text(row[1])}, row)
		return len(c.granted) < c.query.Limit, nil
	}, class, c.at, int64(workflow.ClassWake), bot.WakeTask)
}

// claimLane leases a lane, unless it is leased.
func (c *claim) claimLane(k laneKey, row []driver.Value) {
	t := bot.Task{
		ID: text(row[2]), Owner: optionalID(k.number), Lane: workflow.Lane{Class: workflow.Class(k.class), Destination: k.destination},
		Due: instant(number(row[3])), Attempt: int(number(row[4])), Rev: int(number(row[5])), Body: body(row[7]),
	}
	if row[6] == nil {
		t.ID = bot.WakeTask
	}
	until := c.query.At.Add(c.query.For)
	token, ok := c.leases.grant(k, c.at, lease{until: nanos(until), id: t.ID, rev: int64(t.Rev), position: number(row[6])})
	if ok {
		c.keys = append(c.keys, k)
		c.granted = append(c.granted, bot.Lease{Task: t, Token: token, Until: until})
	}
}

// NextDue implements [bot.Agenda]. In each class it considers the earliest lane that is
// not leased, and the leased lanes before it with the ends of their leases.
func (s *Store) NextDue(ctx context.Context, q bot.Classes) (time.Time, error) {
	found, next := false, int64(0)
	err := s.read(ctx, func(r *session) error {
		for _, class := range s.classes.inRange(q) {
			err := r.each("SELECT number, destination, due FROM lane INDEXED BY lane_due WHERE class = ? ORDER BY due", func(row []driver.Value) (bool, error) {
				due := number(row[2])
				if found && due >= next {
					return false, nil
				}
				until := s.leases.leasedUntil(laneKey{number(row[0]), class, text(row[1])})
				if at := max(due, until); !found || at < next {
					found, next = true, at
				}
				return until > due, nil
			}, class)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("find the next due time: %w", err)
	}
	return instant(next), nil
}

// Postpone implements [bot.Agenda].
func (s *Store) Postpone(ctx context.Context, l bot.Lease, due time.Time) error {
	err := s.queue.submit(ctx, &request{do: func(t *tx) error { return t.postpone(l, nanos(due)) }})
	if err != nil {
		return fmt.Errorf("postpone %s of %s: %w", l.ID, l.Owner, err)
	}
	return nil
}

// Renew implements [bot.Agenda].
func (s *Store) Renew(_ context.Context, l bot.Lease, until time.Time) error {
	if !s.leases.renew(laneOf(l.Task), l.Token, nanos(until)) {
		return fmt.Errorf("renew the lease of %s of %s: %w", l.ID, l.Owner, bot.ErrLeaseLost)
	}
	return nil
}

func (t *tx) postpone(l bot.Lease, due int64) error {
	k := laneOf(l.Task)
	held, ok := t.leases.markSettling(k, l.Token)
	if !ok {
		return bot.ErrLeaseLost
	}
	t.settled = append(t.settled, k)
	if k == wakeLane(k.number) {
		i, err := t.incidentRow(k.number)
		if err == nil && i != nil && i.wakeDue != 0 && i.wakeRev == int64(l.Rev) {
			i.wakeDue, i.wakeAttempt = max(due, 1), int64(l.Attempt)+1
			t.touch(i)
		}
		return t.fail(err)
	}
	if l.ID != held.id || int64(l.Rev) != held.rev {
		return nil
	}
	row, err := t.queryRow("UPDATE task SET due = ?, attempt = ? WHERE number = ? AND class = ? AND destination = ? AND position = ? RETURNING position",
		due, int64(l.Attempt)+1, k.number, k.class, k.destination, held.position)
	if err == nil && row != nil { // otherwise a newer revision has replaced the task
		err = t.moveLane(k, due)
	}
	return t.fail(err)
}

// settle removes a leased task, unless a newer revision has replaced it.
func (t *tx) settle(l bot.Lease, held lease) error {
	k := laneOf(l.Task)
	if k == wakeLane(k.number) {
		i, err := t.incidentRow(k.number)
		if err == nil && i != nil && i.wakeRev == int64(l.Rev) {
			i.wakeDue, i.wakeAttempt = 0, 0
			t.touch(i)
		}
		return err
	}
	if l.ID != held.id || int64(l.Rev) != held.rev {
		return nil
	}
	err := t.exec("DELETE FROM task WHERE number = ? AND class = ? AND destination = ? AND position = ?", k.number, k.class, k.destination, held.position)
	if err != nil {
		return err
	}
	row, err := t.queryRow("SELECT due FROM task WHERE number = ? AND class = ? AND destination = ? ORDER BY position LIMIT 1", k.number, k.class, k.destination)
	switch {
	case err != nil:
		return err
	case row == nil:
		return t.dropLane(k)
	}
	return t.moveLane(k, number(row[0]))
}
