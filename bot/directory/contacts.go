package directory

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/workflow"
)

// How long after a page on a chat platform a person without configured methods is also
// paged by e-mail. If the platform fails the mail goes out at once (E4: a failed page
// moves on at once), because not every person with an address has an account.
const (
	mailWhenHigh = 2 * time.Minute
	mailWhenLow  = time.Hour
)

// Resolve returns the recipients behind a target with their contact methods; or the
// reason why there is none, as text for the incident's room.
func (d *Directory) Resolve(target workflow.Target) workflow.Answer {
	id := target.ID()
	switch target.Kind() {
	case "person":
		if r, ok := d.findRecipient(id); ok {
			return oneRecipient(r)
		}
		if len(d.People) == 0 { // no people are configured: pages go to the log
			account, isGuest := workflow.GuestAccount(id)
			if !isGuest {
				account = id
			}
			return oneRecipient(newRecipient(id, account, "log"))
		}
		return workflow.Answer{Why: fmt.Sprintf("no person %s is configured any more", id)}
	case "team":
		return d.resolveTeam(id)
	case "room":
		if p, room, ok := d.splitPlatformID(id); ok {
			return oneRecipient(newRecipient(string(target), p.describe(room), p.Name))
		}
	case "webhook":
		if !slices.Contains(d.Webhooks, id) {
			return workflow.Answer{Why: fmt.Sprintf("no webhook %s is configured any more", id)}
		}
		return oneRecipient(newRecipient(string(target), id, "webhook"))
	case "log":
		return oneRecipient(newRecipient("log", "the log", "log"))
	}
	return workflow.Answer{Why: fmt.Sprintf("%s cannot be paged", target)}
}

// oneRecipient returns the answer with one recipient.
func oneRecipient(one workflow.Recipient) workflow.Answer {
	return workflow.Answer{Recipients: []workflow.Recipient{one}}
}

// newRecipient returns a recipient with one method for every urgency.
func newRecipient(id, name, method string) workflow.Recipient {
	m := []workflow.Method{{Key: method}}
	return workflow.Recipient{ID: id, Name: name, High: m, Low: m}
}

// splitPlatformID splits "PLATFORM:ID" into a connected platform and an ID on it.
func (d *Directory) splitPlatformID(text string) (p Platform, id string, ok bool) {
	name, id, _ := strings.Cut(text, ":")
	n := slices.IndexFunc(d.Platforms, func(p Platform) bool { return p.Name == name })
	if n < 0 || id == "" || strings.Contains(id, ":") {
		return Platform{}, "", false
	}
	return d.Platforms[n], id, true
}

// describe returns the name of an account or a room that has no other name than its ID.
func (p Platform) describe(id string) string { return id + " on " + p.Title }

// resolveTeam returns the members of a team. Members of a group who cannot be reached
// are left out.
func (d *Directory) resolveTeam(id string) workflow.Answer {
	t, ok := d.Team(id)
	if !ok {
		return workflow.Answer{Why: fmt.Sprintf("no team %s is configured any more", id)}
	}
	members, why := t.Members, fmt.Sprintf("team %s has no members", t.ID)
	for _, p := range d.Platforms {
		group := t.Groups[p.Name]
		if len(t.Members) > 0 || group == "" {
			continue
		}
		why = fmt.Sprintf("the %s group of team %s has no known members", p.Title, t.ID)
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

// findRecipient returns a configured person, or a guest with an account on a connected
// platform, as a recipient.
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

// guestAccount returns the platform and the account of an ID "guest:PLATFORM:ACCOUNT".
func (d *Directory) guestAccount(id string) (p Platform, account string, ok bool) {
	rest, ok := workflow.GuestAccount(id)
	if !ok {
		return Platform{}, "", false
	}
	return d.splitPlatformID(rest)
}

// methodsOf returns a person's usable methods for an urgency: the configured ones, else
// those of the other urgency, else every platform that can reach them and then e-mail.
// The method "chat" becomes one for each of those platforms. The log is no way to reach a
// person (E4b: only a person who was reached is waited for).
func (d *Directory) methodsOf(p Person, urgency workflow.Level) []Method {
	lists, later := [][]Method{p.High, p.Low}, mailWhenHigh
	if urgency == workflow.Low {
		lists, later = [][]Method{p.Low, p.High}, mailWhenLow
	}
	for _, own := range lists {
		var all []Method
		for _, m := range own {
			switch {
			case m.Via == ViaChat:
				all = append(all, d.chatMethods(p, m.After)...)
			case d.whyUnusable(p, m) == "":
				all = append(all, m)
			}
		}
		if len(all) > 0 {
			return all
		}
	}
	all := d.chatMethods(p, 0)
	if mail := (Method{Via: "email"}); d.whyUnusable(p, mail) == "" {
		if len(all) > 0 {
			mail.After = later
		}
		all = append(all, mail)
	}
	return all
}

// whyUnusable returns why a method does not reach a person, such as "no mail server is
// configured"; "" when it does.
func (d *Directory) whyUnusable(p Person, m Method) string {
	if m.Via == "log" {
		return "no one reads the log at night"
	}
	contact, err := d.methodContact(p, m)
	isPlatform := slices.ContainsFunc(d.Platforms, func(one Platform) bool { return one.Name == m.Via })
	switch {
	case err != nil:
		return err.Error()
	case !isPlatform && !slices.Contains(d.Pagers, m.Via):
		return m.Via + " is not connected"
	case contact.Address == "":
		return "no address for " + m.Via
	}
	return ""
}

// Unreachable returns why a configured person cannot be paged at an urgency; "" when
// they can.
func (d *Directory) Unreachable(p Person, urgency workflow.Level) string {
	if len(d.methodsOf(p, urgency)) > 0 {
		return ""
	}
	own := slices.Concat(p.High, p.Low)
	if len(own) == 0 {
		own = []Method{{Via: ViaChat}, {Via: "email"}}
	}
	var reasons []string
	for _, m := range own {
		why := "no connected chat platform knows them"
		if m.Via != ViaChat {
			why = d.whyUnusable(p, m)
		}
		if !slices.Contains(reasons, why) {
			reasons = append(reasons, why)
		}
	}
	return strings.Join(reasons, "; ")
}

// chatMethods returns a method for each connected platform that can reach a person.
func (d *Directory) chatMethods(p Person, after time.Duration) []Method {
	var all []Method
	for _, platform := range d.Platforms {
		if platform.addressOf(p) != "" {
			all = append(all, Method{Via: platform.Name, After: after})
		}
	}
	return all
}

// addressOf returns where the platform reaches a person: their account's ID, or
// "email:ADDRESS" to find them by; "" when it cannot.
func (p Platform) addressOf(person Person) string {
	switch account := person.Accounts[p.Name]; {
	case account != "":
		return account
	case p.FindsByEmail && person.Email != "":
		return "email:" + person.Email
	}
	return ""
}

// methodKeys returns the methods with keys that are unique for the person: the second
// method "sms" has the key "sms#2".
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

// PagerOf returns the pager of a method's key: "sms" of "sms#2".
func PagerOf(key string) string {
	name, _, _ := strings.Cut(key, "#")
	return name
}

// Contact is the address of a page.
type Contact struct {
	Person  string // ID of the person, or a machine such as "webhook:noc"
	Name    string // as shown
	Via     string // name of the pager
	Address string // on a platform: the ID of an account or a room, or "email:ADDRESS" to find a person by
}

// Contact returns the address of a recipient for the key of a method. It is called when
// a page is sent, so a changed address counts at once. The error says that the method
// does not reach the recipient.
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
		return Contact{}, fmt.Errorf("no person %s is configured any more", recipient)
	}
	other := workflow.Low
	if urgency == workflow.Low {
		other = workflow.High
	}
	for _, u := range []workflow.Level{urgency, other} { // the key may be of the other urgency, when the severity has changed since
		methods := d.methodsOf(p, u)
		for n, k := range methodKeys(methods) {
			if k.Key == key {
				return d.methodContact(p, methods[n])
			}
		}
	}
	return Contact{}, fmt.Errorf("%s is not reached by %s any more", p.Name, key)
}

// methodContact returns the address of a person's method.
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
