package redis

import (
	"cmp"
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
const claimTries = 20

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

// mostEnded bounds how many leases that have run out are looked at: more than
// a replica that was killed leaves behind.
const mostEnded = 1000

// candidates finds enough of them: the earliest of those that are due, and the
// earliest of those whose leases have run out.
func (s *Store) candidates(ctx context.Context, q bot.Claim) ([]candidate, error) {
	if q.Limit <= 0 {
		return nil, nil
	}
	var sets []*goredis.StringSliceCmd
	err := s.read(ctx, func() error {
		sets = sets[:0]
		batch := s.client.Pipeline()
		for _, c := range within(q.Classes) {
			sets = append(sets,
				batch.ZRangeByScore(ctx, s.keys.due(c), &goredis.ZRangeBy{Min: "-inf", Max: score(q.At), Count: int64(q.Limit)}),
				batch.ZRangeByScore(ctx, s.keys.leased(c), &goredis.ZRangeBy{Min: "-inf", Max: score(q.At), Count: mostEnded}))
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
		ended, err := s.earliest(ctx, class, sets[2*n+1].Val(), q.Limit)
		if err != nil {
			return nil, err
		}
		for _, member := range append(sets[2*n].Val(), ended...) {
			digits, destination, _ := strings.Cut(member, ":")
			number, bad := strconv.ParseInt(digits, 10, 64)
			if bad != nil { // not ours, and in nobody's way
				s.log.Error("the agenda holds what is no lane; passing over it", "lane", member)
				continue
			}
			all = append(all, candidate{number, workflow.Lane{Class: class, Destination: destination}})
		}
	}
	return all, nil
}

// earliest are the lanes that are due first, of some that were leased: the set
// has them in the order in which their leases end.
func (s *Store) earliest(ctx context.Context, class workflow.Class, members []string, limit int) ([]string, error) {
	if len(members) <= limit {
		return members, nil
	}
	names := make([]string, 0, len(members))
	for _, m := range members {
		names = append(names, strconv.Itoa(int(class))+"|"+m)
	}
	var leases []any
	err := s.read(ctx, func() (err error) {
		leases, err = s.client.HMGet(ctx, s.keys.of("lease"), names...).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	due := map[string]string{}
	for n, l := range leases {
		if text, is := l.(string); is && len(text) >= 2*len(noInstant) {
			due[members[n]] = text[len(noInstant) : 2*len(noInstant)]
		}
	}
	slices.SortFunc(members, func(a, b string) int { return cmp.Or(cmp.Compare(due[a], due[b]), cmp.Compare(a, b)) })
	return members[:limit], nil
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
		if err != nil { // the others are leased too: it must not hold them up
			s.log.Error("a task cannot be read; trying again when its lease has run out", "incident", idOf(found[place-1].number), "error", err.Error())
			continue
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
			return s.client.Ping(ctx).Err()
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
