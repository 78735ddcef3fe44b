package bot

import (
	"time"

	"tocsin/bot/timetable"
	"tocsin/workflow"
)

// The recurring jobs there are, by name.
const (
	JobAuditReport    = "audit-report"
	JobArchive        = "archive"
	JobDeadman        = "deadman"
	JobOverdueUpdates = "overdue-updates"
)

// Missed says what becomes of a slot during which nobody ran.
type MissedPolicy string

// The policies for missed slots.
const (
	RunLate MissedPolicy = "run-once-late" // the last one that was missed runs, late
	Skip    MissedPolicy = "skip"          // it is recorded, and that is all
)

// Job is a recurring job as configured.
type Job struct {
	Name     string
	Schedule timetable.Schedule
	To       []workflow.Target // who is told what it finds
	Missed   MissedPolicy
	Enabled  bool
}

// Retention says what becomes of incidents that are over.
type Retention struct {
	ArchiveAfter time.Duration // then they move into their compact form
	DeleteAfter  time.Duration // then they are deleted; zero: never
}

// DefaultJobs are the jobs where nothing is configured. Those that tell
// somebody are off until it is message whom. What recurs within the day is counted
// from the epoch and not read off a clock that shows an hour twice: the
// dead-man's watcher would raise an alarm in that hour.
func DefaultJobs(zone *time.Location) []Job {
	at := func(spec string) timetable.Schedule {
		s, _ := timetable.Parse(spec, zone) // a test parses each of them
		return s
	}
	return []Job{
		{Name: JobArchive, Schedule: at("17 * * * *"), Missed: RunLate, Enabled: true},
		{Name: JobAuditReport, Schedule: at("0 9 * * *"), Missed: RunLate},
		{Name: JobDeadman, Schedule: at("@every 1m"), Missed: Skip},
		{Name: JobOverdueUpdates, Schedule: at("@every 15m"), Missed: Skip},
	}
}
