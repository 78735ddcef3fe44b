package redistest

import (
	"strings"
	"testing"
)

// TestSentinel: when the master is killed, a replica becomes the master with the replicated
// data, and the old master follows it after its restart.
func TestSentinel(t *testing.T) {
	s := Sentinel(t)
	old := s.Master()
	wantReply(t, old, "OK", "SET", "key", "value")
	wantReply(t, old, int64(2), "WAIT", "2", "5000")
	old.Kill()
	next := s.AwaitOther(old)
	wantReply(t, next, "value", "GET", "key")
	for _, addr := range s.Addrs() {
		answer, err := do(addr, "", "SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterName)
		if got := strings.Join(stringList(answer), ":"); err != nil || got != next.Addr() {
			t.Errorf("sentinel %s names %q, want %s: %v", addr, got, next.Addr(), err)
		}
	}
	old.Restart()
	s.await("the old master does not follow", func() bool {
		role, err := old.Do("ROLE")
		return err == nil && stringList(role)[0] == "slave"
	})
	if s.Master() != next {
		t.Error("the old master is back")
	}
}
