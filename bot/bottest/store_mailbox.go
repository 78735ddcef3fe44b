package bottest

import (
	"fmt"
	"sync"
	"testing"

	"tocsin/bot"
	"tocsin/bot/alerts"
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
