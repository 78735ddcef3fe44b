package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/http"

	"tocsin/workflow"
)

// problem is an error response: a message and a hint for the client, and a
// detail that only the log gets.
type problem struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	status  int
	allow   string // the Allow header of a 405
	detail  error
}

// Error returns the message for the client. The detail is not in it.
func (p *problem) Error() string { return p.Message }

// asProblem converts an operation's error into a response. An error without a
// message for people comes from the store (X4: go on without the store): the
// client gets a general message, and the log the detail.
func asProblem(err error) *problem {
	if p, ok := errors.AsType[*problem](err); ok {
		return p
	}
	if prob, ok := errors.AsType[*workflow.Refusal](err); ok {
		return &problem{status: http.StatusNotFound, Code: "not_found", Message: prob.Message, Hint: prob.Hint}
	}
	return &problem{
		status: http.StatusServiceUnavailable, Code: "unavailable", detail: err,
		Message: "Tocsin cannot reach its store right now",
		Hint:    "retry in a few seconds; a command with the same Idempotency-Key is run once",
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
	writeJSON(w, p.status, map[string]*problem{"error": p})
}

// setHeaders sets the headers that every response has.
func setHeaders(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Cache-Control", "no-store")
	h.Set("X-Content-Type-Options", "nosniff")
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)                 // it is read in terminals and never rendered as HTML
	if err := e.Encode(body); err != nil { // cannot happen: every type of this package can be encoded
		status = http.StatusInternalServerError
		b.Reset()
		b.WriteString(`{"error":{"code":"internal","message":"the response cannot be encoded"}}`)
	}
	setHeaders(w)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	w.Write(b.Bytes())
}

// sanitize makes text of the client safe and short enough to be repeated in a
// message.
func sanitize(word string) string {
	clean, _ := workflow.CleanLine(word, 40)
	return clean
}
