package signin_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/memory"
	"tocsin/bot/bottest"
	"tocsin/bot/signin"
)

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
	i, err := w.Incidents.Get(t.Context(), "INC-1", w.PageLinks.Speaker(link))
	if err != nil {
		t.Fatal(err)
	}
	reply, err := w.Dispatcher.Acknowledge(t.Context(), link.Incident, w.PageLinks.Speaker(link), i.Seq)
	if err != nil || !reply.OK {
		t.Fatalf("%+v %v", reply, err)
	}
	w.Clock = w.Clock.Add(25 * time.Hour)
	if _, err := w.PageLinks.Read(token); !errors.Is(err, signin.ErrExpiredLink) {
		t.Errorf("after a day: %v", err)
	}
}
