package main

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func TestJobsTable(t *testing.T) {
	var jobs []jobRow
	err := json.Unmarshal([]byte(`[
		{"name": "archive", "cron": "17 * * * *", "enabled": true, "next": {"at": "2026-03-01T04:17:00Z"},
		 "last": {"started_at": "2026-03-01T03:17:00Z", "outcome": "done", "note": "shelved 12, deleted 3", "attempts": 1}},
		{"name": "audit-report", "cron": "0 9 * * *"},
		{"name": "deadman", "cron": "@every 1m", "enabled": true, "next": {"at": "2026-03-01T03:20:00Z"},
		 "last": {"started_at": "2026-03-01T03:19:00Z", "outcome": "failed", "note": "it answered 500", "attempts": 1, "again_at": "2026-03-01T03:19:30Z"}},
		{"name": "overdue-updates", "cron": "@every 15m", "enabled": true, "next": {"at": "2026-03-01T03:30:00Z"},
		 "last": {"started_at": "2026-03-01T03:15:00Z", "outcome": "panicked", "note": "a \u001b[31mbug\nhere", "attempts": 1}}
	]`), &jobs)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	printJobs(&b, jobs, time.UTC)
	want := `JOB              SCHEDULE    LAST                                                  NEXT
archive          17 * * * *  2026-03-01 03:17:00 UTC  done: shelved 12, deleted 3  2026-03-01 04:17:00 UTC
audit-report     0 9 * * *   never                                                 off
deadman          @every 1m   2026-03-01 03:19:00 UTC  failed                       2026-03-01 03:20:00 UTC
    it answered 500 (attempt 1; again at 2026-03-01 03:19:30 UTC)
overdue-updates  @every 15m  2026-03-01 03:15:00 UTC  panicked                     2026-03-01 03:30:00 UTC
    a [31mbug here
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
