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
	// maxDepth is the maximum depth of nested values; a valid file needs less.
	maxDepth = 20
	// maxNodes is the maximum number of values after aliases are replaced: a small
	// file can refer to the same values many times.
	maxNodes = 1_000_000
)

// parseDocument parses the one document of the file and replaces its aliases
// by what they refer to. top is nil for an empty file. ok is false when the
// file cannot be parsed; a fault is then recorded.
func (r *reader) parseDocument(raw []byte) (top *yaml.Node, ok bool) {
	start := &yaml.Node{Line: 1, Column: 1}
	if len(raw) > maxBytes {
		r.addFault(start, "the file is larger than 4 MiB; a configuration can have at most 4 MiB")
		return nil, false
	}
	if at, why := findUnreadable(raw); why != "" {
		line := bytes.Count(raw[:at], []byte("\n")) + 1
		column := utf8.RuneCount(raw[bytes.LastIndexByte(raw[:at], '\n')+1:at]) + 1
		r.addFault(&yaml.Node{Line: line, Column: column}, "%s", why)
		return nil, false
	}
	var documents []yaml.Node
	if err := yaml.Load(raw, &documents, yaml.WithAllDocuments()); err != nil {
		r.reportSyntax(raw, err)
		return nil, false
	}
	switch len(documents) {
	case 0:
		return nil, true
	case 1:
	default:
		r.addFault(&documents[1], "a second document begins here; keep one, and remove the line ---")
		return nil, false
	}
	visited := 0
	if !r.resolveAliases(&documents[0], 0, &visited) {
		return nil, false
	}
	if len(documents[0].Content) == 0 || isAbsent(documents[0].Content[0]) {
		return nil, true
	}
	return documents[0].Content[0], true
}

// resolveAliases replaces each alias below a node by what it refers to. An
// alias within its own anchor exceeds maxDepth, and a bomb of aliases exceeds
// maxNodes.
func (r *reader) resolveAliases(n *yaml.Node, depth int, visited *int) bool {
	*visited++
	switch {
	case depth > maxDepth:
		r.addFault(n, "this is nested more than %d levels deep; the configuration needs fewer", maxDepth)
		return false
	case *visited > maxNodes:
		r.addFault(n, "with its aliases replaced the file has more than a million values; use fewer")
		return false
	}
	for i, child := range n.Content {
		if child.Kind == yaml.AliasNode {
			child = child.Alias
			n.Content[i] = child
		}
		if !r.resolveAliases(child, depth+1, visited) {
			return false
		}
	}
	return true
}

// reportSyntax records why the file is not valid YAML. The parser stops at the
// first error.
func (r *reader) reportSyntax(raw []byte, err error) {
	at, e := &yaml.Node{Line: 1, Column: 1}, &yaml.LoadError{Message: err.Error()}
	if errors.As(err, &e) && e.Mark.Line > 0 {
		at = &yaml.Node{Line: e.Mark.Line, Column: e.Mark.Column}
	}
	r.addFault(at, "%s", explainSyntax(e, restOfLine(raw, at.Line, at.Column), restOfLine(raw, at.Line, 1)))
}

// explainSyntax returns an error of the parser in words for people. here is
// the text at the position of the error, line that of its whole line.
func explainSyntax(e *yaml.LoadError, here, line string) string {
	contains := func(part string) bool { return strings.Contains(e.Message, part) }
	begun := e.ContextMark.Line
	switch {
	case strings.HasPrefix(here, "\t"):
		return "a tab at the beginning; indent with spaces"
	case contains("cannot start any token") && here != "":
		first, _ := utf8.DecodeRuneInString(here)
		return "a value cannot begin with " + string(first) + "; put it in quotes"
	case contains("mapping values are not allowed"):
		return "a second colon in one entry; put a value that has a colon in quotes, or begin a new line"
	case contains("expected ',' or"):
		return fmt.Sprintf("a comma is missing before this, or the bracket that was opened in line %d is not closed", begun)
	case contains("unexpected end of stream"):
		return fmt.Sprintf("the quote that was opened in line %d is not closed", begun)
	case contains("did not find expected") && strings.Contains(line, ": *"): // an unquoted cron, such as */15 * * * *
		return "a value cannot begin with *; put it in quotes"
	case contains("did not find expected"):
		return "the indentation does not match the lines above; indent the entries of a list or a mapping equally"
	case contains("unknown anchor"): // without its name, which may be a secret
		return "a value that begins with * is an alias, and no anchor above has this name; if it is text, put it in quotes"
	case contains("exceeded max depth"):
		return "this is nested too deep; the configuration needs at most 20 levels"
	}
	return "this is not valid YAML: " + e.Message
}

// findUnreadable returns the position of the first byte that is not text, and
// what is wrong with it; the error of the parser has no position.
func findUnreadable(raw []byte) (at int, why string) {
	for at < len(raw) {
		c, size := utf8.DecodeRune(raw[at:])
		switch {
		case c == utf8.RuneError && size == 1:
			return at, "this is not text in UTF-8; save the file as UTF-8"
		case c < ' ' && c != '\t' && c != '\n' && c != '\r', c == 0x7f:
			return at, "an invisible control character; remove it"
		}
		at += size
	}
	return 0, ""
}

// restOfLine returns the text from a position to the end of its line.
func restOfLine(raw []byte, line, column int) string {
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

// isAbsent reports whether a value is missing, empty or null.
func isAbsent(n *yaml.Node) bool {
	return n == nil || n.Kind == yaml.ScalarNode && (n.ShortTag() == "!!null" || strings.TrimSpace(n.Value) == "")
}
