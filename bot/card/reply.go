package card

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/workflow"
)

// Reply renders the answer to a command: what it changed, and the usual next
// step.
func Reply(i workflow.Incident, events []workflow.Event, v View) string {
	var lines []string
	cut := false
	shown := slices.DeleteFunc(slices.Clone(events), isImplied)
	if len(shown) == 0 {
		shown = events // nothing else was changed, and that is what was asked for
	}
	for _, e := range shown {
		lines = append(lines, v.formatter().at(e.At).line(e)+".")
		cut = cut || isShortened(e.Fact)
	}
	if len(lines) == 0 {
		lines = []string{"Nothing changed."}
	}
	if cut {
		lines = append(lines, "It was shortened: a title holds 200 characters, a text 4,000.")
	}
	if hint := nextHint(i, events); hint != "" {
		lines = append(lines, hint)
	}
	return i.ID + ": " + strings.Join(lines, "\n")
}

// isImplied reports whether an event follows from another one of the reply and needs no
// line. A room that a person has asked for, by `retry`, is no consequence.
func isImplied(e workflow.Event) bool {
	_, room := e.Fact.(workflow.RoomWanted)
	_, paging := e.Fact.(workflow.EscalationStarted)
	return (room || paging) && !e.By.IsHuman()
}

func isShortened(f workflow.Fact) bool {
	switch f := f.(type) {
	case workflow.Declared:
		return len(f.Truncated) > 0
	case workflow.IncidentResolved:
		return f.Truncated
	case workflow.UpdatePosted:
		return f.Truncated
	case workflow.NoteAdded:
		return f.Truncated
	case workflow.CauseSet:
		return f.Truncated
	case workflow.LifecycleFact, workflow.AlertFact, workflow.PagingFact, workflow.RoomFact, workflow.RecordFact, workflow.UnknownFact:
		return false
	}
	return false
}

// nextHint returns the step that usually follows, as a sentence.
func nextHint(i workflow.Incident, events []workflow.Event) string {
	for _, e := range events {
		switch f := e.Fact.(type) {
		case workflow.Declared:
			return fmt.Sprintf("Next: `ack %s` if you are on it.", i.ID)
		case workflow.Acknowledged:
			if i.Roles[workflow.Commander] == "" && e.By.Kind == workflow.ByPerson {
				return fmt.Sprintf("No commander yet: `lead %s` makes you the commander.", i.ID)
			}
		case workflow.PlanReplaced:
			if i.IsAcknowledged() {
				return fmt.Sprintf("%s has acknowledged it, so that no one was paged.", i.Acknowledgement.Name)
			}
		case workflow.StatusChanged:
			if !i.IsAcknowledged() && e.By.IsHuman() && f.To != workflow.Monitoring {
				return fmt.Sprintf("Paging continues until someone acknowledges: `ack %s`.", i.ID)
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
