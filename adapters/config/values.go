package config

import (
	"net/mail"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/commands"
	"tocsin/workflow"
)

// How long texts may be, in characters. What a message cannot show anyway is
// refused here, where somebody can still mend it.
const (
	nameLength       = 80
	lineLength       = 120
	definitionLength = 500
	expressionLength = 2000
)

// text reads one line of text, or "".
func (m *mapping) text(key string, limit int) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	return m.r.line(n, quote(key), limit)
}

// line reads a single value as one line of at most limit characters.
func (r *reader) line(n *yaml.Node, what string, limit int) string {
	raw, ok := r.scalar(n, what)
	if !ok {
		return ""
	}
	clean, cut := workflow.CleanLine(raw, limit)
	if cut {
		r.fault(n, "%s is longer than %d characters; shorten it", what, limit)
	}
	return clean
}

// expression reads text that is kept as it is written.
func (m *mapping) expression(n *yaml.Node, key string) string {
	if n == nil {
		return ""
	}
	raw, ok := m.r.scalar(n, quote(key))
	if ok && len(raw) > expressionLength {
		m.r.fault(n, "%q is longer than %d characters; shorten it", key, expressionLength)
	}
	return raw
}

// oneOf reads one of a few words, or "".
func (m *mapping) oneOf(key string, words ...string) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	word, ok := m.r.scalar(n, quote(key))
	if !ok || !m.r.among(n, quote(key), word, words) {
		return ""
	}
	return word
}

// among reports whether word is one of words, and tells the fault if not.
func (r *reader) among(n *yaml.Node, what, word string, words []string) bool {
	if slices.Contains(words, word) {
		return true
	}
	if meant := commands.Nearest(word, words); meant != "" {
		r.fault(n, "%s is %s, not %s; did you mean %q?", what, either(words), quote(word), meant)
	} else {
		r.fault(n, "%s is %s, not %s", what, either(words), quote(word))
	}
	return false
}

// flag reads true or false.
func (m *mapping) flag(key string) bool {
	n := m.take(key)
	if n == nil {
		return false
	}
	word, ok := m.r.scalar(n, quote(key))
	return ok && m.r.among(n, quote(key), strings.ToLower(word), []string{"true", "false"}) && strings.EqualFold(word, "true")
}

// number reads a whole number, or otherwise where the key says nothing.
func (m *mapping) number(key string, otherwise, least, most int) int {
	n := m.take(key)
	if n == nil {
		return otherwise
	}
	word, ok := m.r.scalar(n, quote(key))
	if !ok {
		return otherwise
	}
	v, err := strconv.Atoi(word)
	if err != nil || v < least || v > most {
		m.r.fault(n, "%q is a whole number from %d to %d, not %s", key, least, most, quote(word))
		return otherwise
	}
	return v
}

// duration reads a duration of at least least. Where the key says nothing it
// is 0.
func (m *mapping) duration(key string, least time.Duration) time.Duration {
	n := m.take(key)
	if n == nil {
		return 0
	}
	word, ok := m.r.scalar(n, quote(key))
	if !ok {
		return 0
	}
	d, err := parseDuration(word)
	switch {
	case err != nil:
		m.r.fault(n, "%q: %s", key, err)
	case d < least:
		m.r.fault(n, "%q is at least %s, not %s; without a wish of your own leave it out", key, least, quote(word))
	}
	return d
}

// zone reads an IANA time zone, or nil. "Local" is refused: it would mean
// something else on each machine.
func (m *mapping) zone(key string) *time.Location {
	n := m.take(key)
	if n == nil {
		return nil
	}
	name, ok := m.r.scalar(n, quote(key))
	if !ok {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		m.r.fault(n, "%q: there is no time zone %s; zones are named like Europe/Berlin, America/New_York or UTC", key, quote(name))
		return nil
	}
	return zone
}

// email reads an e-mail address without a display name.
func (m *mapping) email(key string) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	text, ok := m.r.scalar(n, quote(key))
	if !ok || !m.r.address(n, key, text) {
		return ""
	}
	return text
}

func (r *reader) address(n *yaml.Node, key, text string) bool {
	a, err := mail.ParseAddress(text)
	if err == nil && a.Address == text {
		return true
	}
	if err == nil {
		r.fault(n, "%q is the address alone: write %s", key, quote(a.Address))
	} else {
		r.fault(n, "%q: %s is not an e-mail address; write one like ana@example.com", key, quote(text))
	}
	return false
}

// link reads an address for a browser. A fault does not repeat it: the path of
// a webhook is often a secret.
func (m *mapping) link(key string) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	return m.r.linkOf(n, key)
}

func (r *reader) linkOf(n *yaml.Node, key string) string {
	text, ok := r.scalar(n, quote(key))
	if !ok {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		r.fault(n, "%q wants a whole address, such as https://wiki.example.com/checkout", key)
	case u.User != nil:
		r.fault(n, "%q holds a name or a password before the @; secrets never stand in this file", key)
	case len(text) > 400:
		r.fault(n, "%q is longer than 400 bytes; shorten it", key)
	default:
		return text
	}
	return ""
}

// site reads how people reach the pages: scheme and host, nothing behind them.
func (m *mapping) site(key string) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	text := m.r.linkOf(n, key)
	u, err := url.Parse(text)
	if text == "" || err != nil {
		return ""
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		m.r.fault(n, "%q is scheme and host alone: write %s", key, quote(u.Scheme+"://"+u.Host))
	}
	return u.Scheme + "://" + u.Host
}

// lines reads a list of texts.
func (m *mapping) lines(key string, most, limit int) []string {
	entries := m.list(key)
	if len(entries) > most {
		m.r.fault(entries[most], "%q holds at most %d entries; this is one too many", key, most)
	}
	var all []string
	for _, n := range entries {
		if text := m.r.line(n, "an entry of "+quote(key), limit); text != "" {
			all = append(all, text)
		}
	}
	return all
}
