package workflow_test

import (
	"fmt"
	"time"

	"tocsin/workflow"
)

// Cleo declares an incident, Ana is paged and acknowledges, and Ben, whose turn
// would have come five minutes later, is never called. Step has no side effects:
// its caller stores the events and carries out the effects, and the result of an
// effect, such as [workflow.Delivered], is an input like any other.
func ExampleStep() {
	// What the incident is promised: page Ana, five minutes later Ben.
	plan := workflow.Plan{
		Policy: "payments",
		Policies: []workflow.Policy{{ID: "payments", Steps: []workflow.PolicyStep{
			{Notify: []workflow.Target{"person:ana"}, Wait: 5 * time.Minute},
			{Notify: []workflow.Target{"person:ben"}, Wait: 5 * time.Minute},
		}}},
	}
	// How each of them is reached.
	contacts := map[workflow.Target]workflow.Answer{
		"person:ana": {Recipients: []workflow.Recipient{{ID: "ana", Name: "Ana", High: []workflow.Method{{Key: "sms"}}}}},
		"person:ben": {Recipients: []workflow.Recipient{{ID: "ben", Name: "Ben", High: []workflow.Method{{Key: "voice"}}}}},
	}
	incident := workflow.Incident{ID: workflow.ID(7), Number: 7}

	step := func(clock string, by workflow.Actor, c workflow.Command) {
		at, err := time.Parse(time.DateTime, "2026-03-02 "+clock)
		if err != nil {
			panic(err)
		}
		in := workflow.Input{At: at, By: by, Command: c, Known: workflow.Known{Plan: plan}}
		// Step reads nothing. Asks lists what it must be told first.
		in.Known.Answers = map[workflow.Target]workflow.Answer{}
		for _, target := range workflow.Asks(incident, in).Targets {
			in.Known.Answers[target] = contacts[target]
		}
		out, err := workflow.Step(incident, in)
		fmt.Printf("%s %T\n", clock, c)
		for _, e := range out.Events {
			fmt.Printf("    event %d: %s\n", e.Seq, workflow.FactKind(e.Fact))
		}
		for _, e := range out.Effects {
			fmt.Printf("    effect %s: %s\n", e.ID, describe(e.Action))
		}
		if err != nil {
			fmt.Println("    refused:", err)
		}
		incident = out.Incident
	}

	cleo := workflow.Actor{Kind: workflow.ByPerson, ID: "cleo", Name: "Cleo"}
	ana := workflow.Actor{Kind: workflow.ByPerson, ID: "ana", Name: "Ana"}
	tocsin := workflow.Actor{Kind: workflow.BySystem}

	step("03:12:00", cleo, workflow.Declare{Title: "Checkout is down", Severity: workflow.SEV1})
	fmt.Println("    next deadline:", incident.WakeAt().Format(time.TimeOnly))
	step("03:12:02", tocsin, workflow.Delivered{Page: "1.0.0.0/ana/sms"})
	step("03:14:00", ana, workflow.Acknowledge{})
	fmt.Println("    deadlines left:", len(incident.Deadlines()))
	step("03:14:30", cleo, workflow.Acknowledge{})
	step("03:40:00", ana, workflow.Resolve{Text: "Rolled back to 4.2"})
	fmt.Println(incident.ID, "is", incident.Status)

	// Output:
	// 03:12:00 workflow.Declare
	//     event 1: declared
	//     event 2: escalation_started
	//     event 3: step_fired
	//     effect INC-7/3.0: page ana by sms
	//     next deadline: 03:17:00
	// 03:12:02 workflow.Delivered
	//     event 4: page_delivered
	// 03:14:00 workflow.Acknowledge
	//     event 5: acknowledged
	//     effect INC-7/5.0: tell ana by sms that the page was acknowledged by Ana
	//     deadlines left: 0
	// 03:14:30 workflow.Acknowledge
	//     refused: Ana acknowledged INC-7 just now. To take over, `lead`.
	// 03:40:00 workflow.Resolve
	//     event 6: resolved
	// INC-7 is resolved
}

// describe puts an effect's action into words.
func describe(a workflow.Action) string {
	if page, ok := a.(workflow.SendPage); ok {
		return fmt.Sprintf("page %s by %s", page.To, page.Via)
	}
	if page, ok := a.(workflow.CancelPage); ok {
		return fmt.Sprintf("tell %s by %s that the page was %s", page.To, page.Via, page.Why)
	}
	return fmt.Sprintf("%T", a)
}
