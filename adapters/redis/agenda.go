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

// classesWithin returns the classes in a range.
func classesWithin(r bot.Classes) []workflow.Class {
	return slices.DeleteFunc(workflow.Classes(), func(c workflow.Class) bool { return c < r.From || c > r.To })
}

// claimTries is how often a claim searches again when other replicas have leased
// every candidate first.
const claimTries = 20

// Claim implements [bot.Agenda]. It reads from the sets which lanes may be due; a
// script then checks their first tasks and leases the lanes.
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

// candidate is a lane that may be due, or whose lease may have expired.
type candidate struct {
	number int
	lane   workflow.Lane
}

// maxExpired is how many expired leases a claim considers: more than a killed
// replica leaves behind.
const maxExpired = 1000

// candidates returns enough candidates for a claim: the earliest lanes that are
// due, and the earliest lanes whose leases have expired.
func (s *Store) candidates(ctx context.Context, q bot.Claim) ([]candidate, error) {
	if q.Limit <= 0 {
		return nil, nil
	}
	var sets []*goredis.StringSliceCmd
	err := s.read(ctx, func() error {
		sets = sets[:0]
		batch := s.client.Pipeline()
		for _, c := range classesWithin(q.Classes) {
			sets = append(sets,
				batch.ZRangeByScore(ctx, s.keys.due(c), &goredis.ZRangeBy{Min: "-inf", Max: score(q.At), Count: int64(q.Limit)}),
				batch.ZRangeByScore(ctx, s.keys.leased(c), &goredis.ZRangeBy{Min: "-inf", Max: score(q.At), Count: maxExpired}))
		}
		_, err := batch.Exec(ctx)
		return err
	})
	if err != nil {
		return nil, err
	}
	var all []candidate
	for n, class := range classesWithin(q.Classes) {
		if len(all) >= q.Limit {
			break // there are enough of more urgent classes
		}
		expired, err := s.earliestExpired(ctx, class, sets[2*n+1].Val(), q.Limit)
		if err != nil {
			return nil, err
		}
		for _, member := range append(sets[2*n].Val(), expired...) {
			digits, destination, _ := strings.Cut(member, ":")
			number, err := strconv.Atoi(digits)
			if err != nil { // not written by Tocsin; it blocks no other lane
				s.log.Error("the agenda has a member that is not a lane; skipping it", "lane", member)
				continue
			}
			all = append(all, candidate{number, workflow.Lane{Class: class, Destination: destination}})
		}
	}
	return all, nil
}

// earliestExpired returns the lanes that are due first among those whose leases
// have expired: the set orders them by the end of their leases.
func (s *Store) earliestExpired(ctx context.Context, class workflow.Class, members []string, limit int) ([]string, error) {
	if len(members) <= limit {
		return members, nil
	}
	names := make([]string, 0, len(members))
	for _, m := range members {
		names = append(names, strconv.Itoa(int(class))+"|"+m)
	}
	var leases []any
	err := s.read(ctx, func() (err error) {
		leases, err = s.client.HMGet(ctx, s.keys.of(keyLeases), names...).Result()
		return err
	})
	if err != nil {
		return nil, err
	}
	due := map[string]string{}
	for n, l := range leases {
		if text, ok := l.(string); ok && len(text) >= 2*len(noInstant) {
			due[members[n]] = text[len(noInstant) : 2*len(noInstant)]
		}
	}
	slices.SortFunc(members, func(a, b string) int { return cmp.Or(cmp.Compare(due[a], due[b]), cmp.Compare(a, b)) })
	return members[:limit], nil
}

// lease leases candidates, as many as the claim asks for.
func (s *Store) lease(ctx context.Context, q bot.Claim, found []candidate) ([]bot.Lease, error) {
	until := q.At.Add(q.For)
	keys := make([]string, 0, 2*len(found))
	a := &arguments{}
	a.add(nanos(q.At), nanos(until), q.Limit)
	for _, c := range found {
		keys = append(keys, s.keys.parts(c.number, partIncident, partTasks)...)
		a.add(int(c.lane.Class), c.number, c.lane.Destination)
	}
	reply, err := s.commits.do(ctx, &call{script: s.scripts.lease, keys: keys, args: a.all, size: a.size})
	if err != nil {
		return nil, err
	}
	values, err := stringList(reply)
	if err != nil {
		return nil, err
	}
	var leases []bot.Lease
	for n := 0; n+2 < len(values); n += 3 {
		index, err := strconv.Atoi(values[n])
		if err != nil || index < 1 || index > len(found) {
			return nil, fmt.Errorf("lease.lua answered %q for the index of a candidate", values[n])
		}
		task, err := found[index-1].task(values[n+2])
		if err != nil { // it must not keep the other leases from the worker
			s.log.Error("a task cannot be decoded; trying again when its lease expires", "incident", workflow.ID(found[index-1].number), "error", err.Error())
			continue
		}
		leases = append(leases, bot.Lease{Task: task, Token: values[n+1], Until: until})
	}
	return leases, nil
}

// task decodes the first task of a lane.
func (c candidate) task(text string) (bot.Task, error) {
	if c.lane.Class != workflow.ClassWake || c.lane.Destination != bot.WakeTask {
		return decodeTask(text, c.number, c.lane)
	}
	parts := strings.Split(text, "\n")
	if len(parts) != 3 {
		return bot.Task{}, fmt.Errorf("decode the wake-up of %s: it is damaged", workflow.ID(c.number))
	}
	t := bot.Task{ID: bot.WakeTask, Owner: workflow.ID(c.number), Lane: c.lane, Due: instant(parts[0])}
	var err error
	if t.Attempt, err = strconv.Atoi(parts[1]); err == nil {
		t.Rev, err = strconv.Atoi(parts[2])
	}
	return t, err
}

// Postpone implements [bot.Agenda].
func (s *Store) Postpone(ctx context.Context, l bot.Lease, due time.Time) error {
	n := workflow.NumberOf(l.Owner)
	a := &arguments{}
	a.add(n, int(l.Lane.Class), l.Lane.Destination, l.Token, l.Rev, padNanos(due), l.Attempt+1)
	reply, err := s.commits.do(ctx, &call{script: s.scripts.postpone, keys: s.keys.parts(n, partIncident, partTasks), args: a.all, size: a.size})
	if err == nil {
		err = checkReply(reply)
	}
	if err != nil {
		return fmt.Errorf("postpone %s of %s: %w", l.ID, l.Owner, err)
	}
	return nil
}

// Renew implements [bot.Agenda].
func (s *Store) Renew(ctx context.Context, l bot.Lease, until time.Time) error {
	a := &arguments{}
	a.add(workflow.NumberOf(l.Owner), int(l.Lane.Class), l.Lane.Destination, l.Token, padNanos(until))
	reply, err := s.commits.do(ctx, &call{script: s.scripts.renew, args: a.all, size: a.size})
	if err == nil {
		err = checkReply(reply)
	}
	if err != nil {
		return fmt.Errorf("renew the lease of %s of %s: %w", l.ID, l.Owner, err)
	}
	return nil
}

// checkReply returns nil for the reply "ok", and otherwise the error that the
// script reports.
func checkReply(reply any) error {
	values, err := stringList(reply)
	if err != nil {
		return err
	}
	if values[0] == "ok" {
		return nil
	}
	if err := scriptErrors()[values[0]]; err != nil {
		return err
	}
	return fmt.Errorf("the script answered %q", values[0])
}

// NextDue implements [bot.Agenda].
func (s *Store) NextDue(ctx context.Context, q bot.Classes) (time.Time, error) {
	var firsts []*goredis.ZSliceCmd
	err := s.read(ctx, func() error {
		firsts = firsts[:0]
		batch := s.client.Pipeline()
		for _, c := range classesWithin(q) {
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
