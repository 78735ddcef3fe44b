package hooks

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"tocsin/bot"
)

// acceptedResponse is the answer to a delivery that was stored.
type acceptedResponse struct {
	Status    string   `json:"status"`
	Alerts    int      `json:"alerts"`
	Incidents []string `json:"incidents,omitempty"`
}

// refusal is an error response: a message and a hint for the sender, and a
// detail that only the log gets.
type refusal struct {
	Code    string `json:"code"`
	Message string `json:"message"`
	Hint    string `json:"hint,omitempty"`
	status  int
	detail  error
}

func (ref refusal) write(w http.ResponseWriter) {
	h := w.Header()
	switch ref.status {
	case http.StatusUnauthorized:
		h.Set("WWW-Authenticate", `Bearer realm="tocsin"`)
	case http.StatusMethodNotAllowed:
		h.Set("Allow", http.MethodPost)
	case http.StatusUnsupportedMediaType:
		h.Set("Accept-Encoding", "gzip") // RFC 7694
	case http.StatusServiceUnavailable:
		h.Set("Retry-After", "5")
	}
	writeJSON(w, ref.status, map[string]refusal{"error": ref})
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	b, err := json.Marshal(body)
	if err != nil { // cannot happen: the types of this file can be encoded
		status, b = http.StatusInternalServerError, []byte(`{"error":{"code":"internal"}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(append(b, '\n'))
}

// unauthorized answers a request that is not authenticated. It does not say
// whether the integration exists, nor how it authenticates.
func unauthorized(r *http.Request, why error) *refusal {
	ref := &refusal{
		status: http.StatusUnauthorized, Code: "unauthorized", detail: why,
		Message: "this needs the integration's token or a valid signature",
		Hint: `send "Authorization: Bearer TOKEN", or Basic with the token as the password; ` +
			"the token is the integration's own, or TOCSIN_HOOK_TOKEN. " +
			"A sender that signs its requests must sign with that token, and its clock must be right",
	}
	if r.URL.Query().Has("token") {
		ref.Message = "a token in the URL is not accepted"
		ref.Hint = `URLs end up in logs: send "Authorization: Bearer TOKEN" instead, and make a new token`
	}
	return ref
}

// unknownIntegration answers a path whose integration does not exist. It does
// not repeat the name: that may be a token in the wrong place.
func unknownIntegration(org *bot.Organization) *refusal {
	names := make([]string, len(org.Integrations))
	for n, in := range org.Integrations {
		names[n] = in.Name
	}
	ref := &refusal{
		status: http.StatusNotFound, Code: "unknown_integration", Message: "this integration does not exist",
		Hint: "no integration is configured",
	}
	if len(names) > 0 {
		ref.Hint = "the path is /hooks/ and one of: " + strings.Join(names, ", ")
	}
	ref.Hint += "; the delivery is kept as a dead letter"
	return ref
}

// unavailable makes the sender retry. It is never a 429: some senders drop a
// delivery that is answered with 429, and all retry one that is answered with
// 5xx (I2: overload is a 503).
func unavailable(err error) refusal {
	ref := refusal{
		status: http.StatusServiceUnavailable, Code: "unavailable",
		Message: "this could not be stored right now; send it again", detail: err,
	}
	if errors.Is(err, bot.ErrOverload) {
		ref.Code, ref.Message = "overloaded", "too many alerts are waiting to be processed; send it again"
	}
	return ref
}
