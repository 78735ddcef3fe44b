// Package roster knows people and teams: who they are, what they may do, how
// they are reached, and who stands behind a target at an instant.
package roster

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/commands"
	"tocsin/workflow"
)

// Access is what somebody may do.
type Access = commands.Access

// The levels of access.
const (
	Guest       = commands.Guest
	Stakeholder = commands.Stakeholder
	Responder   = commands.Responder
	Commander   = commands.Commander
	Admin       = commands.Admin
)

// ParseAccess reads the word of the configuration.
func ParseAccess(word string) (Access, bool) { return commands.ParseAccess(word) }

// Person is somebody configured.
type Person struct {
	ID         string
	Name       string
	Email      string
	Department string
	Zone       *time.Location // nil: the organization's
	Slack      string         // user ID
	Discord    string         // user ID
	Access     Access
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
	Via   string // "email", "sms", …
	To    string // address; empty: the person's own for that medium
	After time.Duration
}

// Team is a list of people.
type Team struct {
	ID      string
	Name    string
	Members []string
	Lead    string
}

// Roster is everybody, as configured. It is never changed after it is made.
type Roster struct {
	People []Person
	Teams  []Team
	// Webhooks are the names that may be paged as "webhook:NAME".
	Webhooks []string
	// Pagers are the media that are connected. A person without a method of
	// their own is reached by e-mail where that is connected, else through the
	// log.
	Pagers []string
}

// Person finds somebody by ID.
func (r *Roster) Person(id string) (Person, bool) {
	n := slices.IndexFunc(r.People, func(p Person) bool { return p.ID == id })
	if n < 0 {
		return Person{}, false
	}
	return r.People[n], true
}

// ByAccount finds somebody by their ID on a chat platform, or else by an e-mail
// address that the platform vouches for. Whoever is configured with another ID
// is not found by their address.
func (r *Roster) ByAccount(platform, id, email string) (Person, bool) {
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
func (r *Roster) Find(handle string) (Person, bool) {
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
func (r *Roster) Team(id string) (Team, bool) {
	n := slices.IndexFunc(r.Teams, func(t Team) bool { return t.ID == id })
	if n < 0 {
		return Team{}, false
	}
	return r.Teams[n], true
}

// Answer says who stands behind a target now, and how each is reached; or why
// nobody does, in words for the room.
func (r *Roster) Answer(target workflow.Target) workflow.Answer {
	switch target.Kind() {
	case "person":
		p, ok := r.Person(target.ID())
		if !ok && len(r.People) == 0 { // nobody is configured: everybody reads the log
			m := []workflow.Method{{Key: "log"}}
			return workflow.Answer{Recipients: []workflow.Recipient{{ID: target.ID(), Name: strings.TrimPrefix(target.ID(), "guest:"), High: m, Low: m}}}
		}
		if !ok {
			return workflow.Answer{Why: fmt.Sprintf("nobody is called %s any more", target.ID())}
		}
		return workflow.Answer{Recipients: []workflow.Recipient{r.recipient(p)}}
	case "team":
		t, ok := r.Team(target.ID())
		if !ok {
			return workflow.Answer{Why: fmt.Sprintf("there is no team %s any more", target.ID())}
		}
		var a workflow.Answer
		for _, id := range t.Members {
			if p, ok := r.Person(id); ok {
				a.Recipients = append(a.Recipients, r.recipient(p))
			}
		}
		if len(a.Recipients) == 0 {
			a.Why = fmt.Sprintf("team %s has no members", t.ID)
		}
		return a
	case "webhook":
		if !slices.Contains(r.Webhooks, target.ID()) {
			return workflow.Answer{Why: fmt.Sprintf("there is no webhook %s any more", target.ID())}
		}
		m := []workflow.Method{{Key: "webhook"}}
		return workflow.Answer{Recipients: []workflow.Recipient{{ID: string(target), Name: target.ID(), High: m, Low: m}}}
	case "log":
		m := []workflow.Method{{Key: "log"}}
		return workflow.Answer{Recipients: []workflow.Recipient{{ID: "log", Name: "the log", High: m, Low: m}}}
	}
	return workflow.Answer{Why: fmt.Sprintf("%s cannot be paged", target)}
}

func (r *Roster) recipient(p Person) workflow.Recipient {
	return workflow.Recipient{
		ID: p.ID, Name: p.Name,
		High: keys(r.methods(p, p.High, p.Low)),
		Low:  keys(r.methods(p, p.Low, p.High)),
	}
}

// methods returns a person's own methods, or what stands in for them.
func (r *Roster) methods(p Person, own, other []Method) []Method {
	switch {
	case len(own) > 0:
		return own
	case len(other) > 0:
		return other
	case p.Email != "" && slices.Contains(r.Pagers, "email"):
		return []Method{{Via: "email"}}
	}
	return []Method{{Via: "log"}}
}

// keys names methods so that each is unique for its person: the second sms is
// "sms#2".
func keys(methods []Method) []workflow.Method {
	var all []workflow.Method
	seen := map[string]int{}
	for _, m := range methods {
		seen[m.Via]++
		key := m.Via
		if n := seen[m.Via]; n > 1 {
			key = fmt.Sprintf("%s#%d", m.Via, n)
		}
		all = append(all, workflow.Method{Key: key, After: m.After})
	}
	return all
}

// Contact is where a page goes.
type Contact struct {
	Person  string
	Name    string
	Via     string // pager
	Address string
}

// Contact finds the address behind a recipient and a method's key, read when
// the page is sent.
func (r *Roster) Contact(recipient, key string, urgency workflow.Level) (Contact, error) {
	target := workflow.Target(recipient)
	switch target.Kind() {
	case "webhook":
		return Contact{Person: recipient, Name: target.ID(), Via: "webhook", Address: target.ID()}, nil
	case "log":
		return Contact{Person: recipient, Name: "the log", Via: "log"}, nil
	case "guest":
		return Contact{Person: recipient, Name: target.ID(), Via: "log"}, nil
	}
	p, ok := r.Person(recipient)
	if !ok {
		return Contact{}, fmt.Errorf("nobody is called %s any more", recipient)
	}
	lists := [][]Method{r.methods(p, p.High, p.Low), r.methods(p, p.Low, p.High)}
	if urgency == workflow.Low {
		slices.Reverse(lists)
	}
	for _, methods := range lists { // the other list serves when the urgency has changed since
		for n, k := range keys(methods) {
			if k.Key != key {
				continue
			}
			c := Contact{Person: p.ID, Name: p.Name, Via: methods[n].Via, Address: methods[n].To}
			if c.Address == "" && c.Via == "email" {
				c.Address = p.Email
			}
			return c, nil
		}
	}
	return Contact{}, fmt.Errorf("%s is not reached by %s any more", p.Name, key)
}
