package sqlite

import (
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// laneKey identifies a lane.
type laneKey struct {
	number      int64
	class       int64
	destination string
}

// laneOf returns the lane of a task.
func laneOf(t bot.Task) laneKey {
	n := int64(workflow.NumberOf(t.Owner))
	return laneKey{n, int64(t.Lane.Class), t.Lane.Destination}
}

// leases is the table of leased lanes. It is in memory, so that no lease outlives the
// process.
//
// A claim reads the file while the writer changes it. The order in which both use this
// table makes that safe:
//
//   - A lane that a transaction settles stays leased, marked as settling, until the
//     commit has returned. A claim that reads the old first task before the commit finds
//     the lane leased.
//   - A claim may read before a commit and check the table after it. So a lane that is
//     released during a claim stays in the table, marked as released, until that claim
//     has ended; the next claim reads the file after the commit.
//   - The first task of a lane that is not leased does not change: only Settle and
//     Postpone change it, and they need the lease. Standing tasks, among them the
//     wake-up, are rewritten without a lease, but they have a revision: settling an older
//     revision leaves the newer one due, as if the claim had come just before it.
//
// So the writer never waits for a claim, nor a claim for the writer.
type leases struct {
	claims sync.Mutex // one claim at a time

	mu           sync.Mutex
	all          map[laneKey]*lease
	claiming     bool
	releasedKeys []laneKey // released during the running claim
	prefix       string    // makes the tokens differ from those of an earlier process
	token        int64
}

type lease struct {
	token    string
	until    int64
	id       string
	rev      int64
	position int64
	settling bool // by a transaction that has not been committed yet
	released bool
}

func newLeases() *leases {
	return &leases{all: map[laneKey]*lease{}, prefix: strconv.FormatInt(time.Now().UnixNano(), 36) + "."}
}

// beginClaim begins a claim. What the claim reads from now on can be checked against
// the table.
func (l *leases) beginClaim() {
	l.claims.Lock()
	l.mu.Lock()
	l.claiming = true
	l.mu.Unlock()
}

// endClaim ends the claim.
func (l *leases) endClaim() {
	l.mu.Lock()
	l.claiming = false
	for _, k := range l.releasedKeys {
		if held := l.all[k]; held != nil && held.released {
			delete(l.all, k)
		}
	}
	l.releasedKeys = nil
	l.mu.Unlock()
	l.claims.Unlock()
}

// isFree reports whether a lane can be leased at an instant.
func (l *leases) isFree(k laneKey, at int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isFreeLocked(k, at)
}

// isFreeLocked is isFree for a caller that has locked mu.
func (l *leases) isFreeLocked(k laneKey, at int64) bool {
	held := l.all[k]
	return held == nil || held.until <= at && !held.settling && !held.released
}

// grant leases a lane and returns the token, or false when the lane is leased already.
func (l *leases) grant(k laneKey, at int64, held lease) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.isFreeLocked(k, at) {
		return "", false
	}
	l.token++
	held.token = l.prefix + strconv.FormatInt(l.token, 10)
	l.all[k] = &held
	return held.token, true
}

// leasedUntil returns when the lease of a lane ends, or 0 when it is not leased.
func (l *leases) leasedUntil(k laneKey) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if held := l.all[k]; held != nil && !held.released {
		return held.until
	}
	return 0
}

// renew extends the lease of a lane, if it is still held with this token.
func (l *leases) renew(k laneKey, token string, until int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.all[k]
	if held == nil || held.released || token == "" || held.token != token {
		return false
	}
	held.until = until
	return true
}

// markSettling marks a lane as being settled by the current transaction, if the lease is
// still held with this token.
func (l *leases) markSettling(k laneKey, token string) (lease, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	held := l.all[k]
	if held == nil || held.released || held.settling || token == "" || held.token != token {
		return lease{}, false
	}
	held.settling = true
	return *held, true
}

// unmarkSettling removes the marks: the transaction was rolled back, or the commit was
// refused.
func (l *leases) unmarkSettling(keys []laneKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range keys {
		if held := l.all[k]; held != nil {
			held.settling = false
		}
	}
}

// release ends leases that were settled by a commit or not handed out.
func (l *leases) release(keys []laneKey) {
	if len(keys) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range keys {
		held := l.all[k]
		switch {
		case held == nil:
		case l.claiming:
			held.released = true
			l.releasedKeys = append(l.releasedKeys, k)
		default:
			delete(l.all, k)
		}
	}
}

// classes is the set of classes that lanes have had. Claim queries each by itself,
// because an index on (class, due) cannot serve a range of classes.
type classes struct {
	all atomic.Pointer[[]int64] // in order; replaced, never changed
}

// inRange returns the known classes of a range.
func (c *classes) inRange(r bot.Classes) []int64 {
	var some []int64
	for _, class := range c.list() {
		if class >= int64(r.From) && class <= int64(r.To) {
			some = append(some, class)
		}
	}
	return some
}

func (c *classes) list() []int64 {
	if all := c.all.Load(); all != nil {
		return *all
	}
	return nil
}

// add adds a class. Only one goroutine may call it at a time: first Open, then the writer.
func (c *classes) add(class int64) {
	n, ok := slices.BinarySearch(c.list(), class)
	if !ok {
		all := slices.Insert(slices.Clone(c.list()), n, class)
		c.all.Store(&all)
	}
}

// load reads the classes from the file.
func (c *classes) load(s *session) error {
	c.add(int64(workflow.ClassWake))
	row, err := s.queryRow("SELECT min(class) FROM lane")
	for err == nil && row[0] != nil {
		c.add(number(row[0]))
		row, err = s.queryRow("SELECT min(class) FROM lane WHERE class > ?", number(row[0]))
	}
	return err
}
