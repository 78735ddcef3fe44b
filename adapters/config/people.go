package config

import (
	"cmp"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/bot/directory"
	"tocsin/bot/platform"
	"tocsin/commands"
)

// maxMethods is the maximum number of contact methods of one urgency.
const maxMethods = 8

// readPerson reads a person. access is what a person has unless the file gives
// them another.
func (r *reader) readPerson(n *yaml.Node, access commands.Access) directory.Person {
	m := r.openMapping(n, "a person")
	p := directory.Person{
		ID: m.readName("id", kindPerson), Name: m.readText("name", nameLength),
		Email: m.readEmail("email"), Department: m.readText("department", nameLength), Zone: m.readZone("timezone"),
		Access: access,
	}
	p.Name = cmp.Or(p.Name, p.ID)
	r.checkUnique(m.take("email"), "e-mail address", strings.ToLower(p.Email))
	p.Accounts = r.readAccounts(m, func(d platform.Description) platform.ID { return d.Account })
	if stated, ok := m.readAccess("access"); ok {
		p.Access = stated
	}
	notify := r.openMapping(m.take("notify"), `"notify" of a person`)
	method := func(n *yaml.Node) directory.Method { return r.readMethod(n, p) }
	p.High, p.Low = readEach(notify, "high", method), readEach(notify, "low", method)
	for _, key := range []string{"high", "low"} {
		if all := notify.readList(key); len(all) > maxMethods {
			r.addFault(all[maxMethods], "a person can have at most %d methods; remove this one and those after it", maxMethods)
		}
	}
	notify.rejectUnknown()
	m.rejectUnknown()
	return p
}

// readAccess reads an access, and whether there is one.
func (m *mapping) readAccess(key string) (commands.Access, bool) {
	var words []string
	for a := commands.Guest; a <= commands.Admin; a++ {
		words = append(words, a.String())
	}
	return commands.ParseAccess(m.readWord(key, words...))
}

// readAccount reads the ID of a person or a group on a platform. want
// describes a valid one.
func (m *mapping) readAccount(key string, kind platform.ID) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	id, ok := m.r.readScalar(n, quote(key))
	if ok && !kind.IsValid(id) {
		m.r.addFault(n, "%q: %s is not %s", key, quote(id), kind.Want)
	}
	return id
}

// readAccounts reads the IDs of a person or a team on the platforms, each
// under the name of the platform.
func (r *reader) readAccounts(m *mapping, kind func(platform.Description) platform.ID) map[string]string {
	var all map[string]string
	for _, p := range r.options.Platforms {
		id := kind(p)
		if id.IsValid == nil {
			continue
		}
		account := m.readAccount(p.Name, id)
		r.checkUnique(m.take(p.Name), p.Title+" "+id.Noun, account)
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

// readMethod reads a contact method of a person.
func (r *reader) readMethod(n *yaml.Node, p directory.Person) directory.Method {
	m := r.openMapping(n, "a contact method")
	method := directory.Method{After: m.readDuration("after", 0)}
	via, to := m.require("via", "email"), m.take("to")
	m.rejectUnknown()
	if via == nil {
		return method
	}
	word, ok := r.readScalar(via, `"via"`)
	if !ok {
		return method
	}
	method.Via = word
	switch word {
	case "email":
		method.To = r.readMailAddress(via, to, p)
	case "webhook":
		if to == nil {
			r.addFault(via, `"via: webhook" needs "to", the name of a webhook`)
		} else {
			method.To = r.readReferenceNode(to, `"to"`, kindWebhook)
		}
	case directory.ViaChat:
		r.checkChatMethod(via, to, word, p)
	case logName:
		if to != nil {
			r.addFault(to, `"via: log" has no address; remove "to"`)
		}
	default:
		if d, ok := r.options.Platforms.Find(word); ok && d.Connect != nil {
			r.checkChatMethod(via, to, word, p)
			break
		}
		r.reportUnknownMethod(via, word)
	}
	return method
}

// readMailAddress reads where mail to a person is sent; "" means their own
// address.
func (r *reader) readMailAddress(via, to *yaml.Node, p directory.Person) string {
	if !r.hasMail {
		r.addFault(via, `"via: email" needs a mail server: configure pagers.email, or remove this method`)
	}
	if to == nil {
		if p.Email == "" {
			r.addFault(via, `"via: email" needs an address: give the person an "email", or this method a "to"`)
		}
		return ""
	}
	text, ok := r.readScalar(to, `"to"`)
	if !ok || !r.checkAddress(to, "to", text) {
		return ""
	}
	return text
}

// reportUnknownMethod reports a contact method that does not exist, or is not
// supported yet.
func (r *reader) reportUnknownMethod(via *yaml.Node, word string) {
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
		r.addFault(via, "via: %s is not supported yet: %s come in a later version; use %s", word, what, joinWords(r.contactMethods()))
		return
	}
	r.checkWord(via, `"via"`, word, r.contactMethods())
}

// contactMethods returns the supported contact methods.
func (r *reader) contactMethods() []string {
	all := []string{directory.ViaChat}
	for _, p := range r.options.Platforms {
		if p.Connect != nil {
			all = append(all, p.Name)
		}
	}
	return append(all, "email", "webhook", logName)
}

// readTeam reads a team. A team without members of its own has those of its
// group on a platform.
func (r *reader) readTeam(n *yaml.Node) directory.Team {
	m := r.openMapping(n, "a team")
	t := directory.Team{
		ID: m.readName("id", kindTeam), Name: m.readText("name", nameLength),
		Members: m.readReferences("members", kindPerson), Lead: m.readReference("lead", kindPerson),
	}
	t.Name = cmp.Or(t.Name, t.ID)
	t.Groups = r.readAccounts(m, func(d platform.Description) platform.ID { return d.Group })
	for _, p := range r.options.Platforms {
		if t.Groups[p.Name] != "" && len(t.Members) == 0 {
			r.requirePlatform(m.take(p.Name), p, "a team whose members are those of a "+p.Title+" "+p.Group.Noun)
		}
	}
	m.rejectFuture("schedule", "on-call schedules come in a later version; the members are paged")
	m.rejectUnknown()
	return t
}
