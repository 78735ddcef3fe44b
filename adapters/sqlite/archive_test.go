package sqlite_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/sqlite"
	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
)

// bulkTables are the tables that have no rows of an archived incident.
var bulkTables = []string{"state", "event", "mail", "message", "task", "lane"}

// endIncident commits an incident that is closed and owes nothing.
func endIncident(t testing.TB, s *sqlite.Store, id string, events int) {
	t.Helper()
	c := wakeCommit(id, 0, time.Time{})
	c.Open, c.Events, c.Messages = false, nil, say("", "a").Messages
	for n := range events {
		c.Events = append(c.Events, bot.StoredEvent{Seq: n + 1, Body: fmt.Appendf(nil, `{"seq":%d,"text":"something that happened"}`, n+1)})
	}
	if _, err := s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

// wantRows fails unless the tables have so many rows together.
func wantRows(t *testing.T, s *sqlite.Store, want int, tables ...string) {
	t.Helper()
	if got, err := s.Count(t.Context(), tables...); err != nil || got != want {
		t.Errorf("%v have %d rows, %v; want %d", tables, got, err, want)
	}
}

// TestCompactForm: an archived incident is one small row and one with all its content; a
// forgotten incident has no rows.
func TestCompactForm(t *testing.T) {
	path := file(t)
	s := open(t, path)
	endIncident(t, s, "INC-1", 50)
	alert := alertOf("k", "g")
	over := alert
	over.Alert.State = alerts.Resolved
	if _, err := s.Take(t.Context(), alerts.Batch{At: bottest.Epoch, Arrivals: []alerts.Arrival{alert, over}}); err != nil {
		t.Fatal(err)
	}
	last := wakeCommit("INC-2", 0, time.Time{})
	last.Open, last.ReadMail, last.Group = false, 1, &bot.GroupHold{Key: "g"}
	if _, err := s.Commit(t.Context(), last); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"INC-1", "INC-2"} {
		if done, err := s.Archive(t.Context(), id); err != nil || !done {
			t.Fatalf("archived %s: %v, %v", id, done, err)
		}
	}
	wantRows(t, s, 0, bulkTables...)
	wantRows(t, s, 2, "incident")
	wantRows(t, s, 2, "archive")
	s.Close()
	s = open(t, path) // nothing was only in memory
	if history, err := s.History(t.Context(), "INC-1", 0, 100); err != nil || len(history) != 50 {
		t.Errorf("%d events, %v", len(history), err)
	}
	for _, id := range []string{"INC-1", "INC-2"} {
		if done, err := s.Forget(t.Context(), id); err != nil || !done {
			t.Fatalf("forgotten %s: %v, %v", id, done, err)
		}
	}
	wantRows(t, s, 0, append(bulkTables, "incident", "archive", "alert", "alert_group")...)
	if n, err := s.Reserve(t.Context()); err != nil || n != 3 {
		t.Errorf("the next number is %d, %v", n, err)
	}
}

// TestArchiveWhileWriting: while an incident is archived and restored over and over,
// readers see everything that was answered, and nothing is lost.
func TestArchiveWhileWriting(t *testing.T) {
	rounds := 300
	if raceEnabled || testing.Short() {
		rounds = 60
	}
	s, ctx := open(t, file(t)), context.WithoutCancel(t.Context())
	endIncident(t, s, "INC-1", 1)
	done := make(chan struct{})
	var background sync.WaitGroup
	repeat := func(do func() bool) {
		background.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if !do() {
					return
				}
			}
		})
	}
	archived := 0
	repeat(func() bool {
		ok, err := s.Archive(ctx, "INC-1")
		if err != nil {
			t.Error(err)
		}
		if ok {
			archived++
		}
		return err == nil
	})
	events, count := 1, 1
	repeat(func() bool { // the numbers never shrink
		history, err := s.History(ctx, "INC-1", 0, 10_000)
		messages, messagesErr := s.Messages(ctx, "INC-1", 0, 10_000)
		ok := err == nil && messagesErr == nil && len(history) >= events && len(messages) >= count
		if !ok {
			t.Errorf("%d events, %d messages, %v, %v; there were %d and %d", len(history), len(messages), err, messagesErr, events, count)
		}
		events, count = len(history), len(messages)
		return ok
	})
	var writers sync.WaitGroup
	writers.Go(func() {
		for n := range rounds {
			if _, err := s.Commit(ctx, say("INC-1", fmt.Sprint("message ", n))); err != nil {
				t.Error(err)
			}
			if messages, err := s.Messages(ctx, "INC-1", 0, 10_000); err != nil || len(messages) != n+2 || messages[n+1].Seq != n+2 {
				t.Errorf("after message %d there are %d, %v", n, len(messages), err)
			}
		}
	})
	writers.Go(func() {
		for n := range rounds {
			c := wakeCommit("INC-1", n+1, time.Time{})
			c.Open, c.Events = false, []bot.StoredEvent{{Seq: n + 2, Body: fmt.Append(nil, n+2)}}
			if _, err := s.Commit(ctx, c); err != nil {
				t.Error(err)
			}
			if history, err := s.History(ctx, "INC-1", 0, 10_000); err != nil || len(history) != n+2 {
				t.Errorf("after event %d there are %d, %v", n+2, len(history), err)
			}
			if l, err := s.Load(ctx, "INC-1"); err != nil || l.Version != n+2 || !bytes.Equal(l.Snapshot, c.Snapshot) {
				t.Errorf("after version %d: %+v, %v", n+2, l, err)
			}
		}
	})
	writers.Wait()
	close(done)
	background.Wait()
	if archived == 0 {
		t.Error("it was never archived: the test checks nothing")
	}
}

// TestCompactFormDamaged: a compact form that cannot be decoded is an error that names
// the incident, and not an incident without a history.
func TestCompactFormDamaged(t *testing.T) {
	s := open(t, file(t))
	endIncident(t, s, "INC-1", 1)
	if done, err := s.Archive(t.Context(), "INC-1"); err != nil || !done {
		t.Fatalf("archived: %v, %v", done, err)
	}
	execRaw(t, s, "UPDATE archive SET body = CAST('damage' AS BLOB)")
	_, loadErr := s.Load(t.Context(), "INC-1")
	_, historyErr := s.History(t.Context(), "INC-1", 0, 10)
	_, messagesErr := s.Messages(t.Context(), "INC-1", 0, 10)
	_, exportErr := s.Export(t.Context(), "", 100)
	_, messageErr := s.Commit(t.Context(), say("INC-1", "b"))
	_, stepErr := s.Commit(t.Context(), wakeCommit("INC-1", 1, time.Time{}))
	for what, err := range map[string]error{"load": loadErr, "history": historyErr, "messages": messagesErr, "message": messageErr, "step": stepErr} {
		wantError(t, err, "INC-1", "expand the")
		if errors.Is(err, bot.ErrNotFound) {
			t.Errorf("%s: %v", what, err)
		}
	}
	wantError(t, exportErr, "expand the")
}
