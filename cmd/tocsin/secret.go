package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"os"
	"strings"
)

// secrets are what Tocsin makes for itself when nobody gives it.
type secrets struct {
	api  string // TOCSIN_API_TOKEN
	hook string // TOCSIN_HOOK_TOKEN
	sign []byte // signs acknowledgement links; never leaves the store
}

// Files in the data folder, or names in Redis.
const (
	apiTokenFile  = "api-token"
	hookTokenFile = "hook-token"
	signingFile   = "signing-key"
)

// readSecrets takes secrets from the environment, each also as NAME_FILE, else
// from where the store keeps them; they are made on the first start.
func readSecrets(ctx context.Context, in store) (secrets, error) {
	var s secrets
	var err error
	if s.api, err = secret(ctx, in, "TOCSIN_API_TOKEN", apiTokenFile); err != nil {
		return s, err
	}
	if s.hook, err = secret(ctx, in, "TOCSIN_HOOK_TOKEN", hookTokenFile); err != nil {
		return s, err
	}
	key, err := secret(ctx, in, "", signingFile)
	s.sign = []byte(key)
	return s, err
}

func secret(ctx context.Context, in store, name, kept string) (string, error) {
	if v, err := fromEnvironment(name); v != "" || err != nil {
		return v, err
	}
	raw := make([]byte, 24)
	rand.Read(raw) // it never fails (crypto/rand)
	return in.Secret(ctx, kept, hex.EncodeToString(raw))
}

// fromEnvironment reads NAME, or the file that NAME_FILE names.
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
		return "", fmt.Errorf("read a secret: %s is empty; write one into it, or remove it and a new one is made", path)
	}
	return v, nil
}
