package commands

// Access is what somebody may do. A higher access may do all of the lower.
type Access int

// The levels of access.
const (
	Guest Access = iota
	Stakeholder
	Responder
	Commander
	Admin
)

// String returns the word used in the configuration.
func (a Access) String() string {
	return [...]string{"guest", "stakeholder", "responder", "commander", "admin"}[min(max(a, Guest), Admin)]
}

// ParseAccess reads the word used in the configuration.
func ParseAccess(word string) (Access, bool) {
	for a := Guest; a <= Admin; a++ {
		if a.String() == word {
			return a, true
		}
	}
	return Guest, false
}
