package config

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	yaml "go.yaml.in/yaml/v4"
)

const (
	// maxDepth is deeper than anything that means something here.
	maxDepth = 20
	// maxNodes bounds what a small file can become once its aliases are
	// written out.
	maxNodes = 1_000_000
)

// tree reads the file's one document with its aliases resolved, so that
// nothing behind it has to know of them. A nil node means an empty file. ok is
// false when there is nothing to go on with; why has then been told.
func (r *reader) tree(raw []byte) (top *yaml.Node, ok bool) {
	start := &yaml.Node{Line: 1, Column: 1}
	if len(raw) > maxBytes {
		r.fault(start, "the file is larger than 4 MiB; that cannot be a configuration")
		return nil, false
	}
	if at, why := unreadable(raw); why != "" {
		line := bytes.Count(raw[:at], []byte("\n")) + 1
		column := utf8.RuneCount(raw[bytes.LastIndexByte(raw[:at], '\n')+1:at]) + 1
		r.fault(&yaml.Node{Line: line, Column: column}, "%s", why)
		return nil, false
	}
	var documents []yaml.Node
	if err := yaml.Load(raw, &documents, yaml.WithAllDocuments()); err != nil {
		r.syntax(raw, err)
		return nil, false
	}
	switch len(documents) {
	case 0:
		return nil, true
	case 1:
	default:
		r.fault(&documents[1], "a second document begins here; keep one, and remove the line ---")
		return nil, false
	}
	visited := 0
	if !r.unalias(&documents[0], 0, &visited) {
		return nil, false
	}
	if len(documents[0].Content) == 0 || absent(documents[0].Content[0]) {
		return nil, true
	}
	return documents[0].Content[0], true
}

// unalias puts what each alias stands for in its place. An alias within its
// own anchor runs into maxDepth, a bomb of aliases into maxNodes.
func (r *reader) unalias(n *yaml.Node, depth int, visited *int) bool {
	*visited++
	switch {
	case depth > maxDepth:
		r.fault(n, "this is nested more than %d deep; nothing in the configuration is", maxDepth)
		return false
	case *visited > maxNodes:
		r.fault(n, "with its aliases written out the file holds more than a million values; use fewer")
		return false
	}
	for i, child := range n.Content {
		if child.Kind == yaml.AliasNode {
			child = child.Alias
			n.Content[i] = child
		}
		if !r.unalias(child, depth+1, visited) {
			return false
		}
	}
	return true
}

// syntax tells why the file is not YAML. The parser stops at the first place
// it cannot understand.
func (r *reader) syntax(raw []byte, err error) {
	at, e := &yaml.Node{Line: 1, Column: 1}, &yaml.LoadError{Message: err.Error()}
	if errors.As(err, &e) && e.Mark.Line > 0 {
		at = &yaml.Node{Line: e.Mark.Line, Column: e.Mark.Column}
	}
	r.fault(at, "%s", plainly(e, rest(raw, at.Line, at.Column)))
}

// plainly says in words for a person what the parser says in its own. here is
// what stands at the place.
func plainly(e *yaml.LoadError, here string) string {
	says := func(part string) bool { return strings.Contains(e.Message, part) }
	begun := e.ContextMark.Line
	switch {
	case strings.HasPrefix(here, "\t"):
		return "a tab stands here; indent with spaces"
	case says("cannot start any token") && here != "":
		first, _ := utf8.DecodeRuneInString(here)
		return "a text cannot begin with " + string(first) + "; put the whole of it in quotes"
	case says("mapping values are not allowed"):
		return "a second colon in one entry; put text that holds a colon in quotes, or begin a new line"
	case says("expected ',' or"):
		return fmt.Sprintf("a comma is missing before this, or the bracket that was opened in line %d is not closed", begun)
	case says("unexpected end of stream"):
		return fmt.Sprintf("the quote that was opened in line %d is not closed", begun)
	case says("did not find expected"):
		return "this does not line up with the lines above; indent entries that belong together alike"
	case says("unknown anchor"): // whose name may have been meant as a secret
		return "a text that begins with * stands for what & names further up, and nothing has this name; put the text in quotes if it is meant as it stands"
	case says("exceeded max depth"):
		return "this is nested too deep; nothing in the configuration is"
	}
	return "not YAML: " + e.Message
}

// unreadable says where and why the file is not text, which the parser tells
// without a place.
func unreadable(raw []byte) (at int, why string) {
	for at < len(raw) {
		c, size := utf8.DecodeRune(raw[at:])
		switch {
		case c == utf8.RuneError && size == 1:
			return at, "this is not text in UTF-8; save the file as UTF-8"
		case c < ' ' && c != '\t' && c != '\n' && c != '\r', c == 0x7f:
			return at, "a control character stands here, which cannot be seen; remove it"
		}
		at += size
	}
	return 0, ""
}

// rest returns what stands in the file from a position to the end of its line.
func rest(raw []byte, line, column int) string {
	lines := bytes.SplitN(raw, []byte("\n"), line+1)
	if line > len(lines) {
		return ""
	}
	runes := []rune(string(lines[line-1]))
	if column > len(runes) {
		return ""
	}
	return string(runes[column-1:])
}

// absent reports whether a value says nothing: it is missing, empty or null.
func absent(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.ScalarNode && (n.ShortTag() == "!!null" || strings.TrimSpace(n.Value) == "")
}
