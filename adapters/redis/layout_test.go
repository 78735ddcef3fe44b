package redis_test

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tocsin/adapters/redis/redistest"
	"tocsin/bot"
	"tocsin/bot/bottest"
)

// dump returns every key of a namespace with its serialized value.
func dump(t *testing.T, server *redistest.Server, namespace string) map[string]string {
	t.Helper()
	names, err := server.Do("KEYS", "{"+namespace+"}:*")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, name := range names.([]any) {
		value, err := server.Do("DUMP", fmt.Sprint(name))
		if err != nil {
			t.Fatal(err)
		}
		all[fmt.Sprint(name)] = fmt.Sprint(value)
	}
	return all
}

// TestLayoutRefused: a namespace that an earlier build wrote, or one with an unknown
// layout, is refused with the reason and what to do, and no key is changed.
func TestLayoutRefused(t *testing.T) {
	server := redistest.Start(t, redistest.Config{})
	const earlier, newer = "was written by an earlier, unreleased build (layout 1; this build reads 2)", "was written by a newer version of tocsin (layout %s; this build reads 2)"
	for namespace, c := range map[string]struct {
		meta []string
		want string
	}{
		"earlier": {[]string{"app", "tocsin", "schema", "1"}, earlier},
		"first":   {[]string{"app", "tocsin", "layout", "1"}, earlier},
		"next":    {[]string{"app", "tocsin", "layout", "3"}, fmt.Sprintf(newer, "3")},
		"far":     {[]string{"app", "tocsin", "layout", "4000000000"}, fmt.Sprintf(newer, "4000000000")},
		"strange": {[]string{"app", "tocsin", "layout", "two"}, fmt.Sprintf(newer, "two")},
		"none":    {[]string{"app", "tocsin"}, fmt.Sprintf(newer, "")},
	} {
		prefix := "{" + namespace + "}:"
		for _, command := range [][]string{
			append([]string{"HSET", prefix + "meta"}, c.meta...),
			{"SET", prefix + "number", "7"},
			{"ZADD", prefix + "all", "0", "0", "7", "7"},
			{"ZADD", prefix + "shelf", "0", "0"},
			{"HSET", prefix + "i:7", "v", "3", "o", "1", "f", "INC-2", "b", `{"title":"Checkout is down"}`},
			{"RPUSH", prefix + "i:7:talk", "1 2 m1hello"},
			{"HSET", prefix + "secret", "api-token", "invented"},
		} {
			if _, err := server.Do(command...); err != nil {
				t.Fatal(err)
			}
		}
		before := dump(t, server, namespace)
		for range 2 {
			wantError(t, openRefused(t, server.URL()+"?namespace="+namespace), "open Redis at "+server.Addr(), "the namespace \""+namespace+"\" "+c.want, "?namespace=NAME in REDIS_URL")
		}
		after := dump(t, server, namespace)
		if len(before) != 7 || len(after) != len(before) {
			t.Errorf("%s: %d keys, then %d", namespace, len(before), len(after))
		}
		for name, value := range before {
			if after[name] != value {
				t.Errorf("%s has changed", name)
			}
		}
	}
}

// TestKeysDocumented: KEYS.md lists every key that a store in use has.
func TestKeysDocumented(t *testing.T) {
	text, err := os.ReadFile("KEYS.md")
	if err != nil {
		t.Fatal(err)
	}
	server := redistest.Start(t, redistest.Config{})
	s := open(t, server.URL())
	if _, err = s.Secret(t.Context(), "name", "invented"); err != nil {
		t.Fatal(err)
	}
	if err = runIncident(t.Context(), s, 1); err != nil {
		t.Fatal(err)
	}
	if _, err = s.Take(t.Context(), batchOf("a")); err != nil {
		t.Fatal(err)
	}
	c := step("INC-9", 0)
	c.Records = []bot.RecordChange{{Kind: "kind", ID: "id", Body: []byte("{}")}}
	if _, err = s.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	leases, err := s.Claim(t.Context(), bot.Claim{At: bottest.Epoch, For: 1, Limit: 1, Classes: everyClass})
	if err != nil || len(leases) != 1 {
		t.Fatalf("claimed %d, %v", len(leases), err)
	}
	var seen []string
	for name := range dump(t, server, "tocsin") {
		name = strings.TrimPrefix(name, "{tocsin}:")
		for _, form := range [][2]string{
			{`^i:\d+(:.*)$`, "$1"},
			{`^i:\d+$`, "i:<n>"},
			{`^a:.*`, `a:<integration>\0<key>`},
			{`^g:.*`, "g:<group>"},
			{`^r:.*`, "r:<kind>"},
			{`^ri:.*`, "ri:<kind>"},
			{`^(due|leased):\d+$`, "$1:<class>"},
			{`^answers:.*`, "answers:<process>:…"},
		} {
			name = regexp.MustCompile(form[0]).ReplaceAllString(name, form[1])
		}
		seen = append(seen, name)
	}
	slices.Sort(seen)
	for _, name := range slices.Compact(seen) {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("KEYS.md does not list `%s`", name)
		}
	}
	for _, name := range []string{"i:<n>", ":message_index", ":firing", "operations_by_age", "secrets", "due:<class>", "leased:<class>"} {
		if !slices.Contains(seen, name) {
			t.Errorf("the store has no key %s: the test checks too little", name)
		}
	}
}
