package dispatch

import (
	"cmp"
	"context"
	"strings"

	"tocsin/bot/access"
	"tocsin/bot/incidents"
	"tocsin/commands"
	"tocsin/workflow"
)

// Form is the form that answers a line without its arguments.
type Form struct {
	Word     string // the command
	Incident string // "" when the command takes none
}

// NeedsForm reports whether a typed line must be answered with a form, because it
// lacks an argument that its command requires.
func (d *Dispatcher) NeedsForm(ctx context.Context, r Request) (Form, bool) {
	f, ok := d.WantsForm(r)
	if !ok {
		return f, false
	}
	call, err := d.engine.Catalog().Parse(r.Text, d.parseContext(ctx, r))
	edit, ok := call.Command.(workflow.SetDetails)
	return f, err != nil || ok && edit.Title+edit.Description+edit.Category == "" && len(edit.AddServices)+len(edit.AddSymptoms) == 0
}

// WantsForm reports whether a line can be answered with a form: it has a command with
// a form, at most an incident, and nothing else. It does not read the store, so that a
// platform that waits for the form gets it in time.
func (d *Dispatcher) WantsForm(r Request) (Form, bool) {
	words := strings.Fields(r.Text)
	if len(words) > 0 && (words[0] == "/incident" || words[0] == "/inc" || words[0] == "incident") {
		words = words[1:]
	}
	if len(words) == 0 {
		return Form{}, false
	}
	w, ok := d.engine.Catalog().Find(strings.ToLower(strings.TrimPrefix(words[0], "/")))
	if !ok || len(w.Form) == 0 || access.Can(r.Speaker, w, nil) != nil {
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
			return Form{}, false // no form asks for the incident
		}
	}
	if len(rest) > 0 && rest[0] == "--seen" {
		rest = rest[min(2, len(rest)):]
	}
	return f, len(rest) == 0
}

// Complete returns the completions of a line, best first.
func (d *Dispatcher) Complete(ctx context.Context, r Request) []commands.Completion {
	var room *workflow.Incident
	if r.Room != "" {
		if i, err := d.incidents.Get(ctx, r.Room, r.Speaker); err == nil {
			room = &i
		}
	}
	return d.engine.Catalog().Complete(r.Text, d.parseContext(ctx, r), access.Usable(r.Speaker, room))
}

// maxChoices is the number of open incidents that are offered as choices.
const maxChoices = 100

// Choices returns the choices of a speaker for a kind of field: people, targets that
// can be paged, services, or open incidents. Incidents are left out when the store
// cannot be read.
func (d *Dispatcher) Choices(ctx context.Context, kind commands.FieldKind, s access.Speaker) []commands.Choice {
	org := d.engine.Organization()
	var all []commands.Choice
	switch kind {
	case commands.Person, commands.Target:
		for _, p := range org.Directory.People {
			all = append(all, commands.Choice{Value: "@" + p.ID, Label: cmp.Or(p.Name, p.ID)})
		}
		if kind == commands.Person {
			break
		}
		for _, t := range org.Directory.Teams {
			all = append(all, commands.Choice{Value: "team:" + t.ID, Label: cmp.Or(t.Name, t.ID) + " (team)"})
		}
		for _, p := range org.Policies {
			all = append(all, commands.Choice{Value: "policy:" + p.ID, Label: p.ID + " (policy)"})
		}
		for _, name := range org.Directory.Webhooks {
			all = append(all, commands.Choice{Value: "webhook:" + name, Label: name + " (webhook)"})
		}
	case commands.Service:
		for _, s := range org.Services {
			all = append(all, commands.Choice{Value: s.ID, Label: cmp.Or(s.Name, s.ID)})
		}
	case commands.Incident:
		open, _, err := d.incidents.List(ctx, s, incidents.Filter{Limit: maxChoices})
		if err != nil {
			d.log.WarnContext(ctx, "cannot list the open incidents as choices", "error", err.Error())
		}
		for n := range open {
			all = append(all, commands.Choice{Value: open[n].ID, Label: open[n].ID + " · " + open[n].Title})
		}
	case commands.Line, commands.Text, commands.Choose, commands.Duration, commands.Check: // the catalog has their choices
	}
	return all
}
