package card

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/workflow"
)

// Announcement is the card of an incident where everybody looks: what it is,
// how it stands, and where it is worked on.
func Announcement(i workflow.Incident, r workflow.Room, v View) Content {
	w := v.words()
	m := Content{Title: Title(i)}
	for _, f := range []Field{
		{"Severity", severity(i)},
		{"Status", status(i)},
		{"Service", strings.Join(i.Services, ", ")},
		{"Commander", v.name(i.Roles[workflow.Commander])},
		{"Acknowledged", acknowledged(i, w)},
		{"Started", w.date(i.DeclaredAt)},
	} {
		if f.Value != "" {
			m.Fields = append(m.Fields, f)
		}
	}
	m.Text = i.Paperwork.LatestUpdate.Text
	if m.Text == "" {
		m.Text, _ = workflow.CleanText(i.Description, 500)
	}
	if r.State == workflow.RoomOpen && r.URL != "" {
		m.Buttons = append(m.Buttons, Button{Label: "Join the room", URL: r.URL, Main: true})
	}
	if v.link(i) != "" {
		m.Buttons = append(m.Buttons, Button{Label: "Open " + i.ID, URL: v.link(i)})
	}
	return m
}

// Hidden stands where an incident was announced that has become private (rule
// P2).
func Hidden(id string) Content { return Content{Title: id + " is private now"} }

// setUp shows how far the rooms are while anything is unfinished.
func setUp(i workflow.Incident, v View) []Section {
	var all []Section
	for _, r := range i.Rooms {
		if !r.Managed {
			continue
		}
		steps, failed := roomSteps(i, r)
		if steps == nil {
			continue
		}
		s := Section{Heading: capital(r.Platform), Lines: []string{strings.Join(steps, " · ")}}
		if failed && (v.Word == nil || v.Word("retry")) {
			s.Button = Button{Label: "Retry", Command: "retry " + i.ID}
		}
		all = append(all, s)
	}
	return all
}

// stepName is a step, as people call it.
func stepName(name string) string {
	switch name {
	case workflow.StepInvite:
		return "Invited"
	case workflow.StepAnnounce:
		return "Announced"
	case workflow.StepPin:
		return "Card pinned"
	default:
		return capital(name)
	}
}

// stepDone says a step in the timeline.
func stepDone(name string) string {
	switch name {
	case workflow.StepTopic:
		return "Set the topic"
	case workflow.StepPin:
		return "Pinned the card"
	case workflow.StepBookmarks:
		return "Added bookmarks"
	case workflow.StepInvite:
		return "Invited people"
	case workflow.StepAnnounce:
		return "Announced it"
	default:
		return capital(name)
	}
}

func capital(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// roomSteps says how each step went; nil when all are done.
func roomSteps(i workflow.Incident, r workflow.Room) (steps []string, failed bool) {
	open := false
	add := func(name string, state workflow.StepState, why string) {
		mark := " …"
		switch state {
		case workflow.StepDone:
			mark = " ✓"
		case workflow.StepFailed:
			mark = " ✗ " + why
			failed = true
		case "": // still to be done
		}
		open = open || state != workflow.StepDone
		steps = append(steps, name+mark)
	}
	switch r.State {
	case workflow.RoomOpen, workflow.RoomIsArchived:
		add("Room", workflow.StepDone, "")
	case workflow.RoomFailed:
		add("Room", workflow.StepFailed, r.Why)
	case workflow.RoomRequested:
		add("Room", "", "")
	}
	if r.State == workflow.RoomFailed {
		return steps, failed
	}
	for _, s := range r.Steps {
		add(stepName(s.Name), s.State, s.Why)
	}
	if slices.ContainsFunc(i.Paging.Pages, func(p workflow.PageState) bool { return p.State == workflow.DeliveryAccepted }) {
		steps = append(steps, "Paged ✓")
	}
	if !open || !i.Open() && !failed {
		return nil, false
	}
	return steps, failed
}

// more are the words that people need less often.
func more(i workflow.Incident, v View) []Button {
	var all []Button
	add := func(label, word, rest string) {
		if v.Word == nil || v.Word(word) {
			all = append(all, Button{Label: label, Command: strings.TrimSpace(word + " " + i.ID + " " + rest)})
		}
	}
	add("Add a note", "note", "")
	if i.Open() {
		add("Severity", "severity", "")
		add("Escalate", "escalate", fmt.Sprintf("--seen %d", i.Seq))
		add("Invite", "invite", "")
	} else {
		add("Write the cause", "cause", "")
	}
	add("Add a task", "task", "")
	return all
}

// roomed says what became of rooms.
func roomed(f workflow.RoomFact) string {
	switch f := f.(type) {
	case workflow.RoomWanted:
		return "Opening a room on " + capital(f.Platform)
	case workflow.RoomOpened:
		return "Room on " + capital(f.Platform) + ": " + or(f.Room.Name, f.ID)
	case workflow.RoomUnavailable:
		return "No room on " + capital(f.Platform) + because(f.Why)
	case workflow.RoomStepFinished:
		if f.Why != "" {
			return fmt.Sprintf("%s on %s failed: %s", stepName(f.Step), capital(f.Platform), f.Why)
		}
		return stepDone(f.Step) + " on " + capital(f.Platform)
	case workflow.RoomStepRetried:
		return fmt.Sprintf("%s on %s, once more", stepDone(f.Step), capital(f.Platform))
	case workflow.RoomAbandoned:
		return "Left the room on " + capital(f.Platform) + ": not only members saw it"
	case workflow.RoomArchiveDue:
		return "Putting the room on " + capital(f.Platform) + " away"
	case workflow.RoomArchived:
		if f.ID == "" {
			return "Still to be said on " + f.Platform + ", in the room that is on its way"
		}
		return "The room on " + capital(f.Platform) + " is archived"
	}
	return ""
}
