package signin_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/bottest"
	"tocsin/bot/signin"
	"tocsin/commands"
)

// operator returns the speaker of the operator token: an admin who is not a configured
// person.
func operator() access.Speaker {
	return access.Speaker{Name: "operator", Token: "operator", Access: commands.Admin}
}

// TestSignInEnds: a link works for 15 minutes, a session for 12 hours; the error says
// why one does not work.
func TestSignInEnds(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	used, old := w.LinkToken(w.Person("ana")), w.LinkToken(w.Person("ana"))
	_, secret := w.SignInWith(used, signin.Session{})
	w.Clock = w.Clock.Add(signin.LinkLife)
	if _, err := w.SignIn.ReadLink(t.Context(), old); err != nil {
		t.Errorf("after 15 minutes: %v", err)
	}
	w.Clock = w.Clock.Add(time.Nanosecond)
	for token, want := range map[string]error{
		old: signin.ErrExpiredLink, used: signin.ErrUsedLink,
		"": signin.ErrBadLink, "x": signin.ErrBadLink, old[:len(old)-1]: signin.ErrBadLink, old + "A": signin.ErrBadLink, strings.Repeat("x", 100_000): signin.ErrBadLink,
		"a\x00b": signin.ErrBadLink, strings.ToUpper(old): signin.ErrBadLink,
	} {
		if _, err := w.SignIn.ReadLink(t.Context(), token); !errors.Is(err, want) {
			t.Errorf("%.40q: %v, want %v", token, err, want)
		}
		if _, _, err := w.SignIn.SignIn(t.Context(), token, signin.Session{}); !errors.Is(err, want) {
			t.Errorf("sign in with %.40q: %v, want %v", token, err, want)
		}
		if _, in := w.SessionSpeaker(token); in {
			t.Errorf("%.40q is a session", token)
		}
	}
	if _, err := w.SignIn.ReadLink(t.Context(), secret); !errors.Is(err, signin.ErrBadLink) {
		t.Errorf("what a browser keeps is a link: %v", err)
	}
	w.Clock = bottest.Epoch.Add(signin.SessionLife)
	if _, in := w.SessionSpeaker(secret); !in {
		t.Error("signed out before 12 hours have passed")
	}
	w.Clock = w.Clock.Add(time.Nanosecond)
	if _, in := w.SessionSpeaker(secret); in {
		t.Error("signed in after 12 hours")
	}
}

// TestSessionFollowsPeople: a session has the current access of its person, and ends
// when the person is not configured any more.
func TestSessionFollowsPeople(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	late := w.LinkToken(w.Person("ben"))
	_, secret := w.SignInWith(w.LinkToken(w.Person("ben")), signin.Session{})
	org := bottest.SampleOrganization()
	org.Directory.People[1].Access, org.Directory.People[1].Name = commands.Stakeholder, "Benjamin"
	org.DefaultAccess = commands.Guest
	pagers := map[string]bot.Pager{"email": w}
	if err := w.Configure(org, pagers); err != nil {
		t.Fatal(err)
	}
	if who, in := w.SessionSpeaker(secret); !in || who.Access != commands.Stakeholder || who.Name != "Benjamin" {
		t.Errorf("after the access was taken away: %+v %v", who, in)
	}
	org = bottest.SampleOrganization()
	org.Directory.People = slices.Delete(org.Directory.People, 1, 2)
	if err := w.Configure(org, pagers); err != nil {
		t.Fatal(err)
	}
	if _, in := w.SessionSpeaker(secret); in {
		t.Error("a person who is not configured any more is still signed in")
	}
	if _, _, err := w.SignIn.SignIn(t.Context(), late, signin.Session{}); !errors.Is(err, signin.ErrBadLink) {
		t.Errorf("a person who is not configured any more signs in: %v", err)
	}
	if err := w.Configure(bottest.SampleOrganization(), pagers); err != nil {
		t.Fatal(err)
	}
	if _, err := w.SignIn.ReadLink(t.Context(), late); err != nil {
		t.Errorf("a link that could not be used is used up: %v", err)
	}
}

// TestRevoke: people list and end their own sessions, an admin those of everyone,
// newest first.
func TestRevoke(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	zoe := access.Speaker{Name: "Zoe", Handle: "square:U1", Access: commands.Stakeholder}
	type one struct{ id, secret string }
	in := map[string]one{}
	for n, s := range []access.Speaker{w.Person("ben"), zoe, w.Person("ben"), w.Person("dan"), w.Person("ana"), {Name: "Yan", Handle: "square:U2", Access: commands.Stakeholder}} {
		w.Clock = w.Clock.Add(time.Minute)
		session, secret := w.SignInWith(w.LinkToken(s), signin.Session{Browser: "Firefox"})
		in[fmt.Sprint(s.Name, n)] = one{session.ID, secret}
	}
	list := func(s access.Speaker) string {
		all, err := w.SignIn.Sessions(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		names := make([]string, 0, len(all))
		for _, one := range all {
			names = append(names, one.Name)
		}
		return strings.Join(names, ", ")
	}
	for s, want := range map[string]string{"ben": "Ben, Ben", "dan": "Dan", "ana": "Yan, Ana, Dan, Ben, Zoe, Ben"} {
		if got := list(w.Person(s)); got != want {
			t.Errorf("%s sees the sessions of %q, want %q", s, got, want)
		}
	}
	if got := list(zoe); got != "Zoe" {
		t.Errorf("a guest sees the sessions of %q", got)
	}
	revoke := func(s access.Speaker, id string, want int) {
		t.Helper()
		if n, err := w.SignIn.Revoke(t.Context(), s, id); n != want || err != nil {
			t.Errorf("%s revokes %q: %d %v, want %d", s.Name, id, n, err, want)
		}
	}
	ben, dan := w.Person("ben"), w.Person("dan")
	revoke(dan, in["Ben0"].id, 0) // another person's session
	revoke(dan, "", 0)
	revoke(dan, "ALL ", 0)
	revoke(dan, strings.Repeat("x", 10_000), 0)
	revoke(zoe, in["Yan5"].id, 0)
	if _, in := w.SessionSpeaker(in["Ben0"].secret); !in {
		t.Fatal("another person's session was ended")
	}
	revoke(ben, strings.ToUpper(in["Ben0"].id), 1)
	revoke(ben, in["Ben0"].id, 0)
	if _, in := w.SessionSpeaker(in["Ben0"].secret); in {
		t.Error("a session that was ended still works")
	}
	revoke(zoe, "all", 1)
	revoke(w.Person("ana"), in["Dan3"].id, 1)
	if got := list(w.Person("ana")); got != "Yan, Ana, Ben" {
		t.Errorf("left are the sessions of %q", got)
	}
	revoke(w.Person("ana"), "all", 3)
	if got := list(w.Person("ana")); got != "" {
		t.Errorf("left are the sessions of %q", got)
	}
	w.SignInWith(w.LinkToken(ben), signin.Session{})
	w.Clock = w.Clock.Add(signin.SessionLife + time.Second)
	if got := list(ben); got != "" {
		t.Errorf("what has ended is listed: %q", got)
	}
}

// TestP1CSessionsAreNoNames: no one sees or ends the session of another who has the same
// name: a token, a guest on a platform, and those who gave themselves that name
// (P1c: a name is no identity).
func TestP1CSessionsAreNoNames(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	org := bottest.SampleOrganization()
	org.Directory.People = nil
	org.Tokens = []bot.Token{{Name: "ci", Access: commands.Responder}, {Name: "grafana", Access: commands.Responder}}
	if err := w.Configure(org, map[string]bot.Pager{"email": w}); err != nil {
		t.Fatal(err)
	}
	in := map[string]string{} // ID of the session → its secret
	speakers := map[string]access.Speaker{}
	for name, one := range map[string]struct {
		by  access.Speaker
		who signin.Session
	}{
		"operator":           {operator(), signin.Session{}},
		"called operator":    {operator(), signin.Session{Name: "operator"}},
		"called so, too":     {operator(), signin.Session{Name: "operator"}},
		"called like a user": {operator(), signin.Session{Name: "square:U1"}},
		"ci":                 {access.Speaker{Name: "ci", Token: "ci", Access: commands.Responder}, signin.Session{}},
		"grafana":            {access.Speaker{Name: "ci", Token: "grafana", Access: commands.Responder}, signin.Session{}},
		"a guest":            {access.Speaker{Name: "operator", Handle: "square:U1"}, signin.Session{}},
		"another":            {access.Speaker{Name: "operator", Handle: "chat:U1"}, signin.Session{}},
		"without an account": {access.Speaker{Name: "operator"}, signin.Session{}},
	} {
		s, secret := w.SignInWith(w.LinkToken(one.by), one.who)
		who, ok := w.SessionSpeaker(secret)
		if !ok {
			t.Fatalf("%s is not signed in", name)
		}
		who.Access = commands.Guest // an admin would see all
		in[s.ID], speakers[s.ID] = secret, who
	}
	for _, s := range []access.Speaker{{Name: "operator"}, {Name: "ci"}, {Name: "operator", Handle: "square:U9"}, {}} {
		if n, err := w.SignIn.Revoke(t.Context(), s, "all"); n != 0 || err != nil {
			t.Errorf("%+v ended %d sessions, %v", s, n, err)
		}
	}
	for id, who := range speakers {
		all, err := w.SignIn.Sessions(t.Context(), who)
		if err != nil || len(all) != 1 || all[0].ID != id {
			t.Errorf("%+v sees %+v %v, want their own session alone", who, all, err)
		}
		if n, err := w.SignIn.Revoke(t.Context(), who, "all"); n != 1 || err != nil {
			t.Errorf("%+v ended %d sessions, %v", who, n, err)
		}
		if _, ok := w.SessionSpeaker(in[id]); ok {
			t.Errorf("%+v did not end their own session", who)
		}
	}
}

// TestP1DSessionEndsWithItsToken: another secret of a token ends the links and the
// sessions that the former one made, also those of people, and those made by way of such
// a session; those of other tokens and of none go on (P1d: a session ends with its token).
func TestP1DSessionEndsWithItsToken(t *testing.T) {
	for _, rotated := range []string{"ci", bot.OperatorToken} {
		t.Run(rotated, func(t *testing.T) {
			w := bottest.NewApp(t, memory.New())
			configure := func(secret map[string]string) {
				t.Helper()
				org := bottest.SampleOrganization()
				org.Operator = secret[bot.OperatorToken]
				for _, name := range []string{"ci", "grafana"} {
					org.Tokens = append(org.Tokens, bot.Token{Name: name, Secret: secret[name], Access: commands.Admin})
				}
				if err := w.Configure(org, map[string]bot.Pager{"email": w}); err != nil {
					t.Fatal(err)
				}
			}
			secret := map[string]string{bot.OperatorToken: "a secret", "ci": "a secret", "grafana": "a secret"}
			configure(secret)
			asAna := w.Person("ana")
			asAna.Token = rotated
			by := access.Speaker{Name: rotated, Token: rotated, Access: commands.Admin}
			ends, stays := map[string]string{}, map[string]string{}
			_, ends["of the token"] = w.SignInWith(w.LinkToken(by), signin.Session{})
			_, ends["of a person that it acts for"] = w.SignInWith(w.LinkToken(asAna), signin.Session{})
			_, ends["of a person who was chosen"] = w.SignInWith(w.LinkToken(by), signin.Session{Person: "ben"})
			for what, secret := range maps.Clone(ends) {
				who, _ := w.SessionSpeaker(secret)
				_, ends["by a link of the session "+what] = w.SignInWith(w.LinkToken(who), signin.Session{Person: "dan"})
			}
			unused := w.LinkToken(asAna)
			_, stays["another token"] = w.SignInWith(w.LinkToken(access.Speaker{Name: rotated, Token: "grafana", Access: commands.Admin}), signin.Session{})
			_, stays["no token"] = w.SignInWith(w.LinkToken(w.Person("ana")), signin.Session{})
			configure(maps.Clone(secret)) // a reload alone ends nothing
			for what, secret := range ends {
				if _, in := w.SessionSpeaker(secret); !in {
					t.Fatalf("a reload ended the session %s", what)
				}
			}
			secret[rotated] = "another secret"
			configure(secret)
			for what, secret := range ends {
				if who, in := w.SessionSpeaker(secret); in {
					t.Errorf("the session %s goes on: %+v", what, who)
				}
			}
			for what, secret := range stays {
				if _, in := w.SessionSpeaker(secret); !in {
					t.Errorf("the session by %s has ended", what)
				}
			}
			if _, _, err := w.SignIn.SignIn(t.Context(), unused, signin.Session{}); !errors.Is(err, signin.ErrBadLink) {
				t.Errorf("a link of the former secret signs in: %v", err)
			}
			_, again := w.SignInWith(w.LinkToken(by), signin.Session{})
			if _, in := w.SessionSpeaker(again); !in {
				t.Error("the new secret signs no one in")
			}
			for _, kind := range []string{"sign-in", "session"} {
				all, err := w.Store.Records(t.Context(), kind, "", 100)
				if err != nil || len(all) == 0 {
					t.Fatalf("%d records of %s, %v", len(all), kind, err)
				}
				for _, r := range all {
					if strings.Contains(string(r.Body), "a secret") || strings.Contains(string(r.Body), "another secret") {
						t.Errorf("a secret is stored: %s", r.Body)
					}
				}
			}
		})
	}
}

// TestP1GuestSession: the session of a guest is that of their account: it has the
// default access of now, and nothing of another guest who has the same name (P1: access
// is checked first).
func TestP1GuestSession(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	guest := func(account string) access.Speaker {
		s, _ := access.Identify(w.Organization(), access.Claim{Account: access.Account{Platform: "square", ID: account, Name: "Zoe"}})
		return s
	}
	_, first := w.SignInWith(w.LinkToken(guest("U1")), signin.Session{})
	w.SignInWith(w.LinkToken(guest("U2")), signin.Session{})
	who, in := w.SessionSpeaker(first)
	if !in || who.Actor() != guest("U1").Actor() || who.Access != w.Organization().DefaultAccess {
		t.Errorf("signed in as %+v %t, want %+v", who, in, guest("U1"))
	}
	if all, err := w.SignIn.Sessions(t.Context(), guest("U1")); err != nil || len(all) != 1 {
		t.Errorf("a guest sees %+v %v, want their own session alone", all, err)
	}
	org := *w.Organization()
	org.DefaultAccess = commands.Guest
	if err := w.Configure(org, nil); err != nil {
		t.Fatal(err)
	}
	if who, in = w.SessionSpeaker(first); !in || who.Access != commands.Guest {
		t.Errorf("after the default access was lowered: %+v %t", who, in)
	}
}

// TestP1SelfNamedSessionEnds: a name that someone gave themselves while no people were
// configured ends when people are (P1b: who has left does nothing any more).
func TestP1SelfNamedSessionEnds(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	configure := func(org bot.Organization) {
		if err := w.Configure(org, map[string]bot.Pager{"email": w}); err != nil {
			t.Fatal(err)
		}
	}
	org := bottest.SampleOrganization()
	org.Directory.People = nil
	configure(org)
	operator := access.Speaker{Name: "operator", Token: "operator", Access: commands.Admin}
	_, zoe := w.SignInWith(w.LinkToken(operator), signin.Session{Name: "Zoe"})
	_, unnamed := w.SignInWith(w.LinkToken(operator), signin.Session{})
	if who, in := w.SessionSpeaker(zoe); !in || who.Name != "Zoe" {
		t.Fatalf("while no people are configured: %+v %t", who, in)
	}
	configure(bottest.SampleOrganization())
	if who, in := w.SessionSpeaker(zoe); in {
		t.Errorf("still signed in as %+v", who)
	}
	if _, in := w.SessionSpeaker(unnamed); !in {
		t.Error("the operator is signed out")
	}
}
