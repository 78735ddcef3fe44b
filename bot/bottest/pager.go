package bottest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// PagerFixture is a pager with the other side that a test can look at.
type PagerFixture struct {
	Pager   bot.Pager
	Address string // to page
	// Received returns what the other side was given, oldest first.
	Received func() []ReceivedPage
	// Secrets must reach no error.
	Secrets []string
}

// ReceivedPage is one page as the other side saw it.
type ReceivedPage struct {
	ID   string // Message-ID, webhook-id or the provider's key
	Text string // everything a person or a machine can read in it
}

// Pager is the conformance suite of [bot.Pager].
func Pager(t *testing.T, open func(t *testing.T) PagerFixture) {
	page := func(f PagerFixture, key string, i workflow.Incident) bot.Page {
		asked := card.PageRequest{Incident: i, Purpose: workflow.PurposeEscalation, AckURL: "https://tocsin.example.com/ack/token"}
		p := bot.Page{
			Key: key, Keys: []string{key}, Purpose: workflow.PurposeEscalation, Person: "ana", Name: "Ana Silva", Address: f.Address,
			Content:   card.Page(asked, card.View{Zone: time.UTC, URL: "https://tocsin.example.com"}),
			Incidents: []bot.PagedIncident{{ID: i.ID, Private: i.Visibility == workflow.Private, AcknowledgeURL: asked.AckURL}},
		}
		if !p.Incidents[0].Private {
			p.Incidents[0].Title = i.Title
		}
		return p
	}
	incident := workflow.Incident{ID: "INC-7", Title: "Checkout is down", Severity: workflow.SEV1, Status: workflow.Triage, DeclaredAt: Epoch}

	// E3: the repeat of a page carries the same identifier; another page another.
	t.Run("SameKeySameIdentifier", func(t *testing.T) {
		f := open(t)
		for _, key := range []string{"INC-7/1.0.0.0/ana/x", "INC-7/1.0.0.0/ana/x", "INC-7/1.0.1.0/ana/x"} {
			if err := f.Pager.Page(t.Context(), page(f, key, incident)); err != nil {
				t.Fatal(err)
			}
		}
		got := f.Received()
		if len(got) != 3 || got[0].ID == "" || got[0].ID != got[1].ID || got[0].ID == got[2].ID {
			t.Fatalf("received %+v", got)
		}
		if !strings.Contains(got[0].Text, "Checkout is down") || !strings.Contains(got[0].Text, "https://tocsin.example.com/ack/token") {
			t.Errorf("the page says neither what it is about nor how to answer:\n%s", got[0].Text)
		}
	})
	// P2: of a private incident a page says only that it is there.
	t.Run("Private", func(t *testing.T) {
		f := open(t)
		secret := incident
		secret.Title, secret.Visibility = "Data leak", workflow.Private
		if err := f.Pager.Page(t.Context(), page(f, "INC-7/1.0.0.0/ana/x", secret)); err != nil {
			t.Fatal(err)
		}
		if text := f.Received()[0].Text; strings.Contains(text, "leak") || !strings.Contains(text, "INC-7") {
			t.Errorf("the page says:\n%s", text)
		}
	})
	// A send that may not last any longer ends, and is temporary.
	t.Run("Canceled", func(t *testing.T) {
		f := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := f.Pager.Page(ctx, page(f, "INC-7/1.0.0.0/ana/x", incident))
		if err == nil || bot.IsPermanent(err) {
			t.Errorf("a canceled send answers %v", err)
		}
		for _, s := range f.Secrets {
			if err != nil && strings.Contains(err.Error(), s) {
				t.Errorf("P4: the error tells a secret: %v", errors.Unwrap(err))
			}
		}
	})
}
