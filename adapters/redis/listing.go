package redis

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"tocsin/bot"
	"tocsin/workflow"
)

// listingOf returns the encoded listing of an incident; "" when it is not open.
func listingOf(d bot.ArchivedIncident) string {
	if !d.Open {
		return ""
	}
	return bot.ListingOf(d).String()
}

// listedMember returns the member of the lists for a place, as listed_members in
// common.lua does.
func listedMember(tag string, p bot.Place) string {
	return fmt.Sprintf("%s\x00%s\x00%012d", tag, p.Need, p.Number)
}

// parseListedMember returns the place of a member of the lists.
func parseListedMember(member string) (p bot.Place, err error) {
	parts := strings.Split(member, "\x00")
	if len(parts) != 3 {
		return p, fmt.Errorf("read the member %q of the lists: it has %d parts", member, len(parts))
	}
	need, err := strconv.ParseInt(parts[1], 10, 64)
	if err == nil {
		p.Need = workflow.Need(need)
		p.Number, err = strconv.Atoi(parts[2])
	}
	return p, err
}

// ListOpen implements [bot.Library].
func (s *Store) ListOpen(ctx context.Context, q bot.OpenQuery) ([]bot.Loaded, error) {
	from := "[" + q.Tag + "\x00"
	if q.After != (bot.Place{}) {
		from = "(" + listedMember(q.Tag, q.After)
	}
	var all []bot.Loaded
	for len(all) < q.Limit { // a place whose incident has ended must not end a list
		var some []bot.Loaded
		var members []string
		err := s.read(ctx, func() (err error) {
			by := &goredis.ZRangeBy{Min: from, Max: "(" + q.Tag + "\x01", Count: int64(q.Limit - len(all))}
			if members, err = s.client.ZRangeByLex(ctx, s.keys.of(keyListed), by).Result(); err == nil && len(members) > 0 {
				some, err = s.loadPlaces(ctx, members)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list open incidents: %w", err)
		}
		if len(members) == 0 {
			break
		}
		all = append(all, some...)
		from = "(" + members[len(members)-1]
	}
	return all, nil
}

// loadPlaces reads the incidents of members of the lists, and leaves out those that are
// not open any more.
func (s *Store) loadPlaces(ctx context.Context, members []string) ([]bot.Loaded, error) {
	needs := map[int]workflow.Need{}
	numbers := make([]string, 0, len(members))
	for _, m := range members {
		p, err := parseListedMember(m)
		if err != nil {
			return nil, err
		}
		needs[p.Number] = p.Need
		numbers = append(numbers, strconv.Itoa(p.Number))
	}
	all, err := s.loadMany(ctx, numbers, true)
	for n := range all {
		all[n].Need = needs[all[n].Number]
	}
	return all, err
}

// CountOpen implements [bot.Library].
func (s *Store) CountOpen(ctx context.Context, tag string) (bot.OpenCounts, error) {
	var open, unacknowledged, unattended *goredis.IntCmd
	err := s.read(ctx, func() error {
		batch := s.client.Pipeline()
		count := func(below string) *goredis.IntCmd {
			return batch.ZLexCount(ctx, s.keys.of(keyListed), "["+tag+"\x00", "("+tag+below)
		}
		open, unacknowledged, unattended = count("\x01"), count("\x00"+workflow.NeedAcknowledged.String()), count("\x00"+workflow.NeedUnacknowledged.String())
		_, err := batch.Exec(ctx)
		return err
	})
	if err != nil {
		return bot.OpenCounts{}, fmt.Errorf("count open incidents: %w", err)
	}
	return bot.OpenCounts{Open: int(open.Val()), Unacknowledged: int(unacknowledged.Val()), Unattended: int(unattended.Val())}, nil
}

// listStep is how many incidents listUnlisted reads at a time.
const listStep = 500

// listUnlisted lists the open incidents that a build has written which knew no lists by
// need, or all when the lists were lost. Several replicas may do it at once.
func (s *Store) listUnlisted(ctx context.Context) error {
	_, lost := s.client.ZScore(ctx, s.keys.of(keyListed), mark).Result()
	if err := ignoreNil(lost); err != nil {
		return explain(err)
	}
	for after := "(" + mark; ; {
		var numbers []string
		var fields []goredis.Cmder
		err := s.read(ctx, func() (err error) {
			numbers, err = s.client.ZRangeByScore(ctx, s.keys.of(keyOpen), &goredis.ZRangeBy{Min: after, Max: "+inf", Count: listStep}).Result()
			if err != nil || len(numbers) == 0 {
				return err
			}
			batch := s.client.Pipeline()
			for _, number := range numbers {
				batch.HMGet(ctx, s.keys.of("i:"+number), fieldVersion, fieldListing)
			}
			fields, err = batch.Exec(ctx)
			return err
		})
		if err != nil {
			return fmt.Errorf("list the open incidents by need: %w", err)
		}
		if len(numbers) == 0 {
			break
		}
		var unlisted []int
		for k, number := range numbers {
			values := fields[k].(*goredis.SliceCmd).Val() //nolint:errcheck,forcetypeassert // the batch has nothing else
			version, _ := values[0].(string)
			listing, _ := values[1].(string)
			n, err := strconv.Atoi(number)
			if listed, _, _ := strings.Cut(listing, " "); err == nil && (listed != version || lost != nil) {
				unlisted = append(unlisted, n)
			}
		}
		if err := s.relistMany(ctx, unlisted); err != nil {
			return err
		}
		after = "(" + numbers[len(numbers)-1]
	}
	if lost == nil {
		_, err := s.repairCounts(ctx, s.Now())
		return err
	}
	return explain(s.client.ZAdd(ctx, s.keys.of(keyListed), goredis.Z{Member: mark}).Err())
}

// relistMany lists incidents anew, as many at a time as one batch takes.
func (s *Store) relistMany(ctx context.Context, numbers []int) error {
	for some := range slices.Chunk(numbers, maxCalls) {
		answers := make(chan error, len(some))
		for _, n := range some {
			go func() { answers <- s.relist(ctx, n) }()
		}
		var failed error
		for range some {
			if err := <-answers; err != nil {
				failed = err
			}
		}
		if failed != nil {
			return failed
		}
	}
	return nil
}

// relist lists an open incident where its state says. It does nothing when the incident
// changes meanwhile: the step that changes it lists it.
func (s *Store) relist(ctx context.Context, n int) error {
	var texts [5]string
	err := s.read(ctx, func() error {
		values, err := s.client.HMGet(ctx, s.keys.incident(n, partIncident), fieldVersion, fieldOpen, fieldPrevious, fieldBody, fieldMail+"1").Result()
		for k, v := range values {
			texts[k], _ = v.(string)
		}
		return err
	})
	version, bad := strconv.Atoi(texts[0])
	if err != nil || bad != nil || texts[1] != "1" {
		return err
	}
	d := bot.ArchivedIncident{Version: version, Open: true, Previous: texts[2], Body: []byte(texts[3])}
	if texts[4] != "" {
		d.Mail = []bot.StoredMail{{Seq: 1, Body: []byte(texts[4])}}
	}
	a := &arguments{}
	a.add(n, version, listingOf(d))
	_, err = s.callScript(ctx, "list "+workflow.ID(n), &call{script: s.scripts.list, keys: s.keys.parts(n, partIncident), args: a.all, size: a.size})
	return err
}

// repairCounts repairs the lists when not as many incidents are in the list of all open ones
// as are open: one that a build has ended which knows no lists is still listed.
func (s *Store) repairCounts(ctx context.Context, at time.Time) ([]string, error) {
	var open, listed *goredis.IntCmd
	err := s.read(ctx, func() error {
		batch := s.client.TxPipeline() // both at the same instant
		open, listed = batch.ZCount(ctx, s.keys.of(keyOpen), "("+mark, "+inf"), batch.ZLexCount(ctx, s.keys.of(keyListed), "[\x00", "(\x01")
		_, err := batch.Exec(ctx)
		return err
	})
	if err != nil || open.Val() >= listed.Val() { // those that are missing are found by the audit of each incident
		return nil, err
	}
	return s.repairListed(ctx, at)
}

// repairListed removes members from the lists that do not belong there.
func (s *Store) repairListed(ctx context.Context, at time.Time) ([]string, error) {
	var all []string
	for from := "[\x00"; ; {
		var members []string
		var entries map[int]indexEntries
		err := s.read(ctx, func() (err error) {
			members, err = s.client.ZRangeByLex(ctx, s.keys.of(keyListed), &goredis.ZRangeBy{Min: from, Max: "+", Count: listStep}).Result()
			if err == nil {
				entries, err = s.misplaced(ctx, members)
			}
			return err
		})
		if err != nil || len(members) == 0 {
			return all, err
		}
		for _, n := range slices.Sorted(maps.Keys(entries)) {
			wrong, _, err := s.repairIncident(ctx, at, n, entries[n])
			if err != nil {
				return nil, err
			}
			all = append(all, wrong...)
		}
		from = "(" + members[len(members)-1]
	}
}

// misplaced returns the members of the lists that do not belong there, by incident. One that
// a commit moves meanwhile may be among them: repair.lua looks again.
func (s *Store) misplaced(ctx context.Context, members []string) (map[int]indexEntries, error) {
	batch := s.client.Pipeline()
	fields := map[string]*goredis.SliceCmd{}
	for _, m := range members {
		if p, err := parseListedMember(m); err == nil { // else it is the mark
			fields[m] = batch.HMGet(ctx, s.keys.incident(p.Number, partIncident), fieldOpen, fieldListing)
		}
	}
	if len(fields) == 0 {
		return nil, nil
	}
	if _, err := batch.Exec(ctx); err != nil {
		return nil, err
	}
	entries := map[int]indexEntries{}
	for m, cmd := range fields {
		p, err := parseListedMember(m)
		if err != nil {
			return nil, err
		}
		open, _ := cmd.Val()[0].(string)
		listing, _ := cmd.Val()[1].(string)
		if _, encoded, _ := strings.Cut(listing, " "); open != "1" || !isListedAs(encoded, m, p.Number) {
			entries[p.Number] = indexEntries{members: append(entries[p.Number].members, m)}
		}
	}
	return entries, nil
}

// isListedAs reports whether a member of the lists follows from an encoded listing.
func isListedAs(encoded, member string, number int) bool {
	l, err := workflow.ParseListing(encoded)
	return err == nil && slices.ContainsFunc(append([]string{""}, l.Tags...), func(tag string) bool {
		return listedMember(tag, bot.Place{Need: l.Need, Number: number}) == member
	})
}
