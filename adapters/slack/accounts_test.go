package slack

import (
	"slices"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/card"
)

// TestE5PagedAccountIsKnown: the account that was paged by its e-mail address is known
// while Slack does not say whose it is: in the same process, in another one, for hours, and
// when the app may not see addresses any more.
func TestE5PagedAccountIsKnown(t *testing.T) {
	for name, fault := range map[string]slacktest.Fault{
		"no answer": {CutBefore: true, Times: -1}, "500": {Status: 500, Times: -1}, "too many": {Status: 429, RetryAfter: time.Minute, Times: -1},
		"internal error": {Error: "internal_error", Times: -1}, "refused": {Error: "missing_scope", Times: -1}, "for good": {Error: "user_not_visible", Times: -1},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestApp(t, slacktest.Options{})
			ana := h.slack.AddUser(slacktest.User{Name: "ana", Email: "Ana@example.com"})
			zoe := h.slack.AddUser(slacktest.User{Name: "zoe", Email: "zoe@example.com"})
			page := bot.Page{Key: "INC-7/p1", Address: "email:ana@example.com", Content: card.Content{Title: "INC-7 needs you"}}
			if err := h.Page(t.Context(), page); err != nil {
				t.Fatal(err)
			}
			h.slack.Fail("users.info", fault)
			h.slack.Fail("auth.test", fault)
			for _, w := range []*Workspace{h.Workspace, h.connect()} {
				a, err := w.Directory.Account(t.Context(), ana)
				speaker, ok := access.Identify(w.organization.Load(), access.Claim{Account: a})
				if err != nil || !ok || speaker.Person != "ana" || speaker.Unidentified {
					t.Errorf("ana is %+v, %+v, %v", a, speaker, err)
				}
				if a, err = w.Directory.Account(t.Context(), zoe); err == nil {
					t.Errorf("zoe, who was never paged, is %+v", a)
				}
			}
		})
	}
}

// TestAccountLinkEnds: an account is not taken for a person whose address it has had: the
// address belongs to another account now, or the account has another address
// (P1: access is checked first).
func TestAccountLinkEnds(t *testing.T) {
	for name, change := range map[string]func(h *testApp, ana string){
		"another account has the address": func(h *testApp, ana string) {
			h.slack.ChangeUser(slacktest.User{ID: ana, Name: "former", Email: "former@example.com"})
			h.slack.AddUser(slacktest.User{Name: "ana2", Email: "ana@example.com"})
			h.clock.Advance(2 * keepAccount)
			if err := h.anotherProcess().Page(h.t.Context(), bot.Page{Key: "INC-7/p2", Address: "email:ana@example.com"}); err != nil {
				h.t.Fatal(err)
			}
		},
		"it has another address": func(h *testApp, ana string) {
			h.slack.ChangeUser(slacktest.User{ID: ana, Name: "former", Email: "former@example.com"})
			h.clock.Advance(2 * keepAccount)
			if a, err := h.Directory.Account(h.t.Context(), ana); err != nil || a.Email != "former@example.com" {
				h.t.Fatal(a, err)
			}
		},
		"it was deactivated": func(h *testApp, ana string) {
			h.slack.ChangeUser(slacktest.User{ID: ana, Name: "ana", Email: "ana@example.com", Deleted: true})
			h.clock.Advance(2 * keepAccount)
			if a, err := h.Directory.Account(h.t.Context(), ana); err != nil || a.Email != "" {
				h.t.Fatal(a, err)
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			h := newTestApp(t, slacktest.Options{})
			ana := h.slack.AddUser(slacktest.User{Name: "ana", Email: "ana@example.com"})
			if err := h.Page(t.Context(), bot.Page{Key: "INC-7/p1", Address: "email:ana@example.com", Content: card.Content{Title: "INC-7"}}); err != nil {
				t.Fatal(err)
			}
			change(h, ana)
			h.clock.Advance(2 * keepAccount)
			h.slack.Fail("users.info", slacktest.Fault{Status: 500, Times: -1})
			if a, err := h.connect().Directory.Account(t.Context(), ana); err == nil {
				t.Errorf("the former account is %+v", a)
			}
		})
	}
}

// TestAccountWithoutAddress: an account that was paged stays known when the app may not see
// addresses any more.
func TestAccountWithoutAddress(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	ana := h.slack.AddUser(slacktest.User{Name: "ana", Email: "ana@example.com"})
	if err := h.Page(t.Context(), bot.Page{Key: "INC-7/p1", Address: "email:ana@example.com", Content: card.Content{Title: "INC-7"}}); err != nil {
		t.Fatal(err)
	}
	h.slack.SetScopes(slices.DeleteFunc(names(Scopes()), func(s string) bool { return s == "users:read.email" }))
	if a, err := h.connect().Directory.Account(t.Context(), ana); err != nil || a.Email != "ana@example.com" {
		t.Errorf("ana is %+v, %v", a, err)
	}
}
