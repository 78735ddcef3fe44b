package main

import (
	"cmp"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tocsin/bot/access"
	"tocsin/commands"
	"tocsin/workflow"
)

// relation is how the speaker of a cell stands to its incidents.
type relation struct {
	name    string
	speaker string   // who it is about: eve is configured, zoe and yan are accounts of Slack alone
	reports bool     // the speaker declares the incident, else Ana does
	bring   []string // commands that bring about how things are; % is the incident
	member  bool     // a member of a private incident (P2: private means members only)
	paged   bool
	state   bool   // only what is offered is looked at: it depends on the incident's state
	only    string // the one front on which the relation exists; "": all
	why     string // the relation does not exist elsewhere
}

func relations() []relation {
	role := func(name string, state bool, more ...string) relation {
		return relation{name: name, speaker: "eve", bring: append([]string{"assign % scribe @eve"}, more...), member: true, state: state}
	}
	return []relation{
		{name: "none", speaker: "eve"},
		{name: "paged", speaker: "eve", bring: []string{"page % @eve"}, member: true, paged: true},
		role("role holder", false),
		role("role holder, in triage", true, "status % triage"),
		role("role holder, acknowledged", true, "ack %"),
		role("role holder, resolved", true, "resolve %"),
		{name: "reporter", speaker: "eve", reports: true, member: true},
		{name: "invited", speaker: "eve", bring: []string{"invite % @eve"}, member: true},
		{name: "unknown", speaker: "zoe"},
		{
			name: "unknown, paged in a user group", speaker: "yan", bring: []string{"page % team:night"}, paged: true,
			only: "Slack", why: "neither an API token nor a session says which account of Slack it belongs to",
		},
	}
}

// by is who declares the incident of a relation.
func (r relation) by() string {
	if r.reports {
		return r.speaker
	}
	return "ana"
}

// cell is one cell of the table: a word, given by a speaker about an incident.
type cell struct {
	relation
	level    commands.Access
	incident workflow.Incident
	word     commands.Spec
	line     string // % is the incident, where the word is about one
	call     commands.Call
	mistake  error // what the language itself refuses, before access is looked at
}

// isHidden reports whether the incident must not exist for the speaker
// (P2: private means members only).
func (c cell) isHidden() bool {
	return c.incident.Visibility == workflow.Private && !c.member
}

// isAbout reports whether the word is given about the incident.
func (c cell) isAbout() bool { return strings.Contains(c.line, "%") }

// isAboutHidden reports whether the word is given about what must not exist for the
// speaker.
func (c cell) isAboutHidden() bool { return c.isAbout() && c.isHidden() }

// refusal is the oracle, written from docs/rules.md: what the answer has to say on
// every front, or "" where the speaker is let through. It is not asked about hidden
// incidents.
func (c cell) refusal() string {
	sets, _ := c.call.Command.(workflow.SetVisibility)
	answersPage := c.word.Name == "ack" && c.paged
	readsAlong := c.member && slices.Contains([]string{"timeline", "timers", "who"}, c.word.Name)
	switch {
	case c.level < c.word.Access && !answersPage && !readsAlong: // (P1: access is checked first), also before what is wrong with the line
		return fmt.Sprintf("needs the access %q; yours is %q", c.word.Access, c.level)
	case c.mistake != nil:
		return c.mistake.Error()
	case sets.To == workflow.Private && c.speaker != "eve": // only configured people are members (P2: private means members only)
		return "Only a configured person can make an incident private"
	}
	return ""
}

// refusals are how answers refuse for reasons of access. A refusal in other words,
// such as of an incident that is resolved already, lets the speaker through.
var refusals = regexp.MustCompile(`needs the access|does not exist|Only a configured person`)

// anID is the ID of an incident in an example of the catalog.
var anID = regexp.MustCompile(`INC-\d+`)

// parse understands a line as the speaker of a relation types it.
func (r relation) parse(line string) (commands.Call, error) {
	known := func(string) (string, string, bool) { return "ana", "Ana", true }
	ctx := commands.Context{Person: known, Target: func(string) (workflow.Target, bool) { return "person:ana", true }}
	if r.speaker == "eve" {
		ctx.Speaker = workflow.Reporter{Person: "eve", Name: "Eve"}
	}
	return commands.New().Parse(strings.ReplaceAll(line, "%", "INC-7"), ctx)
}

// lineOf derives a valid line from a word's example: % is the incident that it is
// about, other is a second one.
func lineOf(t *testing.T, w commands.Spec, other string) string {
	t.Helper()
	line := w.Example
	if call, err := (relation{speaker: "eve"}).parse(line + " INC-7"); err == nil && call.Incident != "" && !anID.MatchString(line) {
		line += " INC-7" // an incident can be named
	}
	if first := anID.FindStringIndex(line); first != nil {
		line = line[:first[0]] + "%" + anID.ReplaceAllString(line[first[1]:], other)
	}
	call, err := (relation{speaker: "eve"}).parse(line)
	if err != nil || call.Spec.Name != w.Name || (call.Incident == "") == strings.Contains(line, "%") || w.IsForIncident() && call.Incident == "" {
		t.Fatalf("no line can be derived for the word %q: its Example %q has to be a whole line that names an incident where it takes one (%v)", w.Name, w.Example, err)
	}
	return line
}

// TestP1EveryFront holds every front against one table: each word of the catalog ×
// access × relation × visibility is answered through the API, the browser and Slack
// as the oracle says (P1: access is checked first), an incident that is hidden is
// answered about as one that does not exist (P2: private means members only), and
// no reader is offered a button or a form that would be refused, or lacks one that an
// administrator in the same relation is offered and that they may use.
//
// The store takes no commit while it runs, so that nothing changes; a refused command
// must not even try. The card in a Slack channel is not part of the table: it is one
// message for all its readers.
func TestP1EveryFront(t *testing.T) {
	t.Parallel()
	in := newInstallation(t)
	words := commands.New()
	force, _ := words.Find("close")
	force.Example += " --force --reason Duplicate"
	force.Access = commands.Commander // the one option that needs more than its word
	words = append(words, force)
	lines := make([]string, len(words))
	for n, w := range words {
		lines[n] = lineOf(t, w, in.other)
	}
	cells := 0
	for _, r := range relations() {
		if r.only != "" {
			t.Logf("%s: on %s alone, because %s", r.name, r.only, r.why)
		}
		for _, level := range []commands.Access{commands.Admin, commands.Commander, commands.Responder, commands.Stakeholder, commands.Guest} {
			in.configure(r, level)
			for _, id := range []string{in.public[r.name], in.private[r.name]} {
				at := cell{relation: r, level: level, incident: in.incident(id)}
				mayUse := map[string]bool{}
				for n, w := range words {
					c := at
					c.word, c.line = w, lines[n]
					c.call, c.mistake = r.parse(c.line)
					mayUse[w.Name] = in.check(c) || mayUse[w.Name]
					cells++
				}
				in.checkOffers(at, mayUse)
			}
		}
	}
	if cells < 1500 || in.allowed < 1000 || in.refused < 1000 || in.hidden < 500 {
		t.Errorf("%d cells, %d answers let through, %d refused, %d of what is hidden: the table is incomplete", cells, in.allowed, in.refused, in.hidden)
	}
}

// check says the line of a cell on every front, and reports whether the oracle lets
// the speaker through.
func (in *installation) check(c cell) bool {
	in.Helper()
	want := c.refusal()
	in.checkCan(c, want)
	if c.state {
		return want == ""
	}
	for _, f := range in.fronts {
		if c.only != "" && c.only != f.name {
			continue
		}
		before := in.store.attempts.Load()
		got := f.say(c, c.incident.ID)
		if got == "" {
			continue // this front does not have the word
		}
		committed := in.store.attempts.Load() > before
		where := fmt.Sprintf("%s: %q by %s with access %s (%s), %s", f.name, c.line, c.speaker, c.level, c.name, c.incident.Visibility)
		switch {
		case c.isAboutHidden():
			in.hidden++
			if none := strings.ReplaceAll(f.say(c, missing), missing, c.incident.ID); got != none || committed {
				in.Errorf("%s: answered %q, and %q if it did not exist; committed: %t", where, got, none, committed)
			}
		case want != "":
			in.refused++
			if !strings.Contains(got, plain(want)) || committed {
				in.Errorf("%s: answered %q, want the refusal %q; committed: %t", where, got, want, committed)
			}
		default:
			in.allowed++
			if found := refusals.FindString(got); found != "" {
				in.Errorf("%s: refused with %q, want it let through", where, got)
			}
		}
		in.checkSecrets(c, where, got)
	}
	return want == "" && !c.isAboutHidden()
}

// checkCan compares the oracle with the package that decides.
func (in *installation) checkCan(c cell, want string) {
	in.Helper()
	if c.mistake != nil {
		return
	}
	claim := access.Claim{Account: access.Account{Platform: "slack", ID: in.accounts[c.speaker]}}
	s, ok := access.Identify(in.app.Organization(), claim)
	i := &c.incident
	if !c.isAbout() {
		i = nil
	}
	err := cmp.Or(access.Can(s, c.word, i), access.CanHide(s, c.call.Command))
	if c.isAboutHidden() {
		want = c.incident.ID + " does not exist."
	}
	if !ok || s.Access != c.level || (err == nil) != (want == "") || err != nil && !strings.Contains(plain(err.Error()), want) {
		in.Errorf("access.Can: %s by %s with access %s (%s), %s: %v, want %q", c.word.Name, c.speaker, s.Access, c.name, c.incident.Visibility, err, want)
	}
}

// checkSecrets looks for private incidents in what a speaker reads who is not their
// member.
func (in *installation) checkSecrets(c cell, where, read string) {
	in.Helper()
	for _, r := range relations() {
		if (r.speaker != c.speaker || !r.member) && strings.Contains(read, secretTitle(r)) {
			in.Errorf("%s: it shows a private incident: %q", where, read)
		}
	}
}

// checkOffers looks at what each front offers a reader about an incident: what an
// administrator in the same relation is offered, without what the reader may not use.
func (in *installation) checkOffers(c cell, mayUse map[string]bool) {
	in.Helper()
	for _, f := range in.fronts {
		if f.offers == nil || c.only != "" && c.only != f.name {
			continue
		}
		page, offered := f.offers(c, c.incident.ID)
		key, where := f.name+c.incident.ID, fmt.Sprintf("%s: the page of %s (%s) for %s with access %s (%s)", f.name, c.incident.ID, c.incident.Visibility, c.speaker, c.level, c.name)
		in.checkSecrets(c, where, page)
		if c.isHidden() {
			none, _ := f.offers(c, missing)
			if none = strings.ReplaceAll(none, missing, c.incident.ID); page != none || len(offered) > 0 {
				in.Errorf("%s reads %q and offers %q, and reads %q if it did not exist", where, page, offered, none)
			}
			continue
		}
		if c.level == commands.Admin {
			in.offered[key] = offered
			if len(offered) < 5 {
				in.Errorf("%s offers %q: the test does not read it", where, offered)
			}
		}
		want := slices.DeleteFunc(slices.Clone(in.offered[key]), func(word string) bool { return !mayUse[word] })
		if !slices.Equal(offered, want) {
			in.Errorf("%s offers %q, want %q", where, offered, want)
		}
	}
}
