package signin_test

import (
	"errors"
	"fmt"
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
	zoe := access.Speaker{Name: "Zoe", Access: commands.Stakeholder}
	type one struct{ id, secret string }
	in := map[string]one{}
	for n, s := range []access.Speaker{w.Person("ben"), zoe, w.Person("ben"), w.Person("dan"), w.Person("ana"), {Name: "Yan", Access: commands.Stakeholder}} {
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
