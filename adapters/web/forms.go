package web

import (
	"cmp"
	"context"
	"slices"

	"tocsin/bot/access"
	"tocsin/commands"
	"tocsin/workflow"
)

// A form is a command with its missing arguments, as the catalog describes it.
type form struct {
	Word    string
	Label   string // of the link that opens it, and its heading
	Summary string
	Command string // what the form adds to; "" for one that the card holds, with what was seen
	Submit  string
	Path    string // where it is sent
	Op      string // of which state it was drawn
	Fields  []field
}

// A field is one question of a form.
type field struct {
	commands.Field
	ID      string
	Options []commands.Choice // to choose from, or to be proposed
	Values  []string          // as filled in before
}

// labels are how the words are called on buttons.
func labelOf(word string) string {
	return map[string]string{
		"update": "Update", "resolve": "Resolve", "status": "Status", "severity": "Severity", "assign": "Roles", "page": "Page", "note": "Note",
		"task": "Task", "followup": "Follow-up", "cause": "Cause", "link": "Link", "edit": "Correct", "verify": "Check", "close": "Close",
		"escalate": "Escalate", "invite": "Invite", "private": "Private", "reopen": "Reopen", "cancel": "Cancel", "merge": "Merge",
	}[word]
}

// submitOf is what a form's button says, where the label alone would not do.
func submitOf(word string) string {
	return map[string]string{
		"update": "Post the update", "status": "Move there", "severity": "Set the severity", "assign": "Give the role", "page": "Page them", "note": "Write it down",
		"task": "Add the task", "followup": "Add the follow-up", "cause": "Write it down", "link": "Add the link", "edit": "Correct it", "close": "Close the incident",
		"escalate": "Page the next step", "invite": "Invite them", "merge": "Merge it", "cancel": "Cancel the incident",
	}[word]
}

// forms returns the forms of an incident that a reader may send.
func (s *server) forms(ctx context.Context, i *workflow.Incident, op string, who reader) []form {
	var all []form
	id := i.ID
	nobody := len(s.Bot.Organization().Directory.People) == 0
	for _, w := range s.Bot.Catalog() {
		label := labelOf(w.Name)
		if len(w.Form) == 0 || label == "" || access.Can(who.Speaker, w, i) != nil || w.Name == "private" && who.Person == "" {
			continue
		}
		if nobody && (w.Name == "assign" || w.Name == "invite") { // there is nobody to choose
			continue
		}
		f := form{Word: w.Name, Label: label, Summary: w.Summary, Command: w.Name + " " + id, Submit: cmp.Or(submitOf(w.Name), label), Path: doPath(id), Op: op}
		if slices.ContainsFunc(w.Flags, func(f commands.Flag) bool { return f.Name == "seen" }) {
			f.Command = "" // two presses on the same state go one step (rule E9)
		}
		f.Fields = s.fields(ctx, w, who, filling{prefix: "do-" + w.Name, room: id})
		all = append(all, f)
	}
	return all
}

// filling is where a form stands, and what it was filled in with before.
type filling struct {
	prefix string // of the fields' IDs
	room   string // the incident that it is about; "" for none
	values map[string][]string
}

// fields are the questions of a word's form, with what may be chosen.
func (s *server) fields(ctx context.Context, w commands.Word, who reader, in filling) []field {
	all := make([]field, 0, len(w.Form))
	for _, f := range w.Form {
		one := field{Field: f, ID: in.prefix + "-" + f.Name, Options: f.Choices, Values: in.values[f.Name]}
		switch f.Kind {
		case commands.Duration:
			one.Options = []commands.Choice{{Value: "15m"}, {Value: "30m"}, {Value: "1h"}, {Value: "2h"}, {Value: "4h"}}
		case commands.Person, commands.Target, commands.Service, commands.Incident:
			one.Options = slices.DeleteFunc(s.Bot.Dispatcher.Choices(ctx, f.Kind, who.Speaker), func(c commands.Choice) bool { return c.Value == in.room })
		case commands.Line, commands.Text, commands.Choose, commands.Check:
		}
		all = append(all, one)
	}
	return all
}

// Value is what the field was filled in with before.
func (f field) Value() string {
	if len(f.Values) == 0 {
		return ""
	}
	return f.Values[0]
}

// Has reports whether a value was chosen before.
func (f field) Has(value string) bool { return slices.Contains(f.Values, value) }

// Chooses reports whether a value is one of the options, and nothing else. Where
// nobody is configured, people are named by hand.
func (f field) Chooses() bool {
	switch f.Kind {
	case commands.Choose:
		return true
	case commands.Person, commands.Target, commands.Incident:
		return len(f.Options) > 0
	case commands.Line, commands.Text, commands.Service, commands.Duration, commands.Check:
		return false
	}
	return false
}

// Size is how many options are shown at once.
func (f field) Size() int { return min(max(len(f.Options), 2), 6) }
