package dispatch

import (
	"context"
	"strings"

	"tocsin/bot/access"
	"tocsin/bot/incidents"
	"tocsin/commands"
	"tocsin/workflow"
)

// Form is what a line lacks: its word asks for things by a form, and the line
// says none of what is needed.
type Form struct {
	Word     string
	Incident string // "" when the word takes none
}

// NeedsForm reports whether a line that was typed is to be answered with a form:
// it lacks what its word cannot do without.
func (d *Dispatcher) NeedsForm(ctx context.Context, r Request) (Form, bool) {
	f, wants := d.WantsForm(r)
	if !wants {
		return f, false
	}
	call, err := d.engine.Catalog().Parse(r.Text, d.parseContext(ctx, r))
	edit, ok := call.Command.(workflow.SetDetails)
	return f, err != nil || ok && edit.Title+edit.Description+edit.Category == "" && len(edit.AddServices)+len(edit.AddSymptoms) == 0
}

// WantsForm reports whether a line is to be answered with a form: it names a
// word that has one, perhaps an incident, and nothing else. Nothing is read
// from the store, so that it can be answered at once.
func (d *Dispatcher) WantsForm(r Request) (Form, bool) {
	words := strings.Fields(r.Text)
	if len(words) > 0 && (words[0] == "/incident" || words[0] == "/inc" || words[0] == "incident") {
		words = words[1:]
	}
	if len(words) == 0 {
		return Form{}, false
	}
	w, ok := d.engine.Catalog().Find(strings.ToLower(strings.TrimPrefix(words[0], "/")))
	if !ok || len(w.Form) == 0 || r.Speaker.Access < w.Access {
		return Form{}, false
	}
	f := Form{Word: w.Name}
	rest := words[1:]
	if w.IsForIncident() {
		f.Incident = r.Room
		if len(rest) > 0 {
			if id := commands.ParseID(rest[0]); id != "" {
				f.Incident, rest = id, rest[1:]
			}
		}
		if f.Incident == "" {
			return Form{}, false // which incident, a form cannot ask
		}
	}
	if len(rest) > 0 && rest[0] == "--seen" {
		rest = rest[min(2, len(rest)):]
	}
	return f, len(rest) == 0
}

// Complete returns how a line may go on, best first.
func (d *Dispatcher) Complete(ctx context.Context, r Request) []commands.Completion {
	return d.engine.Catalog().Complete(r.Text, d.parseContext(ctx, r), r.Speaker.Access)
}

// maxChoices is how many open incidents are offered to be chosen from.
const maxChoices = 100

// Choices returns what a speaker may choose from for a kind of field: people,
// whoever can be paged, services, open incidents. What cannot be read is not
// offered.
func (d *Dispatcher) Choices(ctx context.Context, kind commands.FieldKind, s access.Speaker) []commands.Choice {
	org := d.engine.Organization()
	var all []commands.Choice
	switch kind {
	case commands.Person, commands.Target:
		for _, p := range org.Directory.People {
			all = append(all, commands.Choice{Value: "@" + p.ID, Label: orElse(p.Name, p.ID)})
		}
		if kind == commands.Person {
			break
		}
		for _, t := range org.Directory.Teams {
			all = append(all, commands.Choice{Value: "team:" + t.ID, Label: orElse(t.Name, t.ID) + " (team)"})
		}
		for _, p := range org.Policies {
			all = append(all, commands.Choice{Value: "policy:" + p.ID, Label: p.ID + " (policy)"})
		}
		for _, name := range org.Directory.Webhooks {
			all = append(all, commands.Choice{Value: "webhook:" + name, Label: name + " (webhook)"})
		}
	case commands.Service:
		for _, s := range org.Services {
			all = append(all, commands.Choice{Value: s.ID, Label: orElse(s.Name, s.ID)})
		}
	case commands.Incident:
		open, err := d.incidents.ListOpen(ctx, maxChoices)
		if err != nil {
			d.log.WarnContext(ctx, "the open incidents cannot be offered", "error", err.Error())
		}
		incidents.SortByNeed(open)
		for n := range open {
			if s.CanSee(&open[n]) {
				all = append(all, commands.Choice{Value: open[n].ID, Label: open[n].ID + " · " + open[n].Title})
			}
		}
	case commands.Line, commands.Text, commands.Choose, commands.Duration, commands.Check: // the language knows them itself
	}
	return all
}
