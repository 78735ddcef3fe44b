package workflow_test

import (
	"strconv"
	"strings"
	"testing"
	"time"

	. "tocsin/workflow"
)

// TestI5HeldFlood: an incident holds 200 notices, or fewer with long texts. Those beyond
// are judged in the step that reads their mail, however much of it there is (I5c: an old
// start is judged again after a minute).
func TestI5HeldFlood(t *testing.T) {
	for name, text := range map[string]string{"short": "", "long": strings.Repeat("x", 500)} {
		t.Run(name, func(t *testing.T) {
			step := func(i Incident, in Input) Outcome {
				in.At = epoch
				out, err := Step(i, in)
				if err != nil {
					t.Fatal(err)
				}
				return out
			}
			declare := Declare{Title: "Flood", Source: SourceAlert, Group: "g"}
			i := step(Incident{ID: "INC-1", Number: 1}, Input{Command: declare, Mail: []Mail{{At: epoch, Started: 1}}}).Incident
			var all []Mail
			for n := range 20 {
				m := Mail{At: epoch}
				for k := range 100 {
					m.Held = append(m.Held, HeldAlert{Integration: "p", Key: strconv.Itoa(100*n+k) + text, Since: epoch})
				}
				all = append(all, m)
			}
			out := step(i, Input{Mail: all})
			judged := 0
			for _, e := range out.Effects {
				if a, ok := e.Action.(JudgeAlerts); ok {
					judged += len(a.Alerts)
					if len(a.Alerts) > 200 {
						t.Errorf("one effect judges %d notices", len(a.Alerts))
					}
				}
			}
			held := out.Incident.Alerts.Held
			if judged+len(held) != 2000 || text == "" && len(held) != 200 || len(held) == 0 {
				t.Errorf("%d notices are held, %d are judged", len(held), judged)
			}
			if due := out.Incident.Alerts.JudgeAt.Sub(epoch); due != time.Minute {
				t.Errorf("those that are held are judged after %s", due)
			}
			if raw, err := EncodeIncident(out.Incident); err != nil || len(raw) > 64<<10 {
				t.Errorf("the snapshot has %d bytes: %v", len(raw), err)
			}
		})
	}
}
