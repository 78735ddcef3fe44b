package bot

import (
	"context"
	"time"

	"tocsin/bot/card"
	"tocsin/workflow"
)

// Pager reaches a person or a machine through one medium. An error is
// temporary unless it is [Permanent]; [RetryAfter] says when to try again.
type Pager interface {
	// Page hands one page over. A nil error means that the provider accepted
	// it. The same Key may come twice, after a crash: a medium that can tell
	// must then send nothing, and every medium repeats the same identifier.
	Page(ctx context.Context, p Page) error
}

// Canceler is a pager that can take a page back once somebody has answered.
type Canceler interface {
	// Cancel takes a page back that was handed over, and says why.
	Cancel(ctx context.Context, p Page, why string) error
}

// Rechecker is a pager whose party can be asked what it has been handed.
type Rechecker interface {
	// PageAgain is Page for a page that may have been handed over before,
	// although nobody knows: it asks first, and hands nothing over twice (rule
	// E3).
	PageAgain(ctx context.Context, p Page) error
}

// Page is what a pager hands over. A bundle holds several incidents.
type Page struct {
	Key       string   // stable for ever: Message-ID, webhook-id or provider key derive from it (rule E3)
	Keys      []string // of every page that this message carries; the first is Key
	Purpose   workflow.Purpose
	Person    string    // ID of the person, or "webhook:noc"
	Name      string    // as shown
	Via       string    // the pager's name
	Address   string    // e-mail address, phone number or the webhook's name
	Since     time.Time // not before: where to look for it; zero: not known
	Incidents []PagedIncident
	Content   card.Content
}

// PagedIncident is what a machine needs to know of an incident it is paged
// for. Title is empty when the incident is private.
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
