package web

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"html/template"
	"net/http"
	"strings"
	"time"
)

// view is one page to be rendered.
type view struct {
	name   string  // of the template
	title  string  // of the browser's window
	reader *reader // nil: the reader is not signed in, and the page has no JavaScript
	page   any     // what the template gets
	parts  regions // the regions that are updated live
	live   string  // the address of the live updates; "": only those of the banner
	path   string  // of the current entry of the navigation
}

// frame is the data of the layout that every page has.
type frame struct {
	Root  string // the path of the assets
	Org   string // name of the organization
	Title string
	Me    *reader
	Live  string
	Path  string
	Page  any
	parts regions
}

// Part returns the content of a region that is updated live.
func (f frame) Part(name string) template.HTML {
	for _, one := range f.parts {
		if one.name == name {
			return template.HTML(one.html) //nolint:gosec // our own template has escaped it
		}
	}
	return ""
}

// render writes one page. It sends nothing before the whole page is rendered, so
// that a failure can still be answered with an error.
func (s *Server) render(w http.ResponseWriter, r *http.Request, status int, v view) {
	var b bytes.Buffer
	f := frame{
		Root: s.static.root, Org: cmp.Or(s.Engine.Organization().Name, "Tocsin"), Title: v.title, Me: v.reader, Live: v.live, Path: v.path, Page: v.page, parts: v.parts,
	}
	if f.Me != nil && f.Live == "" {
		f.Live = "/live" // the paging banner
	}
	if err := s.pages.ExecuteTemplate(&b, v.name, f); err != nil {
		s.Log.Error("a page cannot be rendered", "page", v.name, "error", err)
		writePlain(w, http.StatusInternalServerError, "This page cannot be shown because of a fault in Tocsin. Its log says why.")
		return
	}
	setHeaders(w)
	if !acceptsGzip(r) {
		w.WriteHeader(status)
		w.Write(b.Bytes())
		return
	}
	w.Header().Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	z := gzip.NewWriter(w)
	if _, err := z.Write(b.Bytes()); err != nil {
		return // the browser has disconnected
	}
	if err := z.Close(); err != nil {
		s.Log.Debug("a browser has disconnected", "error", err)
	}
}

// setHeaders sets the headers of everything that is rendered for one reader.
func setHeaders(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Vary", "Accept-Encoding")
	h.Set("Content-Security-Policy", "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src 'self'; "+
		"form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	// Some addresses are secrets, so other sites must not learn them. With
	// "no-referrer" a browser would also send "Origin: null" with a form of our
	// own page (Fetch, "append a request Origin header"), and over plain HTTP no
	// other header says where it came from.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("X-Robots-Tag", "noindex, nofollow")
}

// writePlain writes a response of plain text.
func writePlain(w http.ResponseWriter, status int, text string) {
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	w.Write([]byte(text + "\n"))
}

// formatTimestamp formats an instant for programs, in RFC 3339.
func formatTimestamp(at time.Time) string { return at.UTC().Format(time.RFC3339) }

// actorName is the name of an actor, and through which token they acted.
type actorName struct{ Name, Rest string }

// splitActorName splits "Ana, by token ci" before the comma.
func splitActorName(by string) actorName {
	if at := strings.LastIndex(by, ", by token "); at >= 0 {
		return actorName{by[:at], by[at:]}
	}
	return actorName{Name: by}
}

// textSpan is a part of a text. Code is text to be typed, shown in a fixed-width
// font.
type textSpan struct {
	Text string
	Code bool
}

// splitCode splits a text at its backquotes: what is between two is code.
func splitCode(text string) []textSpan {
	var all []textSpan
	for n, piece := range strings.Split(text, "`") {
		if piece != "" {
			all = append(all, textSpan{piece, n%2 == 1})
		}
	}
	return all
}
