package config

import (
	"slices"
	"strings"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/commands"
)

// A kind is what a name is the name of.
type kind string

const (
	aPerson       kind = "person"
	aTeam         kind = "team"
	aService      kind = "service"
	aPolicy       kind = "policy"
	aWebhook      kind = "webhook"
	aToken        kind = "token"
	anIntegration kind = "integration"
)

const (
	maxName      = 40
	logName      = "log" // the operator's log, as a recipient and as a target
	defaultName  = "default"
	emailSection = "pagers.email"
)

// section is the key under which things of this kind are configured.
func (k kind) section() string {
	switch k {
	case aPerson:
		return "people"
	case aPolicy:
		return "policies"
	case aTeam, aService, aWebhook, aToken, anIntegration:
		return string(k) + "s"
	}
	return string(k) + "s"
}

// name reads the name that others refer to by, and refuses one that is taken.
func (m *mapping) name(key string, k kind) string {
	n := m.need(key, exampleOf(k))
	if n == nil {
		return ""
	}
	id, ok := m.r.scalar(n, quote(key))
	if !ok {
		return ""
	}
	m.r.define(n, key, id, k)
	return id
}

func exampleOf(k kind) string {
	switch k {
	case aPerson:
		return "ana"
	case aService:
		return "checkout"
	case anIntegration:
		return "prometheus"
	case aWebhook:
		return "noc"
	case aToken:
		return "ci"
	case aTeam, aPolicy:
		return "payments"
	}
	return "payments"
}

func (r *reader) define(n *yaml.Node, key, id string, k kind) {
	if !isName(id) {
		if guess := slug(id); guess != "" {
			r.fault(n, "%q: %s holds more than small letters, digits, - and _, or is longer than %d; write %q", key, quote(id), maxName, guess)
		} else {
			r.fault(n, "%q: %s is not made of small letters, digits, - and _; write one such as %q", key, quote(id), exampleOf(k))
		}
	}
	if k == aPerson && id == logName {
		r.fault(n, `%q: "log" is the log's own name; give this person another`, key)
	}
	if first, taken := r.names[k][id]; taken {
		r.fault(n, "the %s %s stands in line %d already; give this one another name, or remove one", k, quote(id), first.Line)
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

// isName reports whether text is ^[a-z0-9][a-z0-9_-]{0,39}$.
func isName(text string) bool {
	const first = "abcdefghijklmnopqrstuvwxyz0123456789"
	return text != "" && len(text) <= maxName &&
		strings.Contains(first, text[:1]) && strings.Trim(text, first+"-_") == ""
}

// slug makes a name of a text, or "".
func slug(text string) string {
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

// refer reads the name of something that is configured elsewhere.
func (m *mapping) refer(key string, k kind) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	return m.r.referOf(n, quote(key), k)
}

// references reads a list of names, each once.
func (m *mapping) references(key string, k kind) []string {
	var all []string
	for _, n := range m.list(key) {
		id := m.r.referOf(n, "an entry of "+quote(key), k)
		switch {
		case id == "":
		case slices.Contains(all, id):
			m.r.fault(n, "%s stands twice in %q; keep one", quote(id), key)
		default:
			all = append(all, id)
		}
	}
	return all
}

func (r *reader) referOf(n *yaml.Node, what string, k kind) string {
	id, ok := r.scalar(n, what)
	if !ok {
		return ""
	}
	r.expect(n, k, id, "")
	return id
}

// expect checks, once everything is read, that something of a kind is called
// id. prefix is what stands before the name: "person:" in a target.
func (r *reader) expect(n *yaml.Node, k kind, id, prefix string) {
	r.later(func() {
		if _, there := r.names[k][id]; there {
			return
		}
		known := r.order[k]
		switch meant := commands.Nearest(id, known); {
		case meant != "":
			r.fault(n, "there is no %s %s; did you mean %q?", k, quote(id), prefix+meant)
		case len(known) > 0:
			r.fault(n, "there is no %s %s; there is %s, or add it under %q", k, quote(id), either(known), k.section())
		default:
			r.fault(n, "there is no %s %s; add it under %q", k, quote(id), k.section())
		}
	})
}

// own tells a fault when somebody else has the same of what only one may have.
func (r *reader) own(n *yaml.Node, what, value string) {
	if n == nil || value == "" {
		return
	}
	key := what + " " + value
	if first, taken := r.owners[key]; taken {
		r.fault(n, "this %s stands in line %d already; each belongs to one alone", what, first.Line)
		return
	}
	r.owners[key] = n
}
