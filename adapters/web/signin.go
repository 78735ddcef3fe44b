package web

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tocsin/bot/access"
	"tocsin/bot/card"
	"tocsin/bot/signin"
	"tocsin/commands"
)

// signInPage says how to get a sign-in link; with a link, it has the button
// that uses it.
type signInPage struct {
	Problem string
	Mail    bool // links can be mailed
	Mailed  bool
	Out     bool // the reader has just signed out
	Token   string
	Open    bool // the reader chooses who they are
	Name    string
	People  []commands.Choice
	Until   string
}

// writeSignInPage shows how to get a link.
func (s *Server) writeSignInPage(w http.ResponseWriter, r *http.Request, status int, problem string) {
	p := signInPage{Problem: problem, Mail: s.SignIn.CanMail(), Mailed: r.URL.RawQuery == "mailed", Out: r.URL.RawQuery == "out"}
	s.render(w, r, status, view{name: "sign-in", title: "Sign in", page: p})
}

func (s *Server) handleSignInPage(w http.ResponseWriter, r *http.Request) {
	s.writeSignInPage(w, r, http.StatusOK, "")
}

// handleSignInLink shows who a link signs in. It does not use the link up:
// programs that scan mail and chat open links too (P5: a link acknowledges only
// by POST).
func (s *Server) handleSignInLink(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	link, err := s.SignIn.ReadLink(r.Context(), token)
	if s.writeSignInError(w, r, err) {
		return
	}
	p := signInPage{Token: token, Open: link.IsOpen(), Name: link.Name, Until: card.FormatTime(link.ExpiresAt, s.Engine.Now(), s.Engine.Organization().ZoneOfID(link.Person))}
	if p.Open {
		p.People = s.Dispatcher.Choices(r.Context(), commands.Person, access.Speaker{})
	}
	s.render(w, r, http.StatusOK, view{name: "sign-in", title: "Sign in", page: p})
}

// writeSignInError answers for a link that does not work, and reports whether
// there was an error.
func (s *Server) writeSignInError(w http.ResponseWriter, r *http.Request, err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, signin.ErrUsedLink):
		s.writeSignInPage(w, r, http.StatusGone, "This link has been used: each works once. If you did not use it, sign in with a new one and end the other session under Sessions.")
	case errors.Is(err, signin.ErrExpiredLink):
		s.writeSignInPage(w, r, http.StatusGone, "This link has expired: each works for 15 minutes.")
	case errors.Is(err, signin.ErrBadLink):
		s.writeSignInPage(w, r, http.StatusNotFound, "This link is not valid: it was truncated, or it expired long ago.")
	default:
		s.writeStoreError(w, r, err)
	}
	return true
}

// handleSignIn uses a link up and starts a session.
func (s *Server) handleSignIn(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	link, err := s.SignIn.ReadLink(r.Context(), token)
	if s.writeSignInError(w, r, err) {
		return
	}
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	// The session starts even if the browser disconnects now: the link is used
	// up, and says so when it is opened again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), requestTimeout)
	defer cancel()
	session, secret, err := s.SignIn.SignIn(ctx, token, signin.Session{
		Person: strings.TrimPrefix(r.PostFormValue("person"), "@"), Name: r.PostFormValue("name"), Zone: r.PostFormValue("zone"),
		Browser: browserName(r.UserAgent()), From: from,
	})
	if s.writeSignInError(w, r, err) {
		return
	}
	s.setCookie(w, r, secret, session.ExpiresAt.Sub(session.StartedAt))
	s.Log.InfoContext(ctx, "signed in", "session", session.ID, "person", session.Person, "name", session.Name, "from", from)
	to := link.To // one of our own paths, or the list of incidents
	if u, e := url.Parse(to); e != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, "/") || strings.ContainsAny(to, "\\\t\r\n") || strings.HasPrefix(to, "//") {
		to = "/"
	}
	s.redirect(w, r, to)
}

// setCookie sets the cookie of a session, Secure where the browser speaks https: by plain
// http it would drop a Secure one, and ask for a sign-in again (P6: a sign-in follows the
// scheme of the browser).
func (s *Server) setCookie(w http.ResponseWriter, r *http.Request, secret string, lasts time.Duration) {
	isPlainURL := !strings.HasPrefix(s.Engine.Organization().URL, "https:")
	secure := r.TLS != nil || !isPlainURL && s.isHTTPS(r)
	if !secure && !isPlainURL && !isLocal(hostname(r.Host)) {
		s.Log.WarnContext(r.Context(), "a browser came by plain http, although the configured url begins with https; if nothing in front of Tocsin ends TLS, correct the url; if a proxy does, let it pass on X-Forwarded-Proto",
			"host", shorten(r.Host), "url", s.Engine.Organization().URL)
	}
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: secret, Path: "/", MaxAge: int(lasts.Seconds()), HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	})
}

// handleMailLink mails a link to the person with this address. The response and
// its time are the same when there is no such person.
func (s *Server) handleMailLink(w http.ResponseWriter, r *http.Request) {
	address := r.PostFormValue("address")
	ctx := context.WithoutCancel(r.Context())
	s.background.Go(func() {
		mailing, cancel := mailContext(ctx, s.closed)
		defer cancel()
		if err := s.SignIn.MailLink(mailing, address); err != nil {
			s.Log.ErrorContext(ctx, "a sign-in link could not be mailed", "error", err.Error())
		}
	})
	s.redirect(w, r, "/sign-in?mailed")
}

// mailTimeout is how long a mail with a link may take: a slow mail server is waited
// for while its link works (E4c: slow is not failed).
const mailTimeout = signin.LinkLife

// closeTimeout is how long mails under way may still take once the server closes.
const closeTimeout = 3 * requestTimeout

// mailContext returns the context of a mail.
func mailContext(ctx context.Context, closed <-chan struct{}) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithTimeout(ctx, mailTimeout)
	go func() {
		select {
		case <-ctx.Done():
			return
		case <-closed:
		}
		select {
		case <-ctx.Done():
		case <-time.After(closeTimeout):
			cancel()
		}
	}()
	return ctx, cancel
}

// browserName returns enough of a User-Agent for a person to recognize their
// own browser.
func browserName(agent string) string {
	name := "Browser"
	for _, known := range []string{"Edg/", "Firefox/", "Chrome/", "Safari/"} {
		if strings.Contains(agent, known) {
			name = strings.TrimSuffix(known, "/")
			break
		}
	}
	if name == "Edg" {
		name = "Edge"
	}
	for _, system := range []string{"Android", "iPhone", "iPad", "Windows", "Mac OS X", "CrOS", "Linux"} {
		if strings.Contains(agent, system) {
			return name + " on " + strings.Replace(system, "Mac OS X", "macOS", 1)
		}
	}
	return name
}
