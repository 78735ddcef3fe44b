package directory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/workflow"
)

// How long after a page in chat a person without methods of their own is also
// sent a mail. If chat fails it goes out at once (rule E4): not every person who
// has an address is on the platform.
const (
	mailWhenHigh = 2 * time.Minute
	mailWhenLow  = time.Hour
)

// Answer says who stands behind a target now, and how each is reached; or why
// there is nobody, in words for the room.
func (d *Directory) Resolve(target workflow.Target) workflow.Answer {
	id := target.ID()
	switch target.Kind() {
	case "person":
		if r, ok := d.findRecipient(id); ok {
			return oneRecipient(r)
		}
		if len(d.People) == 0 { // no people are configured: everybody reads the log
			return oneRecipient(newRecipient(id, strings.TrimPrefix(id, "guest:"), "log"))
		}
		return workflow.Answer{Why: fmt.Sprintf("nobody is called %s any more", id)}
	case "team":
		return d.resolveTeam(id)
	case "room":
		if p, room, ok := d.splitPlatformID(id); ok {
			return oneRecipient(newRecipient(string(target), p.describe(room), p.Name))
		}
	case "webhook":
		if !slices.Contains(d.Webhooks, id) {
			return workflow.Answer{Why: fmt.Sprintf("there is no webhook %s any more", id)}
		}
		return oneRecipient(newRecipient(string(target), id, "webhook"))
	case "log":
		return oneRecipient(newRecipient("log", "the log", "log"))
	}
	return workflow.Answer{Why: fmt.Sprintf("%s cannot be paged", target)}
}

// only is the answer that one recipient is.
func oneRecipient(one workflow.Recipient) workflow.Answer {
	return workflow.Answer{Recipients: []workflow.Recipient{one}}
}

// reachedBy is a recipient who is reached in one way, whatever the urgency.
func newRecipient(id, name, method string) workflow.Recipient {
	m := []workflow.Method{{Key: method}}
	return workflow.Recipient{ID: id, Name: name, High: m, Low: m}
}

// onPlatform splits "slack:U024BE7LH" into a platform that is connected and an ID
// there.
func (d *Directory) splitPlatformID(text string) (p Platform, id string, ok bool) {
	name, id, _ := strings.Cut(text, ":")
	n := slices.IndexFunc(d.Platforms, func(p Platform) bool { return p.Name == name })
	if n < 0 || id == "" || strings.Contains(id, ":") {
		return Platform{}, "", false
	}
	return d.Platforms[n], id, true
}

// place names what is known by its place on the platform alone.
func (p Platform) describe(what string) string { return what + " on " + p.Title }

// team says who is in a team now. The members of a group who can be reached in
// no way are left out.
func (d *Directory) resolveTeam(id string) workflow.Answer {
	t, ok := d.Team(id)
	if !ok {
		return workflow.Answer{Why: fmt.Sprintf("there is no team %s any more", id)}
	}
	members, why := t.Members, fmt.Sprintf("team %s has no members", t.ID)
	for _, p := range d.Platforms {
		group := t.Groups[p.Name]
		if len(t.Members) > 0 || group == "" {
			continue
		}
		why = fmt.Sprintf("nobody is known to be in the %s group of team %s", p.Title, t.ID)
		if p.Members != nil {
			members = append(members, p.Members(group)...)
		}
	}
	var a workflow.Answer
	for _, member := range members {
		if r, ok := d.findRecipient(member); ok {
			a.Recipients = append(a.Recipients, r)
		}
	}
	if len(a.Recipients) == 0 {
		a.Why = why
	}
	return a
}

// recipient returns a configured person, or a guest who is known from a platform
// that is connected.
func (d *Directory) findRecipient(id string) (workflow.Recipient, bool) {
	if p, ok := d.Person(id); ok {
		return workflow.Recipient{
			ID: p.ID, Name: p.Name,
			High: methodKeys(d.methodsOf(p, workflow.High)),
			Low:  methodKeys(d.methodsOf(p, workflow.Low)),
		}, true
	}
	if p, account, ok := d.guestAccount(id); ok {
		return newRecipient(id, p.describe(account), p.Name), true
	}
	return workflow.Recipient{}, false
}

// guest returns the account of an ID such as "guest:slack:U024BE7LH".
func (d *Directory) guestAccount(id string) (p Platform, account string, ok bool) {
	rest, is := strings.CutPrefix(id, "guest:")
	if !is {
		return Platform{}, "", false
	}
	return d.splitPlatformID(rest)
}

// methods returns a person's own methods for an urgency, or those for the
// other, or what stands in for both. A method "chat" is one for each platform that
// knows them.
func (d *Directory) methodsOf(p Person, urgency workflow.Level) []Method {
	own, other, later := p.High, p.Low, mailWhenHigh
	if urgency == workflow.Low {
		own, other, later = p.Low, p.High, mailWhenLow
	}
	if len(own) == 0 {
		own = other
	}
	var all []Method
	for _, m := range own {
		if m.Via == ViaChat {
			all = append(all, d.chatMethods(p, m.After)...)
		} else {
			all = append(all, m)
		}
	}
	if len(own) > 0 {
		return all
	}
	all = d.chatMethods(p, 0)
	if slices.Contains(d.Pagers, "email") && p.Email != "" {
		mail := Method{Via: "email"}
		if len(all) > 0 {
			mail.After = later
		}
		all = append(all, mail)
	}
	if len(all) == 0 {
		return []Method{{Via: "log"}}
	}
	return all
}

// onChat returns a method for each connected platform that knows a person.
func (d *Directory) chatMethods(p Person, after time.Duration) []Method {
	var all []Method
	for _, platform := range d.Platforms {
		if platform.addressOf(p) != "" {
			all = append(all, Method{Via: platform.Name, After: after})
		}
	}
	return all
}

// address is how the platform finds a person: their account's ID, or
// "email:ADDRESS"; "" when it cannot.
func (p Platform) addressOf(person Person) string {
	switch account := person.Accounts[p.Name]; {
	case account != "":
		return account
	case p.FindsByEmail && person.Email != "":
		return "email:" + person.Email
	}
	return ""
}

// keys names methods so that each is unique for its person: the second sms is
// "sms#2".
func methodKeys(methods []Method) []workflow.Method {
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
	Address string // on a platform: the ID of an account or a room, or "email:ADDRESS" of who is to be found by it
}

// Contact finds the address behind a recipient and a method's key, read when
// the page is sent. The error says that the recipient is not reached that way.
func (d *Directory) Contact(recipient, key string, urgency workflow.Level) (Contact, error) {
	target := workflow.Target(recipient)
	switch target.Kind() {
	case "webhook":
		return Contact{Person: recipient, Name: target.ID(), Via: "webhook", Address: target.ID()}, nil
	case "room":
		if p, room, ok := d.splitPlatformID(target.ID()); ok {
			return Contact{Person: recipient, Name: p.describe(room), Via: p.Name, Address: room}, nil
		}
	case "log":
		return Contact{Person: recipient, Name: "the log", Via: "log"}, nil
	case "guest":
		if p, account, ok := d.guestAccount(recipient); ok && key == p.Name {
			return Contact{Person: recipient, Name: p.describe(account), Via: p.Name, Address: account}, nil
		}
		return Contact{Person: recipient, Name: target.ID(), Via: "log"}, nil
	}
	p, ok := d.Person(recipient)
	if !ok {
		return Contact{}, fmt.Errorf("nobody is called %s any more", recipient)
	}
	other := workflow.Low
	if urgency == workflow.Low {
		other = workflow.High
	}
	for _, u := range []workflow.Level{urgency, other} { // the other's serve when the urgency has changed since
		methods := d.methodsOf(p, u)
		for n, k := range methodKeys(methods) {
			if k.Key == key {
				return d.methodContact(p, methods[n])
			}
		}
	}
	return Contact{}, fmt.Errorf("%s is not reached by %s any more", p.Name, key)
}

// contact is where a method reaches a person.
func (d *Directory) methodContact(p Person, m Method) (Contact, error) {
	c := Contact{Person: p.ID, Name: p.Name, Via: m.Via, Address: m.To}
	if m.Via == "email" {
		c.Address = cmp.Or(m.To, p.Email)
	}
	for _, platform := range d.Platforms {
		if platform.Name != m.Via {
			continue
		}
		if c.Address = platform.addressOf(p); c.Address == "" {
			return Contact{}, fmt.Errorf("%s has neither a %s account nor an e-mail address to be found by", p.Name, platform.Title)
		}
	}
	return c, nil
}
