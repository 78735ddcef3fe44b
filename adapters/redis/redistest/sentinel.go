package redistest

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// MasterName is what the sentinels call the master.
const MasterName = "tocsin"

// Sentinels are three sentinels that watch a master with two replicas, and
// make a replica the master half a second after it was heard of last.
type Sentinels struct {
	tb        testing.TB
	nodes     []*Server
	sentinels []*Server
}

// Sentinel runs all of them, and returns when every sentinel knows the others
// and both replicas, and these have all that the master has.
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
	s.await("the replicas do not follow the master", s.followed)
	for range 3 {
		sentinel := start(tb, plan{mode: "--sentinel", defaults: fmt.Sprintf(`sentinel monitor %[1]s %[2]s %[3]s 2
sentinel down-after-milliseconds %[1]s 500
sentinel failover-timeout %[1]s 3000
`, MasterName, host, port)})
		// By default it asks every half second for what it gives up after half
		// a second, and so takes a new master to be down. More often than 200
		// ms is too often: a replica has to have been heard of within five
		// times that, and is asked once a second while the master is down. It
		// looks at replicas every ten seconds, and tells other sentinels every
		// two.
		sentinel.must("SENTINEL", "DEBUG", "PING-PERIOD", "300", "INFO-PERIOD", "200", "PUBLISH-PERIOD", "200")
		s.sentinels = append(s.sentinels, sentinel)
	}
	s.await("the sentinels do not know each other and the replicas", s.complete)
	return s
}

// followed reports whether each replica has caught up with the master.
func (s *Sentinels) followed() bool {
	for _, n := range s.nodes[1:] {
		info, err := n.Do("INFO", "replication")
		text, is := info.(string)
		if err != nil || !is || !strings.Contains(text, "master_link_status:up\r\n") {
			return false
		}
	}
	return true
}

// complete reports whether each sentinel knows the other two, and each replica
// that it knows follows the master.
func (s *Sentinels) complete() bool {
	for _, sentinel := range s.sentinels {
		if others := asked(sentinel, "SENTINELS"); len(others) != len(s.sentinels)-1 {
			return false
		}
		replicas := asked(sentinel, "REPLICAS")
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

// asked returns what a sentinel answers about the master: a list of fields and
// values for each one that it knows.
func asked(sentinel *Server, what string) []map[string]string {
	answer, err := sentinel.Do("SENTINEL", what, MasterName)
	list, is := answer.([]any)
	if err != nil || !is {
		return nil
	}
	all := make([]map[string]string, 0, len(list))
	for _, one := range list {
		fields := words(one)
		known := map[string]string{}
		for n := 0; n+1 < len(fields); n += 2 {
			known[fields[n]] = fields[n+1]
		}
		all = append(all, known)
	}
	return all
}

// words turns an answer that is a list of strings into one.
func words(answer any) []string {
	list, is := answer.([]any)
	if !is {
		return nil
	}
	all := make([]string, 0, len(list))
	for _, one := range list {
		if text, is := one.(string); is {
			all = append(all, text)
		}
	}
	return all
}

// Addrs are where the sentinels are, host:port each.
func (s *Sentinels) Addrs() []string {
	addrs := make([]string, 0, len(s.sentinels))
	for _, one := range s.sentinels {
		addrs = append(addrs, one.addr)
	}
	return addrs
}

// Sentinels are the sentinels themselves, to be killed or frozen.
func (s *Sentinels) Sentinels() []*Server { return s.sentinels }

// Nodes are the master and the replicas, whichever is which by now.
func (s *Sentinels) Nodes() []*Server { return s.nodes }

// Master is who the sentinels say is the master, as soon as all that run agree
// and it says so itself. Whoever has killed the master wants
// [Sentinels.AwaitOther].
func (s *Sentinels) Master() *Server {
	s.tb.Helper()
	return s.AwaitOther(nil)
}

// AwaitOther returns the master once it is another than old.
func (s *Sentinels) AwaitOther(old *Server) *Server {
	s.tb.Helper()
	var master *Server
	s.await("the sentinels do not agree on another master", func() bool {
		master = s.agreed()
		return master != nil && master != old
	})
	return master
}

// agreed is the master that all sentinels that answer name, or nil.
func (s *Sentinels) agreed() *Server {
	named := map[string]bool{}
	for _, sentinel := range s.sentinels {
		if answer, err := sentinel.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", MasterName); err == nil {
			named[strings.Join(words(answer), ":")] = true
		}
	}
	for _, n := range s.nodes {
		if !named[n.addr] || len(named) != 1 {
			continue
		}
		role, err := n.Do("ROLE")
		if w := words(role); err == nil && len(w) > 0 && w[0] == "master" {
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
