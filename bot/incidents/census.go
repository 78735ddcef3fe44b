package incidents

import (
	"context"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/workflow"
)

// Census is how many incidents are open: those that everyone may see, and each of those
// that not everyone may see.
type Census struct {
	Public  bot.OpenCounts
	Private []workflow.Incident
}

// Census counts all open incidents (E14: lists are by need). It reads the private ones.
func (r *Reader) Census(ctx context.Context) (Census, error) {
	var c Census
	var err error
	if c.Public, err = r.store.CountOpen(ctx, ""); err != nil {
		return c, err
	}
	for l, err := range bot.ListAllOpen(ctx, r.store, bot.OpenQuery{Tag: workflow.TagPrivate}) {
		if err != nil {
			return c, err
		}
		c.Public.Remove(l.Need)
		i, err := r.decode(ctx, l)
		if err != nil {
			r.log.ErrorContext(ctx, "an open incident cannot be decoded and is not counted", "incident", l.ID, "error", err.Error())
			continue
		}
		c.Private = append(c.Private, i)
	}
	return c, nil
}

// For returns the number of open incidents that a speaker may see.
func (c Census) For(s access.Speaker) bot.OpenCounts {
	counts := c.Public
	for n := range c.Private {
		if i := &c.Private[n]; s.CanSee(i) {
			counts.Add(i.Listing().Need)
		}
	}
	return counts
}

// CountOpen returns the number of open incidents that a speaker may see.
func (r *Reader) CountOpen(ctx context.Context, s access.Speaker) (bot.OpenCounts, error) {
	c, err := r.Census(ctx)
	return c.For(s), err
}

// CountInvolving returns in how many open incidents a person is involved.
func (r *Reader) CountInvolving(ctx context.Context, person string) (int, error) {
	c, err := r.store.CountOpen(ctx, workflow.TagInvolving(person))
	return c.Open, err
}
