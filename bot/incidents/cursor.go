package incidents

import (
	"fmt"

	"tocsin/bot"
	"tocsin/workflow"
)

// Cursor is a place in a list, for its next page: after an open incident, or before the
// number of an ended one. Zero is the beginning, and as the next page that there is none.
type Cursor struct {
	open   bot.Place
	before int
}

// After returns the place just after an incident.
func After(i *workflow.Incident) Cursor {
	if i.IsOpen() {
		return Cursor{open: bot.Place{Need: i.Listing().Need, Number: i.Number}}
	}
	return Cursor{before: i.Number}
}

// IsZero reports whether the cursor is the beginning of a list, or there is no next page.
func (c Cursor) IsZero() bool { return c == Cursor{} }

// String encodes a cursor; "" is the zero one.
func (c Cursor) String() string {
	switch {
	case c.IsZero():
		return ""
	case c.before > 0:
		return fmt.Sprintf("before-%d", c.before)
	}
	return fmt.Sprintf("after-%d-%d", c.open.Need, c.open.Number)
}

// ParseCursor decodes what [Cursor.String] encoded.
func ParseCursor(text string) (c Cursor, ok bool) {
	if _, err := fmt.Sscanf(text, "before-%d", &c.before); err != nil || c.before < 0 {
		c.before = 0
		if _, err := fmt.Sscanf(text, "after-%d-%d", &c.open.Need, &c.open.Number); err != nil {
			return Cursor{}, text == ""
		}
	}
	return c, c.String() == text && c.open.Need >= 0
}
