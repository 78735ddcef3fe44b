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

// keeper is a store with a shelf. It knows what is over by its own list.
type keeper struct {
	*memory.Store
	mu     sync.Mutex
	over   map[string]time.Time // incident → last changed
	shelf  map[string]bool
	owes   map[string]bool
	gone   []string
	lists  int
	broken error
	late   int // tasks overdue, as the audit will find
}

func (k *keeper) ListEnded(_ context.Context, q bot.EndedQuery) ([]string, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lists++
	all := slices.SortedFunc(maps.Keys(k.over), func(a, b string) int { return k.over[a].Compare(k.over[b]) })
	var found []string
	for _, id := range all {
		if k.shelf[id] == q.Archived && k.over[id].Before(q.Before) && len(found) < q.Limit {
			found = append(found, id)
		}
	}
	return found, nil
}

func (k *keeper) Archive(_ context.Context, id string) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.owes[id] {
		return false, nil
	}
	k.shelf[id] = true
	return true, k.broken
}

func (k *keeper) Forget(_ context.Context, id string) (bool, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.owes[id] {
		return false, nil
	}
	delete(k.over, id)
	k.gone = append(k.gone, id)
	return true, nil
}

func (k *keeper) Export(context.Context, string, int) ([]bot.ArchiveItem, error) { panic("unexpected") }

func (k *keeper) Import(context.Context, []bot.ArchiveItem) error { panic("unexpected") }

func (k *keeper) Repair(ctx context.Context, q bot.RepairQuery) (bot.Repairs, error) {
	m, err := k.Store.Repair(ctx, q)
	k.mu.Lock()
	defer k.mu.Unlock()
	m.Overdue += k.late
	return m, errors.Join(err, k.broken)
}

// pinger notes its pings.
type pinger struct {
	urls []string
	err  error
}

func (p *pinger) Ping(_ context.Context, url string) error {
	p.urls = append(p.urls, url)
	return p.err
}

// yard is a bot with the first jobs, of which a test runs one at a time.
type yard struct {
	t     *testing.T
	bot   *app.App
	run   *agenda.Runner
	store *keeper
	ping  *pinger
	works map[string]jobs.Handler
}

func inYard(t *testing.T, test func(y *yard)) {
	synctest.Test(t, func(t *testing.T) {
		y := &yard{t: t, ping: &pinger{}, store: &keeper{Store: memory.New(), over: map[string]time.Time{}, shelf: map[string]bool{}, owes: map[string]bool{}}}
		org := bottest.Town()
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

// do runs a job, and returns what it noted.
func (y *yard) do(job string) (result jobs.Result, note string) {
	y.t.Helper()
	r, err := y.works[job].Handle(y.t.Context(), jobs.Start{})
	if err != nil {
		return r, "error: " + err.Error()
	}
	return r, r.Note
}

func (y *yard) later(d time.Duration) { time.Sleep(d) } //nolint:forbidigo // in a bubble of time

func (y *yard) say(lines ...string) {
	y.t.Helper()
	who, _ := access.Person(y.bot.Organization(), "ana")
	for _, line := range lines {
		reply, err := y.bot.Dispatcher.Run(y.t.Context(), dispatch.Request{Text: line, Speaker: who})
		if err != nil || !reply.OK {
			y.t.Fatalf("%s: %v %v", line, reply, err)
		}
	}
}

func TestE12DeadmanPingsOnlyWhileTheAuditFoundNothing(t *testing.T) {
	inYard(t, func(y *yard) {
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
		y.store.late = 3
		y.run.Audit(t.Context())
		wants(true, "no ping: the audit found 3 tasks overdue", 2)
		y.store.late, y.store.broken = 0, errors.New("the disk is gone")
		y.later(3 * time.Minute)
		y.run.Audit(t.Context())
		wants(true, "no ping: the last audit was at 2000-01-01T00:02:01Z", 2)
		y.store.broken = nil
		y.run.Audit(t.Context())
		y.ping.err = errors.New("it answered 500")
		wants(false, "error: ping the dead-man's watcher: it answered 500", 3)
		if y.ping.urls[0] != "https://watch.example.com/hunter2" {
			t.Errorf("pinged %v", y.ping.urls)
		}
	})
}

func TestArchiveShelvesAndDeletes(t *testing.T) {
	inYard(t, func(y *yard) {
		configure := func(shelve, forget time.Duration) {
			org := *y.bot.Organization()
			org.Retention = bot.Retention{ArchiveAfter: shelve, DeleteAfter: forget}
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
			y.store.over[id], y.store.owes[id] = start.Add(time.Duration(n)*time.Minute), n < 450
		}
		y.later(24*time.Hour + 600*time.Minute)
		configure(24*time.Hour, 0)
		wants("shelved 150, 450 stayed: they still owe something")
		wants("450 stayed: they still owe something")
		clear(y.store.owes)
		wants("shelved 450")
		wants("")
		configure(24*time.Hour, 25*time.Hour)
		wants("deleted 540")
		if len(y.store.gone) != 540 || slices.Contains(y.store.gone, "INC-540") {
			t.Errorf("%d are gone", len(y.store.gone))
		}
		y.store.broken = errors.New("the disk is full")
		y.later(time.Hour)
		wants("error: deleted 60, and then: the disk is full")
	})
}

func TestP2OverdueUpdatesNamesNoPrivateIncident(t *testing.T) {
	inYard(t, func(y *yard) {
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
		want := "told of 1\n1 update is overdue\nINC-1 SEV1 · Checkout is down · was due 00:30:00 UTC · commander ANA\nPost an update with `update INC-n TEXT`."
		if got := message(); got != want {
			t.Errorf("after 40 minutes:\n%s", got)
		}
		tick(90 * time.Minute) // the same promise is still the first that was broken
		got := message()
		if !strings.Contains(got, "2 updates are overdue") || !strings.Contains(got, "was due 00:30:00 UTC") ||
			!strings.Contains(got, "INC-3 SEV2 · Search is slow · was due 01:00:00 UTC · no commander: `lead INC-3`") {
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
		if got := message(); !strings.HasPrefix(got, "told of 1\n") {
			t.Errorf("the longer promise was broken too:\n%s", got)
		}
	})
}

func TestE13AuditReportTellsOfTheLastDay(t *testing.T) {
	inYard(t, func(y *yard) {
		text := func() string {
			t.Helper()
			r, note := y.do(bot.JobAuditReport)
			if len(r.Outputs) == 0 {
				return note
			}
			m := r.Outputs[0](card.View{Zone: time.UTC})
			return m.Title + "\n" + m.Text
		}
		if got := text(); got != "error: there was no audit yet: this process has just begun" {
			t.Errorf("at first: %s", got)
		}
		y.store.late = 1
		y.run.Audit(t.Context())
		y.store.late, y.store.broken = 0, errors.New("the disk is gone")
		y.run.Audit(t.Context())
		y.store.broken = nil
		for range 30 {
			y.run.Audit(t.Context())
			y.later(time.Minute)
		}
		want := "Audit: problems found\nSince 2000-01-01 00:00:00 UTC: 31 audits, 0 checks of open incidents.\n1 audit could not read the store; the log has the error.\n" +
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
		if got := text(); !strings.HasPrefix(got, "Audit: no problems found\nSince 2000-01-01 02:00:00 UTC: 1411 audits, 1411 checks of open incidents.") {
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
