package sqlite_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// TestClaimedOnce: while the writer commits, several workers claim. No task is claimed
// twice, not even between a commit and the end of its lease, and the order in a lane is
// strict.
func TestClaimedOnce(t *testing.T) {
	incidents, lanes, tasks := 60, 3, 5
	if raceEnabled || testing.Short() {
		incidents = 15
	}
	s, ctx := open(t, file(t)), context.WithoutCancel(t.Context())
	var wg sync.WaitGroup
	wg.Go(func() {
		for n := range incidents {
			c := wakeCommit(fmt.Sprint("INC-", n+1), 0, time.Time{})
			for k := range lanes * tasks {
				c.Tasks = append(c.Tasks, bot.Task{
					ID: fmt.Sprint(k / lanes), Owner: c.Incident, Due: bottest.Epoch,
					Lane: workflow.Lane{Class: workflow.ClassUpdate, Destination: fmt.Sprint("room:", k%lanes)},
				})
			}
			if _, err := s.Commit(ctx, c); err != nil {
				t.Error(err)
			}
		}
	})
	var mu sync.Mutex
	claimed, total := map[string]int{}, 0
	work := func() (done bool, err error) {
		leases, err := s.Claim(ctx, bot.Claim{At: bottest.Epoch, For: time.Hour, Limit: 3, Classes: everyClass})
		for _, l := range leases {
			lane := l.Owner + " " + l.Lane.Destination
			mu.Lock()
			if want := fmt.Sprint(claimed[lane]); l.ID != want {
				t.Errorf("%s: claimed task %s, want %s", lane, l.ID, want)
			}
			claimed[lane]++
			total++
			mu.Unlock()
			if _, err = s.Commit(ctx, bot.Commit{At: bottest.Epoch, Incident: l.Owner, Settle: &l}); err != nil {
				return true, err
			}
		}
		mu.Lock()
		defer mu.Unlock()
		return total >= incidents*lanes*tasks, err
	}
	for range 4 {
		wg.Go(func() {
			for done := false; !done && !t.Failed(); {
				var err error
				if done, err = work(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if leases, err := s.Claim(ctx, bot.Claim{At: bottest.Epoch, Limit: 3, Classes: everyClass}); len(leases) > 0 || err != nil {
		t.Errorf("left over: %v, %v", leases, err)
	}
}
