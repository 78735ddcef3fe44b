package sqlite_test

import (
	"path/filepath"
	"testing"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

var everyClass = bot.Classes{To: workflow.ClassDroppable}

func TestLockStep(t *testing.T) {
	bottest.LockStep(t, func(t *testing.T) (model, tested bot.Store) {
		return memory.New(), open(t, filepath.Join(t.TempDir(), "tocsin.db"))
	})
}
