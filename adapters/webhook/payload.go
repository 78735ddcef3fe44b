package webhook

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// The limits of a body. Incidents that do not fit are counted; a page is never
// refused for its size.
const (
	maxBody     = 64 << 10 // bytes
	maxServices = 20       // of one incident
	maxLink     = 2000     // bytes of a URL
)

// payload is the JSON body of a request.
type payload struct {
	Type      string              `json:"type"` // "page" or "page.canceled"
	ID        string              `json:"id"`   // the same as in the header webhook-id
	Timestamp time.Time           `json:"timestamp"`
	Purpose   workflow.Purpose    `json:"purpose"`
	Person    string              `json:"person,omitempty"` // who is paged through the receiver; absent when the receiver itself is paged
	Why       string              `json:"why,omitempty"`    // of page.canceled
	Incidents []bot.PagedIncident `json:"incidents"`
	Omitted   int                 `json:"omitted,omitempty"` // incidents that did not fit
	Text      string              `json:"text"`
}

// withPage returns the payload with the content of a page.
func (n payload) withPage(page bot.Page, now time.Time) payload {
	complete := n
	complete.Timestamp = now.UTC().Truncate(time.Second) // as in the header
	complete.Purpose = page.Purpose
	if !strings.HasPrefix(page.Person, "webhook:") {
		complete.Person = cleanLine(page.Person)
	}
	complete.Incidents = make([]bot.PagedIncident, 0, len(page.Incidents))
	for _, i := range page.Incidents {
		complete.Incidents = append(complete.Incidents, sanitizeIncident(i))
	}
	complete.Text = plainText(page.Content)
	return complete
}

// sanitizeIncident makes an incident safe to show and limits its size. A
// private incident has no title (P2: private means members only), whether or
// not the caller has removed it.
func sanitizeIncident(i bot.PagedIncident) bot.PagedIncident {
	limited := i
	limited.Title = cleanLine(i.Title)
	if i.Private {
		limited.Title = ""
	}
	limited.DeclaredAt = i.DeclaredAt.UTC()
	limited.Services = make([]string, 0, min(len(i.Services), maxServices))
	for _, s := range i.Services[:min(len(i.Services), maxServices)] {
		limited.Services = append(limited.Services, cleanLine(s))
	}
	if len(i.URL) > maxLink {
		limited.URL = ""
	}
	if len(i.AcknowledgeURL) > maxLink {
		limited.AcknowledgeURL = ""
	}
	return limited
}

// plainText returns the message as plain text.
func plainText(m card.Content) string {
	text, _ := workflow.CleanText(m.Text, workflow.MaxText)
	return strings.TrimSpace(cleanLine(m.Title) + "\n" + text)
}

// encode returns the body with as many incidents as fit.
func (n payload) encode() ([]byte, error) {
	all := n.Incidents
	for fit := len(all); ; fit /= 2 {
		part := n
		part.Incidents, part.Omitted = all[:fit], len(all)-fit
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(part); err != nil {
			return nil, err
		}
		if b.Len() <= maxBody {
			return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
		}
		if fit == 0 {
			return nil, errors.New("encode page: it is larger than 64 KiB without any incident")
		}
	}
}

// cleanLine makes a text safe and puts it on one line.
func cleanLine(text string) string {
	clean, _ := workflow.CleanLine(text, workflow.MaxTitle)
	return clean
}
