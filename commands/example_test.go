package commands_test

import (
	"fmt"
	"strings"

	"tocsin/commands"
	"tocsin/workflow"
)

// A typed line becomes a command for one incident. A mistake is answered with
// what would be right.
func ExampleCatalog_Parse() {
	catalog := commands.New()
	// What the line was typed into, and how it finds people.
	ctx := commands.Context{
		Person: func(handle string) (id, name string, ok bool) { return "ana", "Ana", handle == "@ana" },
	}
	for _, line := range []string{
		"ack INC-7",
		"/incident assign INC-7 scribe @ana",
		"list --sev 1",
		"status INC-7 identifed",
		"acknowledge INC-7",
	} {
		call, err := catalog.Parse(line, ctx)
		switch {
		case err != nil:
			fmt.Println("refused:", err)
		case call.Query != nil: // answered by reading
			fmt.Printf("query %s, for a %s: %s\n", call.Query.Kind, call.Access, call.Query.Severity)
		default: // goes to workflow.Step
			fmt.Printf("%T for %s, for a %s: %+v\n", call.Command, call.Incident, call.Access, call.Command)
		}
	}

	// Output:
	// workflow.Acknowledge for INC-7, for a responder: {Seen:0}
	// workflow.Assign for INC-7, for a responder: {Role:scribe Person:ana Name:Ana}
	// query list, for a guest: SEV1
	// refused: "identifed" is not a status. Did you mean `identified`? For example: `status identified`.
	// refused: There is no command "acknowledge". Did you mean `ack`? For example: `ack INC-7`.
}

// In an incident's room the ID is left out: the room says which incident it is.
func ExampleCatalog_Parse_room() {
	call, err := commands.New().Parse("resolve Rolled back to 4.2", commands.Context{Room: workflow.ID(7)})
	fmt.Printf("%s %+v %v\n", call.Incident, call.Command, err)

	// Output:
	// INC-7 {Text:Rolled back to 4.2} <nil>
}

// Help explains every command that a person may use, or one.
func ExampleCatalog_Help() {
	text, err := commands.New().Help("update", commands.Responder.CanUse)
	if err != nil {
		fmt.Println(err)
	}
	fmt.Print(text)

	// Output:
	// update [INC-n] TEXT
	// Post a status update, and say when the next one is due.
	//   --next 30m                   when the next update is due
	//   --status STATUS              also set this status
	//   --to AUDIENCE                who it is for; before the text
	// Options stand before the text or at its end. After --, all is text: update -- ….
	// For example: update INC-7 We found the cause, fix in 20 minutes --next 30m
	// Access: responder and above.
}

// Complete offers ways to go on with a line while it is typed.
func ExampleCatalog_Complete() {
	for _, c := range commands.New().Complete("update INC-7 Rolling back --status m", commands.Context{}, commands.Responder.CanUse) {
		fmt.Printf("%s (%s: %s)\n", c.Line, c.Help, c.Label)
	}

	// Output:
	// update INC-7 Rolling back --status monitoring  (Status: Monitoring)
}

// Chat platforms and the browser build their forms from the catalog. The values
// come back in [commands.Context.Fields] and are parsed with the line.
func ExampleCatalog_forms() {
	catalog := commands.New()
	for _, spec := range catalog {
		if !strings.HasPrefix(spec.Section, "Work") || len(spec.Form) == 0 {
			continue
		}
		var labels []string
		for _, f := range spec.Form {
			labels = append(labels, fmt.Sprintf("%s (%s)", f.Label, f.Kind))
		}
		fmt.Printf("%s: %s\n", spec.Name, strings.Join(labels, ", "))
	}
	call, err := catalog.Parse("update INC-7", commands.Context{Fields: map[string][]string{
		"text": {"Rolling back"},
		"next": {"30m"},
	}})
	fmt.Printf("%+v %v\n", call.Command, err)

	// Output:
	// declare: What is wrong? (line), Severity (choose), Services affected (service), Description (text), Private (check), Impact (choose), Urgency (choose), Symptoms (line), Category (choose), Noticed at (line), Drill (check), Proactive (check), Reporter, if not you (line), Contact of the reporter (line), Department of the reporter (line)
	// status: Status (choose)
	// severity: Severity (choose), Impact (choose), Urgency (choose), Why (line)
	// update: Status update (text), Next update in (duration), Status (choose), Audience (line)
	// escalate: Why (text)
	// resolve: Resolution (text)
	// reopen: Why (text)
	// cancel: Why was it not an incident? (text)
	// merge: Merge into (incident)
	// {Text:Rolling back Audience: Status: Next:30m0s} <nil>
}
