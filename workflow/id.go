package workflow

import (
	"strconv"
	"strings"
)

const (
	idPrefix    = "INC-"
	maxIDDigits = 10
)

// ID returns the ID of the incident with a number: ID(7) is "INC-7".
func ID(number int) string { return idPrefix + strconv.Itoa(number) }

// NumberOf returns the number in an incident's ID, or 0 if id is not one. Each
// incident has exactly one ID: "inc-7" and "INC-07" are not IDs, see [ParseNumber].
func NumberOf(id string) int {
	digits, ok := strings.CutPrefix(id, idPrefix)
	if !ok {
		return 0
	}
	n := numberIn(digits)
	if n > 0 && digits[0] == '0' {
		return 0
	}
	return n
}

// ParseNumber returns the number of the incident whose ID a person has typed: 7 for
// "INC-7", "inc-7" and "inc7". It returns 0 if text is not an ID.
func ParseNumber(text string) int {
	letters := len(idPrefix) - 1
	if len(text) <= letters || !strings.EqualFold(text[:letters], idPrefix[:letters]) {
		return 0
	}
	return numberIn(strings.TrimPrefix(text[letters:], "-"))
}

// FindIDs returns the IDs of incidents that stand in a text, in order.
func FindIDs(text string) []string {
	var ids []string
	for {
		_, rest, ok := strings.Cut(text, idPrefix)
		if !ok {
			return ids
		}
		size := len(rest) - len(strings.TrimLeft(rest, "0123456789"))
		if NumberOf(idPrefix+rest[:size]) > 0 {
			ids = append(ids, idPrefix+rest[:size])
		}
		text = rest
	}
}

// numberIn returns the number that a text of digits stands for, or 0 if the text has
// other characters or is too long.
func numberIn(digits string) int {
	n := 0
	for _, d := range []byte(digits) {
		if d < '0' || d > '9' {
			return 0
		}
		n = 10*n + int(d-'0')
	}
	if len(digits) > maxIDDigits {
		return 0
	}
	return n
}
