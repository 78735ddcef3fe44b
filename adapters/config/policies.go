package config

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/bot"
	"tocsin/commands"
	"tocsin/workflow"
)

const (
	// maxRecipients is the maximum number of recipients of one step or job.
	maxRecipients = 40
	maxSteps      = 50
	defaultRepeat = 3
	defaultWait   = 5 * time.Minute
)

// readPolicies reads the escalation policies, and which of them are the
// defaults.
func (r *reader) readPolicies(root *mapping, o *bot.Organization) {
	own := readEach(root, "policies", r.readPolicy)
	o.Policy = root.readReference("default_policy", kindPolicy)
	o.Fallback = root.readReference("fallback_policy", kindPolicy)
	if n := root.take("catch_all"); n != nil {
		o.CatchAll = r.readTarget(n, `"catch_all"`)
	}
	if len(own) == 0 {
		o.Policies = r.newDefaultPolicy(root, o)
		o.Policy = defaultName
		r.names[kindPolicy], r.order[kindPolicy] = map[string]*yaml.Node{defaultName: root.node}, []string{defaultName}
		return
	}
	o.Policies = own
	if o.Policy == "" {
		o.Policy = r.findDefaultPolicy(root, own)
	}
	for _, t := range o.Directory.Teams {
		r.teams[t.ID] = t
	}
	for _, p := range own {
		r.policies[p.ID] = p
	}
}

// findDefaultPolicy returns the default policy when none is configured as
// such: the one called "default", or the only one.
func (r *reader) findDefaultPolicy(root *mapping, own []workflow.Policy) string {
	if _, ok := r.names[kindPolicy][defaultName]; ok {
		return defaultName
	}
	if len(own) > 1 && root.take("default_policy") == nil {
		r.addFault(root.pairs["policies"].key, `several policies need "default_policy", the one for services without a policy of their own: %s`, joinWords(r.order[kindPolicy]))
	}
	return own[0].ID
}

// newDefaultPolicy returns the policies when none is configured: one that
// pages the first 40 people with the access responder or higher. Without
// people it pages the log.
func (r *reader) newDefaultPolicy(root *mapping, o *bot.Organization) []workflow.Policy {
	if len(o.Directory.People) == 0 {
		return o.Policies
	}
	var notify []workflow.Target
	for _, p := range o.Directory.People {
		if p.Access >= commands.Responder && len(notify) < maxRecipients {
			notify = append(notify, workflow.Target("person:"+p.ID))
		}
	}
	if len(notify) == 0 && !r.peopleFaulty {
		r.addFault(root.pairs["people"].key, `no person has the access responder, so no one would be paged: give a person "access: responder", or configure "policies"`)
	}
	return []workflow.Policy{{
		ID: defaultName, Repeat: defaultRepeat,
		Steps: []workflow.PolicyStep{{Notify: notify, Wait: defaultWait}},
	}}
}

// readPolicy reads an escalation policy.
func (r *reader) readPolicy(n *yaml.Node) workflow.Policy {
	m := r.openMapping(n, "a policy")
	p := workflow.Policy{
		ID: m.readName("id", kindPolicy), Repeat: m.readNumber("repeat", defaultRepeat, 0, 100), Fallback: m.readReference("fallback", kindPolicy),
	}
	steps := m.readList("steps")
	if len(steps) == 0 && !m.broken {
		r.addFault(m.node, `a policy needs "steps", such as [{ notify: ["person:ana"], wait: 5m }]`)
	}
	if len(steps) > maxSteps {
		r.addFault(steps[maxSteps], "a policy can have at most %d steps; remove this one and those after it", maxSteps)
	}
	for i, n := range steps {
		p.Steps = append(p.Steps, r.readStep(n, p.ID, i+1))
	}
	m.rejectUnknown()
	return p
}

// readStep reads a step of a policy.
func (r *reader) readStep(n *yaml.Node, policy string, number int) workflow.PolicyStep {
	m := r.openMapping(n, "a step")
	step := workflow.PolicyStep{
		Notify: readEach(m, "notify", func(n *yaml.Node) workflow.Target { return r.readTarget(n, `an entry of "notify"`) }),
		Wait:   cmp.Or(m.readDuration("wait", time.Second), defaultWait), RoundRobin: m.readFlag("round_robin"),
	}
	notify := m.take("notify")
	m.rejectUnknown()
	switch {
	case m.broken:
	case notify == nil || notify.Kind == yaml.SequenceNode && len(notify.Content) == 0:
		r.addFault(m.node, `a step needs "notify", the targets that it pages, such as ["person:ana"]`)
	case notify.Kind == yaml.SequenceNode:
		r.addCheck(func() {
			r.checkRecipients(notify, step, fmt.Sprintf("step %d of the policy %s", number, quote(policy)), policy)
		})
	}
	return step
}

// readTarget reads a target: "person:ana", "team:payments", "policy:everyone",
// "webhook:noc", "room:PLATFORM:#ops" or "log".
func (r *reader) readTarget(n *yaml.Node, what string) workflow.Target {
	text, ok := r.readScalar(n, what)
	if !ok {
		return ""
	}
	kinds := []string{string(kindPerson), string(kindTeam), string(kindPolicy), string(kindWebhook), "room"}
	word, id, colon := strings.Cut(text, ":")
	switch {
	case text == logName:
	case colon && (word == "person" || word == "team" || word == "policy" || word == "webhook"):
		r.checkReference(n, kind(word), id, word+":")
	case colon && word == "schedule":
		r.addFault(n, "%s is not supported yet: on-call schedules come in a later version; use person: or team: targets", quote(text))
	case colon && word == "role":
		r.addFault(n, "%s is not supported yet: paging a role comes in a later version; use person: or team: targets", quote(text))
	case colon && word == "room":
		r.checkRoomTarget(n, text, id)
	case colon && commands.Nearest(word, kinds) != "":
		r.addFault(n, "%s is not a target; did you mean %q?", quote(text), commands.Nearest(word, kinds)+":"+id)
	default:
		r.addCheck(func() { r.reportBareTarget(n, text, kinds) })
	}
	return workflow.Target(text)
}

// reportBareTarget reports a target without its kind, with the most likely
// one.
func (r *reader) reportBareTarget(n *yaml.Node, text string, kinds []string) {
	for _, k := range kinds {
		if _, ok := r.names[kind(k)][text]; ok {
			r.addFault(n, "%s is not a target; did you mean %q?", quote(text), k+":"+text)
			return
		}
	}
	r.addFault(n, "%s is not a target; write person:NAME, team:NAME, policy:NAME, webhook:NAME, %s or log", quote(text), r.exampleRoom())
}

// checkRecipients reports a step that pages no one, or more than
// maxRecipients.
func (r *reader) checkRecipients(at *yaml.Node, step workflow.PolicyStep, name, policy string) {
	w := recipientWalk{reader: r, found: map[string]bool{}, visited: map[string]bool{policy: true}}
	w.follow(step.Notify)
	switch {
	case len(w.found) == 0:
		r.addFault(at, "%s pages no one: its teams and policies have no members; add a person", name)
	case len(w.found) > maxRecipients:
		r.addFault(at, "%s pages more than %d people, the maximum of one step; name fewer, or split it into several steps", name, maxRecipients)
	}
}

// recipientWalk collects the recipients of a step as package workflow does: a
// policy as a target stands for the targets of its first step, each policy
// once.
type recipientWalk struct {
	*reader
	found   map[string]bool
	visited map[string]bool
}

// follow adds the recipients of targets, until there are too many. An unknown
// target counts as one recipient, because it is reported elsewhere.
func (w *recipientWalk) follow(targets []workflow.Target) {
	for _, target := range targets {
		if len(w.found) > maxRecipients {
			return
		}
		switch team, ok := w.teams[target.ID()]; {
		case target.Kind() == "person":
			w.found[target.ID()] = true
		case target.Kind() == "team" && ok && len(team.Members) == 0 && len(team.Groups) > 0:
			w.found[string(target)] = true // the members of the group are looked up when it pages
		case target.Kind() == "team" && ok:
			for _, id := range team.Members[:min(len(team.Members), maxRecipients+1)] {
				w.found[id] = true
			}
		case target.Kind() == "policy":
			w.followPolicy(target.ID())
		default:
			w.found[string(target)] = true
		}
	}
}

// followPolicy adds the recipients of a policy.
func (w *recipientWalk) followPolicy(id string) {
	p, ok := w.policies[id]
	switch {
	case w.visited[id]:
	case !ok || len(p.Steps) == 0: // reported already
		w.found["policy:"+id] = true
	default:
		w.visited[id] = true
		w.follow(p.Steps[0].Notify)
	}
}
