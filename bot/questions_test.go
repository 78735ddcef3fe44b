package bot_test

import (
	"testing"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/bot/directory"
	"tocsin/workflow"
)

// TestE8Live: the people behind a target are read when the step fires; the policy is
// the one that was copied when the incident began.
func TestE8Live(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ana", "declare Search is down --sev 1 --service search") // pages ben, then no one for ten minutes
	w.Advance(0)
	org := bottest.SampleOrganization()
	org.Directory.People = append(org.Directory.People, directory.Person{ID: "eve", Name: "Eve", Email: "eve@example.com"})
	org.Directory.Teams[0].Members = []string{"eve"}
	org.Policies[1].Steps[0].Notify = []workflow.Target{"person:ana"} // no running incident learns of this
	org.Policies[0].Steps[2].RoundRobin = false
	if err := w.Configure(org, map[string]bot.Pager{"email": w, "sms": w, "webhook": w, "log": w}); err != nil {
		t.Fatal(err)
	}
	w.Expect(w.Say("ana", "page INC-1 @all"), true, "Paged Eve (email)")
	w.Expect(w.Say("ana", "unack INC-1"), false, "not acknowledged")
	w.Say("ana", "ack INC-1")
	w.Expect(w.Say("ana", "unack INC-1"), true, "Step 1 of two pages Ben (email), noc (webhook)")
}
