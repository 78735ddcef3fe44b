package email

import (
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/adapters/email/smtptest"
	"tocsin/bot/platform"
)

// The doctor waits seconds, not minutes, and calls a server that does answer slow,
// not broken (E4c: slow is not failed).
func TestE4cInspect(t *testing.T) {
	const fine, slow, broken = platform.Fine, platform.Limited, platform.Broken
	for name, c := range map[string]struct {
		replies replies
		grade   platform.Grade
		says    string
		took    time.Duration
	}{
		"fine":          {nil, fine, "Tocsin introduces itself (EHLO) as example.com, the domain of from", 0},
		"greets late":   {replies{"greeting": {Delay: 6 * time.Second}}, slow, "slow: greeted after 6 s", 6 * time.Second},
		"answers late":  {replies{"EHLO": {Delay: 4 * time.Second}}, slow, "slow: answered EHLO after 4 s", 8 * time.Second},
		"encrypts late": {replies{"handshake": {Delay: 9 * time.Second}}, slow, "slow: TLS began after 9 s", 9 * time.Second},
		"logs in late":  {replies{"AUTH": {Delay: 3 * time.Second}}, slow, "slow: answered AUTH after 3 s", 3 * time.Second},
		"late everywhere": {
			replies{"greeting": {Delay: 9 * time.Second}, "AUTH": {Delay: 9 * time.Second}}, slow, "slow: answered AUTH after 9 s", 18 * time.Second,
		},
		"never says goodbye": {replies{"QUIT": {Hang: true}}, fine, "it answers and accepts the login; nothing was sent", 0},
		"never greets": {
			replies{"greeting": {Hang: true}},
			broken,
			"greet mail server 127.0.0.1: it did not greet within 10 s; a page waits for that up to 5 min, so the server may only be slow", 10 * time.Second,
		},
		"refuses": {replies{"greeting": text("554 no")}, broken, "greet mail server 127.0.0.1: it greeted with 554 no", 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, server := newSlow(t, c.replies)
				began := time.Now()
				found := p.Inspect(t.Context())
				said := ""
				for _, f := range found {
					said += f.Text + "; " + f.Do + "\n"
				}
				if found[len(found)-1].Grade != c.grade || !strings.Contains(said, c.says) {
					t.Errorf("it found %+v", found)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("it took %s, want %s", took, c.took)
				}
				if got := server.Stop(); len(got) != 0 {
					t.Errorf("it sent %+v", got)
				}
			})
		})
	}
}

// Limits that are configured shorter than the doctor's hold for it too.
func TestInspectKeepsShorterLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, _ := newSlow(t, replies{smtptest.StepGreeting: {Hang: true}})
		p.cfg.Timeouts.Greeting = time.Second
		found := p.Inspect(t.Context())
		if len(found) != 1 || found[0].Grade != platform.Broken || !strings.Contains(found[0].Text, "within 1 s") || found[0].Do != "" {
			t.Errorf("it found %+v", found)
		}
	})
}
