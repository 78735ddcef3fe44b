package redis

import (
	"context"
	"errors"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"tocsin/bot"
)

// probeTimeout is how long a probe may take, and probeSize is how many bytes it writes.
const (
	probeTimeout = 5 * time.Second
	probeSize    = 1 << 10
)

// CheckWrites returns why Redis takes no writes, in words for an operator; nil when it
// does. It asks the latest write, or writes something itself when that is long ago. It
// waits until ctx ends.
func (s *Store) CheckWrites(ctx context.Context) error {
	return s.health.Check(ctx, time.Now(), func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, probeTimeout)
		defer cancel()
		return publicError(s.client.Set(ctx, s.keys.of(keyProbe), strings.Repeat("x", probeSize), time.Minute).Err())
	})
}

// recordWrite records the result of a script. Each writes at least its own answer. An error
// that is about the script alone says nothing of other writes.
func recordWrite(h *bot.WriteHealth, err error) {
	switch {
	case err == nil, errors.Is(err, goredis.Nil):
		h.RecordWrite(time.Now(), nil)
	case advice(err) != "", isTransient(err) && !goredis.HasErrorPrefix(err, "NOSCRIPT"):
		h.RecordWrite(time.Now(), publicError(err))
	}
}

// publicError returns an error without the words of the server or of the network, which
// contain addresses: everyone can read it at /readyz (P4: secrets are never shown).
func publicError(err error) error {
	if err == nil {
		return nil
	}
	if text := advice(err); text != "" {
		return errors.New(text)
	}
	if reply, ok := errors.AsType[goredis.Error](err); ok {
		kind, _, _ := strings.Cut(reply.Error(), " ")
		return errors.New("Redis refuses writes with " + kind + ": look at its log")
	}
	return ErrUnavailable
}
