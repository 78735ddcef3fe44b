package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	goredis "github.com/redis/go-redis/v9"
)

// schema is the newest layout of keys that this program knows.
const schema = 1

// settle makes the namespace ours, or refuses one that is another's.
func (s *Store) settle(ctx context.Context) error {
	meta := s.keys.of("meta")
	found, err := s.client.HGetAll(ctx, meta).Result()
	if err != nil {
		return explain(err)
	}
	if len(found) == 0 {
		vacant := s.vacant(ctx)
		if vacant == nil {
			batch := s.client.TxPipeline()
			batch.HSetNX(ctx, meta, "app", "tocsin")
			batch.HSetNX(ctx, meta, "schema", schema)
			if _, err = batch.Exec(ctx); err != nil {
				return explain(err)
			}
			vacant = s.marked(ctx)
		}
		// Another replica may have come first at the same time.
		if found, err = s.client.HGetAll(ctx, meta).Result(); err != nil {
			return explain(err)
		}
		if vacant != nil && found["app"] != "tocsin" {
			return vacant
		}
	}
	if found["app"] != "tocsin" {
		return s.occupied()
	}
	if version, err := strconv.Atoi(found["schema"]); err != nil || version > schema {
		return fmt.Errorf("it was written by a newer version of tocsin (schema %s, this one knows %d): use that version", found["schema"], schema)
	}
	return nil
}

// vacant refuses a namespace that holds keys of something else.
func (s *Store) vacant(ctx context.Context) error {
	taken := false
	err := s.scan(ctx, s.keys.prefix+"*", func(string) { taken = true })
	if err == nil && taken {
		err = s.occupied()
	}
	return err
}

func (s *Store) occupied() error {
	return fmt.Errorf("the namespace %q is used by something else: choose another with ?namespace=NAME in REDIS_URL", s.address.namespace)
}

// Warning is something about a server that endangers what is kept in it.
type Warning struct {
	Setting string // what to change
	Why     string // what may happen, and what would be right
}

func (w Warning) String() string { return w.Setting + ": " + w.Why }

// Report is what a server says of itself.
type Report struct {
	Version  string // "Redis 7.0.15"
	Mode     string // standalone, sentinel or cluster
	Warnings []Warning
}

// oldest is the first version whose commands suffice.
const oldest = 7

// Inspect asks the server how it keeps data. The error says that it could not
// be asked, or that it is too old to be used.
func (s *Store) Inspect(ctx context.Context) (Report, error) {
	var text string
	node, err := s.node(ctx)
	if err == nil {
		text, err = node.Info(ctx, "server", "replication", "memory", "persistence").Result()
	}
	if err != nil {
		return Report{}, fmt.Errorf("ask Redis what it is: %w", explain(err))
	}
	info := fields(text)
	r := Report{Version: "Redis " + info["redis_version"], Mode: info["redis_mode"]}
	version := info["redis_version"]
	if v := info["valkey_version"]; v != "" {
		r.Version, version = "Valkey "+v, v
	}
	if major, bad := strconv.Atoi(strings.SplitN(version, ".", 2)[0]); bad != nil || major < oldest {
		return r, fmt.Errorf("%s is too old: Redis %d or Valkey %d is the oldest that works", r.Version, oldest, oldest)
	}
	if info["role"] == "slave" {
		return r, errors.New("this Redis is a replica and takes no writes: name the primary, or Sentinel, in REDIS_URL")
	}
	r.Warnings, err = s.warnings(ctx, node)
	r.Warnings = append(r.Warnings, trouble(info)...)
	return r, err
}

// trouble is what keeps a server from taking writes now.
func trouble(info map[string]string) []Warning {
	var all []Warning
	holds, bad := strconv.ParseInt(info["used_memory"], 10, 64)
	most, unknown := strconv.ParseInt(info["maxmemory"], 10, 64)
	if bad == nil && unknown == nil && most > 0 && holds >= most {
		all = append(all, Warning{"maxmemory", "Redis is full, and refuses what comes: raise it, or shorten `retention:`"})
	}
	if status := info["aof_last_write_status"]; status != "" && status != "ok" {
		all = append(all, Warning{"disk", "Redis could not write its log last time, and refuses what comes: free some space there, and look at its log"})
	}
	return all
}

// fields reads "name:value" lines.
func fields(text string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(text) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		all[name] = value
	}
	return all
}

// warnings reads the settings that decide whether an answer can be trusted.
func (s *Store) warnings(ctx context.Context, node goredis.UniversalClient) ([]Warning, error) {
	settings := map[string]string{}
	for _, name := range []string{"appendonly", "appendfsync", "maxmemory", "maxmemory-policy"} {
		got, err := node.ConfigGet(ctx, name).Result()
		switch {
		case err != nil && passing(err):
			return nil, unavailable(err)
		case err != nil: // many who rent servers out forbid it
			//nolint:nilerr // that it cannot be read is what is told
			return []Warning{{"CONFIG GET", "Redis does not say how it keeps data; see to it that appendonly is yes, appendfsync always, and maxmemory-policy noeviction"}}, nil
		}
		settings[name] = got[name]
	}
	var all []Warning
	if v := settings["appendonly"]; v != "yes" {
		all = append(all, Warning{"appendonly", fmt.Sprintf("it is %q: a restart of Redis loses what came since its last snapshot; `CONFIG SET appendonly yes`, and in redis.conf", v)})
	} else if v := settings["appendfsync"]; v != "always" {
		all = append(all, Warning{"appendfsync", fmt.Sprintf("it is %q: a crash of its machine loses about a second of alerts and acknowledgements that were answered; `CONFIG SET appendfsync always`, and in redis.conf", v)})
	}
	if v := settings["maxmemory-policy"]; v != "noeviction" && settings["maxmemory"] != "0" {
		all = append(all, Warning{"maxmemory-policy", fmt.Sprintf("it is %q: Redis deletes incidents when memory runs short; `CONFIG SET maxmemory-policy noeviction`, and in redis.conf", v)})
	}
	if by := s.Offset(); by.Abs() > bigOffset {
		all = append(all, Warning{"clock", fmt.Sprintf("this machine's clock and that of Redis are %s apart; Tocsin corrects that, logs do not: run NTP on both", by.Abs().Round(bigOffset/2))})
	}
	return all, nil
}
