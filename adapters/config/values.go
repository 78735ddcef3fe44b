package config

import (
	"net"
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

// The maximum lengths of texts, in characters. A longer text would be truncated in
// messages.
const (
	nameLength       = 80
	lineLength       = 120
	definitionLength = 500
	expressionLength = 2000
)

// readText reads one line of text; "" when there is none.
func (m *mapping) readText(key string, limit int) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	return m.r.readLine(n, quote(key), limit)
}

// readLine reads one line of at most limit characters from a node.
func (r *reader) readLine(n *yaml.Node, what string, limit int) string {
	raw, ok := r.readScalar(n, what)
	if !ok {
		return ""
	}
	clean, cut := workflow.CleanLine(raw, limit)
	if cut {
		r.addFault(n, "%s is longer than %d characters; shorten it", what, limit)
	}
	return clean
}

// readExpression reads a text without changing its white space inside.
func (m *mapping) readExpression(n *yaml.Node, key string) string {
	if n == nil {
		return ""
	}
	raw, ok := m.r.readScalar(n, quote(key))
	if ok && len(raw) > expressionLength {
		m.r.addFault(n, "%q is longer than %d characters; shorten it", key, expressionLength)
	}
	return raw
}

// readWord reads one of the words; "" when there is none.
func (m *mapping) readWord(key string, words ...string) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	word, ok := m.r.readScalar(n, quote(key))
	if !ok || !m.r.checkWord(n, quote(key), word, words) {
		return ""
	}
	return word
}

// checkWord reports whether word is one of words, and records a fault if not.
func (r *reader) checkWord(n *yaml.Node, what, word string, words []string) bool {
	if slices.Contains(words, word) {
		return true
	}
	if meant := commands.Nearest(word, words); meant != "" {
		r.addFault(n, "%s must be %s, not %s; did you mean %q?", what, joinWords(words), quote(word), meant)
	} else {
		r.addFault(n, "%s must be %s, not %s", what, joinWords(words), quote(word))
	}
	return false
}

// readFlag reads true or false.
func (m *mapping) readFlag(key string) bool {
	n := m.take(key)
	if n == nil {
		return false
	}
	word, ok := m.r.readScalar(n, quote(key))
	return ok && m.r.checkWord(n, quote(key), strings.ToLower(word), []string{"true", "false"}) && strings.EqualFold(word, "true")
}

// readNumber reads a whole number from least to most; otherwise is the
// default.
func (m *mapping) readNumber(key string, otherwise, least, most int) int {
	n := m.take(key)
	if n == nil {
		return otherwise
	}
	word, ok := m.r.readScalar(n, quote(key))
	if !ok {
		return otherwise
	}
	v, err := strconv.Atoi(word)
	if err != nil || v < least || v > most {
		m.r.addFault(n, "%q must be a whole number from %d to %d, not %s", key, least, most, quote(word))
		return otherwise
	}
	return v
}

// readDuration reads a duration of at least least; 0 when there is none.
func (m *mapping) readDuration(key string, least time.Duration) time.Duration {
	n := m.take(key)
	if n == nil {
		return 0
	}
	word, ok := m.r.readScalar(n, quote(key))
	if !ok {
		return 0
	}
	d, err := parseDuration(word)
	switch {
	case err != nil:
		m.r.addFault(n, "%q: %s", key, err)
	case d < least:
		m.r.addFault(n, "%q must be at least %s, not %s; leave it out for the default", key, least, quote(word))
	}
	return d
}

// readZone reads an IANA time zone; nil when there is none. "Local" is refused
// because it depends on the machine.
func (m *mapping) readZone(key string) *time.Location {
	n := m.take(key)
	if n == nil {
		return nil
	}
	name, ok := m.r.readScalar(n, quote(key))
	if !ok {
		return nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		m.r.addFault(n, "%q: there is no time zone %s; write one such as Europe/Berlin, America/New_York or UTC", key, quote(name))
		return nil
	}
	return zone
}

// readEmail reads an e-mail address without a display name.
func (m *mapping) readEmail(key string) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	text, ok := m.r.readScalar(n, quote(key))
	if !ok || !m.r.checkAddress(n, key, text) {
		return ""
	}
	return text
}

// checkAddress reports whether a text is an e-mail address, and records a
// fault if not.
func (r *reader) checkAddress(n *yaml.Node, key, text string) bool {
	a, err := mail.ParseAddress(text)
	if err == nil && a.Address == text {
		return true
	}
	if err == nil {
		r.addFault(n, "%q must be the address only: write %s", key, quote(a.Address))
	} else {
		r.addFault(n, "%q: %s is not an e-mail address; write one like ana@example.com", key, quote(text))
	}
	return false
}

// readURL reads an http or https URL. Faults do not repeat it, because the
// path of a webhook is often a secret.
func (m *mapping) readURL(key string) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	return m.r.readURLNode(n, key)
}

// readURLNode reads a URL from a node.
func (r *reader) readURLNode(n *yaml.Node, key string) string {
	text, ok := r.readScalar(n, quote(key))
	if !ok {
		return ""
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http":
		r.addFault(n, "%q must be a whole URL, such as https://wiki.example.com/checkout", key)
	case u.User != nil:
		r.addFault(n, "%q has a name or a password before the @; secrets must not be in this file", key)
	case len(text) > 400:
		r.addFault(n, "%q is longer than 400 bytes; shorten it", key)
	default:
		return text
	}
	return ""
}

// readSiteURL reads the URL of the server: only scheme and host.
func (m *mapping) readSiteURL(key string) string {
	n := m.take(key)
	if n == nil {
		return ""
	}
	text := m.r.readURLNode(n, key)
	u, err := url.Parse(text)
	if text == "" || err != nil {
		return ""
	}
	if strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" {
		m.r.addFault(n, "%q must be the scheme and the host only: write %s", key, quote(u.Scheme+"://"+u.Host))
	}
	if ip := net.ParseIP(u.Hostname()); ip != nil && ip.IsUnspecified() {
		m.r.addFault(n, "%q: %s is an address to listen on, which cannot be opened; write the address that people open, such as https://tocsin.example.com", key, u.Hostname())
	}
	return u.Scheme + "://" + u.Host
}

// readLines reads a list of texts.
func (m *mapping) readLines(key string, most, limit int) []string {
	entries := m.readList(key)
	if len(entries) > most {
		m.r.addFault(entries[most], "%q can have at most %d entries; remove this one and those after it", key, most)
	}
	var all []string
	for _, n := range entries {
		if text := m.r.readLine(n, "an entry of "+quote(key), limit); text != "" {
			all = append(all, text)
		}
	}
	return all
}
