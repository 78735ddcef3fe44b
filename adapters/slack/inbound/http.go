package inbound

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tocsin/adapters/slack"
)

// maxBody is how large a request may be.
const maxBody = 1 << 20

// bodyTimeout is how long a request may take to send its body: Slack itself gives
// up after three seconds.
const bodyTimeout = 5 * time.Second

// Handler receives what Slack sends as signed requests: POST /slack/commands,
// /slack/interactions and /slack/events. Without a signing secret these routes do
// not exist. A request that is not signed, is more than five minutes old or
// ahead, or has come before is answered 401; one that cannot be worked on now
// 503, and Slack sends events again.
func (s *Server) Handler() http.Handler {
	mux := http.NewServeMux()
	if s.signatures.secret == "" {
		return mux
	}
	mux.HandleFunc("POST "+slack.CommandsPath, s.handleSigned(readCommand))
	mux.HandleFunc("POST "+slack.InteractionsPath, s.handleSigned(readInteraction))
	mux.HandleFunc("POST "+slack.EventsPath, s.handleSigned(readEvent))
	return mux
}

// handleSigned handles requests that Slack has signed. Nothing but the body is
// signed, so nothing but the body is read.
func (s *Server) handleSigned(read func(body []byte) (delivery, error)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		connection := http.NewResponseController(rw)
		_ = connection.SetReadDeadline(time.Now().Add(s.bodyTimeout)) // a server that cannot has a limit of its own
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			deny(rw, http.StatusRequestEntityTooLarge, "too_large", "the body has more than 1 MiB")
			return
		}
		if err != nil {
			deny(rw, http.StatusBadRequest, "unreadable", "the body could not be read")
			return
		}
		_ = connection.SetReadDeadline(time.Time{}) // a server that cannot has a limit of its own
		sum, err := s.signatures.verify(r.Header, body)
		if err != nil {
			s.log.WarnContext(r.Context(), "a request for Slack's routes was refused", "path", r.URL.Path, "remote", r.RemoteAddr, "error", err.Error())
			deny(rw, http.StatusUnauthorized, "unauthorized", "this needs a fresh signature of Slack's")
			return
		}
		d, err := read(body)
		if err != nil {
			s.log.WarnContext(r.Context(), "a signed request could not be read", "path", r.URL.Path, "error", err.Error())
			deny(rw, http.StatusBadRequest, "unreadable", "the body is not what Slack sends here")
			return
		}
		// Where the header is missing, the request is the first.
		d.retry, _ = strconv.Atoi(r.Header.Get("X-Slack-Retry-Num"))
		s.handle(r.Context(), d, func(o outcome) error {
			if o.err != nil { // Slack sends it again at once; within the same second its signature is the same
				s.signatures.forget(sum)
			}
			return acknowledge(rw, o)
		})
	}
}

// acknowledge acknowledges a request.
func acknowledge(rw http.ResponseWriter, o outcome) error {
	if o.err != nil {
		rw.Header().Set("Retry-After", "5")
		deny(rw, http.StatusServiceUnavailable, "busy", "it could not be taken now")
		return nil //nolint:nilerr // that it failed is the response
	}
	if o.payload == nil {
		rw.WriteHeader(http.StatusOK)
		return nil
	}
	raw, err := json.Marshal(o.payload)
	if err != nil { // texts are all it holds
		rw.WriteHeader(http.StatusOK)
		return err
	}
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, err = rw.Write(raw)
	return err
}

// deny answers a request with an error.
func deny(rw http.ResponseWriter, status int, code, message string) {
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.WriteHeader(status)
	raw, err := json.Marshal(map[string]map[string]string{"error": {"code": code, "message": message}})
	if err == nil { // texts are all it holds
		rw.Write(raw)
	}
}

// readCommand reads a slash command's form.
func readCommand(body []byte) (delivery, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return delivery{}, err
	}
	fields := map[string]string{}
	for name := range form {
		fields[name] = form.Get(name)
	}
	raw, err := json.Marshal(fields)
	return delivery{kind: kindSlashCommand, body: raw}, err
}

// readInteraction reads the payload in a form.
func readInteraction(body []byte) (delivery, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return delivery{}, err
	}
	payload := form.Get("payload")
	if !json.Valid([]byte(payload)) {
		return delivery{}, errors.New("the payload is not valid JSON")
	}
	return delivery{kind: kindInteraction, body: json.RawMessage(payload)}, nil
}

// readEvent reads an event, or the question whether the address is this app's.
func readEvent(body []byte) (delivery, error) {
	if !json.Valid(body) {
		return delivery{}, errors.New("the body is not valid JSON")
	}
	return delivery{kind: kindEvent, body: body}, nil
}
