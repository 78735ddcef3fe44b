package web

import (
	"context"
	"slices"

	"tocsin/bot"
	"tocsin/commands"
)

// A form is a command with its missing arguments, as the catalog describes it.
type form struct {
	Word    string
	Label   string // of the link that opens it, and its heading
	Summary string
	Command string // what the form adds to
	Submit  string
	Path    string // where it is sent
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

// forms returns the forms of an incident that a reader may send.
func (s *server) forms(ctx context.Context, id string, who reader) []form {
	var all []form
	var open []commands.Choice
	if found, _, err := s.Bot.List(ctx, who.Speaker, bot.ListQuery{Limit: 100}); err == nil {
		for _, i := range found {
			if i.ID != id {
				open = append(open, commands.Choice{Value: i.ID, Label: i.ID + " · " + i.Title})
			}
		}
	}
	for _, w := range s.Bot.Catalog() {
		label := labelOf(w.Name)
		if len(w.Form) == 0 || label == "" || w.Access > who.Access || w.Name == "private" && who.Person == "" {
			continue
		}
		f := form{Word: w.Name, Label: label, Summary: w.Summary, Command: w.Name + " " + id, Submit: label, Path: doPath(id)}
		f.Fields = s.fields(w, "do-"+w.Name, open, nil)
		all = append(all, f)
	}
	return all
}

// fields are the questions of a word's form.
func (s *server) fields(w commands.Word, prefix string, open []commands.Choice, filled map[string][]string) []field {
	all := make([]field, 0, len(w.Form))
	for _, f := range w.Form {
		one := field{Field: f, ID: prefix + "-" + f.Name, Options: f.Choices, Values: filled[f.Name]}
		switch f.Kind {
		case commands.Person, commands.Target, commands.Service:
			one.Options = s.Bot.Choices(f.Kind)
		case commands.Incident:
			one.Options = open
		case commands.Duration:
			one.Options = []commands.Choice{{Value: "15m"}, {Value: "30m"}, {Value: "1h"}, {Value: "2h"}, {Value: "4h"}}
		default:
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
	default:
		return false
	}
}

// Size is how many options are shown at once.
func (f field) Size() int { return min(max(len(f.Options), 2), 6) }
