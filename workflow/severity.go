package workflow

import "strings"

// Severity is SEV1 (worst) to SEV5. The zero value means not set.
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

// Worse reports whether s is more severe than other. Anything is worse than
// not set.
func (s Severity) IsWorseThan(other Severity) bool {
	return s != 0 && (other == 0 || s < other)
}

// ParseSeverity reads "SEV2", "sev-2", "s2" or "2". ok is false otherwise.
func ParseSeverity(text string) (s Severity, ok bool) {
	w := strings.ToLower(strings.TrimSpace(text))
	w = strings.TrimPrefix(strings.TrimPrefix(w, "sev"), "s")
	w = strings.TrimPrefix(w, "-")
	if len(w) != 1 || w[0] < '1' || w[0] > '5' {
		return 0, false
	}
	return Severity(w[0] - '0'), true
}

// SeverityOfWord maps the words senders use, case-insensitively (rule I11).
// An unknown word is SEV3 and not ok: it pages as high urgency and is marked
// until somebody maps it.
func SeverityOfWord(word string) (s Severity, ok bool) {
	if s, ok := ParseSeverity(word); ok && len(word) > 1 {
		return s, true
	}
	switch strings.ToLower(strings.TrimSpace(word)) {
	case "critical", "fatal", "emergency", "page", "disaster", "p1", "down":
		return SEV1, true
	case "error", "high", "p2":
		return SEV2, true
	case "warning", "average", "p3":
		return SEV3, true
	case "low", "minor", "p4":
		return SEV4, true
	case "info", "notice", "p5":
		return SEV5, true
	}
	return SEV3, false
}

// Level is an impact or an urgency.
type Level string

// The levels. The zero value means not stated.
const (
	High   Level = "high"
	Medium Level = "medium"
	Low    Level = "low"
)

// ParseLevel reads a level or its first letter.
func ParseLevel(text string) (Level, bool) {
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

// Matrix gives a severity for each impact and urgency.
type Matrix map[Level]map[Level]Severity

// DefaultMatrix returns the published matrix that holds when none is
// configured.
func DefaultMatrix() Matrix {
	return Matrix{
		High:   {High: SEV1, Medium: SEV2, Low: SEV3},
		Medium: {High: SEV2, Medium: SEV3, Low: SEV4},
		Low:    {High: SEV3, Medium: SEV4, Low: SEV5},
	}
}

// Basis says where a severity came from.
type Basis string

// Where a severity can come from.
const (
	FromAlert   Basis = "alert"   // the worst alert
	FromMatrix  Basis = "matrix"  // impact × urgency
	FromPerson  Basis = "hand"    // a person set it
	FromDefault Basis = "default" // nobody said
)
