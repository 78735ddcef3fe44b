package alerts

import "errors"

// ErrNoAlert is what the error of a decoder wraps when the body is well-formed and
// holds nothing that could be an alert, such as {}. Such a body is kept like every one
// that cannot be read, but it is less urgent: no alert is lost.
var ErrNoAlert = errors.New("it holds no alert")

// Unreadable is an authenticated delivery that is kept as a dead letter.
type Unreadable struct {
	Body []byte
	// Truncated says that Body is only the beginning of what was sent.
	Truncated bool
	// Reason is one line for people.
	Reason string
	// HasNoAlert says that no alert was in it: its owner is told with a low severity.
	HasNoAlert bool
}
