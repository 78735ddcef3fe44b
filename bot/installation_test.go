package bot_test

import (
	"regexp"
	"sync"
	"testing"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/bottest"
)

// TestInstallationMark: replicas that start at the same time on one store agree on its
// mark, and another store has another (G2: one room per platform).
func TestInstallationMark(t *testing.T) {
	store := memory.New()
	var mu sync.Mutex
	marks := map[string]bool{}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			mark, err := bot.InstallationMark(t.Context(), store, bottest.Epoch)
			if err != nil || !regexp.MustCompile(`^[0-9a-f]{8}$`).MatchString(mark) {
				t.Errorf("mark %q, %v", mark, err)
			}
			mu.Lock()
			defer mu.Unlock()
			marks[mark] = true
		})
	}
	all.Wait()
	other, err := bot.InstallationMark(t.Context(), memory.New(), bottest.Epoch)
	if err != nil || len(marks) != 1 || marks[other] {
		t.Errorf("one store has %v, the other %q, %v", marks, other, err)
	}
}
