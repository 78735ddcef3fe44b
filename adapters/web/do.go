package web

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"tocsin/bot/dispatch"
	"tocsin/commands"
)

// said is what a command came to, or how a message was taken.
type said struct {
	OK   bool
	Text string
}

// do carries a button, a form or a typed line out, in the room that the path
// names or in none. When it answers, what was changed is durable.
func (s *server) do(w http.ResponseWriter, r *http.Request, who reader) {
	if r.PathValue("id") != "" {
		_, err := s.Bot.Incidents.Get(r.Context(), commands.ParseID(r.PathValue("id")), who.Speaker)
		if s.missing(w, r, who, err) {
			return
		}
	}
	request, talks, ok := s.request(w, r, who)
	if !ok {
		return
	}
	// Whoever has pressed may put the telephone away.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), patience)
	defer cancel()
	var reply dispatch.Reply
	var err error
	if talks {
		reply, err = s.Bot.Dispatcher.Say(ctx, request)
	} else {
		reply, err = s.Bot.Dispatcher.Run(ctx, request)
	}
	if err != nil {
		s.broken(w, r, err)
		return
	}
	s.answer(w, r, who, request, reply)
}

// backToRoom is for whoever opens the address that forms are sent to.
func (s *server) backToRoom(w http.ResponseWriter, r *http.Request, who reader) {
	_, err := s.Bot.Incidents.Get(r.Context(), commands.ParseID(r.PathValue("id")), who.Speaker)
	if !s.missing(w, r, who, err) {
		s.redirect(w, r, "/incidents/"+commands.ParseID(r.PathValue("id")))
	}
}

// request reads what was pressed or typed. talks says that it is a message for
// the room, not a command: a command begins with a slash.
func (s *server) request(w http.ResponseWriter, r *http.Request, who reader) (q dispatch.Request, talks, ok bool) {
	if err := r.ParseForm(); err != nil {
		s.note(w, r, http.StatusBadRequest, note{Title: "This was too long, or cut on the way", Lines: []line{
			{Text: "Nothing was changed. A text holds 4,000 characters: shorten it, and send it again."},
		}})
		return q, false, false
	}
	q = dispatch.Request{
		Text: typed(r.PostForm.Get("text")), Room: commands.ParseID(r.PathValue("id")), Speaker: who.Speaker, Fields: map[string][]string{},
	}
	for name, values := range r.PostForm {
		if field, is := strings.CutPrefix(name, "f."); is {
			for _, value := range values {
				q.Fields[field] = append(q.Fields[field], typed(value))
			}
		}
	}
	if r.PostForm.Has("box") {
		line, command := strings.CutPrefix(strings.TrimSpace(q.Text), "/")
		talks = !command
		if command {
			q.Text = line
		}
	}
	q.Operation = operation(who, r)
	return q, talks, true
}

// typed is what somebody wrote: browsers send the line breaks of mail, and
// programs send anything.
func typed(value string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(value, "\r\n", "\n"), "\uFFFD")
}

// operation names what was sent: the same form sent twice from the same page
// is one. Pages with a script give each press a name of its own.
func operation(who reader, r *http.Request) string {
	h := sha256.New()
	names := make([]string, 0, len(r.PostForm))
	for name := range r.PostForm {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, part := range append([]string{who.session.ID, who.secret, r.URL.Path}, names...) {
		h.Write([]byte(part + "\x00"))
	}
	for _, name := range names {
		for _, value := range r.PostForm[name] {
			h.Write([]byte(value + "\x00"))
		}
		h.Write([]byte{1})
	}
	return "web " + hex.EncodeToString(h.Sum(nil))[:32]
}

// answer shows what a request came to: as a line in the page it was sent from,
// or, without a script, as the page anew.
func (s *server) answer(w http.ResponseWriter, r *http.Request, who reader, q dispatch.Request, reply dispatch.Reply) {
	out := said{OK: reply.OK, Text: strings.TrimSpace(reply.Text)}
	declared := reply.OK && q.Room == "" && reply.Incident != ""
	if r.Header.Get("HX-Request") != "" {
		if declared {
			w.Header().Set("HX-Redirect", "/incidents/"+reply.Incident)
		}
		h := w.Header()
		h.Set("X-Said", map[bool]string{true: "ok", false: "no"}[out.OK])
		s.fragment(w, "said", out)
		return
	}
	switch {
	case declared:
		http.Redirect(w, r, "/incidents/"+reply.Incident, http.StatusSeeOther)
	case q.Room != "":
		s.showRoom(w, r, who, roomPage{Reply: &out, Text: map[bool]string{false: typed(r.PostForm.Get("text"))}[reply.OK || !r.PostForm.Has("box")]})
	default:
		s.showDeclare(w, r, who, q.Fields, &out)
	}
}

// fragment writes a piece of a page.
func (s *server) fragment(w http.ResponseWriter, name string, page any) {
	all, err := s.draws(page, name)
	if err != nil {
		s.Log.Error("a page cannot be drawn", "page", name, "error", err)
		plain(w, http.StatusInternalServerError, "This cannot be drawn because of a fault in Tocsin. Its log says why.")
		return
	}
	s.headers(w)
	w.Write([]byte(all[0].html))
}

// complete says how a line may go on.
func (s *server) complete(w http.ResponseWriter, r *http.Request, who reader) {
	text := r.URL.Query().Get("line")
	all := s.Bot.Dispatcher.Complete(r.Context(), dispatch.Request{Text: text, Room: commands.ParseID(r.URL.Query().Get("room")), Speaker: who.Speaker})
	type option struct {
		Line  string `json:"line"`
		Label string `json:"label"`
		Help  string `json:"help,omitempty"`
	}
	options := make([]option, 0, len(all))
	for _, c := range all {
		options = append(options, option(c))
	}
	s.headers(w)
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(options); err != nil {
		s.Log.Debug("a browser has gone", "error", err)
	}
}
