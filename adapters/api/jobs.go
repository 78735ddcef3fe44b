package api

import (
	"net/http"
	"time"

	"tocsin/bot/jobs"
)

// job is a recurring job with its last and its next slot.
type job struct {
	Name     string    `json:"name"`
	Cron     string    `json:"cron"`
	Timezone string    `json:"timezone"`
	Enabled  bool      `json:"enabled"`
	Missed   string    `json:"missed"`
	Last     *lastSlot `json:"last,omitempty"`
	Next     *nextSlot `json:"next,omitempty"`
}

// lastSlot is the slot that ran last or is running.
type lastSlot struct {
	Slot     string    `json:"slot"`
	Started  time.Time `json:"started_at"`
	Finished time.Time `json:"finished_at,omitzero"`
	Outcome  string    `json:"outcome"`
	Note     string    `json:"note,omitempty"`
	Attempts int       `json:"attempts"`
	By       string    `json:"by,omitempty"`
	Again    time.Time `json:"again_at,omitzero"`
}

// nextSlot is the slot that comes next.
type nextSlot struct {
	Slot string    `json:"slot"`
	At   time.Time `json:"at"`
}

func (s *server) handleJobs(r *http.Request, _ caller) (any, error) {
	states, err := s.Jobs.List(r.Context())
	if err != nil {
		return nil, err
	}
	all := make([]job, 0, len(states))
	for _, state := range states {
		all = append(all, newJob(state))
	}
	return map[string][]job{"jobs": all}, nil
}

func newJob(s jobs.State) job {
	j := job{Name: s.Name, Cron: s.Schedule.Spec(), Timezone: s.Schedule.Zone().String(), Enabled: s.Enabled, Missed: string(s.Missed)}
	if last := s.Last; last.Slot != "" {
		j.Last = &lastSlot{
			Slot: last.Slot, Started: last.Started.UTC(), Finished: last.Finished.UTC(), Outcome: string(last.Outcome), Note: last.Note,
			Attempts: last.Attempts, By: last.By, Again: last.RetryAt.UTC(),
		}
	}
	if s.Next.Name != "" {
		j.Next = &nextSlot{Slot: s.Next.Name, At: s.Next.At.UTC()}
	}
	return j
}
