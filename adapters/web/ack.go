package web

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tocsin/bot/access"
	"tocsin/bot/signin"
	"tocsin/workflow"
)

// maxForm is the maximum size of the acknowledge form, in bytes.
const maxForm = 4 << 10

// lookAgain is the query of the page after an acknowledgement that was refused:
// the page then says that nothing was changed.
const lookAgain = "look=again"

// openLink is the link of a page, its recipient, and its incident.
type openLink struct {
	signin.PageLink
	reader   access.Speaker
	incident workflow.Incident
}

// loadPageLink reads the link and its incident. When ok is false, it has
// responded, with a page that shows nothing of the incident.
func (s *Server) loadPageLink(ctx context.Context, w http.ResponseWriter, r *http.Request) (l openLink, ok bool) {
	var err error
	l.PageLink, err = s.PageLinks.Read(r.PathValue("token"))
	if errors.Is(err, signin.ErrExpiredLink) {
		s.writeExpiredLink(w, r, l.Incident)
		return l, false
	}
	if err != nil {
		s.writeBadLink(w, r)
		return l, false
	}
	if l.reader, ok = s.PageLinks.Speaker(l.PageLink); !ok { // before the incident is read: the answer is the same for every one
		s.writeLeftLink(w, r)
		return l, false
	}
	l.incident, err = s.Incidents.Get(ctx, l.Incident, l.reader)
	if _, refused := errors.AsType[*workflow.Refusal](err); refused {
		s.writeBadLink(w, r)
		return l, false
	}
	if err != nil {
		s.logAckError(r, l.PageLink, err)
		s.writeAckStoreError(w, r, false)
		return l, false
	}
	return l, true
}

// handleAckPage shows the incident and the button that acknowledges it. It
// changes nothing: programs that scan mail open links too (P5: a link
// acknowledges only by POST).
func (s *Server) handleAckPage(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	link, ok := s.loadPageLink(ctx, w, r)
	if !ok {
		return
	}
	i, reader := link.incident, link.reader
	zone := cmp.Or(reader.Zone, s.Engine.Organization().Zone, time.UTC)
	p := s.newAckPage(i, reader, func(at time.Time) string { return formatAgo(at, s.Engine.Now(), zone) })
	p.Action = ownAddress(r)
	p.Again = p.Button && r.URL.RawQuery == lookAgain
	p.Newer = p.Button && !p.Again && link.Seen > 0 && link.Seen < i.Paging.Trigger
	s.render(w, r, http.StatusOK, view{name: "ack", title: "Acknowledge " + i.ID, page: p})
}

// handleAcknowledge acknowledges the incident and redirects to the page, which
// shows the new state: reloading it repeats nothing.
func (s *Server) handleAcknowledge(w http.ResponseWriter, r *http.Request) {
	if !s.isSameOrigin(r) {
		s.writeErrorPage(w, r, http.StatusForbidden, errorPage{Title: "This request came from another site", Lines: []textLine{
			{Text: "Nothing was acknowledged. Only the button on Tocsin's own page acknowledges: open the link as it was sent, and press it there."},
		}})
		return
	}
	// The acknowledgement is recorded even if the browser disconnects now.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), requestTimeout)
	defer cancel()
	link, ok := s.loadPageLink(ctx, w, r)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	defer s.limitBodyTime(w)()
	seen, err := strconv.Atoi(r.PostFormValue("seen"))
	if err != nil || seen < 1 { // (E5: an acknowledgement carries what was seen)
		s.writeErrorPage(w, r, http.StatusBadRequest, errorPage{Title: "This form is not complete", Lines: []textLine{
			{Text: "Nothing was acknowledged. Open the link again as it was sent, and press the button."},
		}})
		return
	}
	reply, err := s.Dispatcher.Acknowledge(ctx, link.Incident, link.reader, seen)
	if err != nil {
		s.logAckError(r, link.PageLink, err)
		s.writeAckStoreError(w, r, true)
		return
	}
	to := ownAddress(r)
	if !reply.OK {
		to += "?" + lookAgain
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// ownAddress returns the address of the page relative to itself, because a proxy
// may serve it below another path.
func ownAddress(r *http.Request) string { return url.PathEscape(r.PathValue("token")) }

// isSameOrigin reports whether a form was sent from one of our own pages. Behind
// a proxy their origin is that of the configured address.
func (s *Server) isSameOrigin(r *http.Request) bool {
	c := http.NewCrossOriginProtection()
	if u, err := url.Parse(s.Engine.Organization().URL); err == nil && u.Host != "" {
		if err := c.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			s.Log.Warn("the configured url is not an origin; write scheme and host, such as https://tocsin.example.com", "error", err)
		}
	}
	return c.Check(r) == nil
}

// logAckError logs an error of an acknowledge page. The line does not have the
// token, which is a credential (P4: secrets are never shown).
func (s *Server) logAckError(r *http.Request, link signin.PageLink, err error) {
	s.Log.ErrorContext(r.Context(), "an acknowledge page failed", slog.String("incident", link.Incident),
		slog.String("person", link.Person), slog.String("method", r.Method), slog.Any("error", err))
}
