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

// commandReply is the result of a command or a message.
type commandReply struct {
	OK   bool
	Text string
}

// handleCommand runs what a button, a form or the message box sent, in the room
// of the path or in none. When it responds, the change is durable.
func (s *Server) handleCommand(w http.ResponseWriter, r *http.Request, who reader) {
	if r.PathValue("id") != "" {
		_, err := s.Incidents.Get(r.Context(), commands.ParseID(r.PathValue("id")), who.Speaker)
		if s.writeMissing(w, r, who, err) {
			return
		}
	}
	request, isMessage, ok := s.parseRequest(w, r, who)
	if !ok {
		return
	}
	// The command runs even if the browser disconnects now.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), requestTimeout)
	defer cancel()
	var reply dispatch.Reply
	var err error
	if isMessage {
		reply, err = s.Dispatcher.WriteMessage(ctx, request)
	} else {
		reply, err = s.Dispatcher.Run(ctx, request)
	}
	if err != nil {
		s.writeStoreError(w, r, err)
		return
	}
	s.writeReply(w, r, who, request, reply)
}

// handleCommandGet redirects a reader who opens the address that forms are
// posted to.
func (s *Server) handleCommandGet(w http.ResponseWriter, r *http.Request, who reader) {
	_, err := s.Incidents.Get(r.Context(), commands.ParseID(r.PathValue("id")), who.Speaker)
	if !s.writeMissing(w, r, who, err) {
		s.redirect(w, r, "/incidents/"+commands.ParseID(r.PathValue("id")))
	}
}

// parseRequest reads what was posted. isMessage says that it is a message for
// the room and not a command: a command in the message box begins with a slash.
func (s *Server) parseRequest(w http.ResponseWriter, r *http.Request, who reader) (q dispatch.Request, isMessage, ok bool) {
	if err := r.ParseForm(); err != nil {
		s.writeErrorPage(w, r, http.StatusBadRequest, errorPage{Title: "This request is too large or incomplete", Lines: []textLine{
			{Text: "Nothing was changed. A text holds 4,000 characters: shorten it and send it again."},
		}})
		return q, false, false
	}
	q = dispatch.Request{
		Text: cleanInput(r.PostForm.Get("text")), Room: commands.ParseID(r.PathValue("id")), Speaker: who.Speaker, Fields: map[string][]string{},
	}
	for name, values := range r.PostForm {
		if field, ok := strings.CutPrefix(name, "f."); ok {
			for _, value := range values {
				q.Fields[field] = append(q.Fields[field], cleanInput(value))
			}
		}
	}
	if r.PostForm.Has("box") {
		line, command := commands.CutSlash(q.Text)
		isMessage = !command
		if command {
			q.Text = line
		}
	}
	q.Operation = operationID(who, r)
	return q, isMessage, true
}

// cleanInput returns a posted value with \n as line breaks and valid UTF-8:
// browsers send \r\n, and programs send anything.
func cleanInput(value string) string {
	return strings.ToValidUTF8(strings.ReplaceAll(value, "\r\n", "\n"), "\uFFFD")
}

// operationID returns an ID of what was posted: the same form posted twice from
// the same page has the same ID and runs once. Pages with JavaScript add a
// random value to each press.
func operationID(who reader, r *http.Request) string {
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

// writeReply shows the result of a request: as a line in the page that sent it
// or, without JavaScript, as the whole page.
func (s *Server) writeReply(w http.ResponseWriter, r *http.Request, who reader, q dispatch.Request, reply dispatch.Reply) {
	out := commandReply{OK: reply.OK, Text: strings.TrimSpace(reply.Text)}
	declared := reply.OK && q.Room == "" && reply.Incident != ""
	if r.Header.Get("HX-Request") != "" {
		if declared {
			w.Header().Set("HX-Redirect", "/incidents/"+reply.Incident)
		}
		h := w.Header()
		h.Set("X-Command-Result", map[bool]string{true: "ok", false: "no"}[out.OK])
		s.writeFragment(w, "result", out)
		return
	}
	switch {
	case declared:
		http.Redirect(w, r, "/incidents/"+reply.Incident, http.StatusSeeOther)
	case q.Room != "":
		s.writeRoomPage(w, r, who, roomPage{Reply: &out, Text: map[bool]string{false: cleanInput(r.PostForm.Get("text"))}[reply.OK || !r.PostForm.Has("box")]})
	default:
		s.writeDeclarePage(w, r, who, q.Fields, &out)
	}
}

// writeFragment writes a part of a page.
func (s *Server) writeFragment(w http.ResponseWriter, name string, page any) {
	all, err := s.renderRegions(page, name)
	if err != nil {
		s.Log.Error("a page cannot be rendered", "page", name, "error", err)
		writePlain(w, http.StatusInternalServerError, "This cannot be shown because of a fault in Tocsin. Its log says why.")
		return
	}
	setHeaders(w)
	w.Write([]byte(all[0].html))
}

// handleComplete returns completions of a command line, as JSON.
func (s *Server) handleComplete(w http.ResponseWriter, r *http.Request, who reader) {
	text := r.URL.Query().Get("line")
	all := s.Dispatcher.Complete(r.Context(), dispatch.Request{Text: text, Room: commands.ParseID(r.URL.Query().Get("room")), Speaker: who.Speaker})
	type option struct {
		Line  string `json:"line"`
		Label string `json:"label"`
		Help  string `json:"help,omitempty"`
	}
	options := make([]option, 0, len(all))
	for _, c := range all {
		options = append(options, option(c))
	}
	setHeaders(w)
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(options); err != nil {
		s.Log.Debug("a browser has disconnected", "error", err)
	}
}
