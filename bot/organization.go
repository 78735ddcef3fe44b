package bot

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"time"

	"tocsin/bot/alerts"
	"tocsin/bot/directory"
	"tocsin/commands"
	"tocsin/workflow"
)

// Organization is the configuration. It is immutable: a reload replaces it as a
// whole ([Engine.Configure]).
type Organization struct {
	Name       string
	Zone       *time.Location
	URL        string // address of the pages, without a trailing slash
	Directory  directory.Directory
	Services   []Service
	Categories []string

	Severities map[string]workflow.SeverityPlan // keyed "SEV1" …
	Matrix     workflow.Matrix
	Policies   []workflow.Policy
	Policy     string // the default policy
	Fallback   string
	CatchAll   workflow.Target
	Checklist  []string
	Rules      workflow.Rules

	DefaultAccess commands.Access
	Tokens        []Token
	Operator      string // secret of the OperatorToken
	Integrations  []Integration
	Routes        []alerts.Route
	Webhooks      []Webhook

	Jobs      []Job // by name
	Retention Retention
	Deadman   string // secret address that is pinged while the audits are clean; "": none

	router *alerts.Router // set by Prepare
}

// Service is a service that incidents are about.
type Service struct {
	ID        string
	Name      string
	Team      string
	Category  string
	Policy    string
	DependsOn []string
	Runbook   string
}

// OperatorToken is the name of the API token of the person who runs the process. It
// is not configured, and its access is admin.
const OperatorToken = "operator"

// Token is a configured API token.
type Token struct {
	Name   string
	Secret string
	Access commands.Access
	As     string // ID of the person it acts for; "": none
}

// Digest returns a short text that tells the secret of a token from its next one. It is
// stored, and does not show the secret (P4: secrets are never shown).
func (t Token) Digest() string {
	mac := hmac.New(sha256.New, []byte(t.Secret))
	mac.Write([]byte("token\n" + t.Name))
	return hex.EncodeToString(mac.Sum(nil)[:8])
}

// Integration is a sender of alerts.
type Integration struct {
	Name   string
	Type   string
	Tokens []string // valid secrets: one, or two during a rotation (I8: tokens per integration)
	Owner  string   // team that is paged when its alerts cannot be read
	// Severities maps words of this sender that the common table does not have (I11:
	// severity words are mapped).
	Severities map[string]workflow.Severity
}

// Webhook is an HTTP receiver of signed pages.
type Webhook struct {
	Name   string
	URL    string
	Secret string
}

// Service finds a service by ID or name. The result is false when no service matches, or
// more than one.
func (o *Organization) Service(name string) (Service, bool) {
	found := o.MatchServices(name)
	if len(found) != 1 {
		return Service{}, false
	}
	return found[0], true
}

// MatchServices returns the services that a text may name: the one with that ID, else the first
// with that name, else all that have it in any form (C3: a name in another form is
// the same name).
func (o *Organization) MatchServices(name string) []Service {
	for _, is := range []func(Service) bool{func(s Service) bool { return s.ID == name }, func(s Service) bool { return s.Name == name }} {
		if n := slices.IndexFunc(o.Services, is); n >= 0 {
			return o.Services[n : n+1]
		}
	}
	var found []Service
	for _, n := range commands.MatchNames(name, len(o.Services), func(n int) []string { return []string{o.Services[n].ID, o.Services[n].Name} }) {
		found = append(found, o.Services[n])
	}
	return found
}

// Token finds a token by name: a configured one, or the [OperatorToken].
func (o *Organization) Token(name string) (Token, bool) {
	if name == OperatorToken {
		return Token{Name: OperatorToken, Secret: o.Operator, Access: commands.Admin}, true
	}
	n := slices.IndexFunc(o.Tokens, func(t Token) bool { return t.Name == name })
	if n < 0 {
		return Token{}, false
	}
	return o.Tokens[n], true
}

// Integration finds an integration by name.
func (o *Organization) Integration(name string) (Integration, bool) {
	n := slices.IndexFunc(o.Integrations, func(i Integration) bool { return i.Name == name })
	if n < 0 {
		return Integration{}, false
	}
	return o.Integrations[n], true
}

// Targets returns the targets that are paged or notified by what is configured: policies,
// the catch-all, the owners of integrations, and jobs. Each is there once.
func (o *Organization) Targets() []workflow.Target {
	all := []workflow.Target{o.CatchAll}
	for _, p := range o.Policies {
		for _, s := range p.Steps {
			all = append(all, s.Notify...)
		}
	}
	for _, i := range o.Integrations {
		if i.Owner != "" {
			all = append(all, workflow.Target("team:"+i.Owner))
		}
	}
	for _, j := range o.Jobs {
		all = append(all, j.To...)
	}
	var once []workflow.Target
	for _, t := range all {
		if t != "" && !slices.Contains(once, t) {
			once = append(once, t)
		}
	}
	return once
}

// Plan returns the plan for a new incident. The escalation policy is that of its
// first service with a policy; an owner is paged before its first step.
func (o *Organization) Plan(services []string, owner workflow.Target) workflow.Plan {
	p := workflow.Plan{
		Policy: o.Policy, Fallback: o.Fallback, CatchAll: o.CatchAll, Policies: o.Policies,
		Severities: o.Severities, Checklist: o.Checklist, Rules: o.Rules,
	}
	for _, id := range services {
		if s, ok := o.Service(id); ok && s.Policy != "" {
			p.Policy = s.Policy
			break
		}
	}
	if owner != "" {
		first := workflow.Policy{
			ID: ownerPrefix + owner.ID(), Fallback: p.Policy,
			Steps: []workflow.PolicyStep{{Notify: []workflow.Target{owner}, Wait: 5 * time.Minute}},
		}
		p.Policy, p.Policies = first.ID, append([]workflow.Policy{first}, p.Policies...)
	}
	return p
}

// Prepare returns the organization with its routing rules compiled.
func (o Organization) Prepare() (Organization, error) {
	services := make([]string, 0, len(o.Services))
	for _, s := range o.Services {
		services = append(services, s.ID)
	}
	var err error
	o.router, err = alerts.NewRouter(o.Routes, services)
	return o, err
}

// Route applies the routing rules to an alert of an integration. It works on an
// organization that [Organization.Prepare] returned.
func (o *Organization) Route(integration string, a alerts.Alert) (alerts.Arrival, alerts.Decision) {
	sender := alerts.Sender{Name: integration}
	if i, ok := o.Integration(integration); ok {
		sender.Severities = i.Severities
	}
	d := o.router.Decide(sender, a)
	declare := workflow.Declare{}
	if service, ok := o.Service(d.Service); ok {
		declare.Services, declare.Category = []string{service.ID}, service.Category
		if a.Runbook == "" {
			a.Runbook = service.Runbook
		}
	} else if d.Service != "" {
		declare.Services = []string{d.Service}
	}
	return alerts.NewArrival(sender, a, d, declare), d
}

// Default returns the organization when nothing is configured: everyone is a
// responder, and pages go to the log.
func Default() Organization {
	return Organization{
		Name: "Tocsin", Zone: time.UTC, URL: "http://127.0.0.1:8080", Matrix: workflow.DefaultMatrix(),
		Policies: []workflow.Policy{{
			ID: "default", Repeat: 3,
			Steps: []workflow.PolicyStep{{Notify: []workflow.Target{"log"}, Wait: 5 * time.Minute}},
		}},
		Policy: "default", CatchAll: "log", DefaultAccess: commands.Responder,
		Categories:   []string{"hardware", "software", "network", "security", "service-interruption"},
		Integrations: []Integration{{Name: "alertmanager", Type: "alertmanager"}},
		Rules:        workflow.Rules{}.OrDefault(),
		Jobs:         DefaultJobs(time.UTC), Retention: Retention{ArchiveAfter: 24 * time.Hour},
	}
}

// ZoneOf returns the time zone of a person: their own, else the organization's.
func (o *Organization) ZoneOf(p directory.Person) *time.Location {
	return cmp.Or(p.Zone, o.Zone, time.UTC)
}

// ZoneOfID returns the time zone of the person with an ID, else the organization's.
func (o *Organization) ZoneOfID(person string) *time.Location {
	p, _ := o.Directory.Person(person)
	return o.ZoneOf(p)
}
