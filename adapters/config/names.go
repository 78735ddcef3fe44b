package config

import (
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/bot"
	"tocsin/commands"
)

// kind is the kind of thing that a name refers to.
type kind string

const (
	kindPerson      kind = "person"
	kindTeam        kind = "team"
	kindService     kind = "service"
	kindPolicy      kind = "policy"
	kindWebhook     kind = "webhook"
	kindToken       kind = "token"
	kindIntegration kind = "integration"
)

const (
	maxName      = 40
	logName      = "log" // the operator's log, as a recipient and as a target
	defaultName  = "default"
	emailSection = "pagers.email"
)

// section returns the key under which things of this kind are configured.
func (k kind) section() string {
	switch k {
	case kindPerson:
		return "people"
	case kindPolicy:
		return "policies"
	case kindTeam, kindService, kindWebhook, kindToken, kindIntegration:
		return string(k) + "s"
	}
	return string(k) + "s"
}

// readName reads the name of a thing, to which other parts of the file refer.
// A name that is already used is a fault.
func (m *mapping) readName(key string, k kind) string {
	n := m.require(key, exampleName(k))
	if n == nil {
		return ""
	}
	id, ok := m.r.readScalar(n, quote(key))
	if !ok {
		return ""
	}
	m.r.defineName(n, key, id, k)
	return id
}

// exampleName returns an example of a name.
func exampleName(k kind) string {
	switch k {
	case kindPerson:
		return "ana"
	case kindService:
		return "checkout"
	case kindIntegration:
		return "prometheus"
	case kindWebhook:
		return "noc"
	case kindToken:
		return "ci"
	case kindTeam, kindPolicy:
		return "payments"
	}
	return "payments"
}

// defineName records a name, and reports one that is malformed or already
// used.
func (r *reader) defineName(n *yaml.Node, key, id string, k kind) {
	if !isName(id) {
		if guess := makeName(id); guess != "" {
			r.addFault(n, "%q: %s can have only lowercase letters, digits, - and _, and at most %d characters; write %q", key, quote(id), maxName, guess)
		} else {
			r.addFault(n, "%q: %s can have only lowercase letters, digits, - and _; write one such as %q", key, quote(id), exampleName(k))
		}
	}
	if k == kindPerson && id == logName {
		r.addFault(n, `%q: "log" is reserved for the log; use another ID`, key)
	}
	if k == kindToken && id == bot.OperatorToken {
		r.addFault(n, `%q: "operator" is the name of TOCSIN_API_TOKEN; use another name`, key)
	}
	if first, ok := r.names[k][id]; ok {
		r.addFault(n, "the %s %s is already in line %d; rename or remove one of them", k, quote(id), first.Line)
		return
	}
	if r.names[k] == nil {
		r.names[k] = map[string]*yaml.Node{}
	}
	r.names[k][id] = n
	if isName(id) {
		r.order[k] = append(r.order[k], id)
	}
}

// isName reports whether a text matches ^[a-z0-9][a-z0-9_-]{0,39}$.
func isName(text string) bool {
	const first = "abcdefghijklmnopqrstuvwxyz0123456789"
	return text != "" && len(text) <= maxName &&
		strings.Contains(first, text[:1]) && strings.Trim(text, first+"-_") == ""
}

// makeName returns a valid name that is similar to a text, or "".
func makeName(text string) string {
	clean := strings.Map(func(c rune) rune {
		if 'a' <= c && c <= 'z' || '0' <= c && c <= '9' || c == '_' {
			return c
		}
		return '-'
	}, strings.ToLower(text))
	clean = strings.Trim(clean[:min(len(clean), maxName)], "-_")
	if !isName(clean) {
		return ""
	}
	return clean
}

// readReference reads the name of a thing that is configured elsewhere.
func (m *mapping) readReference(key string, k kind) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	return m.r.readReferenceNode(n, quote(key), k)
}

// readReferences reads a list of names, each once.
func (m *mapping) readReferences(key string, k kind) []string {
	var all []string
	for _, n := range m.readList(key) {
		id := m.r.readReferenceNode(n, "an entry of "+quote(key), k)
		switch {
		case id == "":
		case slices.Contains(all, id):
			m.r.addFault(n, "%s is in %q twice; keep one", quote(id), key)
		default:
			all = append(all, id)
		}
	}
	return all
}

// readReferenceNode reads a name from a node.
func (r *reader) readReferenceNode(n *yaml.Node, what string, k kind) string {
	id, ok := r.readScalar(n, what)
	if !ok {
		return ""
	}
	r.checkReference(n, k, id, "")
	return id
}

// checkReference reports, after the whole file is read, when nothing of a kind
// is called id. prefix is what precedes the name in the file, such as
// "person:" in a target.
func (r *reader) checkReference(n *yaml.Node, k kind, id, prefix string) {
	r.addCheck(func() {
		if _, ok := r.names[k][id]; ok {
			return
		}
		known := r.order[k]
		switch meant := commands.Nearest(id, known); {
		case meant != "":
			r.addFault(n, "there is no %s %s; did you mean %q?", k, quote(id), prefix+meant)
		case len(known) > 0:
			r.addFault(n, "there is no %s %s; use %s, or add it under %q", k, quote(id), joinWords(known), k.section())
		default:
			r.addFault(n, "there is no %s %s; add it under %q", k, quote(id), k.section())
		}
	})
}

// checkUnique reports a value that another entry has already, where each value
// may be used once.
func (r *reader) checkUnique(n *yaml.Node, what, value string) {
	if n == nil || value == "" {
		return
	}
	key := what + " " + value
	if first, ok := r.owners[key]; ok {
		r.addFault(n, "this %s is already in line %d; use another one here", what, first.Line)
		return
	}
	r.owners[key] = n
}
