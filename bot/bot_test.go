package bot_test

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/agenda"
	"tocsin/bot/alerts"
	"tocsin/bot/app"
	"tocsin/bot/bottest"
	"tocsin/bot/dispatch"
	"tocsin/bot/signin"
)

// town is a bot over the memory store, with a pager that remembers.
type town struct {
	*app.App
	t      *testing.T
	now    time.Time
	store  *memory.Store
	runner *agenda.Runner
	paged  []bot.Page
	refuse error                 // what the pager answers
	stale  map[string]bot.Loaded // what a load answers instead, as if it came before a commit
	read   func(kind string)     // called when a record has been read
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

func (s staleStore) Get(ctx context.Context, kind, id string) (bot.Record, error) {
	r, err := s.Store.Get(ctx, kind, id)
	if s.w.read != nil {
		s.w.read(kind)
	}
	return r, err
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
	w.App, err = app.New(app.Config{
		Store: staleStore{w.store, w}, Organization: bottest.Town(), Secret: []byte("0123456789abcdef"), Log: quiet, Now: func() time.Time { return w.now },
		Pagers:  map[string]bot.Pager{"email": w, "sms": w, "webhook": w, "log": w},
		Sources: alerts.Sources{{Type: "alertmanager", Decode: decodeTitle}},
	})
	if err != nil {
		t.Fatal(err)
	}
	w.runner = w.Agenda(0)
	return w
}

// decodeTitle is a decoder whose body is the title of one alert.
func decodeTitle(r alerts.Request) ([]alerts.Alert, error) {
	title := string(r.Body)
	if strings.HasPrefix(title, "{") {
		return nil, errors.New("at line 1, column 1: no title")
	}
	return []alerts.Alert{{Key: title, Title: title, State: alerts.Firing, Severity: "critical"}}, nil
}

func (w *town) say(who, line string) dispatch.Reply {
	w.t.Helper()
	s, ok := access.Person(w.Organization(), who)
	if !ok {
		s = access.Speaker{Name: who}
	}
	reply, err := w.Dispatcher.Run(w.t.Context(), dispatch.Request{Text: line, Speaker: s})
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

func (w *town) expect(reply dispatch.Reply, ok bool, want string) {
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
	org.DefaultAccess, org.Directory.People[2].Access = 0, 0 // dan is a guest
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
	outsider := access.Speaker{Person: "eve", Name: "Eve", Access: 4}
	for _, line := range []string{"show INC-1", "ack INC-1", "timeline INC-1", "who INC-1", "timers INC-1", "note INC-1 hi", "resolve INC-1"} {
		reply, err := w.Dispatcher.Run(t.Context(), dispatch.Request{Text: line, Speaker: outsider})
		if err != nil || reply.OK || reply.Text != "INC-1 does not exist. `list` shows the open incidents." {
			t.Errorf("%s: %+v %v", line, reply, err)
		}
	}
	reply, err := w.Dispatcher.Run(t.Context(), dispatch.Request{Text: "list --all", Speaker: outsider})
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
		if strings.Contains(p.Content.Title+p.Content.Text, "leak") {
			t.Errorf("page says %q %q", p.Content.Title, p.Content.Text)
		}
	}
}

// TestOperations: the repeat of a delivery gets the first reply and changes
// nothing.
func TestOperations(t *testing.T) {
	w := newTown(t)
	ana, _ := access.Person(w.Organization(), "ana")
	run := func(line, op string) dispatch.Reply {
		reply, err := w.Dispatcher.Run(t.Context(), dispatch.Request{Text: line, Speaker: ana, Operation: op})
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
		if _, err := w.PageLinks.Read(bad); !errors.Is(err, signin.ErrBadLink) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	link, err := w.PageLinks.Read(token)
	if err != nil || link.Person != "ben" || link.Incident != "INC-1" {
		t.Fatalf("link %+v %v", link, err)
	}
	i, err := w.Incidents.Get(t.Context(), "INC-1", w.PageLinks.Speaker(link))
	if err != nil {
		t.Fatal(err)
	}
	reply, err := w.Dispatcher.Acknowledge(t.Context(), link.Incident, w.PageLinks.Speaker(link), i.Seq)
	if err != nil || !reply.OK {
		t.Fatalf("%+v %v", reply, err)
	}
	w.now = w.now.Add(25 * time.Hour)
	if _, err := w.PageLinks.Read(token); !errors.Is(err, signin.ErrOldLink) {
		t.Errorf("after a day: %v", err)
	}
}
