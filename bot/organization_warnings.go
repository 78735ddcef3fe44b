package bot

import (
	"fmt"
	"slices"
	"strings"

	"tocsin/bot/alerts"
	"tocsin/bot/directory"
	"tocsin/workflow"
)

// Warnings returns what is valid in the configuration and probably not meant, each as
// one line that says what to do: people that escalation pages and cannot reach,
// and routes that lower critical alerts.
func (o *Organization) Warnings() []string {
	var all []string
	for _, p := range o.pagedPeople() {
		why := o.Directory.Unreachable(p, workflow.High)
		if why != "" {
			all = append(all, fmt.Sprintf("%s (%s) cannot be paged: %s. Give them an address, or methods under `notify`.", p.Name, p.ID, why))
		}
	}
	for n, r := range o.Routes {
		if to, lowers := alerts.Lowers(r); lowers {
			all = append(all, fmt.Sprintf("Route %d turns critical alerts into %s. Leave its severity out, or write `severity` for what the alert's own word means.", n+1, to))
		}
	}
	return all
}

// pagedPeople returns the configured people that a target names, alone or in a team.
func (o *Organization) pagedPeople() []directory.Person {
	var ids []string
	for _, t := range o.Targets() {
		switch t.Kind() {
		case "person":
			ids = append(ids, t.ID())
		case "team":
			team, _ := o.Directory.Team(t.ID())
			ids = append(ids, team.Members...)
		}
	}
	slices.SortFunc(ids, strings.Compare)
	var people []directory.Person
	for _, id := range slices.Compact(ids) {
		if p, ok := o.Directory.Person(id); ok {
			people = append(people, p)
		}
	}
	return people
}
