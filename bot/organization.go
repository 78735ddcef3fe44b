// Package bot is the running application. It loads an incident, takes one step
// of package workflow, and commits what came of it: everything that happens
// goes through [Bot], whoever asked for it.
package bot

import (
	"cmp"
	"slices"
	"time"

	"tocsin/bot/alerts"
	"tocsin/bot/directory"
	"tocsin/commands"
	"tocsin/workflow"
)

// Organization is the whole configuration at one instant: immutable, swapped
// whole when it is read again.
type Organization struct {
	Name       string
	Zone       *time.Location
	URL        string // how people reach the pages; without a trailing slash
	Directory  directory.Directory
	Services   []Service
	Categories []string

	Severities map[string]workflow.SeverityPlan // keyed "SEV1" …
	Matrix     workflow.Matrix
	Policies   []workflow.Policy
	Policy     string // the default one
	Fallback   string
	CatchAll   workflow.Target
	Checklist  []string
	Rules      workflow.Rules

	DefaultAccess commands.Access
	Tokens        []Token
	Integrations  []Integration
	Routes        []alerts.Route
	Webhooks      []Webhook

	Jobs      []Job // by name
	Retention Retention
	Deadman   string // address that is pinged while all is well; a secret; "" for none

	router *alerts.Router // see Prepare
}

// Service is something that can break.
type Service struct {
	ID        string
	Name      string
	Team      string
	Category  string
	Policy    string
	DependsOn []string
	Runbook   string
}

// OperatorToken is the name of the token that is not configured: the one that
// whoever runs the process has.
const OperatorToken = "operator"

// Token is a named secret for the API.
type Token struct {
	Name   string
	Secret string
	Access commands.Access
	As     string // the person it acts for; "" for nobody
}

// Integration is one sender of alerts.
type Integration struct {
	Name   string
	Type   string
	Tokens []string // live secrets: one, or two while they are rotated
	Owner  string   // team that is paged when its alerts cannot be read
	// Severities maps words of this sender beyond rule I11.
	Severities map[string]workflow.Severity
}

// Webhook is a signed receiver of pages.
type Webhook struct {
	Name   string
	URL    string
	Secret string
}

// Service finds a service by ID or name.
func (o *Organization) Service(id string) (Service, bool) {
	n := slices.IndexFunc(o.Services, func(s Service) bool { return s.ID == id || s.Name == id })
	if n < 0 {
		return Service{}, false
	}
	return o.Services[n], true
}

// Token finds a configured token by name.
func (o *Organization) Token(name string) (Token, bool) {
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

// Plan is what an incident is promised. The first of its services with a policy
// decides who is paged; an owner is paged before that.
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
			ID: "owner:" + owner.ID(), Fallback: p.Policy,
			Steps: []workflow.PolicyStep{{Notify: []workflow.Target{owner}, Wait: 5 * time.Minute}},
		}
		p.Policy, p.Policies = first.ID, append([]workflow.Policy{first}, p.Policies...)
	}
	return p
}

// Default is the organization when nothing is configured: whoever comes may
// respond, and pages go to the log.
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

// ZoneOf returns the zone a person reads times in.
func (o *Organization) ZoneOf(p directory.Person) *time.Location {
	return cmp.Or(p.Zone, o.Zone, time.UTC)
}
