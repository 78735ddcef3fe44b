package commands

// Access is what a person or a token may do. Each level includes those below it.
type Access int

// The levels of access, from the lowest to the highest.
const (
	Guest       Access = iota // declares incidents, and reads those that are not private
	Stakeholder               // the same as Guest today
	Responder                 // also works on incidents
	Commander                 // also cancels, merges and closes by force
	Admin                     // may do everything, and act for other people
)

// String returns the name of the level in the configuration, such as "responder".
func (a Access) String() string {
	return [...]string{"guest", "stakeholder", "responder", "commander", "admin"}[min(max(a, Guest), Admin)]
}

// CanUse reports whether the level is enough for a command. Who may use it on an
// incident also depends on how they stand to it: package access decides that.
func (a Access) CanUse(s Spec) bool { return a >= s.Access }

// ParseAccess returns the level with a name in the configuration; ok is false if there is
// none.
func ParseAccess(name string) (a Access, ok bool) {
	for a = Guest; a <= Admin; a++ {
		if a.String() == name {
			return a, true
		}
	}
	return Guest, false
}
