package redis

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"

	goredis "github.com/redis/go-redis/v9"

	"tocsin/bot"
	"tocsin/workflow"
)

// Import implements [bot.Archive]: one transaction, in which a script writes each
// incident. An import that is repeated writes the same values again.
func (s *Store) Import(ctx context.Context, items []bot.ArchiveItem) error {
	for _, p := range items {
		if err := p.Validate(); err != nil {
			return fmt.Errorf("import %q: %w", p.Key, err)
		}
	}
	heads, err := s.existingOwners(ctx, items)
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	last, err := (&export{Store: s, ctx: ctx}).count()
	if err != nil {
		return fmt.Errorf("import: %w", err)
	}
	in := &importBatch{Store: s, ctx: ctx, batch: s.client.TxPipeline(), lastNumber: last, exists: heads}
	for _, p := range items {
		if err := in.add(p); err != nil {
			return fmt.Errorf("import %q: %w", p.Key, err)
		}
	}
	in.batch.Set(ctx, s.keys.of(keyLastNumber), in.lastNumber, 0)
	if _, err := in.batch.Exec(ctx); err != nil {
		return fmt.Errorf("import: %w", explain(err))
	}
	for _, n := range in.changed {
		s.notifyWatchers(n)
	}
	return nil
}

// existingOwners returns which owners of alert groups exist, or are imported by the
// same call.
func (s *Store) existingOwners(ctx context.Context, items []bot.ArchiveItem) (map[string]bool, error) {
	exists := map[string]bool{}
	batch := s.client.Pipeline()
	results := map[string]*goredis.IntCmd{}
	for _, p := range items {
		if p.Incident != nil {
			exists[workflow.ID(p.Incident.Number)] = true
		}
		if p.Group != nil {
			n := workflow.NumberOf(p.Group.Owner)
			results[p.Group.Owner] = batch.Exists(ctx, s.keys.incident(n, partIncident))
		}
	}
	if len(results) == 0 {
		return exists, nil
	}
	if _, err := batch.Exec(ctx); err != nil {
		return nil, explain(err)
	}
	for id, cmd := range results {
		exists[id] = exists[id] || cmd.Val() == 1
	}
	return exists, nil
}

// importBatch is one call of Import.
type importBatch struct {
	*Store
	ctx        context.Context //nolint:containedctx // it lives as long as the call
	batch      goredis.Pipeliner
	lastNumber int
	exists     map[string]bool
	changed    []int
}

func (in *importBatch) add(p bot.ArchiveItem) error {
	ctx, b := in.ctx, in.batch
	switch {
	case p.Counter != nil:
		in.lastNumber = max(in.lastNumber, *p.Counter)
	case p.Record != nil:
		r := p.Record
		b.HSet(ctx, in.keys.records(r.Kind), r.ID, strconv.Itoa(r.Version)+"\n"+string(r.Body))
		b.ZAdd(ctx, in.keys.recordIDs(r.Kind), goredis.Z{Member: r.ID})
		b.SAdd(ctx, in.keys.of(keyRecordKinds), r.Kind)
	case p.Incident != nil:
		in.lastNumber = max(in.lastNumber, p.Incident.Number)
		return in.addIncident(*p.Incident)
	case p.Group != nil:
		return in.addGroup(*p.Group)
	case p.Alert != nil:
		return in.addAlert(*p.Alert)
	case p.Operation != nil:
		o := p.Operation
		b.HSet(ctx, in.keys.of(keyOperations), o.ID, o.Reply)
		b.RPush(ctx, in.keys.of(keyOperationsByAge), padNanos(o.At)+o.ID)
	}
	return nil
}

func (in *importBatch) addIncident(d bot.ArchivedIncident) error {
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
	c.script.Eval(in.ctx, in.batch, c.sentKeys, c.sentArgs...)
	in.changed = append(in.changed, d.Number)
	return nil
}

func (in *importBatch) addGroup(g bot.ArchivedGroup) error {
	n := workflow.NumberOf(g.Owner)
	if n == 0 {
		return fmt.Errorf("its owner %q is not the ID of an incident", g.Owner)
	}
	key := in.keys.group(g.Key)
	in.batch.Set(in.ctx, key, encodeGroup(n, g.Always, g.HoldUntil), 0)
	if !g.Always {
		in.batch.PExpire(in.ctx, key, keepGroup)
	}
	if in.exists[g.Owner] {
		in.batch.HSet(in.ctx, in.keys.incident(n, partIncident), fieldGroup, key)
	}
	return nil
}

func (in *importBatch) addAlert(a bot.ArchivedAlert) error {
	raw, err := json.Marshal(a.Row)
	if err != nil {
		return err
	}
	id := alertID(a.Integration, a.Key)
	in.batch.Set(in.ctx, in.keys.alert(id), newOrigin()[:revisionWidth]+string(raw), 0)
	if !a.Row.Firing {
		in.batch.PExpire(in.ctx, in.keys.alert(id), keepAlert)
	}
	n := workflow.NumberOf(a.Row.Incident)
	if n == 0 {
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
