package sqlite_test

import (
	"path/filepath"
	"testing"

	"tocsin/bot"
	"tocsin/bot/bottest"
)

func BenchmarkStore(b *testing.B) {
	bottest.Bench(b, func(b *testing.B) bot.Store { return open(b, filepath.Join(b.TempDir(), "tocsin.db")) })
}
