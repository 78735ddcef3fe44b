package inbound

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tocsin/adapters/memory"
	"tocsin/adapters/slack"
	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/agenda"
	"tocsin/bot/app"
	"tocsin/bot/bottest"
	"tocsin/bot/dispatch"
	"tocsin/workflow"
)

// The two transports of payloads.
const (
	bySocket = "socket"
	byHTTP   = "http"
)

// notebook is a log that is read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  strings.Builder
}

// Write implements [io.Writer].
func (n *syncBuffer) Write(p []byte) (int, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.Write(p)
}

func (n *syncBuffer) String() string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.b.String()
}

// testServer is a running server with a bot and a workspace, in real time.
type testServer struct {
	*Server
	t       *testing.T
	slack   *slacktest.Server
	cfg     slack.Config
	org     bot.Organization
	bot     *app.App
	store   *slowStore
	runner  *agenda.Runner
	log     *syncBuffer
	lobby   string // a channel that is no incident's room
	ana     string // an administrator, known by her address
	ben     string // a commander
	dan     string // a responder, known by his ID
	zoe     string // a guest
	stop    func()
	later   atomic.Int64 // how far the workspace's clock is ahead
	request string       // where requests are sent to
}

// slowStore is a store whose calls can be held up, or fail.
type slowStore struct {
	bot.Store
	mu   sync.Mutex
	held chan struct{} // nil: it is not
	come chan struct{} // receives when a call waits
	err  error
	lost error // comes instead of the answer to a commit that was made
}

func (s *slowStore) waitWhileHeld(ctx context.Context) error {
	s.mu.Lock()
	held, come, err := s.held, s.come, s.err
	s.mu.Unlock()
	if held != nil {
		select {
		case come <- struct{}{}:
		default:
		}
		select {
		case <-held:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return err
}

// hold holds every call up until release is called. Come receives when a call is held
// up.
func (s *slowStore) hold() (come <-chan struct{}, release func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	held := make(chan struct{})
	s.held, s.come = held, make(chan struct{}, 1)
	return s.come, sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.held = nil
		close(held)
	})
}

func (s *slowStore) loseAnswers(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.lost = err
}

func (s *slowStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// Load implements [bot.Incidents].
func (s *slowStore) Load(ctx context.Context, id string) (bot.Loaded, error) {
	if err := s.waitWhileHeld(ctx); err != nil {
		return bot.Loaded{}, err
	}
	return s.Store.Load(ctx, id)
}

// Commit implements [bot.Incidents].
func (s *slowStore) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	if err := s.waitWhileHeld(ctx); err != nil {
		return bot.Receipt{}, err
	}
	r, err := s.Store.Commit(ctx, c)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.lost != nil {
		return bot.Receipt{}, s.lost
	}
	return r, err
}

// Get implements [bot.Records].
func (s *slowStore) Get(ctx context.Context, kind, id string) (bot.Record, error) {
	if err := s.waitWhileHeld(ctx); err != nil {
		return bot.Record{}, err
	}
	return s.Store.Get(ctx, kind, id)
}

// newTestServer starts a test server with one of the two transports.
func newTestServer(t *testing.T, way string, changes ...func(*testServer, *bot.Organization)) *testServer {
	t.Helper()
	return newTestServerWith(t, way, slacktest.Options{}, changes...)
}

// newTestServerWith is [newTestServer] with options of the workspace.
func newTestServerWith(t *testing.T, way string, o slacktest.Options, changes ...func(*testServer, *bot.Organization)) *testServer {
	t.Helper()
	before := goleak.IgnoreCurrent()
	d := &testServer{t: t, log: &syncBuffer{}, store: &slowStore{Store: memory.New()}}
	if o.Scopes == nil { // only those that the app asks for
		for _, s := range slack.Scopes() {
			o.Scopes = append(o.Scopes, s.Name)
		}
	}
	d.slack = slacktest.New(o)
	d.ana = d.slack.AddUser(slacktest.User{Name: "ana", RealName: "Ana", Email: "ana@example.com", TZ: "Europe/Lisbon"})
	d.ben = d.slack.AddUser(slacktest.User{Name: "ben", RealName: "Ben", Email: "ben@example.com"})
	d.dan = d.slack.AddUser(slacktest.User{Name: "dan", RealName: "Dan", Email: "dan.elsewhere@example.org"})
	d.zoe = d.slack.AddUser(slacktest.User{Name: "zoe", RealName: "Zoe Young", Email: "zoe@example.com"})
	d.lobby = d.slack.AddChannel(slacktest.Channel{Name: "general-talk", Members: []string{d.ana, d.ben, d.dan, d.zoe, d.slack.BotUser}})
	org := bottest.SampleOrganization()
	org.DefaultAccess = 0 // guests
	org.Directory.People[2].Accounts = map[string]string{slack.Platform: d.dan}
	for _, change := range changes {
		change(d, &org)
	}
	d.cfg = slack.Config{
		BotToken: d.slack.BotToken, SigningSecret: d.slack.SigningSecret, APIURL: d.slack.URL(), Mark: "0a1b2c3d", Store: d.store,
		Now: func() time.Time { return time.Now().Add(time.Duration(d.later.Load())) },
		Log: slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
	}
	if way == bySocket {
		d.cfg.AppToken = d.slack.AppToken
	}
	d.org = org
	workspace := d.connect()
	var err error
	quiet := slog.New(slog.DiscardHandler)
	d.bot, err = app.New(app.Config{
		Store: d.store, Organization: org, Secret: []byte("0123456789abcdef"), Now: time.Now, Log: quiet,
		Chats: map[string]bot.Chat{slack.Platform: workspace}, Pagers: map[string]bot.Pager{slack.Platform: workspace},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.runner = d.bot.Agenda(0)
	d.Server = New(workspace, applicationOf(d.bot))
	d.open(way)
	t.Cleanup(func() {
		d.stop()
		d.slack.Close()
		d.checkCallsAndLog()
		closeIdle()
		goleak.VerifyNone(t, before)
	})
	return d
}

// connect connects the workspace, as another process does.
func (d *testServer) connect() *slack.Workspace {
	d.t.Helper()
	w, err := slack.New(d.cfg)
	if err != nil {
		d.t.Fatal(err)
	}
	w.Configure(nil, d.org)
	return w
}

// open runs the server, and connects Slack to it.
func (d *testServer) open(way string) {
	d.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { d.Run(ctx) })
	server := httptest.NewServer(d.Handler())
	d.request = server.URL + "/slack/"
	d.stop = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		server.Close()
	})
	if way == byHTTP {
		d.slack.SetRequestURL(d.request)
		return
	}
	if !d.slack.WaitSockets(socketCount, 5*time.Second) {
		d.t.Fatalf("%d sockets are open", d.slack.Sockets())
	}
}

// checkCallsAndLog fails on calls that Slack does not know, and on secrets in the log.
func (d *testServer) checkCallsAndLog() {
	d.t.Helper()
	for _, c := range d.slack.UnexpectedCalls() {
		d.t.Errorf("Slack does not know %s", c.Method)
	}
	log := d.log.String()
	for _, c := range d.slack.Calls("views.open") {
		if trigger := c.Args["trigger_id"]; trigger != "" && strings.Contains(log, trigger) {
			d.t.Errorf("a trigger is in the log:\n%s", log)
		}
	}
	for _, secret := range []string{
		d.slack.BotToken, d.slack.AppToken, d.slack.SigningSecret, "/response/", "ticket=", "hooks.slack.com",
	} {
		if strings.Contains(log, secret) {
			d.t.Errorf("%q is in the log:\n%s", secret, log)
		}
	}
}

// forEachTransport runs a test once for each transport.
func forEachTransport(t *testing.T, test func(t *testing.T, way string)) {
	t.Helper()
	for _, way := range []string{bySocket, byHTTP} {
		t.Run(way, func(t *testing.T) { test(t, way) })
	}
}

// declare declares an incident, and opens its room with all of its people in it.
func (d *testServer) declare(line string) (id, channel string) {
	d.t.Helper()
	s, _ := access.Person(d.bot.Organization(), "ana")
	reply, err := d.bot.Dispatcher.Run(d.t.Context(), dispatch.Request{Text: "declare " + line, Speaker: s})
	if err != nil || !reply.OK {
		d.t.Fatalf("%+v, %v", reply, err)
	}
	for range 20 {
		if _, err = d.runner.Tick(d.t.Context()); err != nil {
			d.t.Fatal(err)
		}
		if r, open := d.incident(reply.Incident).Room(slack.Platform); open && r.ID != "" {
			for _, user := range []string{d.ana, d.ben, d.dan, d.zoe} {
				d.slack.Join(user, r.ID)
			}
			return reply.Incident, r.ID
		}
	}
	d.t.Fatalf("no room was opened: %+v", d.incident(reply.Incident).Rooms)
	return "", ""
}

func (d *testServer) incident(id string) workflow.Incident {
	d.t.Helper()
	i, err := d.bot.LoadUnchecked(d.t.Context(), id)
	if err != nil {
		d.t.Fatal(err)
	}
	return i
}

// ephemerals returns the ephemeral messages that a user was shown.
func (d *testServer) ephemerals(user string) []string {
	var all []string
	for _, e := range d.slack.Ephemerals() {
		if e.User == user {
			all = append(all, e.Plain())
		}
	}
	return all
}

// eventually waits until a condition holds.
func (d *testServer) eventually(what string, so func() bool) {
	d.t.Helper()
	if !d.slack.Wait(10*time.Second, so) {
		d.t.Fatalf("it is not so that %s\nwhispers: %q\nlog:\n%s", what, d.slack.Ephemerals(), d.log)
	}
}

// waitForAnswer waits until a user was shown a text in an ephemeral message.
func (d *testServer) waitForAnswer(user, text string) {
	d.t.Helper()
	d.eventually(user+" is told "+text, func() bool { return strings.Contains(strings.Join(d.ephemerals(user), "\n"), text) })
}

// forgetDeliveries forgets the deliveries that have come and the rooms, as another
// process does not know them.
func (d *testServer) forgetDeliveries() {
	d.dedup.mu.Lock()
	clear(d.dedup.seen)
	d.dedup.mu.Unlock()
	d.rooms.mu.Lock()
	clear(d.rooms.incidents)
	d.rooms.mu.Unlock()
}
