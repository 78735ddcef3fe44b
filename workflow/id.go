package workflow

import (
	"strconv"
	"strings"
)

const idPrefix = "INC-"

// ID names the incident with a number: "INC-7".
func ID(number int) string { return idPrefix + strconv.Itoa(number) }

// NumberOf returns the number in an incident's ID, or 0 when it is none. The
// letters may be in any case: people type "inc-7".
func NumberOf(id string) int {
	if len(id) <= len(idPrefix) || !strings.EqualFold(id[:len(idPrefix)], idPrefix) {
		return 0
	}
	digits := id[len(idPrefix):]
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || digits[0] == '0' || digits[0] == '+' {
		return 0
	}
	return n
}
