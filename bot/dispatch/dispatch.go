// Package dispatch runs the command lines that people type, click and send: it parses
// a line, checks access, takes one step of an incident, and returns the reply. It also
// completes lines, says which of them need a form, and writes people's messages into
// a conversation.
//
// It decides neither who may do what (package access does) nor what a command does
// (package workflow does). Begin reading at [Dispatcher.Run].
package dispatch

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/card"
	"tocsin/bot/conversation"
	"tocsin/bot/incidents"
	"tocsin/bot/signin"
	"tocsin/commands"
	"tocsin/workflow"
)

// Config configures a dispatcher.
type Config struct {
	Engine       *bot.Engine
	Store        Store
	Incidents    *incidents.Reader
	Conversation *conversation.Recorder
	SignIn       *signin.Service
	Log          *slog.Logger
}

// Store is the part of the store that a dispatcher uses: operations and incident
// numbers.
type Store interface {
	bot.Incidents
}

// Dispatcher runs command lines.
type Dispatcher struct {
	engine       *bot.Engine
	store        Store
	incidents    *incidents.Reader
	conversation *conversation.Recorder
	signin       *signin.Service
	log          *slog.Logger
}

// New returns a dispatcher.
func New(c Config) *Dispatcher {
	return &Dispatcher{engine: c.Engine, store: c.Store, incidents: c.Incidents, conversation: c.Conversation, signin: c.SignIn, log: c.Log}
}

// Request is a line that a person typed, clicked or sent.
type Request struct {
	Text      string
	Room      string // the incident in whose room it was typed; "": none
	Speaker   access.Speaker
	Fields    map[string][]string // the values of a form, by the field's name in the catalog
	Operation string              // stable ID of the delivery: a repeat gets the stored reply; "": none
	Digest    string              // of all that the sender of a key chose: another one under the same Operation is refused; "": not compared
}

// Reply is the reply to a request. OK is false for a refusal, which changed nothing.
type Reply struct {
	OK       bool   `json:"ok"`
	Text     string `json:"text"`
	Incident string `json:"incident,omitempty"`
	Secret   bool   `json:"-"` // it signs the speaker in, or says where they are signed in
	Reused   bool   `json:"-"` // the Operation is that of another request: a refusal
}

// Run parses a line and carries it out. Its changes are durable when it returns. A
// mistake of the speaker is a Reply that is not OK; an error means that the store does
// not answer or that Tocsin has a bug.
func (d *Dispatcher) Run(ctx context.Context, r Request) (Reply, error) {
	if r.Operation != "" {
		if saved, err := d.store.Reply(ctx, r.Operation); err == nil {
			return d.repeatReply(ctx, saved, r)
		} else if !errors.Is(err, bot.ErrNotFound) {
			return Reply{}, err
		}
	}
	call, err := d.engine.Catalog().Parse(r.Text, d.parseContext(ctx, r))
	if err != nil {
		if denied := d.checkNamed(ctx, r); denied != nil {
			err = denied
		}
		return refusalReply(err)
	}
	if err := d.checkAccess(ctx, call, r.Speaker); err != nil {
		return refusalReply(err)
	}
	if call.Query != nil {
		text, err := d.answerQuery(ctx, call, r.Speaker)
		if err != nil {
			return refusalReply(err)
		}
		return Reply{OK: true, Text: text, Incident: call.Incident, Secret: call.Query.Kind == commands.QueryWeb}, nil
	}
	if declare, ok := call.Command.(workflow.Declare); ok {
		return d.declare(ctx, declare, r)
	}
	if _, ok := call.Command.(workflow.ApplyPolicy); ok && call.Incident == "" {
		return d.applyPolicyToAll(ctx, r)
	}
	return d.changeIncident(ctx, incidentChange{incident: call.Incident, command: call.Command}, r)
}

// refusalReply turns a refusal into a reply, and returns any other error as it is.
func refusalReply(err error) (Reply, error) {
	if refusal, ok := errors.AsType[*workflow.Refusal](err); ok {
		return Reply{Text: refusal.Error()}, nil
	}
	return Reply{}, err
}

// parseContext returns what the parser needs to know of the speaker and the
// organization.
func (d *Dispatcher) parseContext(ctx context.Context, r Request) commands.Context {
	org := d.engine.Organization()
	zone := r.Speaker.Zone
	if zone == nil {
		zone = org.Zone
	}
	speaker := workflow.Reporter{Person: r.Speaker.Person, Handle: r.Speaker.Handle, Name: r.Speaker.Name}
	if p, ok := org.Directory.Person(r.Speaker.Person); ok {
		speaker.Contact, speaker.Department = p.Email, p.Department
	}
	return commands.Context{
		Fields: r.Fields, Choices: func(k commands.FieldKind) []commands.Choice { return d.Choices(ctx, k, r.Speaker) },
		Room: r.Room, Now: d.engine.Now(), Zone: zone, Matrix: org.Matrix, Speaker: speaker,
		Person: func(handle string) (string, string, bool) {
			if strings.TrimPrefix(commands.Fold(handle), "@") == "me" && r.Speaker.Person != "" {
				return r.Speaker.Person, r.Speaker.Name, true
			}
			p, ok := org.Directory.Find(handle)
			return p.ID, p.Name, ok
		},
		Target: func(handle string) (workflow.Target, bool) {
			found := findTargets(org, handle)
			if len(found) != 1 {
				return "", false
			}
			return found[0], true
		},
		Namesakes: func(kind commands.FieldKind, handle string) []string { return namesakes(org, kind, handle) },
		Service: func(text string) (string, bool) {
			s, ok := org.Service(text)
			return s.ID, ok
		},
	}
}

// declare opens an incident for a person.
func (d *Dispatcher) declare(ctx context.Context, declare workflow.Declare, r Request) (Reply, error) {
	duplicate := d.openForService(ctx, declare.Services, r.Speaker)
	org := d.engine.Organization()
	if s, ok := org.Service(firstOf(declare.Services)); ok {
		declare.Category = cmp.Or(declare.Category, s.Category)
		if s.Runbook != "" {
			declare.Links = append(declare.Links, workflow.Link{URL: s.Runbook, Title: "Runbook"})
		}
	}
	number, err := d.store.Reserve(ctx)
	if err != nil {
		return Reply{}, fmt.Errorf("reserve an incident number: %w", err)
	}
	id := workflow.ID(number)
	note := serviceHint(org, declare.Services, id)
	if duplicate != "" {
		note += fmt.Sprintf("\n%s is open for the same service. If it is the same: `merge %s %s`.", duplicate, id, duplicate)
	}
	return d.changeIncident(ctx, incidentChange{incident: id, command: declare, note: note}, r)
}

// serviceHint returns a hint when a service is not configured and its name is close to
// one that is, or may mean several.
func serviceHint(o *bot.Organization, services []string, id string) string {
	names := make([]string, 0, len(o.Services))
	for _, s := range o.Services {
		names = append(names, s.ID)
	}
	for _, s := range services {
		if all := o.MatchServices(s); len(all) > 1 {
			return fmt.Sprintf("\nThe service %q may be %s or %s. Add the one that you mean: `edit %s --service %s`.", s, all[0].ID, all[1].ID, id, all[0].ID)
		}
		if near := commands.Nearest(s, names); near != "" && !slices.Contains(names, s) {
			return fmt.Sprintf("\nNo service is called %q. If you mean %s: `edit %s --service %s`.", s, near, id, near)
		}
	}
	return ""
}

// firstOf returns the first of a list, or "".
func firstOf(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// openForService returns the ID of an open incident of the same service; "" when there
// is none, or when the store cannot be read, which must not prevent a declaration.
func (d *Dispatcher) openForService(ctx context.Context, services []string, s access.Speaker) string {
	if len(services) == 0 {
		return ""
	}
	open, _, err := d.incidents.List(ctx, s, incidents.Filter{Service: services[0], Limit: 1})
	if err != nil || len(open) == 0 {
		return ""
	}
	return open[0].ID
}

// incidentChange is a command for an incident. The note is appended to the reply.
type incidentChange struct {
	incident string
	command  workflow.Command
	note     string
}

// changeIncident takes one step of an incident for the speaker of a request.
func (d *Dispatcher) changeIncident(ctx context.Context, c incidentChange, r Request) (Reply, error) {
	view, id := d.engine.View(r.Speaker.Zone), c.incident
	reply := func(res bot.Result) Reply {
		return Reply{OK: true, Incident: id, Text: card.Reply(res.Outcome.Incident, res.Outcome.Events, view) + c.note}
	}
	res, err := d.engine.Apply(ctx, id, bot.Change{
		By: r.Speaker.Actor(), Command: c.command, Operation: r.Operation,
		Guard: func(i workflow.Incident) error { return access.CheckVisible(i, r.Speaker) },
		Reply: func(res bot.Result) []byte {
			return r.encodeReply(reply(res))
		},
		LoadOther: func(other string) (workflow.OtherIncident, error) { return d.loadOther(ctx, other, r.Speaker) },
	})
	switch {
	case errors.Is(err, bot.ErrNotFound):
		return refusalReply(access.NotFound(id))
	case err != nil:
		return Reply{}, err
	case res.Repeated != nil:
		return d.repeatReply(ctx, res.Repeated, r)
	case res.Refusal != nil:
		refusal, err := refusalReply(res.Refusal)
		if access.CheckVisible(res.Before, r.Speaker) == nil {
			refusal.Incident = id
		}
		return refusal, err
	}
	return reply(res), nil
}

// loadOther returns what a step may know of another incident that the speaker named.
func (d *Dispatcher) loadOther(ctx context.Context, id string, s access.Speaker) (workflow.OtherIncident, error) {
	i, err := d.incidents.Get(ctx, id, s)
	if _, ok := errors.AsType[*workflow.Refusal](err); ok {
		return workflow.OtherIncident{}, bot.ErrNotFound
	}
	return workflow.OtherIncident{Status: i.Status, Private: i.Visibility == workflow.Private, MergedCount: len(i.Merge.From)}, err
}

// Acknowledge acknowledges an incident for the recipient of a page's link. seen is the
// Seq of the incident as the person saw it (E5: an acknowledgement carries what was
// seen).
func (d *Dispatcher) Acknowledge(ctx context.Context, incident string, s access.Speaker, seen int) (Reply, error) {
	return d.changeIncident(ctx, incidentChange{incident: incident, command: workflow.Acknowledge{Seen: seen}}, Request{Speaker: s})
}

// checkNamed refuses a line with a mistake in it when the speaker may not use its command
// anyway: someone who is told how to type it must not be denied afterwards (P1: access is
// checked first).
func (d *Dispatcher) checkNamed(ctx context.Context, r Request) error {
	spec, incident, ok := d.engine.Catalog().Subject(r.Text, r.Room)
	if !ok || r.Speaker.Access >= spec.Access {
		return nil
	}
	return d.checkAccess(ctx, commands.Call{Spec: spec, Incident: incident, Access: spec.Access}, r.Speaker)
}

// checkAccess refuses a command that the speaker may not use (P1: access is checked
// first).
func (d *Dispatcher) checkAccess(ctx context.Context, call commands.Call, s access.Speaker) error {
	if s.Access >= call.Access {
		return access.CanHide(s, call.Command)
	}
	word := call.Spec
	word.Access = call.Access // a flag may need more than the command alone
	if call.Incident == "" {
		return access.Can(s, word, nil)
	}
	i, err := d.incidents.Get(ctx, call.Incident, s)
	if err != nil {
		return err
	}
	return access.Can(s, word, &i)
}
