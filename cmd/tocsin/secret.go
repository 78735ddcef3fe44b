package main

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// secrets are what Tocsin makes for itself when nobody gives it.
type secrets struct {
	api  string // TOCSIN_API_TOKEN
	hook string // TOCSIN_HOOK_TOKEN
	sign []byte // signs acknowledgement links; never leaves the data folder
}

// Files in the data folder.
const (
	apiTokenFile  = "api-token"
	hookTokenFile = "hook-token"
	signingFile   = "signing-key"
)

// readSecrets takes secrets from the environment, each also as NAME_FILE, else
// from the data folder, where they are made on the first start with mode 0600.
func readSecrets(data string) (secrets, error) {
	var s secrets
	var err error
	if s.api, err = secret("TOCSIN_API_TOKEN", data, apiTokenFile); err != nil {
		return s, err
	}
	if s.hook, err = secret("TOCSIN_HOOK_TOKEN", data, hookTokenFile); err != nil {
		return s, err
	}
	key, err := secret("", data, signingFile)
	s.sign = []byte(key)
	return s, err
}

func secret(name, data, file string) (string, error) {
	if v, err := fromEnvironment(name); v != "" || err != nil {
		return v, err
	}
	path := filepath.Join(data, file)
	if v, err := readSecretFile(path); err == nil {
		return v, nil
	} else if !errors.Is(err, fs.ErrNotExist) {
		return "", err
	}
	raw := make([]byte, 24)
	if _, err := rand.Read(raw); err != nil {
		return "", fmt.Errorf("make a secret: %w", err)
	}
	value := hex.EncodeToString(raw)
	if err := os.MkdirAll(data, 0o700); err != nil {
		return "", fmt.Errorf("make the data folder: %w", err)
	}
	if err := os.WriteFile(path, []byte(value+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("keep a secret: %w", err)
	}
	return value, nil
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
