package bot_test

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/agenda"
	"tocsin/bot/bottest"
	"tocsin/bot/intake"
	"tocsin/bot/roster"
	"tocsin/workflow"
)

// town is a bot over the memory store, with a pager that remembers.
type town struct {
	*bot.Bot
	t      *testing.T
	now    time.Time
	store  *memory.Store
	runner *agenda.Runner
	paged  []bot.Page
	refuse error                 // what the pager answers
	stale  map[string]bot.Loaded // what a load answers instead, as if it came before a commit
}

// staleStore answers some loads with what was true before.
type staleStore struct {
	*memory.Store
	w *town
}

func (s staleStore) Load(ctx context.Context, id string) (bot.Loaded, error) {
	if l, is := s.w.stale[id]; is {
		return l, nil
	}
	return s.Store.Load(ctx, id)
}

// Page implements [bot.Pager].
func (w *town) Page(_ context.Context, p bot.Page) error {
	if w.refuse != nil {
		return w.refuse
	}
	w.paged = append(w.paged, p)
	return nil
}

func newTown(t *testing.T) *town {
	w := &town{t: t, now: bottest.Epoch, store: memory.New()}
	quiet := slog.New(slog.DiscardHandler)
	var err error
	w.Bot, err = bot.New(bot.Config{
		Store: staleStore{w.store, w}, Organization: bottest.Town(), Secret: []byte("0123456789abcdef"), Log: quiet, Now: func() time.Time { return w.now },
		Pagers:   map[string]bot.Pager{"email": w, "sms": w, "webhook": w, "log": w},
		Decoders: map[string]bot.Decoder{"alertmanager": decodeTitle},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.runner = agenda.New(agenda.Config{Bot: w.Bot, Log: quiet})
	return w
}

// decodeTitle is a decoder whose body is the title of one alert.
func decodeTitle(body []byte) ([]bot.Alert, error) {
	if strings.HasPrefix(string(body), "{") {
		return nil, errors.New("at line 1, column 1: no title")
	}
	return []bot.Alert{{Key: string(body), Title: string(body), State: intake.Firing, Severity: "critical"}}, nil
}

func (w *town) say(who, line string) bot.Reply {
	w.t.Helper()
	s, ok := w.Speaker(who)
	if !ok {
		s = bot.Speaker{Name: who}
	}
	reply, err := w.Run(w.t.Context(), bot.Request{Text: line, Speaker: s})
	if err != nil {
		w.t.Fatal(err)
	}
	return reply
}

// tick lets time pass and carries out what is due.
func (w *town) tick(d time.Duration) {
	w.t.Helper()
	w.now = w.now.Add(d)
	for range 5 {
		if _, err := w.runner.Tick(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

func (w *town) expect(reply bot.Reply, ok bool, want string) {
	w.t.Helper()
	if reply.OK != ok || !strings.Contains(reply.Text, want) {
		w.t.Errorf("got %v %q, want %v %q", reply.OK, reply.Text, ok, want)
	}
}

// TestP1Access: access is checked before a command becomes an effect, and
// whoever is paged may acknowledge.
func TestP1Access(t *testing.T) {
	w := newTown(t)
	org := bottest.Town()
	org.DefaultAccess, org.Roster.People[2].Access = 0, 0 // dan is a guest
	if err := w.Configure(org, map[string]bot.Pager{"sms": w, "email": w, "webhook": w}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.say("zoe", "declare Checkout is down --sev 1 --service checkout"), true, "INC-1: Declared SEV1")
	w.expect(w.say("zoe", "ack INC-1"), false, "`ack` needs the access \"responder\"; yours is \"guest\"")
	w.expect(w.say("ben", "close INC-1 --force --reason x"), false, "not resolved")
	w.expect(w.say("dan", "note INC-1 x"), false, "needs the access")
	w.expect(w.say("dan", "ack INC-1"), true, "Acknowledged by Dan") // the first step pages dan
}

// TestP2Private: a private incident does not exist for anybody but its
// members, and pages say only that it is there.
func TestP2Private(t *testing.T) {
	w := newTown(t)
	w.expect(w.say("ben", "declare Data leak --sev 1 --service checkout --private"), true, "INC-1")
	outsider := bot.Speaker{Person: "eve", Name: "Eve", Access: 4}
	for _, line := range []string{"show INC-1", "ack INC-1", "timeline INC-1", "who INC-1", "timers INC-1", "note INC-1 hi", "resolve INC-1"} {
		reply, err := w.Run(t.Context(), bot.Request{Text: line, Speaker: outsider})
		if err != nil || reply.OK || reply.Text != "INC-1 does not exist. `list` shows the open incidents." {
			t.Errorf("%s: %+v %v", line, reply, err)
		}
	}
	reply, err := w.Run(t.Context(), bot.Request{Text: "list --all", Speaker: outsider})
	if err != nil || strings.Contains(reply.Text, "INC-1") {
		t.Errorf("list: %q", reply.Text)
	}
	if reply := w.say("eve", "declare Other --service checkout"); strings.Contains(reply.Text, "INC-1") {
		t.Errorf("the twin of a declaration: %q", reply.Text)
	}
	w.expect(w.say("ben", "show INC-1"), true, "Data leak")
	w.tick(0)
	w.tick(3 * time.Minute)
	if len(w.paged) == 0 {
		t.Fatal("nobody is paged")
	}
	for _, p := range w.paged {
		for n, i := range p.Incidents {
			if i.ID == "INC-1" && (i.Title != "" || i.Severity != "" || !i.Private) {
				t.Errorf("page %s shows %+v", p.Keys[n], i)
			}
		}
		if strings.Contains(p.Message.Title+p.Message.Text, "leak") {
			t.Errorf("page says %q %q", p.Message.Title, p.Message.Text)
		}
	}
}

// TestOperations: the repeat of a delivery gets the first reply and changes
// nothing.
func TestOperations(t *testing.T) {
	w := newTown(t)
	ana, _ := w.Speaker("ana")
	run := func(line, op string) bot.Reply {
		reply, err := w.Run(t.Context(), bot.Request{Text: line, Speaker: ana, Operation: op})
		if err != nil {
			t.Fatal(err)
		}
		return reply
	}
	first := run("declare Checkout is down --sev 2", "d1")
	if again := run("declare Checkout is down --sev 2", "d1"); again != first {
		t.Errorf("declared again: %+v", again)
	}
	acked := run("ack INC-1", "a1")
	if again := run("ack INC-1", "a1"); again != acked || !again.OK {
		t.Errorf("acknowledged again: %+v", again)
	}
	w.expect(w.say("ana", "list"), true, "INC-1")
	if strings.Contains(w.say("ana", "list").Text, "INC-2") {
		t.Error("a repeat opened a second incident")
	}
}

// TestP5AckLink: a link is bound to a page and a person, lives 24 hours, and
// carries what the person saw.
func TestP5AckLink(t *testing.T) {
	w := newTown(t)
	w.say("ben", "declare Checkout is down --sev 1 --service search")
	w.tick(0)
	var url string
	for _, p := range w.paged {
		if p.Person == "ben" {
			url = p.Incidents[0].AcknowledgeURL
		}
	}
	token, found := strings.CutPrefix(url, "https://tocsin.example.com/ack/")
	if !found {
		t.Fatalf("no link in the page: %q of %d pages", url, len(w.paged))
	}
	for _, bad := range []string{"", "x", token[:len(token)-2], "A" + token, token + "A", strings.Replace(token, ".", "", 1)} {
		if _, err := w.ReadAckLink(bad); !errors.Is(err, bot.ErrBadLink) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	link, err := w.ReadAckLink(token)
	if err != nil || link.Person != "ben" || link.Incident != "INC-1" {
		t.Fatalf("link %+v %v", link, err)
	}
	i, err := w.Incident(t.Context(), "INC-1", w.LinkSpeaker(link))
	if err != nil {
		t.Fatal(err)
	}
	reply, err := w.AckByLink(t.Context(), link, i.Seq)
	if err != nil || !reply.OK {
		t.Fatalf("%+v %v", reply, err)
	}
	w.now = w.now.Add(25 * time.Hour)
	if _, err := w.ReadAckLink(token); !errors.Is(err, bot.ErrOldLink) {
		t.Errorf("after a day: %v", err)
	}
}

// TestI1DeadLetters: what cannot be read is kept, opens or joins one incident,
// and is replayed.
func TestI1DeadLetters(t *testing.T) {
	w := newTown(t)
	ctx := t.Context()
	for range 2 {
		w.now = w.now.Add(time.Second)
		if err := w.Unreadable(ctx, "prometheus", []byte("{broken"), "at line 1, column 2: unexpected end"); err != nil {
			t.Fatal(err)
		}
	}
	w.tick(time.Second)
	reply := w.say("ana", "list")
	if strings.Count(reply.Text, "Alerts from prometheus cannot be read") != 1 {
		t.Fatalf("list: %q", reply.Text)
	}
	letters, err := w.DeadLetters(ctx)
	if err != nil || len(letters) != 2 {
		t.Fatalf("%+v %v", letters, err)
	}
	_, err = w.Replay(ctx, letters[0].ID)
	if no, is := errors.AsType[*workflow.Refusal](err); !is || !strings.Contains(no.Error(), "still cannot be read") {
		t.Errorf("replay: %v", err)
	}
	if err = errors.Join(w.Discard(ctx, letters[0].ID), w.Discard(ctx, letters[1].ID)); err != nil {
		t.Fatal(err)
	}
	w.tick(time.Second)
	w.expect(w.say("ana", "show INC-1"), true, "monitoring")
	if err = w.Unreadable(ctx, "prometheus", []byte("Disk full"), "a decoder that was broken then"); err != nil {
		t.Fatal(err)
	}
	letters, _ = w.DeadLetters(ctx)
	receipts, err := w.Replay(ctx, letters[0].ID)
	if err != nil || len(receipts) != 1 || receipts[0].Change != intake.Started {
		t.Errorf("replay: %+v %v", receipts, err)
	}
}

// TestE4Retry: a page that fails for now is tried again beside the advance.
func TestE4Retry(t *testing.T) {
	w := newTown(t)
	w.refuse = errors.New("connection refused")
	w.say("ben", "declare Checkout is down --sev 1 --service search")
	w.tick(0)
	w.expect(w.say("ana", "who INC-1"), true, "failed, trying again: connection refused")
	w.expect(w.say("ana", "list"), true, "UNATTENDED")
	w.refuse = nil
	w.tick(6 * time.Second)
	w.expect(w.say("ana", "who INC-1"), true, "arrived at")
}

// TestE10Bundle: a person paged three times in two minutes gets the rest as
// one message with a count.
func TestE10Bundle(t *testing.T) {
	w := newTown(t)
	for range 7 {
		w.say("dan", "declare Something --sev 1 --service search")
	}
	w.tick(0)
	sizes := func() (all []int) {
		for _, p := range w.paged {
			if p.Person == "ben" {
				all = append(all, len(p.Incidents))
			}
		}
		return all
	}
	if got := sizes(); !slices.Equal(got, []int{1, 1, 1, 4}) {
		t.Fatalf("pages: %v", got)
	}
	title := w.paged[len(w.paged)-1].Message.Title
	if title != "4 incidents need you" {
		t.Errorf("the bundle says %q", title)
	}
	// Two more, one after the other: they wait for each other.
	for range 2 {
		w.say("dan", "declare Something --sev 1 --service search")
		w.tick(time.Second)
	}
	if got := sizes(); len(got) != 4 {
		t.Fatalf("pages at once: %v", got)
	}
	w.tick(31 * time.Second)
	if got := sizes(); len(got) != 5 || got[4] != 2 {
		t.Fatalf("pages after half a minute: %v", got)
	}
	w.expect(w.say("ana", "who INC-7"), true, "arrived")
}

// TestI6Reroute: alerts left firing for an hour after a person resolved open a
// new, linked incident.
func TestI6Reroute(t *testing.T) {
	w := newTown(t)
	alert := bot.Alert{Key: "k", Title: "Disk full", State: intake.Firing, Severity: "critical", StartedAt: w.now, Labels: map[string]string{"alertname": "Disk"}}
	receive := func(a bot.Alert) intake.Receipt {
		t.Helper()
		r, err := w.Receive(t.Context(), "prometheus", []bot.Alert{a})
		if err != nil {
			t.Fatal(err)
		}
		return r[0]
	}
	receive(alert)
	w.tick(0)
	w.expect(w.say("ana", "resolve INC-1 Cleaned up"), true, "1 alert is still firing (Disk full), quiet until")
	w.tick(time.Minute)
	if r := receive(alert); r.Change != intake.Repeated {
		t.Errorf("while it is quiet: %+v", r)
	}
	w.tick(time.Hour)
	w.tick(time.Second)
	w.expect(w.say("ana", "show INC-2"), true, "Earlier INC-1")
	if r := receive(alert); r.Change != intake.Repeated || r.Incident != "INC-2" {
		t.Errorf("afterwards: %+v", r)
	}
}

// TestI6RerouteIgnored: an alert that routes ignore by now, or of which only a
// notice came since, still opens an incident that can be declared and pages.
func TestI6RerouteIgnored(t *testing.T) {
	w := newTown(t)
	alert := bot.Alert{Key: "k", Title: "Disk full", State: intake.Firing, Severity: "critical", StartedAt: w.now, Labels: map[string]string{"alertname": "Disk"}}
	notice := alert
	notice.State, notice.Title = intake.Notice, "flapping"
	for _, a := range []bot.Alert{alert, notice} {
		if _, err := w.Receive(t.Context(), "prometheus", []bot.Alert{a}); err != nil {
			t.Fatal(err)
		}
	}
	w.tick(0)
	w.say("ana", "resolve INC-1")
	org := bottest.Town()
	org.Routes = []intake.Route{{Match: "true", Ignore: true}}
	if err := w.Configure(org, map[string]bot.Pager{"email": w, "sms": w, "webhook": w, "log": w}); err != nil {
		t.Fatal(err)
	}
	w.tick(61 * time.Minute)
	w.tick(time.Second)
	w.expect(w.say("ana", "show INC-2"), true, "INC-2 · Disk full")
	w.expect(w.say("ana", "ack INC-2"), true, "Acknowledged")
	// Its resolve still counts, whatever routes say (I3).
	alert.State, alert.EndedAt = intake.Resolved, w.now
	if _, err := w.Receive(t.Context(), "prometheus", []bot.Alert{alert}); err != nil {
		t.Fatal(err)
	}
	w.tick(time.Second)
	w.expect(w.say("ana", "show INC-2"), true, "monitoring")
}

// TestMergedAlerts: alerts of a merged incident are not forgotten when the
// other ends, and a live page is not canceled for them.
func TestMergedAlerts(t *testing.T) {
	w := newTown(t)
	fire := func(key string) {
		t.Helper()
		a := bot.Alert{Key: key, Title: "Alert " + key, State: intake.Firing, Severity: "critical", StartedAt: w.now, Labels: map[string]string{"alertname": key}}
		if _, err := w.Receive(t.Context(), "prometheus", []bot.Alert{a}); err != nil {
			t.Fatal(err)
		}
		w.tick(time.Second)
	}
	fire("a")
	fire("b")
	w.expect(w.say("ana", "merge INC-1 INC-2"), true, "Merged into INC-2")
	w.tick(time.Second)
	w.say("ana", "ack INC-2")
	w.expect(w.say("ana", "resolve INC-2"), true, "2 alerts are still firing")
	w.tick(time.Second)
	fire("c")
	w.tick(time.Hour)
	w.tick(time.Second)
	list := w.say("ana", "list").Text
	for _, title := range []string{"Alert a", "Alert b", "Alert c"} {
		if !strings.Contains(list, title) {
			t.Errorf("%s still fires, and no open incident is about it:\n%s", title, list)
		}
	}
}

// TestMergeCircle: two incidents merged into each other at the same instant
// both go on.
func TestMergeCircle(t *testing.T) {
	w := newTown(t)
	w.say("ana", "declare One --sev 1")
	w.say("ana", "declare Two --sev 1")
	// What ana sees of the other is from before: the store answers as it was.
	one, err := w.store.Load(t.Context(), "INC-1")
	if err != nil {
		t.Fatal(err)
	}
	w.expect(w.say("ana", "merge INC-1 INC-2"), true, "Merged")
	w.stale = map[string]bot.Loaded{"INC-1": one}
	w.expect(w.say("ana", "merge INC-2 INC-1"), true, "Merged")
	w.stale = nil
	w.tick(time.Second)
	w.tick(time.Second)
	if list := w.say("ana", "list").Text; !strings.Contains(list, "One") && !strings.Contains(list, "Two") {
		t.Errorf("both are gone:\n%s", list)
	}
}

// TestP2Merge: a private incident is not merged where everybody reads of it.
func TestP2Merge(t *testing.T) {
	w := newTown(t)
	w.say("ana", "declare Data leak --sev 1 --private")
	w.say("ana", "declare Something --sev 1")
	w.expect(w.say("ana", "merge INC-1 INC-2"), false, "INC-1 is private and INC-2 is not")
	w.expect(w.say("ana", "link INC-2 INC-1"), true, "")
	if text := w.say("ben", "show INC-2").Text; strings.Contains(text, "leak") {
		t.Errorf("a link tells what a private incident is about:\n%s", text)
	}
}

// TestPagePolicy: a policy can be paged by hand.
func TestPagePolicy(t *testing.T) {
	w := newTown(t)
	w.say("ana", "declare Something --sev 1")
	w.expect(w.say("ana", "page INC-1 policy:two please"), true, "Paged Ben")
}

// TestE8Live: who answers for a target is read when the step fires, while the
// policy is the one that was copied in at the start.
func TestE8Live(t *testing.T) {
	w := newTown(t)
	w.say("ana", "declare Search is down --sev 1 --service search") // pages ben, then nobody for ten minutes
	w.tick(0)
	org := bottest.Town()
	org.Roster.People = append(org.Roster.People, roster.Person{ID: "eve", Name: "Eve", Email: "eve@example.com"})
	org.Roster.Teams[0].Members = []string{"eve"}
	org.Policies[1].Steps[0].Notify = []workflow.Target{"person:ana"} // no running incident learns of this
	org.Policies[0].Steps[2].RoundRobin = false
	if err := w.Configure(org, map[string]bot.Pager{"email": w, "sms": w, "webhook": w, "log": w}); err != nil {
		t.Fatal(err)
	}
	w.expect(w.say("ana", "page INC-1 @all"), true, "Paged Eve (email)")
	w.expect(w.say("ana", "unack INC-1"), false, "not acknowledged")
	w.say("ana", "ack INC-1")
	w.expect(w.say("ana", "unack INC-1"), true, "Step 1 of two pages Ben (email), noc (webhook)")
}

// TestI2Overload: too old unread mail refuses more, and says so.
func TestI2Overload(t *testing.T) {
	w := newTown(t)
	w.Lagged(6 * time.Second)
	if _, err := w.Receive(t.Context(), "prometheus", []bot.Alert{{Key: "k", State: intake.Firing}}); !errors.Is(err, bot.ErrOverload) {
		t.Errorf("got %v", err)
	}
	w.tick(0)
	if _, err := w.Receive(t.Context(), "prometheus", []bot.Alert{{Key: "k", State: intake.Firing}}); err != nil {
		t.Error(err)
	}
}

func TestSimulate(t *testing.T) {
	org := bottest.Town()
	sim, err := org.Simulate("prometheus", []bot.Alert{
		{Key: "a", Title: "Errors", State: intake.Firing, Severity: "critical", Labels: map[string]string{"alertname": "Errors", "service": "search"}},
		{Key: "b", Title: "Gone", State: intake.Resolved, Labels: map[string]string{"alertname": "Errors", "service": "search"}},
	}, bottest.Epoch)
	if err != nil {
		t.Fatal(err)
	}
	if len(sim.Incidents) != 1 || sim.Incidents[0].Policy != "two" || sim.Alerts[1].Change != intake.Ignored {
		t.Fatalf("%+v", sim)
	}
	var steps []string
	for _, s := range sim.Incidents[0].Steps {
		steps = append(steps, s.At.Format("15:04:05 ")+s.Text)
	}
	all := strings.Join(steps, "\n")
	for _, want := range []string{"03:00:00 Declared SEV1: Errors (search)", "03:00:00 Step 1 of two pages Ben (email), noc (webhook)", "03:10:00 NOBODY HAS ANSWERED"} {
		if !strings.Contains(all, want) {
			t.Errorf("no %q in\n%s", want, all)
		}
	}
}
