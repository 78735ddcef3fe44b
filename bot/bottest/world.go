package bottest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/agenda"
	"tocsin/bot/alerts"
	"tocsin/bot/app"
	"tocsin/bot/directory"
	"tocsin/commands"
	"tocsin/workflow"
)

// World is a simulated installation: a store, one or two replicas, a pager and a chat
// platform that fail at random, and a clock that jumps. Everything follows from the
// seed.
type World struct {
	Seed     uint64
	rng      *rand.Rand
	now      time.Time
	store    *faultyStore
	replicas []*replica
	email    *fakePager
	chat     *fakeChat
	faults   bool // false while the world comes to rest
	trace    strings.Builder
	wrong    []string

	operations int
	notes      map[string]bool         // text → it was answered as accepted
	messages   []*sentMessage          // what people wrote, accepted or not
	answered   []*sentMessage          // the accepted ones, in the order of their answers
	sent       map[string]int          // page key → accepted by a provider
	settled    map[string]bool         // page key → its delivery is on record
	unchecked  bool                    // loading an incident has failed in this task, so its page may be sent without a check (E3: check again before each send)
	said       map[string]alerts.Alert // alert key → what its sender said last, if it was accepted
	started    int                     // alerts that began, by the receipts of batches that were applied
	crashes    int
}

// replica is one process.
type replica struct {
	bot    *app.App
	runner *agenda.Runner
}

// crash is the panic that stands for kill -9.
type crash struct{}

// Base is a store for a simulated world. Its leases can be dropped, as they are when
// the only process ends.
type Base interface {
	bot.Store
	// ForgetLeases drops every lease.
	ForgetLeases()
}

// NewWorld returns the world of a seed over an empty store.
func NewWorld(seed uint64, base Base) *World {
	w := &World{
		Seed: seed, rng: rand.New(rand.NewPCG(seed, 7)), now: Epoch, faults: true,
		notes: map[string]bool{}, sent: map[string]int{}, settled: map[string]bool{}, said: map[string]alerts.Alert{},
	}
	w.store = &faultyStore{Store: base, base: base, w: w}
	w.email = &fakePager{w: w}
	w.chat = newFakeChat(w)
	for range 1 + w.rng.IntN(2) {
		w.replicas = append(w.replicas, w.newReplica())
	}
	return w
}

// newReplica starts a replica over the world's store.
func (w *World) newReplica() *replica {
	quiet := slog.New(slog.DiscardHandler)
	b, err := app.New(app.Config{
		Store: w.store, Organization: worldOrganization(), Secret: []byte("0123456789abcdef"), Log: quiet,
		Now:     func() time.Time { return w.now },
		Pagers:  map[string]bot.Pager{"email": w.email, "sms": w.email, "webhook": w.email, "log": w.email},
		Chats:   map[string]bot.Chat{worldPlatform: w.chat},
		Builtin: map[string]bot.BuiltinRooms{"web": BuiltinRooms{}},
	})
	if err != nil {
		panic(err)
	}
	return &replica{bot: b, runner: b.Agenda(0)}
}

// worldOrganization returns the sample organization with two people more that escalation
// cannot reach: gil has no contact method, and hal's pager says "later" for ever.
func worldOrganization() bot.Organization {
	o := SampleOrganization()
	o.Directory.People = append(o.Directory.People,
		directory.Person{ID: "gil", Name: "Gil"},
		directory.Person{ID: "hal", Name: "Hal", High: []directory.Method{{Via: "sms", To: "busy"}}})
	o.Policies[0].Steps = append([]workflow.PolicyStep{
		{Notify: []workflow.Target{"person:gil"}, Wait: 5 * time.Minute}, {Notify: []workflow.Target{"person:hal"}, Wait: 5 * time.Minute},
	}, o.Policies[0].Steps...)
	return o
}

// SampleOrganization returns the organization of [App]: ana (admin), ben
// (commander) and dan (responder, whose only number is unknown to its pager), and the
// services checkout and search.
func SampleOrganization() bot.Organization {
	o := bot.Default()
	o.URL = "https://tocsin.example.com"
	o.Directory = directory.Directory{
		People: []directory.Person{
			{ID: "ana", Name: "Ana", Access: commands.Admin, Email: "ana@example.com", High: []directory.Method{{Via: "email"}, {Via: "sms", To: "1", After: time.Minute}}},
			{ID: "ben", Name: "Ben", Access: commands.Commander, Email: "ben@example.com", High: []directory.Method{{Via: "email"}}},
			{ID: "dan", Name: "Dan", Access: commands.Responder, High: []directory.Method{{Via: "sms", To: "unknown"}}},
		},
		Teams:    []directory.Team{{ID: "all", Members: []string{"ana", "ben", "dan"}}},
		Webhooks: []string{"noc"},
		Pagers:   []string{"email", "sms", "webhook", "log"},
	}
	o.Services = []bot.Service{{ID: "checkout", Policy: "one"}, {ID: "search", Policy: "two"}}
	o.Policies = []workflow.Policy{
		{ID: "one", Repeat: 1, Fallback: "two", Steps: []workflow.PolicyStep{
			{Notify: []workflow.Target{"person:dan"}, Wait: 2 * time.Minute},
			{Notify: []workflow.Target{"person:ana"}, Wait: 5 * time.Minute},
			{Notify: []workflow.Target{"team:all"}, Wait: 5 * time.Minute, RoundRobin: true},
		}},
		{ID: "two", Steps: []workflow.PolicyStep{{Notify: []workflow.Target{"person:ben", "webhook:noc"}, Wait: 10 * time.Minute}}},
		{ID: "three", Steps: []workflow.PolicyStep{{Notify: []workflow.Target{"person:dan"}, Wait: time.Minute}}},
	}
	o.Policy, o.CatchAll = "three", "webhook:noc"
	o.Severities = map[string]workflow.SeverityPlan{
		"SEV1": {Urgency: workflow.High, Acknowledge: 5 * time.Minute, Update: 30 * time.Minute},
		"SEV2": {Urgency: workflow.High, Update: time.Hour},
	}
	o.Integrations = []bot.Integration{{Name: "prometheus", Type: "alertmanager"}}
	return o
}

func (w *World) logf(format string, args ...any) {
	fmt.Fprintf(&w.trace, "%s "+format+"\n", append([]any{w.now.Format("02 15:04:05.000")}, args...)...)
}

func (w *World) fail(format string, args ...any) {
	w.logf("WRONG: "+format, args...)
	if len(w.wrong) < 5 {
		w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
	}
}

// chance reports true once in n times, and never while the world comes to rest.
func (w *World) chance(n int) bool { return w.faults && w.rng.IntN(n) == 0 }

var errFault = errors.New("injected fault")

// faultyStore fails and crashes at random before and after every write.
type faultyStore struct {
	bot.Store
	base Base
	w    *World
}

func (s *faultyStore) before(what string) error {
	if s.w.chance(60) {
		s.w.logf("fault before %s", what)
		return errFault
	}
	if s.w.chance(120) {
		s.w.logf("crash before %s", what)
		panic(crash{})
	}
	return nil
}

func (s *faultyStore) after(what string) error {
	if s.w.chance(60) {
		s.w.logf("reply lost after %s", what)
		return errFault
	}
	if s.w.chance(120) {
		s.w.logf("crash after %s", what)
		panic(crash{})
	}
	return nil
}

// Load implements [bot.Incidents].
func (s *faultyStore) Load(ctx context.Context, id string) (bot.Loaded, error) {
	if s.w.chance(80) {
		s.w.unchecked = true
		return bot.Loaded{}, errFault
	}
	return s.Store.Load(ctx, id)
}

// Claim implements [bot.Agenda].
func (s *faultyStore) Claim(ctx context.Context, q bot.Claim) ([]bot.Lease, error) {
	if err := s.before("claim"); err != nil {
		return nil, err
	}
	l, err := s.Store.Claim(ctx, q)
	if err == nil {
		err = s.after("claim")
	}
	return l, err
}

// Postpone implements [bot.Agenda].
func (s *faultyStore) Postpone(ctx context.Context, l bot.Lease, due time.Time) error {
	if err := s.before("postpone"); err != nil {
		return err
	}
	if err := s.Store.Postpone(ctx, l, due); err != nil {
		return err
	}
	return s.after("postpone")
}

// Renew implements [bot.Agenda].
func (s *faultyStore) Renew(ctx context.Context, l bot.Lease, until time.Time) error {
	if err := s.before("renew"); err != nil {
		return err
	}
	if err := s.Store.Renew(ctx, l, until); err != nil {
		return err
	}
	return s.after("renew")
}

// Commit implements [bot.Incidents]. A change is recorded for the judge even when the
// answer is lost.
func (s *faultyStore) Commit(ctx context.Context, c bot.Commit) (bot.Receipt, error) {
	if err := s.before("commit " + c.Incident); err != nil {
		return bot.Receipt{}, err
	}
	r, err := s.Store.Commit(ctx, c)
	if err != nil {
		return r, err
	}
	if !r.Repeated {
		s.w.checkCommit(c)
	}
	return r, s.after("commit " + c.Incident)
}
