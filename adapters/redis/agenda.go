package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"tocsin/bot"
	"tocsin/workflow"
)

// within are the classes of a range.
func within(r bot.Classes) []workflow.Class {
	return slices.DeleteFunc(workflow.Classes(), func(c workflow.Class) bool { return c < r.From || c > r.To })
}

// claimTries bounds how often a claim looks again because other replicas were
// faster with all that it had found.
const claimTries = 3

// Claim implements [bot.Agenda]. The index says which lanes may be due; a
// script then looks at their heads, and leases.
func (s *Store) Claim(ctx context.Context, q bot.Claim) ([]bot.Lease, error) {
	for range claimTries {
		found, err := s.candidates(ctx, q)
		if err != nil {
			return nil, fmt.Errorf("claim: %w", err)
		}
		if len(found) == 0 {
			break
		}
		leases, err := s.lease(ctx, q, found)
		if err != nil {
			return nil, fmt.Errorf("claim: %w", err)
		}
		if len(leases) > 0 {
			return leases, nil
		}
	}
	return nil, nil
}

// candidate is a lane that the index says is due, or whose lease has run out.
type candidate struct {
	number int64
	lane   workflow.Lane
}

// candidates finds enough of them: the limit of those that are due, and the
// limit of those whose leases have run out, of which some may be due earlier.
func (s *Store) candidates(ctx context.Context, q bot.Claim) ([]candidate, error) {
	if q.Limit <= 0 {
		return nil, nil
	}
	var sets []*goredis.StringSliceCmd
	err := s.read(ctx, func() error {
		sets = sets[:0]
		batch := s.client.Pipeline()
		by := &goredis.ZRangeBy{Min: "-inf", Max: score(q.At), Count: int64(q.Limit)}
		for _, c := range within(q.Classes) {
			sets = append(sets, batch.ZRangeByScore(ctx, s.keys.due(c), by), batch.ZRangeByScore(ctx, s.keys.leased(c), by))
		}
		_, err := batch.Exec(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	var all []candidate
	for n, class := range within(q.Classes) {
		if len(all) >= q.Limit {
			break // of more urgent classes
		}
		for _, member := range append(sets[2*n].Val(), sets[2*n+1].Val()...) {
			digits, destination, _ := strings.Cut(member, ":")
			number, err := strconv.ParseInt(digits, 10, 64)
			if err != nil {
				return nil, fmt.Errorf("read lane %q: %w", member, err)
			}
			all = append(all, candidate{number, workflow.Lane{Class: class, Destination: destination}})
		}
	}
	return all, nil
}

func (s *Store) lease(ctx context.Context, q bot.Claim, found []candidate) ([]bot.Lease, error) {
	until := q.At.Add(q.For)
	keys := make([]string, 0, 2*len(found))
	a := &arguments{}
	a.add(nanos(q.At), nanos(until), q.Limit)
	for _, c := range found {
		keys = append(keys, s.keys.parts(c.number, partHead, partTasks)...)
		a.add(int(c.lane.Class), c.number, c.lane.Destination)
	}
	reply, err := s.commits.do(ctx, &call{script: s.scripts.lease, keys: keys, args: a.all, size: a.size})
	if err != nil {
		return nil, err
	}
	flat, err := words(reply)
	if err != nil {
		return nil, err
	}
	var leases []bot.Lease
	for n := 0; n+2 < len(flat); n += 3 {
		place, err := strconv.Atoi(flat[n])
		if err != nil || place < 1 || place > len(found) {
			return nil, fmt.Errorf("lease.lua answered %q for a place", flat[n])
		}
		task, err := found[place-1].task(flat[n+2])
		if err != nil {
			return nil, err // it comes again when the lease has run out
		}
		leases = append(leases, bot.Lease{Task: task, Token: flat[n+1], Until: until})
	}
	return leases, nil
}

// task reads the head of a lane.
func (c candidate) task(text string) (bot.Task, error) {
	if c.lane.Class != workflow.ClassWake || c.lane.Destination != bot.WakeTask {
		return unpackTask(text, c.number, c.lane)
	}
	parts := strings.Split(text, "\n")
	if len(parts) != 3 {
		return bot.Task{}, fmt.Errorf("read the wake-up of %s: it is damaged", idOf(c.number))
	}
	t := bot.Task{ID: bot.WakeTask, Owner: idOf(c.number), Lane: c.lane, Due: instant(parts[0])}
	var err error
	if t.Attempt, err = strconv.Atoi(parts[1]); err == nil {
		t.Rev, err = strconv.Atoi(parts[2])
	}
	return t, err
}

// Postpone implements [bot.Agenda].
func (s *Store) Postpone(ctx context.Context, l bot.Lease, due time.Time) error {
	n, _ := parseID(l.Owner)
	a := &arguments{}
	a.add(n, int(l.Lane.Class), l.Lane.Destination, l.Token, l.Rev, padded(due), l.Attempt+1)
	reply, err := s.commits.do(ctx, &call{script: s.scripts.postpone, keys: s.keys.parts(n, partHead, partTasks), args: a.all, size: a.size})
	if err == nil {
		err = outcome(reply)
	}
	if err != nil {
		return fmt.Errorf("postpone %s of %s: %w", l.ID, l.Owner, err)
	}
	return nil
}

// outcome reads an answer that is ok, or why not.
func outcome(reply any) error {
	said, err := words(reply)
	if err != nil {
		return err
	}
	if said[0] == "ok" {
		return nil
	}
	if no := refusals()[said[0]]; no != nil {
		return no
	}
	return fmt.Errorf("the script answered %q", said[0])
}

// NextDue implements [bot.Agenda].
func (s *Store) NextDue(ctx context.Context, q bot.Classes) (time.Time, error) {
	var firsts []*goredis.ZSliceCmd
	err := s.read(ctx, func() error {
		firsts = firsts[:0]
		batch := s.client.Pipeline()
		for _, c := range within(q) {
			firsts = append(firsts, batch.ZRangeWithScores(ctx, s.keys.due(c), 0, 0), batch.ZRangeWithScores(ctx, s.keys.leased(c), 0, 0))
		}
		if len(firsts) == 0 {
			return batch.Do(ctx, "PING").Err()
		}
		_, err := batch.Exec(ctx)
		return err
	})
	if err != nil {
		return time.Time{}, fmt.Errorf("find what is due next: %w", err)
	}
	next := time.Time{}
	for _, first := range firsts {
		for _, z := range first.Val() {
			if due := time.UnixMicro(int64(z.Score)).UTC(); next.IsZero() || due.Before(next) {
				next = due
			}
		}
	}
	return next, nil
}
