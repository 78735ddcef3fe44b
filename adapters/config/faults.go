package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// maxFaults is the maximum number of faults that are reported; maxKept is the
// maximum number that are recorded before they are sorted.
const (
	maxFaults = 50
	maxKept   = 500
)

// Fault is one thing that is wrong with the configuration.
type Fault struct {
	File    string
	Line    int    // from 1
	Column  int    // from 1
	Message string // what is wrong and how to fix it; never a secret
}

// Error returns "file:line:column: message".
func (f Fault) Error() string {
	return fmt.Sprintf("%s:%d:%d: %s", f.File, f.Line, f.Column, f.Message)
}

// Faults is everything that is wrong with the configuration, by position.
type Faults []Fault

// Error returns the faults, a line each.
func (f Faults) Error() string {
	lines := make([]string, 0, len(f))
	for _, one := range f {
		lines = append(lines, one.Error())
	}
	return strings.Join(lines, "\n")
}

// sortedFaults returns the recorded faults in their order in the file, each
// once, at most maxFaults.
func (r *reader) sortedFaults() Faults {
	all := slices.Clone(r.faults)
	slices.SortStableFunc(all, func(a, b Fault) int {
		return cmp.Or(cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column), strings.Compare(a.Message, b.Message))
	})
	all = slices.Compact(all)
	if len(all) <= maxFaults {
		return all
	}
	more := len(all) - maxFaults + 1
	last := all[maxFaults-1]
	last.Message = fmt.Sprintf("%d more faults from here on; fix those above first", more)
	if r.dropped {
		last.Message = "many more faults from here on; fix those above first"
	}
	return append(all[:maxFaults-1], last)
}

// joinWords joins words as a choice: "a, b or c". It shows at most 20.
func joinWords(words []string) string {
	if len(words) > 20 {
		return strings.Join(words[:20], ", ") + " …"
	}
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	last := len(words) - 1
	return strings.Join(words[:last], ", ") + " or " + words[last]
}

// quote quotes a text of the file, shortened to 60 characters.
func quote(text string) string {
	if runes := []rune(text); len(runes) > 60 {
		text = string(runes[:59]) + "…"
	}
	return fmt.Sprintf("%q", text)
}
