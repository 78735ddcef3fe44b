package workflow

import (
	"strconv"
	"strings"
)

const (
	idPrefix    = "INC-"
	maxIDLength = len(idPrefix) + 10
)

// ID returns the ID of the incident with a number: ID(7) is "INC-7".
func ID(number int) string { return idPrefix + strconv.Itoa(number) }

// NumberOf returns the number in an incident's ID, or 0 if id is not one. It
// also reads what people type instead of "INC-7": "inc-7" and "inc7".
func NumberOf(id string) int {
	letters := len(idPrefix) - 1
	if len(id) <= letters || len(id) > maxIDLength || !strings.EqualFold(id[:letters], idPrefix[:letters]) {
		return 0
	}
	digits := strings.TrimPrefix(id[letters:], "-")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || digits[0] == '+' {
		return 0
	}
	return n
}
