package web

import (
	"cmp"
	"context"
	"errors"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tocsin/bot/access"
	"tocsin/bot/signin"
	"tocsin/commands"
)

// cookieName is of the cookie that holds a session's secret.
const cookieName = "tocsin_session"

// reader is whoever is signed in.
type reader struct {
	access.Speaker
	session signin.Session
	secret  string // of the session, as the browser keeps it
}

// signed lets only those through who are signed in, to one of our own
// addresses, and what changes something only from our own pages.
func (s *server) signed(do func(http.ResponseWriter, *http.Request, reader)) http.HandlerFunc {
	return s.guarded(s.known(do))
}

// known finds out who asks.
func (s *server) known(do func(http.ResponseWriter, *http.Request, reader)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		who, err := s.reader(r)
		if errors.Is(err, signin.ErrNoSession) {
			s.askToSignIn(w, r, http.StatusUnauthorized, "")
			return
		}
		if err != nil {
			s.broken(w, r, err)
			return
		}
		do(w, r, who)
	}
}

// guarded does what strict does, and ends what takes too long.
func (s *server) guarded(do http.HandlerFunc) http.HandlerFunc {
	return s.strict(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		do(w, r.WithContext(ctx))
	})
}

// strict refuses requests for strange hosts, and changes that other sites
// ask for.
func (s *server) strict(do http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if !s.knownHost(r) {
			s.strangeHost(w, r)
			return
		}
		if r.Method == http.MethodPost {
			if !s.ourOwn(r) {
				s.note(w, r, http.StatusForbidden, note{Title: "This was sent from somewhere else", Lines: []line{
					{Text: "Nothing was changed. Only Tocsin's own pages may change something: open the page here, and press there."},
				}})
				return
			}
			r.Body = http.MaxBytesReader(w, r.Body, maxBody)
			defer s.hurry(w)()
		}
		do(w, r)
	}
}

// hurry ends a body that comes too slowly: nobody may hold a connection for
// nothing. What it returns lets the connection be used again.
func (s *server) hurry(w http.ResponseWriter) (done func()) {
	c := http.NewResponseController(w)
	set := func(t time.Time) {
		if err := c.SetReadDeadline(t); err != nil && !errors.Is(err, http.ErrNotSupported) {
			s.Log.Debug("a connection takes no deadline", "error", err)
		}
	}
	set(time.Now().Add(patience))
	return func() { set(time.Time{}) }
}

// maxBody is how many bytes a form may have: long texts are cut with a notice,
// not refused.
const maxBody = 256 << 10

func (s *server) reader(r *http.Request) (reader, error) {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return reader{}, signin.ErrNoSession
	}
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	session, speaker, err := s.Bot.SignIn.Session(ctx, c.Value)
	return reader{speaker, session, c.Value}, err
}

// broken says that the store does not answer. The log says why.
func (s *server) broken(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(r.Context().Err(), context.Canceled) {
		return // nobody waits for the answer
	}
	s.Log.ErrorContext(r.Context(), "a page failed", "method", r.Method, "path", pathOf(r), "error", err.Error())
	w.Header().Set("Retry-After", "2")
	first := "Try again in a moment."
	if r.Method == http.MethodPost { // the answer may have been lost, not the question
		first = "It is not certain whether what you sent was taken. Try again in a moment: the same is carried out once."
	}
	s.note(w, r, http.StatusServiceUnavailable, note{Title: "Tocsin cannot reach its store right now", Lines: []line{
		{Text: first}, {Text: "If it stays like this, the log of Tocsin says why; paging that has begun goes on."},
	}})
}

// pathOf is the path without secrets (rule P4).
func pathOf(r *http.Request) string {
	for _, secret := range []string{"/sign-in/", "/ack/"} {
		if strings.HasPrefix(r.URL.Path, secret) {
			return secret + "…"
		}
	}
	return shorten(r.URL.Path)
}

// A signInPage says how to get in; with a link, it is one press away.
type signInPage struct {
	Problem string
	Mail    bool // links can be mailed
	Mailed  bool
	Out     bool // just signed out
	Token   string
	Open    bool // the reader says who they are
	Name    string
	People  []commands.Choice
	Until   string
}

// askToSignIn shows how to get a link.
func (s *server) askToSignIn(w http.ResponseWriter, r *http.Request, status int, problem string) {
	p := signInPage{Problem: problem, Mail: s.Bot.SignIn.CanMail(), Mailed: r.URL.RawQuery == "mailed", Out: r.URL.RawQuery == "out"}
	s.render(w, r, status, view{name: "sign-in", title: "Sign in", page: p})
}

func (s *server) signInHelp(w http.ResponseWriter, r *http.Request) {
	s.askToSignIn(w, r, http.StatusOK, "")
}

// link shows who a link signs in. It uses nothing up: programs that look
// through mail and chat open links too.
func (s *server) link(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	link, err := s.Bot.SignIn.Read(r.Context(), token)
	if s.badSignIn(w, r, err) {
		return
	}
	p := signInPage{Token: token, Open: link.Open(), Name: link.Name, Until: link.Expires.In(s.Bot.Organization().Zone).Format("15:04 MST")}
	if p.Open {
		p.People = s.Bot.Dispatcher.Choices(r.Context(), commands.Person, access.Speaker{})
	}
	s.render(w, r, http.StatusOK, view{name: "sign-in", title: "Sign in", page: p})
}

// badSignIn answers for a link that does not work, and reports whether it did.
func (s *server) badSignIn(w http.ResponseWriter, r *http.Request, err error) bool {
	switch {
	case err == nil:
		return false
	case errors.Is(err, signin.ErrUsedLink):
		s.askToSignIn(w, r, http.StatusGone, "This link has been used: each works once. If that was not you, sign in with a new one and end the other session under Sessions.")
	case errors.Is(err, signin.ErrOldLink):
		s.askToSignIn(w, r, http.StatusGone, "This link has expired: each works for 15 minutes.")
	case errors.Is(err, signin.ErrBadLink):
		s.askToSignIn(w, r, http.StatusNotFound, "This link is not one of ours, it was cut, or it expired long ago.")
	default:
		s.broken(w, r, err)
	}
	return true
}

// enter uses a link up and begins a session.
func (s *server) enter(w http.ResponseWriter, r *http.Request) {
	token := r.PathValue("token")
	link, err := s.Bot.SignIn.Read(r.Context(), token)
	if s.badSignIn(w, r, err) {
		return
	}
	from, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		from = r.RemoteAddr
	}
	// Whoever has pressed may be gone before the answer: the link is then used
	// up all the same, and says so.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	session, secret, err := s.Bot.SignIn.SignIn(ctx, token, signin.Session{
		Person: strings.TrimPrefix(r.PostFormValue("person"), "@"), Name: r.PostFormValue("name"), Zone: r.PostFormValue("zone"),
		Browser: browserName(r.UserAgent()), From: from,
	})
	if s.badSignIn(w, r, err) {
		return
	}
	s.setCookie(w, r, secret, session.Ends.Sub(session.Began))
	s.Log.InfoContext(ctx, "signed in", "session", session.ID, "person", session.Person, "name", session.Name, "from", from)
	to := link.To // our own path, or the front page
	if u, e := url.Parse(to); e != nil || u.Host != "" || u.Scheme != "" || !strings.HasPrefix(u.Path, "/") || strings.ContainsAny(to, "\\\t\r\n") || strings.HasPrefix(to, "//") {
		to = "/"
	}
	s.redirect(w, r, to)
}

func (s *server) setCookie(w http.ResponseWriter, r *http.Request, secret string, lasts time.Duration) {
	u, err := url.Parse(s.Bot.Organization().URL)
	secure := r.TLS != nil || err == nil && u.Scheme == "https" && strings.EqualFold(u.Hostname(), hostname(r.Host))
	http.SetCookie(w, &http.Cookie{
		Name: cookieName, Value: secret, Path: "/", MaxAge: int(lasts.Seconds()), HttpOnly: true, Secure: secure, SameSite: http.SameSiteLaxMode,
	})
}

// mailLink mails a link to whoever has the address. It answers the same
// whether or not somebody does, and as fast.
func (s *server) mailLink(w http.ResponseWriter, r *http.Request) {
	address := r.PostFormValue("address")
	ctx := context.WithoutCancel(r.Context())
	s.background.Go(func() {
		mailing, cancel := context.WithTimeout(ctx, 3*patience)
		defer cancel()
		if err := s.Bot.SignIn.Mail(mailing, address); err != nil {
			s.Log.ErrorContext(ctx, "a sign-in link could not be mailed", "error", err.Error())
		}
	})
	s.redirect(w, r, "/sign-in?mailed")
}

// signOut ends the reader's session.
func (s *server) signOut(w http.ResponseWriter, r *http.Request, who reader) {
	if _, err := s.Bot.SignIn.Revoke(r.Context(), who.Speaker, who.session.ID); err != nil {
		s.broken(w, r, err)
		return
	}
	s.setCookie(w, r, "", -time.Second)
	s.redirect(w, r, "/sign-in?out")
}

// A sessionRow is one session in the list.
type sessionRow struct {
	signin.Session
	Began, Ends string
	Mine        bool // the one that asks
}

func (s *server) sessions(w http.ResponseWriter, r *http.Request, who reader) {
	all, err := s.Bot.SignIn.Sessions(r.Context(), who.Speaker)
	if err != nil {
		s.broken(w, r, err)
		return
	}
	rows := make([]sessionRow, 0, len(all))
	for _, one := range all {
		rows = append(rows, sessionRow{one, moment(one.Began, who.zone()), moment(one.Ends, who.zone()), one.ID == who.session.ID})
	}
	s.render(w, r, http.StatusOK, view{name: "sessions", title: "Sessions", reader: &who, page: rows})
}

func (s *server) revoke(w http.ResponseWriter, r *http.Request, who reader) {
	if _, err := s.Bot.SignIn.Revoke(r.Context(), who.Speaker, r.PostFormValue("id")); err != nil {
		s.broken(w, r, err)
		return
	}
	s.redirect(w, r, "/sessions")
}

// redirect sends the reader on with a GET.
func (s *server) redirect(w http.ResponseWriter, r *http.Request, to string) {
	if r.Header.Get("HX-Request") != "" {
		w.Header().Set("HX-Redirect", to)
		return
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// zone is where the reader's clock is.
func (r reader) zone() *time.Location { return cmp.Or(r.Zone, time.UTC) }

// moment writes an instant as the reader's clock shows it, with the day.
func moment(at time.Time, zone *time.Location) string { return at.In(zone).Format("2 Jan 15:04 MST") }

// browserName is enough of a User-Agent to know one's own browser again.
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
