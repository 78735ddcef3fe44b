// Package directory holds the configured people and teams: their accounts, access and
// contact methods. It finds a person by what people type or by an account, and resolves
// a target such as "team:platform" to the people behind it.
//
// It is immutable and reads no store; only the members of a platform's group are asked
// for. Begin reading at [Directory.Resolve].
package directory

import (
	"slices"
	"strings"
	"time"

	"tocsin/commands"
)

// Person is a configured person.
type Person struct {
	ID         string
	Name       string
	Email      string
	Department string
	Zone       *time.Location    // nil: the organization's
	Accounts   map[string]string // platform → account ID
	Access     commands.Access
	High       []Method // in order; for high urgency
	Low        []Method // in order; for low urgency
}

// Method is one way to reach a person.
type Method struct {
	Via   string        // a pager, such as "email"; or [ViaChat]
	To    string        // address; "": the person's own for that pager
	After time.Duration // after the page began
}

// ViaChat is the method that means every connected platform on which the person
// has an account or can be found.
const ViaChat = "chat"

// Team is a list of people, or the members of groups on platforms.
type Team struct {
	ID      string
	Name    string
	Members []string // IDs of people; when empty, the members of the groups count
	Lead    string
	Groups  map[string]string // platform → group ID
}

// Platform is a connected chat platform.
type Platform struct {
	Name         string // also the name of its pager
	Title        string // as people write it
	FindsByEmail bool   // it finds people without an account by their e-mail address
	// Members returns the members of a group: IDs of configured people, and
	// "guest:NAME:ACCOUNT" for others. It is called whenever a team is resolved, and
	// must not wait. Nil: the platform has no groups.
	Members func(group string) []string
}

// Directory is the configured people, teams and machines. It is not changed after it
// was built.
type Directory struct {
	People []Person
	Teams  []Team
	// Webhooks are the names that can be paged as "webhook:NAME".
	Webhooks []string
	// Pagers are the connected pagers, without those of the platforms.
	Pagers []string
	// Platforms are the connected chat platforms, in order of preference.
	Platforms []Platform
}

// Person returns the person with an ID.
func (d *Directory) Person(id string) (Person, bool) {
	n := slices.IndexFunc(d.People, func(p Person) bool { return p.ID == id })
	if n < 0 {
		return Person{}, false
	}
	return d.People[n], true
}

// ByAccount returns the person with an account on a chat platform, else the person with
// an e-mail address that the platform has verified. A person who is configured with
// another account on the platform is not found by their address.
func (d *Directory) ByAccount(platform, id, email string) (Person, bool) {
	if id == "" {
		return Person{}, false
	}
	for _, p := range d.People {
		if p.Accounts[platform] == id {
			return p, true
		}
	}
	for _, p := range d.People {
		if email != "" && strings.EqualFold(p.Email, email) && p.Accounts[platform] == "" {
			return p, true
		}
	}
	return Person{}, false
}

// Find returns the person that a text names: "@ana", "ana", an e-mail address or a full
// name. The result is false when no person matches, or more than one.
func (d *Directory) Find(handle string) (Person, bool) {
	found := d.Matches(handle)
	if len(found) != 1 {
		return Person{}, false
	}
	return found[0], true
}

// Matches returns the people that a text may name, see [Directory.Find]: the one with that ID, else
// all who have the name in any form (C3: a name in another form is the same name).
func (d *Directory) Matches(handle string) []Person {
	handle = strings.TrimPrefix(strings.TrimSpace(handle), "@")
	if p, ok := d.Person(handle); ok {
		return []Person{p}
	}
	var found []Person
	for _, p := range d.People {
		if handle != "" && strings.EqualFold(p.Email, handle) {
			found = append(found, p)
		}
	}
	if len(found) > 0 {
		return found
	}
	for _, n := range commands.MatchNames(handle, len(d.People), func(n int) []string { return []string{d.People[n].ID, d.People[n].Name} }) {
		found = append(found, d.People[n])
	}
	return found
}

// MatchTeams returns the teams that a text may name: the one with that ID, else all that have
// the name in any form.
func (d *Directory) MatchTeams(name string) []Team {
	if t, ok := d.Team(name); ok {
		return []Team{t}
	}
	var found []Team
	for _, n := range commands.MatchNames(name, len(d.Teams), func(n int) []string { return []string{d.Teams[n].ID, d.Teams[n].Name} }) {
		found = append(found, d.Teams[n])
	}
	return found
}

// Team returns the team with an ID.
func (d *Directory) Team(id string) (Team, bool) {
	n := slices.IndexFunc(d.Teams, func(t Team) bool { return t.ID == id })
	if n < 0 {
		return Team{}, false
	}
	return d.Teams[n], true
}
