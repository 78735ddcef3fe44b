package agenda

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"sync"

	"tocsin/bot"
)

// kindTried is the kind of records that say which process has begun to carry
// out what the other side can be asked about. They end with their task.
const kindTried = bot.KindTried

// once knows what may have been carried out although nobody has heard so. Each
// such effect is put on record before it is first tried; whoever finds that
// record asks the other side first. Only the process that wrote it may know
// better: that all it has ever been told was to come again later.
type once struct {
	self string // this process
	mu   sync.Mutex
	put  map[string]bool // what this process has put off, and certainly not done
}

func newOnce() *once { return &once{self: rand.Text()[:12], put: map[string]bool{}} }

// again reports whether an effect may have been carried out, given who tried it
// last; "" for nobody.
func (o *once) again(key, by string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return by != "" && (by != o.self || !o.put[key])
}

// ended notes how a try went. An error that says when to come again means that
// the other side has refused to begin; what an earlier try did it cannot say.
func (o *once) ended(key string, again bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if _, later := bot.RetryDelay(err); err != nil && later && !again {
		o.put[key] = true
		return
	}
	delete(o.put, key)
}

// begin puts on record that this process is about to carry an effect out, and
// reports whether it may have been carried out before.
func (r *Runner) begin(ctx context.Context, key string) (again bool, err error) {
	rec, err := r.cfg.Bot.Store().Get(ctx, kindTried, key)
	if err != nil && !errors.Is(err, bot.ErrNotFound) {
		return true, fmt.Errorf("look up whether %s was tried: %w", key, err)
	}
	by := string(rec.Body)
	if again = r.once.again(key, by); by == r.once.self {
		return again, nil
	}
	_, err = r.cfg.Bot.Store().Commit(ctx, bot.Commit{At: r.cfg.Bot.Now(), Records: []bot.RecordChange{
		{Kind: kindTried, ID: key, Version: rec.Version, Body: []byte(r.once.self)},
	}})
	if err != nil {
		return true, fmt.Errorf("put on record that %s is tried: %w", key, err)
	}
	return again, nil
}

// tried ends the record of a try.
func tried(key string) bot.RecordChange {
	return bot.RecordChange{Kind: kindTried, ID: key, Version: bot.AnyVersion}
}

func triedPage(t bot.PageTask) []bot.RecordChange {
	if t.Tried == "" {
		return nil
	}
	return []bot.RecordChange{tried(t.Tried)}
}
