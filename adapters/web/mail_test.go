package web_test

import (
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"tocsin/bot"
)

// askForMail requests a link by mail, and waits until it is sent or refused.
func (h *testServer) askForMail(address string) page {
	h.t.Helper()
	p := h.send("POST", "/sign-in", url.Values{"address": {address}}.Encode(), "Sec-Fetch-Site: same-origin")
	h.pages.Close() // it waits for mails under way
	return p
}

func TestALinkIsMailed(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.get("/sign-in").expect(200, `name="address"`)
	p := h.askForMail(" Ana@Example.com ").expect(http.StatusSeeOther)
	h.get(p.header.Get("Location")).expect(200, "a link was sent").expectNot("Ana", "ana@")
	mails := h.mail.signIns()
	if len(mails) != 1 || mails[0].Person != "ana" || mails[0].Address != "ana@example.com" || len(mails[0].Content.Buttons) != 1 {
		t.Fatalf("mailed %+v", mails)
	}
	path, ours := strings.CutPrefix(mails[0].Content.Buttons[0].URL, "https://tocsin.example.com")
	if !ours {
		t.Fatalf("the link is %s", mails[0].Content.Buttons[0].URL)
	}
	h.get(path).expect(200, "Ana Silva")
	r := reader{h, h.submitSignIn(path, url.Values{"person": {"ben"}}).expect(http.StatusSeeOther).cookie().Value}
	r.get("/sessions").expect(200, "Ana Silva").expectNot("Ben")
	r.post("/declare", url.Values{"text": {"declare Checkout is down"}}).expect(http.StatusSeeOther)
	r.runCommand("INC-1", "ack INC-1").expect(200)
	if got := h.incident().Acknowledgement.Person; got != "ana" {
		t.Errorf("acknowledged by %q", got)
	}
}

// The response does not show whether a person has the address.
func TestMailResponseIsTheSameForEveryone(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	known := h.askForMail("ana@example.com")
	for _, address := range []string{
		"nobody@example.com", "ana", "@ana", "Ana Silva", "", " ", "*", "ana@example.com\r\nBcc: eve@example.com", strings.Repeat("a", 200<<10),
		"ana@example.com", // a moment ago
	} {
		p := h.askForMail(address)
		p.header.Del("Date")
		known.header.Del("Date")
		if p.status != known.status || p.html != known.html || p.header.Get("Location") != known.header.Get("Location") || len(p.header) != len(known.header) {
			t.Errorf("%.40q is answered %d %v %s, not %d %v", address, p.status, p.header, p.html, known.status, known.header)
		}
	}
	if n := len(h.mail.signIns()); n != 1 {
		t.Errorf("%d mails", n)
	}
	if log := h.log.text(); strings.Contains(log, "example.com") {
		t.Errorf("who asked is logged: %s", log)
	}
}

func TestAPersonIsMailedOnceAMinute(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	mails := func(want int, when string) {
		t.Helper()
		if got := len(h.mail.signIns()); got != want {
			t.Errorf("%s: %d mails, want %d", when, got, want)
		}
	}
	h.askForMail("ana@example.com")
	h.askForMail("ana@example.com")
	mails(1, "at once")
	h.askForMail("ben@example.com")
	mails(2, "to somebody else")
	h.advance(59 * time.Second)
	h.askForMail("ANA@example.com")
	mails(2, "within the minute")
	h.advance(time.Second)
	h.askForMail("ana@example.com")
	mails(3, "after a minute")
	path := strings.TrimPrefix(h.mail.signIns()[2].Content.Buttons[0].URL, "https://tocsin.example.com")
	h.submitSignIn(path, nil).expect(http.StatusSeeOther)
	h.askForMail("ana@example.com")
	mails(3, "after it was used")
}

// Concurrent requests mail one link, so that no one can fill a mailbox.
func TestAPersonIsMailedOnceHoweverManyAskAtOnce(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.store.pairReaders(true)
	var asking sync.WaitGroup
	for range 2 {
		asking.Go(func() {
			h.send("POST", "/sign-in", "address=ana%40example.com", "Sec-Fetch-Site: same-origin").expect(http.StatusSeeOther)
		})
	}
	asking.Wait()
	h.pages.Close()
	if n := len(h.mail.signIns()); n != 1 {
		t.Errorf("%d mails", n)
	}
}

func TestWithoutMail(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	if err := h.bot.Configure(organization(), map[string]bot.Pager{}); err != nil {
		t.Fatal(err)
	}
	h.get("/sign-in").expect(200, signInWays...).expectNot(`name="address"`)
	h.askForMail("ana@example.com").expect(http.StatusSeeOther)
	h.get("/sign-in?mailed").expect(200).expectNot("was sent")
}

func TestFailedMailIsLogged(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	h.mail.shut = true
	h.askForMail("ana@example.com").expect(http.StatusSeeOther)
	if log := h.log.text(); !strings.Contains(log, "could not be mailed") || strings.Contains(log, "/sign-in/") {
		t.Errorf("logged %s", log)
	}
	h.store.readsFail.Store(true)
	h.askForMail("ben@example.com").expect(http.StatusSeeOther)
	if log := h.log.text(); strings.Count(log, "could not be mailed") != 2 {
		t.Errorf("logged %s", log)
	}
}
