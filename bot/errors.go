package bot

import (
	"errors"
	"fmt"
	"time"
)

// ErrPaced is wrapped in the error of an adapter that delayed a call itself, to stay
// within the platform's rate limit: the platform was not asked.
var ErrPaced = errors.New("delayed to stay within the rate limit")

// ErrUnknownOutcome is wrapped in the error of an adapter that sent everything and got
// no answer: to send it again may make a second one, so the caller waits or asks first
// (E4c: slow is not failed).
var ErrUnknownOutcome = errors.New("the provider may have accepted it; no answer came")

// permanentError marks an error that a retry cannot solve.
type permanentError struct{ error }

func (e permanentError) Unwrap() error { return e.error }

// Permanent marks an error that a retry cannot solve.
func Permanent(err error) error { return permanentError{err} }

// IsPermanent reports whether an error was marked by [Permanent].
func IsPermanent(err error) bool {
	_, ok := errors.AsType[permanentError](err)
	return ok
}

// retryError is an error with the time after which a retry makes sense.
type retryError struct {
	error
	after time.Duration
}

func (e retryError) Unwrap() error { return e.error }

// RetryAfter marks an error whose sender said how long to wait before a retry.
func RetryAfter(d time.Duration, err error) error {
	return retryError{fmt.Errorf("%w (again in %s)", err, d), d}
}

// RetryDelay returns the delay that an error was marked with by [RetryAfter].
func RetryDelay(err error) (d time.Duration, ok bool) {
	e, ok := errors.AsType[retryError](err)
	return e.after, ok
}
