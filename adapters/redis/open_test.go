package redis_test

import (
	"bufio"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/redis"
	"tocsin/adapters/redis/redistest"
)

// openRefused opens a namespace that must be refused, and returns the error.
func openRefused(t *testing.T, url string) error {
	t.Helper()
	s, err := redis.Open(t.Context(), redis.Config{URL: url})
	if err == nil {
		s.Close()
	}
	return err
}

// wantError fails unless the error contains all words.
func wantError(t *testing.T, err error, words ...string) {
	t.Helper()
	if err == nil {
		t.Fatalf("no error, want one that contains %q", words)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("the error does not contain %q: %v", w, err)
		}
	}
}

func TestAddress(t *testing.T) {
	for url, want := range map[string]string{
		"":                                   "REDIS_URL=redis://",
		"localhost:6379":                     "REDIS_URL=redis://",
		"http://localhost":                   `it begins with "http://"`,
		"redis://localhost/shop":             "the number of a database",
		"redis://localhost?timeout=3":        `there is no parameter "timeout"`,
		"redis://localhost?namespace=a{b}":   "1 to 60 letters",
		"redis://localhost?namespace=":       "1 to 60 letters",
		"redis://localhost/3?cluster=true":   "a Cluster has only database 0",
		"redis://:se cret@localhost\x7f:637": "not an address",
	} {
		err := redis.Config{URL: url}.Validate()
		wantError(t, err, "read REDIS_URL", want)
		if strings.Contains(err.Error(), "se cret") {
			t.Errorf("the password is shown: %v", err)
		}
	}
	for _, url := range []string{
		"redis://localhost", "rediss://user:pass@redis.example.com:6380/2", "redis://h:26379?addr=i:26379&master_name=main&sentinel_password=x",
		"redis://h?addr=i:6379&addr=j:6379", "redis://[::1]:6379?cluster=true&namespace=shop-2",
	} {
		if err := (redis.Config{URL: url}).Validate(); err != nil {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// TestP4Password: a wrong password fails at once, and the error contains neither
// password.
func TestP4Password(t *testing.T) {
	server := redistest.Start(t, redistest.Config{Password: "right-one"})
	open(t, server.URL())
	for url, want := range map[string]string{
		"redis://:wrong-one@" + server.Addr(): "the user or password in REDIS_URL is wrong",
		"redis://" + server.Addr():            "this Redis wants a password",
	} {
		began := time.Now()
		err := openRefused(t, url)
		wantError(t, err, "open Redis at "+server.Addr(), want)
		if strings.Contains(err.Error(), "wrong-one") || strings.Contains(err.Error(), "right-one") {
			t.Errorf("a password is shown: %v", err)
		}
		if took := time.Since(began); took > 3*time.Second {
			t.Errorf("it took %s", took)
		}
	}
}

func TestOpenNoServer(t *testing.T) {
	began := time.Now()
	wantError(t, openRefused(t, "redis://127.0.0.1:1"), "open Redis at 127.0.0.1:1", "connection refused")
	if took := time.Since(began); took > 6*time.Second {
		t.Errorf("it took %s", took)
	}
}

func TestOpenNamespace(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	for _, c := range [][]string{
		{"SET", "{shop}:basket", "1"},
		{"HSET", "{other}:meta", "app", "shop"},
		{"SET", "{text}:meta", "hello"},
		{"HSET", "{newer}:meta", "app", "tocsin", "layout", "7"},
	} {
		if _, err := server.Do(c...); err != nil {
			t.Fatal(err)
		}
	}
	const occupied = "is used by another program: choose another with ?namespace=NAME in REDIS_URL"
	wantError(t, openRefused(t, server.URL()+"?namespace=shop"), `"shop"`, occupied)
	wantError(t, openRefused(t, server.URL()+"?namespace=other"), `"other"`, occupied)
	wantError(t, openRefused(t, server.URL()+"?namespace=text"), "used by another program", "?namespace=NAME")
	wantError(t, openRefused(t, server.URL()+"?namespace=newer"), `the namespace "newer" was written by a newer version of tocsin (layout 7; this build reads 2)`, "?namespace=NAME")
	open(t, server.URL()+"?namespace=fresh")
	open(t, server.URL()+"?namespace=fresh") // a second replica
}

// TestOpenTooOld: a server that answers like Redis 5 is refused.
func TestOpenTooOld(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go serveRedis5(conn)
		}
	}()
	wantError(t, openRefused(t, "redis://"+l.Addr().String()), "Redis 5.0.14 is too old", "7")
}

func serveRedis5(conn net.Conn) {
	defer conn.Close()
	lines := bufio.NewScanner(conn)
	for lines.Scan() {
		switch word := strings.ToUpper(lines.Text()); word {
		case "INFO":
			text := "redis_version:5.0.14\r\nrole:master\r\n"
			fmt.Fprintf(conn, "$%d\r\n%s\r\n", len(text), text)
		case "HELLO":
			fmt.Fprint(conn, "-ERR unknown command `HELLO`\r\n")
		case "PING":
			fmt.Fprint(conn, "+PONG\r\n")
		}
	}
}

func TestOpenReplica(t *testing.T) {
	primary := redistest.Start(t, redistest.Config{})
	host, port, _ := strings.Cut(primary.Addr(), ":")
	replica := redistest.Start(t, redistest.Config{Directives: []string{"replicaof " + host + " " + port}})
	wantError(t, openRefused(t, replica.URL()), "this Redis is a replica and takes no writes: name the primary, or Sentinel, in REDIS_URL")
}

// TestInspect: each setting that endangers data is named with the right value.
func TestInspect(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	s := open(t, server.URL())
	warned := func(settings map[string]string, want ...string) {
		t.Helper()
		for name, value := range settings {
			if _, err := server.Do("CONFIG", "SET", name, value); err != nil {
				t.Fatal(err)
			}
		}
		r, err := s.Inspect(t.Context())
		if err != nil || r.Version != "Redis 7.0.15" && !strings.HasPrefix(r.Version, "Redis ") {
			t.Fatalf("report %+v, %v", r, err)
		}
		var all []string
		for _, w := range r.Warnings {
			all = append(all, w.String())
		}
		text := strings.Join(all, "\n")
		if len(all) != len(want) {
			t.Fatalf("warnings:\n%s\nwant %q", text, want)
		}
		for n, w := range want {
			if !strings.Contains(all[n], w) {
				t.Errorf("warning %d does not say %q: %s", n, w, all[n])
			}
		}
	}
	warned(nil)
	warned(map[string]string{"appendfsync": "everysec"}, `appendfsync: it is "everysec": a crash of its machine loses about a second`)
	warned(map[string]string{"appendonly": "no"}, `appendonly: it is "no"`)
	warned(map[string]string{"maxmemory": "100mb", "maxmemory-policy": "allkeys-lru"}, "appendonly", `maxmemory-policy: it is "allkeys-lru": Redis deletes incidents`)
}

// TestMemoryFull: while the server is out of memory, changes fail with advice and
// nothing is half-written; they work again once there is memory.
func TestMemoryFull(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	s := open(t, server.URL())
	if _, err := server.Do("CONFIG", "SET", "maxmemory", "1"); err != nil {
		t.Fatal(err)
	}
	if r, err := s.Inspect(t.Context()); err != nil || len(r.Warnings) != 1 || r.Warnings[0].Setting != "maxmemory" {
		t.Errorf("report %+v, %v", r, err)
	}
	_, err := s.Commit(t.Context(), step("INC-1", 0))
	wantError(t, err, "Redis is full: raise its maxmemory", "noeviction")
	_, err = s.Take(t.Context(), batchOf("a"))
	wantError(t, err, "Redis is full")
	if _, err := server.Do("CONFIG", "SET", "maxmemory", "0"); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Commit(t.Context(), step("INC-1", 0)); err != nil {
		t.Error(err)
	}
	if r, err := s.Take(t.Context(), batchOf("a")); err != nil || r[0].Incident != "INC-2" {
		t.Errorf("%+v, %v", r, err)
	}
}

// TestClosed: every call returns ErrClosed once the store is closed.
func TestClosed(t *testing.T) {
	s, err := redis.Open(t.Context(), redis.Config{URL: redistest.Start(t, redistest.Config{}).URL()})
	if err != nil {
		t.Fatal(err)
	}
	if err = s.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = s.Load(t.Context(), "INC-1")
	_, failed := s.Commit(t.Context(), step("INC-1", 0))
	_, took := s.Take(t.Context(), batchOf("a"))
	for _, err := range []error{err, failed, took} {
		if !errors.Is(err, redis.ErrClosed) {
			t.Errorf("a closed store returns %v", err)
		}
	}
}
