package redistest

import (
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestCluster: each key has one master, and the others redirect to it.
func TestCluster(t *testing.T) {
	nodes := Cluster(t)
	for n := range 20 {
		key := fmt.Sprint("key", n)
		kept, moved := 0, ""
		for _, node := range nodes {
			_, err := node.Do("SET", key, "value")
			var refused Error
			switch {
			case err == nil:
				kept++
			case errors.As(err, &refused) && strings.HasPrefix(string(refused), "MOVED "):
				moved = strings.Fields(string(refused))[2]
			default:
				t.Fatal(err)
			}
		}
		if kept != 1 || moved == "" {
			t.Fatalf("%s is kept by %d nodes, and moved to %q", key, kept, moved)
		}
		if value, err := do(moved, "", "GET", key); err != nil || value != "value" {
			t.Errorf("%s at %s: %v %v", key, moved, value, err)
		}
	}
	nodes[1].Restart()
	for _, node := range nodes {
		node.AwaitCluster(len(nodes))
	}
}
