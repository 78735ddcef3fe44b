package incidents

import (
	"cmp"
	"context"
	"iter"
	"slices"
	"strings"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/workflow"
)

// Filter selects incidents for a list.
type Filter struct {
	All          bool // includes ended ones
	Status       string
	Severity     workflow.Severity
	Service      string
	Text         string // part of the ID, the title, a service or the description, in any case
	Awaiting     string // only those that wait for an answer of this person; an ID
	Involving    string // only those in which this person is involved
	NotInvolving string // only those in which this person is not involved
	Paging       bool   // only those that page until a person acknowledges
	After        Cursor // after this place of the list; zero: from the first
	Limit        int    // at most 500; 0 means 50
}

// MaxLimit is the maximum number of incidents in one page of a list.
const MaxLimit = 500

// List returns incidents that the speaker may see, by need: open ones first (E14: lists are
// by need), then ended ones, newest first; and where the next page begins, zero when there
// are no more. Pages are full, whatever the speaker may not see.
func (r *Reader) List(ctx context.Context, s access.Speaker, q Filter) ([]workflow.Incident, Cursor, error) {
	limit := min(cmp.Or(q.Limit, 50), MaxLimit)
	var found []workflow.Incident
	var last Cursor
	for one, err := range r.iterate(ctx, q) {
		if err != nil {
			return nil, Cursor{}, err
		}
		if !q.Matches(one.Incident) || access.CheckVisible(one.Incident, s) != nil {
			continue
		}
		if len(found) == limit {
			return found, last, nil
		}
		found, last = append(found, one.Incident), one.Cursor
	}
	return found, Cursor{}, nil
}

// placed is an incident with its place in a list.
type placed struct {
	workflow.Incident
	Cursor
}

// iterate iterates over the incidents that a filter may match, in the order of List. An
// incident that cannot be decoded is logged and left out, so that the others are listed.
func (r *Reader) iterate(ctx context.Context, q Filter) iter.Seq2[placed, error] {
	return func(yield func(placed, error) bool) {
		next := func(l bot.Loaded, err error, c Cursor) bool {
			if err != nil {
				return yield(placed{}, err)
			}
			i, err := r.decode(ctx, l)
			if err != nil && ctx.Err() != nil {
				return yield(placed{}, err)
			}
			if err != nil {
				r.log.ErrorContext(ctx, "an incident cannot be decoded and is left out of a list", "incident", l.ID, "error", err.Error())
				return true
			}
			return yield(placed{i, c}, nil)
		}
		if q.includesOpen() {
			for l, err := range bot.ListAllOpen(ctx, r.store, bot.OpenQuery{Tag: q.tag(), After: q.After.open, Limit: q.pageSize()}) {
				if q.Paging && l.Need >= workflow.NeedAcknowledged {
					break
				}
				if !next(l, err, Cursor{open: bot.Place{Need: l.Need, Number: l.Number}}) {
					return
				}
			}
		}
		if !q.includesEnded() {
			return
		}
		for l, err := range bot.ListAll(ctx, r.store, bot.Query{Ended: true, Before: q.After.before, Limit: q.pageSize()}) {
			if !next(l, err, Cursor{before: l.Number}) {
				return
			}
		}
	}
}

// includesOpen reports whether open incidents may match and come after the cursor.
func (q Filter) includesOpen() bool {
	return q.After.before == 0 && (q.Status == "" || workflow.Status(q.Status).IsOpen())
}

// includesEnded reports whether ended incidents may match.
func (q Filter) includesEnded() bool {
	return q.tag() == "" && !q.Paging && (q.Status == "" && q.All || q.Status != "" && !workflow.Status(q.Status).IsOpen())
}

// tag returns the tag of the list that has all open incidents that may match.
func (q Filter) tag() string {
	switch {
	case q.Awaiting != "":
		return workflow.TagAwaiting(q.Awaiting)
	case q.Involving != "":
		return workflow.TagInvolving(q.Involving)
	}
	return ""
}

// pageSize returns how many incidents are read from the store at a time: a few more than
// are wanted, since some may not match.
func (q Filter) pageSize() int { return min(cmp.Or(q.Limit, 50)+10, 200) }

// Matches reports whether an incident meets the filter. It does not look at All, After and
// Limit.
func (q Filter) Matches(i workflow.Incident) bool {
	return i.Status != "" && (q.Status == "" || string(i.Status) == q.Status) &&
		(q.Severity == 0 || i.Severity == q.Severity) &&
		(q.Service == "" || slices.Contains(i.Services, q.Service)) &&
		(q.Awaiting == "" || i.IsAwaiting(q.Awaiting)) &&
		(q.Involving == "" || i.IsInvolved(q.Involving)) &&
		(q.NotInvolving == "" || !i.IsInvolved(q.NotInvolving)) &&
		(!q.Paging || i.IsPaging()) &&
		(q.Text == "" || containsText(i, strings.ToLower(q.Text)))
}

// containsText reports whether an incident contains a text in lower case.
func containsText(i workflow.Incident, text string) bool {
	for _, s := range append([]string{i.ID, i.Title, i.Description}, i.Services...) {
		if strings.Contains(strings.ToLower(s), text) {
			return true
		}
	}
	return false
}

// ListOpen returns the open incidents that need a person most, at most limit, without any
// check of access: the caller shows each only to a speaker for which
// [access.Speaker.CanSee] holds.
func (r *Reader) ListOpen(ctx context.Context, limit int) ([]workflow.Incident, error) {
	var all []workflow.Incident
	for one, err := range r.iterate(ctx, Filter{Limit: limit}) {
		if err != nil {
			return nil, err
		}
		if all = append(all, one.Incident); len(all) >= limit {
			break
		}
	}
	return all, nil
}

// EachOpen calls do with every open incident, in no order that matters, without any check
// of access. An incident that changes meanwhile is not missed.
func (r *Reader) EachOpen(ctx context.Context, do func(workflow.Incident)) error {
	for l, err := range bot.ListAll(ctx, r.store, bot.Query{Open: true}) {
		if err != nil {
			return err
		}
		i, err := r.decode(ctx, l)
		if err != nil {
			r.log.ErrorContext(ctx, "an open incident cannot be decoded", "incident", l.ID, "error", err.Error())
			continue
		}
		do(i)
	}
	return nil
}

// SortByNeed sorts incidents by need, as [Reader.List] lists them.
func SortByNeed(all []workflow.Incident) {
	slices.SortStableFunc(all, func(a, b workflow.Incident) int {
		switch {
		case a.IsOpen() && b.IsOpen():
			return cmp.Or(cmp.Compare(a.Listing().Need, b.Listing().Need), cmp.Compare(a.Number, b.Number))
		case a.IsOpen():
			return -1
		case b.IsOpen():
			return 1
		}
		return cmp.Compare(b.Number, a.Number)
	})
}
