package rooms_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/alerts"
	"tocsin/bot/app"
	"tocsin/bot/bottest"
	"tocsin/bot/directory"
	"tocsin/bot/dispatch"
	"tocsin/commands"
	"tocsin/workflow"
)

// leakDetector records everything that leaves Tocsin, separately for what only members
// of a private room see (inside) and what others may see (outside).
type leakDetector struct {
	mu      sync.Mutex
	outside bytes.Buffer
	inside  bytes.Buffer
	actions map[string]bool // of the effects that were owed
}

func (g *leakDetector) record(private bool, what string, v any) {
	g.mu.Lock()
	defer g.mu.Unlock()
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	to := &g.outside
	if private {
		to = &g.inside
	}
	to.WriteString(what + " " + string(raw) + "\n")
}

// Write implements [io.Writer], for the log.
func (g *leakDetector) Write(p []byte) (int, error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.outside.Write(p)
}

// Page implements [bot.Pager].
func (g *leakDetector) Page(_ context.Context, p bot.Page) error {
	g.record(false, "page", p)
	return nil
}

// Cancel implements [bot.Canceler].
func (g *leakDetector) Cancel(_ context.Context, p bot.Page, why string) error {
	g.record(false, "cancel "+why, p)
	return nil
}

// Platform implements [bot.RoomManager].
func (g *leakDetector) Platform() workflow.Platform {
	return workflow.Platform{Name: "slack", ArchiveAfter: time.Hour, Steps: []string{
		workflow.StepTopic, workflow.StepBookmarks, workflow.StepPin, workflow.StepInvite, workflow.StepAnnounce,
	}}
}

// OpenRoom implements [bot.Chat]. A room's name is visible to others.
func (g *leakDetector) OpenRoom(_ context.Context, r bot.RoomRequest) (workflow.Room, error) {
	g.record(false, "open", r)
	return workflow.Room{Platform: "slack", ID: "C-" + r.Incident, Name: r.Name, Private: r.Private}, nil
}

// Post implements [bot.Chat].
func (g *leakDetector) Post(_ context.Context, p bot.RoomPost) error {
	g.record(p.Room.Private && p.ReplyTo == "", "post", p)
	return nil
}

// ShowCard implements [bot.RoomManager].
func (g *leakDetector) ShowCard(_ context.Context, c bot.RoomCard) (string, error) {
	g.record(c.Room.Private && c.Place == workflow.InRoom, "show", c)
	return "C:" + c.Key, nil
}

// SetUpRoom implements [bot.RoomManager].
func (g *leakDetector) SetUpRoom(_ context.Context, w bot.RoomWork) error {
	g.record(w.Room.Private, "set up", w)
	return nil
}

// Invite implements [bot.RoomManager].
func (g *leakDetector) Invite(_ context.Context, i bot.Invitation) error {
	g.record(false, "invite", i)
	return nil
}

// CloseRoom implements [bot.RoomManager].
func (g *leakDetector) CloseRoom(_ context.Context, w bot.RoomWork) error {
	g.record(w.Room.Private, "close", w)
	return nil
}

// actionStore records the kinds of actions that are committed.
type actionStore struct {
	*memory.Store
	g *leakDetector
}

// Commit implements [bot.Incidents].
func (s actionStore) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	for _, t := range c.Tasks {
		if d, err := workflow.DecodeAction(t.Body); err == nil {
			s.g.actions[actionName(d)] = true
		}
	}
	return s.Store.Commit(ctx, c)
}

// actionName returns the name of each kind of action.
func actionName(d workflow.Action) string {
	switch d.(type) {
	case workflow.SendPage:
		return "page"
	case workflow.CancelPage:
		return "cancel page"
	case workflow.OpenRoom:
		return "open room"
	case workflow.Post:
		return "post"
	case workflow.ShowCard:
		return "card"
	case workflow.SetUpRoom:
		return "set up"
	case workflow.InvitePeople:
		return "invite"
	case workflow.CloseRoom:
		return "close room"
	case workflow.Forward:
		return "forward"
	case workflow.JudgeAlerts:
		return "judge"
	case workflow.Reroute:
		return "reroute"
	case workflow.UnknownAction:
		return ""
	}
	return ""
}

// TestP2EveryEffect takes private incidents through every kind of action. What they are
// about is shown in their private rooms only, and in no page, announcement, room name,
// other room or log.
func TestP2EveryEffect(t *testing.T) {
	g := &leakDetector{actions: map[string]bool{}}
	now := bottest.Epoch
	org := bottest.SampleOrganization()
	org.CatchAll = "room:slack:#incidents"
	org.Directory.Platforms = []directory.Platform{{Name: "slack", Title: "Slack"}}
	b, err := app.New(app.Config{
		Store: actionStore{memory.New(), g}, Organization: org, Secret: []byte("0123456789abcdef"), Now: func() time.Time { return now },
		Log: slog.New(slog.NewTextHandler(g, &slog.HandlerOptions{Level: slog.LevelDebug})), Chats: map[string]bot.Chat{"slack": g},
		Pagers: map[string]bot.Pager{"email": g, "sms": g, "webhook": g, "log": g, "slack": g},
	})
	if err != nil {
		t.Fatal(err)
	}
	runner := b.Agenda(0)
	pass := func(d time.Duration) {
		t.Helper()
		for end := now.Add(d); now.Before(end); now = now.Add(d/20 + time.Second) {
			if _, err := runner.Tick(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	say := func(line string) {
		t.Helper()
		ana, _ := access.Person(b.Organization(), "ana")
		if reply, err := b.Dispatcher.Run(t.Context(), dispatch.Request{Text: line, Speaker: ana}); err != nil || !reply.OK {
			t.Fatalf("%s: %+v %v", line, reply, err)
		}
	}
	alert := func(state alerts.State) {
		t.Helper()
		_, err := b.Intake.Receive(t.Context(), "prometheus", []alerts.Alert{{
			Key: "leak", Title: "Payroll leaks", State: state, StartedAt: now, Severity: "critical", Description: "The payroll is on the internet",
			Labels: map[string]string{"alertname": "PayrollLeak", "service": "search"},
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	say("declare Payroll has leaked --private --sev 1 --service checkout --description \"The payroll is on the internet\"")
	pass(40 * time.Minute) // the whole escalation, and the catch-all
	for _, line := range []string{
		"ack INC-1", "lead INC-1", "update INC-1 the payroll is being taken down --next 10m", "note INC-1 payroll found", "page INC-1 @ben the payroll needs you",
		"edit INC-1 --title \"Payroll was copied\"", "severity INC-1 2", "task INC-1 tell everybody about the payroll",
	} {
		say(line)
		pass(time.Minute)
	}
	pass(30 * time.Minute) // the update is overdue
	say("declare Another payroll has leaked --private --sev 2")
	pass(time.Minute)
	say("merge INC-2 INC-1")
	pass(time.Minute)
	say("resolve INC-1 the payroll is gone")
	say("close INC-1 --force --reason payroll")
	pass(2 * time.Hour) // its room is archived
	say("reopen INC-1 the payroll is back")
	pass(time.Minute)

	// An incident of alerts is made private at once and resolved while it fires; its
	// alert opens another one later.
	alert(alerts.Firing)
	say("private INC-3")
	pass(time.Minute)
	say("ack INC-3")
	pass(time.Minute)
	say("resolve INC-3 the payroll is gone")
	pass(2 * time.Hour)

	for _, d := range []workflow.Action{
		workflow.SendPage{},
		workflow.CancelPage{},
		workflow.OpenRoom{},
		workflow.Post{},
		workflow.ShowCard{},
		workflow.SetUpRoom{},
		workflow.InvitePeople{},
		workflow.CloseRoom{},
		workflow.Forward{},
		workflow.Reroute{},
	} {
		if !g.actions[actionName(d)] {
			t.Errorf("no action of the kind %q was committed: %q", actionName(d), slices.Sorted(maps.Keys(g.actions)))
		}
	}
	for line := range strings.Lines(g.outside.String()) {
		for _, word := range []string{"payroll", "leak", "copied", "internet"} {
			if strings.Contains(strings.ToLower(strings.ReplaceAll(line, `"leak"`, "")), word) {
				t.Errorf("P2: %q is shown outside: %.400s", word, line)
			}
		}
	}
	for _, text := range []string{"Payroll has leaked", "payroll is being taken down", "Payroll was copied"} {
		if !strings.Contains(g.inside.String(), text) {
			t.Errorf("the room does not show %q", text)
		}
	}
}

// inviteChat records who is invited.
type inviteChat struct {
	leakDetector
	invited []string
}

// Invite implements [bot.RoomManager].
func (g *inviteChat) Invite(_ context.Context, i bot.Invitation) error {
	for _, p := range i.People {
		g.invited = append(g.invited, i.Incident+" "+p.ID)
	}
	return nil
}

// TestP2NoGuests: guests are invited into the rooms of public incidents, and not of
// private ones.
func TestP2NoGuests(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	g := &inviteChat{}
	w.Restart(map[string]bot.Chat{"slack": g}, nil)
	zoe := access.Speaker{Handle: "slack:U0ZOE", Name: "Zoe", Access: commands.Responder}
	for _, line := range []string{"declare Checkout is down", "declare Payroll has leaked"} {
		if reply, err := w.Dispatcher.Run(t.Context(), dispatch.Request{Text: line, Speaker: zoe}); err != nil || !reply.OK {
			t.Fatalf("%+v %v", reply, err)
		}
	}
	w.Say("ana", "private INC-2")
	for range 20 {
		w.Advance(10 * time.Second)
	}
	if !slices.Contains(g.invited, "INC-1 guest:slack:U0ZOE") || !slices.Contains(g.invited, "INC-2 ana") || slices.Contains(g.invited, "INC-2 guest:slack:U0ZOE") {
		t.Errorf("invited: %q", g.invited)
	}
}

// TestP2OldInvitation: an invitation that was requested before the incident became
// private invites only its members.
func TestP2OldInvitation(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ana", "declare Payroll has leaked --private")
	i, err := w.LoadUnchecked(t.Context(), "INC-1")
	if err != nil {
		t.Fatal(err)
	}
	in := w.Rooms.Invitation("INC-1/3.1", i, workflow.Room{Platform: "slack", Private: true}, []string{"ana", "ben", "guest:slack:U0ZOE"})
	for _, p := range in.People {
		if !i.IsMember(p.ID) {
			t.Errorf("%s is invited", p.ID)
		}
	}
	if len(in.People) == 0 {
		t.Error("no one is invited")
	}
}

// TestPostsBeforePrivate: posts that were pending when an incident became private go to
// its private room, once and in order, and not to the room that it left.
func TestPostsBeforePrivate(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	h := &fakeChat{platform: "slack"}
	w.Restart(map[string]bot.Chat{"slack": h}, nil)
	w.Say("ben", "declare Checkout is down --service search")
	w.Advance(time.Second)
	began := len(h.posts)
	w.Say("ben", "note INC-1 one")
	w.Say("ben", "note INC-1 two")
	w.Say("ben", "private INC-1")
	for range 10 {
		w.Advance(time.Second)
	}
	all := strings.Join(h.posts[began:], "\n")
	one, two := strings.Index(all, "one"), strings.Index(all, "two")
	if one < 0 || two < one || strings.Count(all, "one")+strings.Count(all, "two") != 2 || !h.rooms[len(h.rooms)-1].Private {
		t.Errorf("posted %q in %+v", all, h.rooms)
	}
}
