package redistest

import (
	"strings"
	"testing"
)

// TestSentinel: when the master is killed a replica becomes it, with what was
// replicated, and the old one follows when it comes back.
func TestSentinel(t *testing.T) {
	s := Sentinel(t)
	old := s.Master()
	wants(t, old, "OK", "SET", "key", "value")
	wants(t, old, int64(2), "WAIT", "2", "5000")
	old.Kill()
	next := s.AwaitOther(old)
	wants(t, next, "value", "GET", "key")
	for _, addr := range s.Addrs() {
		answer, err := do(addr, "", "SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterName)
		if got := strings.Join(words(answer), ":"); err != nil || got != next.Addr() {
			t.Errorf("sentinel %s names %q, want %s: %v", addr, got, next.Addr(), err)
		}
	}
	old.Restart()
	s.await("the old master does not follow", func() bool {
		role, err := old.Do("ROLE")
		return err == nil && words(role)[0] == "slave"
	})
	if s.Master() != next {
		t.Error("the old master is back")
	}
}
