package api_test

import (
	"net/http"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/jobs"
)

func TestJobs(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.get("/api/v1/jobs", guestToken).problem(http.StatusForbidden, "forbidden", "responder")
	type slot struct {
		Slot, Outcome, Note, By string
		Attempts                int
		At                      time.Time
		Started                 time.Time `json:"started_at"`
	}
	var got struct {
		Jobs []struct {
			Name, Cron, Timezone, Missed string
			Enabled                      bool
			Last, Next                   *slot
		}
	}
	h.get("/api/v1/jobs", benToken).into(http.StatusOK, &got)
	if len(got.Jobs) != 4 || got.Jobs[0].Name != "archive" || got.Jobs[0].Cron != "17 * * * *" || got.Jobs[0].Timezone != "UTC" ||
		got.Jobs[0].Missed != "run-once-late" || !got.Jobs[0].Enabled || got.Jobs[0].Last != nil || got.Jobs[0].Next == nil ||
		got.Jobs[0].Next.Slot != "2026-03-01T03:17 UTC" || got.Jobs[1].Next != nil || got.Jobs[1].Enabled {
		t.Errorf("at first: %+v", got)
	}
	at := h.now.Add(-time.Hour)
	for version, run := range []jobs.Run{
		{Spec: "17 * * * * UTC", EffectiveAt: at},
		{Spec: "17 * * * * UTC", Slot: "2026-03-01T02:17 UTC", At: at, Started: at, By: "a-1", Attempts: 2, Outcome: jobs.JobRunning, LeasedUntil: at},
		{Spec: "17 * * * * UTC", Slot: "2026-03-01T02:17 UTC", At: at, Started: at, Finished: at, RetryAt: at, By: "a-1", Attempts: 2, Outcome: jobs.JobFailed, Note: "no luck", Sent: []string{"x"}},
	} {
		if _, err := h.bot.Jobs.WriteRun(t.Context(), bot.JobArchive, version, run); err != nil {
			t.Fatal(err)
		}
		h.get("/api/v1/jobs", benToken).into(http.StatusOK, &got)
		if version == 0 && got.Jobs[0].Last != nil {
			t.Errorf("no slot yet: %+v", got.Jobs[0])
		}
	}
	if last := got.Jobs[0].Last; last == nil || last.Slot != "2026-03-01T02:17 UTC" || last.Outcome != "failed" || last.Note != "no luck" || last.Attempts != 2 || last.By != "a-1" || !last.Started.Equal(at) {
		t.Errorf("in the end: %+v", last)
	}
	h.store.down.Store(true)
	h.get("/api/v1/jobs", benToken).problem(http.StatusServiceUnavailable, "unavailable")
}
