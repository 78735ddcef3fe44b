package bot

import (
	"context"
	"time"

	"tocsin/bot/card"
	"tocsin/workflow"
)

// Pager reaches a person or a machine through one medium. An error is temporary
// unless it is [Permanent]; [RetryAfter] says when to try again, and
// [ErrUnknownOutcome] that the page may have been accepted.
type Pager interface {
	// Page hands one page to the provider; nil means that the provider accepted it. It
	// may take minutes: each pager has the time limits of its protocol.
	// After a crash the same Key may come twice: a medium that can detect it sends
	// nothing then, and every medium repeats the same identifier.
	Page(ctx context.Context, p Page) error
}

// Canceler is implemented by a [Pager] that can take a page back once a person has
// answered.
type Canceler interface {
	// Cancel takes back a page that was handed over. why is shown to the recipient.
	Cancel(ctx context.Context, p Page, why string) error
}

// Rechecker is implemented by a [Pager] whose provider can be asked which pages it
// has accepted.
type Rechecker interface {
	// PageAgain pages after an attempt whose answer was lost: it asks the provider
	// first, and hands nothing over twice (E3: check again before each send).
	PageAgain(ctx context.Context, p Page) error
}

// Dropper is implemented by a [Pager] that keeps a place in a queue for a page that it has
// put off.
type Dropper interface {
	// Drop gives up the place of the page with a key: it is not wanted any more.
	Drop(key string)
}

// Page is one message for a pager. A bundle carries the pages of several incidents.
type Page struct {
	Key       string   // stable: Message-ID, webhook-id or the provider's key derive from it (E3: check again before each send)
	Keys      []string // of every page that the message carries; the first is Key
	Purpose   workflow.Purpose
	Severity  workflow.Severity // the worst of its incidents
	Person    string            // ID of the person, or a machine such as "webhook:noc"
	Name      string            // as shown
	Via       string            // the pager's name
	Address   string            // e-mail address, phone number, account ID or the webhook's name
	Since     time.Time         // an earlier attempt was not before this time; zero: not known
	Incidents []PagedIncident
	Content   card.Content
}

// PagedIncident is an incident as a machine that is paged for it reads it. Of a
// private incident only ID, Private and the addresses are set (P2: private means
// members only).
type PagedIncident struct {
	ID             string    `json:"id"`
	Title          string    `json:"title,omitempty"`
	Severity       string    `json:"severity,omitempty"`
	Status         string    `json:"status,omitempty"`
	Services       []string  `json:"services,omitempty"`
	DeclaredAt     time.Time `json:"declared_at,omitzero"`
	Private        bool      `json:"private,omitempty"`
	URL            string    `json:"url,omitempty"`
	AcknowledgeURL string    `json:"acknowledge_url,omitempty"`
}
