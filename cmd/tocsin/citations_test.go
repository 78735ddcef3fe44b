package main_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"path"
	"regexp"
	"strings"
)

// The list of rules and the citations of it, as pure functions of a file's text.

const ruleList = "docs/rules.md"

// rule is one line of the list.
type rule struct {
	id, name string // "E3", "check again before each send"
	holds    bool   // else it is planned
	line     int
}

// citation is a place that names a rule. name is the short name that it gives
// the rule, or "".
type citation struct {
	id, name string
	file     string
	line     int
}

var ruleLine = regexp.MustCompile(`^- \*\*([CIGOESRPX]\d{1,2}[a-z]?) · ([^*:;,()]+)\*\* \*(holds|planned)\*\. \S`)

// parseRules parses the list. The faults are lines that look like a rule and
// are not valid, and IDs and names that are used twice.
func parseRules(text string) (rules map[string]rule, faults []string) {
	rules = map[string]rule{}
	names := map[string]string{}
	for n, line := range strings.Split(text, "\n") {
		if !strings.HasPrefix(line, "- **") {
			continue
		}
		part := ruleLine.FindStringSubmatch(line)
		if part == nil {
			faults = append(faults, fmt.Sprintf("%s:%d: this is no rule: write `- **E3 · check again before each send** *holds*. Text` or *planned*; a short name has no punctuation", ruleList, n+1))
			continue
		}
		r := rule{id: part[1], name: part[2], holds: part[3] == "holds", line: n + 1}
		switch {
		case rules[r.id].id != "":
			faults = append(faults, fmt.Sprintf("%s:%d: %s is defined in line %d already", ruleList, r.line, r.id, rules[r.id].line))
		case names[r.name] != "":
			faults = append(faults, fmt.Sprintf("%s:%d: %s and %s have the same short name", ruleList, r.line, names[r.name], r.id))
		}
		rules[r.id], names[r.name] = r, r.id
	}
	return rules, faults
}

// fault returns what is wrong with a citation and how to fix it, or "".
func (c citation) fault(rules map[string]rule) string {
	r, ok := rules[c.id]
	switch {
	case !ok:
		return fmt.Sprintf("%s:%d cites rule %s, which %s does not define: correct the citation, or add the rule there", c.file, c.line, c.id, ruleList)
	case c.name != "" && c.name != r.name:
		return fmt.Sprintf("%s:%d calls rule %s %q: write (%s: %s), as %s does", c.file, c.line, c.id, c.name, c.id, r.name, ruleList)
	}
	return ""
}

// isTest reports whether a citation in the file counts as a test of the rule.
func isTest(file string) bool {
	return strings.HasSuffix(file, "_test.go") || within(path.Dir(file), suites) || path.Ext(file) == ".txt"
}

// block is text in which rules are cited: one comment, or a document.
type block struct {
	line int // of its first line
	text string
}

// How a rule is cited. Words of alert sources ("P1") and of vendors ("S3") look like IDs, so an ID alone is no citation: it stands in parentheses, after the
// word "rule", before a colon where a sentence begins, makes up the whole comment, or is part of a test's name.
const (
	ruleID  = `[CIGOESRPX]\d{1,2}[a-z]?`
	ruleIDs = `\b` + ruleID + `\b(?:(?:,\s*(?:and\s+|or\s+)?|\s+(?:and|or)\s+)` + ruleID + `\b)*`
)

var (
	oneRule    = regexp.MustCompile(ruleID)
	citedRules = []*regexp.Regexp{
		regexp.MustCompile(`(?i:\brules?)\s+(` + ruleIDs + `)`),
		regexp.MustCompile(`\((?:see\s+)?(` + ruleIDs + `)\s*[):;,]`),
		regexp.MustCompile(`(?m)(?:^[-*#\s]*|[.;]\s+)(` + ruleIDs + `):\s`),
		regexp.MustCompile(`^\s*(` + ruleIDs + `)\s*$`),
		regexp.MustCompile(`\bTest(` + ruleID + `)(?:[A-Z_]|\b)`),
	}
	namedRules = regexp.MustCompile(`\((` + ruleID + `:\s[^():;]+(?:;\s+` + ruleID + `:\s[^():;]+)*)\)`)
	testOfRule = regexp.MustCompile(`^(?:Test|Fuzz|Benchmark)(` + ruleID + `)(?:[A-Z_]|$)`)
)

// find returns the rules that a block cites, each once for each place.
func (b block) find(file string) []citation {
	seen := map[int]bool{} // where in the text an ID stands
	var all []citation
	add := func(from, to int, name string) {
		if seen[from] {
			return
		}
		seen[from] = true
		all = append(all, citation{id: b.text[from:to], name: name, file: file, line: b.line + strings.Count(b.text[:from], "\n")})
	}
	for _, at := range namedRules.FindAllStringSubmatchIndex(b.text, -1) {
		start := at[2]
		for item := range strings.SplitSeq(b.text[at[2]:at[3]], ";") {
			id := oneRule.FindStringIndex(item)
			_, name, _ := strings.Cut(item, ":")
			add(start+id[0], start+id[1], strings.Join(strings.Fields(name), " "))
			start += len(item) + 1
		}
	}
	for _, form := range citedRules {
		for _, at := range form.FindAllStringSubmatchIndex(b.text, -1) {
			for _, id := range oneRule.FindAllStringIndex(b.text[at[2]:at[3]], -1) {
				add(at[2]+id[0], at[2]+id[1], "")
			}
		}
	}
	return all
}

// findCitations returns the citations of a file: in a document everywhere,
// else in comments and in the names of tests. A rule in a string of a program
// is not cited.
func findCitations(file, text string) ([]citation, error) {
	switch path.Ext(file) {
	case ".go":
		return findInGo(file, text)
	case ".md":
		return block{1, text}.find(file), nil
	case ".lua":
		return findInLines("--", file, text), nil
	}
	return findInLines("#", file, text), nil
}

// findInLines reads a file whose comments begin with a marker and end with the
// line. Consecutive lines are one comment.
func findInLines(marker, file, text string) []citation {
	var all []citation
	var b block
	end := func() { all, b = append(all, b.find(file)...), block{} }
	for n, line := range strings.Split(text, "\n") {
		before, comment, ok := strings.Cut(line, marker)
		if !ok || strings.TrimSpace(before) != "" {
			end()
		}
		if ok && b.line == 0 {
			b.line = n + 1
		}
		if ok {
			b.text += comment + "\n"
		}
	}
	end()
	return all
}

func findInGo(file, text string) ([]citation, error) {
	files := token.NewFileSet()
	parsed, err := parser.ParseFile(files, file, text, parser.ParseComments|parser.SkipObjectResolution)
	if err != nil {
		return nil, fmt.Errorf("look for citations: %w", err)
	}
	var all []citation
	for _, group := range parsed.Comments {
		b := block{line: files.Position(group.Pos()).Line}
		for _, c := range group.List {
			b.text += strings.TrimSuffix(c.Text[2:], "*/") + "\n"
		}
		all = append(all, b.find(file)...)
	}
	for _, d := range parsed.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok || f.Recv != nil || !strings.HasSuffix(file, "_test.go") {
			continue
		}
		if part := testOfRule.FindStringSubmatch(f.Name.Name); part != nil {
			all = append(all, citation{id: part[1], file: file, line: files.Position(f.Pos()).Line})
		}
	}
	return all, nil
}
