package bot_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/bottest"
	"tocsin/bot/dispatch"
	"tocsin/bot/signin"
	"tocsin/commands"
	"tocsin/workflow"
)

// ask runs a line in a room.
func (w *town) ask(s access.Speaker, room, line string) dispatch.Reply {
	w.t.Helper()
	reply, err := w.Dispatcher.Run(w.t.Context(), dispatch.Request{Text: line, Room: room, Speaker: s})
	if err != nil {
		w.t.Fatal(err)
	}
	return reply
}

// linked returns the link that a reply begins with.
func (w *town) linked(reply dispatch.Reply) signin.SignIn {
	w.t.Helper()
	first, _, _ := strings.Cut(reply.Text, "\n")
	token, is := strings.CutPrefix(first, "https://tocsin.example.com/sign-in/")
	if !reply.OK || !is {
		w.t.Fatalf("no link: %v %q", reply.OK, reply.Text)
	}
	link, err := w.SignIn.Read(w.t.Context(), token)
	if err != nil {
		w.t.Fatal(err)
	}
	return link
}

// TestWeb: the word `web` makes a link for whoever says it, that leads to the
// incident they mean.
func TestWeb(t *testing.T) {
	w := newTown(t)
	w.say("ben", "declare Checkout is down")
	w.say("ben", "declare Search is slow")
	for _, c := range []struct{ who, room, line, to string }{
		{"ana", "", "web", "/"},
		{"ben", "INC-1", "web", "/incidents/INC-1"},
		{"ben", "INC-1", "web INC-2", "/incidents/INC-2"},
		{"ana", "", "/web inc-2", "/incidents/INC-2"},
	} {
		reply := w.ask(w.person(c.who), c.room, c.line)
		if link := w.linked(reply); link.Person != c.who || link.To != c.to || !strings.Contains(reply.Text, "once, until 03:15 UTC") {
			t.Errorf("%s: %+v, %q", c.line, link, reply.Text)
		}
	}
	zoe := access.Speaker{Name: "Zoe"} // a guest may look at cards
	if link := w.linked(w.ask(zoe, "", "web")); link.Person != "" || link.Name != "Zoe" || link.Access != commands.Guest || link.Open() {
		t.Errorf("a guest's link: %+v", link)
	}
	kathmandu := w.person("ana")
	kathmandu.Zone = time.FixedZone("+0545", 5*3600+45*60)
	if reply := w.ask(kathmandu, "", "web"); !strings.Contains(reply.Text, "until 09:00 +0545") {
		t.Errorf("not on the speaker's clock: %q", reply.Text)
	}
	if reply := w.ask(w.person("ana"), "", "web nonsense"); reply.OK {
		t.Errorf("%q", reply.Text)
	}
}

// TestP2Web: a private incident is refused in the words of one that is not
// there, and no link is made.
func TestP2Web(t *testing.T) {
	w := newTown(t)
	w.say("ben", "declare Data leak --private --service search")
	eve := access.Speaker{Person: "eve", Name: "Eve", Access: commands.Admin}
	for _, c := range []struct{ room, line string }{{"", "web INC-1"}, {"INC-1", "web"}, {"", "web INC-99"}} {
		reply := w.ask(eve, c.room, c.line)
		id := map[bool]string{true: "INC-99", false: "INC-1"}[strings.Contains(c.line, "99")]
		if reply.OK || reply.Incident != "" || reply.Text != id+" does not exist. `list` shows the open incidents." {
			t.Errorf("%s in %q: %+v", c.line, c.room, reply)
		}
	}
	if n := w.records("sign-in"); n != 0 {
		t.Errorf("%d links were made", n)
	}
	if link := w.linked(w.ask(w.person("ben"), "INC-1", "web")); link.To != "/incidents/INC-1" {
		t.Errorf("a member's link: %+v", link)
	}
}

// TestWebSessions: everybody sees where they are signed in, and ends it.
func TestWebSessions(t *testing.T) {
	w := newTown(t)
	w.expect(w.ask(w.person("ben"), "", "web sessions"), true, "No browser is signed in.")
	one, secret := w.enter(w.token(w.person("ben")), signin.Session{Browser: "Firefox on Linux", From: "192.0.2.7"})
	w.now = w.now.Add(time.Hour)
	two, _ := w.enter(w.token(w.person("ben")), signin.Session{})
	other, _ := w.enter(w.token(w.person("dan")), signin.Session{Browser: "Safari on iPhone"})
	text := w.ask(w.person("ben"), "INC-1", "web sessions").Text
	lines := strings.Split(text, "\n")
	if len(lines) != 3 || !strings.HasPrefix(lines[0], two.ID) || !strings.Contains(lines[0], "unknown browser, unknown address") ||
		lines[1] != one.ID+"  Ben, since 03:00 UTC, until 15:00 UTC: Firefox on Linux, 192.0.2.7" || !strings.Contains(lines[2], "web revoke") {
		t.Errorf("sessions:\n%s", text)
	}
	if strings.Contains(text, secret) {
		t.Error("P4: the list tells a secret")
	}
	w.expect(w.ask(w.person("ana"), "", "web sessions"), true, other.ID)
	w.expect(w.ask(w.person("ben"), "", "web revoke"), false, "Which session?")
	w.expect(w.ask(w.person("ben"), "", "web revoke 12345678"), false, "No session is called \"12345678\". `web sessions` lists them.")
	w.expect(w.ask(w.person("ben"), "", "web revoke "+other.ID), false, "No session is called")
	w.expect(w.ask(w.person("ben"), "", "web revoke \u202e\x00"+strings.Repeat("x", 10_000)), false, "No session is called \"xxx")
	if _, in := w.inside(secret); !in {
		t.Fatal("a session was ended that nobody named")
	}
	w.expect(w.ask(w.person("ben"), "", "web revoke "+one.ID), true, "Signed out: 1.")
	if _, in := w.inside(secret); in {
		t.Error("a session that was ended goes on")
	}
	w.expect(w.ask(w.person("ben"), "", "web revoke ALL"), true, "Signed out: 1.")
	w.expect(w.ask(w.person("ben"), "", "web revoke all"), false, "No session is called \"all\".")
	w.expect(w.ask(w.person("dan"), "", "web sessions"), true, other.ID)
}

// TestMailSignIn: whoever is configured with an address gets a link, once a
// minute; whoever asks learns nothing of that.
func TestMailSignIn(t *testing.T) {
	w := newTown(t)
	ask := func(address string, want int) {
		t.Helper()
		w.paged = nil
		if err := w.SignIn.Mail(t.Context(), address); err != nil {
			t.Errorf("%.40q: %v", address, err)
		}
		if len(w.paged) != want {
			t.Errorf("%.40q: %d mails, want %d", address, len(w.paged), want)
		}
	}
	for _, nobody := range []string{"", "@", "eve@example.com", "ana", "@ana", "Ana", "ana@example.com,eve@example.com", "ana@example.com\r\nBcc: eve@example.com", strings.Repeat("a", 100_000)} {
		ask(nobody, 0)
	}
	if n := w.records("sign-in"); n != 0 {
		t.Errorf("%d links were made for nobody", n)
	}
	ask(" Ana@Example.com ", 1)
	mail := w.paged[0]
	if mail.Address != "ana@example.com" || mail.Person != "ana" || mail.Purpose != workflow.PurposeNotice || mail.Key == "" || len(mail.Keys) != 1 || mail.Keys[0] != mail.Key || len(mail.Incidents) != 0 {
		t.Errorf("mail %+v", mail)
	}
	token := strings.TrimPrefix(mail.Content.Buttons[0].URL, "https://tocsin.example.com/sign-in/")
	if link, err := w.SignIn.Read(t.Context(), token); err != nil || link.Person != "ana" || link.To != "/" {
		t.Errorf("link %+v %v", link, err)
	}
	if strings.Contains(mail.Key, token) {
		t.Errorf("P4: the identifier of the mail is its secret: %s", mail.Key)
	}
	w.now = w.now.Add(59 * time.Second)
	ask("ana@example.com", 0)
	ask("ben@example.com", 1) // the minute is each person's own
	w.enter(token, signin.Session{})
	ask("ana@example.com", 0) // also when the first link has been used
	w.now = w.now.Add(time.Second)
	ask("ana@example.com", 1)
	if w.paged[0].Key == mail.Key {
		t.Error("another mail has the identifier of the first")
	}
}

// TestMailSignInAtOnce: of those who ask at the same moment one is mailed.
func TestMailSignInAtOnce(t *testing.T) {
	w := newTown(t)
	var all, looked sync.WaitGroup
	looked.Add(20)
	w.read = func(kind string) {
		if kind == "sign-in-mail" {
			looked.Done()
			looked.Wait()
		}
	}
	for range 20 {
		all.Go(func() {
			if err := w.SignIn.Mail(t.Context(), "ana@example.com"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(w.paged) != 1 || w.records("sign-in") != 1 {
		t.Errorf("%d mails, %d links", len(w.paged), w.records("sign-in"))
	}
}

// TestMailSignInOtherLinks: links that were not mailed do not hold mail back,
// and two people with one address get nothing: it is not known who asks.
func TestMailSignInOtherLinks(t *testing.T) {
	w := newTown(t)
	w.token(w.person("ana"))
	if err := w.SignIn.Mail(t.Context(), "ana@example.com"); err != nil || len(w.paged) != 1 {
		t.Errorf("%d mails, %v", len(w.paged), err)
	}
	org := bottest.Town()
	org.Directory.People[1].Email = "ana@example.com"
	if err := w.Configure(org, map[string]bot.Pager{"email": w}); err != nil {
		t.Fatal(err)
	}
	w.now, w.paged = w.now.Add(time.Hour), nil
	if err := w.SignIn.Mail(t.Context(), "ana@example.com"); err != nil || len(w.paged) != 0 {
		t.Errorf("%d mails, %v", len(w.paged), err)
	}
}

// TestMailSignInFails: whoever runs Tocsin learns why no mail goes out.
func TestMailSignInFails(t *testing.T) {
	w := newTown(t)
	if !w.SignIn.CanMail() {
		t.Error("mail is connected")
	}
	w.refuse = errors.New("connection refused")
	if err := w.SignIn.Mail(t.Context(), "ana@example.com"); !errors.Is(err, w.refuse) {
		t.Errorf("the mail was refused: %v", err)
	}
	if err := w.Configure(bottest.Town(), map[string]bot.Pager{"sms": w}); err != nil {
		t.Fatal(err)
	}
	if w.SignIn.CanMail() {
		t.Error("mail is not connected")
	}
	if err := w.SignIn.Mail(t.Context(), "ben@example.com"); err == nil || !strings.Contains(fmt.Sprint(err), "not connected") {
		t.Errorf("mail is not connected: %v", err)
	}
	if err := w.SignIn.Mail(t.Context(), "eve@example.com"); err != nil {
		t.Errorf("for nobody: %v", err)
	}
}
