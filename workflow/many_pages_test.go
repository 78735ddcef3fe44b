package workflow_test

import (
	"fmt"
	"testing"
	"time"

	. "tocsin/workflow"
)

// recipients returns n recipients with the methods of high urgency.
func recipients(prefix string, n int, methods ...Method) (all []Recipient) {
	for k := range n {
		id := fmt.Sprintf("%s%02d", prefix, k)
		all = append(all, Recipient{ID: id, Name: id, High: methods})
	}
	return all
}

// TestE4FailedPagesGiveWay: 27 people of the first step fail by three methods each, at
// once or one method after the other; or they are still to be paged by two more methods
// when the second step fires. Its five people are all paged (E4: a failed page moves on
// at once).
func TestE4FailedPagesGiveWay(t *testing.T) {
	for _, fails := range []bool{true, false} {
		known := Known{
			Plan: Plan{Policy: "p", Policies: []Policy{{ID: "p", Steps: []PolicyStep{
				{Notify: []Target{"team:failing"}, Wait: time.Minute}, {Notify: []Target{"team:five"}, Wait: time.Minute},
			}}}},
			Answers: map[Target]Answer{
				"team:failing": {Recipients: recipients("f", 27, Method{Key: "email"}, Method{Key: "sms", After: time.Hour}, Method{Key: "voice", After: 2 * time.Hour})},
				"team:five":    {Recipients: recipients("a", 5, Method{Key: "email"})},
			},
		}
		now := epoch
		var fired []StepFired
		step := func(i Incident, c Command) Incident {
			out, err := Step(i, Input{At: now, Command: c, Known: known})
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range out.Events {
				if f, ok := e.Fact.(StepFired); ok {
					fired = append(fired, f)
				}
			}
			return out.Incident
		}
		i := step(Incident{ID: "INC-1", Number: 1}, Declare{Title: "Checkout is down", Severity: SEV1})
		if fails {
			for range 3 {
				for _, p := range i.Paging.Pages {
					if p.State == DeliveryQueued && p.Coordinates.Step == 0 {
						i = step(i, Undeliverable{Page: p.ID, Why: "connection refused", Retrying: true})
					}
				}
			}
		} else {
			now = now.Add(time.Minute)
			i = step(i, Wake{})
		}
		if len(fired) != 2 || len(fired[1].Pages) != 5 || len(fired[1].Skipped) > 0 {
			t.Errorf("failing %v: %d steps fired; the last one pages %d and skips %v", fails, len(fired), len(fired[len(fired)-1].Pages), fired[len(fired)-1].Skipped)
		}
		if n := len(i.Paging.Pages); n > 80 {
			t.Errorf("failing %v: %d pages are kept", fails, n)
		}
	}
}
