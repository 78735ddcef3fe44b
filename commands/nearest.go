package commands

import "strings"

// Nearest returns the word that somebody probably meant, or "" when none is
// close enough. Upper and lower case are the same.
func Nearest(word string, among []string) string {
	typed := []rune(strings.ToLower(word))
	if len(typed) > 64 {
		return ""
	}
	found, least := "", min(max(1, len(typed)/3), 3, max(len(typed)-1, 0))+1
	for _, candidate := range among {
		meant := []rune(strings.ToLower(candidate))
		d := distance(typed, meant, least)
		if hasPrefix(meant, typed, 2) || hasPrefix(typed, meant, 3) {
			d = min(d, 1)
		}
		if d < least {
			found, least = candidate, d
		}
	}
	return found
}

// begins reports whether a begins with b, which has at least so many letters.
func hasPrefix(a, b []rune, letters int) bool {
	return len(b) >= letters && strings.HasPrefix(string(a), string(b))
}

// distance counts the letters to add, remove, replace or swap with their
// neighbor. Where it is at least limit, it may be any number that is.
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
