package intake_test

import (
	"strings"
	"testing"

	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
	"tocsin/bot/intake"
)

// TestSimulate: a simulation lists the incidents, the policy and the steps of the
// escalation.
func TestSimulate(t *testing.T) {
	org := bottest.SampleOrganization()
	sim, err := intake.Simulate(org, "prometheus", []alerts.Alert{
		{Key: "a", Title: "Errors", State: alerts.Firing, Severity: "critical", Labels: map[string]string{"alertname": "Errors", "service": "search"}},
		{Key: "b", Title: "Gone", State: alerts.Resolved, Labels: map[string]string{"alertname": "Errors", "service": "search"}},
	}, bottest.Epoch)
	if err != nil {
		t.Fatal(err)
	}
	if len(sim.Incidents) != 1 || sim.Incidents[0].Policy != "two" || sim.Alerts[1].Change != alerts.Ignored {
		t.Fatalf("%+v", sim)
	}
	var steps []string
	for _, s := range sim.Incidents[0].Steps {
		steps = append(steps, s.At.Format("15:04:05 ")+s.Text)
	}
	all := strings.Join(steps, "\n")
	for _, want := range []string{"03:00:00 Declared SEV1: Errors (search)", "03:00:00 Step 1 of two pages Ben (email), noc (webhook)", "03:10:00 NO ONE HAS ACKNOWLEDGED"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
}
