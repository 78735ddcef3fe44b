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

	"tocsin/adapters/memory"
	"tocsin/adapters/slack"
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

// accessTown is an installation in this process, put together as serve does, with
// every front and an incident for each relation and visibility.
type accessTown struct {
	*testing.T
	slack    *slacktest.Server
	store    *frozenStore
	app      *app.App
	chats    connections
	file     string // the configuration
	url      string
	accounts map[string]string // on Slack, by speaker
	lobby    string            // a channel of Slack that is no incident's room
	public   map[string]string // incidents, by relation
	private  map[string]string
	other    string // one more public incident
	fronts   []front

	ahead                atomic.Int64        // of the real time, so that what Slack allows in a minute is waited for in none
	offered              map[string][]string // to an administrator, by front and incident
	let, refused, hidden int
}

// frozenStore is a store that takes no commit once it is frozen.
type frozenStore struct {
	bot.Store
	frozen  atomic.Bool
	refused atomic.Int64
}

var errFrozen = errors.New("the store is frozen")

// Commit implements [bot.Committer].
func (s *frozenStore) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	if s.frozen.Load() {
		s.refused.Add(1)
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

func newAccessTown(t *testing.T) *accessTown {
	t.Helper()
	w := &accessTown{
		T: t, slack: slacktest.New(slacktest.Options{Unlimited: true}), store: &frozenStore{Store: memory.New()}, file: filepath.Join(t.TempDir(), "tocsin.yaml"),
		accounts: map[string]string{}, public: map[string]string{}, private: map[string]string{}, offered: map[string][]string{},
	}
	t.Cleanup(w.slack.Close)
	for _, name := range []string{"eve", "zoe", "yan"} {
		w.accounts[name] = w.slack.AddUser(slacktest.User{Name: name, RealName: name})
	}
	w.lobby = w.slack.AddChannel(slacktest.Channel{Name: "general"})
	w.start(w.slack.AddGroup(slacktest.UserGroup{Name: "Night", Handle: "night", Members: []string{w.accounts["yan"]}}))
	w.fronts = []front{newAPIFront(w), newBrowserFront(w), newSlackFront(w)}
	w.other = w.command("ana", "declare Another incident")
	for _, r := range relations() {
		w.public[r.name] = w.declare(r, "declare Public")
		w.private[r.name] = w.declare(r, "declare "+secretTitle(r)+" --private")
	}
	w.openRooms()
	w.store.frozen.Store(true)
	return w
}

// start connects Slack and serves, as cmd serve does.
func (w *accessTown) start(night string) {
	w.Helper()
	w.accounts["night"] = night
	env := map[string]string{"SLACK_BOT_TOKEN": w.slack.BotToken, "SLACK_SIGNING_SECRET": w.slack.SigningSecret, "SLACK_API_URL": w.slack.URL()}
	log := slog.New(slog.DiscardHandler)
	description := slack.Description()
	p, err := description.Connect(platform.Options{
		Secret: func(name string) string { return env[name] }, Mark: "0a1b2c3d", Store: w.store.Store, Now: w.now, Log: log,
	})
	if err != nil {
		w.Fatal(err)
	}
	w.chats = connections{{Description: description, Platform: p}}
	own := strings.Repeat("k", 32)
	w.app, err = app.New(app.Config{
		Store: w.store, Organization: w.organization(commands.Admin, commands.Admin), Pagers: w.pagers(), Chats: w.chats.chats(), Builtin: builtin(),
		Secret: []byte(own), Now: w.now, Log: log,
	})
	if err != nil {
		w.Fatal(err)
	}
	mux, pages := doors{app: w.app, store: w.store, secrets: secrets{api: "api", hook: "hook"}, log: log}.mux()
	w.chats.serve(w.app, mux)
	server := httptest.NewServer(mux)
	w.url = server.URL
	w.slack.SetRequestURL(w.url + "/slack/")
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { w.chats[0].inbound.Run(ctx); close(done) }()
	w.Cleanup(func() {
		pages.Close()
		server.Close()
		stop()
		<-done
	})
}

func (w *accessTown) now() time.Time { return time.Now().Add(time.Duration(w.ahead.Load())) }

// accept is a pager that reaches everybody.
type accept struct{}

// Page implements [bot.Pager].
func (accept) Page(context.Context, bot.Page) error { return nil }

func (w *accessTown) pagers() map[string]bot.Pager {
	return map[string]bot.Pager{"slack": w.chats[0].Platform, "log": accept{}}
}

// organization reads the configuration in which Eve and Zoe's token have an access,
// and unknown accounts have another.
func (w *accessTown) organization(level, unknown commands.Access) bot.Organization {
	w.Helper()
	text := strings.NewReplacer("$DEFAULT", unknown.String(), "$ACCESS", level.String(), "$EVE", w.accounts["eve"], "$NIGHT", w.accounts["night"]).Replace(accessConfig)
	if err := os.WriteFile(w.file, []byte(text), 0o600); err != nil {
		w.Fatal(err)
	}
	l, err := loadWith(platforms(), w.file, func(name string) string {
		return map[string]string{"EVE_TOKEN": "token-of-eve", "ZOE_TOKEN": "token-of-zoe", "SLACK_BOT_TOKEN": w.slack.BotToken}[name]
	})
	if err != nil {
		w.Fatal(err)
	}
	return w.chats.members(l.Organization)
}

// configure gives the speaker of a relation an access. An account that is not
// configured has the default access, Eve never has it.
func (w *accessTown) configure(r relation, level commands.Access) {
	w.Helper()
	unknown := level
	if r.speaker == "eve" {
		unknown = commands.Guest
	}
	if err := w.app.Configure(w.organization(level, unknown), w.pagers()); err != nil {
		w.Fatal(err)
	}
}

// declare declares the incident of a relation, and brings its speaker in.
func (w *accessTown) declare(r relation, line string) string {
	w.Helper()
	id := w.command(r.by(), line)
	for _, more := range append([]string{"task % Call the vendor"}, r.bring...) {
		w.command(r.by(), strings.ReplaceAll(more, "%", id))
	}
	return id
}

// command gives a command as a person, and returns the incident that it was about.
func (w *accessTown) command(by, line string) string {
	w.Helper()
	speaker, _ := access.Person(w.app.Organization(), by)
	reply, err := w.app.Dispatcher.Run(w.Context(), dispatch.Request{Text: line, Speaker: speaker})
	if err != nil || !reply.OK {
		w.Fatalf("%s: %+v, %v", line, reply, err)
	}
	return reply.Incident
}

// secretTitle is the title of a relation's private incident.
func secretTitle(r relation) string { return "Payroll of " + r.name + " leaked" }

// openRooms carries out what is owed, until every incident has a channel. All
// speakers are let into it, also those who are no member. Ana is not on Slack: the
// step that invites her fails, and can be tried again.
func (w *accessTown) openRooms() {
	w.Helper()
	runner := w.app.Agenda(0)
	for _, r := range relations() {
		for _, id := range []string{w.public[r.name], w.private[r.name]} {
			for n := 0; w.channel(id) == ""; n++ {
				if _, err := runner.Tick(w.Context()); err != nil || n == 200 {
					w.Fatalf("%s has no channel: %v", id, err)
				}
				w.ahead.Add(int64(time.Second))
			}
			for _, name := range []string{"eve", "zoe", "yan"} {
				w.slack.Join(w.accounts[name], w.channel(id))
			}
		}
	}
}

func (w *accessTown) incident(id string) workflow.Incident {
	w.Helper()
	i, err := w.app.LoadUnchecked(w.Context(), id)
	if err != nil {
		w.Fatal(err)
	}
	return i
}

func (w *accessTown) channel(id string) string {
	r, _ := w.incident(id).Room("slack")
	return r.ID
}
