package redistest

import (
	"fmt"
	"net"
	"strings"
	"testing"
)

// slots is the number of slots of a Cluster; they are numbered from 0.
const slots = 16384

// Cluster starts three masters that share the slots, without replicas, and returns when
// each of them reports that the Cluster is ok.
func Cluster(tb testing.TB) []*Server {
	tb.Helper()
	const many = 3
	nodes := make([]*Server, many)
	for n := range nodes {
		nodes[n] = start(tb, serverConfig{defaults: durable + `cluster-enabled yes
cluster-config-file nodes.conf
cluster-node-timeout 2000
cluster-announce-ip 127.0.0.1
`})
		nodes[n].must("CLUSTER", "ADDSLOTSRANGE", fmt.Sprint(n*slots/many), fmt.Sprint((n+1)*slots/many-1))
		nodes[n].must("CLUSTER", "SET-CONFIG-EPOCH", fmt.Sprint(n+1)) // otherwise they first have to resolve equal epochs
	}
	for _, other := range nodes[1:] {
		host, port, err := net.SplitHostPort(other.addr)
		if err != nil {
			tb.Fatal(err)
		}
		nodes[0].must("CLUSTER", "MEET", host, port)
	}
	for _, n := range nodes {
		n.AwaitCluster(many)
	}
	return nodes
}

// AwaitCluster returns when this node knows so many nodes and reports that the Cluster is
// ok.
func (s *Server) AwaitCluster(nodes int) {
	s.tb.Helper()
	err := await(s.addr+" does not find the cluster well", func() (bool, error) {
		info, err := s.Do("CLUSTER", "INFO")
		text, ok := info.(string)
		return err == nil && ok && strings.Contains(text, "cluster_state:ok\r\n") &&
			strings.Contains(text, fmt.Sprintf("cluster_known_nodes:%d\r\n", nodes)), nil
	})
	if err != nil {
		s.tb.Fatal(err)
	}
}

// must is Do for the setup: it fails the test after an error.
func (s *Server) must(args ...string) any {
	s.tb.Helper()
	answer, err := s.Do(args...)
	if err != nil {
		s.tb.Fatalf("%s on %s: %v", strings.Join(args, " "), s.addr, err)
	}
	return answer
}
