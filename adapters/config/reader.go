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

// reader reads one file. It continues after a fault, with a zero value in
// place of the wrong one, so that all faults are reported at once.
type reader struct {
	file    string
	options Options

	faults  []Fault
	dropped bool // there are more faults than maxKept

	names  map[kind]map[string]*yaml.Node // where each name is defined
	order  map[kind][]string              // the valid names, in the order of the file
	owners map[string]*yaml.Node          // by value, where a value is that may be used once
	checks []func()                       // run after the whole file is read

	teams    map[string]directory.Team  // by ID, for the checks
	policies map[string]workflow.Policy // by ID, for the checks

	hasMail      bool            // pagers.email is configured
	connected    map[string]bool // by name, the platforms with a secret or a section
	hasDeadman   bool            // there is a section deadman, with or without faults
	peopleFaulty bool            // the people have faults, so conclusions from them are not reported
}

// newReader returns a reader of the file called file.
func newReader(file string, o Options) *reader {
	return &reader{
		file: file, options: o,
		names: map[kind]map[string]*yaml.Node{}, order: map[kind][]string{}, owners: map[string]*yaml.Node{},
		connected: map[string]bool{}, teams: map[string]directory.Team{}, policies: map[string]workflow.Policy{},
	}
}

// addFault records a fault at a node.
func (r *reader) addFault(at *yaml.Node, format string, args ...any) {
	if len(r.faults) >= maxKept {
		r.dropped = true
		return
	}
	r.faults = append(r.faults, Fault{
		File: r.file, Line: max(at.Line, 1), Column: max(at.Column, 1), Message: fmt.Sprintf(format, args...),
	})
}

// addCheck adds a check that runs after the whole file is read.
func (r *reader) addCheck(check func()) { r.checks = append(r.checks, check) }

// pair is a key of a mapping with its value.
type pair struct{ key, value *yaml.Node }

// mapping is one mapping of the file. A key that is read is a known one;
// rejectUnknown reports the others.
type mapping struct {
	r      *reader
	what   string // the name in faults, such as "a person"
	node   *yaml.Node
	pairs  map[string]pair
	order  []string
	known  []string
	future []string
	broken bool // it is not a mapping; a fault is recorded
}

// openMapping returns the mapping of a node. For a nil node it is empty.
func (r *reader) openMapping(n *yaml.Node, what string) *mapping {
	m := &mapping{r: r, what: what, node: n, pairs: map[string]pair{}}
	if n == nil {
		m.node = &yaml.Node{Line: 1, Column: 1}
		return m
	}
	if n.Kind != yaml.MappingNode {
		r.addFault(n, "%s must be keys with values, such as \"name: …\", not %s", what, describeNode(n))
		m.broken = true
		return m
	}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		switch first, ok := m.pairs[key.Value]; {
		case key.ShortTag() == "!!merge":
			r.addFault(key, `"<<" is not supported; write the keys out, or name a whole value with &name and repeat it with *name`)
		case key.Kind != yaml.ScalarNode:
			r.addFault(key, "a key of %s must be a word, not %s", what, describeNode(key))
		case ok:
			r.addFault(key, "%s is written twice, first in line %d; keep one", quote(key.Value), first.key.Line)
		default:
			m.pairs[key.Value] = pair{key, value}
			m.order = append(m.order, key.Value)
		}
	}
	return m
}

// take returns the value of a key, nil when it is missing or empty.
func (m *mapping) take(key string) *yaml.Node {
	m.known = append(m.known, key)
	if p, ok := m.pairs[key]; ok && !isAbsent(p.value) {
		return p.value
	}
	return nil
}

// require returns the value of a key, and reports one that is missing. example
// completes the sentence "a person needs …".
func (m *mapping) require(key, example string) *yaml.Node {
	n := m.take(key)
	if n == nil && !m.broken {
		m.r.addFault(m.node, "%s needs %q, such as %s", m.what, key, example)
	}
	return n
}

// rejectFuture reports a key that a later version supports. why completes the
// sentence "KEY is not supported yet: …".
func (m *mapping) rejectFuture(key, why string) {
	m.future = append(m.future, key)
	if p, ok := m.pairs[key]; ok {
		m.r.addFault(p.key, "%s is not supported yet: %s", key, why)
	}
}

// rejectUnknown reports the keys that were not read.
func (m *mapping) rejectUnknown() {
	for _, key := range m.order {
		if slices.Contains(m.known, key) || slices.Contains(m.future, key) {
			continue
		}
		at := m.pairs[key].key
		meant := commands.Nearest(key, m.known)
		switch {
		case slices.Contains(m.known, key+"_env"):
			m.r.addFault(at, "%s is not a key of %s; secrets must not be in this file: use \"%[3]s_env\" with the name of an environment variable", quote(key), m.what, key)
		case meant != "":
			m.r.addFault(at, "%s is not a key of %s; did you mean %q?", quote(key), m.what, meant)
		default:
			known := slices.Clone(m.known)
			slices.Sort(known)
			m.r.addFault(at, "%s is not a key of %s; its keys are %s", quote(key), m.what, strings.Join(slices.Compact(known), ", "))
		}
	}
}

// readEach reads the entries of a list.
func readEach[T any](m *mapping, key string, read func(*yaml.Node) T) []T {
	var all []T
	for _, n := range m.readList(key) {
		all = append(all, read(n))
	}
	return all
}

// readList returns the entries of a list.
func (m *mapping) readList(key string) []*yaml.Node { return m.r.readEntries(m.take(key), key) }

// readEntries returns the entries of a node that is the list of a key.
func (r *reader) readEntries(n *yaml.Node, key string) []*yaml.Node {
	switch {
	case n == nil:
		return nil
	case n.Kind != yaml.SequenceNode:
		r.addFault(n, "%q must be a list; begin each entry with \"- \", or write [one, two]", key)
		return nil
	}
	return n.Content
}

// readScalar returns the text of a single value. what is its name in faults.
func (r *reader) readScalar(n *yaml.Node, what string) (string, bool) {
	switch {
	case n.Kind != yaml.ScalarNode:
		r.addFault(n, "%s must be a single value, not %s", what, describeNode(n))
		return "", false
	case isAbsent(n):
		r.addFault(n, "%s is empty; give it a value or remove it", what)
		return "", false
	case !slices.Contains([]string{"!!str", "!!int", "!!float", "!!bool", "!!timestamp"}, n.ShortTag()):
		r.addFault(n, "%s has the tag %s, which is not supported; remove it", what, quote(n.Tag))
		return "", false
	}
	return strings.TrimSpace(n.Value), true
}

// describeNode returns the kind of a node in words.
func describeNode(n *yaml.Node) string {
	switch {
	case n.Kind == yaml.MappingNode:
		return "a mapping"
	case n.Kind == yaml.SequenceNode:
		return "a list"
	case isAbsent(n):
		return "nothing"
	}
	return "a single value"
}
