package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	goredis "github.com/redis/go-redis/v9"

	"tocsin/bot"
)

// Import implements [bot.Archive]: one transaction, in which each incident is a
// script. An import that is tried again writes the same once more.
func (s *Store) Import(ctx context.Context, pieces []bot.ArchiveItem) error {
	for _, p := range pieces {
		if err := p.Validate(); err != nil {
			return fmt.Errorf("import %q: %w", p.Key, err)
		}
	}
	heads, err := s.owners(ctx, pieces)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	last, err := (&export{Store: s, ctx: ctx}).count()
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	in := &importing{Store: s, ctx: ctx, batch: s.client.TxPipeline(), last: last, heads: heads}
	for _, p := range pieces {
		if err := in.piece(p); err != nil {
			return fmt.Errorf("import %q: %w", p.Key, err)
		}
	}
	in.batch.Set(ctx, s.keys.of("number"), in.last, 0)
	if _, err := in.batch.Exec(ctx); err != nil {
		return fmt.Errorf("import: %w", explain(err))
	}
	for _, n := range in.changed {
		s.changed(n)
	}
	return nil
}

// owners are the incidents that groups belong to and that are there, or will
// be.
func (s *Store) owners(ctx context.Context, pieces []bot.ArchiveItem) (map[string]bool, error) {
	there := map[string]bool{}
	batch := s.client.Pipeline()
	asked := map[string]*goredis.IntCmd{}
	for _, p := range pieces {
		if p.Incident != nil {
			there[idOf(int64(p.Incident.Number))] = true
		}
		if p.Group != nil {
			n, _ := parseID(p.Group.Owner)
			asked[p.Group.Owner] = batch.Exists(ctx, s.keys.incident(n, partHead))
		}
	}
	if len(asked) == 0 {
		return there, nil
	}
	if _, err := batch.Exec(ctx); err != nil {
		return nil, explain(err)
	}
	for id, cmd := range asked {
		there[id] = there[id] || cmd.Val() == 1
	}
	return there, nil
}

// importing is one call of Import.
type importing struct {
	*Store
	ctx     context.Context //nolint:containedctx // it lives as long as the call
	batch   goredis.Pipeliner
	last    int // number given out
	heads   map[string]bool
	changed []int64
}

func (in *importing) piece(p bot.ArchiveItem) error {
	ctx, b := in.ctx, in.batch
	switch {
	case p.Counter != nil:
		in.last = max(in.last, *p.Counter)
	case p.Record != nil:
		r := p.Record
		b.HSet(ctx, in.keys.records(r.Kind), r.ID, strconv.Itoa(r.Version)+"\n"+string(r.Body))
		b.ZAdd(ctx, in.keys.recordIDs(r.Kind), goredis.Z{Member: r.ID})
		b.SAdd(ctx, in.keys.of("kinds"), r.Kind)
	case p.Incident != nil:
		in.last = max(in.last, p.Incident.Number)
		return in.incident(*p.Incident)
	case p.Group != nil:
		return in.group(*p.Group)
	case p.Alert != nil:
		return in.alert(*p.Alert)
	case p.Operation != nil:
		o := p.Operation
		b.HSet(ctx, in.keys.of("op"), o.ID, o.Reply)
		b.RPush(ctx, in.keys.of("ops"), padded(o.At)+o.ID)
	}
	return nil
}

func (in *importing) incident(d bot.ArchivedIncident) error {
	c, err := in.restoreCall(d, "")
	if err != nil {
		return err
	}
	for k, e := range d.Events {
		if e.Seq != k+1 {
			return fmt.Errorf("event %d is missing", k+1)
		}
	}
	in.commits.name(c)
	c.script.Eval(in.ctx, in.batch, c.sent, c.with...)
	in.changed = append(in.changed, int64(d.Number))
	return nil
}

func (in *importing) group(g bot.ArchivedGroup) error {
	n, is := parseID(g.Owner)
	if !is {
		return fmt.Errorf("its owner %q is no incident", g.Owner)
	}
	key := in.keys.group(g.Key)
	in.batch.Set(in.ctx, key, packGroup(n, g.Always, g.Until), 0)
	if !g.Always {
		in.batch.PExpire(in.ctx, key, keepGroup)
	}
	if in.heads[g.Owner] {
		in.batch.HSet(in.ctx, in.keys.incident(n, partHead), "g", key)
	}
	return nil
}

func (in *importing) alert(a bot.ArchivedAlert) error {
	raw, err := json.Marshal(a.Row)
	if err != nil {
		return err
	}
	id := alertID(a.Integration, a.Key)
	in.batch.Set(in.ctx, in.keys.alert(id), newOrigin()[:revisionWidth]+string(raw), 0)
	if !a.Row.Firing {
		in.batch.PExpire(in.ctx, in.keys.alert(id), keepAlert)
	}
	n, is := parseID(a.Row.Incident)
	if !is {
		return nil
	}
	in.batch.SAdd(in.ctx, in.keys.incident(n, partAlerts), id)
	if a.Row.Firing {
		in.batch.ZAdd(in.ctx, in.keys.incident(n, partFiring), goredis.Z{Member: id})
	} else {
		in.batch.ZRem(in.ctx, in.keys.incident(n, partFiring), id)
	}
	return nil
}
