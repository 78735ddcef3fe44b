package sqlite

import (
	"cmp"
	"context"
	"database/sql/driver"
	"fmt"
	"strconv"
	"strings"

	"tocsin/bot"
)

// Export implements [bot.Archive].
func (s *Store) Export(ctx context.Context, after string, limit int) ([]bot.ArchiveItem, error) {
	var all []bot.ArchiveItem
	err := s.readSnapshot(ctx, func(r *session) (err error) {
		all, err = bot.ReadSections(after, limit, []bot.Section{
			{Name: "counter", Read: exportCounter(r)},
			{Name: "record", Read: exportRecords(r)},
			{Name: "incident", Read: exportIncidents(ctx, r)},
			{Name: "group", Read: exportGroups(r)},
			{Name: "alert", Read: exportAlerts(r)},
			{Name: "operation", Read: exportOperations(r)},
		})
		return err
	})
	return all, err
}

// sectionReader reads a page of a section.
type sectionReader = func(after string, limit int) ([]bot.ArchiveItem, error)

// queryItems returns an item for each row of a query.
func queryItems(r *session, convert func(row []driver.Value) (bot.ArchiveItem, error), query string, args ...any) ([]bot.ArchiveItem, error) {
	var all []bot.ArchiveItem
	err := r.each(query, func(row []driver.Value) (bool, error) {
		item, err := convert(row)
		all = append(all, item)
		return true, err
	}, args...)
	return all, err
}

func exportCounter(r *session) sectionReader {
	return func(string, int) ([]bot.ArchiveItem, error) {
		return queryItems(r, func(row []driver.Value) (bot.ArchiveItem, error) {
			return bot.ArchiveItem{Counter: new(int(number(row[0])))}, nil
		}, "SELECT value FROM counter WHERE name = 'incident'")
	}
}

func exportRecords(r *session) sectionReader {
	return func(after string, limit int) ([]bot.ArchiveItem, error) {
		kind, id, _ := strings.Cut(after, "/")
		return queryItems(r, func(row []driver.Value) (bot.ArchiveItem, error) {
			rec := scanRecord(text(row[0]), text(row[1]), row[2:])
			return bot.ArchiveItem{Record: &rec}, nil
		}, "SELECT kind, id, version, body FROM record WHERE (kind, id) > (?, ?) ORDER BY kind, id LIMIT ?", kind, id, int64(limit))
	}
}

func exportIncidents(ctx context.Context, r *session) sectionReader {
	return func(after string, limit int) ([]bot.ArchiveItem, error) {
		from, err := strconv.ParseInt(cmp.Or(after, "0"), 10, 64)
		if err != nil {
			return nil, fmt.Errorf("read the incident number %q: %w", after, err)
		}
		var numbers []int64
		err = r.each("SELECT number FROM incident WHERE number > ? ORDER BY number LIMIT ?", func(row []driver.Value) (bool, error) {
			numbers = append(numbers, number(row[0]))
			return true, nil
		}, from, int64(limit))
		var all []bot.ArchiveItem
		for _, n := range numbers {
			if err = ctx.Err(); err != nil {
				break
			}
			d, e := readIncident(r, n)
			if err = e; err != nil {
				break
			}
			all = append(all, bot.ArchiveItem{Incident: d})
		}
		return all, err
	}
}

func exportGroups(r *session) sectionReader {
	return func(after string, limit int) ([]bot.ArchiveItem, error) {
		return queryItems(r, func(row []driver.Value) (bot.ArchiveItem, error) {
			return bot.ArchiveItem{Group: &bot.ArchivedGroup{
				Key: text(row[0]), Owner: optionalID(number(row[1])), Always: number(row[2]) != 0, HoldUntil: instant(number(row[3])),
			}}, nil
		}, "SELECT key, number, always, until FROM alert_group WHERE key > ? ORDER BY key LIMIT ?", after, int64(limit))
	}
}

func exportAlerts(r *session) sectionReader {
	return func(after string, limit int) ([]bot.ArchiveItem, error) {
		integration, key, _ := strings.Cut(after, "\x00")
		return queryItems(r, func(row []driver.Value) (bot.ArchiveItem, error) {
			alert, err := scanAlert(row)
			return bot.ArchiveItem{Alert: &bot.ArchivedAlert{Integration: alert.Integration, Key: alert.Key, Row: alert}}, err
		}, "SELECT "+alertColumns+" FROM alert WHERE (integration, key) > (?, ?) ORDER BY integration, key LIMIT ?", integration, key, int64(limit))
	}
}

func exportOperations(r *session) sectionReader {
	return func(after string, limit int) ([]bot.ArchiveItem, error) {
		return queryItems(r, func(row []driver.Value) (bot.ArchiveItem, error) {
			return bot.ArchiveItem{Operation: &bot.ArchivedOperation{ID: text(row[0]), At: instant(number(row[1])), Reply: body(row[2])}}, nil
		}, "SELECT id, at, reply FROM operation WHERE id > ? ORDER BY id LIMIT ?", after, int64(limit))
	}
}
