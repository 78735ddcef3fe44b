// Package hooks receives alerts over HTTP from every source. It authenticates a
// request, limits its size, decodes it with the decoder of its source, and
// stores the alerts. A sender reads a 2xx as "never send this again", so it
// gets one only when the alerts are durable (I1: a 2xx means durable). It
// retries after a 503 (I2: overload is a 503). Any other status is sent after
// the delivery was kept as a dead letter.
package hooks

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"tocsin/bot"
	"tocsin/bot/alerts"
)

// Receiver stores what was received.
type Receiver interface {
	// Receive stores the alerts of one delivery. They are durable when it
	// returns nil; the receipts are in the order of the alerts.
	Receive(ctx context.Context, integration string, all []alerts.Alert) ([]alerts.Receipt, error)
	// StoreDeadLetter stores an authenticated delivery that cannot be read as a
	// dead letter, and opens or joins the incident that pages the integration's
	// owner. Both are durable when it returns nil.
	StoreDeadLetter(ctx context.Context, integration string, got alerts.Unreadable) error
}

// Config configures [New]. Receiver and Organization are required.
type Config struct {
	Receiver Receiver
	// Organization returns the current configuration.
	Organization func() *bot.Organization
	// Sources are the supported kinds of senders.
	Sources alerts.Sources
	// Log gets one line for each delivery that was not accepted; nil: none.
	Log *slog.Logger
	// DefaultTokens returns the secrets of the integrations that have none of
	// their own; nil: there are none, and such integrations accept nothing.
	DefaultTokens func() []string
	// ReadTimeout is how long a request may take to send its body; 0: 10 s.
	ReadTimeout time.Duration
	// Now is the clock that decides whether a signature is too old; nil:
	// [time.Now].
	Now func() time.Time
}

// storeTimeout ends a request whose store does not answer, before the sender
// gives up.
const storeTimeout = 10 * time.Second

// New returns the handler of the requests that [Match] matches: POST /hooks/NAME, with
// or without more after the name, and what senders make of that. Responses are JSON: 202 with the incidents that the alerts
// belong to, else {"error": {"code", "message", "hint"}}.
func New(cfg Config) http.Handler {
	if cfg.Log == nil {
		cfg.Log = slog.New(slog.DiscardHandler)
	}
	if cfg.DefaultTokens == nil {
		cfg.DefaultTokens = func() []string { return nil }
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	if cfg.ReadTimeout <= 0 {
		cfg.ReadTimeout = 10 * time.Second
	}
	return &handler{cfg}
}

type handler struct{ Config }

func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Set first, so that it also limits how long the server discards the body
	// of a refused request. Not every server supports it: then its own
	// ReadTimeout applies.
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(h.ReadTimeout))

	method := classify(r.Method)
	if method == holdsNothing {
		h.refuse(w, r, "", wrongMethod())
		return
	}
	got, ref := h.authenticate(w, r, connection)
	switch {
	case method == delivers:
	case ref == nil:
		got.fault = refuseDelivery(got, wrongMethod(), "it came with "+r.Method+", alerts are sent with POST; a redirect on the way makes GET of POST and drops the alerts")
	case ref.status == http.StatusUnauthorized:
		ref = new(wrongMethod())
	}
	if ref != nil {
		h.refuse(w, r, got.in.Name, *ref)
		return
	}
	// A complete delivery is stored even if its sender disconnects now: not
	// every sender retries.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), storeTimeout)
	defer cancel()
	var all []alerts.Alert
	f := got.fault
	if f == nil {
		all, f = h.decode(got)
	}
	if f != nil {
		h.refuse(w, r, got.in.Name, h.storeDeadLetter(ctx, got.keptAs, *f))
		return
	}
	var receipts []alerts.Receipt
	if len(all) > 0 {
		var err error
		if receipts, err = h.Receiver.Receive(ctx, got.in.Name, all); err != nil {
			h.refuse(w, r, got.in.Name, unavailable(err))
			return
		}
	}
	writeJSON(w, http.StatusAccepted, acceptedResponse{Status: "accepted", Alerts: len(all), Incidents: incidentIDs(receipts)})
}

// fault is a delivery whose body was not read. isDeadLetter says that it becomes a dead
// letter; else it never arrived whole, and the sender is asked to send it
// again.
type fault struct {
	refusal
	isDeadLetter bool
	letter       alerts.Unreadable // a Reason of "": the message
}

// refuseDelivery returns the fault of a delivery that is kept although its body was not
// decoded. Without a body, it holds no alert.
func refuseDelivery(got delivery, ref refusal, reason string) *fault {
	letter := alerts.Unreadable{Body: got.request.Body}
	if got.fault != nil {
		letter = got.fault.letter
	}
	letter.Reason, letter.HasNoAlert = reason, len(bytes.TrimSpace(letter.Body)) == 0
	return &fault{refusal: ref, isDeadLetter: true, letter: letter}
}

// storeDeadLetter stores a faulty delivery before the sender gets the error.
// When that fails, the sender is asked to send it again.
func (h *handler) storeDeadLetter(ctx context.Context, integration string, f fault) refusal {
	if !f.isDeadLetter {
		return f.refusal
	}
	f.letter.Reason = cmp.Or(f.letter.Reason, f.Message)
	if err := h.Receiver.StoreDeadLetter(ctx, integration, f.letter); err != nil {
		return unavailable(fmt.Errorf("store a dead letter: %w", err))
	}
	return f.refusal
}

// decode decodes a request with its source.
func (h *handler) decode(got delivery) (all []alerts.Alert, f *fault) {
	body := got.request.Body
	if got.source.Decode == nil {
		return nil, unreadable(body, fmt.Errorf("no source has the type %q", got.in.Type))
	}
	// A body on which its decoder panics would do so each time it is sent: it
	// becomes a dead letter like any other.
	defer func() {
		if p := recover(); p != nil {
			h.logPanic("Decode", got)
			all, f = nil, unreadable(body, errors.New("its decoder failed"))
		}
	}()
	all, err := got.source.Decode(got.request)
	if err != nil {
		return nil, unreadable(body, err)
	}
	return all, nil
}

// logPanic logs the stack of a source that panicked, and nothing of the request
// (P4: secrets are never shown).
func (h *handler) logPanic(function string, got delivery) {
	h.Log.Error("source panicked", "function", function, "integration", got.in.Name, "type", got.in.Type, "stack", string(debug.Stack()))
}

// refuse writes an error response and logs it. The line has nothing that the
// sender chose but the place where a body is malformed: a token may be anywhere
// in a request that was set up in a hurry (P4: secrets are never shown).
func (h *handler) refuse(w http.ResponseWriter, r *http.Request, integration string, ref refusal) {
	level := slog.LevelWarn
	attrs := []slog.Attr{
		slog.String("integration", integration), slog.Int("status", ref.status), slog.String("code", ref.Code),
		slog.String("remote", r.RemoteAddr),
	}
	if ref.detail != nil {
		attrs = append(attrs, slog.Any("error", ref.detail))
	}
	if ref.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	h.Log.LogAttrs(r.Context(), level, "hook refused", attrs...)
	ref.write(w)
}

// incidentIDs lists the incidents of the receipts, each once, in their order.
func incidentIDs(receipts []alerts.Receipt) []string {
	var ids []string
	seen := map[string]bool{"": true}
	for _, r := range receipts {
		if !seen[r.Incident] {
			seen[r.Incident] = true
			ids = append(ids, r.Incident)
		}
	}
	return ids
}
