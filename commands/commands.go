// Package commands is the language people type. One [Catalog] says which words
// exist, what each takes, who may use it and how it reads in help; the same
// catalog parses typed text, button clicks and forms. It is pure: it turns a
// line into a [workflow.Command] or a [Query] and does nothing.
package commands

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/workflow"
)

// Access is what somebody may do. A higher access may do all of the lower.
type Access int

// The levels of access.
const (
	Guest Access = iota
	Stakeholder
	Responder
	Commander
	Admin
)

// String returns the word used in the configuration.
func (a Access) String() string {
	return [...]string{"guest", "stakeholder", "responder", "commander", "admin"}[min(max(a, Guest), Admin)]
}

// ParseAccess reads the word used in the configuration.
func ParseAccess(word string) (Access, bool) {
	for a := Guest; a <= Admin; a++ {
		if a.String() == word {
			return a, true
		}
	}
	return Guest, false
}

// Word is one word of the language.
type Word struct {
	Name    string
	Args    string // as shown in help, such as "[INC-n] TEXT"
	Summary string // one sentence
	Example string
	Access  Access
	Flags   []Flag
	Section string // of the help

	takes  scope
	noText bool // unknown flags are mistakes, not text
	build  func(*args) (workflow.Command, *Query, error)
}

// Flag is an option of a word.
type Flag struct {
	Name string
	Arg  string // what it takes; "" for a switch
	Help string
	Many bool // may be given several times
}

// scope says which incidents a word wants.
type scope int

const (
	noIncident  scope = iota // none
	anIncident               // one: named, or the room's
	twoIncident              // one, and another as an argument
)

// Query is a command that changes nothing: the bot answers it by reading.
type Query struct {
	Kind     string // the word: list, show, timeline, timers, who or help
	Topic    string // help: a word
	Status   string
	Severity workflow.Severity
	Service  string
	All      bool // list: ended ones too
	Limit    int
}

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
}

// Call is a line understood.
type Call struct {
	Word     Word
	Incident string           // what it is about; "" for none
	Command  workflow.Command // nil for a query
	Query    *Query
	Access   Access // what it needs: the word's, or more because of a flag
}

// Catalog is every word, in the order of the help.
type Catalog []Word

// New returns the catalog.
func New() Catalog {
	return slices.Concat(workWords(), peopleWords(), paperWords(), readWords())
}

// Find returns a word by its name.
func (c Catalog) Find(name string) (Word, bool) {
	n := slices.IndexFunc(c, func(w Word) bool { return w.Name == name })
	if n < 0 {
		return Word{}, false
	}
	return c[n], true
}

// Parse understands a line. A mistake is a [*workflow.Refusal] that names the
// nearest right word and an example.
func (c Catalog) Parse(text string, ctx Context) (Call, error) {
	if len(text) > 64<<10 {
		text = text[:64<<10]
	}
	tokens := split(text)
	if len(tokens) == 0 {
		return Call{}, refuse("Say what to do.", "`help` lists the words; for example `declare Checkout is down --sev 2`.")
	}
	if first := strings.ToLower(tokens[0].text); first == "/incident" || first == "/inc" || first == "incident" {
		if tokens = tokens[1:]; len(tokens) == 0 {
			tokens = split("help")
		}
	}
	w, ok := c.Find(strings.ToLower(tokens[0].text))
	if !ok {
		return Call{}, c.unknown(tokens[0].text)
	}
	a := &args{word: w, ctx: ctx, flags: map[string][]string{}}
	if err := a.read(tokens[1:]); err != nil {
		return Call{}, err
	}
	incident, err := a.incident()
	if err != nil {
		return Call{}, err
	}
	call := Call{Word: w, Incident: incident, Access: w.Access}
	call.Command, call.Query, err = w.build(a)
	if err != nil {
		return Call{}, err
	}
	if cl, is := call.Command.(workflow.Close); is && cl.Force {
		call.Access = Commander
	}
	return call, nil
}

func (c Catalog) unknown(word string) error {
	names := make([]string, 0, len(c))
	for _, w := range c {
		names = append(names, w.Name)
	}
	shown, _ := workflow.CleanLine(word, 30)
	if near := Nearest(strings.ToLower(word), names); near != "" {
		w, _ := c.Find(near)
		return refuse(fmt.Sprintf("%q is no word I know. Did you mean `%s`?", shown, near), "For example: `"+w.Example+"`.")
	}
	return refuse(fmt.Sprintf("%q is no word I know.", shown), "`help` lists them; for example `declare Checkout is down --sev 2`.")
}

func refuse(message, hint string) error {
	return &workflow.Refusal{Message: message, Hint: hint}
}
