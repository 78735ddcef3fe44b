package card

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tocsin/workflow"
)

// Announcement renders the incident for a channel that everyone reads: its
// state and how to join its room.
func Announcement(i workflow.Incident, r workflow.Room, v View) Content {
	w := v.formatter()
	m := Content{Title: Title(i)}
	for _, f := range []Field{
		{"Severity", severity(i)},
		{FieldStatus, status(i)},
		{"Service", strings.Join(i.Services, ", ")},
		{"Commander", v.name(i.Roles[workflow.Commander])},
		{FieldAcknowledged, acknowledgerText(i, w)},
		{"Started", w.time(i.DeclaredAt)},
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

// HiddenAnnouncement replaces the announcement of an incident that has become
// private (P2: private means members only).
func HiddenAnnouncement(id string) Content { return Content{Title: id + " is private now"} }

// roomSections shows the progress of setting up each room, while it is
// unfinished.
func roomSections(i workflow.Incident, v View) []Section {
	var all []Section
	for _, r := range i.Rooms {
		if !r.Managed {
			continue
		}
		steps, failed := roomSteps(i, r)
		if steps == nil {
			continue
		}
		s := Section{Heading: capitalize(r.Platform), Lines: []string{strings.Join(steps, " · ")}}
		if failed && (v.Word == nil || v.Word("retry")) {
			s.Button = Button{Label: "Retry", Command: "retry " + i.ID}
		}
		all = append(all, s)
	}
	return all
}

// stepName returns the label of a room's setup step: "Card pinned".
func stepName(name string) string {
	switch name {
	case workflow.StepInvite:
		return "Invited"
	case workflow.StepAnnounce:
		return "Announced"
	case workflow.StepPin:
		return "Card pinned"
	default:
		return capitalize(name)
	}
}

// stepResult describes a finished setup step for the timeline: "Pinned the
// card".
func stepResult(name string) string {
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
		return capitalize(name)
	}
}

// PlatformName returns the name of a chat platform as people read it: "Testchat".
func PlatformName(platform string) string { return capitalize(platform) }

func capitalize(s string) string {
	if s == "" {
		return s
	}
	return strings.ToUpper(s[:1]) + s[1:]
}

// roomSteps returns each setup step with its result; nil when all are done.
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
		case "": // not done yet
			if why != "" {
				mark = " … waiting: " + why
			}
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
		add("Room", "", r.Why)
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
	if !open || !i.IsOpen() && !failed {
		return nil, false
	}
	return steps, failed
}

// secondaryButtons returns the commands that people need less often.
func secondaryButtons(i workflow.Incident, v View) []Button {
	var all []Button
	add := func(label, word, rest string) {
		if v.Word == nil || v.Word(word) {
			all = append(all, Button{Label: label, Command: strings.TrimSpace(word + " " + i.ID + " " + rest)})
		}
	}
	add("Add note", "note", "")
	if i.IsOpen() {
		add("Change severity", "severity", "")
		add("Escalate", "escalate", fmt.Sprintf("--seen %d", i.Seq))
		add("Invite", "invite", "")
	} else {
		add("Set cause", "cause", "")
	}
	add("Add task", "task", "")
	return all
}

// roomLine describes what happened to a room.
func roomLine(f workflow.RoomFact) string {
	switch f := f.(type) {
	case workflow.RoomWanted:
		return "Opening a room on " + capitalize(f.Platform)
	case workflow.RoomOpened:
		return "Room on " + capitalize(f.Platform) + ": " + cmp.Or(f.Room.Name, f.ID)
	case workflow.RoomUnavailable:
		if f.Waiting {
			return "The room on " + capitalize(f.Platform) + " waits until this is fixed" + withReason(f.Why)
		}
		return "No room on " + capitalize(f.Platform) + withReason(f.Why)
	case workflow.RoomStepFinished:
		if f.Waiting {
			return fmt.Sprintf("%s on %s waits until this is fixed: %s", stepName(f.Step), capitalize(f.Platform), f.Why)
		}
		if f.Why != "" {
			return fmt.Sprintf("%s on %s failed: %s", stepName(f.Step), capitalize(f.Platform), f.Why)
		}
		return stepResult(f.Step) + " on " + capitalize(f.Platform)
	case workflow.RoomStepRetried:
		return fmt.Sprintf("%s on %s: retrying", stepName(f.Step), capitalize(f.Platform))
	case workflow.RoomAbandoned:
		return "Left the room on " + capitalize(f.Platform) + ": people who are not members could see it"
	case workflow.RoomArchiveDue:
		return "Archiving the room on " + capitalize(f.Platform) + lateBy(f.LateBy)
	case workflow.RoomArchived:
		if f.ID == "" {
			return "Messages for " + capitalize(f.Platform) + " wait for its new room"
		}
		return "The room on " + capitalize(f.Platform) + " is archived"
	}
	return ""
}
