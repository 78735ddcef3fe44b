package bottest

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

// testMailbox: one batch is one piece of mail; a commit removes the mail that it has read
// and no other; a group is not released while mail is unread, and an alert that fires
// after its release opens a linked incident (I6: firing again reopens or links).
func testMailbox(t *testing.T, s bot.Store) {
	ctx := t.Context()
	take(t, s, at(0), fire("a", "g"), fire("b", "g"), resolved(fire("a", "g"), at(1)), fire("x", "other"))
	l := must1(s.Load(ctx, "INC-1"))(t)
	if len(l.Mail) != 1 || l.Mail[0].Started != 2 || l.Mail[0].Ended != 1 || len(l.Mail[0].Samples) != 3 || !l.Mail[0].At.Equal(at(0)) {
		t.Fatalf("mail %+v", l.Mail)
	}
	take(t, s, at(1), fire("c", "g"))
	c := commitOf("INC-1", 0, 1)
	c.At, c.ReadMail, c.Group = at(2), 1, &bot.GroupHold{Key: "g"}
	_, err := s.Commit(ctx, c)
	wantError(t, err, bot.ErrConflict)
	c.Group.Always = true
	must1(s.Commit(ctx, c))(t)
	l = must1(s.Load(ctx, "INC-1"))(t)
	if len(l.Mail) != 1 || l.Mail[0].Seq != 2 || l.Stub != nil {
		t.Fatalf("after reading: %+v", l)
	}
	c = commitOf("INC-1", 1, 2)
	c.At, c.ReadMail, c.Group = at(3), 2, &bot.GroupHold{Key: "g"}
	must1(s.Commit(ctx, c))(t)
	if got := take(t, s, at(4), fire("d", "g"))[0]; !got.New || got.Incident != "INC-3" {
		t.Fatalf("an alert of a released group got %+v, want a new incident", got)
	}
	if l := must1(s.Load(ctx, "INC-3"))(t); l.Previous != "INC-1" {
		t.Errorf("the previous incident is %q", l.Previous)
	}
	// An alert of the old incident still belongs to it.
	if got := take(t, s, at(5), resolved(fire("c", "g"), at(5)))[0]; got.Incident != "INC-1" || got.Change != alerts.Ended {
		t.Errorf("resolve: %+v", got)
	}
}

// testWakeUpOrder: mail of an integration within its share is claimed before that of a
// flood, then the worst first, also when worse mail comes to an incident that has unread
// mail; but none waits for ever (E10c: integrations share fairly).
func testWakeUpOrder(t *testing.T, s bot.Store) {
	ctx := t.Context()
	send := func(second float64, flood bool, key string, severity workflow.Severity) {
		t.Helper()
		a := fire(key, key[:1])
		a.Severity = severity
		must1(s.Take(ctx, alerts.Batch{At: at(second), Arrivals: []alerts.Arrival{a}, Flood: flood}))(t)
	}
	send(1, true, "a", workflow.SEV4)
	send(2, true, "b", workflow.SEV4)
	send(3, true, "c", workflow.SEV1)
	send(4, false, "d", workflow.SEV5)
	send(5, false, "e", workflow.SEV1)
	send(6, true, "b more", workflow.SEV1)
	got := joinNames(claim(t, s, at(7)))
	if want := "INC-5:wake INC-4:wake INC-3:wake INC-2:wake INC-1:wake"; got != want {
		t.Errorf("claimed %s, want %s", got, want)
	}
	send(50, true, "f", workflow.SEV5)
	send(93, false, "g", workflow.SEV1)
	if got := joinNames(claim(t, s, at(94))); !strings.HasSuffix(got, "INC-6:wake INC-7:wake") {
		t.Errorf("claimed %s, want INC-6, which has waited long, before INC-7", got)
	}
}

// testMailRace: mail that arrives while other mail is read is neither lost nor read twice.
func testMailRace(t *testing.T, s bot.Store) {
	ctx := t.Context()
	const senders, each = 4, 25
	var wg sync.WaitGroup
	for n := range senders {
		wg.Go(func() {
			for k := range each {
				if _, err := s.Take(ctx, alerts.Batch{At: Epoch, Arrivals: []alerts.Arrival{fire(fmt.Sprintf("%d-%d", n, k), "g")}}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	read, version := 0, 0
	for finished := false; ; {
		l, err := s.Load(ctx, "INC-1")
		if err == nil && len(l.Mail) > 0 {
			c := commitOf("INC-1", l.Version)
			c.ReadMail = l.Mail[len(l.Mail)-1].Seq
			for _, m := range l.Mail {
				read += m.Started
			}
			r, err := s.Commit(ctx, c)
			if err != nil {
				t.Fatal(err)
			}
			version = r.Version
			continue
		}
		if finished {
			break
		}
		select {
		case <-done:
			finished = true
		default:
		}
	}
	if read != senders*each {
		t.Errorf("read %d alerts of %d, in %d commits", read, senders*each, version)
	}
}
