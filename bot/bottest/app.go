package bottest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/agenda"
	"tocsin/bot/alerts"
	"tocsin/bot/app"
	"tocsin/bot/dispatch"
	"tocsin/bot/signin"
)

// App is an application for one test: the organization [SampleOrganization] over a store, with a
// clock that the test moves and a pager that keeps what it is given. It is not safe
// for concurrent use, except where a method of the application itself is.
type App struct {
	*app.App
	Clock      time.Time
	Store      bot.Store
	Paged      []bot.Page            // what the pager was given, oldest first
	Tried      []bot.Page            // what it was given and accepted or not
	PagerError error                 // what the pager answers instead of keeping a page
	Stale      map[string]bot.Loaded // by incident: what a load returns instead, as if it had been read before a commit
	AfterGet   func(kind string)     // called when a record has been read

	t      *testing.T
	runner *agenda.Runner
	mu     sync.Mutex
}

// NewApp returns an application over an empty store, connected to no chat platform.
func NewApp(t *testing.T, store bot.Store) *App {
	t.Helper()
	a := &App{t: t, Clock: Epoch, Store: store}
	a.build(app.Config{})
	return a
}

// Restart builds the application again over the same store, connected to these chat
// platforms and built-in rooms. Stale and AfterGet hold as before.
func (a *App) Restart(chats map[string]bot.Chat, builtin map[string]bot.BuiltinRooms) {
	a.t.Helper()
	a.build(app.Config{Chats: chats, Builtin: builtin})
}

// build fills in what every test application has.
func (a *App) build(c app.Config) {
	a.t.Helper()
	c.Store, c.Organization, c.Secret = staleStore{a.Store, a}, SampleOrganization(), []byte("0123456789abcdef")
	c.Now, c.Log = func() time.Time { return a.Clock }, slog.New(slog.DiscardHandler)
	c.Pagers = map[string]bot.Pager{"email": a, "sms": a, "webhook": a, "log": a}
	c.Sources = alerts.Sources{{Type: "alertmanager", Decode: decodeTitle}}
	var err error
	if a.App, err = app.New(c); err != nil {
		a.t.Fatal(err)
	}
	a.runner = a.Agenda(0)
}

// decodeTitle decodes a body that is the title of one alert.
func decodeTitle(r alerts.Request) ([]alerts.Alert, error) {
	title := string(r.Body)
	if strings.HasPrefix(title, "{") {
		return nil, errors.New("at line 1, column 1: no title")
	}
	return []alerts.Alert{{Key: title, Title: title, State: alerts.Firing, Severity: "critical"}}, nil
}

// staleStore returns for some loads what was true before.
type staleStore struct {
	bot.Store
	app *App
}

// Load implements [bot.Incidents].
func (s staleStore) Load(ctx context.Context, id string) (bot.Loaded, error) {
	if l, ok := s.app.Stale[id]; ok {
		return l, nil
	}
	return s.Store.Load(ctx, id)
}

// Get implements [bot.Records].
func (s staleStore) Get(ctx context.Context, kind, id string) (bot.Record, error) {
	r, err := s.Store.Get(ctx, kind, id)
	if s.app.AfterGet != nil {
		s.app.AfterGet(kind)
	}
	return r, err
}

// Page implements [bot.Pager].
func (a *App) Page(_ context.Context, p bot.Page) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.Tried = append(a.Tried, p)
	if a.PagerError != nil {
		return a.PagerError
	}
	a.Paged = append(a.Paged, p)
	return nil
}

// Advance moves the clock and carries out what is due.
func (a *App) Advance(d time.Duration) {
	a.t.Helper()
	a.Clock = a.Clock.Add(d)
	for range 5 {
		if _, err := a.runner.Tick(a.t.Context()); err != nil {
			a.t.Fatal(err)
		}
	}
}

// Person returns a configured person as a speaker.
func (a *App) Person(id string) access.Speaker {
	a.t.Helper()
	s, ok := access.Person(a.Organization(), id)
	if !ok {
		a.t.Fatalf("no person %s is configured", id)
	}
	return s
}

// Say runs a line for a configured person, or for a guest of that name.
func (a *App) Say(who, line string) dispatch.Reply {
	a.t.Helper()
	s, ok := access.Person(a.Organization(), who)
	if !ok {
		s = access.Speaker{Name: who}
	}
	return a.Run(s, "", line)
}

// Run runs a line that was typed in the room of an incident; "" for none.
func (a *App) Run(s access.Speaker, room, line string) dispatch.Reply {
	a.t.Helper()
	return a.RunForm(s, room, line, nil)
}

// RunForm runs a line with the fields of a form.
func (a *App) RunForm(s access.Speaker, room, line string, fields map[string][]string) dispatch.Reply {
	a.t.Helper()
	reply, err := a.Dispatcher.Run(a.t.Context(), dispatch.Request{Text: line, Room: room, Speaker: s, Fields: fields})
	if err != nil {
		a.t.Fatal(err)
	}
	return reply
}

// Expect fails the test unless a reply is OK, or not, and contains a text.
func (a *App) Expect(reply dispatch.Reply, ok bool, want string) {
	a.t.Helper()
	if reply.OK != ok || !strings.Contains(reply.Text, want) {
		a.t.Errorf("got %v %q, want %v %q", reply.OK, reply.Text, ok, want)
	}
}

// Write writes a message into the conversation of an incident.
func (a *App) Write(s access.Speaker, room, text, operation string) dispatch.Reply {
	a.t.Helper()
	reply, err := a.Dispatcher.WriteMessage(a.t.Context(), dispatch.Request{Text: text, Room: room, Speaker: s, Operation: operation})
	if err != nil {
		a.t.Fatal(err)
	}
	return reply
}

// ReadConversation returns what a speaker reads in the conversation of an incident,
// a line for each message such as "1 Ana: hello", or the text of the error.
func (a *App) ReadConversation(s access.Speaker, room string) string {
	a.t.Helper()
	all, err := a.Conversation.List(a.t.Context(), room, s, 0, 1000)
	if err != nil {
		return err.Error()
	}
	lines := make([]string, 0, len(all))
	for _, m := range all {
		lines = append(lines, fmt.Sprintf("%d %s: %s", m.Seq, m.Name, m.Text))
	}
	return strings.Join(lines, "\n")
}

// LinkToken creates a sign-in link for a speaker and returns the secret in it.
func (a *App) LinkToken(s access.Speaker) string {
	a.t.Helper()
	if t, ok := a.Organization().Token(s.Token); ok && s.Key == (access.Key{}) {
		s.Key = access.KeyOf(t)
	}
	link, err := a.SignIn.CreateLink(a.t.Context(), s, "/incidents/INC-1")
	if err != nil {
		a.t.Fatal(err)
	}
	token, ok := strings.CutPrefix(link, a.Organization().URL+"/sign-in/")
	if !ok || len(token) < 32 || strings.Contains(token, "/") {
		a.t.Fatalf("link %q", link)
	}
	return token
}

// SignInWith signs in with a link that must work.
func (a *App) SignInWith(token string, who signin.Session) (s signin.Session, secret string) {
	a.t.Helper()
	s, secret, err := a.SignIn.SignIn(a.t.Context(), token, who)
	if err != nil {
		a.t.Fatal(err)
	}
	return s, secret
}

// SessionSpeaker returns who speaks through a session; ok is false when the session
// does not work.
func (a *App) SessionSpeaker(secret string) (who access.Speaker, ok bool) {
	a.t.Helper()
	_, who, err := a.SignIn.Session(a.t.Context(), secret)
	if err != nil && !errors.Is(err, signin.ErrNoSession) {
		a.t.Fatal(err)
	}
	return who, err == nil
}

// CountRecords returns how many records of a kind the store holds.
func (a *App) CountRecords(kind string) int {
	a.t.Helper()
	all, err := a.Store.Records(a.t.Context(), kind, "", 10_000)
	if err != nil {
		a.t.Fatal(err)
	}
	return len(all)
}
