package config_test

import (
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/adapters/config"
	"tocsin/bot"
	"tocsin/workflow"
)

// jobOf returns a job of a configuration, and its schedule with the zone.
func jobOf(t *testing.T, text, name string) (job bot.Job, schedule string) {
	t.Helper()
	for _, j := range parse(t, text, optionsWithSecrets()).Organization.Jobs {
		if j.Name == name {
			return j, j.Schedule.String()
		}
	}
	t.Fatalf("there is no job %s", name)
	return bot.Job{}, ""
}

func TestJobs(t *testing.T) {
	const ana = "timezone: Europe/Berlin\npeople: [{ id: ana, access: admin }]\n"
	for _, c := range []struct {
		text, name, schedule string
		to                   []workflow.Target
		missed               bot.MissedPolicy
		enabled              bool
	}{
		{"", bot.JobArchive, "17 * * * * UTC", nil, bot.RunLate, true},
		{"", bot.JobAuditReport, "0 9 * * * UTC", nil, bot.RunLate, false},
		{"", bot.JobDeadman, "@every 1m", nil, bot.Skip, false},
		{"deadman: { url_env: A_URL }", bot.JobDeadman, "@every 1m", nil, bot.Skip, true},
		{"deadman: { url_env: A_URL }\njobs: { deadman: { enabled: false } }", bot.JobDeadman, "@every 1m", nil, bot.Skip, false},
		{ana, bot.JobArchive, "17 * * * * Europe/Berlin", nil, bot.RunLate, true},
		{ana + "jobs: { archive: { enabled: false } }", bot.JobArchive, "17 * * * * Europe/Berlin", nil, bot.RunLate, false},
		{ana + "jobs: { archive: }", bot.JobArchive, "17 * * * * Europe/Berlin", nil, bot.RunLate, true},
		{ana + "jobs: { archive: { cron: \"@daily\", timezone: UTC, missed: skip } }", bot.JobArchive, "@daily UTC", nil, bot.Skip, true},
		{ana + "jobs: { audit-report: { to: \"person:ana\" } }", bot.JobAuditReport, "0 9 * * * Europe/Berlin", []workflow.Target{"person:ana"}, bot.RunLate, true},
		{ana + "jobs: { audit-report: { to: [\"person:ana\", log], timezone: Asia/Kolkata } }", bot.JobAuditReport, "0 9 * * * Asia/Kolkata", []workflow.Target{"person:ana", "log"}, bot.RunLate, true},
		{ana + "jobs: { overdue-updates: { to: log, cron: \"@every 5m\" } }", bot.JobOverdueUpdates, "@every 5m", []workflow.Target{"log"}, bot.Skip, true},
		{ana + "jobs: { overdue-updates: { to: log, enabled: false } }", bot.JobOverdueUpdates, "@every 15m", []workflow.Target{"log"}, bot.Skip, false},
	} {
		job, schedule := jobOf(t, c.text, c.name)
		if schedule != c.schedule || job.Missed != c.missed || job.Enabled != c.enabled || !cmp.Equal(job.To, c.to) {
			t.Errorf("%s\n%s is %s, %+v", c.text, c.name, schedule, job)
		}
	}
}

func TestRetention(t *testing.T) {
	for text, want := range map[string]bot.Retention{
		"":                                  {ArchiveAfter: 24 * time.Hour},
		"retention:":                        {ArchiveAfter: 24 * time.Hour},
		"retention: { delete_after: 400d }": {ArchiveAfter: 24 * time.Hour, DeleteAfter: 400 * 24 * time.Hour},
		"retention: { archive_after: 6h, delete_after: 3660d }": {ArchiveAfter: 6 * time.Hour, DeleteAfter: 3660 * 24 * time.Hour},
	} {
		if got := parse(t, text, optionsWithSecrets()).Organization.Retention; got != want {
			t.Errorf("%s: %+v", text, got)
		}
	}
}

func TestJobFaults(t *testing.T) {
	const five = `or five fields, minute hour day month weekday, such as "0 9 * * 1-5"; or @hourly, @daily, @weekly, @monthly, @every 15m`
	for text, want := range map[string]string{
		"jobs:\n  archive:\n    cron: */15 * * * *\n":               "3:17: a value cannot begin with *; put it in quotes",
		"jobs:\n  archive:\n    cron: @daily\n":                     "3:11: a value cannot begin with @; put it in quotes",
		`jobs: [archive]`:                                           `1:7: "jobs" must be keys with values, such as "name: …", not a list`,
		`jobs: { archiv: {} }`:                                      `1:9: there is no job "archiv"; did you mean "archive"?`,
		`jobs: { dance: {} }`:                                       `1:9: there is no job "dance"; use archive, audit-report, deadman or overdue-updates`,
		`jobs: { archive: daily }`:                                  `1:18: the job "archive" must be keys with values, such as "name: …", not a single value`,
		`jobs: { archive: { crn: "1" } }`:                           `1:20: "crn" is not a key of the job "archive"; did you mean "cron"?`,
		`jobs: { archive: { cron: "0 9 31 2 *" } }`:                 `1:26: "cron": "0 9 31 2 *" never happens: the day, field 3, is "31", and no month of field 4, which is "2", has such a day; write a day from 1 to 29, such as "0 9 29 2 *", or another month`,
		`jobs: { archive: { cron: "*/90 * * * *" } }`:               `1:26: "cron": the minute, field 1, is "*/90": a step of 90 leads out of 0 to 59, so only 0 would be left; write 0 for that, or @every 90m in place of the five fields; this field is 0 to 59, such as 30, 0,30 or */15`,
		`jobs: { archive: { cron: "TZ=UTC" } }`:                     `1:26: "cron": a time zone before the fields is not supported; remove it, and use "timezone"`,
		`jobs: { archive: { cron: "@every -5m" } }`:                 `1:26: "cron": "@every -5m" is shorter than a minute; write @every 1m or more`,
		`jobs: { archive: { cron: hourly } }`:                       `1:26: "cron": it has one field, not five; write @hourly for that, ` + five,
		`jobs: { archive: { cron: "0 25 * * *" } }`:                 `1:26: "cron": the hour, field 2, is "25"; write 0 to 23, such as 9, 9-17 or */2`,
		`jobs: { archive: { timezone: Berlin } }`:                   `1:30: "timezone": there is no time zone "Berlin"; write one such as Europe/Berlin, America/New_York or UTC`,
		`jobs: { archive: { missed: run } }`:                        `1:28: "missed" must be run-once-late or skip, not "run"`,
		`jobs: { archive: { missed: run-late } }`:                   `1:28: "missed" must be run-once-late or skip, not "run-late"`,
		`jobs: { archive: { enabled: maybe } }`:                     `1:29: "enabled" must be true or false, not "maybe"`,
		`jobs: { archive: { to: log } }`:                            `1:20: the job "archive" notifies no one; remove "to"`,
		`jobs: { audit-report: { cron: "@daily" } }`:                `1:9: the job "audit-report" needs "to", the targets that it notifies, such as "person:ana" or "team:payments"; or write enabled: false`,
		`jobs: { audit-report: { to: [] } }`:                        `1:29: "to" is empty; write a target such as "person:ana", or remove it`,
		`jobs: { audit-report: { to: "policy:default" } }`:          `1:29: "policy:default": a job cannot notify a policy; use person:, team:, webhook: or room: targets, or log`,
		`jobs: { audit-report: { to: "person:ann" } }`:              `1:29: there is no person "ann"; add it under "people"`,
		`jobs: { deadman: {} }`:                                     `1:9: the job "deadman" needs the section "deadman", such as { url_env: DEADMAN_URL }; or write enabled: false`,
		`deadman: {}`:                                               `1:10: "deadman" needs "url_env", such as DEADMAN_URL: the name of the environment variable that holds the address to ping`,
		`deadman: { url_env: NOT_AN_ADDRESS }`:                      `1:21: "url_env": the variable must hold a whole URL that begins with https://`,
		`deadman: { url_env: A_URL, url: "https://x.example.com" }`: `1:28: "url" is not a key of "deadman"; secrets must not be in this file: use "url_env" with the name of an environment variable`,
		`retention: { archive_after: 10m }`:                         `1:29: "archive_after" must be at least 1h, not "10m"`,
		`retention: { delete_after: 1h }`:                           `1:28: "delete_after" must be at least 1d, not "1h"`,
		`retention: { archive_after: 10d, delete_after: 2d }`:       `1:48: "delete_after" is shorter than "archive_after", which is 10d; make it longer, or remove it, so that nothing is deleted`,
		`retention: { delete_after: 4000d }`:                        `1:28: "delete_after": "4000d" is longer than 3660d, the maximum`,
		`retention: { delete: 1d }`:                                 `1:14: "delete" is not a key of "retention"; did you mean "delete_after"?`,
	} {
		if got := strings.Join(parseFaults(text, optionsWithSecrets()), "\n"); !strings.HasPrefix(got, want) {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
}

// TestExampleNamesEveryJob: the example has every job, and the file enables no
// job that it does not name.
func TestExampleNamesEveryJob(t *testing.T) {
	raw, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range bot.DefaultJobs(time.UTC) {
		if !strings.Contains(string(raw), "  "+j.Name+":") {
			t.Errorf("%s is not in the example", j.Name)
		}
	}
	if _, faults := config.Parse(exampleFile, raw, optionsWithSecrets()); len(faults) > 0 {
		t.Errorf("%v", faults)
	}
}
