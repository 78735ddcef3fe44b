// Package rooms carries out the work of chat platforms: it opens the rooms of
// incidents, sets them up, posts into them, keeps cards and announcements up to date,
// invites people, and closes rooms.
//
// It knows no platform: a platform implements [bot.Chat] and [bot.RoomManager]. It does
// not record what people write in rooms (package conversation does). Begin reading at
// [Manager.HandleRoom].
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

// Store is the part of the store that a manager uses.
type Store interface {
	bot.Records
	bot.Committer
	bot.Library
}

// Config configures a manager.
type Config struct {
	Engine   *bot.Engine
	Store    Store
	Attempts *outbound.Attempts
	Breaker  *outbound.Breaker
	Health   *outbound.Health
	Log      *slog.Logger
}

// Manager manages the rooms of incidents.
type Manager struct {
	engine   *bot.Engine
	store    Store
	attempts *outbound.Attempts
	breaker  *outbound.Breaker
	health   *outbound.Health
	log      *slog.Logger
}

// New returns a manager.
func New(c Config) *Manager {
	return &Manager{engine: c.Engine, store: c.Store, attempts: c.Attempts, breaker: c.Breaker, health: c.Health, log: c.Log}
}

// A task that needs the card waits cardDelay before its next attempt, for so many
// attempts: the card is written by another task, usually at the same moment. After
// these it backs off like any task.
const (
	cardDelay        = 250 * time.Millisecond
	cardDelayRetries = 20
)

var (
	errNoCard    = errors.New("the card is not written yet")
	errAbandoned = errors.New("the lease does not cover the send")
)

// HandleRoom carries out one work of a chat platform, whose action is a.
func (m *Manager) HandleRoom(ctx context.Context, w bot.Work, a workflow.RoomAction) bot.Answer {
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

// Order sorts the works that open rooms by the severity of their incidents, because
// platforms limit how many rooms are opened in a minute (G4c: the worst incident's room
// first). Other works keep their positions.
func (m *Manager) Order(ctx context.Context, works []bot.Work) []bot.Work {
	var positions []int
	var opens []bot.Work
	for n, w := range works {
		if _, ok := w.Action.(workflow.OpenRoom); ok {
			positions, opens = append(positions, n), append(opens, w)
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
		works[positions[n]] = w
	}
	return works
}

// manager returns the room manager of a platform; ok is false when the platform is not
// connected or does not manage rooms.
func (m *Manager) manager(platform string) (manager bot.RoomManager, ok bool) {
	chat, _ := m.engine.Chat(platform)
	manager, ok = chat.(bot.RoomManager)
	return manager, ok
}

// call calls a platform and records the result for its circuit breaker and its health.
// While the circuit is open it returns an error with the remaining time at once, so
// that a platform that hangs occupies no worker.
func (m *Manager) call(ctx context.Context, platform string, w bot.Work, do func(context.Context) error) error {
	began := m.engine.Now()
	if !w.CanSend(began, outbound.SendTimeout) {
		return errAbandoned
	}
	if wait := m.breaker.Remaining(platform, began); wait > 0 {
		return bot.RetryAfter(wait, fmt.Errorf("%s: %w", platform, outbound.ErrNoAnswer))
	}
	send, cancel := context.WithTimeout(ctx, outbound.ChatTimeout)
	defer cancel()
	err := do(send)
	now := m.engine.Now()
	if now.Sub(began) > 2*outbound.ChatTimeout || errors.Is(err, bot.ErrPaced) { // the delay was in this process, not at the platform
		return err
	}
	m.breaker.RecordResult(platform, err != nil && send.Err() != nil, now)
	if isShown(w.Action) { // a setup step that is refused says so itself
		m.health.ReportBlocked(platform, w.Owner+"/"+w.Lane.Destination, bot.BlockedReason(err))
	}
	if bot.IsBlocked(err) { // perhaps nothing was asked
		return err
	}
	_, later := bot.RetryDelay(err)
	m.health.ReportHealth(platform, err == nil || later || bot.IsPermanent(err), err)
	return err
}

// isShown reports whether an action is what people read on a platform, or the room for
// it: if such work waits, people have to be told elsewhere.
func isShown(a workflow.Action) bool {
	switch a.(type) {
	case workflow.OpenRoom, workflow.Post, workflow.ShowCard:
		return true
	case workflow.SetUpRoom, workflow.InvitePeople, workflow.CloseRoom, workflow.PageAction, workflow.IncidentAction, workflow.UnknownAction:
		return false
	}
	return false
}

// answerError returns the answer of work that failed for now.
func answerError(err error) bot.Answer {
	if errors.Is(err, errAbandoned) {
		return bot.Answer{Abandoned: true}
	}
	return bot.Retry(err)
}

// settle returns the answer that settles a task and deletes the record of its attempt.
func settle(w bot.Work, c workflow.Command) bot.Answer {
	return bot.Answer{Command: c, Records: []bot.RecordChange{outbound.EndAttempt(w.ID)}}
}

// openRoom opens the room of an incident on one platform.
func (m *Manager) openRoom(ctx context.Context, w bot.Work, a workflow.OpenRoom) bot.Answer {
	chat, ok := m.engine.Chat(a.Platform)
	if !ok {
		return bot.Answer{Command: workflow.RoomRefused{Platform: a.Platform, Why: a.Platform + " is not connected"}}
	}
	if _, wanted := w.Incident.Room(a.Platform); !wanted { // it was abandoned, and the incident has ended
		return bot.Answer{}
	}
	var room workflow.Room
	request := m.roomRequest(w.ID, a.Platform, w.Incident)
	err := m.call(ctx, a.Platform, w, func(ctx context.Context) (err error) {
		room, err = chat.OpenRoom(ctx, request)
		return err
	})
	if err == nil && request.Private && !room.Private {
		err = bot.Permanent(errors.New("the platform opened no private room")) // P2: private means members only
	}
	switch {
	case err == nil:
		return bot.Answer{Command: workflow.RoomReady{Platform: a.Platform, ID: room.ID, Name: room.Name, URL: room.URL, Private: room.Private}}
	case bot.IsPermanent(err):
		return bot.Answer{Command: workflow.RoomRefused{Platform: a.Platform, Why: err.Error()}}
	case bot.IsBlocked(err):
		return bot.Answer{Report: workflow.RoomRefused{Platform: a.Platform, Why: bot.BlockedReason(err), Waiting: true}, Retry: err}
	}
	return answerError(err)
}

// setUpRoom carries out one setup step of a room.
func (m *Manager) setUpRoom(ctx context.Context, w bot.Work, a workflow.SetUpRoom) bot.Answer {
	manager, managed := m.manager(a.Platform)
	room, ok := w.Incident.Room(a.Platform)
	if !managed || !ok || !w.Incident.CanPost(a.Platform, workflow.InRoom) {
		return settle(w, nil)
	}
	work := m.roomWork(w.ID, w.Incident, room, a.Step)
	shown, err := m.loadCard(ctx, w.Incident, workflow.ShowCard{Platform: a.Platform})
	if err != nil {
		return bot.Retry(err)
	}
	if work.Card = shown.Ref; a.Step == workflow.StepPin && shown.Ref == "" {
		if pin, _ := room.Step(a.Step); pin.State == workflow.StepFailed && w.Attempt > cardDelayRetries {
			return settle(w, nil) // the card failed for good, and that is recorded
		}
		return bot.Retry(errNoCardYet(w))
	}
	if work.Again, err = m.attempts.Begin(ctx, w.ID); err != nil {
		return bot.Retry(err)
	}
	err = m.call(ctx, a.Platform, w, func(ctx context.Context) error { return manager.SetUpRoom(ctx, work) })
	m.attempts.RecordResult(w.ID, work.Again, err)
	return m.answerStep(w, workflow.RoomStepEnded{Platform: a.Platform, Step: a.Step}, err)
}

// blockedStepDelay is how long a setup step waits that is refused until an operator
// fixes something. It is longer than for what is said in rooms: every open incident has
// such a step when a permission is missing.
const blockedStepDelay = 5 * time.Minute

// answerStep returns the answer of a setup step.
func (m *Manager) answerStep(w bot.Work, c workflow.RoomStepEnded, err error) bot.Answer {
	if bot.IsBlocked(err) {
		c.Why, c.Waiting = bot.BlockedReason(err), true
		if w.Lane.Class == workflow.ClassDroppable {
			err = bot.RetryAfter(blockedStepDelay, err)
		}
		return bot.Answer{Report: c, Retry: err}
	}
	if err != nil {
		if !bot.IsPermanent(err) {
			return answerError(err)
		}
		c.Why = err.Error()
		m.log.Warn("a setup step of a room failed", "incident", w.Owner, "platform", c.Platform, "step", c.Step, "error", c.Why)
	}
	return settle(w, c)
}

// invitePeople invites people into a room.
func (m *Manager) invitePeople(ctx context.Context, w bot.Work, a workflow.InvitePeople) bot.Answer {
	manager, managed := m.manager(a.Platform)
	room, ok := w.Incident.Room(a.Platform)
	if !managed || !ok || !w.Incident.CanPost(a.Platform, workflow.InRoom) {
		return bot.Answer{}
	}
	invitation := m.Invitation(w.ID, w.Incident, room, a.People)
	err := m.call(ctx, a.Platform, w, func(ctx context.Context) error { return manager.Invite(ctx, invitation) })
	return m.answerStep(w, workflow.RoomStepEnded{Platform: a.Platform, Step: workflow.StepInvite}, err)
}

// closeRoom archives a room, unless the incident is open again and uses it.
func (m *Manager) closeRoom(ctx context.Context, w bot.Work, a workflow.CloseRoom) bot.Answer {
	manager, ok := m.manager(a.Platform)
	i := w.Incident
	room, _ := i.Room(a.Platform)
	if current := room.ID == a.ID; !ok || current && (i.IsOpen() || room.State != workflow.RoomOpen) {
		return bot.Answer{}
	}
	work := bot.RoomWork{Key: w.ID, Incident: i.ID, Room: workflow.Room{Platform: a.Platform, ID: a.ID}, Severity: i.Severity}
	what := "archiving a room"
	if work.Hide = i.Visibility == workflow.Private && room.ID != a.ID; work.Hide {
		what = "emptying the former public room"
	}
	err := m.call(ctx, a.Platform, w, func(ctx context.Context) error { return manager.CloseRoom(ctx, work) })
	switch {
	case err == nil:
		return bot.Answer{Command: workflow.RoomClosed{Platform: a.Platform, ID: a.ID}}
	case bot.IsPermanent(err):
		m.log.Error("gave up", "task", w.ID, "incident", w.Owner, "what", what, "error", err.Error())
		return bot.Answer{Command: workflow.GiveUp{What: what + " on " + a.Platform, Why: err.Error()}}
	}
	return answerError(err)
}

// postMessage posts what a step reports into a room, or below the announcement. A post
// whose room is replaced is posted in the next room. A private incident is posted in
// private rooms only (P2: private means members only).
func (m *Manager) postMessage(ctx context.Context, w bot.Work, a workflow.Post) bot.Answer {
	i := w.Incident
	chat, ok := m.engine.Chat(a.Platform)
	room, _ := i.Room(a.Platform)
	later := workflow.RoomClosed{Platform: a.Platform, ID: room.ID, Seq: a.Seq, Through: max(a.Seq, a.Through)} // repeats the post in the next room
	if ok && a.Place == workflow.InRoom && room.State == workflow.RoomRequested && (room.ID != "" || i.IsOpen()) {
		return settle(w, later) // the task that opens or reopens the room follows this one
	}
	if !ok || !i.CanPost(a.Platform, a.Place) {
		return settle(w, nil)
	}
	if err := m.requireCard(ctx, w, a); err != nil {
		return bot.Retry(err)
	}
	post, err := m.roomPost(ctx, w.ID, i, a)
	if err == nil && a.Place == workflow.Announce && post.ReplyTo == "" {
		return bot.Retry(errNoCardYet(w))
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
	case bot.IsPermanent(err) && post.Failure: // reporting it would be another post that fails, without end
		m.log.Error("gave up a post that reports a failure", "incident", w.Owner, "platform", a.Platform, "error", err.Error())
		return settle(w, nil)
	case bot.IsPermanent(err):
		m.log.Error("gave up", "task", w.ID, "incident", w.Owner, "what", "a post", "error", err.Error())
		return settle(w, workflow.GiveUp{What: "a post to " + a.Platform, Why: err.Error()})
	}
	return answerError(err)
}

// requireCard delays a post until the card is in the room, so that a new room begins
// with its card; after maxWaits attempts the post goes first.
func (m *Manager) requireCard(ctx context.Context, w bot.Work, a workflow.Post) error {
	const maxWaits = 5
	if _, ok := m.manager(a.Platform); !ok || a.Place != workflow.InRoom || w.Attempt > maxWaits {
		return nil
	}
	shown, err := m.loadCard(ctx, w.Incident, workflow.ShowCard{Platform: a.Platform})
	if err == nil && shown.Ref == "" {
		err = errNoCardYet(w)
	}
	return err
}

// errNoCardYet returns the error of a work that needs the card, with the delay of its
// next attempt.
func errNoCardYet(w bot.Work) error {
	if w.Attempt > cardDelayRetries {
		return errNoCard
	}
	return bot.NotReady(cardDelay, errNoCard)
}
