package bot

import (
	"errors"
	"fmt"
	"time"

	"tocsin/workflow"
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
	after  time.Duration
	counts bool // as an attempt
}

func (e retryError) Unwrap() error { return e.error }

// RetryAfter marks an error whose sender said how long to wait before a retry. It is no
// failed attempt: a later failure is tried again as soon as a first one.
func RetryAfter(d time.Duration, err error) error {
	return retryError{error: fmt.Errorf("%w (again in %s)", err, workflow.FormatDuration(d)), after: d}
}

// NotReady marks an error of work that waits for other work of Tocsin, and is looked at
// again after a while. Unlike with [RetryAfter], each look counts as an attempt.
func NotReady(d time.Duration, err error) error {
	return retryError{error: fmt.Errorf("%w (again in %s)", err, workflow.FormatDuration(d)), after: d, counts: true}
}

// IsPutOff reports whether the other party has put the work off: it has said when to come
// again, and nothing has failed.
func IsPutOff(err error) bool {
	e, ok := errors.AsType[retryError](err)
	return ok && !e.counts
}

// RetryDelay returns the delay that an error was marked with by [RetryAfter] or
// [NotReady].
func RetryDelay(err error) (d time.Duration, ok bool) {
	e, ok := errors.AsType[retryError](err)
	return e.after, ok
}

// blockedDelay is how long work waits that a platform refuses until an operator fixes
// something: long enough to count as a failed page, so that the next method follows now,
// and short enough that everything catches up soon after the fix.
const blockedDelay = 15 * time.Second

// blockedError marks an error that lasts until an operator fixes something.
type blockedError struct{ error }

func (e blockedError) Unwrap() error { return e.error }

// Blocked marks an error that a retry solves once an operator has fixed something at the
// platform, such as a refused token or a missing permission. It is temporary: the work
// waits in its order, and is tried again every 15 seconds (E4g: what an operator can fix
// waits).
func Blocked(err error) error { return RetryAfter(blockedDelay, blockedError{err}) }

// IsBlocked reports whether an error was marked by [Blocked].
func IsBlocked(err error) bool { return BlockedReason(err) != "" }

// BlockedReason returns what an operator has to fix; "" when the error was not marked by
// [Blocked].
func BlockedReason(err error) string {
	e, ok := errors.AsType[blockedError](err)
	if !ok {
		return ""
	}
	return e.Error()
}

// IsRefused reports whether the other party has refused: for good, or until an operator
// fixes something. A caller that answers a person does not wait for either.
func IsRefused(err error) bool { return IsPermanent(err) || IsBlocked(err) }
