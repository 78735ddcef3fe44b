package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/agenda"
	"tocsin/bot/app"
	"tocsin/bot/bottest"
	"tocsin/bot/card"
	"tocsin/bot/dispatch"
	"tocsin/bot/jobs"
)

// archiveStore is a store with a list of ended incidents.
type archiveStore struct {
	*memory.Store
	mu       sync.Mutex
	ended    map[string]time.Time // incident → last changed
	archived map[string]bool
	pending  map[string]bool
	deleted  []string
	lists    int
	broken   error
	overdue  int // tasks overdue, as the audit will find
}

func (k *archiveStore) ListEnded(_ context.Context, q bot.EndedQuery) ([]string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lists++
	all := slices.SortedFunc(maps.Keys(k.ended), func(a, b string) int { return k.ended[a].Compare(k.ended[b]) })
	var found []string
	for _, id := range all {
		if k.archived[id] == q.Archived && k.ended[id].Before(q.Before) && len(found) < q.Limit {
			found = append(found, id)
		}
	}
	return found, nil
}

func (k *archiveStore) Archive(_ context.Context, id string) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pending[id] {
		return false, nil
	}
	k.archived[id] = true
	return true, k.broken
}

func (k *archiveStore) Forget(_ context.Context, id string) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.pending[id] {
		return false, nil
	}
	delete(k.ended, id)
	k.deleted = append(k.deleted, id)
	return true, nil
}

func (k *archiveStore) Export(context.Context, string, int) ([]bot.ArchiveItem, error) {
	panic("unexpected")
}

func (k *archiveStore) Import(context.Context, []bot.ArchiveItem) error { panic("unexpected") }

func (k *archiveStore) Repair(ctx context.Context, q bot.RepairQuery) (bot.Repairs, error) {
	m, err := k.Store.Repair(ctx, q)
	k.mu.Lock()
	defer k.mu.Unlock()
	m.Overdue += k.overdue
	return m, errors.Join(err, k.broken)
}

// pinger records its pings.
type pinger struct {
	urls []string
	err  error
}

func (p *pinger) Ping(_ context.Context, url string) error {
	p.urls = append(p.urls, url)
	return p.err
}

// handlerTest is an application whose jobs a test runs one at a time.
type handlerTest struct {
	t     *testing.T
	bot   *app.App
	run   *agenda.Runner
	store *archiveStore
	ping  *pinger
	works map[string]jobs.Handler
}

func runHandlers(t *testing.T, test func(y *handlerTest)) {
	synctest.Test(t, func(t *testing.T) {
		y := &handlerTest{t: t, ping: &pinger{}, store: &archiveStore{Store: memory.New(), ended: map[string]time.Time{}, archived: map[string]bool{}, pending: map[string]bool{}}}
		org := bottest.SampleOrganization()
		org.Deadman = "https://watch.example.com/hunter2"
		var err error
		quiet := slog.New(slog.DiscardHandler)
		y.bot, err = app.New(app.Config{
			Store: y.store, Organization: org, Secret: []byte("0123456789abcdef"), Log: quiet, Now: time.Now,
			Pagers: map[string]bot.Pager{"log": &notices{accepted: map[string]int{}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		y.run = y.bot.Agenda(0)
		y.works = jobs.NewHandlers(jobs.HandlerConfig{Engine: y.bot.Engine, Archive: y.store, Incidents: y.bot.Incidents, Audits: y.run, Pinger: y.ping})
		test(y)
	})
}

// do runs a job, and returns its result and its note.
func (y *handlerTest) do(job string) (result jobs.Result, note string) {
	y.t.Helper()
	r, err := y.works[job].Handle(y.t.Context(), jobs.Start{})
	if err != nil {
		return r, "error: " + err.Error()
	}
	return r, r.Note
}

func (y *handlerTest) later(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // in a bubble of time

func (y *handlerTest) say(lines ...string) {
	y.t.Helper()
	who, _ := access.Person(y.bot.Organization(), "ana")
	for _, line := range lines {
		reply, err := y.bot.Dispatcher.Run(y.t.Context(), dispatch.Request{Text: line, Speaker: who})
		if err != nil || !reply.OK {
			y.t.Fatalf("%s: %v %v", line, reply, err)
		}
	}
}

func TestE12DeadmanPingsOnlyAfterACleanAudit(t *testing.T) {
	runHandlers(t, func(y *handlerTest) {
		wants := func(withheld bool, note string, pings int) {
			t.Helper()
			r, got := y.do(bot.JobDeadman)
			if r.Withheld != withheld || got != note || len(y.ping.urls) != pings {
				t.Errorf("%v %q, %d pings, want %q", r.Withheld, got, len(y.ping.urls), note)
			}
		}
		wants(true, "no ping: there was no audit yet", 0)
		y.run.Audit(t.Context())
		wants(false, "pinged", 1)
		y.later(2 * time.Minute)
		wants(false, "pinged", 2)
		y.later(time.Second)
		wants(true, "no ping: the last audit was at 2000-01-01T00:00:00Z", 2)
		y.store.overdue = 3
		y.run.Audit(t.Context())
		wants(true, "no ping: the audit found 3 overdue tasks", 2)
		y.store.overdue, y.store.broken = 0, errors.New("the disk is gone")
		y.later(3 * time.Minute)
		y.run.Audit(t.Context())
		wants(true, "no ping: the last audit was at 2000-01-01T00:02:01Z", 2)
		y.store.broken = nil
		y.run.Audit(t.Context())
		y.ping.err = errors.New("it answered 500")
		wants(false, "error: ping the dead-man service: it answered 500", 3)
		if y.ping.urls[0] != "https://watch.example.com/hunter2" {
			t.Errorf("pinged %v", y.ping.urls)
		}
	})
}

// TestArchiveAndDelete: ended incidents are archived and then deleted; those with
// pending tasks stay until later.
func TestArchiveAndDelete(t *testing.T) {
	runHandlers(t, func(y *handlerTest) {
		configure := func(archiveAfter, deleteAfter time.Duration) {
			org := *y.bot.Organization()
			org.Retention = bot.Retention{ArchiveAfter: archiveAfter, DeleteAfter: deleteAfter}
			if err := y.bot.Configure(org, nil); err != nil {
				t.Fatal(err)
			}
		}
		wants := func(note string) {
			t.Helper()
			if _, got := y.do(bot.JobArchive); got != note {
				t.Errorf("noted %q, want %q", got, note)
			}
		}
		start := time.Now()
		for n := range 900 { // one a minute; the oldest 450 of them still owe something
			id := fmt.Sprintf("INC-%d", n)
			y.store.ended[id], y.store.pending[id] = start.Add(time.Duration(n)*time.Minute), n < 450
		}
		y.later(24*time.Hour + 600*time.Minute)
		configure(24*time.Hour, 0)
		wants("archived 150, left 450 with pending tasks")
		wants("left 450 with pending tasks")
		clear(y.store.pending)
		wants("archived 450")
		wants("")
		configure(24*time.Hour, 25*time.Hour)
		wants("deleted 540")
		if len(y.store.deleted) != 540 || slices.Contains(y.store.deleted, "INC-540") {
			t.Errorf("%d are gone", len(y.store.deleted))
		}
		y.store.broken = errors.New("the disk is full")
		y.later(time.Hour)
		wants("error: deleted 60, and then: the disk is full")
	})
}

func TestP2OverdueUpdatesNamesNoPrivateIncident(t *testing.T) {
	runHandlers(t, func(y *handlerTest) {
		message := func() string {
			t.Helper()
			r, note := y.do(bot.JobOverdueUpdates)
			if len(r.Outputs) == 0 {
				return note
			}
			m := r.Outputs[0](card.View{Zone: time.UTC, URL: "https://tocsin.example.com", Name: strings.ToUpper})
			return note + "\n" + m.Title + "\n" + m.Text
		}
		y.say("declare Checkout is down --sev 1 --service checkout", "ack INC-1", "lead INC-1",
			"declare Data leak --sev 1", "ack INC-2", "private INC-2", "declare Search is slow --sev 2", "ack INC-3")
		tick := func(d time.Duration) {
			for range int(d / time.Minute) {
				y.later(time.Minute)
				if _, err := y.run.Tick(y.t.Context()); err != nil {
					t.Fatal(err)
				}
			}
		}
		if got := message(); got != "" {
			t.Errorf("at first: %s", got)
		}
		tick(40 * time.Minute) // SEV1 is promised an update every 30 minutes
		want := "reported 1\n1 update is overdue\nINC-1 SEV1 · Checkout is down · was due 1 Jan 00:30 UTC · commander ANA\nPost an update with `update INC-n TEXT`."
		if got := message(); got != want {
			t.Errorf("after 40 minutes:\n%s", got)
		}
		tick(90 * time.Minute) // the same promise is still the first that was broken
		got := message()
		if !strings.Contains(got, "2 updates are overdue") || !strings.Contains(got, "was due 1 Jan 00:30 UTC") ||
			!strings.Contains(got, "INC-3 SEV2 · Search is slow · was due 1 Jan 01:00 UTC · no commander: `lead INC-3`") {
			t.Errorf("after two hours:\n%s", got)
		}
		if strings.Contains(got, "leak") || strings.Contains(got, "INC-2") {
			t.Errorf("P2: it tells of a private incident:\n%s", got)
		}
		y.say("update INC-1 Rolling back --next 2h", "resolve INC-3 Fixed")
		tick(90 * time.Minute) // longer than the cadence, and as promised
		if got := message(); got != "" {
			t.Errorf("after an update and a resolve:\n%s", got)
		}
		tick(40 * time.Minute)
		if got := message(); !strings.HasPrefix(got, "reported 1\n") {
			t.Errorf("the longer promise was broken too:\n%s", got)
		}
	})
}

func TestE13AuditReportCoversTheLastDay(t *testing.T) {
	runHandlers(t, func(y *handlerTest) {
		text := func() string {
			t.Helper()
			r, note := y.do(bot.JobAuditReport)
			if len(r.Outputs) == 0 {
				return note
			}
			m := r.Outputs[0](card.View{Zone: time.UTC})
			return m.Title + "\n" + m.Text
		}
		if got := text(); got != "error: there was no audit yet: this process has just started" {
			t.Errorf("at first: %s", got)
		}
		y.store.overdue = 1
		y.run.Audit(t.Context())
		y.store.overdue, y.store.broken = 0, errors.New("the disk is gone")
		y.run.Audit(t.Context())
		y.store.broken = nil
		for range 30 {
			y.run.Audit(t.Context())
			y.later(time.Minute)
		}
		want := "Audit: problems found\nSince 1 Jan 00:00 UTC: 31 audits, 0 checks of open incidents.\n1 audit could not read the store; the log has the error.\n" +
			"1 audit found work more than a minute late. If this continues, Tocsin needs a faster disk, or a paging provider is hanging."
		if got := text(); got != want {
			t.Errorf("%s", got)
		}
		y.say("declare Checkout is down", "ack INC-1")
		for range 25 * 60 {
			y.later(time.Minute)
			if _, err := y.run.Tick(y.t.Context()); err != nil {
				t.Fatal(err)
			}
			y.run.Audit(t.Context())
		}
		if got := text(); !strings.HasPrefix(got, "Audit: no problems found\nSince 1 Jan 02:00 UTC: 1411 audits, 1411 checks of open incidents.") {
			t.Errorf("%s", got)
		}
	})
}

func TestDefaultJobs(t *testing.T) {
	for _, j := range bot.DefaultJobs(time.UTC) {
		if j.Schedule.Next(time.Unix(0, 0)).Name == "" || j.Missed == "" || j.Enabled != (j.Name == bot.JobArchive) {
			t.Errorf("%+v", j)
		}
	}
}
