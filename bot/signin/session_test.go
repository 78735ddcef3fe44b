package signin_test

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/bottest"
	"tocsin/bot/dispatch"
	"tocsin/bot/signin"
	"tocsin/commands"
)

// operator returns the speaker of the operator token: an admin who is not a configured
// person.
func operator() access.Speaker {
	return access.Speaker{Name: "operator", Token: "operator", Access: commands.Admin}
}

// TestSignInOnce: a link can be read often and signs in once; the store holds no
// secret.
func TestSignInOnce(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	token := w.LinkToken(w.Person("ana"))
	for range 3 {
		link, err := w.SignIn.ReadLink(t.Context(), token)
		if err != nil || link.Person != "ana" || link.To != "/incidents/INC-1" || link.IsOpen() {
			t.Fatalf("%+v %v", link, err)
		}
	}
	checkNoSecret(t, w, "sign-in", token)
	s, secret := w.SignInWith(token, signin.Session{Browser: "Firefox on\nLinux", From: "192.0.2.7", Person: "ben", Name: "Ben"})
	if s.Person != "ana" || s.Name != "Ana" || s.Browser != "Firefox on Linux" || s.From != "192.0.2.7" || len(s.ID) != 8 || s.Chosen {
		t.Errorf("session %+v", s)
	}
	if who, in := w.SessionSpeaker(secret); !in || who.Person != "ana" || who.Access != commands.Admin || who.Token != "" {
		t.Errorf("signed in as %+v %v", who, in)
	}
	if _, _, err := w.SignIn.SignIn(t.Context(), token, signin.Session{}); !errors.Is(err, signin.ErrUsedLink) {
		t.Errorf("a second time: %v", err)
	}
	if _, err := w.SignIn.ReadLink(t.Context(), token); !errors.Is(err, signin.ErrUsedLink) {
		t.Errorf("looked at after it was used: %v", err)
	}
	checkNoSecret(t, w, "sign-in", token)
	checkNoSecret(t, w, "session", secret)
}

// checkNoSecret checks that the only record of a kind contains nothing to sign in with.
func checkNoSecret(t *testing.T, w *bottest.App, kind, secret string) {
	t.Helper()
	all, err := w.Store.Records(t.Context(), kind, "", 10)
	if err != nil || len(all) != 1 {
		t.Fatalf("%d records of kind %s, %v", len(all), kind, err)
	}
	if strings.Contains(all[0].ID+string(all[0].Body), secret) {
		t.Errorf("P4: the store holds a secret: %s", all[0].Body)
	}
	if _, in := w.SessionSpeaker(all[0].ID); in {
		t.Error("P4: what the store holds opens a session")
	}
	if _, err := w.SignIn.ReadLink(t.Context(), all[0].ID); !errors.Is(err, signin.ErrBadLink) {
		t.Errorf("P4: what the store holds is a link: %v", err)
	}
}

// TestSignInAtOnce: of fifty uses of a link at once, one signs in.
func TestSignInAtOnce(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	token := w.LinkToken(w.Person("ana"))
	errs := make([]error, 50)
	secrets := make([]string, 50)
	var all, looked sync.WaitGroup
	looked.Add(len(errs))
	w.AfterGet = func(string) { // all find the link unused before the first uses it
		looked.Done()
		looked.Wait()
	}
	for n := range errs {
		all.Go(func() { _, secrets[n], errs[n] = w.SignIn.SignIn(t.Context(), token, signin.Session{}) })
	}
	all.Wait()
	w.AfterGet = nil
	in := 0
	for n, err := range errs {
		switch {
		case err == nil:
			in++
			if _, works := w.SessionSpeaker(secrets[n]); !works {
				t.Error("the one that succeeded is not signed in")
			}
		case !errors.Is(err, signin.ErrUsedLink):
			t.Errorf("the others get %v", err)
		default:
			if _, works := w.SessionSpeaker(secrets[n]); secrets[n] != "" && works {
				t.Error("a secret that was refused signs in")
			}
		}
	}
	if in != 1 || w.CountRecords("session") != 1 {
		t.Errorf("%d signed in, %d sessions", in, w.CountRecords("session"))
	}
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

// TestSignInZone: the browser's time zone is used when it is valid.
func TestSignInZone(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	for zone, want := range map[string]string{
		"Europe/Lisbon": "Europe/Lisbon", "Asia/Kathmandu": "Asia/Kathmandu", "UTC": "UTC",
		"": "", "Local": "", "Nowhere/Land": "", "../../etc/passwd": "", "/etc/passwd": "", "..": "", "Europe": "", "Europe/Lisbon\x00": "", "a\\b": "",
		"<script>": "", strings.Repeat("x", 10_000): "", strings.Repeat("Europe/", 1000) + "Lisbon": "", "zone.tab": "", "\xff": "",
	} {
		s, secret := w.SignInWith(w.LinkToken(w.Person("ana")), signin.Session{Zone: zone})
		who, in := w.SessionSpeaker(secret)
		read := cmp.Or(want, "UTC") // the organization's, where the browser says nothing of use
		if s.Zone != want || !in || who.Zone == nil || who.Zone.String() != read {
			t.Errorf("%.40q: session in %q, speaker in %v; want %q", zone, s.Zone, who.Zone, want)
		}
	}
}

// TestOpenLinks: the person who uses a link of an admin token chooses who they are;
// with other links they do not.
func TestOpenLinks(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	org := bottest.SampleOrganization()
	org.Tokens = []bot.Token{{Name: "ci", Access: commands.Responder}}
	if err := w.Configure(org, map[string]bot.Pager{"email": w}); err != nil {
		t.Fatal(err)
	}
	responder := access.Speaker{Name: "ci", Token: "ci", Access: commands.Responder}
	for _, c := range []struct {
		by           access.Speaker
		who          signin.Session
		open         bool
		person, name string
		access       commands.Access
		token        string
	}{
		{operator(), signin.Session{Person: "ben"}, true, "ben", "Ben", commands.Commander, "operator"},
		{operator(), signin.Session{Person: "ben", Name: "Somebody"}, true, "ben", "Ben", commands.Commander, "operator"},
		{operator(), signin.Session{}, true, "", "operator", commands.Admin, ""},
		{operator(), signin.Session{Person: "nobody"}, true, "", "operator", commands.Admin, ""},
		{responder, signin.Session{Person: "ana", Name: "Ana"}, false, "", "ci", commands.Responder, ""},
		{access.Speaker{Name: "Zoe"}, signin.Session{Person: "ana", Name: "Ana"}, false, "", "Zoe", commands.Guest, ""},
		{w.Person("dan"), signin.Session{Person: "ana", Name: "Ana"}, false, "dan", "Dan", commands.Responder, ""},
		{w.Person("ana"), signin.Session{Person: "ben"}, false, "ana", "Ana", commands.Admin, ""},
	} {
		token := w.LinkToken(c.by)
		if link, err := w.SignIn.ReadLink(t.Context(), token); err != nil || link.IsOpen() != c.open {
			t.Errorf("%s as %+v: link %+v %v", c.by.Name, c.who, link, err)
		}
		s, secret := w.SignInWith(token, c.who)
		who, in := w.SessionSpeaker(secret)
		if !in || who.Person != c.person || who.Name != c.name || who.Access != c.access || who.Token != c.token || s.Chosen != (c.open && c.person != "") {
			t.Errorf("%s as %+v: session %+v, speaker %+v", c.by.Name, c.who, s, who)
		}
	}
	// Events name the person who was chosen, and the token.
	_, secret := w.SignInWith(w.LinkToken(operator()), signin.Session{Person: "ben"})
	ben, _ := w.SessionSpeaker(secret)
	if _, err := w.Dispatcher.Run(t.Context(), dispatch.Request{Text: "declare Checkout is down", Speaker: ben}); err != nil {
		t.Fatal(err)
	}
	entries, err := w.Incidents.Timeline(t.Context(), "INC-1", operator())
	if err != nil || len(entries) == 0 || entries[0].By != "Ben, by token operator" {
		t.Errorf("the record says %+v %v", entries, err)
	}
}

// TestOpenLinkName: a free name is accepted only while no people are configured.
func TestOpenLinkName(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	for _, c := range []struct {
		people int
		want   string
	}{{3, "operator"}, {0, "Ben"}} {
		org := bottest.SampleOrganization()
		org.Directory.People = org.Directory.People[:c.people]
		if err := w.Configure(org, map[string]bot.Pager{"log": w}); err != nil {
			t.Fatal(err)
		}
		_, secret := w.SignInWith(w.LinkToken(operator()), signin.Session{Name: "  Ben\n\u202e", Person: "nobody"})
		who, in := w.SessionSpeaker(secret)
		if !in || who.Person != "" || who.Name != c.want || who.Access != commands.Admin {
			t.Fatalf("signed in as %+v %v, want %s", who, in, c.want)
		}
	}
}

// TestLinkLimitsAccess: a session has at most the access of the link's creator.
func TestLinkLimitsAccess(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	for _, c := range []struct{ of, person, want commands.Access }{
		{commands.Responder, commands.Admin, commands.Responder},
		{commands.Admin, commands.Stakeholder, commands.Stakeholder},
		{commands.Guest, commands.Admin, commands.Guest},
	} {
		org := bottest.SampleOrganization()
		org.DefaultAccess, org.Directory.People[0].Access = commands.Guest, c.person
		if err := w.Configure(org, map[string]bot.Pager{"log": w}); err != nil {
			t.Fatal(err)
		}
		by := w.Person("ana")
		by.Access = c.of
		_, secret := w.SignInWith(w.LinkToken(by), signin.Session{})
		if who, in := w.SessionSpeaker(secret); !in || who.Access != c.want {
			t.Errorf("by %s for %s: signed in as %s", c.of, c.person, who.Access)
		}
	}
}

// TestSignInPurge: creating a link deletes links and sessions that expired more than a
// day ago, and no others.
func TestSignInPurge(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.LinkToken(w.Person("ana"))
	copyRecord(t, w, "sign-in", 600) // more than are read at once
	used := w.LinkToken(w.Person("ana"))
	_, secret := w.SignInWith(used, signin.Session{})
	w.Clock = w.Clock.Add(signin.LinkLife + 24*time.Hour)
	old := w.LinkToken(w.Person("ben"))
	if _, err := w.SignIn.ReadLink(t.Context(), used); !errors.Is(err, signin.ErrUsedLink) {
		t.Errorf("a day later: %v", err)
	}
	w.Clock = w.Clock.Add(time.Second)
	live := w.LinkToken(w.Person("ben"))
	if n, sessions := w.CountRecords("sign-in"), w.CountRecords("session"); n != 2 || sessions != 1 {
		t.Fatalf("%d links and %d sessions are kept", n, sessions)
	}
	if _, err := w.SignIn.ReadLink(t.Context(), used); !errors.Is(err, signin.ErrBadLink) {
		t.Errorf("a link that was cleared up: %v", err)
	}
	for _, token := range []string{live, old} {
		if _, err := w.SignIn.ReadLink(t.Context(), token); err != nil {
			t.Error(err)
		}
	}
	if _, in := w.SessionSpeaker(secret); in {
		t.Error("signed in after its end")
	}
	_, secret = w.SignInWith(live, signin.Session{})
	w.Clock = w.Clock.Add(signin.SessionLife)
	w.LinkToken(w.Person("ana"))
	if n, sessions := w.CountRecords("sign-in"), w.CountRecords("session"); n != 3 || sessions != 1 {
		t.Fatalf("%d links and %d sessions are kept", n, sessions)
	}
	if _, in := w.SessionSpeaker(secret); !in {
		t.Error("a session was cleared up before its end")
	}
}

// copyRecord stores copies of the only record of a kind.
func copyRecord(t *testing.T, w *bottest.App, kind string, many int) {
	t.Helper()
	all, err := w.Store.Records(t.Context(), kind, "", 1)
	if err != nil || len(all) != 1 {
		t.Fatal(len(all), err)
	}
	c := bot.Commit{At: w.Clock}
	for n := range many {
		c.Records = append(c.Records, bot.RecordChange{Kind: kind, ID: fmt.Sprint("copy ", n), Body: all[0].Body})
	}
	if _, err := w.Store.Commit(t.Context(), c); err != nil {
		t.Fatal(err)
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
