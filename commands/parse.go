package commands

import (
	"strings"
	"time"

	"tocsin/workflow"
)

// Context is where a line was typed, and by whom.
type Context struct {
	Room   string    // the incident whose room it is, or ""
	Now    time.Time // for times that are relative
	Zone   *time.Location
	Matrix workflow.Matrix
	// Person resolves "@ana"; Target resolves a person, team, policy or
	// webhook that can be paged. A nil func resolves nothing.
	Person func(handle string) (id, name string, ok bool)
	Target func(handle string) (workflow.Target, bool)
	// Service resolves a service by ID or name; unknown ones are kept as typed.
	Service func(text string) (id string, ok bool)
	Speaker workflow.Reporter
	// Fields is what a form was filled in with, by the names of the word's
	// fields. It adds to what the line says: texts follow one another, an option
	// that both give is the form's, and a field that the word's Form lacks is
	// refused. A value is taken literally, without the space around it; a blank
	// one counts as not given.
	Fields map[string][]string
	// Choices lists what only the house knows, for [Catalog.Complete]: people,
	// targets, services, and the open incidents that the speaker may see. What
	// stands first is offered first. A nil func lists nothing.
	Choices func(kind FieldKind) []Choice
}

// Query is a command that changes nothing: the bot answers it by reading.
type Query struct {
	Kind     string // the word: list, show, timeline, timers, who, web or help
	Topic    string // help: a word; web: "" for a link, sessions or revoke
	ID       string // web revoke: the session, or "all"
	Status   string
	Severity workflow.Severity
	Service  string
	All      bool // list: ended ones too
	Limit    int
}

// Call is a line understood.
type Call struct {
	Spec     Spec
	Incident string           // what it is about; "" for none
	Command  workflow.Command // nil for a query
	Query    *Query
	Access   Access // what it needs: the word's, or more because of a flag
}

// longest is how much of a line, and of each value of a form, is read.
const maxBytes = 64 << 10

// Parse understands a line, and what a form adds to it. A mistake is a
// [*workflow.Refusal] that names the nearest right word and an example.
func (c Catalog) Parse(text string, ctx Context) (Call, error) {
	tokens := tokenize(text[:min(len(text), maxBytes)])
	if len(tokens) == 0 {
		return Call{}, refuse("Say what to do.", "`help` lists the commands; for example `declare Checkout is down --sev 2`.")
	}
	if isBotName(tokens[0].text) {
		if tokens = tokens[1:]; len(tokens) == 0 {
			tokens = tokenize("help")
		}
	}
	w, ok := c.findTyped(tokens[0].text)
	if !ok {
		return Call{}, c.refuseUnknown(tokens[0].text)
	}
	a := &args{spec: w, ctx: ctx, flags: map[string][]string{}}
	if err := a.readTokens(tokens[1:]); err != nil {
		return Call{}, err
	}
	if err := a.readForm(); err != nil {
		return Call{}, err
	}
	incident, err := a.takeIncident()
	if err != nil {
		return Call{}, err
	}
	call := Call{Spec: w, Incident: incident, Access: w.Access}
	call.Command, call.Query, err = w.build(a)
	if err != nil {
		return Call{}, err
	}
	if cl, ok := call.Command.(workflow.Close); ok && cl.Force {
		call.Access = Commander
	}
	return call, nil
}

// calls reports whether a line that begins so is addressed to the bot: its word
// comes next.
func isBotName(word string) bool {
	word = strings.ToLower(word)
	return word == "/incident" || word == "/inc" || word == "incident"
}
