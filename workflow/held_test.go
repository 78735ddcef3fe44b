package workflow_test

import (
	"strconv"
	"testing"
	"time"

	. "tocsin/workflow"
)

// TestI5HeldFlood: with more than 200 held notices an incident holds none any longer
// (I5c: an old start is judged again after a minute).
func TestI5HeldFlood(t *testing.T) {
	now := epoch
	step := func(i Incident, in Input) Outcome {
		in.At = now
		out, err := Step(i, in)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	declare := Declare{Title: "Flood", Source: SourceAlert, Group: "g"}
	i := step(Incident{ID: "INC-1", Number: 1}, Input{Command: declare, Mail: []Mail{{At: now, Started: 1}}}).Incident
	judged := 0
	for n := range 3 {
		m := Mail{At: now}
		for k := range 100 {
			m.Held = append(m.Held, HeldAlert{Integration: "p", Key: strconv.Itoa(100*n + k), Since: now})
		}
		i = step(i, Input{Mail: []Mail{m}}).Incident
		if due := i.Alerts.JudgeAt.Sub(epoch); n < 2 && due != time.Minute || n == 2 && due != 2*time.Second {
			t.Errorf("with %d held notices they are judged after %s", 100*(n+1), due)
		}
		now = now.Add(time.Second)
	}
	for _, e := range step(i, Input{Command: Wake{}}).Effects {
		if a, ok := e.Action.(JudgeAlerts); ok {
			judged += len(a.Alerts)
		}
	}
	if judged != 300 {
		t.Errorf("%d notices are judged", judged)
	}
}
