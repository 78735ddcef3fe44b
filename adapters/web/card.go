package web

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/bot/access"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// cardPart is the card of an incident in its room.
type cardPart struct {
	ackPage
	Buttons  []button
	Latest   []string
	Pins     []string
	Tasks    []taskRow
	Checks   []checkRow
	Rooms    []roomRow
	Room     string // the incident that this one was merged into
	Over     bool   // the incident has ended
	Escalate int    // the Seq that the escalate form was rendered from (E9: two clicks advance once)
}

// button sends a command line, or opens the form of a command.
type button struct {
	Label   string
	Command string
	Form    string // the word whose form it opens; "": it sends Command
	Path    string // the address that the command is posted to
	Op      string // identifies the state that it was rendered from: the same press of the same state runs once
	Main    bool   // the primary button
}

// taskRow is an action item, with a button that marks it as done or undoes that.
type taskRow struct {
	Text, Who string
	FollowUp  bool
	Done      bool
	Press     button
}

// roomRow is the state of a platform's room, with a button that retries what
// failed.
type roomRow struct {
	Heading string
	Lines   []string
	Press   button
}

// checkRow is an entry of the checklist, with buttons that record its result.
type checkRow struct {
	Text  string
	State workflow.CheckState
	By    string
	Press []button
}

// newCardPart returns the card for a reader, with the buttons that they may use.
// canWork says that the reader works on the incident.
func (s *Server) newCardPart(i workflow.Incident, who reader, canWork bool) cardPart {
	v := access.View(s.Engine, who.Speaker, &i)
	v.Zone = who.zone()
	c := card.Card(i, v)
	p := cardPart{ackPage: s.newAckPage(i, who.Speaker, func(at time.Time) string { return s.formatTime(at, who.zone()) })}
	p.Room, p.Escalate, p.Over = i.Merge.Into, i.Seq, !i.IsOpen()
	p.State = slices.DeleteFunc(p.State, func(l textLine) bool { return l.Code != "" }) // the card has a button for it
	p.Sections = nil
	for _, section := range c.Sections {
		switch section.Heading {
		case card.SectionLatestUpdate:
			p.Latest = section.Lines
		case card.SectionPinned:
			p.Pins = section.Lines
		case card.SectionTasks, card.SectionVerification, card.SectionLinks: // p has them with their buttons
		default:
			if section.Button.Command == "" && !isRoomHeading(i, section.Heading) {
				p.Sections = append(p.Sections, section)
				continue
			}
			row := roomRow{Heading: section.Heading, Lines: section.Lines}
			if v.Word("retry") && canWork && section.Button.Command != "" {
				row.Press = button{Label: section.Button.Label, Path: commandPath(i.ID), Op: strconv.Itoa(i.Seq), Command: section.Button.Command}
			}
			p.Rooms = append(p.Rooms, row)
		}
	}
	p.Links = append(p.Links, relatedLinks(i, canWork)...)
	if !canWork {
		return p
	}
	p.Buttons = s.newButtons(i, c.Buttons)
	for _, t := range i.Paperwork.ActionItems {
		row := taskRow{Text: t.Text, FollowUp: t.FollowUp, Done: t.Done, Who: t.Assignee, Press: button{Label: "Done", Path: commandPath(i.ID), Op: strconv.Itoa(i.Seq), Command: fmt.Sprintf("task %s done %d", i.ID, t.N)}}
		if t.Assignee != "" && v.Name != nil {
			row.Who = cmp.Or(v.Name(t.Assignee), t.Assignee)
		}
		if t.Done {
			row.Press = button{Label: "Undo", Path: commandPath(i.ID), Op: strconv.Itoa(i.Seq), Command: fmt.Sprintf("task %s undo %d", i.ID, t.N)}
		}
		if !v.Word("task") {
			row.Press = button{}
		}
		p.Tasks = append(p.Tasks, row)
	}
	for n, c := range i.Paperwork.Checklist {
		row := checkRow{Text: c.Text, State: c.State, By: c.By}
		for label, word := range map[string]string{"Passed": "passed", "Failed": "failed"} {
			if v.Word("verify") && string(c.State) != word {
				row.Press = append(row.Press, button{Label: label, Path: commandPath(i.ID), Op: strconv.Itoa(i.Seq), Command: fmt.Sprintf("verify %s %d %s", i.ID, n+1, word)})
			}
		}
		slices.SortFunc(row.Press, func(a, b button) int { return cmp.Compare(b.Label, a.Label) })
		p.Checks = append(p.Checks, row)
	}
	return p
}

// relatedLinks returns links to related incidents and to the rooms on other
// platforms; those only for a reader who works on the incident.
func relatedLinks(i workflow.Incident, canWork bool) []anchor {
	var all []anchor
	for _, r := range i.Rooms {
		if r.Managed && r.URL != "" && r.State == workflow.RoomOpen && canWork {
			all = append(all, anchor{Title: "#" + r.Name + " on " + card.PlatformName(r.Platform), URL: r.URL})
		}
	}
	for _, l := range i.Paperwork.Links {
		if l.Incident != "" {
			all = append(all, anchor{Title: strings.TrimSpace(l.Incident + " " + l.Title), URL: "/incidents/" + l.Incident})
		}
	}
	return all
}

// isRoomHeading reports whether a section of the card describes a platform's room.
func isRoomHeading(i workflow.Incident, heading string) bool {
	return slices.ContainsFunc(i.Rooms, func(r workflow.Room) bool { return r.Managed && card.PlatformName(r.Platform) == heading })
}

// commandPath returns the address that commands for an incident are posted to.
func commandPath(id string) string { return "/incidents/" + id + "/do" }

// newButtons returns the card's buttons. A command that needs arguments opens its
// form.
func (s *Server) newButtons(i workflow.Incident, from []card.Button) []button {
	var all []button
	for _, a := range from {
		name, rest, _ := strings.Cut(a.Command, " ")
		w, ok := s.Engine.Catalog().Find(name)
		if !ok {
			continue
		}
		b := button{Label: a.Label, Command: a.Command, Path: commandPath(i.ID), Op: strconv.Itoa(i.Seq), Main: a.Main}
		if len(w.Form) > 0 && rest == i.ID {
			b.Form = name
		}
		all = append(all, b)
	}
	return all
}
