package config

import (
	"fmt"
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/bot/directory"
	"tocsin/commands"
	"tocsin/workflow"
)

// A reader reads one file. It goes on after a fault, with a zero value where
// the wrong one stood, so that one run tells everything.
type reader struct {
	file    string
	options Options

	faults  []Fault
	dropped bool // more were found than are kept

	names  map[kind]map[string]*yaml.Node // where each name was given
	order  map[kind][]string              // those that are well formed, in the order of the file
	owners map[string]*yaml.Node          // where what only one may have was given
	checks []func()                       // what can only be checked once everything is read

	teams    map[string]directory.Team  // by ID, for the checks
	policies map[string]workflow.Policy // by ID, for the checks

	mail       bool            // pagers.email is configured
	connected  map[string]bool // platforms that are connected, or meant to be
	hasDeadman bool            // there is a section deadman, right or wrong
	spoiled    bool            // something is wrong with the people, so what follows from them says nothing
}

func newReader(file string, o Options) *reader {
	return &reader{
		file: file, options: o,
		names: map[kind]map[string]*yaml.Node{}, order: map[kind][]string{}, owners: map[string]*yaml.Node{},
		connected: map[string]bool{}, teams: map[string]directory.Team{}, policies: map[string]workflow.Policy{},
	}
}

// fault records what is wrong at a place.
func (r *reader) fault(at *yaml.Node, format string, args ...any) {
	if len(r.faults) >= maxKept {
		r.dropped = true
		return
	}
	r.faults = append(r.faults, Fault{
		File: r.file, Line: max(at.Line, 1), Column: max(at.Column, 1), Message: fmt.Sprintf(format, args...),
	})
}

// later puts a check off until everything is read.
func (r *reader) later(check func()) { r.checks = append(r.checks, check) }

// A pair is a key of a mapping with its value.
type pair struct{ key, value *yaml.Node }

// A mapping is one mapping of the file. Asking for a key makes it a known one;
// done refuses those that nobody asked for.
type mapping struct {
	r      *reader
	what   string // as faults call it: "a person"
	node   *yaml.Node
	pairs  map[string]pair
	order  []string
	known  []string
	future []string
	broken bool // it is no mapping, which has been told
}

// open reads a mapping. A nil node is an empty one.
func (r *reader) open(n *yaml.Node, what string) *mapping {
	m := &mapping{r: r, what: what, node: n, pairs: map[string]pair{}}
	if n == nil {
		m.node = &yaml.Node{Line: 1, Column: 1}
		return m
	}
	if n.Kind != yaml.MappingNode {
		r.fault(n, "%s is written as keys with values, such as \"name: …\"; here stands %s", what, shape(n))
		m.broken = true
		return m
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch first, twice := m.pairs[key.Value]; {
		case key.ShortTag() == "!!merge":
			r.fault(key, `"<<" is not understood here; write the keys out, or give a whole value a name with &name and use it with *name`)
		case key.Kind != yaml.ScalarNode:
			r.fault(key, "a key of %s is a word; here stands %s", what, shape(key))
		case twice:
			r.fault(key, "%s stands here for the second time, first in line %d; keep one", quote(key.Value), first.key.Line)
		default:
			m.pairs[key.Value] = pair{key, value}
			m.order = append(m.order, key.Value)
		}
	}
	return m
}

// take returns the value of a key, nil where it says nothing.
func (m *mapping) take(key string) *yaml.Node {
	m.known = append(m.known, key)
	if p, ok := m.pairs[key]; ok && !absent(p.value) {
		return p.value
	}
	return nil
}

// need is take for a key that must be there. example finishes the sentence
// "a person needs …".
func (m *mapping) need(key, example string) *yaml.Node {
	n := m.take(key)
	if n == nil && !m.broken {
		m.r.fault(m.node, "%s needs %q, such as %s", m.what, key, example)
	}
	return n
}

// notYet refuses a key that a later version brings. why finishes the sentence
// "not yet: …".
func (m *mapping) notYet(key, why string) {
	m.future = append(m.future, key)
	if p, ok := m.pairs[key]; ok {
		m.r.fault(p.key, "%s: not yet: %s", key, why)
	}
}

// done refuses the keys that nobody asked for.
func (m *mapping) done() {
	for _, key := range m.order {
		if slices.Contains(m.known, key) || slices.Contains(m.future, key) {
			continue
		}
		at := m.pairs[key].key
		meant := commands.Nearest(key, m.known)
		switch {
		case slices.Contains(m.known, key+"_env"):
			m.r.fault(at, "%s is not a key of %s; secrets never stand in this file: use \"%[3]s_env\" with the name of an environment variable", quote(key), m.what, key)
		case meant != "":
			m.r.fault(at, "%s is not a key of %s; did you mean %q?", quote(key), m.what, meant)
		default:
			known := slices.Clone(m.known)
			slices.Sort(known)
			m.r.fault(at, "%s is not a key of %s; its keys are %s", quote(key), m.what, strings.Join(slices.Compact(known), ", "))
		}
	}
}

// each reads the entries of a list.
func each[T any](m *mapping, key string, read func(*yaml.Node) T) []T {
	var all []T
	for _, n := range m.list(key) {
		all = append(all, read(n))
	}
	return all
}

// list returns the entries of a list.
func (m *mapping) list(key string) []*yaml.Node { return m.r.entries(m.take(key), key) }

func (r *reader) entries(n *yaml.Node, key string) []*yaml.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind != yaml.SequenceNode:
		r.fault(n, "%q wants a list; begin each entry with \"- \", or write [one, two]", key)
		return nil
	}
	return n.Content
}

// scalar returns the text of a single value. what names it in a fault.
func (r *reader) scalar(n *yaml.Node, what string) (string, bool) {
	switch {
	case n.Kind != yaml.ScalarNode:
		r.fault(n, "%s wants a single value; here stands %s", what, shape(n))
		return "", false
	case absent(n):
		r.fault(n, "%s is empty; give it a value or remove it", what)
		return "", false
	case !slices.Contains([]string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}, n.ShortTag()):
		r.fault(n, "%s has the tag %s, which is not understood here; remove it", what, quote(n.Tag))
		return "", false
	}
	return strings.TrimSpace(n.Value), true
}

// shape says what kind of thing a node is.
func shape(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case absent(n):
		return "nothing"
	}
	return "a single value"
}
