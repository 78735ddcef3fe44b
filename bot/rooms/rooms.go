// Package rooms carries out what is owed to chat platforms: it opens the rooms of
// incidents, sets them up, posts into them, keeps their cards and announcements up
// to date, invites people and archives.
package rooms

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"tocsin/bot"
	"tocsin/bot/outbound"
	"tocsin/workflow"
)

// Store is what rooms need of the store.
type Store interface {
	bot.Records
	bot.Committer
	bot.Library
}

// Config is what a manager is made of.
type Config struct {
	Engine   *bot.Engine
	Store    Store
	Attempts *outbound.Attempts
	Breaker  *outbound.Breaker
	Health   *outbound.Health
	Log      *slog.Logger
}

// Manager looks after the rooms of incidents.
type Manager struct {
	engine   *bot.Engine
	store    Store
	attempts *outbound.Attempts
	breaker  *outbound.Breaker
	health   *outbound.Health
	log      *slog.Logger
}

// New makes a manager.
func New(c Config) *Manager {
	return &Manager{engine: c.Engine, store: c.Store, attempts: c.Attempts, breaker: c.Breaker, health: c.Health, log: c.Log}
}

// What a task waits that needs the card, which is owed beside it; and for how many
// attempts it waits so briefly.
const (
	waitForCard   = 250 * time.Millisecond
	briefAttempts = 20
)

var (
	errNoCard    = errors.New("the card is not there yet")
	errAbandoned = errors.New("the lease does not outlast the send")
)

// HandleRoom carries out what is owed to a chat platform.
func (m *Manager) HandleRoom(ctx context.Context, w bot.Work) bot.Answer {
	a, ok := w.Action.(workflow.RoomAction)
	if !ok {
		return bot.Answer{Command: workflow.GiveUp{What: "a task for a room", Why: fmt.Sprintf("%T is none", w.Action)}}
	}
	switch a := a.(type) {
	case workflow.OpenRoom:
		return m.openRoom(ctx, w, a)
	case workflow.Post:
		return m.postMessage(ctx, w, a)
	case workflow.ShowCard:
		return m.showCard(ctx, w, a)
	case workflow.SetUpRoom:
		return m.setUpRoom(ctx, w, a)
	case workflow.InvitePeople:
		return m.invitePeople(ctx, w, a)
	case workflow.CloseRoom:
		return m.closeRoom(ctx, w, a)
	}
	return bot.Answer{}
}

// Order puts the rooms of the worst incidents first, when several are to be opened
// at once: platforms limit how many there are in a minute.
func (m *Manager) Order(ctx context.Context, works []bot.Work) []bot.Work {
	var at []int
	var opens []bot.Work
	for n, w := range works {
		if _, ok := w.Action.(workflow.OpenRoom); ok {
			at, opens = append(at, n), append(opens, w)
		}
	}
	if len(opens) < 2 {
		return works
	}
	severity := map[string]workflow.Severity{}
	for _, w := range opens {
		if i, err := m.engine.LoadUnchecked(ctx, w.Owner); err == nil {
			severity[w.Owner] = i.Severity
		}
	}
	slices.SortStableFunc(opens, func(a, b bot.Work) int { return cmp.Compare(severity[a.Owner], severity[b.Owner]) })
	works = slices.Clone(works)
	for n, w := range opens {
		works[at[n]] = w
	}
	return works
}

// host returns the platform of that name, if its rooms are the platform's own.
func (m *Manager) manager(platform string) (bot.RoomManager, bool) {
	chat, _ := m.engine.Chat(platform)
	h, ok := chat.(bot.RoomManager)
	return h, ok
}

// call asks a platform for something, unless it has not answered lately: then it
// is asked when the task is tried again, so that a platform that hangs holds up no
// worker.
func (m *Manager) call(ctx context.Context, platform string, w bot.Work, do func(context.Context) error) error {
	began := m.engine.Now()
	if !w.CanSend(began, outbound.SendTimeout) {
		return errAbandoned
	}
	if wait := m.breaker.Remaining(platform, began); wait > 0 {
		return bot.RetryAfter(wait, fmt.Errorf("%s: %w", platform, outbound.ErrNoAnswer))
	}
	send, cancel := context.WithTimeout(ctx, outbound.SendTimeout)
	defer cancel()
	err := do(send)
	now := m.engine.Now()
	if now.Sub(began) > 2*outbound.SendTimeout || errors.Is(err, bot.ErrPaced) { // this process stood still or waits, not the platform
		return err
	}
	m.breaker.RecordResult(platform, err != nil && send.Err() != nil, now)
	_, later := bot.RetryDelay(err)
	m.health.ReportHealth(platform, err == nil || later || bot.IsPermanent(err), err)
	return err
}

// retry is the answer of work that failed for now.
func answerError(err error) bot.Answer {
	if errors.Is(err, errAbandoned) {
		return bot.Answer{Abandoned: true}
	}
	return bot.Retry(err)
}

// done settles a task with the record of its attempt.
func settle(w bot.Work, c workflow.Command) bot.Answer {
	return bot.Answer{Command: c, Records: []bot.RecordChange{outbound.EndAttempt(w.ID)}}
}

// open makes the room on one platform.
func (m *Manager) openRoom(ctx context.Context, w bot.Work, a workflow.OpenRoom) bot.Answer {
	chat, ok := m.engine.Chat(a.Platform)
	if !ok {
		return bot.Answer{Command: workflow.RoomRefused{Platform: a.Platform, Why: a.Platform + " is not connected"}}
	}
	var room workflow.Room
	request := m.roomRequest(w.ID, a.Platform, w.Incident)
	err := m.call(ctx, a.Platform, w, func(ctx context.Context) (err error) {
		room, err = chat.OpenRoom(ctx, request)
		return err
	})
	if err == nil && request.Private && !room.Private {
		err = bot.Permanent(errors.New("no private room could be had")) // no private room, no room (rule P2)
	}
	switch {
	case err == nil:
		return bot.Answer{Command: workflow.RoomReady{Platform: a.Platform, ID: room.ID, Name: room.Name, URL: room.URL, Private: room.Private}}
	case bot.IsPermanent(err):
		return bot.Answer{Command: workflow.RoomRefused{Platform: a.Platform, Why: err.Error()}}
	}
	return answerError(err)
}

// setUp gives a room what it lacks.
func (m *Manager) setUpRoom(ctx context.Context, w bot.Work, a workflow.SetUpRoom) bot.Answer {
	host, ok := m.manager(a.Platform)
	room, is := w.Incident.Room(a.Platform)
	if !ok || !is || !w.Incident.CanPost(a.Platform, workflow.InRoom) {
		return settle(w, nil)
	}
	work := m.roomWork(w.ID, w.Incident, room, a.Step)
	at, err := m.loadCard(ctx, w.Incident, workflow.ShowCard{Platform: a.Platform})
	if err != nil {
		return bot.Retry(err)
	}
	if work.Card = at.Ref; a.Step == workflow.StepPin && at.Ref == "" {
		if pin, _ := room.Step(a.Step); pin.State == workflow.StepFailed && w.Attempt > briefAttempts {
			return settle(w, nil) // there will be none, unless it is tried again
		}
		return bot.Retry(retryNoCard(w))
	}
	if work.Again, err = m.attempts.Begin(ctx, w.ID); err != nil {
		return bot.Retry(err)
	}
	err = m.call(ctx, a.Platform, w, func(ctx context.Context) error { return host.SetUpRoom(ctx, work) })
	m.attempts.RecordResult(w.ID, work.Again, err)
	return m.answerStep(w, workflow.RoomStepEnded{Platform: a.Platform, Step: a.Step}, err)
}

// stepEnded says how a step of a room went.
func (m *Manager) answerStep(w bot.Work, c workflow.RoomStepEnded, err error) bot.Answer {
	if err != nil {
		if !bot.IsPermanent(err) {
			return answerError(err)
		}
		c.Why = err.Error()
		m.log.Warn("a room lacks something", "incident", w.Owner, "platform", c.Platform, "step", c.Step, "error", c.Why)
	}
	return settle(w, c)
}

// invite asks people into a room.
func (m *Manager) invitePeople(ctx context.Context, w bot.Work, a workflow.InvitePeople) bot.Answer {
	host, ok := m.manager(a.Platform)
	room, is := w.Incident.Room(a.Platform)
	if !ok || !is || !w.Incident.CanPost(a.Platform, workflow.InRoom) {
		return bot.Answer{}
	}
	invitation := m.Invitation(w.ID, w.Incident, room, a.People)
	err := m.call(ctx, a.Platform, w, func(ctx context.Context) error { return host.Invite(ctx, invitation) })
	return m.answerStep(w, workflow.RoomStepEnded{Platform: a.Platform, Step: workflow.StepInvite}, err)
}

// archive archives a room, unless the incident goes on in it.
func (m *Manager) closeRoom(ctx context.Context, w bot.Work, a workflow.CloseRoom) bot.Answer {
	host, ok := m.manager(a.Platform)
	i := w.Incident
	room, _ := i.Room(a.Platform)
	if current := room.ID == a.ID; !ok || current && (i.IsOpen() || room.State != workflow.RoomOpen) {
		return bot.Answer{}
	}
	work := bot.RoomWork{Key: w.ID, Incident: i.ID, Room: workflow.Room{Platform: a.Platform, ID: a.ID}, Severity: i.Severity}
	err := m.call(ctx, a.Platform, w, func(ctx context.Context) error { return host.CloseRoom(ctx, work) })
	switch {
	case err == nil:
		return bot.Answer{Command: workflow.RoomClosed{Platform: a.Platform, ID: a.ID}}
	case bot.IsPermanent(err):
		m.log.Error("gave up", "task", w.ID, "incident", w.Owner, "what", "archiving a room", "error", err.Error())
		return bot.Answer{Command: workflow.GiveUp{What: "putting a room away", Why: err.Error()}}
	}
	return answerError(err)
}

// post writes what one step made true into a room, or below the announcement. A
// room that will never open ends its lane; what is private is said in private
// rooms only (rule P2).
func (m *Manager) postMessage(ctx context.Context, w bot.Work, a workflow.Post) bot.Answer {
	i := w.Incident
	chat, ok := m.engine.Chat(a.Platform)
	room, _ := i.Room(a.Platform)
	later := workflow.RoomClosed{Platform: a.Platform, ID: room.ID, Seq: a.Seq, Through: max(a.Seq, a.Through)} // says it in the next room
	if ok && a.Place == workflow.InRoom && room.State == workflow.RoomRequested && (room.ID != "" || i.IsOpen()) {
		return settle(w, later) // the room comes, or comes back, behind this
	}
	if !ok || !i.CanPost(a.Platform, a.Place) {
		return settle(w, nil)
	}
	if err := m.requireCard(ctx, w, a); err != nil {
		return bot.Retry(err)
	}
	post, err := m.roomPost(ctx, w.ID, i, a)
	if err == nil && a.Place == workflow.Announce && post.ReplyTo == "" {
		return bot.Retry(retryNoCard(w))
	}
	if err == nil {
		if post.Again, err = m.attempts.Begin(ctx, w.ID); err != nil {
			return bot.Retry(err)
		}
		err = m.call(ctx, a.Platform, w, func(ctx context.Context) error { return chat.Post(ctx, post) })
		m.attempts.RecordResult(w.ID, post.Again, err)
	}
	switch {
	case err == nil:
		return settle(w, nil)
	case errors.Is(err, bot.ErrRoomGone) && a.Place == workflow.InRoom:
		return settle(w, later)
	case bot.IsPermanent(err) && post.Failure: // else failing posts would tell of each other for ever
		m.log.Error("gave up telling of a failure", "incident", w.Owner, "platform", a.Platform, "error", err.Error())
		return settle(w, nil)
	case bot.IsPermanent(err):
		m.log.Error("gave up", "task", w.ID, "incident", w.Owner, "what", "a post", "error", err.Error())
		return settle(w, workflow.GiveUp{What: "a post to " + a.Platform, Why: err.Error()})
	}
	return answerError(err)
}

// cardFirst lets a new room begin with its card, unless that takes long. An
// error asks to come again.
func (m *Manager) requireCard(ctx context.Context, w bot.Work, a workflow.Post) error {
	const most = 5 // attempts
	if _, shows := m.manager(a.Platform); !shows || a.Place != workflow.InRoom || w.Attempt > most {
		return nil
	}
	at, err := m.loadCard(ctx, w.Incident, workflow.ShowCard{Platform: a.Platform})
	if err == nil && at.Ref == "" {
		err = retryNoCard(w)
	}
	return err
}

// noCard waits for the card: a moment at first, as it is owed beside this.
func retryNoCard(w bot.Work) error {
	if w.Attempt > briefAttempts {
		return errNoCard
	}
	return bot.RetryAfter(waitForCard, errNoCard)
}
