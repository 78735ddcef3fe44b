package email

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/adapters/email/smtptest"
	"tocsin/bot"
)

// Without configuration the limits are those of RFC 5321 section 4.5.3.2 (E4c:
// slow is not failed).
func TestE4cDefaultTimeouts(t *testing.T) {
	want := Timeouts{30 * time.Second, 5 * time.Minute, 5 * time.Minute, 2 * time.Minute, 3 * time.Minute, 10 * time.Minute}
	if got := newPager(t, testConfig()).cfg.Timeouts; got != want {
		t.Errorf("the limits are %+v", got)
	}
	cfg := testConfig()
	cfg.Timeouts.Greeting = time.Minute
	want.Greeting = time.Minute
	if got := newPager(t, cfg).cfg.Timeouts; got != want {
		t.Errorf("with one of its own they are %+v", got)
	}
}

// slowStep is a step at which a server is slow.
type slowStep struct {
	step  smtptest.Step
	limit time.Duration // the default
	says  string        // when the limit is exceeded
}

// slowSteps returns the steps of a session with STARTTLS and a login.
func slowSteps() []slowStep {
	return []slowStep{
		{smtptest.StepGreeting, 5 * time.Minute, "greet mail server 127.0.0.1: it did not greet within 5 min"},
		{smtptest.StepEHLO, 5 * time.Minute, "it did not answer EHLO within 5 min"},
		{smtptest.StepStartTLS, 5 * time.Minute, "it did not answer STARTTLS within 5 min"},
		{smtptest.StepHandshake, 5 * time.Minute, "the TLS handshake did not end within 5 min"},
		{smtptest.StepAuth, 5 * time.Minute, "log in to mail server 127.0.0.1 as tocsin: it did not answer AUTH within 5 min"},
		{smtptest.StepMailFrom, 5 * time.Minute, "send through mail server 127.0.0.1: it did not answer MAIL within 5 min"},
		{smtptest.StepRcptTo, 5 * time.Minute, "it did not answer RCPT within 5 min"},
		{smtptest.StepData, 2 * time.Minute, "it did not answer DATA within 2 min"},
		{smtptest.StepText, 3 * time.Minute, "it did not take the text of the mail within 3 min"},
		{smtptest.StepDot, 10 * time.Minute, "it did not answer the mail within 10 min: the provider may have accepted it; no answer came"},
	}
}

// newSlow returns a pager for a server with STARTTLS and a login that does
// something at some steps. They have no sockets, so that time in a bubble passes
// at once.
func newSlow(t *testing.T, all replies) (*Pager, *smtptest.Scripted) {
	t.Helper()
	pair, pool := newPair(t)
	server := smtptest.NewScripted(t, smtptest.Script{Replies: all, Extensions: []string{"AUTH PLAIN"}, Certificate: pair})
	cfg := testConfig()
	cfg.TLS, cfg.Username, cfg.PasswordEnv, cfg.Password = STARTTLS, "tocsin", "SMTP_PASSWORD", "opensesame"
	p := newPager(t, cfg)
	p.roots, p.dialer.dial = pool, server.Dial
	return p, server
}

// wantOutcome checks that only the end of the mail has an unknown outcome.
func wantOutcome(t *testing.T, step smtptest.Step, err error) {
	t.Helper()
	want := temporary
	if step == smtptest.StepDot {
		want = unknown
	}
	if got := outcomeOf(err); got != want {
		t.Errorf("%s: %v; want %s", got, err, want)
	}
}

// A server that hangs or trickles at a step is waited for as long as the limit of
// that step allows, and no longer (E4c: slow is not failed).
func TestE4cEachStepHasItsLimit(t *testing.T) {
	for name, how := range map[string]smtptest.Reply{"hangs": {Hang: true}, "trickles": {Trickle: true}} {
		for _, c := range slowSteps() {
			if how.Trickle && (c.step == smtptest.StepHandshake || c.step == smtptest.StepText) {
				continue // what it sends is not TLS, and fails at once; or there is nothing to send
			}
			t.Run(string(c.step)+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					p, _ := newSlow(t, replies{c.step: how})
					began := time.Now()
					err := p.Page(t.Context(), escalationPage())
					if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(fmt.Sprint(err), c.says) {
						t.Errorf("got %v; want %q", err, c.says)
					}
					if took := time.Since(began); took != c.limit {
						t.Errorf("it took %s, want %s", took, c.limit)
					}
					wantOutcome(t, c.step, err)
				})
			})
		}
	}
}

// A server that is late at every step, within its limit, is not taken for failed:
// it gets one mail (E4c: slow is not failed).
func TestE4cLateIsNotFailed(t *testing.T) {
	late := replies{smtptest.StepQuit: {Hang: true}}
	for _, c := range slowSteps() {
		late[c.step] = smtptest.Reply{Delay: c.limit - time.Second}
	}
	for name, all := range map[string]replies{
		"everywhere":    late,
		"greets late":   {smtptest.StepGreeting: {Delay: 6 * time.Second}},
		"accepts late":  {smtptest.StepDot: {Delay: 5500 * time.Millisecond}},
		"accepts later": {smtptest.StepDot: {Delay: 30 * time.Second}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, server := newSlow(t, all)
				if err := p.Page(t.Context(), escalationPage()); err != nil {
					t.Error(err)
				}
				if got := server.Stop(); len(got) != 1 || !got[0].Accepted {
					t.Errorf("received %+v", got)
				}
			})
		})
	}
}

// Configured limits are those that apply (E4c: slow is not failed).
func TestE4cConfiguredTimeouts(t *testing.T) {
	limits := Timeouts{time.Second, 2 * time.Second, 3 * time.Second, 4 * time.Second, 5 * time.Second, 6 * time.Second}
	for step, want := range map[smtptest.Step]time.Duration{
		smtptest.StepGreeting: 2 * time.Second, smtptest.StepEHLO: 3 * time.Second, smtptest.StepHandshake: 3 * time.Second,
		smtptest.StepAuth: 3 * time.Second, smtptest.StepRcptTo: 3 * time.Second, smtptest.StepData: 4 * time.Second,
		smtptest.StepText: 5 * time.Second, smtptest.StepDot: 6 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			p, _ := newSlow(t, replies{step: {Hang: true}})
			p.cfg.Timeouts = limits
			began := time.Now()
			wantOutcome(t, step, p.Page(t.Context(), escalationPage()))
			if took := time.Since(began); took != want {
				t.Errorf("%s: it took %s, want %s", step, took, want)
			}
		})
	}
}

// The caller ends a page at any step. Only once all of the mail is sent is the
// outcome unknown (E4c: slow is not failed).
func TestE4cCallerEndsAPage(t *testing.T) {
	for _, c := range slowSteps() {
		synctest.Test(t, func(t *testing.T) {
			p, server := newSlow(t, replies{c.step: {Hang: true}})
			ctx, cancel := context.WithCancelCause(t.Context())
			reason := errors.New("the lease is lost")
			go func() {
				<-server.Reached(c.step)
				synctest.Wait()
				cancel(reason)
			}()
			began := time.Now()
			err := p.Page(ctx, escalationPage())
			if !errors.Is(err, reason) || time.Since(began) != 0 {
				t.Errorf("%s: got %v after %s, want the caller's reason at once", c.step, err, time.Since(began))
			}
			wantOutcome(t, c.step, err)
		})
	}
}

// A connection that breaks at a step: the outcome is unknown only after the end
// of the mail (E4c: slow is not failed).
func TestE4cConnectionBreaks(t *testing.T) {
	for _, c := range slowSteps() {
		synctest.Test(t, func(t *testing.T) {
			p, _ := newSlow(t, replies{c.step: {Drop: true}})
			wantOutcome(t, c.step, p.Page(t.Context(), escalationPage()))
		})
	}
}

// Over a real connection, a server that stops reading in the middle of the text
// and goes away does not have all of it: the mail has failed (E4c: slow is not
// failed).
func TestE4cUnfinishedTextHasFailed(t *testing.T) {
	cfg, server := startScripted(t, smtptest.Script{Replies: replies{smtptest.StepText: {Hang: true}}})
	go func() {
		<-server.Reached(smtptest.StepText)
		server.Stop()
	}()
	err := newPager(t, cfg).send(t.Context(), envelope{
		from: "tocsin@example.com", to: "ana@example.com", text: bytes.Repeat([]byte("a line of the mail\r\n"), 2<<20),
	})
	if outcomeOf(err) != temporary {
		t.Errorf("got %v, want a temporary error", err)
	}
}

// Over a real connection, a mail that is accepted late is accepted, and one that
// is never answered has an unknown outcome (E4c: slow is not failed).
func TestE4cOverARealConnection(t *testing.T) {
	answer := make(chan struct{})
	cfg, server := startScripted(t, smtptest.Script{Replies: replies{".": {After: answer}}})
	ended := make(chan error, 1)
	go func() { ended <- newPager(t, cfg).Page(t.Context(), escalationPage()) }()
	<-server.Reached(smtptest.StepDot)
	close(answer)
	if err := <-ended; err != nil || len(server.Stop()) != 1 {
		t.Errorf("got %v, received %+v", err, server.Received())
	}
	cfg, _ = startScripted(t, smtptest.Script{Replies: replies{".": {Hang: true}}})
	cfg.Timeouts.Acceptance = 50 * time.Millisecond
	if err := newPager(t, cfg).Page(t.Context(), escalationPage()); outcomeOf(err) != unknown {
		t.Errorf("got %v, want an unknown outcome", err)
	}
}

// The outcome is known before QUIT: a server that hangs there delays nothing, nor
// does one that refuses the login and hangs.
func TestQuitDelaysNothing(t *testing.T) {
	for name, c := range map[string]struct {
		replies replies
		want    string
	}{
		"accepted":       {replies{}, fine},
		"refused":        {replies{"RCPT": text("550 no")}, permanent},
		"login refused":  {replies{"AUTH": text("535 no")}, temporary},
		"another login":  {replies{"AUTH": text("334 !")}, temporary},
		"not our server": {replies{"greeting": text("554 no")}, temporary},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.replies[smtptest.StepQuit] = smtptest.Reply{Hang: true}
				p, server := newSlow(t, c.replies)
				began := time.Now()
				if err := p.Page(t.Context(), escalationPage()); outcomeOf(err) != c.want || time.Since(began) != 0 {
					t.Errorf("got %v after %s; want %s at once", err, time.Since(began), c.want)
				}
				synctest.Wait()
				select {
				case <-server.Reached(smtptest.StepQuit):
					if name == "another login" {
						t.Error("QUIT is sent in the middle of the login")
					}
				default:
					if name != "another login" {
						t.Error("QUIT is not sent")
					}
				}
			})
		})
	}
}

// A mail that was sent again after an unknown outcome has the same Message-ID
// (E3: check again before each send).
func TestE3RepeatAfterAnUnknownOutcome(t *testing.T) {
	cfg, server := startScripted(t, smtptest.Script{Replies: replies{".": {Drop: true}}})
	for range 2 {
		if err := newPager(t, cfg).Page(t.Context(), escalationPage()); !errors.Is(err, bot.ErrUnknownOutcome) {
			t.Fatal(err)
		}
	}
	var seen []string
	for _, m := range server.Stop() {
		mail, err := smtptest.Parse([]byte(m.Text))
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, mail.Header.Get("Message-Id"))
	}
	if len(seen) != 2 || seen[0] == "" || seen[0] != seen[1] {
		t.Errorf("Message-IDs: %q", seen)
	}
}
