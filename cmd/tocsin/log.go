package main

import (
	"io"
	"log/slog"
	"os"
	"strings"
)

// newLog returns a logger that writes text to a terminal, and JSON elsewhere. It
// hides the values of attributes that are called a secret (P4: secrets are never
// shown).
func newLog(w io.Writer) *slog.Logger {
	options := &slog.HandlerOptions{ReplaceAttr: redact}
	if isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// redact hides the value of every attribute whose name says that it is secret.
func redact(_ []string, a slog.Attr) slog.Attr {
	name := strings.ToLower(a.Key)
	for _, secret := range []string{"token", "secret", "password", "authorization", "cookie"} {
		if strings.Contains(name, secret) {
			return slog.String(a.Key, "***")
		}
	}
	return a
}

// isTerminal reports whether the writer is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
