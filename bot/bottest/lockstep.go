package bottest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// LockStep calls two stores with the same random operations and wants the same answers.
// The model is the memory store, which is easy to understand.
func LockStep(t *testing.T, open func(t *testing.T) (model, tested bot.Store)) {
	seeds, steps := 20, 400
	if RaceEnabled || testing.Short() {
		seeds, steps = 8, 300
	}
	seen := map[string]int{}
	for seed := range seeds {
		t.Run(fmt.Sprint("seed", seed), func(t *testing.T) {
			model, tested := open(t)
			tw := &twins{
				T: t, rand: rand.New(rand.NewPCG(1, uint64(seed))), now: Epoch, known: map[string]*knownIncident{}, reached: seen, //nolint:gosec // no secret
				model: model, tested: tested, open: open,
			}
			tw.watch("")
			for range steps {
				tw.step()
				if t.Failed() {
					t.Fatalf("after:\n%s", tw.lastLog())
				}
			}
			tw.compareAll()
			tw.compareExports()
		})
	}
	t.Logf("seen: %v", seen)
	for _, what := range []string{"commit", "repeat", "conflict", "taken", "lost", "claimed", "postponed", "renewed", "started", "again", "ended", "stale", "held", "judged", "raised", "changed", "new", "message", "repeated message", "edit", "edit without a message", "not found", "card replaced", "card replaced while leased", "older card settled", "older card postponed", "notified", "not notified", "archived", "not archived", "message to an archived one", "step of an archived one", "mail to an archived one", "forgotten", "forgotten with its records", "not forgotten", "exported", "several open"} {
		if seen[what] == 0 {
			t.Errorf("no seed led to %q: the test checks too little", what)
		}
	}
}

// twins are the two stores, and what the test knows of their incidents.
type twins struct {
	*testing.T
	rand          *rand.Rand
	now           time.Time
	model, tested bot.Store
	open          func(*testing.T) (model, tested bot.Store)
	known         map[string]*knownIncident
	ids           []string
	held          []alerts.Arrival // that judge a held notice again
	leases        [][2]bot.Lease
	watched       []watchedPair
	log           []string
	reached       map[string]int // how often each outcome was reached
}

// watchedPair has the watchers of an incident, or of all, in both stores.
type watchedPair struct {
	id            string
	model, tested <-chan struct{}
}

// knownIncident is what the test knows of an incident.
type knownIncident struct {
	version, events int
	wakeAt          time.Time
	group           string
	cards           map[string]int // the last revisions of its standing tasks, by destination
}

func (tw *twins) logf(format string, args ...any) {
	tw.log = append(tw.log, fmt.Sprintf("%s ", tw.now.Format("15:04:05.000"))+fmt.Sprintf(format, args...))
}

func (tw *twins) lastLog() string {
	return strings.Join(tw.log[max(0, len(tw.log)-25):], "\n")
}

// wantSame wants two answers and two errors to be the same.
//
//nolint:revive // two answers, each a value and an error
func wantSame[T any](tw *twins, what string, m, s T, errM, errS error) {
	tw.Helper()
	for _, target := range []error{bot.ErrNotFound, bot.ErrConflict, bot.ErrTaken, bot.ErrLeaseLost} {
		if errors.Is(errM, target) != errors.Is(errS, target) {
			tw.Errorf("%s: the model returns %v, the store returns %v", what, errM, errS)
		}
	}
	if (errM == nil) != (errS == nil) {
		tw.Errorf("%s: the model returns %v, the store returns %v", what, errM, errS)
	}
	if diff := gocmp.Diff(m, s, cmpopts.EquateEmpty(), cmpopts.IgnoreFields(bot.Lease{}, "Token")); diff != "" {
		tw.Errorf("%s (-model +store):\n%s", what, diff)
	}
}

func (tw *twins) chance(percent int) bool { return tw.rand.IntN(100) < percent }

func (tw *twins) randomInstant(most time.Duration) time.Time {
	return tw.now.Add(time.Duration(tw.rand.Int64N(int64(most))).Truncate(time.Millisecond))
}

func (tw *twins) step() {
	tw.now = tw.randomInstant(5 * time.Second)
	switch n := tw.rand.IntN(100); {
	case n < 25:
		tw.take()
	case n < 30:
		tw.declare()
	case n < 50:
		tw.commit()
	case n < 55:
		tw.commitMessages()
	case n < 65:
		tw.settle()
	case n < 72:
		tw.claim()
	case n < 75:
		tw.rewriteCard()
	case n < 78:
		tw.postpone()
	case n < 80:
		tw.renew()
	case n < 90:
		tw.archiveOrForget()
	default:
		tw.read()
	}
	tw.compareWatchers()
}

func (tw *twins) watch(id string) {
	tw.watched = append(tw.watched, watchedPair{id, tw.model.Watch(tw.Context(), id), tw.tested.Watch(tw.Context(), id)})
}

// compareWatchers wants the same watchers of both stores to be notified.
func (tw *twins) compareWatchers() {
	for _, w := range tw.watched {
		m, s := isNotified(w.model), isNotified(w.tested)
		wantSame(tw, fmt.Sprintf("the watcher of %q is notified", w.id), m, s, nil, nil)
		tw.reached[map[bool]string{true: "notified", false: "not notified"}[m]]++
	}
}

func (tw *twins) take() {
	b := alerts.Batch{At: tw.now, Flood: tw.rand.IntN(2) == 0}
	for range 1 + tw.rand.IntN(4) {
		a := alerts.Arrival{
			Integration: tw.pick("grafana", "zabbix"), Group: tw.pick("g0", "g1", "g2", "g3", "", "g0"), Severity: workflow.Severity(1 + tw.rand.IntN(5)),
			Word: tw.pick("", "", "odd"), Declare: workflow.Declare{Title: "stub"},
			Alert: alerts.Alert{
				Key: tw.pick("a", "b", "c", "d\x00e", ""), Title: "Title", State: alerts.State(tw.pick("firing", "firing", "resolved", "notice")),
				Labels: map[string]string{"k": tw.pick("v", "w")}, Truncated: tw.rand.IntN(10) / 9,
			},
		}
		if tw.chance(60) {
			a.Alert.StartedAt = tw.now.Add(-time.Duration(tw.rand.IntN(60)) * time.Second)
		}
		if a.Alert.State == alerts.Resolved && tw.chance(60) {
			a.Alert.EndedAt = tw.now.Add(-time.Duration(tw.rand.IntN(300)) * time.Second)
		}
		if len(tw.held) > 0 && tw.chance(10) {
			a = tw.held[tw.rand.IntN(len(tw.held))]
		}
		if len(tw.ids) > 0 && tw.chance(10) {
			a.From = tw.id()
		}
		b.Arrivals = append(b.Arrivals, a)
	}
	archived := tw.archivedIDs()
	m, errM := tw.model.Take(tw.Context(), b)
	s, errS := tw.tested.Take(tw.Context(), b)
	tw.logf("take %d: %v", len(b.Arrivals), m)
	wantSame(tw, "take", m, s, errM, errS)
	for n, r := range m {
		tw.reached[string(r.Change)]++
		a := b.Arrivals[n]
		switch {
		case r.Change == alerts.Held:
			tw.held = append(tw.held, alerts.Arrival{Integration: a.Integration, Group: a.Group, Alert: alerts.Alert{Key: a.Alert.Key}, Held: tw.now})
		case r.Change.HasMail() && !a.Held.IsZero():
			tw.reached["judged"]++
		}
		if slices.Contains(archived, r.Incident) && !slices.Contains(tw.archivedIDs(), r.Incident) {
			tw.reached["mail to an archived one"]++
		}
		if r.New {
			tw.reached["new"]++
			tw.known[r.Incident] = &knownIncident{group: b.Arrivals[n].Group, cards: map[string]int{}}
			tw.ids = append(tw.ids, r.Incident)
			tw.watch(r.Incident)
		}
	}
}

func (tw *twins) pick(from ...string) string { return from[tw.rand.IntN(len(from))] }

func (tw *twins) id() string { return tw.pick(tw.ids...) }

func (tw *twins) declare() {
	m, errM := tw.model.Reserve(tw.Context())
	s, errS := tw.tested.Reserve(tw.Context())
	tw.logf("reserve %d", m)
	wantSame(tw, "reserve", m, s, errM, errS)
	id := fmt.Sprint("INC-", m)
	tw.known[id] = &knownIncident{group: tw.pick("g0", "g4"), cards: map[string]int{}}
	tw.ids = append(tw.ids, id)
	tw.watch(id)
}

// commit commits a step of an incident, sometimes with an outdated version.
func (tw *twins) commit() {
	if len(tw.ids) == 0 {
		return
	}
	id := tw.id()
	k := tw.known[id]
	c := bot.Commit{
		At: tw.now, Incident: id, Version: k.version, Open: tw.chance(80), Snapshot: fmt.Appendf(nil, "state %d", k.version+1),
		Events: []bot.StoredEvent{{Seq: k.events + 1, Body: fmt.Appendf(nil, "event %d", k.events+1)}},
	}
	if tw.chance(10) {
		c.Version += tw.rand.IntN(3) - 1
	}
	last := tw.chance(40) // the incident is then ended and owes nothing
	c.Open = c.Open && !last
	c.Listing = tw.randomListing()
	if !last && tw.chance(70) {
		c.WakeAt = tw.randomInstant(30 * time.Second)
	}
	if !last {
		c.Tasks = tw.tasks(id)
	}
	if l, err := tw.model.Load(tw.Context(), id); err == nil && len(l.Mail) > 0 && (last || tw.chance(70)) {
		c.ReadMail = l.Mail[tw.rand.IntN(len(l.Mail))].Seq
		if last {
			c.ReadMail = l.Mail[len(l.Mail)-1].Seq
		}
	}
	if tw.chance(50) {
		c.Group = &bot.GroupHold{Key: k.group, Always: tw.chance(50)}
		if !c.Group.Always && tw.chance(50) {
			c.Group.Until = tw.randomInstant(20 * time.Second)
		}
	}
	if tw.chance(20) {
		c.Operation, c.Reply = fmt.Sprint("op-", tw.rand.IntN(40)), fmt.Append(nil, "reply ", len(tw.log))
	}
	c.Records = tw.records(id)
	if tw.chance(20) {
		c.Messages = tw.messages()
	}
	if tw.chance(20) {
		c.EditedMessages = tw.messages()
	}
	lease := [2]bot.Lease{}
	if n := slices.IndexFunc(tw.leases, func(l [2]bot.Lease) bool { return l[0].Owner == id }); n >= 0 && tw.chance(80) {
		lease = tw.leases[n]
		c.Settle = &lease[0]
	}
	tw.commitBoth(c, lease[1])
}

// commitBoth commits to both stores, and updates what is known of the incident.
func (tw *twins) commitBoth(c bot.Commit, lease bot.Lease) {
	before, archived := tw.messageKeys(c.Incident), slices.Contains(tw.archivedIDs(), c.Incident)
	cards := tw.leasedCards(c)
	m, errM := tw.model.Commit(tw.Context(), c)
	if c.Settle != nil {
		c.Settle = &lease
	}
	s, errS := tw.tested.Commit(tw.Context(), c)
	tw.logf("commit %s at %d: tasks %v, messages %v, edits %v, mail %d, group %+v, settle %v, wake %v: %+v %v", c.Incident, c.Version, c.Tasks, c.Messages, c.EditedMessages, c.ReadMail, c.Group, c.Settle, c.WakeAt, m, errM)
	wantSame(tw, "commit "+c.Incident, m, s, errM, errS)
	switch {
	case errors.Is(errM, bot.ErrConflict):
		tw.reached["conflict"]++
	case errors.Is(errM, bot.ErrTaken):
		tw.reached["taken"]++
	case errors.Is(errM, bot.ErrNotFound):
		tw.reached["not found"]++
	case errors.Is(errM, bot.ErrLeaseLost):
		tw.reached["lost"]++
	case m.Repeated:
		tw.reached["repeat"]++
	default:
		tw.reached["commit"]++
		switch {
		case archived && c.Snapshot != nil:
			tw.reached["step of an archived one"]++
		case archived && len(c.Messages)+len(c.EditedMessages) > 0:
			tw.reached["message to an archived one"]++
		}
		tw.countMessages(c, before)
		tw.learnCards(c, cards)
	}
	if k := tw.known[c.Incident]; errM == nil && !m.Repeated && c.Snapshot != nil {
		k.version, k.events, k.wakeAt = m.Version, k.events+len(c.Events), c.WakeAt
	}
}
