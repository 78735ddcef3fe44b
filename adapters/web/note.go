package web

import "net/http"

// A note is a page of a few lines.
type note struct {
	Title string
	Lines []line
	Steps []line // numbered
	Back  bool   // leads to the incidents
}

// A line is a sentence, and what is to be typed after it.
type line struct{ Text, Code string }

func (s *server) note(w http.ResponseWriter, r *http.Request, status int, n note) {
	s.render(w, r, status, view{name: "note", title: n.Title, page: n})
}

// badLink is one page for every link that shows nothing: a wrong one, and one
// to an incident that its reader must not see (rule P2).
func (s *server) badLink(w http.ResponseWriter, r *http.Request) {
	s.note(w, r, http.StatusNotFound, note{Title: "This link does not work", Lines: []line{
		{Text: "It was cut on the way, or it is not one of ours. Open it again as it was sent; some programs break long addresses in two."},
		{Text: "Nothing was acknowledged. If you were paged, you can also type, with the number of the incident:", Code: "ack INC-7"},
	}})
}

func (s *server) oldLink(w http.ResponseWriter, r *http.Request, id string) {
	s.note(w, r, http.StatusGone, note{Title: "This link has expired", Lines: []line{
		{Text: "Links to acknowledge work for a day. Nothing was acknowledged. If " + id + " still needs you, type:", Code: "ack " + id},
		{Text: "Or ask somebody who works on it for a new page, which brings a new link."},
	}})
}

// notStored is for a store that does not answer (rule X4).
func (s *server) notStored(w http.ResponseWriter, r *http.Request, sent bool) {
	w.Header().Set("Retry-After", "5")
	first := "Nothing was acknowledged, and paging goes on. Open the link again in some seconds."
	if sent {
		first = "It is not certain that you have acknowledged. Open the link again in some seconds: it says what is true, and pressing again does no harm."
	}
	s.note(w, r, http.StatusServiceUnavailable, note{Title: "Tocsin cannot reach its store just now", Lines: []line{
		{Text: first}, {Text: "If this goes on, somebody should look at Tocsin too."},
	}})
}
