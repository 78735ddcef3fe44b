package dispatch_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot/access"
	"tocsin/bot/bottest"
	"tocsin/bot/dispatch"
	"tocsin/bot/signin"
	"tocsin/commands"
)

// readLink returns the link that a reply begins with.
func readLink(t *testing.T, w *bottest.App, reply dispatch.Reply) signin.Link {
	t.Helper()
	first, _, _ := strings.Cut(reply.Text, "\n")
	token, ok := strings.CutPrefix(first, "https://tocsin.example.com/sign-in/")
	if !reply.OK || !ok {
		t.Fatalf("no link: %v %q", reply.OK, reply.Text)
	}
	link, err := w.SignIn.ReadLink(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}
	return link
}

// TestWeb: the command `web` returns a sign-in link of the speaker that opens the
// incident.
func TestWeb(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down")
	w.Say("ben", "declare Search is slow")
	for _, c := range []struct{ who, room, line, to string }{
		{"ana", "", "web", "/"},
		{"ben", "INC-1", "web", "/incidents/INC-1"},
		{"ben", "INC-1", "web INC-2", "/incidents/INC-2"},
		{"ana", "", "/web inc-2", "/incidents/INC-2"},
	} {
		reply := w.Run(w.Person(c.who), c.room, c.line)
		if link := readLink(t, w, reply); link.Person != c.who || link.To != c.to || !strings.Contains(reply.Text, "once, until 03:15 UTC") {
			t.Errorf("%s: %+v, %q", c.line, link, reply.Text)
		}
	}
	zoe := access.Speaker{Name: "Zoe"} // a guest may look at cards
	if link := readLink(t, w, w.Run(zoe, "", "web")); link.Person != "" || link.Name != "Zoe" || link.Access != commands.Guest || link.IsOpen() {
		t.Errorf("a guest's link: %+v", link)
	}
	kathmandu := w.Person("ana")
	kathmandu.Zone = time.FixedZone("+0545", 5*3600+45*60)
	if reply := w.Run(kathmandu, "", "web"); !strings.Contains(reply.Text, "until 09:00 +0545") {
		t.Errorf("not on the speaker's clock: %q", reply.Text)
	}
	if reply := w.Run(w.Person("ana"), "", "web nonsense"); reply.OK {
		t.Errorf("%q", reply.Text)
	}
}

// TestP2Web: for a private incident `web` answers as if it did not exist, and creates
// no link.
func TestP2Web(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Data leak --private --service search")
	eve := access.Speaker{Person: "eve", Name: "Eve", Access: commands.Admin}
	for _, c := range []struct{ room, line string }{{"", "web INC-1"}, {"INC-1", "web"}, {"", "web INC-99"}} {
		reply := w.Run(eve, c.room, c.line)
		id := map[bool]string{true: "INC-99", false: "INC-1"}[strings.Contains(c.line, "99")]
		if reply.OK || reply.Incident != "" || reply.Text != id+" does not exist. `list` shows the open incidents." {
			t.Errorf("%s in %q: %+v", c.line, c.room, reply)
		}
	}
	if n := w.CountRecords("sign-in"); n != 0 {
		t.Errorf("%d links were made", n)
	}
	if link := readLink(t, w, w.Run(w.Person("ben"), "INC-1", "web")); link.To != "/incidents/INC-1" {
		t.Errorf("a member's link: %+v", link)
	}
}

// TestWebSessions: people list and end their own sessions.
func TestWebSessions(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Expect(w.Run(w.Person("ben"), "", "web sessions"), true, "No browser is signed in.")
	one, secret := w.SignInWith(w.LinkToken(w.Person("ben")), signin.Session{Browser: "Firefox on Linux", From: "192.0.2.7"})
	w.Clock = w.Clock.Add(time.Hour)
	two, _ := w.SignInWith(w.LinkToken(w.Person("ben")), signin.Session{})
	other, _ := w.SignInWith(w.LinkToken(w.Person("dan")), signin.Session{Browser: "Safari on iPhone"})
	text := w.Run(w.Person("ben"), "INC-1", "web sessions").Text
	lines := strings.Split(text, "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], two.ID) || !strings.Contains(lines[0], "unknown browser, unknown address") ||
		lines[1] != one.ID+"  Ben, since 03:00 UTC, until 15:00 UTC: Firefox on Linux, 192.0.2.7" || !strings.Contains(lines[2], "web revoke") {
		t.Errorf("sessions:\n%s", text)
	}
	if strings.Contains(text, secret) {
		t.Error("P4: the list contains a secret")
	}
	w.Expect(w.Run(w.Person("ana"), "", "web sessions"), true, other.ID)
	w.Expect(w.Run(w.Person("ben"), "", "web revoke"), false, "Which session?")
	w.Expect(w.Run(w.Person("ben"), "", "web revoke 12345678"), false, "No session is called \"12345678\". `web sessions` lists them.")
	w.Expect(w.Run(w.Person("ben"), "", "web revoke "+other.ID), false, "No session is called")
	w.Expect(w.Run(w.Person("ben"), "", "web revoke \u202e\x00"+strings.Repeat("x", 10_000)), false, "No session is called \"xxx")
	if _, in := w.SessionSpeaker(secret); !in {
		t.Fatal("a session was ended that was not named")
	}
	w.Expect(w.Run(w.Person("ben"), "", "web revoke "+one.ID), true, "Signed out: 1.")
	if _, in := w.SessionSpeaker(secret); in {
		t.Error("a session that was ended still works")
	}
	w.Expect(w.Run(w.Person("ben"), "", "web revoke ALL"), true, "Signed out: 1.")
	w.Expect(w.Run(w.Person("ben"), "", "web revoke all"), false, "No session is called \"all\".")
	w.Expect(w.Run(w.Person("dan"), "", "web sessions"), true, other.ID)
}
