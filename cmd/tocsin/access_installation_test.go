package main

import (
	"context"
	"errors"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/adapters/console"
	"tocsin/adapters/memory"
	slackinbound "tocsin/adapters/slack/inbound"
	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/app"
	"tocsin/bot/dispatch"
	"tocsin/bot/platform"
	"tocsin/commands"
	"tocsin/workflow"
)

// missing is the ID of an incident that does not exist.
const missing = "INC-999"

// installation is a whole Tocsin in this process, wired as serve does it, with every
// front and an incident for each relation and visibility.
type installation struct {
	*testing.T
	slack    *slacktest.Server
	store    *frozenStore
	app      *app.App
	chats    connections
	log      *slog.Logger
	config   string // the configuration, with its variables
	file     string // the configuration
	url      string
	accounts map[string]string // on Slack, by speaker
	lobby    string            // a channel of Slack that is no incident's room
	public   map[string]string // incidents, by relation
	private  map[string]string
	other    string // one more public incident
	fronts   []front

	ahead   atomic.Int64        // nanoseconds before the real time: no pause that Slack asks for is waited for
	offered map[string][]string // to an administrator, by front and incident

	allowed, refused, hidden int // answers
}

// frozenStore is a store that takes no commit once it is frozen.
type frozenStore struct {
	bot.Store
	frozen   atomic.Bool
	attempts atomic.Int64 // commits that it did not take
}

var errFrozen = errors.New("the store is frozen")

// Commit implements [bot.Committer].
func (s *frozenStore) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	if s.frozen.Load() {
		s.attempts.Add(1)
		return bot.Receipt{}, errFrozen
	}
	return s.Store.Commit(ctx, c)
}

const accessConfig = `
url: https://tocsin.example.com
default_access: $DEFAULT
people:
  - { id: ana, name: Ana Silva, access: admin }
  - { id: ben, name: Ben Okafor, access: admin }
  - { id: eve, name: Eve Costa, access: $ACCESS, slack: $EVE, notify: { high: [{ via: slack }], low: [{ via: slack }] } }
teams: [{ id: night, slack: $NIGHT }]
tokens:
  - { name: for-eve, token_env: EVE_TOKEN, access: admin, as: eve }
  - { name: for-zoe, token_env: ZOE_TOKEN, access: $ACCESS }
verification: [Customers can buy again]
policies: [{ id: log, steps: [{ notify: [log], wait: 60m }] }]
chat: { slack: {} }
`

// newInstallation returns an installation that has the incidents of the table of
// access, and takes no commit.
func newInstallation(t *testing.T) *installation {
	t.Helper()
	in := startInstallation(t, accessConfig, slog.New(slog.DiscardHandler))
	in.fronts = []front{newCommandFront(in), newResourceFront(in), newBrowserFront(in), newSlackFront(in)}
	in.other = in.command("ana", "declare Another incident")
	for _, r := range relations() {
		in.public[r.name] = in.declare(r, "declare Public")
		in.private[r.name] = in.declare(r, "declare "+secretTitle(r))
		in.command(r.by(), "private "+in.private[r.name]) // now, because a private incident pages no guest
	}
	in.openRooms()
	in.store.frozen.Store(true)
	return in
}

// startInstallation returns an installation without incidents.
func startInstallation(t *testing.T, config string, log *slog.Logger) *installation {
	t.Helper()
	in := &installation{
		T: t, slack: slacktest.New(slacktest.Options{Unlimited: true}), store: &frozenStore{Store: memory.New()}, log: log, config: config, file: filepath.Join(t.TempDir(), "tocsin.yaml"),
		accounts: map[string]string{}, public: map[string]string{}, private: map[string]string{}, offered: map[string][]string{},
	}
	t.Cleanup(in.slack.Close)
	for _, name := range []string{"ana", "eve", "zoe", "yan"} {
		in.accounts[name] = in.slack.AddUser(slacktest.User{Name: name, RealName: name})
	}
	in.lobby = in.slack.AddChannel(slacktest.Channel{Name: "general"})
	in.start(in.slack.AddGroup(slacktest.UserGroup{Name: "Night", Handle: "night", Members: []string{in.accounts["yan"]}}))
	return in
}

// start connects Slack and serves. night is the ID of the user group.
func (in *installation) start(night string) {
	in.Helper()
	in.accounts["night"] = night
	env := map[string]string{"SLACK_BOT_TOKEN": in.slack.BotToken, "SLACK_SIGNING_SECRET": in.slack.SigningSecret, "SLACK_API_URL": in.slack.URL()}
	description := slackinbound.Description()
	p, err := description.Connect(platform.Options{
		Secret: func(name string) string { return env[name] }, Mark: "0a1b2c3d", Store: in.store.Store, Now: in.now, Log: in.log,
	})
	if err != nil {
		in.Fatal(err)
	}
	in.chats = connections{{Description: description, Platform: p}}
	org := in.organization(commands.Admin, commands.Admin)
	in.chats.configure(nil, org)
	in.app, err = app.New(app.Config{
		Store: in.store, Organization: org, Pagers: in.pagers(), Chats: in.chats.chats(), Builtin: builtinRooms(),
		Secret: []byte(strings.Repeat("k", 32)), Now: in.now, Log: in.log,
	})
	if err != nil {
		in.Fatal(err)
	}
	mux, pages := routes{app: in.app, store: in.store, secrets: secrets{hook: "hook"}, log: in.log}.newMux()
	in.chats.serve(in.app, mux.ServeMux)
	server := httptest.NewServer(mux)
	in.url = server.URL
	in.slack.SetRequestURL(in.url + "/slack/")
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { in.chats[0].inbound.Run(ctx); close(done) }()
	in.Cleanup(func() {
		pages.Close()
		server.Close()
		stop()
		<-done
	})
	await(in.T, 10*time.Second, "known who is in the user group", func() bool { return len(p.Members(night)) > 0 })
}

func (in *installation) now() time.Time { return time.Now().Add(time.Duration(in.ahead.Load())) }

func (in *installation) pagers() map[string]bot.Pager {
	return map[string]bot.Pager{"slack": in.chats[0].Platform, "log": console.New(console.Config{Log: in.log})}
}

// organization reads the configuration in which Eve and Zoe's token have an access,
// and unknown accounts have another.
func (in *installation) organization(level, unknown commands.Access) bot.Organization {
	in.Helper()
	text := strings.NewReplacer("$DEFAULT", unknown.String(), "$ACCESS", level.String(), "$ANA", in.accounts["ana"], "$EVE", in.accounts["eve"], "$NIGHT", in.accounts["night"]).Replace(in.config)
	if err := os.WriteFile(in.file, []byte(text), 0o600); err != nil {
		in.Fatal(err)
	}
	l, err := loadConfigFrom(platforms(), in.file, func(name string) string {
		return map[string]string{"EVE_TOKEN": "the-token-of-eve", "ZOE_TOKEN": "the-token-of-zoe", "SLACK_BOT_TOKEN": in.slack.BotToken}[name]
	})
	if err != nil {
		in.Fatal(err)
	}
	l.Organization.Operator = "api"
	return in.chats.withMembers(l.Organization)
}

// configure gives the speaker of a relation an access. An account that is not
// configured has the default access, Eve never has it.
func (in *installation) configure(r relation, level commands.Access) {
	in.Helper()
	unknown := level
	if r.speaker == "eve" {
		unknown = commands.Guest
	}
	org := in.organization(level, unknown)
	if err := in.app.Configure(org, in.pagers()); err != nil {
		in.Fatal(err)
	}
	in.chats.configure(nil, org)
}

// declare declares the incident of a relation, and brings its speaker in.
func (in *installation) declare(r relation, line string) string {
	in.Helper()
	id := in.command(r.by(), line)
	for _, more := range append([]string{"task % Call the vendor"}, r.bring...) {
		in.command(r.by(), strings.ReplaceAll(more, "%", id))
	}
	return id
}

// command gives a command as a person, and returns the incident that it was about.
func (in *installation) command(by, line string) string {
	in.Helper()
	speaker, _ := access.Person(in.app.Organization(), by)
	reply, err := in.app.Dispatcher.Run(in.Context(), dispatch.Request{Text: line, Speaker: speaker})
	if err != nil || !reply.OK {
		in.Fatalf("%s: %+v, %v", line, reply, err)
	}
	return reply.Incident
}

// secretTitle is the title of a relation's private incident.
func secretTitle(r relation) string { return "Payroll of " + r.name + " leaked" }

// openRooms runs the agenda until every incident has a channel and the pages are
// sent. All speakers join each channel, those who are not members of the incident too.
// Ana is not on Slack: the step that invites her fails, so that `retry` is offered.
func (in *installation) openRooms() {
	in.Helper()
	runner := in.app.Agenda(0)
	tick := func() {
		if _, err := runner.Tick(in.Context()); err != nil {
			in.Fatal(err)
		}
		in.ahead.Add(int64(time.Second))
	}
	for _, r := range relations() {
		for _, id := range []string{in.public[r.name], in.private[r.name]} {
			for n := 0; in.channel(id) == ""; n++ {
				if n == 150 { // signed requests may be five minutes old
					in.Fatalf("%s has no channel", id)
				}
				tick()
			}
			for _, name := range []string{"eve", "zoe", "yan"} {
				in.slack.Join(in.accounts[name], in.channel(id))
			}
		}
	}
	for len(in.slack.Posts(in.slack.Direct(in.accounts["yan"]).ID)) < 2 && in.ahead.Load() < int64(4*time.Minute) {
		tick()
	}
}

func (in *installation) incident(id string) workflow.Incident {
	in.Helper()
	i, err := in.app.LoadUnchecked(in.Context(), id)
	if err != nil {
		in.Fatal(err)
	}
	return i
}

func (in *installation) channel(id string) string {
	r, _ := in.incident(id).Room("slack")
	return r.ID
}
