package bot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/bot/card"
	"tocsin/commands"
	"tocsin/workflow"
)

// Speaker is whoever gives a command, as an adapter has authenticated them.
type Speaker struct {
	Person string // ID of a configured person; "" for a guest
	Handle string // of a guest: where they write from, such as "slack:U024BE7LH"
	Name   string // as shown
	Access commands.Access
	Token  string // the named API token that was used, if any
	Zone   *time.Location
	Unsure bool // a guest, because their chat does not say who they are
}

// Speaker returns a configured person as a speaker. ok is false when nobody is
// called that.
func (b *Bot) Speaker(person string) (s Speaker, ok bool) {
	org := b.Organization()
	p, ok := org.Directory.Person(person)
	if !ok {
		return Speaker{}, false
	}
	return Speaker{Person: p.ID, Name: p.Name, Access: max(p.Access, org.DefaultAccess), Zone: org.ZoneOf(p)}, true
}

// actor is the speaker in the record: "ana, by token ci".
func (s Speaker) actor() workflow.Actor {
	a := workflow.Actor{Kind: workflow.ByPerson, ID: s.Person, Name: s.Name, Token: s.Token}
	if s.Person == "" {
		a.Kind, a.ID = workflow.ByGuest, "guest:"+or(s.Handle, s.Name)
	}
	return a
}

// Request is a line somebody typed, clicked or sent.
type Request struct {
	Text      string
	Room      string // the incident whose room it was typed in, or ""
	Speaker   Speaker
	Fields    map[string][]string // what a form filled in, by the field's name in the catalog
	Operation string              // stable name of the delivery, so that its repeat gets the same reply
}

// Reply answers a request. OK is false for a polite no, which changed nothing.
type Reply struct {
	OK       bool   `json:"ok"`
	Text     string `json:"text"`
	Incident string `json:"incident,omitempty"`
}

// Run understands a line and carries it out. When it returns, what it changed
// is durable. An error means that the store could not be reached or that
// something is broken; a mistake of the speaker is a Reply that is not OK.
func (b *Bot) Run(ctx context.Context, r Request) (Reply, error) {
	if r.Operation != "" {
		if saved, err := b.cfg.Store.Reply(ctx, r.Operation); err == nil {
			return decodeReply(saved)
		} else if !errors.Is(err, ErrNotFound) {
			return Reply{}, err
		}
	}
	call, err := b.catalog.Parse(r.Text, b.context(ctx, r))
	if err != nil {
		return refused(err)
	}
	if err := b.allowed(ctx, call, r.Speaker); err != nil {
		return refused(err)
	}
	if call.Query != nil {
		text, err := b.answer(ctx, call, r.Speaker)
		if err != nil {
			return refused(err)
		}
		return Reply{OK: true, Text: text, Incident: call.Incident}, nil
	}
	if d, declares := call.Command.(workflow.Declare); declares {
		return b.declare(ctx, d, r)
	}
	return b.change(ctx, change{incident: call.Incident, command: call.Command}, r)
}

// refused turns a refusal into a reply and leaves other errors alone.
func refused(err error) (Reply, error) {
	if no, is := errors.AsType[*workflow.Refusal](err); is {
		return Reply{Text: no.Error()}, nil
	}
	return Reply{}, err
}

func decodeReply(raw []byte) (Reply, error) {
	var reply Reply
	if err := json.Unmarshal(raw, &reply); err != nil {
		return Reply{}, fmt.Errorf("read a saved reply: %w", err)
	}
	return reply, nil
}

// context is what the language needs to know of the speaker and the house.
func (b *Bot) context(ctx context.Context, r Request) commands.Context {
	org := b.Organization()
	zone := r.Speaker.Zone
	if zone == nil {
		zone = org.Zone
	}
	speaker := workflow.Reporter{Person: r.Speaker.Person, Handle: r.Speaker.Handle, Name: r.Speaker.Name}
	if p, ok := org.Directory.Person(r.Speaker.Person); ok {
		speaker.Contact, speaker.Department = p.Email, p.Department
	}
	return commands.Context{
		Fields: r.Fields, Choices: func(k commands.FieldKind) []commands.Choice { return b.Choices(ctx, k, r.Speaker) },
		Room: r.Room, Now: b.Now(), Zone: zone, Matrix: org.Matrix, Speaker: speaker,
		Person: func(handle string) (string, string, bool) {
			if strings.EqualFold(strings.TrimPrefix(handle, "@"), "me") && r.Speaker.Person != "" {
				return r.Speaker.Person, r.Speaker.Name, true
			}
			p, ok := org.Directory.Find(handle)
			return p.ID, p.Name, ok
		},
		Target: org.target,
		Service: func(text string) (string, bool) {
			s, ok := org.Service(text)
			return s.ID, ok
		},
	}
}

// target resolves what can be paged: a person, a team, or a target as the
// configuration writes it.
func (o *Organization) target(handle string) (workflow.Target, bool) {
	if p, ok := o.Directory.Find(handle); ok {
		return workflow.Target("person:" + p.ID), true
	}
	name := strings.TrimPrefix(handle, "@")
	if t, ok := o.Directory.Team(name); ok {
		return workflow.Target("team:" + t.ID), true
	}
	t := workflow.Target(name)
	switch t.Kind() {
	case "person", "team", "webhook":
		return t, len(o.Directory.Answer(t).Recipients) > 0
	case "policy":
		for _, p := range o.Policies {
			if p.ID == t.ID() {
				return t, true
			}
		}
	}
	return "", false
}

// allowed checks the speaker's access before the command becomes an effect
// (rule P1). Whoever is paged may acknowledge: also a member of a user group whom
// nobody has configured, as their chat names them.
func (b *Bot) allowed(ctx context.Context, call commands.Call, s Speaker) error {
	if s.Access >= call.Access {
		return hides(call.Command, s)
	}
	if _, acks := call.Command.(workflow.Acknowledge); acks && s.Person+s.Handle != "" {
		i, err := b.Incident(ctx, call.Incident, s)
		if err != nil {
			return err
		}
		for _, p := range i.Paging.Pages {
			if p.To == s.actor().ID {
				return nil
			}
		}
	}
	if s.Unsure {
		return &workflow.Refusal{
			Message: fmt.Sprintf("`%s` needs the access %q, and your chat does not say who you are just now.", call.Word.Name, call.Access),
			Hint:    "Try again in a moment, or use the browser.",
		}
	}
	return &workflow.Refusal{
		Message: fmt.Sprintf("`%s` needs the access %q; yours is %q.", call.Word.Name, call.Access, s.Access),
		Hint:    "Ask somebody who has it, or an administrator.",
	}
}

// hides refuses to hide an incident from everybody, its author included: only
// configured people are members of private incidents (rule P2).
func hides(c workflow.Command, s Speaker) error {
	d, declares := c.(workflow.Declare)
	v, sets := c.(workflow.SetVisibility)
	hidden := declares && d.Private || sets && v.To == workflow.Private
	if s.Person != "" || !hidden {
		return nil
	}
	return &workflow.Refusal{
		Message: "Only a configured person can make an incident private: nobody else would see it any more, you included.",
		Hint:    "Add yourself under `people:`, or leave it open.",
	}
}

// Sees reports whether a speaker may see an incident (rule P2).
func (s Speaker) Sees(i *workflow.Incident) bool {
	return i.Visibility != workflow.Private || i.IsMember(s.Person)
}

// Works reports whether a speaker may read along where an incident is worked
// on: its timeline, its conversation and who was told. Everybody who sees it
// may read its card.
func (s Speaker) Works(i *workflow.Incident) bool {
	return s.Sees(i) && (s.Access >= commands.Responder || i.IsMember(s.Person))
}

// visible refuses, in the words of something that is not there, what the
// speaker must not see (rule P2).
func visible(i workflow.Incident, s Speaker) error {
	if i.Status == "" || s.Sees(&i) {
		return nil
	}
	return missing(i.ID)
}

func missing(id string) error {
	return &workflow.Refusal{Message: id + " does not exist.", Hint: "`list` shows the open incidents."}
}

// declare opens an incident for a person.
func (b *Bot) declare(ctx context.Context, d workflow.Declare, r Request) (Reply, error) {
	twin := b.twin(ctx, d.Services, r.Speaker)
	org := b.Organization()
	if s, ok := org.Service(first(d.Services)); ok && d.Category == "" {
		d.Category = s.Category
	}
	if s, ok := org.Service(first(d.Services)); ok && s.Runbook != "" {
		d.Links = append(d.Links, workflow.Link{URL: s.Runbook, Title: "Runbook"})
	}
	number, err := b.cfg.Store.Reserve(ctx)
	if err != nil {
		return Reply{}, fmt.Errorf("reserve a number: %w", err)
	}
	id := fmt.Sprintf("INC-%d", number)
	note := org.strange(d.Services, id)
	if twin != "" {
		note += fmt.Sprintf("\n%s is open for the same service. If it is the same: `merge %s %s`.", twin, id, twin)
	}
	return b.change(ctx, change{incident: id, command: d, note: note}, r)
}

// strange says which services nobody has configured, if some are.
func (o *Organization) strange(services []string, id string) string {
	names := make([]string, 0, len(o.Services))
	for _, s := range o.Services {
		names = append(names, s.ID)
	}
	for _, s := range services {
		if near := commands.Nearest(s, names); near != "" && !slices.Contains(names, s) {
			return fmt.Sprintf("\nNo service is called %q. If you mean %s: `edit %s --service %s`.", s, near, id, near)
		}
	}
	return ""
}

func first(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// twin finds an open incident of the same service. That it cannot be looked up
// never stops a declaration.
func (b *Bot) twin(ctx context.Context, services []string, s Speaker) string {
	if len(services) == 0 {
		return ""
	}
	open, _, err := b.List(ctx, s, ListQuery{Service: services[0], Limit: 1})
	if err != nil || len(open) == 0 {
		return ""
	}
	return open[0].ID
}

// change is what a person wants of an incident. The note is added to the reply.
type change struct {
	incident string
	command  workflow.Command
	note     string
}

// change takes one step of an incident for a person.
func (b *Bot) change(ctx context.Context, c change, r Request) (Reply, error) {
	view, id := b.view(r.Speaker), c.incident
	say := func(res result) Reply {
		return Reply{OK: true, Incident: id, Text: card.Reply(res.outcome.Incident, res.outcome.Events, view) + c.note}
	}
	res, err := b.step(ctx, id, request{
		by: r.Speaker.actor(), command: c.command, operation: r.Operation,
		guard: func(i workflow.Incident) error { return visible(i, r.Speaker) },
		reply: func(res result) []byte {
			raw, _ := json.Marshal(say(res)) //nolint:errchkjson // three plain fields
			return raw
		},
		others: func(other string) (workflow.Other, error) {
			i, err := b.Incident(ctx, other, r.Speaker)
			if _, no := errors.AsType[*workflow.Refusal](err); no {
				return workflow.Other{}, ErrNotFound
			}
			return workflow.Other{Status: i.Status, Title: i.Title, Private: i.Visibility == workflow.Private, Taken: len(i.Merge.From)}, err
		},
	})
	switch {
	case errors.Is(err, ErrNotFound):
		return refused(missing(id))
	case err != nil:
		return Reply{}, err
	case res.repeated != nil:
		return decodeReply(res.repeated)
	case res.refusal != nil:
		reply, err := refused(res.refusal)
		if visible(res.before, r.Speaker) == nil {
			reply.Incident = id
		}
		return reply, err
	}
	return say(res), nil
}

// view is how a speaker reads cards.
func (b *Bot) view(s Speaker) card.View {
	org := b.Organization()
	zone := s.Zone
	if zone == nil {
		zone = org.Zone
	}
	return card.View{
		Zone: zone, URL: org.URL,
		Name: func(id string) string { p, _ := org.Directory.Person(id); return p.Name },
		Word: func(w string) bool { _, ok := b.catalog.Find(w); return ok },
	}
}
