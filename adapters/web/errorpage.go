package web

import (
	"context"
	"errors"
	"net/http"
	"strings"
)

// errorPage is a page of a few lines that says what went wrong and what to do.
type errorPage struct {
	Title string
	Lines []textLine
	Steps []textLine // shown as a numbered list
	Back  bool       // has a link to the incidents
}

// textLine is a sentence, and a command to type after it.
type textLine struct{ Text, Code string }

func (s *Server) writeErrorPage(w http.ResponseWriter, r *http.Request, status int, n errorPage) {
	s.render(w, r, status, view{name: "errorpage", title: n.Title, page: n})
}

// writeNoPage answers for an address that has no page. A reader who is signed in keeps
// the navigation.
func (s *Server) writeNoPage(w http.ResponseWriter, r *http.Request, status int, n errorPage) {
	v := view{name: "errorpage", title: n.Title, page: n}
	if who, err := s.readSession(r); err == nil && s.isKnownHost(r) {
		v.reader = &who
	}
	s.render(w, r, status, v)
}

// writeBadLink answers for every acknowledge link that shows nothing: an
// invalid one, and one to an incident that its reader may not see (P2: private
// means members only).
func (s *Server) writeBadLink(w http.ResponseWriter, r *http.Request) {
	s.writeErrorPage(w, r, http.StatusNotFound, errorPage{Title: "This link does not work", Lines: []textLine{
		{Text: "It was truncated, or it is not one of ours. Open it again as it was sent; some programs break long links in two."},
		{Text: "Nothing was acknowledged. If you were paged, you can also type, with the incident's ID:", Code: "ack INC-7"},
	}})
}

// writeLeftLink answers for the acknowledge link of a recipient who is not configured
// any more. It says nothing about the incident, which they need not see (P1b: who has
// left does nothing any more).
func (s *Server) writeLeftLink(w http.ResponseWriter, r *http.Request) {
	s.writeErrorPage(w, r, http.StatusForbidden, errorPage{Title: "This link has ended", Lines: []textLine{
		{Text: "It was sent to someone who has since been removed from Tocsin's configuration. Nothing was acknowledged, and paging goes on to the others."},
		{Text: "If that is a mistake, ask an administrator to add you under people again: the link then works as before. If you know what is wrong, tell the people who are on call."},
	}})
}

func (s *Server) writeExpiredLink(w http.ResponseWriter, r *http.Request, id string) {
	s.writeErrorPage(w, r, http.StatusGone, errorPage{Title: "This link has expired", Lines: []textLine{
		{Text: "Acknowledge links work for one day. Nothing was acknowledged. If " + id + " still needs you, type:", Code: "ack " + id},
		{Text: "Or ask someone who works on it to page you again, which sends a new link."},
	}})
}

// writeAckStoreError answers when the store fails on an acknowledge page (X4:
// go on without the store). sent says that the acknowledgement was posted.
func (s *Server) writeAckStoreError(w http.ResponseWriter, r *http.Request, sent bool) {
	w.Header().Set("Retry-After", "5")
	first := "Nothing was acknowledged, and paging continues. Open the link again in a few seconds."
	if sent {
		first = "It is not certain that you have acknowledged. Open the link again in a few seconds: it shows the current state, and acknowledging again does no harm."
	}
	s.writeErrorPage(w, r, http.StatusServiceUnavailable, errorPage{Title: "Tocsin cannot reach its store right now", Lines: []textLine{
		{Text: first}, {Text: "If this continues, please check Tocsin as well." + s.whyNotReady()},
	}})
}

// writeStoreError answers when the store fails. The log has the error.
func (s *Server) writeStoreError(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(r.Context().Err(), context.Canceled) {
		return // the browser has disconnected
	}
	s.Log.ErrorContext(r.Context(), "a page failed", "method", r.Method, "path", redactedPath(r), "error", err.Error())
	w.Header().Set("Retry-After", "2")
	first := "Try again in a moment."
	if r.Method == http.MethodPost { // the change may have been made, and only the response lost
		first = "It is not certain whether your change was saved. Try again in a moment: the same request runs once."
	}
	s.writeErrorPage(w, r, http.StatusServiceUnavailable, errorPage{Title: "Tocsin cannot reach its store right now", Lines: []textLine{
		{Text: first}, {Text: "If this continues, Tocsin's log says why; escalations that have started continue." + s.whyNotReady()},
	}})
}

// whyNotReady returns what /readyz says, as a sentence after a space; "" while it is ready.
func (s *Server) whyNotReady() string {
	_, err := s.Ready()
	if err == nil {
		return ""
	}
	text := strings.TrimRight(err.Error(), ".")
	return " " + strings.ToUpper(text[:1]) + text[1:] + "."
}

// redactedPath returns the path without the secret of a link (P4: secrets are
// never shown).
func redactedPath(r *http.Request) string {
	for _, secret := range []string{"/sign-in/", "/ack/"} {
		if strings.HasPrefix(r.URL.Path, secret) {
			return secret + "…"
		}
	}
	return shorten(r.URL.Path)
}
