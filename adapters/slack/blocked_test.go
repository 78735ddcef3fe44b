package slack

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/card"
)

// TestE4gPageGoesOn: a page that Slack refuses for a reason that an operator can fix has
// failed for now: late enough that the next method follows at once, and not for good. It
// arrives once the reason has gone (E4g: what an operator can fix waits).
func TestE4gPageGoesOn(t *testing.T) {
	for code, a := range refusals() {
		if a.class != refusedToken && a.class != refusedCall {
			continue
		}
		t.Run(code, func(t *testing.T) {
			h := newTestApp(t, slacktest.Options{})
			h.slack.AddUser(slacktest.User{Name: "ana", Email: "ana@example.com"})
			page := bot.Page{Key: "INC-7/p1", Keys: []string{"INC-7/p1"}, Address: "email:ana@example.com", Content: card.Content{Title: "INC-7 needs you"}}
			for _, method := range []string{"users.lookupByEmail", "conversations.open", "chat.postMessage"} {
				h.slack.Fail(method, slacktest.Fault{Error: code})
				err := h.Page(t.Context(), page)
				if wait, later := bot.RetryDelay(err); !later || wait <= 5*time.Second || bot.IsPermanent(err) || !bot.IsBlocked(err) {
					t.Errorf("%s refuses: %v", method, err)
				}
				if why := bot.BlockedReason(err); !strings.HasPrefix(why, code+": ") {
					t.Errorf("%s refuses, and an operator reads %q", method, why)
				}
				h.clock.Advance(20 * time.Second)
			}
			if err := h.Page(t.Context(), page); err != nil || h.slack.Count("conversations.history") != 0 {
				t.Errorf("the page does not arrive without being looked for: %v", err)
			}
		})
	}
}

// TestRefusedTokenAsksSeldom: while Slack refuses the token, one call in a while tests it
// and the others fail at once. Another token's refusal holds nothing back.
func TestRefusedTokenAsksSeldom(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	ana := h.slack.AddUser(slacktest.User{Name: "ana"})
	h.slack.Fail("*", slacktest.Fault{Error: "account_inactive", Times: -1})
	for range 100 {
		if err := h.Page(t.Context(), bot.Page{Key: "INC-7/p1", Address: ana}); !bot.IsBlocked(err) {
			t.Fatal(err)
		}
		h.clock.Advance(time.Second)
	}
	if n := h.slack.Count(""); n < 5 || n > 11 {
		t.Errorf("Slack was asked %d times in 100 s", n)
	}
	h.slack.Heal()
	h.clock.Advance(probeInterval)
	if err := h.Page(t.Context(), bot.Page{Key: "INC-7/p1", Address: ana, Content: card.Content{Title: "INC-7"}}); err != nil {
		t.Errorf("the token works again: %v", err)
	}
	w := h.connectWith(func(c *Config) { c.UserToken = h.slack.UserToken })
	h.slack.RevokeToken("user")
	if _, _, err := w.API.testToken(t.Context(), w.API.user); !bot.IsBlocked(err) {
		t.Errorf("the user token: %v", err)
	}
	if _, err := w.API.identity(t.Context()); err != nil {
		t.Errorf("the bot token is held back: %v", err)
	}
}

// TestRefusalsForGood: a refusal that no operator can mend is for good.
func TestRefusalsForGood(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	for _, code := range []string{"invalid_blocks", "msg_too_long", "user_not_found", "method_deprecated", "something_new"} {
		h.slack.Fail("conversations.open", slacktest.Fault{Error: code})
		err := h.Page(t.Context(), bot.Page{Key: "INC-7/p1", Address: "U0123456789"})
		if !bot.IsPermanent(err) || bot.IsBlocked(err) || ErrorCode(err) != code || errors.Is(err, bot.ErrPaced) {
			t.Errorf("%s: %v", code, err)
		}
	}
}
