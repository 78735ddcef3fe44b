package config

import (
	"cmp"
	"slices"
	"time"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/bot"
	"tocsin/bot/directory"
	"tocsin/commands"
	"tocsin/workflow"
)

// organization reads the whole file. Sections that belong to an adapter are
// kept aside for it.
func (r *reader) organization(root *mapping, sections map[string]*yaml.Node) bot.Organization {
	o := bot.Default()
	r.future(root)
	o.Name = cmp.Or(root.text("organization", nameLength), o.Name)
	o.Zone = cmp.Or(root.zone("timezone"), o.Zone)
	o.URL = root.site("url")
	r.pagers(root, sections)
	r.chat(root, sections)
	o.Webhooks = each(root, "webhooks", r.webhook)
	o.Directory.Pagers, o.Directory.Webhooks = r.media(o.Webhooks)
	o.Directory.Platforms = r.platforms()

	if len(root.list("people")) > 0 {
		o.DefaultAccess = commands.Guest
	}
	if access, stated := root.access("default_access"); stated {
		o.DefaultAccess = access
	}
	before := len(r.faults)
	o.Directory.People = each(root, "people", func(n *yaml.Node) directory.Person { return r.person(n, o.DefaultAccess) })
	r.spoiled = len(r.faults) > before
	o.Directory.Teams = each(root, "teams", r.team)

	o.Services = each(root, "services", r.service)
	o.Categories = r.categories(root, o)
	o.Severities = r.severities(root.take("severities"))
	r.matrix(root.take("priority"), o.Matrix)
	o.Rules = r.rules(root.take("rules"))
	o.Checklist = root.lines("verification", 20, lineLength)
	r.paging(root, &o)

	o.Tokens = each(root, "tokens", r.token)
	if all := each(root, "integrations", r.integration); len(all) > 0 {
		o.Integrations = all
	}
	o.Routes = each(root, "routes", r.route)
	r.recurring(root, &o)
	root.done()
	return o
}

// future refuses what a later version brings, by name: to ignore it would be
// to break a promise that somebody believes was made.
func (r *reader) future(root *mapping) {
	root.notYet("schedules", "on-call schedules come in a later version; use person: or team: targets")
	root.notYet("calendars", "business hours come in a later version; remove it, and every hour counts")
	root.notYet("bridge", "links to join a call come in a later version; remove it")
	root.notYet("audiences", "updates for audiences come in a later version; remove it")
}

// pagers keeps the sections of the media aside.
func (r *reader) pagers(root *mapping, sections map[string]*yaml.Node) {
	m := r.open(root.take("pagers"), `"pagers"`)
	if n := m.take("email"); n != nil {
		r.mail = true
		sections[emailSection] = n
		r.section(emailSection, n, r.options.Sections[emailSection])
	}
	m.notYet("twilio", "text messages and calls come in a later version; use email or a webhook")
	m.notYet("pagerduty", "it comes in a later version; use email or a webhook")
	m.notYet("opsgenie", "it comes in a later version; use email or a webhook")
	m.notYet("ntfy", "push messages come in a later version; use email or a webhook")
	m.done()
}

// media lists what can page, and the names of the webhooks.
func (r *reader) media(webhooks []bot.Webhook) (pagers, names []string) {
	pagers = []string{logName}
	if r.mail {
		pagers = append(pagers, "email")
	}
	if len(webhooks) > 0 {
		pagers = append(pagers, "webhook")
	}
	for _, w := range webhooks {
		names = append(names, w.Name)
	}
	return pagers, names
}

// categories are the configured ones, or those that everybody has, and each
// that a service brings along.
func (r *reader) categories(root *mapping, o bot.Organization) []string {
	all := o.Categories
	if own := root.lines("categories", 50, maxName); len(own) > 0 {
		all = own
	}
	for _, s := range o.Services {
		if s.Category != "" && !slices.Contains(all, s.Category) {
			all = append(all, s.Category)
		}
	}
	return all
}

// rules reads the delays that have a published default.
func (r *reader) rules(n *yaml.Node) workflow.Rules {
	m := r.open(n, `"rules"`)
	rules := workflow.Rules{
		ReopenWindow: m.duration("reopen_window", time.Second),
		ResolveAfter: m.duration("resolve_after", time.Second),
		RestartAfter: m.duration("restart_after", time.Second),
		QuietAfter:   m.duration("quiet_after", time.Second),
		StaleAfter:   m.duration("stale_after", time.Second),
		RemindEvery:  m.duration("remind_every", time.Second),
	}
	m.notYet("hold", "waiting before the first page comes in a later version; remove it, and pages go out at once")
	m.notYet("storm", "storm incidents come in a later version; remove it")
	m.notYet("rooms_per_minute", "chat rooms come in a later version; remove it")
	m.done()
	return rules.OrDefault()
}
