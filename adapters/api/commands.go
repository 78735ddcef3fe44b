package api

import (
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

// maxKey is how long an Idempotency-Key may be, in characters.
const maxKey = 200

// command gives a line of the language, as if it had been typed.
func (s *server) command(r *http.Request, who caller) (any, error) {
	given, err := readFields(r, "text", "incident", "as")
	if err != nil {
		return nil, err
	}
	text, ok := given["text"]
	if !ok {
		return nil, badValue(`"text" is missing`, `for example {"text": "list"}`)
	}
	q := dispatch.Request{Text: text, Speaker: who.Speaker}
	if q.Operation, err = operation(r, who.token); err != nil {
		return nil, err
	}
	if typed := given["incident"]; typed != "" {
		if q.Room = commands.ParseID(typed); q.Room == "" {
			return nil, badValue(fmt.Sprintf("%q is no incident", shown(typed)), `"incident" is called INC-7; leave it out if the text names one`)
		}
	}
	if handle := given["as"]; handle != "" {
		if q.Speaker, err = s.actFor(handle, who); err != nil {
			return nil, err
		}
	}
	reply, err := s.Bot.Dispatcher.Run(r.Context(), q)
	if err != nil {
		return nil, err
	}
	if !reply.OK && reply.Incident != "" {
		// A refusal that names its incident would tell that it exists (rule P2).
		if _, err := s.Bot.Incidents.Get(r.Context(), reply.Incident, q.Speaker); err != nil {
			reply.Incident = ""
		}
	}
	return reply, nil
}

// readFields reads an object of texts. Every way to be wrong is named.
func readFields(r *http.Request, names ...string) (map[string]string, error) {
	var raw map[string]json.RawMessage
	d := json.NewDecoder(r.Body)
	err := d.Decode(&raw)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			err = errors.Join(errors.New("something follows the object"), more)
		}
	}
	if _, is := errors.AsType[*http.MaxBytesError](err); is {
		return nil, &problem{
			status: http.StatusRequestEntityTooLarge, Code: "too_large", Message: fmt.Sprintf("the body is larger than %d KiB", maxBody>>10),
			Hint: "texts hold 4,000 characters; put longer ones behind a link",
		}
	}
	if err != nil || raw == nil {
		return nil, badValue("the body is not a JSON object"+because(err), `for example {"text": "ack INC-7"}`)
	}
	fields := map[string]string{}
	for name, value := range raw {
		if !slices.Contains(names, name) {
			return nil, &problem{
				status: http.StatusBadRequest, Code: "unknown_field", Message: fmt.Sprintf("there is no field %q", shown(name)),
				Hint: oneOf(name, names),
			}
		}
		var text *string
		if err := json.Unmarshal(value, &text); err != nil || text == nil {
			return nil, badValue(fmt.Sprintf("%q is not a text", name), fmt.Sprintf(`write it in quotes: {%q: "…"}`, name))
		}
		fields[name] = *text
	}
	return fields, nil
}

// because says where a body is wrong, and repeats nothing of it but a
// character.
func because(err error) string {
	if err == nil {
		return ""
	}
	if at, is := errors.AsType[*json.SyntaxError](err); is {
		return fmt.Sprintf(": at byte %d: %s", at.Offset, shown(at.Error()))
	}
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return ": it ends too early"
	}
	return ""
}

// operation names a delivery for good, so that the bot answers its repeat as it
// answered the first. Each token has its own names.
func operation(r *http.Request, t bot.Token) (string, error) {
	key := r.Header.Get("Idempotency-Key")
	if key == "" {
		return "", nil
	}
	odd := func(c rune) bool { return c < ' ' || c > '~' }
	if len(key) > maxKey || strings.ContainsFunc(key, odd) {
		return "", badValue("the Idempotency-Key cannot be used", fmt.Sprintf("it holds at most %d characters of ASCII; a UUID is a good one", maxKey))
	}
	return "api " + t.Name + " " + key, nil
}
