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

// Bounds of a body. What does not fit is counted, never refused.
const (
	maxBody     = 64 << 10 // bytes
	maxServices = 20       // of one incident
	maxLink     = 2000     // bytes of a URL
)

// notice is the body.
type notice struct {
	Type      string              `json:"type"` // "page" or "page.canceled"
	ID        string              `json:"id"`   // the same as in the header webhook-id
	Timestamp time.Time           `json:"timestamp"`
	Purpose   workflow.Purpose    `json:"purpose"`
	Person    string              `json:"person,omitempty"` // who is paged through the receiver; absent if it is paged itself
	Why       string              `json:"why,omitempty"`    // of page.canceled
	Incidents []bot.PagedIncident `json:"incidents"`
	Omitted   int                 `json:"omitted,omitempty"` // incidents that did not fit
	Text      string              `json:"text"`
}

// about adds what a page says.
func (n notice) about(page bot.Page, now time.Time) notice {
	filled := n
	filled.Timestamp = now.UTC().Truncate(time.Second) // as in the header
	filled.Purpose = page.Purpose
	if !strings.HasPrefix(page.Person, "webhook:") {
		filled.Person = line(page.Person)
	}
	filled.Incidents = make([]bot.PagedIncident, 0, len(page.Incidents))
	for _, i := range page.Incidents {
		filled.Incidents = append(filled.Incidents, bounded(i))
	}
	filled.Text = words(page.Content)
	return filled
}

// bounded makes an incident safe to show and small. A private one has no title
// (rule P2), whoever took it out before.
func bounded(i bot.PagedIncident) bot.PagedIncident {
	small := i
	small.Title = line(i.Title)
	if i.Private {
		small.Title = ""
	}
	small.DeclaredAt = i.DeclaredAt.UTC()
	small.Services = make([]string, 0, min(len(i.Services), maxServices))
	for _, s := range i.Services[:min(len(i.Services), maxServices)] {
		small.Services = append(small.Services, line(s))
	}
	if len(i.URL) > maxLink {
		small.URL = ""
	}
	if len(i.AcknowledgeURL) > maxLink {
		small.AcknowledgeURL = ""
	}
	return small
}

// words are the message as plain text.
func words(m card.Content) string {
	text, _ := workflow.CleanText(m.Text, workflow.MaxText)
	return strings.TrimSpace(line(m.Title) + "\n" + text)
}

// encode writes as many incidents as fit.
func (n notice) encode() ([]byte, error) {
	all := n.Incidents
	for fit := len(all); ; fit /= 2 {
		shown := n
		shown.Incidents, shown.Omitted = all[:fit], len(all)-fit
		var b bytes.Buffer
		e := json.NewEncoder(&b)
		e.SetEscapeHTML(false)
		if err := e.Encode(shown); err != nil {
			return nil, err
		}
		if b.Len() <= maxBody {
			return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
		}
		if fit == 0 {
			return nil, errors.New("the page is larger than 64 KiB without any incident")
		}
	}
}

// line makes text safe on one line.
func line(text string) string {
	clean, _ := workflow.CleanLine(text, workflow.MaxTitle)
	return clean
}
