package redis_test

import (
	"strconv"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
	"go.uber.org/goleak"

	"tocsin/adapters/memory"
	"tocsin/adapters/redis"
	"tocsin/adapters/redis/redistest"
	"tocsin/bot"
	"tocsin/bot/bottest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, url string) *redis.Store {
	t.Helper()
	s, err := redis.Open(t.Context(), redis.Config{URL: url})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// openEmpty returns a function that opens a new namespace of one server for each test.
func openEmpty(url string) func(t *testing.T) bot.Store {
	n := 0
	return func(t *testing.T) bot.Store {
		n++
		return open(t, url+"?namespace=t"+string(rune('a'+n/26))+string(rune('a'+n%26)))
	}
}

func TestConformance(t *testing.T) {
	bottest.Store(t, openEmpty(redistest.Start(t, redistest.Config{}).URL()))
}

func TestRecordedExport(t *testing.T) {
	bottest.RecordedExport(t, open(t, redistest.Start(t, redistest.Config{}).URL()), true)
}

// TestConformanceMini runs the suite on miniredis: fast, and an independent
// implementation of the commands.
func TestConformanceMini(t *testing.T) {
	bottest.Store(t, openEmpty(startMiniredis(t)))
}

// startMiniredis starts a miniredis that reports the version of a real server.
func startMiniredis(t testing.TB) string {
	m := miniredis.RunT(t)
	m.Server().SetPreHook(func(p *server.Peer, cmd string, _ ...string) bool {
		if cmd == "INFO" {
			p.WriteBulk("redis_version:7.0.15\r\nredis_mode:standalone\r\nrole:master\r\n")
		}
		return cmd == "INFO"
	})
	return "redis://" + m.Addr()
}

// TestConformanceCluster runs the suite on a Cluster: all keys of a namespace are in
// one slot, whichever node the address names.
func TestConformanceCluster(t *testing.T) {
	nodes := redistest.Cluster(t)
	url := nodes[0].URL() + "?addr=" + nodes[1].Addr() + "&addr=" + nodes[2].Addr()
	n := 0
	bottest.Store(t, func(t *testing.T) bot.Store {
		n++
		return open(t, url+"&namespace=c"+strconv.Itoa(n))
	})
}

// TestLinearizable: three replicas on one server behave like one store.
func TestLinearizable(t *testing.T) {
	url, n := redistest.Start(t, redistest.Config{}).URL(), 0
	bottest.Linearizable(t, func(t *testing.T) []bot.Store {
		n++
		var all []bot.Store
		for range 3 {
			all = append(all, open(t, url+"?namespace=l"+strconv.Itoa(n)))
		}
		return all
	})
}

func TestLockStep(t *testing.T) {
	next := openEmpty(redistest.Start(t, redistest.Config{}).URL())
	bottest.LockStep(t, func(t *testing.T) (model, tested bot.Store) { return memory.New(), next(t) })
}
