package slacktest

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The kinds of envelopes of Socket Mode (apis/events-api/using-socket-mode).
const (
	kindSlash       = "slash_commands"
	kindInteraction = "interactive"
	kindEvent       = "events_api"
)

// Delivery is one payload that was sent to the app, and the app's answer.
type Delivery struct {
	// Kind is slash_commands, interactive or events_api. Type is the type of the payload, such as block_actions or message.
	Kind, Type string
	// Payload is the payload as JSON (by HTTP a slash command is a form with the same fields).
	Payload json.RawMessage
	// TriggerID, ResponseURL and EventID are those of the payload, if it has them.
	TriggerID, ResponseURL, EventID string
	// Message is the message that a person wrote, changed or reacted to, as it is in the channel.
	Message Message
	// Attempt is 0 for the first attempt, and 1 to 3 for retries.
	Attempt int
	// Socket is the number of the socket that it was sent to, counted from 1 in the order of connecting; 0 means that it
	// went by HTTP or that no app was reachable.
	Socket int
	// Took is how long the acknowledgement took, in real time.
	Took time.Duration
	// Status is the status of the HTTP response.
	Status int
	// Response is the payload of the acknowledgement, or the body of the HTTP response.
	Response []byte
	// Errors are the errors with which the app refused the submission of a form, by block_id.
	Errors map[string]string
	// Options are the values of the options that the app found in a search.
	Options []string
	// Err says why the payload was not sent, not acknowledged, or answered with something that Slack does not accept.
	Err error

	request *http.Request // for Replay
	body    []byte
	noRetry bool
}

// Failure is a payload that the app did not acknowledge correctly, or a frame that it should not have sent.
type Failure struct {
	Kind, Type string
	// Reason is operation_timeout, dispatch_failed (no app was reachable, or the status was not 200), connection_lost, or a
	// description of the wrong answer.
	Reason  string
	Payload json.RawMessage
}

// failureReason is an error that is itself the reason of a Failure.
type failureReason string

// Error returns the reason.
func (r failureReason) Error() string { return string(r) }

// The reasons that Slack has names for.
const (
	errTimeout  = failureReason("operation_timeout")
	errDispatch = failureReason("dispatch_failed")
	errLost     = failureReason("connection_lost")
)

// pendingAck is a delivery by socket that waits for its acknowledgement.
type pendingAck struct{ acked chan json.RawMessage }

// envelope is a payload to deliver, with what a retry needs.
type envelope struct {
	kind, name string
	payload    answer
	accepts    bool // the acknowledgement may have a payload
	attempt    int
	reason     string
	trigger    string
	response   string
	event      string
}

// SetRequestURL sets where payloads are posted while no socket is connected. The paths commands, interactions and events
// are appended to base, such as http://127.0.0.1:8080/slack/.
func (s *Server) SetRequestURL(base string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.options.RequestURL = base
}

// requestURL returns where payloads are posted.
func (s *Server) requestURL() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.options.RequestURL
}

// Failures returns what the app did not acknowledge correctly, oldest first.
func (s *Server) Failures() []Failure {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.failures)
}

// recordFailure adds to the Failures.
func (s *Server) recordFailure(f Failure) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failures = append(s.failures, f)
	s.wakeWaiters()
}

// send delivers an envelope once: to one of the sockets if any is connected, else by HTTP if the app has a URL.
func (s *Server) send(p *envelope) Delivery {
	raw, err := json.Marshal(p.payload)
	if err != nil {
		panic("slacktest: encode a payload: " + err.Error())
	}
	d := Delivery{
		Kind: p.kind, Type: p.name, Payload: raw, TriggerID: p.trigger, ResponseURL: p.response, EventID: p.event, Attempt: p.attempt,
	}
	began := time.Now()
	to, base := s.chooseReceiver()
	switch {
	case to != nil:
		s.sendBySocket(to, p, &d)
	case base != "":
		s.sendByHTTP(base, p, &d)
	default:
		d.Err = fmt.Errorf("reach the app: it has no socket connected and no request URL: %w", errDispatch)
	}
	d.Took = time.Since(began)
	if d.Err != nil && p.kind != kindEvent {
		s.recordFailure(Failure{p.kind, p.name, reasonOf(d.Err), raw})
	}
	return d
}

// chooseReceiver returns the socket whose turn it is, nil if none is connected, and the base of the app's URLs for HTTP.
func (s *Server) chooseReceiver() (to *socket, base string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.sockets); n > 0 {
		to = s.sockets[s.nextSocket%n]
		s.nextSocket++
	}
	return to, s.options.RequestURL
}

// reasonOf returns the Reason of a Failure with an error.
func reasonOf(err error) string {
	if reason, ok := errors.AsType[failureReason](err); ok {
		return reason.Error()
	}
	return err.Error()
}

// sendBySocket sends an envelope to one socket and waits for its acknowledgement.
func (s *Server) sendBySocket(to *socket, p *envelope, d *Delivery) {
	d.Socket = to.number
	id := newSecret()
	frame := answer{"envelope_id": id, "type": p.kind, "accepts_response_payload": p.accepts, "payload": p.payload}
	if p.kind == kindEvent {
		frame["retry_attempt"], frame["retry_reason"] = p.attempt, p.reason
	}
	w := s.addPendingAck(id)
	defer s.takePendingAck(id)
	if err := to.send(frame); err != nil {
		d.Err = fmt.Errorf("write to socket %d: %w", to.number, errLost)
		return
	}
	d.Response, d.Err = s.awaitAck(to, w)
	if len(d.Response) > 0 && !p.accepts {
		d.Err = fmt.Errorf("acknowledge %s: the acknowledgement must have no payload, got %s", p.name, d.Response)
	}
}

// addPendingAck registers a delivery that waits for the acknowledgement of an envelope.
func (s *Server) addPendingAck(envelopeID string) *pendingAck {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := &pendingAck{make(chan json.RawMessage, 1)}
	s.pendingAcks[envelopeID], s.issuedEnvelopes[envelopeID] = w, true
	return w
}

// awaitAck waits for the acknowledgement of an envelope that was sent to a socket. One that arrived before the socket
// closed counts, although the end of the socket may be noticed first.
func (s *Server) awaitAck(from *socket, w *pendingAck) (response []byte, err error) {
	select {
	case response = <-w.acked:
		return response, nil
	case <-from.read:
		err = fmt.Errorf("wait for socket %d: %w", from.number, errLost)
	case <-time.After(s.options.AckTimeout):
		err = fmt.Errorf("wait for socket %d: %w", from.number, errTimeout)
	case <-s.done:
		err = errLost
	}
	select {
	case response = <-w.acked:
		return response, nil
	default:
		return nil, err
	}
}

// sendByHTTP posts a signed request (authentication/verifying-requests-from-slack).
func (s *Server) sendByHTTP(base string, p *envelope, d *Delivery) {
	path, kind := "events", "application/json"
	body := []byte(d.Payload)
	switch p.kind {
	case kindSlash:
		form := url.Values{}
		for name, v := range p.payload {
			form.Set(name, fmt.Sprint(v))
		}
		path, kind, body = "commands", "application/x-www-form-urlencoded", []byte(form.Encode())
	case kindInteraction:
		path, kind = "interactions", "application/x-www-form-urlencoded"
		body = []byte(url.Values{"payload": {string(d.Payload)}}.Encode())
	}
	r, err := http.NewRequestWithContext(context.Background(), http.MethodPost, strings.TrimSuffix(base, "/")+"/"+path, http.NoBody)
	if err != nil {
		d.Err = fmt.Errorf("make a request for the app: %w", err)
		return
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("User-Agent", "Slackbot 1.0 (+https://api.slack.com/robots)")
	if p.attempt > 0 {
		r.Header.Set("X-Slack-Retry-Num", strconv.Itoa(p.attempt))
		r.Header.Set("X-Slack-Retry-Reason", p.reason)
	}
	s.sign(r, body)
	s.exchangeHTTP(r, body, d)
}

// sign adds the time and the signature of a body to a request.
func (s *Server) sign(r *http.Request, body []byte) {
	stamp := strconv.FormatInt(s.reserveSigningTime(body), 10)
	mac := hmac.New(sha256.New, []byte(s.SigningSecret))
	mac.Write([]byte("v0:" + stamp + ":"))
	mac.Write(body)
	r.Header.Set("X-Slack-Request-Timestamp", stamp)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
}

// reserveSigningTime returns the time, in seconds, that a request is signed for. It is the real time, because the app
// compares it with its own clock. A body that is sent again is signed for a later second, because Slack's retries come at
// least a second later.
func (s *Server) reserveSigningTime(body []byte) int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	now, sum := time.Now().Unix(), sha256.Sum256(body)
	if last := s.signedAt[sum]; now <= last {
		now = last + 1
	}
	s.signedAt[sum] = now
	return now
}

// exchangeHTTP sends a request and reads the response. Any status but 200 is a failure.
func (s *Server) exchangeHTTP(r *http.Request, body []byte, d *Delivery) {
	d.request, d.body = r, body
	ctx, cancel := context.WithTimeout(context.Background(), s.options.AckTimeout)
	defer cancel()
	r = r.Clone(ctx)
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	got, err := s.client.Do(r)
	if err != nil {
		d.Err = fmt.Errorf("reach the app by HTTP: %w: %w", err, errDispatch)
		if ctx.Err() != nil {
			d.Err = fmt.Errorf("reach the app by HTTP: %w", errTimeout)
		}
		return
	}
	defer got.Body.Close()
	d.Status, d.noRetry = got.StatusCode, got.Header.Get("X-Slack-No-Retry") == "1"
	d.Response, err = io.ReadAll(got.Body)
	switch {
	case err != nil:
		d.Err = fmt.Errorf("read the response of the app: %w", errTimeout)
	case got.StatusCode != http.StatusOK:
		d.Err = fmt.Errorf("reach the app by HTTP: status %d, want 200: %w", got.StatusCode, errDispatch)
	case strings.HasPrefix(got.Header.Get("Content-Type"), "text/plain") && len(d.Response) > 0 && d.Kind == kindSlash:
		// Plain text is the text of a message (interactivity/implementing-slash-commands, "Sending an immediate response").
		d.Response, err = json.Marshal(answer{"text": string(d.Response)})
		if err != nil {
			d.Err = fmt.Errorf("read the response of the app: %w", err)
		}
	}
}

// Redeliver sends the same payload again, with the same event or trigger ID, as Slack does with an event whose
// acknowledgement was lost. The app's answer has no effect.
func (s *Server) Redeliver(d Delivery) Delivery {
	payload, ok := decodeObject(d.Payload)
	if !ok {
		return Delivery{Err: errors.New("deliver again: the delivery has no payload")}
	}
	p := &envelope{
		kind: d.Kind, name: d.Type, payload: payload, trigger: d.TriggerID, response: d.ResponseURL, event: d.EventID,
		accepts: acceptsResponse(d.Kind, d.Type),
	}
	if d.Kind == kindEvent {
		p.attempt, p.reason = d.Attempt+1, retryReason(d)
	}
	return s.send(p)
}

// Replay sends the same bytes and headers of a delivery by HTTP again, as an attacker would who has recorded them.
func (s *Server) Replay(d Delivery) Delivery {
	if d.request == nil {
		return Delivery{Err: errors.New("replay: the delivery was not sent by HTTP")}
	}
	again := d
	again.Err, again.Response = nil, nil
	s.exchangeHTTP(d.request, d.body, &again)
	return again
}

// decodeObject parses a JSON object.
func decodeObject(raw []byte) (answer, bool) {
	v, ok := parseJSON(string(raw))
	object, isObject := v.(map[string]any)
	return answer(object), ok && isObject
}

// acceptsResponse reports whether the acknowledgement of a payload may have a payload (accepts_response_payload).
func acceptsResponse(kind, name string) bool {
	return kind == kindSlash || name == "view_submission" || name == "block_suggestion"
}

// Verify sends the url_verification handshake (reference/events/url_verification) to the URL of events.
func (s *Server) Verify() Delivery {
	challenge := newSecret()
	p := &envelope{kind: kindEvent, name: "url_verification", payload: answer{
		"type": "url_verification", "token": "verification", "challenge": challenge,
	}}
	d := Delivery{Kind: p.kind, Type: p.name}
	d.Payload, d.Err = json.Marshal(p.payload)
	if d.Err == nil {
		s.sendByHTTP(s.requestURL(), p, &d)
	}
	got, _ := decodeObject(d.Response)
	if d.Err == nil && got["challenge"] != challenge && strings.TrimSpace(string(d.Response)) != challenge {
		d.Err = fmt.Errorf("verify the URL: the app answered %s, want the challenge", d.Response)
	}
	return d
}
