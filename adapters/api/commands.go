package api

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"tocsin/bot"
	"tocsin/bot/dispatch"
	"tocsin/commands"
)

// maxIdempotencyKey is the maximum length of an Idempotency-Key, in characters.
const maxIdempotencyKey = 200

// handleCommand runs a command, as if it had been typed in chat.
func (s *server) handleCommand(r *http.Request, who caller) (any, error) {
	given, err := readFields(r, "text", "incident", "as")
	if err != nil {
		return nil, err
	}
	text, ok := given["text"]
	if !ok {
		return nil, badValue(`"text" is missing`, `for example {"text": "list"}`)
	}
	q := dispatch.Request{Text: text, Speaker: who.Speaker}
	if q.Operation, err = operationID(r, who.token); err != nil {
		return nil, err
	}
	if typed := given["incident"]; typed != "" {
		if q.Room = commands.ParseID(typed); q.Room == "" {
			return nil, badValue(fmt.Sprintf("%q is not an incident", sanitize(typed)), `"incident" is an ID such as INC-7; leave it out if the text names the incident`)
		}
	}
	if handle := given["as"]; handle != "" {
		if q.Speaker, err = s.actAs(handle, who); err != nil {
			return nil, err
		}
	}
	q.Digest = digest(q.Text, q.Room, q.Speaker.Person)
	reply, err := s.Dispatcher.Run(r.Context(), q)
	if err != nil {
		return nil, err
	}
	if reply.Reused {
		return nil, &problem{
			status: http.StatusUnprocessableEntity, Code: "key_reused", Message: "this Idempotency-Key belongs to another request, so nothing was done",
			Hint: "a retry repeats text, incident and person exactly; use a new key for each new command",
		}
	}
	if !reply.OK && reply.Incident != "" {
		// A refusal that names a private incident would show that it exists
		// (P2: private means members only).
		if _, err := s.Incidents.Get(r.Context(), reply.Incident, q.Speaker); err != nil {
			reply.Incident = ""
		}
	}
	return reply, nil
}

// readFields decodes a JSON object of strings with the given names. Each error
// says what is wrong and what would be right.
func readFields(r *http.Request, names ...string) (map[string]string, error) {
	var raw map[string]json.RawMessage
	d := json.NewDecoder(r.Body)
	err := d.Decode(&raw)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.Join(errors.New("read body: data after the object"), more)
		}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &problem{
			status: http.StatusRequestEntityTooLarge, Code: "too_large", Message: fmt.Sprintf("the body is larger than %d KiB", maxBody>>10),
			Hint: "a text holds 4,000 characters; link to longer ones",
		}
	}
	if err != nil || raw == nil {
		return nil, badValue("the body is not a JSON object"+syntaxDetail(err), `for example {"text": "ack INC-7"}`)
	}
	fields := map[string]string{}
	for name, value := range raw {
		if !slices.Contains(names, name) {
			return nil, &problem{
				status: http.StatusBadRequest, Code: "unknown_field", Message: fmt.Sprintf("there is no field %q", sanitize(name)),
				Hint: suggest(name, names),
			}
		}
		var text *string
		if err := json.Unmarshal(value, &text); err != nil || text == nil {
			return nil, badValue(fmt.Sprintf("%q is not a string", name), fmt.Sprintf(`write it in quotes: {%q: "…"}`, name))
		}
		fields[name] = *text
	}
	return fields, nil
}

// syntaxDetail says where a body is malformed. It repeats at most one character
// of it.
func syntaxDetail(err error) string {
	if err == nil {
		return ""
	}
	if at, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Sprintf(": at byte %d: %s", at.Offset, sanitize(at.Error()))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return ": it ends too early"
	}
	return ""
}

// digest returns a short text that is equal for equal parts.
func digest(parts ...string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return hex.EncodeToString(sum[:16])
}

// operationID returns the ID by which the bot recognizes a repeated request,
// from the Idempotency-Key. Each token has its own keys.
func operationID(r *http.Request, t bot.Token) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		return "", nil
	}
	odd := func(c rune) bool { return c < ' ' || c > '~' }
	if len(key) > maxIdempotencyKey || strings.ContainsFunc(key, odd) {
		return "", badValue("the Idempotency-Key is not valid", fmt.Sprintf("use at most %d characters of printable ASCII, for example a UUID", maxIdempotencyKey))
	}
	return "api " + t.Name + " " + key, nil
}
