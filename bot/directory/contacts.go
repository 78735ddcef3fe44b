package directory

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/workflow"
)

// How long after a page in chat somebody without methods of their own is also
// sent a mail. If chat fails it goes out at once (rule E4): not everybody who
// has an address is on the platform.
const (
	mailWhenHigh = 2 * time.Minute
	mailWhenLow  = time.Hour
)

// Answer says who stands behind a target now, and how each is reached; or why
// nobody does, in words for the room.
func (r *Directory) Answer(target workflow.Target) workflow.Answer {
	id := target.ID()
	switch target.Kind() {
	case "person":
		if known, ok := r.somebody(id); ok {
			return only(known)
		}
		if len(r.People) == 0 { // nobody is configured: everybody reads the log
			return only(reached(id, strings.TrimPrefix(id, "guest:"), "log"))
		}
		return workflow.Answer{Why: fmt.Sprintf("nobody is called %s any more", id)}
	case "team":
		return r.team(id)
	case "room":
		if channel, is := strings.CutPrefix(id, "slack:"); is {
			return only(reached(string(target), onSlack(channel), "chat"))
		}
	case "webhook":
		if !slices.Contains(r.Webhooks, id) {
			return workflow.Answer{Why: fmt.Sprintf("there is no webhook %s any more", id)}
		}
		return only(reached(string(target), id, "webhook"))
	case "log":
		return only(reached("log", "the log", "log"))
	}
	return workflow.Answer{Why: fmt.Sprintf("%s cannot be paged", target)}
}

// only is the answer that one recipient is.
func only(one workflow.Recipient) workflow.Answer {
	return workflow.Answer{Recipients: []workflow.Recipient{one}}
}

// reached is a recipient who is reached in one way, however urgent it is.
func reached(id, name, method string) workflow.Recipient {
	m := []workflow.Method{{Key: method}}
	return workflow.Recipient{ID: id, Name: name, High: m, Low: m}
}

// onSlack names what is known by its place on Slack alone.
func onSlack(what string) string { return what + " on Slack" }

// team says who is in a team now. The members of a group who can be reached in
// no way are left out.
func (r *Directory) team(id string) workflow.Answer {
	t, ok := r.Team(id)
	if !ok {
		return workflow.Answer{Why: fmt.Sprintf("there is no team %s any more", id)}
	}
	members, why := t.Members, "team %s has no members"
	if len(members) == 0 && t.Slack != "" {
		why = "nobody is known to be in the Slack group of team %s"
		if r.Groups != nil {
			members = r.Groups(t.Slack)
		}
	}
	var a workflow.Answer
	for _, member := range members {
		if known, ok := r.somebody(member); ok {
			a.Recipients = append(a.Recipients, known)
		}
	}
	if len(a.Recipients) == 0 {
		a.Why = fmt.Sprintf(why, t.ID)
	}
	return a
}

// somebody returns a configured person, or a guest who is known from a chat
// that is connected.
func (r *Directory) somebody(id string) (workflow.Recipient, bool) {
	if p, ok := r.Person(id); ok {
		return workflow.Recipient{
			ID: p.ID, Name: p.Name,
			High: keys(r.methods(p, workflow.High)),
			Low:  keys(r.methods(p, workflow.Low)),
		}, true
	}
	if user, is := slackGuest(id); is && r.connected("chat") {
		return reached(id, onSlack(user), "chat"), true
	}
	return workflow.Recipient{}, false
}

// slackGuest returns the Slack user of an ID such as "guest:slack:U024BE7LH".
func slackGuest(id string) (user string, is bool) {
	user, is = strings.CutPrefix(id, "guest:slack:")
	return user, is && user != "" && !strings.Contains(user, ":")
}

// connected reports whether a medium is.
func (r *Directory) connected(medium string) bool { return slices.Contains(r.Pagers, medium) }

// methods returns a person's own methods for an urgency, or those for the
// other, or what stands in for both.
func (r *Directory) methods(p Person, urgency workflow.Level) []Method {
	own, other, later := p.High, p.Low, mailWhenHigh
	if urgency == workflow.Low {
		own, other, later = p.Low, p.High, mailWhenLow
	}
	switch {
	case len(own) > 0:
		return own
	case len(other) > 0:
		return other
	}
	var all []Method
	if r.connected("chat") && chatAddress(p) != "" {
		all = append(all, Method{Via: "chat"})
	}
	if r.connected("email") && p.Email != "" {
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

// chatAddress is how a chat finds a person; "" when it cannot.
func chatAddress(p Person) string {
	switch {
	case p.Slack != "":
		return "slack:" + p.Slack
	case p.Email != "":
		return "email:" + p.Email
	}
	return ""
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
	Address string // for "chat": "slack:U012AB3CD", "slack:#ops", or "email:ana@example.com" of who is to be found by it
}

// Contact finds the address behind a recipient and a method's key, read when
// the page is sent.
func (r *Directory) Contact(recipient, key string, urgency workflow.Level) (Contact, error) {
	target := workflow.Target(recipient)
	switch target.Kind() {
	case "webhook":
		return Contact{Person: recipient, Name: target.ID(), Via: "webhook", Address: target.ID()}, nil
	case "room":
		if channel, is := strings.CutPrefix(target.ID(), "slack:"); is {
			return Contact{Person: recipient, Name: onSlack(channel), Via: "chat", Address: target.ID()}, nil
		}
	case "log":
		return Contact{Person: recipient, Name: "the log", Via: "log"}, nil
	case "guest":
		if user, is := slackGuest(recipient); is && key == "chat" {
			return Contact{Person: recipient, Name: onSlack(user), Via: "chat", Address: target.ID()}, nil
		}
		return Contact{Person: recipient, Name: target.ID(), Via: "log"}, nil
	}
	p, ok := r.Person(recipient)
	if !ok {
		return Contact{}, fmt.Errorf("nobody is called %s any more", recipient)
	}
	other := workflow.Low
	if urgency == workflow.Low {
		other = workflow.High
	}
	for _, u := range []workflow.Level{urgency, other} { // the other's serve when the urgency has changed since
		methods := r.methods(p, u)
		for n, k := range keys(methods) {
			if k.Key == key {
				return contact(p, methods[n])
			}
		}
	}
	return Contact{}, fmt.Errorf("%s is not reached by %s any more", p.Name, key)
}

// contact is where a method reaches a person.
func contact(p Person, m Method) (Contact, error) {
	c := Contact{Person: p.ID, Name: p.Name, Via: m.Via, Address: m.To}
	switch m.Via {
	case "email":
		c.Address = cmp.Or(m.To, p.Email)
	case "chat":
		if c.Address = chatAddress(p); c.Address == "" {
			return Contact{}, errors.New(p.Name + " has neither a Slack account nor an e-mail address to be found by")
		}
	default: // the address is the method's
	}
	return c, nil
}
