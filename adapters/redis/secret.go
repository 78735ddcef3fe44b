package redis

import (
	"context"
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"
)

// Secret returns the secret with a name, the same for all replicas. If there is none,
// it stores fresh, unless another replica has stored one first.
func (s *Store) Secret(ctx context.Context, name, fresh string) (string, error) {
	var value string
	err := s.read(ctx, func() error {
		if err := s.client.HSetNX(ctx, s.keys.of(keySecrets), name, fresh).Err(); err != nil {
			return err
		}
		var err error
		value, err = s.client.HGet(ctx, s.keys.of(keySecrets), name).Result()
		return err
	})
	if err != nil {
		return "", fmt.Errorf("store a secret in Redis: %w", err)
	}
	return value, nil
}

// ErrNoSecret is returned by ReadSecret when there is no secret with the name.
var ErrNoSecret = errors.New("there is no secret with this name")

// ReadSecret returns the secret that [Store.Secret] has stored in the Redis at an
// address. It changes nothing there.
func ReadSecret(ctx context.Context, url, name string) (string, error) {
	a, err := parseAddress(url)
	if err != nil {
		return "", err
	}
	disableLogging()
	client := goredis.NewUniversalClient(&a.options)
	ctx, cancel := context.WithTimeout(ctx, openTimeout)
	defer cancel()
	value, err := client.HGet(ctx, newKeys(a.namespace).of(keySecrets), name).Result()
	if errors.Is(err, goredis.Nil) {
		err = ErrNoSecret
	}
	if err != nil {
		err = fmt.Errorf("read a secret from Redis at %s: %w", a.shown, explain(err))
	}
	return value, errors.Join(err, client.Close())
}

// Name returns the address of a Redis for people: without its password.
func Name(url string) (string, error) {
	a, err := parseAddress(url)
	if err != nil {
		return "", err
	}
	name := "Redis at " + a.shown
	if a.namespace != defaultNamespace {
		name += " (namespace " + a.namespace + ")"
	}
	return name, nil
}
