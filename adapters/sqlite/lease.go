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

type laneKey struct {
	number      int64
	class       int64
	destination string
}

func laneOf(t bot.Task) laneKey {
	n, _ := parseID(t.Owner)
	return laneKey{n, int64(t.Lane.Class), t.Lane.Destination}
}

// leases are who works on which lane. They are in memory, so that none
// outlives the process.
//
// A claim reads the file while the writer changes it, and both are right
// because of the order in which they touch this table:
//
//   - A lane that a transaction settles stays leased, as settling, until the
//     commit has returned. A claim that reads before the commit finds the old
//     head, and the lane leased.
//   - A claim that began before the release may have read before the commit,
//     and look here after it. So a release during a claim leaves the lane here,
//     as gone, until that claim has ended; the next one reads afterwards.
//   - The head of a lane that nobody leases does not change: only Settle and
//     Postpone change it, and they need the lease. The standing wake-up and
//     other standing tasks are rewritten without one, but their revision tells:
//     settling an older one leaves the newer one due, as if the claim had come
//     just before.
//
// The writer therefore never waits for a claim, nor a claim for the writer.
type leases struct {
	claims sync.Mutex // one claim at a time

	mu           sync.Mutex
	all          map[laneKey]*lease
	claiming     bool
	releasedKeys []laneKey // released during the claim
	prefix       string    // tokens of an earlier process differ
	token        int64
}

type lease struct {
	token    string
	until    int64
	id       string
	rev      int64
	position int64
	settling bool // by a transaction that has not committed yet
	released bool
}

func newLeases() *leases {
	return &leases{all: map[laneKey]*lease{}, prefix: strconv.FormatInt(time.Now().UnixNano(), 36) + "."}
}

// begin opens a claim: whatever it reads from now on, it can hold against the
// table.
func (l *leases) beginClaim() {
	l.claims.Lock()
	l.mu.Lock()
	l.claiming = true
	l.mu.Unlock()
}

// end closes it.
func (l *leases) endClaim() {
	l.mu.Lock()
	l.claiming = false
	for _, k := range l.releasedKeys {
		if h := l.all[k]; h != nil && h.released {
			delete(l.all, k)
		}
	}
	l.releasedKeys = nil
	l.mu.Unlock()
	l.claims.Unlock()
}

// free reports whether a claim may have a lane.
func (l *leases) isFree(k laneKey, at int64) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isFreeLocked(k, at)
}

func (l *leases) isFreeLocked(k laneKey, at int64) bool {
	h := l.all[k]
	return h == nil || h.until <= at && !h.settling && !h.released
}

// grant leases a lane, and returns the token; false when it is not free.
func (l *leases) grant(k laneKey, at int64, h lease) (string, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.isFreeLocked(k, at) {
		return "", false
	}
	l.token++
	h.token = l.prefix + strconv.FormatInt(l.token, 10)
	l.all[k] = &h
	return h.token, true
}

// until returns when the lease of a lane runs out; 0 when it has none.
func (l *leases) until(k laneKey) int64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if h := l.all[k]; h != nil && !h.released {
		return h.until
	}
	return 0
}

// settling marks a lane as being settled by the transaction under way, if the
// lease is still held.
func (l *leases) markSettling(k laneKey, token string) (lease, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.all[k]
	if h == nil || h.released || h.settling || token == "" || h.token != token {
		return lease{}, false
	}
	h.settling = true
	return *h, true
}

// keep takes the mark back: the transaction, or the change, came to nothing.
func (l *leases) unmarkSettling(keys []laneKey) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range keys {
		if h := l.all[k]; h != nil {
			h.settling = false
		}
	}
}

// release ends leases whose settling is committed, or that were never handed
// out.
func (l *leases) release(keys []laneKey) {
	if len(keys) == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, k := range keys {
		h := l.all[k]
		switch {
		case h == nil:
		case l.claiming:
			h.released = true
			l.releasedKeys = append(l.releasedKeys, k)
		default:
			delete(l.all, k)
		}
	}
}

// classes are those that lanes have had: Claim asks for each by itself, since
// an index on (class, due) cannot answer for a range of classes. One that has
// no lanes any more costs one look.
type classes struct {
	all atomic.Pointer[[]int64] // in order; replaced, never changed
}

func (c *classes) within(r bot.Classes) []int64 {
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

// add is called by one goroutine at a time: at first Open, then the writer.
func (c *classes) add(class int64) {
	n, known := slices.BinarySearch(c.list(), class)
	if !known {
		all := slices.Insert(slices.Clone(c.list()), n, class)
		c.all.Store(&all)
	}
}

// load finds the classes in the file.
func (c *classes) load(s *session) error {
	c.add(int64(workflow.ClassWake))
	row, err := s.one("SELECT min(class) FROM lane")
	for err == nil && row[0] != nil {
		c.add(number(row[0]))
		row, err = s.one("SELECT min(class) FROM lane WHERE class > ?", number(row[0]))
	}
	return err
}
