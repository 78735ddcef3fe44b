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
	Zone       *time.Location // nil: the organization's
	Slack      string         // user ID
	Discord    string         // user ID
	Access     commands.Access
	High       []Method // in order; for high urgency
	Low        []Method // in order; for low urgency
}

// Handle returns the person's ID on a chat platform, or "".
func (p Person) Handle(platform string) string {
	switch platform {
	case "slack":
		return p.Slack
	case "discord":
		return p.Discord
	}
	return ""
}

// Method is one way to reach a person, so long after the page began.
type Method struct {
	Via   string // "chat", "email", "sms", …
	To    string // address; empty: the person's own for that medium
	After time.Duration
}

// Team is a list of people, or a user group of Slack.
type Team struct {
	ID      string
	Name    string
	Members []string // where there are none, those of the group
	Lead    string
	Slack   string // ID of the user group, or ""
}

// Directory is everybody, as configured. It is never changed after it is made.
type Directory struct {
	People []Person
	Teams  []Team
	// Webhooks are the names that may be paged as "webhook:NAME".
	Webhooks []string
	// Pagers are the media that are connected. A person without a method of
	// their own is reached in chat and by e-mail, as far as these are connected
	// and know them, else through the log.
	Pagers []string
	// Groups says who is in a user group of Slack now: IDs of people, and
	// "guest:slack:U024BE7LH" for those who are not configured. It is asked
	// whenever a team is, and answers at once. Nil knows nobody.
	Groups func(group string) []string
}

// Person finds somebody by ID.
func (r *Directory) Person(id string) (Person, bool) {
	n := slices.IndexFunc(r.People, func(p Person) bool { return p.ID == id })
	if n < 0 {
		return Person{}, false
	}
	return r.People[n], true
}

// ByAccount finds somebody by their ID on a chat platform, or else by an e-mail
// address that the platform vouches for. Whoever is configured with another ID
// is not found by their address.
func (r *Directory) ByAccount(platform, id, email string) (Person, bool) {
	if id == "" {
		return Person{}, false
	}
	for _, p := range r.People {
		if p.Handle(platform) == id {
			return p, true
		}
	}
	for _, p := range r.People {
		if email != "" && strings.EqualFold(p.Email, email) && p.Handle(platform) == "" {
			return p, true
		}
	}
	return Person{}, false
}

// Find resolves what people type: "@ana", "ana", an e-mail address or a whole
// name. ok is false when nobody, or more than one, is meant.
func (r *Directory) Find(handle string) (Person, bool) {
	handle = strings.TrimPrefix(strings.TrimSpace(handle), "@")
	if p, ok := r.Person(handle); ok || handle == "" {
		return p, ok
	}
	var found []Person
	for _, p := range r.People {
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
func (r *Directory) Team(id string) (Team, bool) {
	n := slices.IndexFunc(r.Teams, func(t Team) bool { return t.ID == id })
	if n < 0 {
		return Team{}, false
	}
	return r.Teams[n], true
}
