package hooks

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"tocsin/bot"
)

// accepted is the answer to a delivery that is kept.
type accepted struct {
	Status    string   `json:"status"`
	Alerts    int      `json:"alerts"`
	Incidents []string `json:"incidents,omitempty"`
}

// A refusal is an answer other than yes: what the sender is shown, and a detail
// for the log alone.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	status  int
	detail  error
}

func (no refusal) write(w http.ResponseWriter) {
	h := w.Header()
	switch no.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="tocsin"`)
	case http.StatusMethodNotAllowed:
		h.Set("Allow", http.MethodPost)
	case http.StatusUnsupportedMediaType:
		h.Set("Accept-Encoding", "gzip") // RFC 7694
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "5")
	}
	write(w, no.status, map[string]refusal{"error": no})
}

func write(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil { // the types of this file can be written
		status, b = http.StatusInternalServerError, []byte(`{"error":{"code":"internal"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
}

// unauthorized does not say whether the integration exists, nor how it would
// authenticate.
func unauthorized(r *http.Request, why error) *refusal {
	no := &refusal{
		status: http.StatusUnauthorized, Code: "unauthorized", detail: why,
		Message: "this needs the integration's token, or its sender's signature",
		Hint: `send "Authorization: Bearer TOKEN", or Basic with the token as the password; ` +
			"the token is the integration's own, or TOCSIN_HOOK_TOKEN. " +
			"A sender that signs what it sends has to sign it with that token, and its clock has to be right",
	}
	if r.URL.Query().Has("token") {
		no.Message = "a token in the address is not accepted"
		no.Hint = `addresses end up in logs: send "Authorization: Bearer TOKEN" instead, and make a new token`
	}
	return no
}

// unknown does not repeat the name: it may be a token in the wrong place.
func unknown(org *bot.Organization) *refusal {
	names := make([]string, len(org.Integrations))
	for n, in := range org.Integrations {
		names[n] = in.Name
	}
	no := &refusal{
		status: http.StatusNotFound, Code: "unknown_integration", Message: "there is no integration of this name",
		Hint: "no integration is configured",
	}
	if len(names) > 0 {
		no.Hint = "the address is /hooks/ and one of: " + strings.Join(names, ", ")
	}
	return no
}

// busy makes the sender try again. Never 429: some senders drop what is
// answered with one, and all retry what is answered with 5xx (rule I2).
func busy(err error) refusal {
	no := refusal{
		status: http.StatusServiceUnavailable, Code: "unavailable",
		Message: "this could not be stored just now; send it again", detail: err,
	}
	if errors.Is(err, bot.ErrOverload) {
		no.Code, no.Message = "overloaded", "too many alerts are waiting to be read; send it again"
	}
	return no
}
