package config

import (
	"cmp"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/bot/directory"
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
		Slack: m.account("slack", directory.IsSlackUser, "a Slack user ID, such as U012AB3CD (in the person's Slack profile: Copy member ID)"),
		Discord: m.account("discord", isDiscordUser,
			"a Discord user ID, such as \"80351110224678912\" (in developer mode: Copy User ID)"),
		Access: access,
	}
	p.Name = cmp.Or(p.Name, p.ID)
	r.own(m.take("email"), "e-mail address", strings.ToLower(p.Email))
	r.own(m.take("slack"), "Slack user", p.Slack)
	r.own(m.take("discord"), "Discord user", p.Discord)
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

// isDiscordUser follows https://docs.discord.com/developers/reference#snowflakes:
// a number of 64 bits, written with 17 to 20 digits.
func isDiscordUser(id string) bool { return digits(id) == len(id) && len(id) >= 15 && len(id) <= 20 }

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
	case "chat":
		r.chatTo(via, to, p)
	case logName:
		if to != nil {
			r.fault(to, `"via: log" has no address; remove "to"`)
		}
	default:
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
	switch word {
	case "slack":
		r.fault(via, `"via" is chat, not "slack"; it reaches people on Slack`)
		return
	case "discord":
		what = "messages on Discord"
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
		Slack: m.account("slack", directory.IsSlackGroup, "the ID of a Slack user group, such as S0123456, which is not its handle"),
	}
	t.Name = cmp.Or(t.Name, t.ID)
	r.own(m.take("slack"), "Slack user group", t.Slack)
	if n := m.take("slack"); n != nil && len(t.Members) == 0 {
		r.needSlack(n, "a team whose members are those of a Slack user group")
	}
	m.notYet("schedule", "on-call schedules come in a later version; the members are paged")
	m.done()
	return t
}
