package agenda_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/bottest"
	"tocsin/workflow"
)

// chat is a chat platform whose answer to each call is set by the test.
type chat struct {
	mu    sync.Mutex
	how   func(ctx context.Context, what string) error
	rooms int
	posts []string // key: text
}

func (c *chat) answers(how func(ctx context.Context, what string) error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.how = how
}

func (c *chat) ask(ctx context.Context, what string) error {
	c.mu.Lock()
	how := c.how
	c.mu.Unlock()
	if how == nil {
		return nil
	}
	return how(ctx, what)
}

func (c *chat) OpenRoom(ctx context.Context, r bot.RoomRequest) (workflow.Room, error) {
	if err := c.ask(ctx, "open"); err != nil {
		return workflow.Room{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.rooms++
	return workflow.Room{Platform: "slack", ID: r.Incident, Name: r.Name}, nil
}

func (c *chat) Post(ctx context.Context, p bot.RoomPost) error {
	if err := c.ask(ctx, "post"); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.posts = append(c.posts, p.Key+": "+p.Content.Text)
	return nil
}

// received returns the rooms and posts that the platform was given.
func (c *chat) received() (rooms int, posts []string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.rooms, slices.Clone(c.posts)
}

// machines returns an organization in which machines are paged one after the other,
// since pages to machines are not bundled.
func machines() bot.Organization {
	org := bottest.SampleOrganization()
	org.Directory.Webhooks = []string{"noc", "second"}
	org.Policies = []workflow.Policy{{ID: "one", Steps: []workflow.PolicyStep{
		{Notify: []workflow.Target{"webhook:noc"}, Wait: time.Minute},
		{Notify: []workflow.Target{"webhook:second"}, Wait: time.Minute},
	}}}
	org.Policy, org.Services = "one", []bot.Service{{ID: "checkout"}}
	return org
}

// hangs and fails are ways in which a chat platform does not answer.
func hangs(ctx context.Context, _ string) error {
	<-ctx.Done()
	return ctx.Err()
}

func fails(context.Context, string) error { return errors.New("503 Service Unavailable") }

// TestX5ChatDelaysNoPage: a chat platform that hangs, ignores its context, fails or
// panics delays neither a page nor a deadline, with more incidents than the pool has
// workers (E10: lanes by priority; X5: go on without a chat platform).
func TestX5ChatDelaysNoPage(t *testing.T) {
	const incidents = 100 // of 64 hands
	for name, how := range map[string]func(released <-chan struct{}) func(context.Context, string) error{
		"hangs": func(<-chan struct{}) func(context.Context, string) error { return hangs },
		"deaf": func(released <-chan struct{}) func(context.Context, string) error {
			return func(context.Context, string) error { <-released; return nil }
		},
		"fails": func(<-chan struct{}) func(context.Context, string) error { return fails },
		"panics": func(<-chan struct{}) func(context.Context, string) error {
			return func(context.Context, string) error { panic("a bug in a chat") }
		},
		"opens and hangs": func(<-chan struct{}) func(context.Context, string) error {
			return func(ctx context.Context, what string) error {
				if what == "open" {
					return nil
				}
				return hangs(ctx, what)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			c := &chat{}
			inBubbleWith(t, machines(), map[string]bot.Chat{"slack": c}, func(h *harness) {
				released := make(chan struct{})
				c.answers(how(released))
				for range incidents {
					h.say("declare Checkout is down --sev 1 --service checkout")
				}
				synctest.Wait()
				h.wantPages(incidents, "1.0.0.0/webhook:noc/webhook", 0, 10*time.Millisecond)
				pass(time.Minute + 10*time.Millisecond)
				h.wantPages(incidents, "1.0.0.1/webhook:second/webhook", time.Minute, time.Minute+10*time.Millisecond)
				h.say("declare Search is down --sev 1")
				synctest.Wait()
				if at := h.pager.sent()["INC-101/1.0.0.0/webhook:noc/webhook"]; at == 0 || at > time.Minute+20*time.Millisecond {
					t.Errorf("a new incident pages after %s", at)
				}
				// Also alerts find their incident at once: that is a deadline.
				h.alert("disk")
				pass(5 * time.Millisecond)
				if at := h.pager.sent()["INC-102/1.0.0.0/webhook:noc/webhook"]; at == 0 {
					t.Error("an alert pages no one")
				}
				close(released)
			})
		})
	}
}

// TestX5ChatDelaysNoForwardedAlert: alerts that a merged incident forwards to another
// one page without delay while a chat platform hangs.
func TestX5ChatDelaysNoForwardedAlert(t *testing.T) {
	c := &chat{}
	inBubbleWith(t, machines(), map[string]bot.Chat{"slack": c}, func(h *harness) {
		h.alert("disk 1")
		synctest.Wait()
		h.say("declare The storage is broken --sev 1")
		h.say("ack INC-2")
		h.say("merge INC-1 INC-2")
		pass(3 * time.Minute) // ana is notified at most every two minutes
		c.answers(hangs)
		for range 100 {
			h.say("note INC-2 hello")
			h.say("declare Checkout is down --sev 1 --service checkout")
		}
		synctest.Wait()
		began := time.Since(h.pager.start)
		h.alert("disk 2")
		pass(time.Minute)
		delay := time.Hour
		for key, at := range h.pager.sent() {
			if strings.HasPrefix(key, "INC-2/") && strings.Contains(key, "/ana/") && at >= began {
				delay = at - began
			}
		}
		if delay > 500*time.Millisecond {
			t.Errorf("the acknowledger of the other incident is notified after %s", delay)
		}
	})
}

// alert sends one alert. Alerts whose keys begin with the same word are one group.
func (h *harness) alert(key string) {
	h.t.Helper()
	name, _, _ := strings.Cut(key, " ")
	a := alerts.Alert{Key: key, Title: "Disk full", State: "firing", Severity: "critical", Labels: map[string]string{"alertname": name}}
	if _, err := h.bot.Intake.Receive(h.t.Context(), "prometheus", []alerts.Alert{a}); err != nil {
		h.t.Fatal(err)
	}
}

// wantPages checks that a page of each of the first incidents was sent between two
// times.
func (h *harness) wantPages(incidents int, page string, from, to time.Duration) {
	h.t.Helper()
	sent, missing := h.pager.sent(), 0
	for n := range incidents {
		at, ok := sent[fmt.Sprintf("INC-%d/%s", n+1, page)]
		if !ok || at < from || at > to {
			missing++
		}
	}
	if missing > 0 {
		h.t.Errorf("%d of %d pages %s did not come in time", missing, incidents, page)
	}
}

// TestChatComesBack: posts that were due while a platform did not answer are posted
// when it answers again, in order and once in each room (X5: go on without a chat
// platform).
func TestChatComesBack(t *testing.T) {
	for name, how := range map[string]func(context.Context, string) error{"hangs": hangs, "fails": fails} {
		t.Run(name, func(t *testing.T) {
			c := &chat{how: how}
			inBubbleWith(t, machines(), map[string]bot.Chat{"slack": c}, func(h *harness) {
				h.say("declare Checkout is down --sev 1 --service checkout")
				h.say("ack INC-1")
				for n := range 5 {
					h.say(fmt.Sprintf("note INC-1 step %d.", n))
				}
				pass(10 * time.Minute)
				if rooms, posts := c.received(); rooms != 0 || len(posts) != 0 {
					t.Fatalf("%d rooms, posts %q", rooms, posts)
				}
				if health := h.run.Health(); len(health.Stuck) > 0 {
					t.Errorf("health %+v", health)
				}
				c.answers(nil)
				pass(6 * time.Minute) // it is asked again every five minutes at least
				rooms, posts := c.received()
				all := strings.Join(posts, "\n")
				last := -1
				for n := range 5 {
					at := strings.Index(all, fmt.Sprintf("step %d.", n))
					if at <= last || strings.Count(all, fmt.Sprintf("step %d.", n)) != 1 {
						t.Errorf("posted:\n%s", all)
					}
					last = at
				}
				if rooms != 1 {
					t.Errorf("%d rooms", rooms)
				}
			})
		})
	}
}

// TestChatRefusesRoom: a room that cannot be opened is not requested again, nothing is
// posted there, and the incident says so.
func TestChatRefusesRoom(t *testing.T) {
	asked := 0
	c := &chat{how: func(context.Context, string) error { // one lane: calls come one by one
		asked++
		return bot.Permanent(errors.New("missing_scope"))
	}}
	inBubbleWith(t, machines(), map[string]bot.Chat{"slack": c}, func(h *harness) {
		h.say("declare Checkout is down --sev 1 --service checkout")
		h.say("ack INC-1")
		h.say("note INC-1 hello")
		pass(time.Hour)
		i, err := h.bot.LoadUnchecked(t.Context(), "INC-1")
		if err != nil || asked != 1 || len(i.Rooms) != 1 || i.Rooms[0].State != workflow.RoomFailed || i.Rooms[0].Why != "missing_scope" {
			t.Errorf("asked %d times, rooms %+v, %v", asked, i.Rooms, err)
		}
		if _, posts := c.received(); len(posts) != 0 {
			t.Errorf("posts %q", posts)
		}
		if health := h.run.Health(); health.Overdue > 0 {
			t.Errorf("health %+v", health)
		}
	})
}

// TestChatRefusesPosts: a room that refuses posts for good (archived, or Tocsin was
// removed) is reported once, and not in that room again and again.
func TestChatRefusesPosts(t *testing.T) {
	refused := 0
	c := &chat{}
	c.how = func(_ context.Context, what string) error {
		if what == "open" || refused >= 100 { // else this could go on for ever
			return nil
		}
		refused++
		return bot.Permanent(errors.New("is_archived"))
	}
	inBubbleWith(t, machines(), map[string]bot.Chat{"slack": c}, func(h *harness) {
		h.say("declare Checkout is down --sev 1 --service checkout")
		h.say("ack INC-1")
		h.say("note INC-1 hello")
		pass(time.Second)
		i, err := h.bot.LoadUnchecked(t.Context(), "INC-1")
		if err != nil || refused > 10 {
			t.Errorf("the room was posted to %d times, and the incident has %d events, %v", refused, i.Seq, err)
		}
	})
}

// TestPacedIsNoAnswer: a call that an adapter delays to stay within the rate limit does
// not show that its platform answers.
func TestPacedIsNoAnswer(t *testing.T) {
	c := &chat{how: hangs}
	inBubbleWith(t, machines(), map[string]bot.Chat{"slack": c}, func(h *harness) {
		h.say("declare Checkout is down --sev 1 --service checkout")
		pass(6 * time.Second)
		c.answers(func(context.Context, string) error { return bot.RetryAfter(time.Second, bot.ErrPaced) })
		pass(time.Minute)
		if _, silent := h.bot.Health.Outage("slack"); !silent {
			t.Error("a platform that was not called is reported to answer")
		}
		c.answers(func(context.Context, string) error { return bot.RetryAfter(time.Second, errors.New("too many calls")) })
		pass(time.Minute)
		if _, silent := h.bot.Health.Outage("slack"); silent {
			t.Error("a platform that asks to retry later is reported not to answer")
		}
	})
}

// TestSlowChat: a platform that needs twelve seconds for each call gets each room and post
// once (E4c: slow is not failed).
func TestSlowChat(t *testing.T) {
	c := &chat{}
	c.answers(func(ctx context.Context, _ string) error {
		timer := time.NewTimer(12 * time.Second)
		defer timer.Stop()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-timer.C:
			return nil
		}
	})
	inBubbleWith(t, machines(), map[string]bot.Chat{"slack": c}, func(h *harness) {
		h.say("declare Checkout is down --sev 1 --service checkout")
		h.say("ack INC-1")
		h.say("note INC-1 anyone?")
		pass(3 * time.Minute)
		rooms, posts := c.received()
		seen := map[string]int{}
		for _, p := range posts {
			seen[p]++
		}
		if rooms != 1 || len(posts) == 0 || len(seen) != len(posts) {
			t.Errorf("%d rooms, posts %q", rooms, posts)
		}
	})
}
