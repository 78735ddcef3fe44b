package workflow

import "strings"

// Severity is how bad an incident is: SEV1 (worst) to SEV5. The zero value means not
// set.
type Severity int

// The severities.
const (
	SEV1 Severity = 1 + iota
	SEV2
	SEV3
	SEV4
	SEV5
)

// String returns "SEV1" … "SEV5", or "" when not set.
func (s Severity) String() string {
	if s < SEV1 || s > SEV5 {
		return ""
	}
	return "SEV" + string(rune('0'+int(s)))
}

// IsWorseThan reports whether s is more severe than other. Every severity is worse
// than one that is not set.
func (s Severity) IsWorseThan(other Severity) bool {
	return s != 0 && (other == 0 || s < other)
}

// ParseSeverity reads "SEV2", "sev-2", "s2" or "2"; ok is false for anything else.
func ParseSeverity(text string) (s Severity, ok bool) {
	w := strings.ToLower(strings.TrimSpace(text))
	w = strings.TrimPrefix(strings.TrimPrefix(w, "sev"), "s")
	w = strings.TrimPrefix(w, "-")
	if len(w) != 1 || w[0] < '1' || w[0] > '5' {
		return 0, false
	}
	return Severity(w[0] - '0'), true
}

// Level is a degree of impact or urgency.
type Level string

// The levels. The zero value means not stated.
const (
	High   Level = "high"
	Medium Level = "medium"
	Low    Level = "low"
)

// ParseLevel reads "high", "medium" or "low", or the first letter, in any case; ok is
// false for anything else.
func ParseLevel(text string) (l Level, ok bool) {
	switch strings.ToLower(strings.TrimSpace(text)) {
	case "high", "h":
		return High, true
	case "medium", "med", "m":
		return Medium, true
	case "low", "l":
		return Low, true
	}
	return "", false
}

// Matrix gives the severity for an impact (first key) and an urgency (second key).
type Matrix map[Level]map[Level]Severity

// DefaultMatrix returns the matrix that is used when none is configured.
func DefaultMatrix() Matrix {
	return Matrix{
		High:   {High: SEV1, Medium: SEV2, Low: SEV3},
		Medium: {High: SEV2, Medium: SEV3, Low: SEV4},
		Low:    {High: SEV3, Medium: SEV4, Low: SEV5},
	}
}

// Basis says what a severity was derived from.
type Basis string

// The bases of a severity.
const (
	FromAlert   Basis = "alert"   // the worst alert
	FromMatrix  Basis = "matrix"  // impact and urgency
	FromPerson  Basis = "person"  // a person set it
	FromDefault Basis = "default" // nothing was stated
)
