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
	// maxRecipients is how many one step pages.
	maxRecipients = 40
	maxSteps      = 50
	defaultRepeat = 3
	defaultWait   = 5 * time.Minute
)

// paging reads who is paged, and what holds where nothing is said.
func (r *reader) paging(root *mapping, o *bot.Organization) {
	own := each(root, "policies", r.policy)
	o.Policy = root.refer("default_policy", aPolicy)
	o.Fallback = root.refer("fallback_policy", aPolicy)
	if n := root.take("catch_all"); n != nil {
		o.CatchAll = r.target(n, `"catch_all"`)
	}
	if len(own) == 0 {
		o.Policies = r.everyResponder(root, o)
		o.Policy = defaultName
		r.names[aPolicy], r.order[aPolicy] = map[string]*yaml.Node{defaultName: root.node}, []string{defaultName}
		return
	}
	o.Policies = own
	if o.Policy == "" {
		o.Policy = r.onlyPolicy(root, own)
	}
	for _, t := range o.Directory.Teams {
		r.teams[t.ID] = t
	}
	for _, p := range own {
		r.policies[p.ID] = p
	}
}

// onlyPolicy is the default one when nobody names it: the one called default,
// or the only one there is.
func (r *reader) onlyPolicy(root *mapping, own []workflow.Policy) string {
	if _, there := r.names[aPolicy][defaultName]; there {
		return defaultName
	}
	if len(own) > 1 && root.take("default_policy") == nil {
		r.fault(root.pairs["policies"].key, `several policies need "default_policy": the one that pages where no service says otherwise; it is %s`, either(r.order[aPolicy]))
	}
	return own[0].ID
}

// everyResponder is the policy when none is configured: everybody who may
// respond, the first 40 of them. Without any people it is the log.
func (r *reader) everyResponder(root *mapping, o *bot.Organization) []workflow.Policy {
	if len(o.Directory.People) == 0 {
		return o.Policies
	}
	var notify []workflow.Target
	for _, p := range o.Directory.People {
		if p.Access >= commands.Responder && len(notify) < maxRecipients {
			notify = append(notify, workflow.Target("person:"+p.ID))
		}
	}
	if len(notify) == 0 && !r.spoiled {
		r.fault(root.pairs["people"].key, `nobody here may respond, so nobody would be paged: give somebody "access: responder", or write "policies"`)
	}
	return []workflow.Policy{{
		ID: defaultName, Repeat: defaultRepeat,
		Steps: []workflow.PolicyStep{{Notify: notify, Wait: defaultWait}},
	}}
}

// policy reads an escalation policy.
func (r *reader) policy(n *yaml.Node) workflow.Policy {
	m := r.open(n, "a policy")
	p := workflow.Policy{
		ID: m.name("id", aPolicy), Repeat: m.number("repeat", defaultRepeat, 0, 100), Fallback: m.refer("fallback", aPolicy),
	}
	steps := m.list("steps")
	if len(steps) == 0 && !m.broken {
		r.fault(m.node, `a policy needs "steps", such as [{ notify: ["person:ana"], wait: 5m }]`)
	}
	if len(steps) > maxSteps {
		r.fault(steps[maxSteps], "a policy has at most %d steps; this is one too many", maxSteps)
	}
	for i, n := range steps {
		p.Steps = append(p.Steps, r.step(n, p.ID, i+1))
	}
	m.done()
	return p
}

// step reads one step of a policy.
func (r *reader) step(n *yaml.Node, policy string, number int) workflow.PolicyStep {
	m := r.open(n, "a step")
	step := workflow.PolicyStep{
		Notify: each(m, "notify", func(n *yaml.Node) workflow.Target { return r.target(n, `an entry of "notify"`) }),
		Wait:   cmp.Or(m.duration("wait", time.Second), defaultWait), RoundRobin: m.flag("round_robin"),
	}
	notify := m.take("notify")
	m.done()
	switch {
	case m.broken:
	case notify == nil || notify.Kind == yaml.SequenceNode && len(notify.Content) == 0:
		r.fault(m.node, `a step needs "notify": whom it pages, such as ["person:ana"]`)
	case notify.Kind == yaml.SequenceNode:
		r.later(func() { r.reach(notify, step, fmt.Sprintf("step %d of the policy %s", number, quote(policy)), policy) })
	}
	return step
}

// target reads who is paged: "person:ana", "team:payments", "policy:everyone",
// "webhook:noc", "room:PLATFORM:#ops" or "log".
func (r *reader) target(n *yaml.Node, what string) workflow.Target {
	text, ok := r.scalar(n, what)
	if !ok {
		return ""
	}
	kinds := []string{string(aPerson), string(aTeam), string(aPolicy), string(aWebhook), "room"}
	word, id, colon := strings.Cut(text, ":")
	switch {
	case text == logName:
	case colon && (word == "person" || word == "team" || word == "policy" || word == "webhook"):
		r.expect(n, kind(word), id, word+":")
	case colon && word == "schedule":
		r.fault(n, "%s: not yet: on-call schedules come in a later version; use person: or team: targets", quote(text))
	case colon && word == "role":
		r.fault(n, "%s: not yet: paging a role comes in a later version; use person: or team: targets", quote(text))
	case colon && word == "room":
		r.room(n, text, id)
	case colon && commands.Nearest(word, kinds) != "":
		r.fault(n, "%s is no target; did you mean %q?", quote(text), commands.Nearest(word, kinds)+":"+id)
	default:
		r.later(func() { r.bareTarget(n, text, kinds) })
	}
	return workflow.Target(text)
}

// bareTarget says what a target without its kind was probably meant to be.
func (r *reader) bareTarget(n *yaml.Node, text string, kinds []string) {
	for _, k := range kinds {
		if _, there := r.names[kind(k)][text]; there {
			r.fault(n, "%s is no target; did you mean %q?", quote(text), k+":"+text)
			return
		}
	}
	r.fault(n, "%s is no target; write person:NAME, team:NAME, policy:NAME, webhook:NAME, %s or log", quote(text), r.exampleRoom())
}

// reach checks that a step pages somebody, and no more than one step can.
func (r *reader) reach(at *yaml.Node, step workflow.PolicyStep, name, policy string) {
	w := walk{reader: r, found: map[string]bool{}, visited: map[string]bool{policy: true}}
	w.follow(step.Notify)
	switch {
	case len(w.found) == 0:
		r.fault(at, "%s pages nobody: the teams and policies that it names have nobody in them; name somebody", name)
	case len(w.found) > maxRecipients:
		r.fault(at, "%s pages more than %d people, the most that one step pages; name fewer, or split it into several steps", name, maxRecipients)
	}
}

// A walk collects whom a step pages, as the core will: a policy as a target
// means the targets of its first step, each policy once.
type walk struct {
	*reader
	found   map[string]bool
	visited map[string]bool
}

// follow stops as soon as there are too many. What is not known counts as
// somebody: that fault is told elsewhere.
func (w *walk) follow(targets []workflow.Target) {
	for _, target := range targets {
		if len(w.found) > maxRecipients {
			return
		}
		switch team, isTeam := w.teams[target.ID()]; {
		case target.Kind() == "person":
			w.found[target.ID()] = true
		case target.Kind() == "team" && isTeam && len(team.Members) == 0 && len(team.Groups) > 0:
			w.found[string(target)] = true // who is in the group is known when it pages
		case target.Kind() == "team" && isTeam:
			for _, id := range team.Members[:min(len(team.Members), maxRecipients+1)] {
				w.found[id] = true
			}
		case target.Kind() == "policy":
			w.enter(target.ID())
		default:
			w.found[string(target)] = true
		}
	}
}

func (w *walk) enter(id string) {
	p, there := w.policies[id]
	switch {
	case w.visited[id]:
	case !there || len(p.Steps) == 0: // told already
		w.found["policy:"+id] = true
	default:
		w.visited[id] = true
		w.follow(p.Steps[0].Notify)
	}
}
