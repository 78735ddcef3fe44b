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

// A cardPart is the card.
type cardPart struct {
	ackPage
	Buttons  []button
	Latest   []string
	Pins     []string
	Tasks    []taskRow
	Checks   []checkRow
	Rooms    []roomRow
	Room     string // where the incident went on, if it was merged
	Over     bool   // the incident has ended
	Escalate int    // the Seq that the form to escalate was drawn from (rule E9)
}

// A button is a command line, or opens the form of a word.
type button struct {
	Label   string
	Command string
	Form    string
	Path    string // where the command goes
	Op      string // of which state it was drawn: the same press of the same state is one
	Main    bool
}

type taskRow struct {
	Text, Who string
	FollowUp  bool
	Done      bool
	Press     button
}

// A roomRow says how far a platform's room is, with something to press when it
// is not whole.
type roomRow struct {
	Heading string
	Lines   []string
	Press   button
}

type checkRow struct {
	Text  string
	State workflow.CheckState
	By    string
	Press []button
}

// cardPart is the card, with what this reader may press.
func (s *server) cardPart(i workflow.Incident, who reader, works bool) cardPart {
	v := access.View(s.Bot.Engine, who.Speaker, &i)
	v.Zone = who.zone()
	c := card.Card(i, v)
	p := cardPart{ackPage: s.draw(i, who.Speaker, func(at time.Time) string { return "at " + at.In(who.zone()).Format("15:04 MST, 2 Jan") })}
	p.Room, p.Escalate, p.Over = i.Merge.Into, i.Seq, !i.IsOpen()
	p.State = slices.DeleteFunc(p.State, func(l textLine) bool { return l.Code != "" }) // there is a button for it
	p.Sections = nil
	for _, section := range c.Sections {
		switch section.Heading {
		case "Latest update":
			p.Latest = section.Lines
		case "Pinned":
			p.Pins = section.Lines
		case "Tasks", "Verification", "Links": // shown with something to press
		default:
			if section.Button.Command == "" && !roomHeading(i, section.Heading) {
				p.Sections = append(p.Sections, section)
				continue
			}
			row := roomRow{Heading: section.Heading, Lines: section.Lines}
			if v.Word("retry") && works && section.Button.Command != "" {
				row.Press = button{Label: section.Button.Label, Path: doPath(i.ID), Op: strconv.Itoa(i.Seq), Command: section.Button.Command}
			}
			p.Rooms = append(p.Rooms, row)
		}
	}
	p.Links = append(p.Links, elsewhere(i, works)...)
	if !works {
		return p
	}
	p.Buttons = s.buttons(i, c.Buttons, who, v)
	for _, t := range i.Paperwork.ActionItems {
		row := taskRow{Text: t.Text, FollowUp: t.FollowUp, Done: t.Done, Who: t.Assignee, Press: button{Label: "Done", Path: doPath(i.ID), Op: strconv.Itoa(i.Seq), Command: fmt.Sprintf("task %s done %d", i.ID, t.N)}}
		if t.Assignee != "" && v.Name != nil {
			row.Who = cmp.Or(v.Name(t.Assignee), t.Assignee)
		}
		if t.Done {
			row.Press = button{Label: "Undo", Path: doPath(i.ID), Op: strconv.Itoa(i.Seq), Command: fmt.Sprintf("task %s undo %d", i.ID, t.N)}
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
				row.Press = append(row.Press, button{Label: label, Path: doPath(i.ID), Op: strconv.Itoa(i.Seq), Command: fmt.Sprintf("verify %s %d %s", i.ID, n+1, word)})
			}
		}
		slices.SortFunc(row.Press, func(a, b button) int { return cmp.Compare(b.Label, a.Label) })
		p.Checks = append(p.Checks, row)
	}
	return p
}

// elsewhere are the other incidents, and the rooms on other platforms.
func elsewhere(i workflow.Incident, works bool) []anchor {
	var all []anchor
	for _, r := range i.Rooms {
		if r.Managed && r.URL != "" && r.State == workflow.RoomOpen && works {
			all = append(all, anchor{Title: "#" + r.Name + " on " + platformName(r.Platform), URL: r.URL})
		}
	}
	for _, l := range i.Paperwork.Links {
		if l.Incident != "" {
			all = append(all, anchor{Title: strings.TrimSpace(l.Incident + " " + l.Title), URL: "/incidents/" + l.Incident})
		}
	}
	return all
}

// roomHeading reports whether a section of the card is about a platform's room.
func roomHeading(i workflow.Incident, heading string) bool {
	return slices.ContainsFunc(i.Rooms, func(r workflow.Room) bool { return r.Managed && platformName(r.Platform) == heading })
}

// platformName is a platform's name, as people write it.
func platformName(platform string) string { return capitalize(platform) }

func doPath(id string) string { return "/incidents/" + id + "/do" }

// buttons are the card's, for this reader: a command that lacks something
// opens its form, and what the reader may not do is not offered.
func (s *server) buttons(i workflow.Incident, actions []card.Button, who reader, v card.View) []button {
	if i.IsOpen() && i.IsAcknowledged() && i.Roles[workflow.Commander] == "" && who.Person != "" {
		actions = append(slices.Clone(actions), card.Button{Label: "Take lead", Command: "lead " + i.ID})
	}
	if i.IsAwaiting(who.Person) && i.IsAcknowledged() { // asked to join: that they come is all they are asked
		join := card.Button{Label: "Acknowledge", Command: fmt.Sprintf("ack %s --seen %d", i.ID, i.Seq), Main: true}
		actions = append([]card.Button{join}, actions...)
		for n := range actions[1:] {
			actions[n+1].Main = false
		}
	}
	var all []button
	for _, a := range actions {
		name, rest, _ := strings.Cut(a.Command, " ")
		w, ok := s.Bot.Catalog().Find(name)
		if !ok || !v.Word(name) {
			continue
		}
		b := button{Label: a.Label, Command: a.Command, Path: doPath(i.ID), Op: strconv.Itoa(i.Seq), Main: a.Main}
		if len(w.Form) > 0 && rest == i.ID {
			b.Form = name
		}
		all = append(all, b)
	}
	return all
}
