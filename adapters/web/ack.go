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

	"tocsin/bot/signin"
	"tocsin/workflow"
)

// maxForm is how many bytes the acknowledgement's form may have.
const maxForm = 4 << 10

// lookAgain in the query says that what was pressed changed nothing.
const lookAgain = "look=again"

// open reads the link and the incident behind it. When it returns false it has
// answered: with a page that shows nothing of the incident.
func (s *server) open(ctx context.Context, w http.ResponseWriter, r *http.Request) (signin.PageLink, workflow.Incident, bool) {
	link, err := s.Bot.PageLinks.Read(r.PathValue("token"))
	if errors.Is(err, signin.ErrExpiredLink) {
		s.writeExpiredLink(w, r, link.Incident)
		return link, workflow.Incident{}, false
	}
	if err != nil {
		s.writeBadLink(w, r)
		return link, workflow.Incident{}, false
	}
	i, err := s.Bot.Incidents.Get(ctx, link.Incident, s.Bot.PageLinks.Speaker(link))
	if _, no := errors.AsType[*workflow.Refusal](err); no {
		s.writeBadLink(w, r)
		return link, i, false
	}
	if err != nil {
		s.failed(r, link, err)
		s.writeAckStoreError(w, r, false)
		return link, i, false
	}
	return link, i, true
}

// ask shows the incident, and the button. It changes nothing: programs that
// look through mail open links too (rule P5).
func (s *server) ask(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), patience)
	defer cancel()
	link, i, ok := s.open(ctx, w, r)
	if !ok {
		return
	}
	reader := s.Bot.PageLinks.Speaker(link)
	zone := cmp.Or(reader.Zone, s.Bot.Organization().Zone, time.UTC)
	p := s.draw(i, reader, func(at time.Time) string { return clock(at, s.Bot.Now(), zone) })
	p.Action = here(r)
	p.Again = p.Button && r.URL.RawQuery == lookAgain
	s.render(w, r, http.StatusOK, view{name: "ack", title: "Acknowledge " + i.ID, page: p})
}

// acknowledge does what the button says, and sends the reader back to the page,
// which says what is true now: loading that again repeats nothing.
func (s *server) acknowledge(w http.ResponseWriter, r *http.Request) {
	if !s.ourOwn(r) {
		s.writeErrorPage(w, r, http.StatusForbidden, errorPage{Title: "This was sent from somewhere else", Lines: []textLine{
			{Text: "Only the button on Tocsin's own page acknowledges. Nothing was acknowledged: open the link as it was sent, and press there."},
		}})
		return
	}
	// Whoever has pressed may put the telephone away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	link, _, ok := s.open(ctx, w, r)
	if !ok {
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	defer s.limitBodyTime(w)()
	seen, err := strconv.Atoi(r.PostFormValue("seen"))
	if err != nil || seen < 1 { // it must say what was seen (rule E5)
		s.writeErrorPage(w, r, http.StatusBadRequest, errorPage{Title: "This form is not complete", Lines: []textLine{
			{Text: "Nothing was acknowledged. Open the link again as it was sent, and press the button."},
		}})
		return
	}
	reply, err := s.Bot.Dispatcher.Acknowledge(ctx, link.Incident, s.Bot.PageLinks.Speaker(link), seen)
	if err != nil {
		s.failed(r, link, err)
		s.writeAckStoreError(w, r, true)
		return
	}
	to := here(r)
	if !reply.OK {
		to += "?" + lookAgain
	}
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

// here is the page itself, seen from the page: a proxy may have put a folder in
// front of it.
func here(r *http.Request) string { return url.PathEscape(r.PathValue("token")) }

// ourOwn reports whether a form was sent from one of our own pages. Behind a
// proxy the browser may know us only by the configured address.
func (s *server) ourOwn(r *http.Request) bool {
	c := http.NewCrossOriginProtection()
	if u, err := url.Parse(s.Bot.Organization().URL); err == nil && u.Host != "" {
		if err := c.AddTrustedOrigin(u.Scheme + "://" + u.Host); err != nil {
			s.Log.Warn("the configured address is no origin", "error", err)
		}
	}
	return c.Check(r) == nil
}

// failed logs what the reader is told in words. The token opens the door, so it
// is not in the line (rule P4).
func (s *server) failed(r *http.Request, link signin.PageLink, err error) {
	s.Log.ErrorContext(r.Context(), "an acknowledgement page failed", slog.String("incident", link.Incident),
		slog.String("person", link.Person), slog.String("method", r.Method), slog.Any("error", err))
}
