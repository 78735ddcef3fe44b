package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

// secrets are the secrets that Tocsin makes when they are not configured.
type secrets struct {
	api  string // TOCSIN_API_TOKEN
	hook string // TOCSIN_HOOK_TOKEN
	sign []byte // signs acknowledge links; it is never in the environment
}

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
	if s.api, err = readOrMakeSecret(ctx, in, "TOCSIN_API_TOKEN", apiTokenFile); err != nil {
		return s, err
	}
	if s.hook, err = readOrMakeSecret(ctx, in, "TOCSIN_HOOK_TOKEN", hookTokenFile); err != nil {
		return s, err
	}
	key, err := readOrMakeSecret(ctx, in, "", signingFile)
	s.sign = []byte(key)
	return s, err
}

// readOrMakeSecret returns the secret of an environment variable, or else the one
// that is stored under a name. It stores a random one when there is none.
func readOrMakeSecret(ctx context.Context, in store, name, stored string) (string, error) {
	if v, err := fromEnvironment(name); v != "" || err != nil {
		return v, err
	}
	raw := make([]byte, 24)
	rand.Read(raw) // it never fails (crypto/rand)
	return in.Secret(ctx, stored, hex.EncodeToString(raw))
}

// fromEnvironment returns the value of an environment variable, or the content of
// the file that NAME_FILE names; "" when neither is set.
func fromEnvironment(name string) (string, error) {
	if name == "" {
		return "", nil
	}
	if v := os.Getenv(name); v != "" {
		return v, nil
	}
	if path := os.Getenv(name + "_FILE"); path != "" {
		return readSecretFile(path)
	}
	return "", nil
}

func readSecretFile(path string) (string, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read a secret: %w", err)
	}
	v := strings.TrimSpace(string(raw))
	if v == "" {
		return "", fmt.Errorf("read a secret: the file %s is empty; write the secret into it, or remove it, so that a new one is made", path)
	}
	return v, nil
}
