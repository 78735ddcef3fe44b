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

// Claim implements [bot.Agenda]. First lanes are leased, by the index alone;
// then their heads are read. Whoever holds the lease is the only one to change
// the head, so both together are one claim. The standing wake-up is rewritten
// without a lease, but its revision tells: settling an older one leaves the
// newer one due.
func (s *Store) Claim(ctx context.Context, q bot.Claim) ([]bot.Lease, error) {
	until := q.At.Add(q.For)
	a := &arguments{}
	a.add(nanos(q.At), nanos(until), score(q.At), q.Limit)
	for _, c := range within(q.Classes) {
		a.add(int(c))
	}
	reply, err := s.commits.do(ctx, &call{script: s.scripts.claim, args: a.all, size: a.size})
	if err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	claimed, err := claims(reply)
	if err != nil || len(claimed) == 0 {
		return nil, err
	}
	leases, err := s.heads(context.WithoutCancel(ctx), q.At, claimed)
	if err != nil {
		return nil, fmt.Errorf("read what was claimed: %w", err) // it comes again when the leases have run out
	}
	for n := range leases {
		leases[n].Until = until
	}
	slices.SortStableFunc(leases, func(a, b bot.Lease) int {
		return cmp.Or(cmp.Compare(a.Lane.Class, b.Lane.Class), a.Due.Compare(b.Due))
	})
	return leases, nil
}

// claimed is a lane that was leased.
type claimed struct {
	number int64
	lane   workflow.Lane
	token  string
}

// claims reads the answer of claim.lua.
func claims(reply any) ([]claimed, error) {
	flat, err := words(reply)
	if err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	var all []claimed
	for n := 0; n+2 < len(flat); n += 3 {
		class, err := strconv.Atoi(flat[n])
		if err != nil {
			return nil, fmt.Errorf("claim: read a class: %w", err)
		}
		number, destination, err := laneOf(flat[n+1])
		if err != nil {
			return nil, fmt.Errorf("claim: %w", err)
		}
		all = append(all, claimed{number, workflow.Lane{Class: workflow.Class(class), Destination: destination}, flat[n+2]})
	}
	return all, nil
}

// laneOf reads a member of the agenda's sets: the number in 12 digits, and the
// destination.
func laneOf(member string) (number int64, destination string, err error) {
	digits, destination, _ := strings.Cut(member, ":")
	if number, err = strconv.ParseInt(digits, 10, 64); err != nil {
		return 0, "", fmt.Errorf("read lane %q: %w", member, err)
	}
	return number, destination, nil
}

// heads reads the tasks at the heads of leased lanes. A lane that owes nothing
// is damage of the index, and is mended.
func (s *Store) heads(ctx context.Context, at time.Time, all []claimed) ([]bot.Lease, error) {
	keys := make([]string, 0, 2*len(all))
	a := &arguments{}
	for _, c := range all {
		keys = append(keys, s.keys.parts(c.number, partHead, partTasks)...)
		a.add(int(c.lane.Class), c.lane.Destination)
	}
	var found []any
	err := s.read(ctx, func() (err error) {
		found, err = s.run(ctx, s.scripts.heads, keys, a.all).Slice()
		return err
	})
	if err != nil {
		return nil, err
	}
	var leases []bot.Lease
	for n, c := range all {
		head, err := words(found[n])
		if err != nil {
			return nil, err
		}
		task, owed, err := headOf(c, head)
		if err != nil {
			return nil, err
		}
		if !owed {
			if _, _, err := s.mendOne(ctx, at, c.number, c.lane); err != nil {
				return nil, err
			}
			continue
		}
		leases = append(leases, bot.Lease{Task: task, Token: c.token})
	}
	return leases, nil
}

// headOf reads what heads.lua found in a lane.
func headOf(c claimed, head []string) (t bot.Task, owed bool, err error) {
	switch len(head) {
	case 0:
		return bot.Task{}, false, nil
	case 1:
		t, err = unpackTask(head[0], c.number, c.lane)
		return t, true, err
	}
	t = bot.Task{ID: bot.WakeTask, Owner: idOf(c.number), Lane: c.lane, Due: instant(head[0])}
	if t.Attempt, err = strconv.Atoi(head[1]); err == nil {
		t.Rev, err = strconv.Atoi(head[2])
	}
	return t, true, err
}

// run runs a script that only reads.
func (s *Store) run(ctx context.Context, script *goredis.Script, keys []string, args []any) *goredis.Cmd {
	return script.Run(ctx, s.client, keys, args...) // by its text, when the server has forgotten it
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
