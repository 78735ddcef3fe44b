package agenda

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// page sends one page, or several to the same person as one message. Before
// each send it looks again whether the page is still wanted (rule E3).
func (r *Runner) page(ctx context.Context, group []bot.Lease) error {
	look, cancel := context.WithTimeout(ctx, (r.cfg.Lease-r.cfg.Send)/2) // so that the lease covers the send all the same
	defer cancel()
	tasks, err := r.wanted(ctx, look, group)
	if err != nil || len(tasks) == 0 {
		return err
	}
	page, pager, err := r.cfg.Bot.Compose(look, tasks)
	again := false
	if _, asks := pager.(bot.Rechecker); asks && err == nil {
		again = r.beginPages(look, tasks, page)
	}
	if again && len(tasks) > 1 { // each is asked about for itself
		for _, t := range tasks {
			if failed := r.page(ctx, []bot.Lease{t.Lease}); failed != nil {
				return failed
			}
		}
		return nil
	}
	if !r.covers(tasks[0].Lease) { // asked last: the process may have stood still until now
		return nil // it comes again when the lease has run out
	}
	if err == nil {
		err = r.send(ctx, pager, page, sending{tasks[0].Deed, again})
		for _, key := range page.Keys {
			r.once.ended(key, again, err)
		}
	}
	if err == nil {
		r.bundles.sent(tasks[0].Deed, r.cfg.Bot.Now())
	}
	for _, t := range tasks {
		e := r.paged(ctx, t, err)
		if e == nil || errors.Is(e, bot.ErrLeaseLost) {
			continue
		}
		r.cfg.Log.Warn("a page could not be answered for, trying again", "incident", t.Lease.Owner, "page", t.Deed.Page, "error", e.Error())
		if err != nil { // else only its answer is tried again
			r.postpone(ctx, t.Lease, e)
		}
	}
	return nil
}

// send hands a page over, unless its medium has been silent lately: then it
// fails at once, so that the next method or step is not waited for (rule E4),
// and what hangs in one medium holds up no other.
func (r *Runner) send(ctx context.Context, pager bot.Pager, page bot.Page, s sending) error {
	medium, _, _ := strings.Cut(s.Via, "#")
	if !human(s.SendPage) {
		medium = s.To // each receiver answers for itself
	}
	if r.silent.now(medium, r.cfg.Bot.Now()) {
		return fmt.Errorf("%s: %w", medium, errSilent)
	}
	send, cancel := context.WithTimeout(ctx, r.cfg.Send)
	defer cancel()
	began := r.cfg.Bot.Now()
	hand := pager.Page
	if check, asks := pager.(bot.Rechecker); asks && s.again {
		hand = check.PageAgain
	}
	err := hand(send, page)
	now := r.cfg.Bot.Now()
	if now.Sub(began) > 2*r.cfg.Send || errors.Is(err, bot.ErrPaced) { // it was this process that stood still or waits, not the medium
		return err
	}
	r.silent.heard(medium, err != nil && send.Err() != nil, now)
	return err
}

// sending is how a page is sent: again, when it may have been sent before.
type sending struct {
	workflow.SendPage
	again bool
}

// beginPages puts pages on record that are about to be handed to somebody who
// can be asked, and reports whether one may have been handed over before. When
// that cannot be known, it may.
func (r *Runner) beginPages(ctx context.Context, tasks []bot.PageTask, page bot.Page) (again bool) {
	for n := range tasks {
		tasks[n].Tried = page.Keys[n]
		was, err := r.begin(ctx, page.Keys[n])
		if err != nil {
			r.cfg.Log.Warn("a page is not on record as tried; asking first", "page", page.Keys[n], "error", err.Error())
		}
		again = again || was
	}
	return again
}

// answerTries is how often the delivery of a page is tried to be written down
// before the page is remembered.
const answerTries = 3

// wanted drops the pages that nobody needs any more. When the store cannot be
// read while look lasts, they go out all the same (rule E3).
func (r *Runner) wanted(ctx, look context.Context, group []bot.Lease) ([]bot.PageTask, error) {
	var tasks []bot.PageTask
	for _, l := range group {
		d, err := workflow.DecodeAction(l.Body)
		if err != nil {
			return nil, err
		}
		page, is := d.(workflow.SendPage)
		if !is {
			continue
		}
		if t := (bot.PageTask{Lease: l, Deed: page}); r.handed.has(t) {
			if err = r.delivered(ctx, t); err != nil {
				r.cfg.Log.Warn("a page that was sent is still to be written down", "incident", l.Owner, "page", page.Page, "error", err.Error())
			}
			continue
		}
		i, err := r.cfg.Bot.Peek(look, l.Owner)
		if err != nil {
			r.cfg.Log.Error("the store cannot be read; paging all the same", "incident", l.Owner, "error", err.Error())
			tasks = append(tasks, bot.PageTask{Lease: l, Deed: page})
			continue
		}
		if ok, _ := i.StillWanted(page); !ok {
			if err := r.cfg.Bot.Settle(ctx, l, tried(l.Owner+"/"+page.Page)); err != nil {
				return nil, err
			}
			continue
		}
		tasks = append(tasks, bot.PageTask{Lease: l, Deed: page, Incident: i})
	}
	return tasks, nil
}

// briefly is how long a medium may put a page off without having failed: several
// pages to one person, say, come a second apart on a chat platform.
const briefly = 5 * time.Second

// paged brings the provider's answer back. A page that failed is told to the
// incident, which goes on with the next method or step, and is tried again
// beside that (rule E4).
func (r *Runner) paged(ctx context.Context, t bot.PageTask, err error) error {
	switch {
	case err == nil:
		return r.delivered(ctx, t)
	case bot.IsPermanent(err):
		r.cfg.Log.Warn("a page failed for good", "incident", t.Lease.Owner, "person", t.Deed.To, "via", t.Deed.Via, "error", err.Error())
		return r.cfg.Bot.Answer(ctx, t.Lease, workflow.Undeliverable{Page: t.Deed.Page, Why: err.Error()}, triedPage(t)...)
	}
	if wait, later := bot.RetryDelay(err); later && wait <= briefly {
		r.postpone(ctx, t.Lease, err) // it is on its way: nothing else need be tried
		return nil
	}
	if !r.cfg.Bot.Now().Before(t.Lease.Until) {
		return bot.ErrLeaseLost // a report is not fenced: whoever lost the page may not tell of it (rule X2)
	}
	r.cfg.Log.Warn("a page failed, trying again", "incident", t.Lease.Owner, "person", t.Deed.To, "via", t.Deed.Via, "attempt", t.Lease.Attempt, "error", err.Error())
	if e := r.cfg.Bot.Report(ctx, t.Lease.Owner, workflow.Undeliverable{Page: t.Deed.Page, Why: err.Error(), Retrying: true}); e != nil {
		return errors.Join(err, e)
	}
	r.postpone(ctx, t.Lease, err)
	return nil
}

// takeBack tells a medium that a page needs no answer any more. It is a
// courtesy: after some tries it is let be.
func (r *Runner) takeBack(ctx context.Context, l bot.Lease, d workflow.CancelPage) error {
	canceler, ok := r.cfg.Bot.Canceler(d.Via)
	if !ok || l.Attempt > 10 {
		return r.cfg.Bot.Settle(ctx, l)
	}
	i, err := r.cfg.Bot.Peek(ctx, l.Owner)
	if err != nil {
		return err
	}
	task := bot.PageTask{Lease: l, Incident: i, Deed: workflow.SendPage{Page: d.Page, To: d.To, Via: d.Via, Purpose: workflow.PurposeNotice, Text: d.Why}}
	if !r.covers(l) {
		return nil
	}
	page, _, err := r.cfg.Bot.Compose(ctx, []bot.PageTask{task})
	if err == nil {
		send, cancel := context.WithTimeout(ctx, r.cfg.Send)
		defer cancel()
		err = canceler.Cancel(send, page, d.Why)
	}
	if err != nil && !bot.IsPermanent(err) {
		return err
	}
	return r.cfg.Bot.Settle(ctx, l)
}
