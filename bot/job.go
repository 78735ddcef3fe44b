package bot

import (
	"time"

	"tocsin/bot/timetable"
	"tocsin/workflow"
)

// The names of the recurring jobs.
const (
	JobAuditReport    = "audit-report"
	JobArchive        = "archive"
	JobDeadman        = "deadman"
	JobOverdueUpdates = "overdue-updates"
)

// MissedPolicy says what happens to a slot of a job at whose time no replica ran.
type MissedPolicy string

// The policies for missed slots.
const (
	RunLate MissedPolicy = "run-once-late" // the latest missed slot runs late
	Skip    MissedPolicy = "skip"          // the slot is recorded as skipped
)

// Job is a recurring job as configured.
type Job struct {
	Name     string
	Schedule timetable.Schedule
	To       []workflow.Target // who receives its messages
	Missed   MissedPolicy
	Enabled  bool
}

// Retention says how long incidents are kept after they have ended.
type Retention struct {
	ArchiveAfter time.Duration // until they are moved into the compact form
	DeleteAfter  time.Duration // until they are deleted; zero: never
}

// DefaultJobs returns the jobs when none are configured. Jobs that send messages are
// disabled until recipients are configured. Intervals shorter than a day are counted
// from the epoch and not read off a clock that repeats an hour in autumn: in that
// hour the ping would not come, and the dead-man service would raise an alarm.
func DefaultJobs(zone *time.Location) []Job {
	at := func(spec string) timetable.Schedule {
		s, _ := timetable.Parse(spec, zone) // a test proves that each parses
		return s
	}
	return []Job{
		{Name: JobArchive, Schedule: at("17 * * * *"), Missed: RunLate, Enabled: true},
		{Name: JobAuditReport, Schedule: at("0 9 * * *"), Missed: RunLate},
		{Name: JobDeadman, Schedule: at("@every 1m"), Missed: Skip},
		{Name: JobOverdueUpdates, Schedule: at("@every 15m"), Missed: Skip},
	}
}
