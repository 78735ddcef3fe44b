// Package directory knows people and teams: who they are, what they may do, how
// they are reached, and who stands behind a target at an instant.
package directory

import (
	"slices"
	"strings"
	"time"

	"tocsin/commands"
)

// Person is somebody configured.
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

// Method is one way to reach a person, so long after the page began.
type Method struct {
	Via   string // a pager, such as "email"; or [ViaChat]
	To    string // address; empty: the person's own for that medium
	After time.Duration
}

// ViaChat is a method that stands for every connected platform that knows the
// person.
const ViaChat = "chat"

// Team is a list of people, or the members of a group on a platform.
type Team struct {
	ID      string
	Name    string
	Members []string // where there are none, those of the groups
	Lead    string
	Groups  map[string]string // platform → group ID
}

// Platform is a chat platform that is connected.
type Platform struct {
	Name         string // also of its pager
	Title        string // as people write it
	FindsByEmail bool   // people without an account are found by their address
	// Members returns who is in a group now: IDs of configured people, and
	// "guest:NAME:ACCOUNT" of others. It is asked whenever a team is, and answers at
	// once. Nil knows no groups.
	Members func(group string) []string
}

// Directory is the people, teams and machines that can be paged, as configured.
// It is never changed after it is made.
type Directory struct {
	People []Person
	Teams  []Team
	// Webhooks are the names that may be paged as "webhook:NAME".
	Webhooks []string
	// Pagers are the pagers that are connected, beside those of the platforms. A
	// person without a method of their own is reached on the platforms that know
	// them and by e-mail, else through the log.
	Pagers []string
	// Platforms are the chat platforms that are connected, in order.
	Platforms []Platform
}

// Person finds somebody by ID.
func (d *Directory) Person(id string) (Person, bool) {
	n := slices.IndexFunc(d.People, func(p Person) bool { return p.ID == id })
	if n < 0 {
		return Person{}, false
	}
	return d.People[n], true
}

// ByAccount finds somebody by their ID on a chat platform, or else by an e-mail
// address that the platform vouches for. Whoever is configured with another ID
// is not found by their address.
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

// Find resolves what people type: "@ana", "ana", an e-mail address or a whole
// name. ok is false when nobody, or more than one, is meant.
func (d *Directory) Find(handle string) (Person, bool) {
	handle = strings.TrimPrefix(strings.TrimSpace(handle), "@")
	if p, ok := d.Person(handle); ok || handle == "" {
		return p, ok
	}
	var found []Person
	for _, p := range d.People {
		if strings.EqualFold(p.ID, handle) || strings.EqualFold(p.Email, handle) || strings.EqualFold(p.Name, handle) {
			found = append(found, p)
		}
	}
	if len(found) != 1 {
		return Person{}, false
	}
	return found[0], true
}

// Team finds a team by ID.
func (d *Directory) Team(id string) (Team, bool) {
	n := slices.IndexFunc(d.Teams, func(t Team) bool { return t.ID == id })
	if n < 0 {
		return Team{}, false
	}
	return d.Teams[n], true
}
