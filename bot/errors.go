package bot

import (
	"errors"
	"fmt"
	"time"
)

// ErrPaced is part of the error of an adapter that has put something off itself,
// to keep within what its platform allows: the platform was not asked.
var ErrPaced = errors.New("as often as is allowed")

// permanentError marks an error that trying again cannot mend.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// Permanent marks an error that trying again cannot mend.
func Permanent(err error) error { return permanentError{err} }

// IsPermanent reports whether an error was marked by [Permanent].
func IsPermanent(err error) bool {
	_, ok := errors.AsType[permanentError](err)
	return ok
}

// retryError says when to try again.
type retryError struct {
	error
	after time.Duration
}

func (e retryError) Unwrap() error { return e.error }

// RetryAfter marks an error whose sender said when to try again.
func RetryAfter(d time.Duration, err error) error {
	return retryError{fmt.Errorf("%w (again in %s)", err, d), d}
}

// RetryDelay returns what [RetryAfter] was told.
func RetryDelay(err error) (time.Duration, bool) {
	e, ok := errors.AsType[retryError](err)
	return e.after, ok
}
