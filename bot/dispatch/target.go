package dispatch

import (
	"slices"
	"strings"

	"tocsin/bot"
	"tocsin/bot/directory"
	"tocsin/commands"
	"tocsin/workflow"
)

// findTargets returns the targets that a text may name: a person, a team, or a target as it
// is written in the configuration. More than one means that the name is ambiguous
// (C3: a name in another form is the same name).
func findTargets(o *bot.Organization, handle string) []workflow.Target {
	d := &o.Directory
	name := strings.TrimPrefix(strings.TrimSpace(handle), "@")
	if p, ok := d.Person(name); ok {
		return []workflow.Target{workflow.Target("person:" + p.ID)}
	}
	if t, ok := d.Team(name); ok {
		return []workflow.Target{workflow.Target("team:" + t.ID)}
	}
	found := append(people(d.Matches(name)), teams(d.MatchTeams(name))...)
	if at := strings.IndexAny(name, ":："); at >= 0 && len(found) == 0 {
		id := strings.TrimLeft(name[at:], ":：")
		switch strings.TrimPrefix(commands.Fold(name[:at]), "@") {
		case "person":
			return findPerson(o, id)
		case "team":
			return reachable(o, teams(d.MatchTeams(id)))
		case "webhook":
			return named("webhook:", id, d.Webhooks)
		case "policy":
			ids := make([]string, 0, len(o.Policies))
			for _, p := range o.Policies {
				ids = append(ids, p.ID)
			}
			return named("policy:", id, ids)
		}
	}
	return found
}

// findPerson returns the targets of "person:ID": the people with the ID or name, or a guest
// who can be paged.
func findPerson(o *bot.Organization, id string) []workflow.Target {
	if found := people(o.Directory.Matches(id)); len(found) > 0 {
		return found
	}
	return reachable(o, []workflow.Target{workflow.Target("person:" + id)})
}

// namesakes returns the handles of all people, or of all targets, that a name may mean.
func namesakes(o *bot.Organization, kind commands.FieldKind, handle string) []string {
	found := people(o.Directory.Matches(handle))
	if kind == commands.Target {
		found = findTargets(o, handle)
	}
	var all []string
	for _, t := range found {
		if t.Kind() == "person" {
			all = append(all, "@"+t.ID())
		} else {
			all = append(all, string(t))
		}
	}
	return all
}

// people returns people as targets.
func people(all []directory.Person) []workflow.Target {
	var found []workflow.Target
	for _, p := range all {
		found = append(found, workflow.Target("person:"+p.ID))
	}
	return found
}

// teams returns teams as targets.
func teams(all []directory.Team) []workflow.Target {
	var found []workflow.Target
	for _, t := range all {
		found = append(found, workflow.Target("team:"+t.ID))
	}
	return found
}

// named returns those of some names that a text may mean, as targets of a kind.
func named(kind, text string, names []string) []workflow.Target {
	if slices.Contains(names, text) {
		return []workflow.Target{workflow.Target(kind + text)}
	}
	var found []workflow.Target
	for _, n := range commands.MatchNames(text, len(names), func(n int) []string { return names[n : n+1] }) {
		found = append(found, workflow.Target(kind+names[n]))
	}
	return found
}

// reachable returns the targets behind which there is a recipient.
func reachable(o *bot.Organization, all []workflow.Target) []workflow.Target {
	return slices.DeleteFunc(all, func(t workflow.Target) bool { return len(o.Directory.Resolve(t).Recipients) == 0 })
}
