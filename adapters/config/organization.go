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

// readOrganization reads the whole file. It stores the sections of adapters in
// sections.
func (r *reader) readOrganization(root *mapping, sections map[string]*yaml.Node) bot.Organization {
	o := bot.Default()
	r.rejectFutureSections(root)
	o.Name = cmp.Or(root.readText("organization", nameLength), o.Name)
	o.Zone = cmp.Or(root.readZone("timezone"), o.Zone)
	o.URL = root.readSiteURL("url")
	r.readPagers(root, sections)
	r.readChat(root, sections)
	o.Webhooks = readEach(root, "webhooks", r.readWebhook)
	o.Directory.Pagers, o.Directory.Webhooks = r.listPagers(o.Webhooks)
	o.Directory.Platforms = r.connectedPlatforms()

	if len(root.readList("people")) > 0 {
		o.DefaultAccess = commands.Guest
	}
	if access, stated := root.readAccess("default_access"); stated {
		o.DefaultAccess = access
	}
	before := len(r.faults)
	o.Directory.People = readEach(root, "people", func(n *yaml.Node) directory.Person { return r.readPerson(n, o.DefaultAccess) })
	r.peopleFaulty = len(r.faults) > before
	o.Directory.Teams = readEach(root, "teams", r.readTeam)

	o.Services = readEach(root, "services", r.readService)
	o.Categories = r.readCategories(root, o)
	o.Severities = r.readSeverities(root.take("severities"))
	r.readPriorityMatrix(root.take("priority"), o.Matrix)
	o.Rules = r.readRules(root.take("rules"))
	o.Checklist = root.readLines("verification", 20, lineLength)
	r.readPolicies(root, &o)

	o.Tokens = readEach(root, "tokens", r.readToken)
	if all := readEach(root, "integrations", r.readIntegration); len(all) > 0 {
		o.Integrations = all
	}
	o.Routes = readEach(root, "routes", r.readRoute)
	r.readJobs(root, &o)
	root.rejectUnknown()
	return o
}

// rejectFutureSections reports the sections that a later version supports:
// ignoring one would silently drop what it promises.
func (r *reader) rejectFutureSections(root *mapping) {
	root.rejectFuture("schedules", "on-call schedules come in a later version; use person: or team: targets")
	root.rejectFuture("calendars", "business hours come in a later version; remove it, and every hour counts")
	root.rejectFuture("bridge", "links to join a call come in a later version; remove it")
	root.rejectFuture("audiences", "updates for audiences come in a later version; remove it")
}

// readPagers stores the sections of pagers.
func (r *reader) readPagers(root *mapping, sections map[string]*yaml.Node) {
	m := r.openMapping(root.take("pagers"), `"pagers"`)
	if n := m.take("email"); n != nil {
		r.hasMail = true
		sections[emailSection] = n
		r.readSection(emailSection, n, r.options.Sections[emailSection])
	}
	m.rejectFuture("twilio", "text messages and calls come in a later version; use email or a webhook")
	m.rejectFuture("pagerduty", "it comes in a later version; use email or a webhook")
	m.rejectFuture("opsgenie", "it comes in a later version; use email or a webhook")
	m.rejectFuture("ntfy", "push messages come in a later version; use email or a webhook")
	m.rejectUnknown()
}

// listPagers returns the names of the configured pagers and of the webhooks.
func (r *reader) listPagers(webhooks []bot.Webhook) (pagers, names []string) {
	pagers = []string{logName}
	if r.hasMail {
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

// readCategories returns the configured or default categories, and those of
// the services.
func (r *reader) readCategories(root *mapping, o bot.Organization) []string {
	all := o.Categories
	if own := root.readLines("categories", 50, maxName); len(own) > 0 {
		all = own
	}
	for _, s := range o.Services {
		if s.Category != "" && !slices.Contains(all, s.Category) {
			all = append(all, s.Category)
		}
	}
	return all
}

// readRules reads the delays of docs/rules.md that can be configured.
func (r *reader) readRules(n *yaml.Node) workflow.Rules {
	m := r.openMapping(n, `"rules"`)
	rules := workflow.Rules{
		ReopenWindow: m.readDuration("reopen_window", time.Second),
		ResolveAfter: m.readDuration("resolve_after", time.Second),
		RestartAfter: m.readDuration("restart_after", time.Second),
		QuietAfter:   m.readDuration("quiet_after", time.Second),
		StaleAfter:   m.readDuration("stale_after", time.Second),
		RemindEvery:  m.readDuration("remind_every", time.Second),
	}
	m.rejectFuture("hold", "waiting before the first page comes in a later version; remove it, and pages go out at once")
	m.rejectFuture("storm", "storm incidents come in a later version; remove it")
	m.rejectFuture("rooms_per_minute", "limiting how fast rooms open comes in a later version; remove it")
	m.rejectUnknown()
	return rules.OrDefault()
}
