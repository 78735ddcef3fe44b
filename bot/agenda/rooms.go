package agenda

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// showEvery is between two edits of one card: what changes meanwhile is shown
// at once then.
const showEvery = 2 * time.Second

// What a task waits that needs the card, which is owed beside it; and how often
// that is a moment only.
const (
	waitFor = 250 * time.Millisecond
	soon    = 20
)

var (
	errNoCard  = errors.New("the card is not there yet")
	errSettled = errors.New("settled")
)

// roomDeed carries out what is owed to a chat platform.
func (r *Runner) roomDeed(ctx context.Context, l bot.Lease, d workflow.RoomAction) error {
	i, err := r.cfg.Bot.Peek(ctx, l.Owner)
	if err != nil {
		return err
	}
	switch d := d.(type) {
	case workflow.OpenRoom:
		return r.openRoom(ctx, l, d, i)
	case workflow.Post:
		return r.post(ctx, l, d, i)
	case workflow.ShowCard:
		return r.show(ctx, l, d, i)
	case workflow.SetUpRoom:
		return r.furnish(ctx, l, d, i)
	case workflow.InvitePeople:
		return r.invite(ctx, l, d, i)
	case workflow.CloseRoom:
		return r.closeRoom(ctx, l, d, i)
	}
	return r.cfg.Bot.Settle(ctx, l)
}

// ask asks a platform for something, unless it has been silent lately: then it
// is to be asked when it is tried again, so that one that hangs holds up no
// hands.
func (r *Runner) ask(ctx context.Context, platform string, l bot.Lease, do func(context.Context) error) error {
	if !r.covers(l) {
		return errSettled // it comes again when the lease has run out
	}
	if wait := r.silent.rest(platform, r.cfg.Bot.Now()); wait > 0 {
		return bot.RetryAfter(wait, fmt.Errorf("%s: %w", platform, errSilent))
	}
	send, cancel := context.WithTimeout(ctx, r.cfg.Send)
	defer cancel()
	began := r.cfg.Bot.Now()
	err := do(send)
	now := r.cfg.Bot.Now()
	if now.Sub(began) > 2*r.cfg.Send || errors.Is(err, bot.ErrPaced) { // it was this process that stood still, or waits
		return err
	}
	r.silent.heard(platform, err != nil && send.Err() != nil, now)
	_, later := bot.RetryDelay(err)
	r.cfg.Bot.Heard(platform, err == nil || later || bot.IsPermanent(err), err)
	return err
}

// worstFirst lets the rooms of the worst incidents be opened first, when several
// are due at once: platforms limit how many there are in a minute.
func (r *Runner) worstFirst(ctx context.Context, leases []bot.Lease) []bot.Lease {
	var at []int
	var rooms []bot.Lease
	severity := map[string]workflow.Severity{}
	for n, l := range leases {
		if l.Lane.Class != workflow.ClassUpdate || !strings.HasPrefix(l.Lane.Destination, "room:") {
			continue
		}
		if d, err := workflow.DecodeAction(l.Body); err == nil {
			if _, opens := d.(workflow.OpenRoom); opens {
				at, rooms = append(at, n), append(rooms, l)
			}
		}
	}
	if len(rooms) < 2 {
		return leases
	}
	for _, l := range rooms {
		if i, err := r.cfg.Bot.Peek(ctx, l.Owner); err == nil {
			severity[l.Owner] = i.Severity
		}
	}
	slices.SortStableFunc(rooms, func(a, b bot.Lease) int { return cmp.Compare(severity[a.Owner], severity[b.Owner]) })
	leases = slices.Clone(leases)
	for n, l := range rooms {
		leases[at[n]] = l
	}
	return leases
}

// left ends what must not be done now: its lease runs out.
func left(err error) error {
	if errors.Is(err, errSettled) {
		return nil
	}
	return err
}

// openRoom makes the room on one platform.
func (r *Runner) openRoom(ctx context.Context, l bot.Lease, d workflow.OpenRoom, i workflow.Incident) error {
	chat, ok := r.cfg.Bot.Chat(d.Platform)
	if !ok {
		return r.cfg.Bot.Answer(ctx, l, workflow.RoomRefused{Platform: d.Platform, Why: d.Platform + " is not connected"})
	}
	var room workflow.Room
	request := r.cfg.Bot.RoomRequest(l.ID, d.Platform, i)
	err := r.ask(ctx, d.Platform, l, func(ctx context.Context) (err error) {
		room, err = chat.OpenRoom(ctx, request)
		return err
	})
	if err == nil && request.Private && !room.Private {
		err = bot.Permanent(errors.New("no private room could be had")) // no private room, no room (rule P2)
	}
	switch {
	case err == nil:
		return r.cfg.Bot.Answer(ctx, l, workflow.RoomReady{Platform: d.Platform, ID: room.ID, Name: room.Name, URL: room.URL, Private: room.Private})
	case bot.IsPermanent(err):
		return r.cfg.Bot.Answer(ctx, l, workflow.RoomRefused{Platform: d.Platform, Why: err.Error()})
	}
	return left(err)
}

// post writes what one step made true into a room, or below the announcement. A
// room that will never open ends its lane; what is private is said in private
// rooms only (rule P2).
func (r *Runner) post(ctx context.Context, l bot.Lease, d workflow.Post, i workflow.Incident) error {
	chat, ok := r.cfg.Bot.Chat(d.Platform)
	room, _ := i.Room(d.Platform)
	if ok && d.Place == workflow.InRoom && room.State == workflow.RoomRequested && (room.ID != "" || i.Open()) { // it comes, or comes back, behind this
		return r.cfg.Bot.Answer(ctx, l, workflow.RoomClosed{Platform: d.Platform, ID: room.ID, Seq: d.Seq, Through: max(d.Seq, d.Through)}, tried(l.ID))
	}
	if !ok || !i.CanPost(d.Platform, d.Place) {
		return r.cfg.Bot.Settle(ctx, l, tried(l.ID))
	}
	if first, err := r.cardFirst(ctx, l, d, i); !first || err != nil {
		return err
	}
	post, err := r.cfg.Bot.PostOf(ctx, l.ID, i, d)
	if err == nil && d.Place == workflow.Announce && post.Under == "" {
		return noCard(l)
	}
	if err == nil {
		if post.Again, err = r.begin(ctx, l.ID); err != nil {
			return err
		}
		err = r.ask(ctx, d.Platform, l, func(ctx context.Context) error { return chat.Post(ctx, post) })
		r.once.ended(l.ID, post.Again, err)
	}
	switch {
	case err == nil:
		return r.cfg.Bot.Settle(ctx, l, tried(l.ID))
	case errors.Is(err, bot.ErrRoomGone) && d.Place == workflow.InRoom:
		return r.cfg.Bot.Answer(ctx, l, workflow.RoomClosed{Platform: d.Platform, ID: room.ID, Seq: d.Seq, Through: max(d.Seq, d.Through)}, tried(l.ID))
	case bot.IsPermanent(err) && post.Failure: // else failing posts would tell of each other for ever
		r.cfg.Log.Error("gave up telling of a failure", "incident", l.Owner, "platform", d.Platform, "error", err.Error())
		return r.cfg.Bot.Settle(ctx, l, tried(l.ID))
	case bot.IsPermanent(err):
		r.cfg.Log.Error("gave up", "task", l.ID, "incident", l.Owner, "what", "a post", "error", err.Error())
		return r.cfg.Bot.Answer(ctx, l, workflow.GiveUp{What: "a post to " + d.Platform, Why: err.Error()}, tried(l.ID))
	}
	return left(err)
}

// cardFirst lets a new room begin with its card, unless that takes long. An
// error asks to come again.
func (r *Runner) cardFirst(ctx context.Context, l bot.Lease, d workflow.Post, i workflow.Incident) (bool, error) {
	if _, shows := r.cfg.Bot.Host(d.Platform); !shows || d.Place != workflow.InRoom || l.Attempt > 5 {
		return true, nil
	}
	at, err := r.cfg.Bot.Shown(ctx, i, workflow.ShowCard{Platform: d.Platform})
	if err == nil && at.Ref == "" {
		err = noCard(l)
	}
	return err == nil, err
}

// noCard waits for the card: a moment at first, as it is owed beside this.
func noCard(l bot.Lease) error {
	if l.Attempt > soon {
		return errNoCard
	}
	return bot.RetryAfter(waitFor, errNoCard)
}

// show brings a card up to date.
func (r *Runner) show(ctx context.Context, l bot.Lease, d workflow.ShowCard, i workflow.Incident) error {
	host, ok := r.cfg.Bot.Host(d.Platform)
	room, is := i.Room(d.Platform)
	if !ok || !is || d.Place == workflow.InRoom && !i.CanPost(d.Platform, workflow.InRoom) {
		return r.cfg.Bot.Settle(ctx, l)
	}
	at, err := r.cfg.Bot.Shown(ctx, i, d)
	if err != nil {
		return err
	}
	card, hash := r.cfg.Bot.CardOf(i, d)
	now := r.cfg.Bot.Now()
	wait := at.At.Add(showEvery).Sub(now)
	switch {
	case at.Ref != "" && at.Hash == hash:
		return r.shown(ctx, l, d, room)
	case at.Ref == "" && d.Place == workflow.Announce && i.Visibility == workflow.Private && !at.Known():
		return r.cfg.Bot.Settle(ctx, l)
	case at.Ref != "" && wait > 0 && wait <= showEvery:
		return bot.RetryAfter(wait, errors.New("the card was shown a moment ago"))
	}
	card.Ref, card.Again = at.Ref, at.Ref == "" && r.once.again(card.Key, at.By)
	if at.Ref == "" && at.By != r.once.self {
		if at, err = r.beginCard(ctx, i, d, at); err != nil {
			return err
		}
	}
	next := bot.Shown{Hash: hash, At: now, By: r.once.self}
	err = r.ask(ctx, d.Platform, l, func(ctx context.Context) (err error) {
		next.Ref, err = host.Show(ctx, card)
		return err
	})
	r.once.ended(card.Key, card.Again, err)
	if err != nil {
		return r.notShown(ctx, l, d, at, err)
	}
	change, err := at.Change(next)
	if err != nil {
		return err
	}
	return r.shown(ctx, l, d, room, change)
}

// shown settles a card that is true. An announcement is a step of its room's,
// which may have been asked for anew since it was written.
func (r *Runner) shown(ctx context.Context, l bot.Lease, d workflow.ShowCard, room workflow.Room, change ...bot.RecordChange) error {
	if s, is := room.Step(workflow.StepAnnounce); is && d.Place == workflow.Announce && s.State != workflow.StepDone {
		return r.cfg.Bot.Answer(ctx, l, workflow.RoomStepEnded{Platform: d.Platform, Step: workflow.StepAnnounce}, change...)
	}
	return r.cfg.Bot.Settle(ctx, l, change...)
}

// beginCard puts on record that this process is about to write a card.
func (r *Runner) beginCard(ctx context.Context, i workflow.Incident, d workflow.ShowCard, at bot.Shown) (bot.Shown, error) {
	change, err := at.Change(bot.Shown{By: r.once.self})
	if err != nil {
		return at, err
	}
	if _, err = r.cfg.Bot.Store().Commit(ctx, bot.Commit{At: r.cfg.Bot.Now(), Records: []bot.RecordChange{change}}); err != nil {
		return at, err
	}
	return r.cfg.Bot.Shown(ctx, i, d)
}

// notShown says why a card could not be shown. That an incident cannot be
// announced is a step of its room's; a card that never was cannot be pinned.
func (r *Runner) notShown(ctx context.Context, l bot.Lease, d workflow.ShowCard, at bot.Shown, err error) error {
	if !bot.IsPermanent(err) {
		return left(err)
	}
	r.cfg.Log.Error("gave up showing a card", "incident", l.Owner, "platform", d.Platform, "place", string(d.Place), "error", err.Error())
	if d.Place == workflow.Announce {
		return r.cfg.Bot.Answer(ctx, l, workflow.RoomStepEnded{Platform: d.Platform, Step: workflow.StepAnnounce, Why: err.Error()})
	}
	if at.Ref == "" {
		return r.cfg.Bot.Answer(ctx, l, workflow.RoomStepEnded{Platform: d.Platform, Step: workflow.StepPin, Why: err.Error()})
	}
	return r.cfg.Bot.Settle(ctx, l)
}

// furnish gives a room what it lacks.
func (r *Runner) furnish(ctx context.Context, l bot.Lease, d workflow.SetUpRoom, i workflow.Incident) error {
	host, ok := r.cfg.Bot.Host(d.Platform)
	room, is := i.Room(d.Platform)
	if !ok || !is || !i.CanPost(d.Platform, workflow.InRoom) {
		return r.cfg.Bot.Settle(ctx, l, tried(l.ID))
	}
	work := r.cfg.Bot.RoomWork(l.ID, i, room, d.Step)
	at, err := r.cfg.Bot.Shown(ctx, i, workflow.ShowCard{Platform: d.Platform})
	if err != nil {
		return err
	}
	if work.Card = at.Ref; d.Step == workflow.StepPin && at.Ref == "" {
		if pin, _ := room.Step(d.Step); pin.State == workflow.StepFailed && l.Attempt > soon {
			return r.cfg.Bot.Settle(ctx, l, tried(l.ID)) // there will be none, unless it is tried again
		}
		return noCard(l)
	}
	if work.Again, err = r.begin(ctx, l.ID); err != nil {
		return err
	}
	err = r.ask(ctx, d.Platform, l, func(ctx context.Context) error { return host.Furnish(ctx, work) })
	r.once.ended(l.ID, work.Again, err)
	return r.stepped(ctx, l, workflow.RoomStepEnded{Platform: d.Platform, Step: d.Step}, err)
}

// stepped brings back how a step went.
func (r *Runner) stepped(ctx context.Context, l bot.Lease, f workflow.RoomStepEnded, err error) error {
	if err != nil {
		if !bot.IsPermanent(err) {
			return left(err)
		}
		f.Why = err.Error()
		r.cfg.Log.Warn("a room lacks something", "incident", l.Owner, "platform", f.Platform, "step", f.Step, "error", f.Why)
	}
	return r.cfg.Bot.Answer(ctx, l, f, tried(l.ID))
}

// invite asks people into a room.
func (r *Runner) invite(ctx context.Context, l bot.Lease, d workflow.InvitePeople, i workflow.Incident) error {
	host, ok := r.cfg.Bot.Host(d.Platform)
	room, is := i.Room(d.Platform)
	if !ok || !is || !i.CanPost(d.Platform, workflow.InRoom) {
		return r.cfg.Bot.Settle(ctx, l)
	}
	invitation := r.cfg.Bot.Invitation(l.ID, i, room, d.People)
	err := r.ask(ctx, d.Platform, l, func(ctx context.Context) error { return host.Invite(ctx, invitation) })
	return r.stepped(ctx, l, workflow.RoomStepEnded{Platform: d.Platform, Step: workflow.StepInvite}, err)
}

// closeRoom puts a room away, unless the incident goes on in it.
func (r *Runner) closeRoom(ctx context.Context, l bot.Lease, d workflow.CloseRoom, i workflow.Incident) error {
	host, ok := r.cfg.Bot.Host(d.Platform)
	room, _ := i.Room(d.Platform)
	if current := room.ID == d.ID; !ok || current && (i.Open() || room.State != workflow.RoomOpen) {
		return r.cfg.Bot.Settle(ctx, l)
	}
	work := bot.RoomWork{Key: l.ID, Incident: i.ID, Room: workflow.Room{Platform: d.Platform, ID: d.ID}, Severity: i.Severity}
	err := r.ask(ctx, d.Platform, l, func(ctx context.Context) error { return host.CloseRoom(ctx, work) })
	switch {
	case err == nil:
		return r.cfg.Bot.Answer(ctx, l, workflow.RoomClosed{Platform: d.Platform, ID: d.ID})
	case bot.IsPermanent(err):
		return r.giveUp(ctx, l, "putting a room away", err)
	}
	return left(err)
}
