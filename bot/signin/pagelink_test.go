package signin_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot/bottest"
	"tocsin/bot/signin"
)

// TestE5LinkCarriesSeen: the link in a page says what the page shows. A link of an earlier
// version, which does not, still works (E5: an acknowledgement carries what was seen).
func TestE5LinkCarriesSeen(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down --sev 1 --service search")
	i, err := w.LoadUnchecked(t.Context(), "INC-1")
	if err != nil {
		t.Fatal(err)
	}
	w.Advance(0)
	_, token, _ := strings.Cut(w.Paged[0].Incidents[0].AcknowledgeURL, "/ack/")
	if link, bad := w.PageLinks.Read(token); bad != nil || link.Seen < i.Paging.Trigger || link.Seen == 0 {
		t.Errorf("link %+v, %v; the incident was at %d", link, bad, i.Seq)
	}
	sign := func(payload string) string {
		mac := hmac.New(sha256.New, []byte("0123456789abcdef"))
		mac.Write([]byte("acknowledge\n" + payload))
		return base64.RawURLEncoding.EncodeToString([]byte(payload)) + "." + base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
	}
	expires := strconv.FormatInt(w.Clock.Add(time.Hour).Unix(), 36)
	old, err := w.PageLinks.Read(sign("INC-1\n1.0.0.0/ben/email\nben\n" + expires))
	if err != nil || old.Person != "ben" || old.Seen != 0 {
		t.Errorf("a link of an earlier version: %+v, %v", old, err)
	}
	for _, payload := range []string{"INC-1\np\nben", "INC-1\np\nben\n" + expires + "\nx", "INC-1\np\nben\n" + expires + "\n4\nmore"} {
		if _, err := w.PageLinks.Read(sign(payload)); !errors.Is(err, signin.ErrBadLink) {
			t.Errorf("%q: %v", payload, err)
		}
	}
}

// TestP5AckLink: the link in a page is bound to the page and its recipient, works for
// 24 hours, and acknowledges what the person saw.
func TestP5AckLink(t *testing.T) {
	w := bottest.NewApp(t, memory.New())
	w.Say("ben", "declare Checkout is down --sev 1 --service search")
	w.Advance(0)
	var url string
	for _, p := range w.Paged {
		if p.Person == "ben" {
			url = p.Incidents[0].AcknowledgeURL
		}
	}
	token, ok := strings.CutPrefix(url, "https://tocsin.example.com/ack/")
	if !ok {
		t.Fatalf("no link in the page: %q of %d pages", url, len(w.Paged))
	}
	for _, bad := range []string{"", "x", token[:len(token)-2], "A" + token, token + "A", strings.Replace(token, ".", "", 1)} {
		if _, err := w.PageLinks.Read(bad); !errors.Is(err, signin.ErrBadLink) {
			t.Errorf("%q: %v", bad, err)
		}
	}
	link, err := w.PageLinks.Read(token)
	if err != nil || link.Person != "ben" || link.Incident != "INC-1" {
		t.Fatalf("link %+v %v", link, err)
	}
	ben, ok := w.PageLinks.Speaker(link)
	i, err := w.Incidents.Get(t.Context(), "INC-1", ben)
	if err != nil || !ok {
		t.Fatal(ok, err)
	}
	reply, err := w.Dispatcher.Acknowledge(t.Context(), link.Incident, ben, i.Seq)
	if err != nil || !reply.OK {
		t.Fatalf("%+v %v", reply, err)
	}
	w.Clock = w.Clock.Add(25 * time.Hour)
	if _, err := w.PageLinks.Read(token); !errors.Is(err, signin.ErrExpiredLink) {
		t.Errorf("after a day: %v", err)
	}
}
