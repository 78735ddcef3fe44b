package dispatch_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// reconfigure edits the configuration of a running bot.
func reconfigure(t *testing.T, w *bottest.App, edit func(*bot.Organization)) {
	t.Helper()
	org := bottest.SampleOrganization()
	edit(&org)
	if err := w.Configure(org, map[string]bot.Pager{"email": w}); err != nil {
		t.Fatal(err)
	}
}

// TestE8PolicyApply: a running incident keeps its policy until a commander applies the
// configured one, which is stored with it (E8b: an edited policy can be applied to running
// incidents).
func TestE8PolicyApply(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Search is down --sev 1 --service search")
	w.Expect(w.Say("ben", "policy apply INC-1"), false, "follows the configured policy already")
	reconfigure(t, w, func(org *bot.Organization) {
		for n := range org.Policies {
			org.Policies[n].Steps = []workflow.PolicyStep{{Notify: []workflow.Target{"person:ana"}, Wait: 7 * time.Minute}}
		}
	})
	changes, err := w.PlanChanges(t.Context())
	if err != nil || len(changes) != 1 || len(changes[0].Changes) == 0 {
		t.Fatalf("%+v %v", changes, err)
	}
	ana := w.Person("ana")
	ana.Access = 0
	if reply := w.Run(ana, "", "policy apply INC-1"); reply.OK || !strings.Contains(reply.Text, "needs the access") {
		t.Errorf("a guest: %+v", reply)
	}
	w.Expect(w.Say("ben", "policy apply INC-1"), true, "Applied the configured policy: steps of the policy")
	w.Expect(w.Say("ben", "policy apply INC-1"), false, "follows the configured policy already")
	w.Expect(w.Say("ben", "who INC-1"), true, "Ana")
	i, err := w.LoadUnchecked(t.Context(), "INC-1")
	if err != nil {
		t.Fatal(err)
	}
	fresh := bottest.NewApp(t, w.Store) // another process reads the plan from the store
	plan, err := fresh.Plan(t.Context(), i.PlanHash)
	if err != nil || plan.Policies[0].Steps[0].Wait != 7*time.Minute {
		t.Errorf("the stored plan is %+v, %v", plan, err)
	}
}

// TestE8PolicyApplyAll: `--all` takes every open incident that the speaker may see, once
// (E8b: an edited policy can be applied to running incidents). A private one of others
// keeps its policy and is not named (P2: private means members only).
func TestE8PolicyApplyAll(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Expect(w.Say("ben", "policy apply --all"), true, "nothing was changed")
	for _, line := range []string{"declare Search is down --service search", "declare Mail is down", "declare Nothing --sev 5"} {
		w.Say("ben", line)
	}
	w.Say("ana", "declare A key was stolen --private")
	w.Say("ben", "resolve INC-3 over")
	reconfigure(t, w, func(org *bot.Organization) { org.CatchAll = "person:ben" })
	reply := w.Say("ben", "policy apply --all")
	w.Expect(reply, true, "INC-1: Applied the configured policy: catch-all")
	w.Expect(reply, true, "INC-2: Applied")
	if strings.Contains(reply.Text, "INC-3") || strings.Contains(reply.Text, "INC-4") {
		t.Errorf("it names what is over, or private: %s", reply.Text)
	}
	w.Expect(w.Say("ben", "policy apply --all"), true, "nothing was changed")
	w.Expect(w.Say("ana", "policy apply --all"), true, "INC-4: Applied")
}

// TestE8PolicyApplyKeepsOwner: an incident whose owner is paged first keeps the owner
// (E8b: an edited policy can be applied to running incidents).
func TestE8PolicyApplyKeepsOwner(t *testing.T) {
	org := bottest.SampleOrganization()
	plan := org.Plan(nil, "person:dan")
	org.Policies = append([]workflow.Policy{}, org.Policies...)
	org.Policies[0].Repeat += 2
	next := bot.ConfiguredPlan(&org, workflow.Incident{}, plan)
	if next.Policy != plan.Policy || next.Policies[0].Steps[0].Notify[0] != "person:dan" || next.Policies[1].Repeat != org.Policies[0].Repeat {
		t.Errorf("%+v", next)
	}
}
