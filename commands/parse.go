package commands

import (
	"strings"
	"time"
	"unicode"

	"tocsin/workflow"
)

// Context is what the parser must know beside the line: where and by whom it was
// typed, and how to look up names. The zero value looks up nothing.
type Context struct {
	Room    string            // ID of the incident in whose room the line was typed, or ""
	Now     time.Time         // the current time, for times such as "20m" ago
	Zone    *time.Location    // the speaker's time zone; nil: UTC
	Matrix  workflow.Matrix   // for impact and urgency; nil: the default matrix
	Speaker workflow.Reporter // the person who gives the command

	// Person returns the person behind a handle such as "@ana".
	Person func(handle string) (id, name string, ok bool)
	// Target returns what a handle pages: a person, team, policy or webhook.
	Target func(handle string) (workflow.Target, bool)
	// Namesakes returns all handles that a name may mean, of a Person or of any Target.
	Namesakes func(kind FieldKind, handle string) []string
	// Service returns the ID of a service by ID or name. A service that is not found is
	// kept as it was typed.
	Service func(text string) (id string, ok bool)

	// Fields holds the values of a submitted form, by the name of the field. They add to
	// the line: texts are joined, and a flag that both contain has the value of the form.
	// Values are taken literally; blank ones are ignored. A field that the command's form
	// does not have is refused.
	Fields map[string][]string

	// Choices lists the possible values of a field for [Catalog.Complete], the best
	// first: people, targets, services, and the open incidents that the speaker may see.
	Choices func(kind FieldKind) []Choice
}

// QueryKind is the name of a command that only reads.
type QueryKind string

// The commands that only read.
const (
	QueryHelp     QueryKind = "help"
	QueryList     QueryKind = "list"
	QueryShow     QueryKind = "show"
	QueryTimeline QueryKind = "timeline"
	QueryTimers   QueryKind = "timers"
	QueryWho      QueryKind = "who"
	QueryWeb      QueryKind = "web"
)

// Query is a command that only reads.
type Query struct {
	Kind     QueryKind
	Topic    string            // help: name of a command; web: "" for a link, "sessions" or "revoke"
	ID       string            // web revoke: ID of a session, or "all"
	Status   string            // list: only this status
	Severity workflow.Severity // list: only this severity
	Service  string            // list: only this service
	All      bool              // list: ended incidents too
	Limit    int               // list: at most this many; 0: no limit given
}

// Call is a parsed line. Either Command or Query is set.
type Call struct {
	Spec     Spec
	Incident string           // ID of the incident that it is for, or ""
	Command  workflow.Command // changes the incident
	Query    *Query           // only reads
	Access   Access           // the access that it needs: that of the command, or more because of a flag
}

// maxBytes is how much of a line, and of each value of a form, is read.
const maxBytes = 64 << 10

// Parse parses a line, together with the values of a form in ctx.Fields. A mistake is
// a [*workflow.Refusal] that says what would be right, with an example.
func (c Catalog) Parse(text string, ctx Context) (Call, error) {
	line, tokens := readLine(text)
	if len(tokens) == 0 {
		return Call{}, refuse("Say what to do.", "`help` lists the commands; for example `declare Checkout is down --sev 2`.")
	}
	spec, ok := c.findTyped(tokens[0].text)
	if !ok {
		return Call{}, c.refuseUnknown(tokens[0].text)
	}
	if len(text) > maxBytes && spec.title {
		return Call{}, refuse("The line is too long: its end, and the options there, would be lost.", "For example: `"+spec.Example+"`.")
	}
	a := &args{spec: spec, ctx: ctx, line: line, flags: map[string][]string{}}
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
	call := Call{Spec: spec, Incident: incident, Access: spec.Access}
	call.Command, call.Query, err = spec.build(a)
	if err != nil {
		return Call{}, err
	}
	if c, ok := call.Command.(workflow.Close); ok && c.Force {
		call.Access = Commander
	}
	return call, nil
}

// Subject returns the command that a line names and the ID of the incident that it is for,
// without reading its arguments: whether the speaker may use it is asked before they are
// told how. Without an ID it is the incident of the room. ok is false when the line names no
// command.
func (c Catalog) Subject(text, room string) (s Spec, incident string, ok bool) {
	_, tokens := readLine(text)
	if len(tokens) == 0 {
		return Spec{}, "", false
	}
	if s, ok = c.findTyped(tokens[0].text); !ok || s.scope == noIncident {
		return s, "", ok
	}
	a, first := &args{spec: s}, 1
	if s.verb != "" && len(tokens) > 1 && Fold(tokens[1].text) == s.verb {
		first = 2
	}
	for n := first; n < len(tokens) && len(a.words) == 0; n++ {
		if tokens[n].flag.name == "" {
			a.words = tokens[n : n+1]
		} else if f, ok := s.flag(tokens[n].flag.name); ok && f.Arg != "" && !tokens[n].flag.hasValue {
			n++ // its value
		}
	}
	if ids := a.takeIDs(1); len(ids) > 0 {
		return s, ids[0], true
	}
	return s, room, true
}

// CutSlash returns a line without the slash, of any width, that makes it a command and not a
// message. ok is false if it is a message.
func CutSlash(line string) (command string, ok bool) {
	line = strings.TrimLeftFunc(line, func(r rune) bool { return unicode.IsSpace(r) || isInvisible(r) })
	for _, slash := range []string{"/", "／"} {
		if command, ok = strings.CutPrefix(line, slash); ok {
			return command, true
		}
	}
	return "", false
}

// readLine returns the tokens of a line from the name of its command on, and the line that
// they stand in. The name of the bot alone means help.
func readLine(text string) (line string, tokens []token) {
	line = unwrap(text[:min(len(text), maxBytes)])
	tokens = tokenize(line)
	if len(tokens) == 0 || !isBotName(tokens[0].text) {
		return line, tokens
	}
	line = unwrap(line[len(tokens[0].raw):])
	if line == "" {
		line = "help"
	}
	return line, tokenize(line)
}

// isBotName reports whether the first word of a line is the name of the slash command,
// so that the name of the command comes next.
func isBotName(word string) bool {
	word = Fold(word)
	return word == "/incident" || word == "/inc" || word == "incident"
}
