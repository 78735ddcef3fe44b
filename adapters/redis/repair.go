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

// Repair implements [bot.Agenda]. The hashes of incidents and their tasks say what is
// owed; the agenda is compared with them, incident by incident, and corrected where
// it differs (E1: the incident's record is the truth; E13: the auditor repairs and
// reports). Closed incidents that still owe something are checked like open ones. When
// a list of incidents was lost, all lists are rebuilt first.
func (s *Store) Repair(ctx context.Context, q bot.RepairQuery) (bot.Repairs, error) {
	var m bot.Repairs
	if q.After == 0 {
		lost, err := s.lostLists(ctx)
		if err != nil {
			return m, fmt.Errorf("repair the agenda: %w", err)
		}
		if len(lost) > 0 {
			if m.Repaired, err = s.Rebuild(ctx, q.At); err != nil {
				return m, err
			}
			m.Repaired = append(m.Repaired, "these lists were lost: "+strings.Join(lost, ", "))
		}
	}
	numbers, err := s.nextOwing(ctx, q)
	if err != nil {
		return m, fmt.Errorf("repair the agenda: %w", err)
	}
	wrong, late, err := s.repairMany(ctx, q.At, numbers)
	if err != nil {
		return m, fmt.Errorf("repair the agenda: %w", err)
	}
	m.Checked, m.Repaired, m.Overdue = len(numbers), append(m.Repaired, wrong...), late
	if len(numbers) == q.Limit && q.Limit > 0 {
		m.Next = numbers[len(numbers)-1]
		return m, nil
	}
	listed, err := s.repairCounts(ctx, q.At) // of the last slice: none is missing any more
	if err != nil {
		return m, fmt.Errorf("repair the lists of open incidents: %w", err)
	}
	m.Repaired = append(m.Repaired, listed...)
	return m, nil
}

// mark is a member of every list of incidents; no incident has this number. A list
// without it was deleted, even if incidents have been added since.
const mark = "0"

// lists returns the keys of the lists of incidents.
func lists() []string { return []string{keyAll, keyOpen, keyOwing, keyEnded, keyArchived, keyListed} }

// writeMarks adds the mark to every list.
func (s *Store) writeMarks(ctx context.Context) error {
	return s.read(ctx, func() error {
		batch := s.client.Pipeline()
		for _, name := range lists() {
			batch.ZAdd(ctx, s.keys.of(name), goredis.Z{Score: 0, Member: mark})
		}
		_, err := batch.Exec(ctx)
		return err
	})
}

// lostLists returns the keys of the lists that have no mark.
func (s *Store) lostLists(ctx context.Context) ([]string, error) {
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

// nextOwing returns the numbers of the next incidents to check.
func (s *Store) nextOwing(ctx context.Context, q bot.RepairQuery) ([]int, error) {
	var numbers []int
	err := s.read(ctx, func() error {
		numbers = nil
		for _, set := range []string{keyOpen, keyOwing} {
			some, err := s.client.ZRangeByScore(ctx, s.keys.of(set), &goredis.ZRangeBy{Min: "(" + strconv.Itoa(q.After), Max: "+inf", Count: int64(max(q.Limit, 1))}).Result()
			if err != nil {
				return err
			}
			for _, text := range some {
				n, err := strconv.Atoi(text)
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

// repairMany repairs incidents, as many at a time as one batch takes.
func (s *Store) repairMany(ctx context.Context, at time.Time, numbers []int) (wrong []string, late int, err error) {
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
				f.wrong, f.late, f.err = s.repairIncident(ctx, at, n, indexEntries{})
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

// indexEntries are what an index has for one incident, whether or not it belongs there.
type indexEntries struct {
	lanes   []workflow.Lane // in the agenda
	members []string        // of the lists of open incidents
}

// repairIncident corrects the agenda and the lists of one incident, and checks x too.
func (s *Store) repairIncident(ctx context.Context, at time.Time, n int, x indexEntries) (wrong []string, late int, err error) {
	a := &arguments{}
	a.add(n, nanos(at), nanos(at.Add(-time.Minute)), len(x.members))
	for _, m := range x.members {
		a.add(m)
	}
	for _, l := range x.lanes {
		a.add(int(l.Class), l.Destination)
	}
	reply, err := s.commits.do(ctx, &call{script: s.scripts.repair, keys: s.keys.parts(n, partIncident, partTasks), args: a.all, size: a.size})
	if err != nil {
		return nil, 0, err
	}
	values, err := stringList(reply)
	if err == nil {
		late, err = strconv.Atoi(values[0])
	}
	if err == nil && values[1] == "1" {
		err = s.relist(ctx, n)
	}
	if err != nil {
		return nil, 0, fmt.Errorf("repair %s: %w", workflow.ID(n), err)
	}
	for _, line := range values[2:] {
		wrong = append(wrong, workflow.ID(n)+", "+line)
	}
	return wrong, late, nil
}

// Rebuild finds every incident by the name of its key, and corrects the lists and the
// agenda where they differ. It may run at any time. It returns what it repaired, one
// line each.
func (s *Store) Rebuild(ctx context.Context, at time.Time) ([]string, error) {
	numbers, err := s.scanNumbers(ctx)
	if err != nil {
		return nil, fmt.Errorf("find incidents: %w", err)
	}
	wrong, _, err := s.repairMany(ctx, at, numbers)
	if err != nil {
		return nil, fmt.Errorf("rebuild: %w", err)
	}
	orphans, err := s.repairOrphans(ctx, at)
	var listed []string
	if err == nil {
		listed, err = s.repairListed(ctx, at)
	}
	if err == nil {
		err = s.writeMarks(ctx)
	}
	if err != nil {
		return nil, fmt.Errorf("rebuild: %w", err)
	}
	return slices.Concat(wrong, orphans, listed), nil
}

// scanNumbers returns the numbers of all incidents, found by the names of their keys.
func (s *Store) scanNumbers(ctx context.Context) ([]int, error) {
	var numbers []int
	prefix := s.keys.of("i:")
	err := s.scan(ctx, prefix+"*", func(name string) {
		if n, err := strconv.Atoi(name[len(prefix):]); err == nil {
			numbers = append(numbers, n)
		}
	})
	slices.Sort(numbers)
	return slices.Compact(numbers), err
}

// node returns the client of the node that has the namespace: in a Cluster, a command
// without a key goes to any node.
func (s *Store) node(ctx context.Context) (goredis.UniversalClient, error) {
	if cluster, ok := s.client.(*goredis.ClusterClient); ok {
		return cluster.MasterForKey(ctx, s.keys.of(keyMeta))
	}
	return s.client, nil
}

// scan calls visit with the names of keys that match a pattern.
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

// glob escapes a pattern except the star at its end.
func glob(pattern string) string {
	return strings.NewReplacer("*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`, `\`, `\\`).Replace(strings.TrimSuffix(pattern, "*")) + "*"
}

// repairOrphans removes lanes from the agenda whose incidents owe nothing in them.
func (s *Store) repairOrphans(ctx context.Context, at time.Time) ([]string, error) {
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
				number, err := strconv.Atoi(digits)
				if err != nil {
					continue // not written by Tocsin; a claim logs it
				}
				wrong, _, err := s.repairIncident(ctx, at, number, indexEntries{lanes: []workflow.Lane{{Class: class, Destination: destination}}})
				if err != nil {
					return nil, err
				}
				all = append(all, wrong...)
			}
		}
	}
	return all, nil
}
