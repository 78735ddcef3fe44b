package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"

	"tocsin/adapters/config"
	"tocsin/bot/platform"
)

// secrets are the secrets that Tocsin makes when they are not configured.
type secrets struct {
	api  string // TOCSIN_API_TOKEN
	hook string // TOCSIN_HOOK_TOKEN
	sign []byte // signs acknowledge links; it is never in the environment
}

// The environment variables of secrets that are not a platform's.
const (
	apiTokenVariable  = "TOCSIN_API_TOKEN"
	hookTokenVariable = "TOCSIN_HOOK_TOKEN"
	redisVariable     = "REDIS_URL"
)

// The names of stored secrets: files in the data folder, or names in Redis.
const (
	apiTokenFile  = "api-token"
	hookTokenFile = "hook-token"
	signingFile   = "signing-key"
)

// readSecrets returns the secrets from the environment, or else from the
// store, which makes them on the first start.
func readSecrets(ctx context.Context, in store) (secrets, error) {
	var s secrets
	var err error
	if s.api, err = readOrMakeSecret(ctx, in, apiTokenVariable, apiTokenFile); err != nil {
		return s, err
	}
	if s.hook, err = readOrMakeSecret(ctx, in, hookTokenVariable, hookTokenFile); err != nil {
		return s, err
	}
	key, err := readOrMakeSecret(ctx, in, "", signingFile)
	s.sign = []byte(key)
	return s, err
}

// readOrMakeSecret returns the token of an environment variable, or else the secret
// that is stored under a name. It stores a random one when there is none.
func readOrMakeSecret(ctx context.Context, in store, name, stored string) (string, error) {
	if name != "" {
		if v, err := config.ReadToken(nil, name); v != "" || err != nil {
			return v, err
		}
	}
	raw := make([]byte, 24)
	rand.Read(raw) // it never fails (crypto/rand)
	v, err := in.Secret(ctx, stored, hex.EncodeToString(raw))
	if err == nil && config.CheckToken(v) != nil {
		err = fmt.Errorf("the stored %s %w, or remove it, so that a new one is made", stored, config.CheckToken(v))
	}
	return v, err
}

// checkEnvironment returns everything that is wrong with the secrets that no configuration
// names, and with those of the platforms, a line each.
func checkEnvironment(table platform.Table) error {
	var all []error
	for _, name := range []string{apiTokenVariable, hookTokenVariable} {
		_, err := config.ReadToken(nil, name)
		all = append(all, err)
	}
	names := []string{redisVariable}
	for _, d := range table {
		if d.Connect != nil {
			names = append(names, d.Secrets...)
		}
	}
	for _, name := range names {
		_, err := config.ReadVariable(nil, name)
		all = append(all, err)
	}
	return errors.Join(all...)
}
