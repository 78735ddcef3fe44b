package signin_test

import (
	"errors"
	"fmt"
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

// TestSignInZone: a person reads times in the zone that their mail has, whatever the
// browser says (O1d: a time is read without guessing).
func TestSignInZone(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	for zone, want := range map[string]string{
		"Europe/Lisbon": "Europe/Lisbon", "Asia/Kathmandu": "Asia/Kathmandu", "UTC": "UTC",
		"": "", "Local": "", "Nowhere/Land": "", "../../etc/passwd": "", "/etc/passwd": "", "..": "", "Europe": "", "Europe/Lisbon\x00": "", "a\\b": "",
		"<script>": "", strings.Repeat("x", 10_000): "", strings.Repeat("Europe/", 1000) + "Lisbon": "", "zone.tab": "", "\xff": "",
	} {
		s, secret := w.SignInWith(w.LinkToken(w.Person("ana")), signin.Session{Zone: zone})
		who, in := w.SessionSpeaker(secret)
		if s.Zone != want || !in || who.Zone == nil || who.Zone.String() != "UTC" {
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
		{operator(), signin.Session{Person: "ben", Name: "Benjamin"}, true, "ben", "Ben", commands.Commander, "operator"},
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
