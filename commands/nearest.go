package commands

import "strings"

// maxName is how many bytes of a word are compared with names: none is longer.
const maxName = 256

// Nearest returns the candidate that a misspelled word probably means, or "" if none is
// close enough. They are compared as [Fold] returns them.
func Nearest(word string, candidates []string) string {
	if len(word) > maxName {
		return ""
	}
	typed := []rune(Fold(word))
	found, least := "", min(max(1, len(typed)/3), 3, max(len(typed)-1, 0))+1
	for _, candidate := range candidates {
		right := []rune(Fold(candidate))
		d := distance(typed, right, least)
		if hasPrefix(right, typed, 2) || hasPrefix(typed, right, 3) {
			d = min(d, 1)
		}
		if d < least {
			found, least = candidate, d
		}
	}
	return found
}

// hasPrefix reports whether s begins with prefix, and prefix has at least minimum
// letters.
func hasPrefix(s, prefix []rune, minimum int) bool {
	return len(prefix) >= minimum && strings.HasPrefix(string(s), string(prefix))
}

// distance returns how many letters must be added, removed, replaced or swapped with
// their neighbor to turn a into b. From limit on, the result is only known to be at least
// limit.
func distance(a, b []rune, limit int) int {
	if max(len(a)-len(b), len(b)-len(a)) >= limit {
		return limit
	}
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for n := range row {
		row[n] = n
	}
	for i := range a {
		next := make([]int, len(b)+1)
		next[0] = i + 1
		for j := range b {
			replaced := row[j]
			if a[i] != b[j] {
				replaced++
			}
			next[j+1] = min(replaced, next[j]+1, row[j+1]+1)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}
