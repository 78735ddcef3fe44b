package sqlite

import (
	"fmt"
	"log/slog"

	"tocsin/bot"
	"tocsin/bot/alerts"
)

// writer is the only goroutine that changes the file, so its caches agree with the file.
// It clears them when a transaction fails.
type writer struct {
	*session
	queue   *queue
	leases  *leases
	classes *classes
	feed    *bot.Feed
	health  *bot.WriteHealth
	log     *slog.Logger

	rows        cache[int64, *incidentRow]
	alerts      cache[alertKey, alerts.Row]
	groups      cache[string, groupHold]
	last        int64 // the last incident number that was given out
	stored      int64 // the same, as stored in the file
	oldest      int64 // the instant of the oldest operation; 0: there is none
	rowsChanged int64 // by this connection, until the latest transaction
}

type alertKey struct{ integration, key string }

// The limits of the caches: enough for the busy incidents and alerts, a few megabytes.
const (
	keepRows   = 2000
	keepAlerts = 2000
	keepGroups = 2000
)

func newWriter(s *Store, log *slog.Logger) *writer {
	return &writer{
		session: s.writer, queue: s.queue, leases: s.leases, classes: s.classes, feed: &s.feed, health: &s.health, log: log,
		rows: newCache[int64, *incidentRow](keepRows), alerts: newCache[alertKey, alerts.Row](keepAlerts), groups: newCache[string, groupHold](keepGroups),
	}
}

// reload clears the caches and reads the counters from the file.
func (w *writer) reload() error {
	w.rows.clear()
	w.alerts.clear()
	w.groups.clear()
	row, err := w.queryRow("SELECT value FROM counter WHERE name = 'incident'")
	if err != nil {
		return err
	}
	if row != nil {
		w.stored = number(row[0])
	}
	w.last = w.stored
	return w.reloadOldest()
}

// reloadOldest reads the instant of the oldest operation.
func (w *writer) reloadOldest() error {
	row, err := w.queryRow("SELECT min(at) FROM operation")
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

// runTransaction runs one transaction with the first request and the requests that are
// waiting.
//
// A request checks everything before it writes: a request that is refused has written
// nothing and does not affect the others. A request that fails while it writes (the disk
// is full, a row exists) fails the transaction: it is rolled back, and each request runs
// again in a transaction of its own, so that only the faulty one fails.
func (w *writer) runTransaction(first *request) {
	var all []*request
	var l load
	err := w.transact(func(t *tx) error {
		for r := first; r != nil; r = w.queue.nextRequest(l) {
			l.add(r)
			all = append(all, r)
			r.err = r.do(t)
			if t.broken != nil {
				break // pick up no other request
			}
		}
		return t.broken
	})
	rolledBack := isRolledBack(err)
	if rolledBack {
		w.log.Warn("a transaction was rolled back", "requests", len(all), "error", err)
	}
	if len(all) == 0 {
		all = append(all, first) // the transaction could not begin
	}
	for _, r := range all {
		switch {
		case rolledBack && len(all) > 1:
			r.done <- w.runAlone(r)
		case err != nil:
			r.done <- err
		default:
			r.done <- r.err
		}
	}
}

// runAlone runs one request in a transaction of its own.
func (w *writer) runAlone(r *request) error {
	if err := w.transact(func(t *tx) error { r.err = r.do(t); return t.broken }); err != nil {
		return err
	}
	return r.err
}

// transact runs do in a transaction. After the commit it releases the leases that were
// settled, so that no claim finds an old first task, and notifies watchers, which read at
// once. Callers are answered after that.
func (w *writer) transact(do func(*tx) error) (err error) {
	defer func() { w.recordWrite(err) }()
	if err = w.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("begin a transaction: %w", explain(err))
	}
	t := &tx{writer: w}
	err = do(t)
	if err == nil {
		err = t.flush()
	}
	if err != nil {
		err = &rolledBackError{explain(err)}
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

// rollback rolls a transaction back and reloads the caches.
func (w *writer) rollback(t *tx) {
	// After some errors SQLite has rolled back already, and reports that.
	if err := w.exec("ROLLBACK"); err != nil {
		w.log.Debug("roll back", "error", err)
	}
	w.leases.unmarkSettling(t.settled)
	if err := w.reload(); err != nil {
		w.log.Error("read the counters again", "error", err)
	}
}

// rolledBackError is why a transaction was rolled back before its commit.
type rolledBackError struct{ error }

func (e *rolledBackError) Unwrap() error { return e.error }

// cache is a map with a size limit that is enforced between transactions.
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

// trim removes arbitrary entries until the cache is an eighth below its limit. It must be
// called between transactions: what a transaction has changed must stay until its end.
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
