package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"tocsin/bot"
	"tocsin/workflow"
)

// Repair implements [bot.Agenda]. What is owed is in the hashes of incidents and
// tasks; the agenda's index is compared with them, incident by incident, and
// written again where it differs (rules E1, E13). Incidents that are closed but
// still owe something are looked at like open ones. When a list of incidents
// itself was lost, all of them are looked for first.
func (s *Store) Repair(ctx context.Context, q bot.RepairQuery) (bot.Repairs, error) {
	var m bot.Repairs
	if q.After == 0 {
		lost, err := s.lost(ctx)
		if err != nil {
			return m, fmt.Errorf("mend the agenda: %w", err)
		}
		if len(lost) > 0 {
			if m.Repaired, err = s.Rebuild(ctx, q.At); err != nil {
				return m, err
			}
			m.Repaired = append(m.Repaired, "lists that were lost: "+strings.Join(lost, ", "))
		}
	}
	numbers, err := s.owing(ctx, q)
	if err != nil {
		return m, fmt.Errorf("mend the agenda: %w", err)
	}
	wrong, late, err := s.mendMany(ctx, q.At, numbers)
	if err != nil {
		return m, fmt.Errorf("mend the agenda: %w", err)
	}
	m.Checked, m.Repaired, m.Overdue = len(numbers), append(m.Repaired, wrong...), late
	if len(numbers) == q.Limit && q.Limit > 0 {
		m.Next = int(numbers[len(numbers)-1])
	}
	return m, nil
}

// mark is a member of each list of incidents, that no incident has for its
// number. A list without it was deleted, whatever has been added since.
const mark = "0"

// lists are the names of the lists of incidents.
func lists() []string { return []string{"all", "open", "owing", "over", "shelf"} }

// marked puts the mark into every list.
func (s *Store) marked(ctx context.Context) error {
	return s.read(ctx, func() error {
		batch := s.client.Pipeline()
		for _, name := range lists() {
			batch.ZAdd(ctx, s.keys.of(name), goredis.Z{Score: 0, Member: mark})
		}
		_, err := batch.Exec(ctx)
		return err
	})
}

// lost names the lists without their mark.
func (s *Store) lost(ctx context.Context) ([]string, error) {
	var marks []*goredis.FloatCmd
	err := s.read(ctx, func() error {
		marks = marks[:0]
		batch := s.client.Pipeline()
		for _, name := range lists() {
			marks = append(marks, batch.ZScore(ctx, s.keys.of(name), mark))
		}
		_, err := batch.Exec(ctx)
		return ignoreNil(err)
	})
	var names []string
	for n, m := range marks {
		if err == nil && errors.Is(m.Err(), goredis.Nil) {
			names = append(names, lists()[n])
		}
	}
	return names, err
}

// owing are the next incidents to look at.
func (s *Store) owing(ctx context.Context, q bot.RepairQuery) ([]int64, error) {
	var numbers []int64
	err := s.read(ctx, func() error {
		numbers = nil
		for _, set := range []string{"open", "owing"} {
			some, err := s.client.ZRangeByScore(ctx, s.keys.of(set), &goredis.ZRangeBy{Min: "(" + strconv.Itoa(q.After), Max: "+inf", Count: int64(max(q.Limit, 1))}).Result()
			if err != nil {
				return err
			}
			for _, text := range some {
				n, err := strconv.ParseInt(text, 10, 64)
				if err != nil {
					return fmt.Errorf("read number %q: %w", text, err)
				}
				numbers = append(numbers, n)
			}
		}
		return nil
	})
	slices.Sort(numbers)
	numbers = slices.Compact(numbers)
	return numbers[:min(len(numbers), max(q.Limit, 0))], err
}

// mendMany mends incidents, as many at a time as one batch takes.
func (s *Store) mendMany(ctx context.Context, at time.Time, numbers []int64) (wrong []string, late int, err error) {
	type found struct {
		wrong []string
		late  int
		err   error
	}
	for some := range slices.Chunk(numbers, maxCalls) {
		answers := make([]chan found, len(some))
		for k, n := range some {
			answers[k] = make(chan found, 1)
			go func() {
				var f found
				f.wrong, f.late, f.err = s.mendOne(ctx, at, n)
				answers[k] <- f
			}()
		}
		for _, c := range answers {
			f := <-c
			if f.err != nil {
				err = f.err
			}
			wrong, late = append(wrong, f.wrong...), late+f.late
		}
		if err != nil {
			return nil, 0, err
		}
	}
	return wrong, late, nil
}

// mendOne compares what one incident owes with the index. lanes are some that
// the index has beside.
func (s *Store) mendOne(ctx context.Context, at time.Time, n int64, lanes ...workflow.Lane) (wrong []string, late int, err error) {
	a := &arguments{}
	a.add(n, nanos(at), nanos(at.Add(-time.Minute)))
	for _, l := range lanes {
		a.add(int(l.Class), l.Destination)
	}
	reply, err := s.commits.do(ctx, &call{script: s.scripts.mend, keys: s.keys.parts(n, partHead, partTasks), args: a.all, size: a.size})
	if err != nil {
		return nil, 0, err
	}
	said, err := words(reply)
	if err == nil {
		late, err = strconv.Atoi(said[0])
	}
	if err != nil {
		return nil, 0, fmt.Errorf("mend %s: %w", idOf(n), err)
	}
	for _, line := range said[1:] {
		wrong = append(wrong, idOf(n)+", "+line)
	}
	return wrong, late, nil
}

// Rebuild looks for every incident, whatever the lists say, and writes lists
// and agenda again where they differ. It may run beside everything else. What
// it repaired is told, a line each.
func (s *Store) Rebuild(ctx context.Context, at time.Time) ([]string, error) {
	numbers, err := s.everyNumber(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for incidents: %w", err)
	}
	wrong, _, err := s.mendMany(ctx, at, numbers)
	if err != nil {
		return nil, fmt.Errorf("rebuild: %w", err)
	}
	orphans, err := s.orphans(ctx, at)
	if err == nil {
		err = s.marked(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("rebuild: %w", err)
	}
	return append(wrong, orphans...), nil
}

// everyNumber finds the hashes of incidents by their names.
func (s *Store) everyNumber(ctx context.Context) ([]int64, error) {
	var numbers []int64
	prefix := s.keys.of("i:")
	err := s.scan(ctx, prefix+"*", func(name string) {
		if n, err := strconv.ParseInt(name[len(prefix):], 10, 64); err == nil {
			numbers = append(numbers, n)
		}
	})
	slices.Sort(numbers)
	return slices.Compact(numbers), err
}

// node is the client of the node that has the namespace: in a Cluster, what
// names no key goes to any of them.
func (s *Store) node(ctx context.Context) (goredis.UniversalClient, error) {
	if cluster, is := s.client.(*goredis.ClusterClient); is {
		return cluster.MasterForKey(ctx, s.keys.of("meta"))
	}
	return s.client, nil
}

// scan visits the names of keys, on the node that has the namespace.
func (s *Store) scan(ctx context.Context, pattern string, visit func(name string)) error {
	client, err := s.node(ctx)
	if err != nil {
		return unavailable(err)
	}
	cursor := uint64(0)
	for {
		var names []string
		err := s.read(ctx, func() (err error) {
			names, cursor, err = client.Scan(ctx, cursor, glob(pattern), 1000).Result()
			return err
		})
		if err != nil {
			return err
		}
		for _, name := range names {
			visit(name)
		}
		if cursor == 0 {
			return nil
		}
	}
}

// glob leaves the star at a pattern's end alone and takes the rest literally.
func glob(pattern string) string {
	return strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`, `\`, `\\`).Replace(strings.TrimSuffix(pattern, "*")) + "*"
}

// orphans finds lanes of the index whose incidents owe nothing in them.
func (s *Store) orphans(ctx context.Context, at time.Time) ([]string, error) {
	var all []string
	for _, class := range workflow.Classes() {
		for _, set := range []string{s.keys.due(class), s.keys.leased(class)} {
			var members []string
			err := s.read(ctx, func() (err error) {
				members, err = s.client.ZRange(ctx, set, 0, -1).Result()
				return err
			})
			if err != nil {
				return nil, err
			}
			for _, member := range members {
				digits, destination, _ := strings.Cut(member, ":")
				number, err := strconv.ParseInt(digits, 10, 64)
				if err != nil {
					continue // not ours; a claim would say so
				}
				wrong, _, err := s.mendOne(ctx, at, number, workflow.Lane{Class: class, Destination: destination})
				if err != nil {
					return nil, err
				}
				all = append(all, wrong...)
			}
		}
	}
	return all, nil
}
