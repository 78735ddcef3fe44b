package redistest

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// MasterName is the name of the master in the sentinels.
const MasterName = "tocsin"

// Sentinels are three sentinels that watch a master with two replicas. They promote a
// replica when the master has not replied for half a second.
type Sentinels struct {
	tb        testing.TB
	nodes     []*Server
	sentinels []*Server
}

// Sentinel starts all of them, and returns when every sentinel knows the others and both
// replicas, and the replicas have caught up.
func Sentinel(tb testing.TB) *Sentinels {
	tb.Helper()
	s := &Sentinels{tb: tb, nodes: []*Server{Start(tb, Config{})}}
	host, port, err := net.SplitHostPort(s.nodes[0].addr)
	if err != nil {
		tb.Fatal(err)
	}
	for range 2 {
		s.nodes = append(s.nodes, Start(tb, Config{Directives: []string{"replicaof " + host + " " + port}}))
	}
	s.await("the replicas do not follow the master", s.isReplicated)
	for range 3 {
		sentinel := start(tb, serverConfig{mode: "--sentinel", defaults: fmt.Sprintf(`sentinel monitor %[1]s %[2]s %[3]s 2
sentinel down-after-milliseconds %[1]s 500
sentinel failover-timeout %[1]s 3000
`, MasterName, host, port)})
		// By default a sentinel pings every half second, so that it would also consider
		// a new master down after half a second. Less than 200 ms is too short: a replica
		// must have replied within five times the period, and is pinged once a second
		// while the master is down. Replicas are queried every ten seconds, and other
		// sentinels are informed every two.
		sentinel.must("SENTINEL", "DEBUG", "PING-PERIOD", "300", "INFO-PERIOD", "200", "PUBLISH-PERIOD", "200")
		s.sentinels = append(s.sentinels, sentinel)
	}
	s.await("the sentinels do not know each other and the replicas", s.isComplete)
	return s
}

// isReplicated reports whether each replica has caught up with the master.
func (s *Sentinels) isReplicated() bool {
	for _, n := range s.nodes[1:] {
		info, err := n.Do("INFO", "replication")
		text, ok := info.(string)
		if err != nil || !ok || !strings.Contains(text, "master_link_status:up\r\n") {
			return false
		}
	}
	return true
}

// isComplete reports whether each sentinel knows the other two, and every replica it knows
// follows the master.
func (s *Sentinels) isComplete() bool {
	for _, sentinel := range s.sentinels {
		if others := queryMaster(sentinel, "SENTINELS"); len(others) != len(s.sentinels)-1 {
			return false
		}
		replicas := queryMaster(sentinel, "REPLICAS")
		if len(replicas) != len(s.nodes)-1 {
			return false
		}
		for _, r := range replicas {
			if r["master-link-status"] != "ok" || strings.Contains(r["flags"], "down") {
				return false
			}
		}
	}
	return true
}

// queryMaster returns the reply of a sentinel to a query about the master: the fields of
// each server that it knows.
func queryMaster(sentinel *Server, what string) []map[string]string {
	answer, err := sentinel.Do("SENTINEL", what, MasterName)
	list, ok := answer.([]any)
	if err != nil || !ok {
		return nil
	}
	all := make([]map[string]string, 0, len(list))
	for _, one := range list {
		fields := stringList(one)
		known := map[string]string{}
		for n := 0; n+1 < len(fields); n += 2 {
			known[fields[n]] = fields[n+1]
		}
		all = append(all, known)
	}
	return all
}

// stringList converts a reply that is a list of strings.
func stringList(answer any) []string {
	list, ok := answer.([]any)
	if !ok {
		return nil
	}
	all := make([]string, 0, len(list))
	for _, one := range list {
		if text, ok := one.(string); ok {
			all = append(all, text)
		}
	}
	return all
}

// Addrs returns the addresses of the sentinels, host:port.
func (s *Sentinels) Addrs() []string {
	addrs := make([]string, 0, len(s.sentinels))
	for _, one := range s.sentinels {
		addrs = append(addrs, one.addr)
	}
	return addrs
}

// Sentinels returns the sentinels.
func (s *Sentinels) Sentinels() []*Server { return s.sentinels }

// Nodes returns the master and the replicas, in an order that does not change.
func (s *Sentinels) Nodes() []*Server { return s.nodes }

// Master returns the master, once all running sentinels agree and the server agrees too.
// After killing the master, use [Sentinels.AwaitOther].
func (s *Sentinels) Master() *Server {
	s.tb.Helper()
	return s.AwaitOther(nil)
}

// AwaitOther returns the master once it is another server than old.
func (s *Sentinels) AwaitOther(old *Server) *Server {
	s.tb.Helper()
	var master *Server
	s.await("the sentinels do not agree on another master", func() bool {
		master = s.agreedMaster()
		return master != nil && master != old
	})
	return master
}

// agreedMaster returns the master that all replying sentinels name, or nil.
func (s *Sentinels) agreedMaster() *Server {
	named := map[string]bool{}
	for _, sentinel := range s.sentinels {
		if answer, err := sentinel.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterName); err == nil {
			named[strings.Join(stringList(answer), ":")] = true
		}
	}
	for _, n := range s.nodes {
		if !named[n.addr] || len(named) != 1 {
			continue
		}
		role, err := n.Do("ROLE")
		if w := stringList(role); err == nil && len(w) > 0 && w[0] == "master" {
			return n
		}
	}
	return nil
}

func (s *Sentinels) await(what string, holds func() bool) {
	s.tb.Helper()
	if err := await(what, func() (bool, error) { return holds(), nil }); err != nil {
		s.tb.Fatal(err)
	}
}
