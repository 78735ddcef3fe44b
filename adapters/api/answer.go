package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"tocsin/workflow"
)

// A problem is an answer other than yes: what whoever asked is shown, and a
// detail for the log alone.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	status  int
	allow   string // for 405
	detail  error
}

// Error returns the message; the detail is for the log.
func (p *problem) Error() string { return p.Message }

// asProblem reads what an operation failed with. What nobody has put into words
// is the store's doing (rule X4): it is told in words, and the detail is not.
func asProblem(err error) *problem {
	if p, is := errors.AsType[*problem](err); is {
		return p
	}
	if no, is := errors.AsType[*workflow.Refusal](err); is {
		return &problem{status: http.StatusNotFound, Code: "not_found", Message: no.Message, Hint: no.Hint}
	}
	return &problem{
		status: http.StatusServiceUnavailable, Code: "unavailable", detail: err,
		Message: "Tocsin cannot reach its store just now",
		Hint:    "ask again in some seconds; a command with the same Idempotency-Key is carried out once",
	}
}

func badValue(message, hint string) *problem {
	return &problem{status: http.StatusBadRequest, Code: "bad_value", Message: message, Hint: hint}
}

func (p *problem) write(w http.ResponseWriter) {
	h := w.Header()
	switch p.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="tocsin"`)
	case http.StatusMethodNotAllowed:
		h.Set("Allow", p.allow)
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "5")
	}
	write(w, p.status, map[string]*problem{"error": p})
}

// header is the same for every answer.
func header(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

func write(w http.ResponseWriter, status int, body any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)                 // it is read in terminals, and is never a page
	if err := e.Encode(body); err != nil { // the types of this package can be written
		status = http.StatusInternalServerError
		b.Reset()
		b.WriteString(`{"error":{"code":"internal","message":"the answer cannot be written"}}`)
	}
	header(w)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

// shown makes a word of the sender safe and short enough to be repeated.
func shown(word string) string {
	clean, _ := workflow.CleanLine(word, 40)
	return clean
}
