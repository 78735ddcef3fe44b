package web

import (
	"context"
	"slices"

	"tocsin/bot/access"
	"tocsin/commands"
	"tocsin/workflow"
)

// form is a command with its missing arguments, as the catalog describes it.
type form struct {
	Word    string
	Label   string // the link that opens it, and its heading
	Summary string
	Command string // the command line that the form completes; "" when the card has it with --seen
	Submit  string
	Path    string // where it is posted
	Op      string // identifies the state that it was rendered from
	Fields  []field
}

// field is one input of a form.
type field struct {
	commands.Field
	ID      string
	Options []commands.Choice // to choose from, or suggestions
	Values  []string          // the values that were posted before
}

// incidentForms returns the forms of an incident that the reader may send.
func (s *Server) incidentForms(ctx context.Context, i *workflow.Incident, op string, who reader) []form {
	var all []form
	id := i.ID
	noPeople := len(s.Engine.Organization().Directory.People) == 0
	for _, w := range s.Engine.Catalog() {
		label := w.Label()
		if label == "" || !w.IsForIncident() || access.Can(who.Speaker, w, i) != nil {
			continue
		}
		if noPeople && (w.Name == "assign" || w.Name == "invite") { // there is no one to choose
			continue
		}
		f := form{Word: w.Name, Label: label, Summary: w.Summary, Command: w.Name + " " + id, Submit: w.SubmitLabel(), Path: commandPath(id), Op: op}
		if slices.ContainsFunc(w.Flags, func(f commands.Flag) bool { return f.Name == "seen" }) {
			f.Command = "" // the card has it with the state it was rendered from (E9: two clicks advance once)
		}
		f.Fields = s.formFields(ctx, w, who, formContext{prefix: "do-" + w.Name, room: id})
		all = append(all, f)
	}
	return all
}

// formContext says where a form is shown, and the values that were posted
// before.
type formContext struct {
	prefix string // of the fields' IDs
	room   string // the incident that it is about; "" for none
	values map[string][]string
}

// formFields returns the fields of a command's form, with their options.
func (s *Server) formFields(ctx context.Context, w commands.Spec, who reader, in formContext) []field {
	all := make([]field, 0, len(w.Form))
	for _, f := range access.Fields(who.Speaker, w) {
		one := field{Field: f, ID: in.prefix + "-" + f.Name, Options: f.Choices, Values: in.values[f.Name]}
		switch f.Kind {
		case commands.Duration:
			one.Options = []commands.Choice{{Value: "15m"}, {Value: "30m"}, {Value: "1h"}, {Value: "2h"}, {Value: "4h"}}
		case commands.Person, commands.Target, commands.Service, commands.Incident:
			one.Options = slices.DeleteFunc(s.Dispatcher.Choices(ctx, f.Kind, who.Speaker), func(c commands.Choice) bool { return c.Value == in.room })
		case commands.Line, commands.Text, commands.Choose, commands.Check:
		}
		all = append(all, one)
	}
	return all
}

// Value returns the value that was posted before.
func (f field) Value() string {
	if len(f.Values) == 0 {
		return ""
	}
	return f.Values[0]
}

// Has reports whether a value was chosen before.
func (f field) Has(value string) bool { return slices.Contains(f.Values, value) }

// IsChoice reports whether a value must be one of the options. People are typed
// when none are configured.
func (f field) IsChoice() bool {
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

// Size is the number of options shown at once.
func (f field) Size() int { return min(max(len(f.Options), 2), 6) }
