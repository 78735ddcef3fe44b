package bot_test

import (
	"strings"
	"testing"

	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
	"tocsin/bot/directory"
	"tocsin/workflow"
)

// TestE4Warnings: the configuration warns about each person that escalation pages and
// cannot reach (E4b: only a person who was reached is waited for), and about a route that
// lowers critical alerts (I11: severity words are mapped).
func TestE4Warnings(t *testing.T) {
	org := bottest.SampleOrganization()
	org.Directory.Pagers = []string{"log", "email", "sms"}
	if all := org.Warnings(); len(all) > 0 {
		t.Errorf("warnings about the sample: %q", all)
	}
	org.Directory.People = append(org.Directory.People,
		directory.Person{ID: "eve", Name: "Eve"}, directory.Person{ID: "finn", Name: "Finn", High: []directory.Method{{Via: "log"}}},
		directory.Person{ID: "gil", Name: "Gil"}) // nothing pages this person
	org.Policies[0].Steps[0].Notify = append(org.Policies[0].Steps[0].Notify, "person:eve", "person:nobody")
	org.Directory.Teams = append(org.Directory.Teams, directory.Team{ID: "night", Members: []string{"finn", "eve"}})
	org.Integrations[0].Owner = "night"
	org.Routes = append(org.Routes, alerts.Route{Match: "true", Severity: "SEV4"})
	all := org.Warnings()
	if len(all) != 3 {
		t.Fatalf("warnings: %q", all)
	}
	for n, want := range []string{"Eve (eve) cannot be paged: no connected chat platform knows them; no address for email", "Finn (finn) cannot be paged: no one reads the log", "turns critical alerts into SEV4"} {
		if !strings.Contains(all[n], want) {
			t.Errorf("%q does not say %q", all[n], want)
		}
	}
	org.CatchAll = workflow.Target("person:gil")
	if all := org.Warnings(); len(all) != 4 || !strings.Contains(all[2], "Gil") {
		t.Errorf("with the catch-all: %q", all)
	}
}
