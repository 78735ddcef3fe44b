package web

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"tocsin/bot/access"
	"tocsin/bot/card"
	"tocsin/bot/signin"
)

// cookieName is the name of the cookie that holds a session's secret.
const cookieName = "tocsin_session"

// reader is the signed-in speaker of a request.
type reader struct {
	access.Speaker
	session signin.Session
	secret  string // of the session, as the browser keeps it
}

// withSession passes on a request only with a valid session, to a known host,
// and, if it changes something, from one of our own pages.
func (s *Server) withSession(do func(http.ResponseWriter, *http.Request, reader)) http.HandlerFunc {
	return s.withTimeout(s.loadSession(do))
}

// loadSession passes on a request with its reader, or answers with the sign-in
// page.
func (s *Server) loadSession(do func(http.ResponseWriter, *http.Request, reader)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := s.readSession(r)
		if errors.Is(err, signin.ErrNoSession) {
			s.writeSignInPage(w, r, http.StatusUnauthorized, "")
			return
		}
		if err != nil {
			s.writeStoreError(w, r, err)
			return
		}
		do(w, r, who)
	}
}

// withTimeout does what [Server.checkOrigin] does, and limits the time of the
// request.
func (s *Server) withTimeout(do http.HandlerFunc) http.HandlerFunc {
	return s.checkOrigin(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		do(w, r.WithContext(ctx))
	})
}

// checkOrigin refuses requests to unknown hosts, and changes that another site
// asks for.
func (s *Server) checkOrigin(do http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.isKnownHost(r) {
			s.writeUnknownHost(w, r)
			return
		}
		if r.Method == http.MethodPost {
			if !s.isSameOrigin(r) {
				s.writeErrorPage(w, r, http.StatusForbidden, errorPage{Title: "This request came from another site", Lines: []textLine{
					{Text: "Nothing was changed. Only Tocsin's own pages can change something: open the page here and try again."},
				}})
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			defer s.limitBodyTime(w)()
		}
		do(w, r)
	}
}

// limitBodyTime ends a request whose body arrives too slowly, so that no one
// can hold a connection for nothing. The function that it returns lifts the
// limit, so that the connection can be used again.
func (s *Server) limitBodyTime(w http.ResponseWriter) (done func()) {
	c := http.NewResponseController(w)
	set := func(t time.Time) {
		if err := c.SetReadDeadline(t); err != nil && !errors.Is(err, http.ErrNotSupported) {
			s.Log.Debug("a connection does not support deadlines", "error", err)
		}
	}
	set(time.Now().Add(requestTimeout))
	return func() { set(time.Time{}) }
}

// maxBody is the maximum size of a form in bytes: long texts are shortened with
// a notice, not refused.
const maxBody = 256 << 10

// readSession returns the reader of a request's session.
func (s *Server) readSession(r *http.Request) (reader, error) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return reader{}, signin.ErrNoSession
	}
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	session, speaker, err := s.Sessions.Session(ctx, c.Value)
	return reader{speaker, session, c.Value}, err
}

// handleSignOut ends the reader's session.
func (s *Server) handleSignOut(w http.ResponseWriter, r *http.Request, who reader) {
	if _, err := s.Sessions.Revoke(r.Context(), who.Speaker, who.session.ID); err != nil {
		s.writeStoreError(w, r, err)
		return
	}
	s.setCookie(w, r, "", -time.Second)
	s.redirect(w, r, "/sign-in?out")
}

// sessionRow is one session in the list.
type sessionRow struct {
	signin.Session
	Began, Ends string
	Mine        bool // the session of this request
}

func (s *Server) handleSessions(w http.ResponseWriter, r *http.Request, who reader) {
	all, err := s.Sessions.Sessions(r.Context(), who.Speaker)
	if err != nil {
		s.writeStoreError(w, r, err)
		return
	}
	rows := make([]sessionRow, 0, len(all))
	for _, one := range all {
		rows = append(rows, sessionRow{one, s.formatTime(one.StartedAt, who.zone()), s.formatTime(one.ExpiresAt, who.zone()), one.ID == who.session.ID})
	}
	s.render(w, r, http.StatusOK, view{name: "sessions", title: "Sessions", reader: &who, page: rows})
}

func (s *Server) handleRevokeSession(w http.ResponseWriter, r *http.Request, who reader) {
	if _, err := s.Sessions.Revoke(r.Context(), who.Speaker, r.PostFormValue("id")); err != nil {
		s.writeStoreError(w, r, err)
		return
	}
	s.redirect(w, r, "/sessions")
}

// redirect sends the browser to another page with GET.
func (s *Server) redirect(w http.ResponseWriter, r *http.Request, to string) {
	if r.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Redirect", to)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// zone returns the reader's time zone.
func (r reader) zone() *time.Location { return cmp.Or(r.Zone, time.UTC) }

// formatTime formats an instant in the reader's zone.
func (s *Server) formatTime(at time.Time, zone *time.Location) string {
	return card.FormatTime(at, s.Engine.Now(), zone)
}
