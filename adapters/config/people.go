package config

import (
	"cmp"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/bot/directory"
	"tocsin/bot/platform"
	"tocsin/commands"
)

// maxMethods is how many of a person's methods one page uses.
const maxMethods = 8

// person reads somebody. Who has no access of their own has the default one.
func (r *reader) person(n *yaml.Node, access commands.Access) directory.Person {
	m := r.open(n, "a person")
	p := directory.Person{
		ID: m.name("id", aPerson), Name: m.text("name", nameLength),
		Email: m.email("email"), Department: m.text("department", nameLength), Zone: m.zone("timezone"),
		Access: access,
	}
	p.Name = cmp.Or(p.Name, p.ID)
	r.own(m.take("email"), "e-mail address", strings.ToLower(p.Email))
	p.Accounts = r.accounts(m, func(d platform.Description) platform.ID { return d.Account }, "user")
	if stated, ok := m.access("access"); ok {
		p.Access = stated
	}
	notify := r.open(m.take("notify"), `"notify" of a person`)
	method := func(n *yaml.Node) directory.Method { return r.method(n, p) }
	p.High, p.Low = each(notify, "high", method), each(notify, "low", method)
	for _, key := range []string{"high", "low"} {
		if all := notify.list(key); len(all) > maxMethods {
			r.fault(all[maxMethods], "a person is reached in at most %d ways; this is one too many", maxMethods)
		}
	}
	notify.done()
	m.done()
	return p
}

// access reads a level of access, and whether there is one.
func (m *mapping) access(key string) (commands.Access, bool) {
	var words []string
	for a := commands.Guest; a <= commands.Admin; a++ {
		words = append(words, a.String())
	}
	return commands.ParseAccess(m.oneOf(key, words...))
}

// account reads the ID of somebody on a platform.
func (m *mapping) account(key string, is func(string) bool, wanted string) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	id, ok := m.r.scalar(n, quote(key))
	if ok && !is(id) {
		m.r.fault(n, "%q: %s is not %s", key, quote(id), wanted)
	}
	return id
}

// accounts reads the IDs that a person or a team has on the platforms, each under
// the platform's name. what says what they are of.
func (r *reader) accounts(m *mapping, kind func(platform.Description) platform.ID, what string) map[string]string {
	var all map[string]string
	for _, p := range r.options.Platforms {
		id := kind(p)
		if id.Is == nil {
			continue
		}
		account := m.account(p.Name, id.Is, id.Want)
		r.own(m.take(p.Name), p.Title+" "+what, account)
		if account == "" {
			continue
		}
		if all == nil {
			all = map[string]string{}
		}
		all[p.Name] = account
	}
	return all
}

// method reads one way to reach a person.
func (r *reader) method(n *yaml.Node, p directory.Person) directory.Method {
	m := r.open(n, "a way to notify")
	method := directory.Method{After: m.duration("after", 0)}
	via, to := m.need("via", "email"), m.take("to")
	m.done()
	if via == nil {
		return method
	}
	word, ok := r.scalar(via, `"via"`)
	if !ok {
		return method
	}
	method.Via = word
	switch word {
	case "email":
		method.To = r.emailTo(via, to, p)
	case "webhook":
		if to == nil {
			r.fault(via, `"via: webhook" needs "to": the name of one of your webhooks`)
		} else {
			method.To = r.referOf(to, `"to"`, aWebhook)
		}
	case directory.ViaChat:
		r.chatTo(via, to, word, p)
	case logName:
		if to != nil {
			r.fault(to, `"via: log" has no address; remove "to"`)
		}
	default:
		if d, ok := r.options.Platforms.Find(word); ok && d.Connect != nil {
			r.chatTo(via, to, word, p)
			break
		}
		r.unknownMedium(via, word)
	}
	return method
}

// emailTo reads where mail to a person goes; "" means their own address.
func (r *reader) emailTo(via, to *yaml.Node, p directory.Person) string {
	if !r.mail {
		r.fault(via, `"via: email" needs a mail server: configure pagers.email, or remove this way to notify`)
	}
	if to == nil {
		if p.Email == "" {
			r.fault(via, `"via: email" needs an address: give the person an "email", or this way a "to"`)
		}
		return ""
	}
	text, ok := r.scalar(to, `"to"`)
	if !ok || !r.address(to, "to", text) {
		return ""
	}
	return text
}

func (r *reader) unknownMedium(via *yaml.Node, word string) {
	what := ""
	if p, ok := r.options.Platforms.Find(word); ok {
		what = "messages on " + p.Title
	}
	switch word {
	case "sms":
		what = "text messages"
	case "voice", "phone":
		what = "calls"
	case "push", "ntfy", "pagerduty", "opsgenie", "twilio":
		what = word + " messages"
	}
	if what != "" {
		r.fault(via, "via: %s: not yet: %s come in a later version; use chat, email, webhook or log", word, what)
		return
	}
	r.among(via, `"via"`, word, []string{"chat", "email", "webhook", logName})
}

// team reads a list of people. One without members of its own has those of a
// user group of Slack.
func (r *reader) team(n *yaml.Node) directory.Team {
	m := r.open(n, "a team")
	t := directory.Team{
		ID: m.name("id", aTeam), Name: m.text("name", nameLength),
		Members: m.references("members", aPerson), Lead: m.refer("lead", aPerson),
	}
	t.Name = cmp.Or(t.Name, t.ID)
	t.Groups = r.accounts(m, func(d platform.Description) platform.ID { return d.Group }, "user group")
	for _, p := range r.options.Platforms {
		if t.Groups[p.Name] != "" && len(t.Members) == 0 {
			r.needPlatform(m.take(p.Name), p, "a team whose members are those of a "+p.Title+" user group")
		}
	}
	m.notYet("schedule", "on-call schedules come in a later version; the members are paged")
	m.done()
	return t
}
