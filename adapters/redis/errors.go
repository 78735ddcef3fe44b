package redis

import (
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"
)

// ErrClosed is returned by a store after Close.
var ErrClosed = errors.New("the store is closed")

// ErrUnavailable is returned when Redis does not answer. It is then unknown whether
// the requested change was made.
var ErrUnavailable = errors.New("Redis does not answer") //nolint:staticcheck // a name

// unavailable returns ErrUnavailable with its cause.
func unavailable(err error) error {
	if err == nil {
		return ErrUnavailable
	}
	if advice(err) != "" { // it does answer
		return refusal{explain(err)}
	}
	return fmt.Errorf("%w: %w", ErrUnavailable, explain(err))
}

// refusal is the answer of a server that cannot do its work now. It counts as
// ErrUnavailable.
type refusal struct{ error }

func (r refusal) Unwrap() error { return r.error }

// Is implements [errors.Is].
func (r refusal) Is(target error) bool { return target == ErrUnavailable }

// isTransient reports whether a retry may succeed: the server did not answer, is
// starting, or is becoming a replica of another.
func isTransient(err error) bool {
	if _, ok := errors.AsType[goredis.Error](err); !ok {
		return true
	}
	for _, prefix := range []string{"NOSCRIPT", "LOADING", "READONLY", "MASTERDOWN", "CLUSTERDOWN", "TRYAGAIN", "BUSY", "NOREPLICAS", "EXECABORT", "MOVED", "ASK"} {
		if goredis.HasErrorPrefix(err, prefix) {
			return true
		}
	}
	return false
}

// explain adds advice to an error of the server.
func explain(err error) error {
	if text := advice(err); text != "" {
		return fmt.Errorf("%s (%w)", text, err)
	}
	return err
}

// advice returns what an operator can do about an error of the server; "" when there is
// nothing.
func advice(err error) string {
	for prefix, text := range map[string]string{
		"OOM":        "Redis is full: raise its maxmemory, or shorten `retention:`; maxmemory-policy must stay noeviction",
		"EXECABORT":  "Redis has refused a transaction, as it does when it is full: raise its maxmemory, and look at its log",
		"READONLY":   "this Redis is a replica and takes no writes: name the primary, or Sentinel, in REDIS_URL",
		"MISCONF":    "Redis cannot write to its disk: free some space there, and look at its log",
		"NOREPLICAS": "Redis refuses writes while it has too few replicas (min-replicas-to-write): look at its replicas",
		"WRONGPASS":  "the user or password in REDIS_URL is wrong",
		"NOAUTH":     "this Redis wants a password: REDIS_URL=redis://:PASSWORD@host:6379",
		"NOPERM":     "the user in REDIS_URL may not do this: it needs all commands on the namespace's keys, and its feed channel",
		"WRONGTYPE":  "the namespace is used by another program: choose another with ?namespace=NAME in REDIS_URL",
	} {
		if goredis.HasErrorPrefix(err, prefix) {
			return text
		}
	}
	return ""
}
