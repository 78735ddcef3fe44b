package sqlite

import (
	"fmt"
	"log/slog"

	"tocsin/bot"
	"tocsin/bot/alerts"
)

// writer is the one goroutine that changes the file. Because nobody else does,
// what it remembers of the file is true; it forgets all of it when a
// transaction fails.
type writer struct {
	*session
	queue   *queue
	leases  *leases
	classes *classes
	feed    *bot.Feed
	log     *slog.Logger

	rows   cache[int64, *incidentRow]
	alerts cache[alertKey, alerts.Row]
	groups cache[string, groupHold]
	last   int64 // the last incident number given out
	stored int64 // the same, as it is in the file
	oldest int64 // no operation is older; 0: there is none
}

type alertKey struct{ integration, key string }

// What the writer remembers: enough for the incidents and alerts that are
// busy, a few megabytes at most.
const (
	keepRows   = 2000
	keepAlerts = 2000
	keepGroups = 2000
)

func newWriter(s *Store, log *slog.Logger) *writer {
	return &writer{
		session: s.writer, queue: s.queue, leases: s.leases, classes: s.classes, feed: &s.feed, log: log,
		rows: newCache[int64, *incidentRow](keepRows), alerts: newCache[alertKey, alerts.Row](keepAlerts), groups: newCache[string, groupHold](keepGroups),
	}
}

// recall forgets everything and reads the counters again.
func (w *writer) reload() error {
	w.rows.clear()
	w.alerts.clear()
	w.groups.clear()
	row, err := w.one("SELECT value FROM counter WHERE name = 'incident'")
	if err != nil {
		return err
	}
	if row != nil {
		w.stored = number(row[0])
	}
	w.last = w.stored
	return w.reloadOldest()
}

func (w *writer) reloadOldest() error {
	row, err := w.one("SELECT min(at) FROM operation")
	if err == nil {
		w.oldest = number(row[0])
	}
	return err
}

// serve runs transactions until the queue is closed and empty.
func (w *writer) serve() {
	for r := w.queue.wait(); r != nil; r = w.queue.wait() {
		w.runTransaction(r)
	}
}

// turn runs one transaction: the first request and what else is waiting.
//
// A request checks before it writes, and one whose checks fail has written
// nothing and disturbs nobody. One that fails while it writes (a full disk, a
// row that must not be there) spoils the transaction: it is rolled back, and
// each request runs once more by itself, so that only the culprit fails.
func (w *writer) runTransaction(first *request) {
	var all []*request
	var l load
	err := w.transact(func(t *tx) error {
		for r := first; r != nil; r = w.queue.more(l) {
			l.add(r)
			all = append(all, r)
			r.err = r.do(t)
			if t.broken != nil {
				break // before another is picked
			}
		}
		return t.broken
	})
	spoiled := isSpoiled(err)
	if spoiled {
		w.log.Warn("a transaction was rolled back", "requests", len(all), "error", err)
	}
	if len(all) == 0 {
		all = append(all, first) // the transaction did not even begin
	}
	for _, r := range all {
		switch {
		case spoiled && len(all) > 1:
			r.done <- w.runAlone(r)
		case err != nil:
			r.done <- err
		default:
			r.done <- r.err
		}
	}
}

// alone runs one request in a transaction of its own.
func (w *writer) runAlone(r *request) error {
	if err := w.transact(func(t *tx) error { r.err = r.do(t); return t.broken }); err != nil {
		return err
	}
	return r.err
}

// transact runs do in a transaction. Leases that it settled are released once
// the commit has returned, so that no claim can find their old heads; and only
// then are watchers told, since whoever is told reads at once. Nobody has been
// answered yet.
func (w *writer) transact(do func(*tx) error) error {
	if err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin a transaction: %w", explain(err))
	}
	t := &tx{writer: w}
	err := do(t)
	if err == nil {
		err = t.flush()
	}
	if err != nil {
		err = &spoiledError{explain(err)}
	} else if err = w.exec("COMMIT"); err == nil {
		w.leases.release(t.settled)
		w.notifyWatchers(t.changed)
		w.rows.trim()
		w.alerts.trim()
		w.groups.trim()
		return nil
	} else {
		err = fmt.Errorf("commit a transaction: %w", explain(err))
	}
	w.rollback(t)
	return err
}

func (w *writer) rollback(t *tx) {
	// SQLite has done it already after some errors, and then says so.
	if err := w.exec("ROLLBACK"); err != nil {
		w.log.Debug("roll back", "error", err)
	}
	w.leases.unmarkSettling(t.settled)
	if err := w.reload(); err != nil {
		w.log.Error("read the counters again", "error", err)
	}
}

// spoiledError is why a transaction was given up before its commit.
type spoiledError struct{ error }

func (e *spoiledError) Unwrap() error { return e.error }

// cache is a memory that is bounded between transactions.
type cache[K comparable, V any] struct {
	limit int
	all   map[K]V
}

func newCache[K comparable, V any](limit int) cache[K, V] {
	return cache[K, V]{limit, map[K]V{}}
}

func (c *cache[K, V]) get(k K) (V, bool) {
	v, ok := c.all[k]
	return v, ok
}

func (c *cache[K, V]) put(k K, v V) { c.all[k] = v }

func (c *cache[K, V]) drop(k K) { delete(c.all, k) }

// trim forgets whatever the map names first, down to an eighth below the
// limit. Between transactions: what one has changed must stay until its end.
func (c *cache[K, V]) trim() {
	if len(c.all) <= c.limit {
		return
	}
	keep := c.limit - c.limit/8
	for k := range c.all {
		if len(c.all) <= keep {
			return
		}
		delete(c.all, k)
	}
}

func (c *cache[K, V]) clear() { clear(c.all) }
