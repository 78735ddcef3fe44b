package redis

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"tocsin/workflow"
)

// layout is the version of the keys and of their content, stored in meta. Unreleased
// builds wrote layout 1 with other names, in the field "schema"; their namespaces
// are refused. From the first release on, a new layout needs a migration.
const layout = 2

// The fields of the hash meta.
const (
	metaApp           = "app"
	metaLayout        = "layout"
	metaEarlierLayout = "schema" // of layout 1
	app               = "tocsin"
)

// checkNamespace creates the namespace if it is empty, and refuses one that another
// program or a build with another layout has written. It changes nothing in a
// namespace that it refuses.
func (s *Store) checkNamespace(ctx context.Context) error {
	meta := s.keys.of(keyMeta)
	found, err := s.client.HGetAll(ctx, meta).Result()
	if err != nil {
		return explain(err)
	}
	if len(found) == 0 {
		notEmpty := s.checkEmpty(ctx)
		if notEmpty == nil {
			batch := s.client.TxPipeline()
			batch.HSetNX(ctx, meta, metaApp, app)
			batch.HSetNX(ctx, meta, metaLayout, layout)
			if _, err = batch.Exec(ctx); err != nil {
				return explain(err)
			}
			notEmpty = s.writeMarks(ctx)
		}
		// Another replica may have created it at the same time.
		if found, err = s.client.HGetAll(ctx, meta).Result(); err != nil {
			return explain(err)
		}
		if notEmpty != nil && found[metaApp] != app {
			return notEmpty
		}
	}
	if found[metaApp] != app {
		return s.namespaceError()
	}
	return s.checkLayout(cmp.Or(found[metaLayout], found[metaEarlierLayout]))
}

// checkLayout refuses a namespace of another layout than this build's.
func (s *Store) checkLayout(found string) error {
	version, err := strconv.Atoi(found)
	switch {
	case err == nil && version == layout:
		return nil
	case err == nil && version < layout:
		return fmt.Errorf("the namespace %q was written by an earlier, unreleased build (layout %d; this build reads %d): choose an empty one with ?namespace=NAME in REDIS_URL, or delete its keys %s*",
			s.address.namespace, version, layout, s.keys.prefix)
	}
	return fmt.Errorf("the namespace %q was written by a newer version of tocsin (layout %s; this build reads %d): use that version, or choose an empty namespace with ?namespace=NAME in REDIS_URL",
		s.address.namespace, found, layout)
}

// checkEmpty returns an error if the namespace has keys.
func (s *Store) checkEmpty(ctx context.Context) error {
	found := false
	err := s.scan(ctx, s.keys.prefix+"*", func(string) { found = true })
	if err == nil && found {
		err = s.namespaceError()
	}
	return err
}

// namespaceError is the error for a namespace of another program.
func (s *Store) namespaceError() error {
	return fmt.Errorf("the namespace %q is used by another program: choose another with ?namespace=NAME in REDIS_URL", s.address.namespace)
}

// Warning is a setting or a state of a server that endangers its data.
type Warning struct {
	Setting string // what to change
	Why     string // what may happen, and the right value
}

func (w Warning) String() string { return w.Setting + ": " + w.Why }

// Report describes a server.
type Report struct {
	Version  string // "Redis 7.0.15"
	Mode     string // standalone, sentinel or cluster
	Warnings []Warning
}

// minVersion is the first version of Redis and Valkey that has every command we use.
const minVersion = 7

// Inspect reads the server's version and the settings that decide whether data is
// durable. It fails when the server does not answer, is too old, or is a replica.
func (s *Store) Inspect(ctx context.Context) (Report, error) {
	var text string
	node, err := s.node(ctx)
	if err == nil {
		text, err = node.Info(ctx, "server", "replication", "memory", "persistence").Result()
	}
	if err != nil {
		return Report{}, fmt.Errorf("read the version of Redis: %w", explain(err))
	}
	info := parseInfo(text)
	r := Report{Version: "Redis " + info["redis_version"], Mode: info["redis_mode"]}
	version := info["redis_version"]
	if v := info["valkey_version"]; v != "" {
		r.Version, version = "Valkey "+v, v
	}
	if major, bad := strconv.Atoi(strings.SplitN(version, ".", 2)[0]); bad != nil || major < minVersion {
		return r, fmt.Errorf("%s is too old: Redis %d or Valkey %d is the oldest version that works", r.Version, minVersion, minVersion)
	}
	if info["role"] == "slave" {
		return r, errors.New("this Redis is a replica and takes no writes: name the primary, or Sentinel, in REDIS_URL")
	}
	r.Warnings, err = s.settingWarnings(ctx, node)
	r.Warnings = append(r.Warnings, writeWarnings(info)...)
	return r, err
}

// writeWarnings returns what keeps a server from accepting writes now.
func writeWarnings(info map[string]string) []Warning {
	var all []Warning
	used, err := strconv.ParseInt(info["used_memory"], 10, 64)
	limit, limitErr := strconv.ParseInt(info["maxmemory"], 10, 64)
	if err == nil && limitErr == nil && limit > 0 && used >= limit {
		all = append(all, Warning{"maxmemory", "Redis is full and refuses writes: raise it, or shorten `retention:`"})
	}
	if status := info["aof_last_write_status"]; status != "" && status != "ok" {
		all = append(all, Warning{"disk", "Redis could not write its log last time and refuses writes: free some space there, and look at its log"})
	}
	return all
}

// parseInfo parses "name:value" lines.
func parseInfo(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		all[name] = value
	}
	return all
}

// settingWarnings reads the settings that decide whether an answered write is durable.
func (s *Store) settingWarnings(ctx context.Context, node goredis.UniversalClient) ([]Warning, error) {
	settings := map[string]string{}
	for _, name := range []string{"appendonly", "appendfsync", "maxmemory", "maxmemory-policy"} {
		got, err := node.ConfigGet(ctx, name).Result()
		switch {
		case err != nil && isTransient(err):
			return nil, unavailable(err)
		case err != nil: // many hosted servers forbid CONFIG
			//nolint:nilerr // the warning is the result
			return []Warning{{"CONFIG GET", "Redis does not show its settings; make sure that appendonly is yes, appendfsync always, and maxmemory-policy noeviction"}}, nil
		}
		settings[name] = got[name]
	}
	var all []Warning
	if v := settings["appendonly"]; v != "yes" {
		all = append(all, Warning{"appendonly", fmt.Sprintf("it is %q: a restart of Redis loses everything since its last snapshot; `CONFIG SET appendonly yes`, and in redis.conf", v)})
	} else if v := settings["appendfsync"]; v != "always" {
		all = append(all, Warning{"appendfsync", fmt.Sprintf("it is %q: a crash of its machine loses about a second of alerts and acknowledgements that were answered; `CONFIG SET appendfsync always`, and in redis.conf", v)})
	}
	if v := settings["maxmemory-policy"]; v != "noeviction" && settings["maxmemory"] != "0" {
		all = append(all, Warning{"maxmemory-policy", fmt.Sprintf("it is %q: Redis deletes incidents when memory runs short; `CONFIG SET maxmemory-policy noeviction`, and in redis.conf", v)})
	}
	if by := s.Offset(); by.Abs() > bigOffset {
		all = append(all, Warning{"clock", fmt.Sprintf("this machine's clock and that of Redis are %s apart; Tocsin corrects that, logs do not: run NTP on both", workflow.FormatDuration(by.Abs().Round(bigOffset/2)))})
	}
	return all, nil
}
