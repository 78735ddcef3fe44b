package card

import (
	"fmt"
	"strings"

	"tocsin/workflow"
)

// Reply is what whoever gave a command reads: what it did, and the next step.
func Reply(i workflow.Incident, events []workflow.Event, v View) string {
	var lines []string
	cut := false
	for _, e := range events {
		if hidden(e.Fact) {
			continue
		}
		lines = append(lines, v.words().line(e)+".")
		cut = cut || wasCut(e.Fact)
	}
	if len(lines) == 0 {
		lines = []string{"Nothing changed."}
	}
	if cut {
		lines = append(lines, "It was cut: titles hold 200 characters, texts 4,000.")
	}
	if hint := next(i, events); hint != "" {
		lines = append(lines, hint)
	}
	return i.ID + ": " + strings.Join(lines, "\n")
}

// hidden facts follow from what is said already.
func hidden(f workflow.Fact) bool {
	_, room := f.(workflow.RoomWanted)
	_, paging := f.(workflow.EscalationStarted)
	return room || paging
}

func wasCut(f workflow.Fact) bool {
	switch f := f.(type) {
	case workflow.Declared:
		return len(f.Cut) > 0
	case workflow.IncidentResolved:
		return f.Cut
	case workflow.UpdatePosted:
		return f.Cut
	case workflow.NoteAdded:
		return f.Cut
	case workflow.CauseSet:
		return f.Cut
	case workflow.LifecycleFact, workflow.AlertFact, workflow.PagingFact, workflow.RoomFact, workflow.RecordFact, workflow.UnknownFact:
		return false
	}
	return false
}

// next names the step that usually follows.
func next(i workflow.Incident, events []workflow.Event) string {
	for _, e := range events {
		switch f := e.Fact.(type) {
		case workflow.Declared:
			return fmt.Sprintf("Next: `ack %s` if you are on it.", i.ID)
		case workflow.Acknowledged:
			if i.Roles[workflow.Commander] == "" && e.By.Kind == workflow.ByPerson {
				return fmt.Sprintf("Nobody leads yet: `lead %s` takes command.", i.ID)
			}
		case workflow.StatusChanged:
			if !i.Acknowledged() && e.By.Human() && f.To != workflow.Monitoring {
				return fmt.Sprintf("Paging goes on until somebody acknowledges: `ack %s`.", i.ID)
			}
		case workflow.IncidentResolved:
			if i.Paperwork.Cause == "" {
				return fmt.Sprintf("Next: `cause %s TEXT`, then `close %s`.", i.ID, i.ID)
			}
			return fmt.Sprintf("Next: `close %s`.", i.ID)
		case workflow.LifecycleFact, workflow.AlertFact, workflow.PagingFact, workflow.RoomFact, workflow.RecordFact, workflow.UnknownFact:
		}
	}
	return ""
}
