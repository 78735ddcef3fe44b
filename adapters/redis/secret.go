package redis

import (
	"context"
	"errors"
	"fmt"

	goredis "github.com/redis/go-redis/v9"
)

// Secret returns what is kept under a name, for all replicas; when there is
// nothing yet, it keeps fresh, and returns that, unless another replica was
// faster.
func (s *Store) Secret(ctx context.Context, name, fresh string) (string, error) {
	var value string
	err := s.read(ctx, func() error {
		if err := s.client.HSetNX(ctx, s.keys.of("secret"), name, fresh).Err(); err != nil {
			return err
		}
		var err error
		value, err = s.client.HGet(ctx, s.keys.of("secret"), name).Result()
		return err
	})
	if err != nil {
		return "", fmt.Errorf("keep a secret in Redis: %w", err)
	}
	return value, nil
}

// ErrNoSecret is what ReadSecret answers when nothing is kept under the name.
var ErrNoSecret = errors.New("no such secret is kept")

// ReadSecret returns what [Store.Secret] keeps in the Redis at an address. It
// changes nothing there.
func ReadSecret(ctx context.Context, url, name string) (string, error) {
	a, err := parseAddress(url)
	if err != nil {
		return "", err
	}
	quiet()
	client := goredis.NewUniversalClient(&a.options)
	ctx, cancel := context.WithTimeout(ctx, openFor)
	defer cancel()
	value, err := client.HGet(ctx, newKeys(a.namespace).of("secret"), name).Result()
	if errors.Is(err, goredis.Nil) {
		err = ErrNoSecret
	}
	if err != nil {
		err = fmt.Errorf("ask Redis at %s: %w", a.shown, explain(err))
	}
	return value, errors.Join(err, client.Close())
}

// Name is how a person calls the Redis at an address: without its password.
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
