package agenda

import (
	"context"
	"errors"
	"fmt"
	"strings"

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
	if !r.covers(tasks[0].Lease) { // asked last: the process may have stood still until now
		return nil // it comes again when the lease has run out
	}
	if err == nil {
		err = r.send(ctx, pager, page, tasks[0].Deed)
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
func (r *Runner) send(ctx context.Context, pager bot.Pager, page bot.Page, d workflow.SendPage) error {
	medium, _, _ := strings.Cut(d.Via, "#")
	if !human(d) {
		medium = d.To // each receiver answers for itself
	}
	if r.silent.now(medium, r.cfg.Bot.Now()) {
		return fmt.Errorf("%s: %w", medium, errSilent)
	}
	send, cancel := context.WithTimeout(ctx, r.cfg.Send)
	defer cancel()
	began := r.cfg.Bot.Now()
	err := pager.Page(send, page)
	now := r.cfg.Bot.Now()
	if now.Sub(began) > 2*r.cfg.Send { // it was this process that stood still, not the medium
		return err
	}
	r.silent.heard(medium, err != nil && send.Err() != nil, now)
	return err
}

// answerTries is how often the delivery of a page is tried to be written down
// before the page is remembered.
const answerTries = 3

// wanted drops the pages that nobody needs any more. When the store cannot be
// read while look lasts, they go out all the same (rule E3).
func (r *Runner) wanted(ctx, look context.Context, group []bot.Lease) ([]bot.PageTask, error) {
	var tasks []bot.PageTask
	for _, l := range group {
		d, err := workflow.DecodeDeed(l.Body)
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
		if ok, _ := i.Wanted(page); !ok {
			if err := r.cfg.Bot.Settle(ctx, l); err != nil {
				return nil, err
			}
			continue
		}
		tasks = append(tasks, bot.PageTask{Lease: l, Deed: page, Incident: i})
	}
	return tasks, nil
}

// paged brings the provider's answer back. A page that failed is told to the
// incident, which goes on with the next method or step, and is tried again
// beside that (rule E4).
func (r *Runner) paged(ctx context.Context, t bot.PageTask, err error) error {
	switch {
	case err == nil:
		return r.delivered(ctx, t)
	case bot.IsPermanent(err):
		r.cfg.Log.Warn("a page failed for good", "incident", t.Lease.Owner, "person", t.Deed.To, "via", t.Deed.Via, "error", err.Error())
		return r.cfg.Bot.Answer(ctx, t.Lease, workflow.Undeliverable{Page: t.Deed.Page, Why: err.Error()})
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
func (r *Runner) takeBack(ctx context.Context, l bot.Lease, d workflow.TakeBack) error {
	canceler, ok := r.cfg.Bot.Canceler(d.Via)
	if !ok || l.Attempt > 10 {
		return r.cfg.Bot.Settle(ctx, l)
	}
	i, err := r.cfg.Bot.Peek(ctx, l.Owner)
	if err != nil {
		return err
	}
	task := bot.PageTask{Lease: l, Incident: i, Deed: workflow.SendPage{Page: d.Page, To: d.To, Via: d.Via, Purpose: workflow.ToKnow}}
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

// openRoom makes the room on one platform.
func (r *Runner) openRoom(ctx context.Context, l bot.Lease, d workflow.OpenRoom) error {
	chat, ok := r.cfg.Bot.Chat(d.Platform)
	if !ok {
		return r.cfg.Bot.Answer(ctx, l, workflow.RoomRefused{Platform: d.Platform, Why: d.Platform + " is not connected"})
	}
	i, err := r.cfg.Bot.Peek(ctx, l.Owner)
	if err != nil {
		return err
	}
	if !r.covers(l) {
		return nil
	}
	send, cancel := context.WithTimeout(ctx, r.cfg.Send)
	defer cancel()
	room, err := chat.OpenRoom(send, r.cfg.Bot.RoomRequest(l.ID, i))
	switch {
	case err == nil:
		return r.cfg.Bot.Answer(ctx, l, workflow.RoomReady{Platform: d.Platform, ID: room.ID, Name: room.Name, URL: room.URL})
	case bot.IsPermanent(err):
		return r.cfg.Bot.Answer(ctx, l, workflow.RoomRefused{Platform: d.Platform, Why: err.Error()})
	}
	return err
}

// post writes one event into a room. A room that will never open ends its lane.
func (r *Runner) post(ctx context.Context, l bot.Lease, d workflow.Post) error {
	i, err := r.cfg.Bot.Peek(ctx, l.Owner)
	if err != nil {
		return err
	}
	post, err := r.cfg.Bot.PostOf(ctx, l.ID, i, d)
	chat, ok := r.cfg.Bot.Chat(d.Platform)
	if !ok || post.Room.State == workflow.RoomFailed {
		return r.cfg.Bot.Settle(ctx, l)
	}
	if !r.covers(l) {
		return nil // it comes again when the lease has run out
	}
	if err == nil {
		send, cancel := context.WithTimeout(ctx, r.cfg.Send)
		defer cancel()
		err = chat.Post(send, post)
	}
	switch {
	case err == nil:
		return r.cfg.Bot.Settle(ctx, l)
	case bot.IsPermanent(err) && post.Failure: // else failing posts would tell of each other for ever
		r.cfg.Log.Error("gave up telling of a failure", "incident", l.Owner, "platform", d.Platform, "error", err.Error())
		return r.cfg.Bot.Settle(ctx, l)
	case bot.IsPermanent(err):
		return r.giveUp(ctx, l, "a post to "+d.Platform, err)
	}
	return err
}
