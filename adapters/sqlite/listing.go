package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"slices"

	"tocsin/bot"
	"tocsin/workflow"
)

// ListOpen implements [bot.Library].
func (s *Store) ListOpen(ctx context.Context, q bot.OpenQuery) ([]bot.Loaded, error) {
	var all []bot.Loaded
	err := s.read(ctx, func(r *session) error {
		// The join is outside: an earlier build may have ended an incident that is still
		// in the list, and the limit must not count it. CROSS JOIN keeps the order of the
		// tables, so that the rows come in the order of the list.
		return r.each(`SELECT l.need, i.number, i.version, i.previous, s.body, NULL FROM listed l
			CROSS JOIN incident i ON i.number = l.number AND i.open LEFT JOIN state s ON s.number = i.number
			WHERE l.tag = ? AND (l.need, l.number) > (?, ?) ORDER BY l.need, l.number LIMIT ?`, func(row []driver.Value) (bool, error) {
			l, err := scanLoaded(number(row[1]), row[2:])
			l.Need = workflow.Need(number(row[0]))
			all = append(all, l)
			if err == nil {
				err = ctx.Err()
			}
			return true, err
		}, q.Tag, int64(q.After.Need), int64(q.After.Number), int64(max(q.Limit, 0)))
	})
	if err != nil {
		return nil, fmt.Errorf("list open incidents: %w", err)
	}
	return all, nil
}

// CountOpen implements [bot.Library]. It reads the list alone, not the incidents.
func (s *Store) CountOpen(ctx context.Context, tag string) (bot.OpenCounts, error) {
	var c bot.OpenCounts
	err := s.read(ctx, func(r *session) error {
		row, err := r.queryRow("SELECT count(*), count(*) FILTER (WHERE need < ?), count(*) FILTER (WHERE need < ?) FROM listed WHERE tag = ?",
			int64(workflow.NeedAcknowledged), int64(workflow.NeedUnacknowledged), tag)
		if err == nil && row != nil {
			c = bot.OpenCounts{Open: int(number(row[0])), Unacknowledged: int(number(row[1])), Unattended: int(number(row[2]))}
		}
		return err
	})
	if err != nil {
		return c, fmt.Errorf("count open incidents: %w", err)
	}
	return c, nil
}

// setListing sets where an incident is listed. Its version and whether it is open must be
// set before.
func (i *incidentRow) setListing(l workflow.Listing) {
	i.listing, i.listingVersion = "", i.version
	if i.open {
		i.listing = l.String()
	}
}

// listedRow is a row of the table listed, without the number.
type listedRow struct {
	tag  string
	need int64
}

// listedRows returns the rows of a listing; "" has none.
func listedRows(listing string) ([]listedRow, error) {
	if listing == "" {
		return nil, nil
	}
	l, err := workflow.ParseListing(listing)
	if err != nil {
		return nil, err
	}
	all := []listedRow{{need: int64(l.Need)}}
	for _, tag := range l.Tags {
		all = append(all, listedRow{tag, int64(l.Need)})
	}
	return all, nil
}

// flushListing moves an incident in the lists, if its listing has changed.
func (t *tx) flushListing(i *incidentRow) error {
	if i.listing == i.was.listing {
		return nil
	}
	before, err := listedRows(i.was.listing)
	if err != nil {
		return fmt.Errorf("list %s: %w", optionalID(i.number), err)
	}
	after, err := listedRows(i.listing)
	if err != nil {
		return fmt.Errorf("list %s: %w", optionalID(i.number), err)
	}
	for _, r := range before {
		if slices.Contains(after, r) {
			continue
		}
		if err := t.exec("DELETE FROM listed WHERE tag = ? AND need = ? AND number = ?", r.tag, r.need, i.number); err != nil {
			return err
		}
	}
	for _, r := range after {
		if slices.Contains(before, r) {
			continue
		}
		if err := t.insertListed(r, i.number); err != nil {
			return err
		}
	}
	return nil
}

func (t *tx) insertListed(r listedRow, n int64) error {
	return t.exec("INSERT INTO listed (tag, need, number) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", r.tag, r.need, n)
}

// listStep is how many incidents one transaction of listUnlisted lists.
const listStep = 500

// listUnlisted lists the open incidents that an earlier build has written, which knew no
// listings, and takes from the lists those that it has ended.
func (w *writer) listUnlisted() error {
	for _, query := range []string{
		"SELECT number FROM incident INDEXED BY incident_open WHERE open AND listing_version <> version AND number > ? ORDER BY number LIMIT ?",
		"SELECT l.number FROM listed l CROSS JOIN incident i ON i.number = l.number AND NOT i.open WHERE l.tag = '' AND l.number > ? ORDER BY l.number LIMIT ?",
	} {
		for after, more := int64(0), true; more; {
			err := w.transact(func(t *tx) (err error) {
				after, more, err = t.listNext(query, after)
				return err
			})
			if err != nil {
				return fmt.Errorf("list the open incidents by need: %w", err)
			}
		}
	}
	return nil
}

// listNext lists the next incidents that a query finds, and returns the last of them.
func (t *tx) listNext(query string, after int64) (last int64, more bool, err error) {
	var numbers []int64
	err = t.each(query, func(row []driver.Value) (bool, error) {
		numbers = append(numbers, number(row[0]))
		return true, nil
	}, after, int64(listStep))
	for _, n := range numbers {
		if after = n; err != nil {
			break
		}
		_, err = t.relist(n)
	}
	return after, len(numbers) == listStep, err
}

// relist lists an incident anew, where its state says, if its listing is of another
// version. It reports whether it was.
func (t *tx) relist(n int64) (bool, error) {
	i, err := t.incidentRow(n)
	if err != nil || i == nil || i.listingVersion == i.version && (i.open || i.listing == "") {
		return false, err
	}
	d := bot.ArchivedIncident{Version: int(i.version), Open: i.open, Previous: optionalID(i.previous)}
	row, err := t.queryRow("SELECT s.body, m.body FROM state s LEFT JOIN mail m ON m.number = s.number WHERE s.number = ? ORDER BY m.seq LIMIT 1", n)
	if err != nil {
		return false, err
	}
	if row != nil {
		d.Body = body(row[0])
		if first := body(row[1]); json.Valid(first) {
			d.Mail = []bot.StoredMail{{Seq: 1, Body: first}}
		}
	}
	i.setListing(bot.ListingOf(d))
	t.touch(i)
	return true, nil
}

// checkListing lists an incident where it should be listed and is not, and returns what was
// wrong, if anything.
func (t *tx) checkListing(n int64) (string, error) {
	stale, err := t.relist(n)
	if err != nil || stale {
		return "its place in the lists was that of another version", err
	}
	i, err := t.incidentRow(n)
	if err != nil || i == nil || i.dirty {
		return "", err
	}
	rows, err := listedRows(i.listing)
	wrong := ""
	for _, r := range rows {
		found, failed := t.queryRow("SELECT 1 FROM listed WHERE tag = ? AND need = ? AND number = ?", r.tag, r.need, n)
		if failed != nil {
			return "", failed
		}
		if found == nil {
			wrong = "missing from the lists of open incidents"
			err = t.insertListed(r, n)
		}
		if err != nil {
			return "", err
		}
	}
	return wrong, err
}
