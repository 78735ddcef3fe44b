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

// PagerFixture is a pager with a fake of its provider.
type PagerFixture struct {
	Pager   bot.Pager
	Address string // that is paged
	// Received returns the pages that the provider was given, oldest first.
	Received func() []ReceivedPage
	// Secrets must not be contained in any error (P4: secrets are never shown).
	Secrets []string
}

// ReceivedPage is one page as the provider received it.
type ReceivedPage struct {
	ID   string // Message-ID, webhook-id or the provider's key
	Text string // everything that its recipient can read in it
}

// Pager is the conformance suite of [bot.Pager].
func Pager(t *testing.T, open func(t *testing.T) PagerFixture) {
	page := func(f PagerFixture, key string, i workflow.Incident) bot.Page {
		request := card.PageRequest{Incident: i, Purpose: workflow.PurposeEscalation, AckURL: "https://tocsin.example.com/ack/token"}
		p := bot.Page{
			Key: key, Keys: []string{key}, Purpose: workflow.PurposeEscalation, Person: "ana", Name: "Ana Silva", Address: f.Address,
			Content:   card.Page(request, card.View{Zone: time.UTC, URL: "https://tocsin.example.com"}),
			Incidents: []bot.PagedIncident{{ID: i.ID, Private: i.Visibility == workflow.Private, AcknowledgeURL: request.AckURL}},
		}
		if !p.Incidents[0].Private {
			p.Incidents[0].Title = i.Title
		}
		return p
	}
	incident := workflow.Incident{ID: "INC-7", Title: "Checkout is down", Severity: workflow.SEV1, Status: workflow.Triage, DeclaredAt: Epoch}

	// A repeated page has the same identifier, another page another one (E3: check again
	// before each send).
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
			t.Errorf("the page lacks the title or the acknowledgement link:\n%s", got[0].Text)
		}
	})
	// The page of a private incident says only its ID (P2: private means members only).
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
	// A canceled send returns at once with a temporary error. Nothing was sent, so the
	// outcome is known (E4c: slow is not failed).
	t.Run("Canceled", func(t *testing.T) {
		f := open(t)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		err := f.Pager.Page(ctx, page(f, "INC-7/1.0.0.0/ana/x", incident))
		if err == nil || bot.IsPermanent(err) {
			t.Errorf("a canceled send returns %v", err)
		}
		if errors.Is(err, bot.ErrUnknownOutcome) {
			t.Errorf("nothing was sent, and the outcome is unknown: %v", err)
		}
		for _, s := range f.Secrets {
			if err != nil && strings.Contains(err.Error(), s) {
				t.Errorf("P4: the error contains a secret: %v", errors.Unwrap(err))
			}
		}
	})
}
