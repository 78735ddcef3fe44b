// Package hooks is the one HTTP door for all sources of alerts: it
// authenticates, limits what comes in, has it decoded by the source's decoder,
// and sees to it that nothing authenticated is lost. A sender reads a 2xx as
// "never send this again", so it gets one only when the alerts are kept; 503
// makes it try again; any other status comes after what it sent was put aside
// as a dead letter (rules I1 and I2).
package hooks

import (
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

// Receiver takes what came through the door.
type Receiver interface {
	// Receive takes the alerts of one delivery. They are durably kept when it
	// returns nil; the receipts are in the order of the alerts.
	Receive(ctx context.Context, integration string, all []alerts.Alert) ([]alerts.Receipt, error)
	// KeepUnreadable keeps a delivery that is authenticated and cannot be read as a
	// dead letter, and opens or joins the incident that pages the integration's
	// owner. Both are durable when it returns nil. reason is one line for
	// people. The body may be the head of a larger one.
	KeepUnreadable(ctx context.Context, integration string, body []byte, reason string) error
}

// Config is what the door needs. Receiver and Organization are required.
type Config struct {
	Receiver Receiver
	// Organization returns the configuration as it is now.
	Organization func() *bot.Organization
	// Sources are the kinds of senders that are understood.
	Sources alerts.Sources
	// Log gets one line for each delivery that was not accepted; nil: none.
	Log *slog.Logger
	// DefaultTokens returns the live secrets of the integrations that have none
	// of their own; nil: there are none, and such integrations are closed.
	DefaultTokens func() []string
	// ReadTimeout is how long a request may take to send its body; 0: 10 s.
	ReadTimeout time.Duration
	// Now is the clock by which a signature is too old; nil: [time.Now].
	Now func() time.Time
}

// takeTimeout ends a store that does not answer, before the sender gives up.
const takeTimeout = 10 * time.Second

// New returns the handler of POST /hooks/{integration}; it reads the path's
// value "integration". Answers are JSON: 202 with the incidents that the alerts
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
	return &door{cfg}
}

type door struct{ Config }

func (d *door) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// Set before anything else, so that it also holds while the server drops the
	// body of a request that was refused. Not every server can: then its own
	// ReadTimeout has to do.
	connection := http.NewResponseController(w)
	_ = connection.SetReadDeadline(time.Now().Add(d.ReadTimeout))

	if r.Method != http.MethodPost {
		d.refuse(w, r, "", refusal{
			status: http.StatusMethodNotAllowed, Code: "method_not_allowed", Message: "alerts are sent with POST",
		})
		return
	}
	got, no := d.open(w, r, connection)
	if no != nil {
		d.refuse(w, r, got.in.Name, *no)
		return
	}
	// What has arrived is taken even if its sender hangs up now: not every
	// sender comes again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), takeTimeout)
	defer cancel()
	var all []alerts.Alert
	f := got.fault
	if f == nil {
		all, f = d.decode(got)
	}
	if f != nil {
		d.refuse(w, r, got.in.Name, d.keep(ctx, got.in.Name, *f))
		return
	}
	var receipts []alerts.Receipt
	if len(all) > 0 {
		var err error
		if receipts, err = d.Receiver.Receive(ctx, got.in.Name, all); err != nil {
			d.refuse(w, r, got.in.Name, busy(err))
			return
		}
	}
	write(w, http.StatusAccepted, accepted{Status: "accepted", Alerts: len(all), Incidents: incidents(receipts)})
}

// A fault is a delivery that was not read. Dead says that it is to be kept;
// else it never arrived whole, and the sender is to try again.
type fault struct {
	refusal
	dead   bool
	body   []byte // what there is of it
	reason string // one line; "": the message
}

// keep puts a faulty delivery aside before its sender is told no. Where it
// cannot, the sender is told to try again.
func (d *door) keep(ctx context.Context, integration string, f fault) refusal {
	if !f.dead {
		return f.refusal
	}
	if err := d.Receiver.KeepUnreadable(ctx, integration, f.body, cmp.Or(f.reason, f.Message)); err != nil {
		return busy(fmt.Errorf("keep a dead letter: %w", err))
	}
	return f.refusal
}

// decode has a request read by its source.
func (d *door) decode(got delivery) (all []alerts.Alert, f *fault) {
	body := got.request.Body
	if got.source.Decode == nil {
		return nil, unreadable(body, fmt.Errorf("nothing here reads the type %q", got.in.Type))
	}
	// A body that brings its decoder down would do so each time it is sent again:
	// it is a dead letter like any other.
	defer func() {
		if p := recover(); p != nil {
			d.panicked("Decode", got)
			all, f = nil, unreadable(body, errors.New("its decoder failed"))
		}
	}()
	all, err := got.source.Decode(got.request)
	if err != nil {
		return nil, unreadable(body, err)
	}
	return all, nil
}

// panicked logs where a source failed, and nothing of the request (rule P4).
func (d *door) panicked(function string, got delivery) {
	d.Log.Error("source panicked", "function", function, "integration", got.in.Name, "type", got.in.Type, "stack", string(debug.Stack()))
}

// refuse answers no, and logs it. Nothing that the sender chose is in the line
// but the place where a body is wrong: a token may stand anywhere in a request
// that was set up in a hurry (rule P4).
func (d *door) refuse(w http.ResponseWriter, r *http.Request, integration string, no refusal) {
	level := slog.LevelWarn
	attrs := []slog.Attr{
		slog.String("integration", integration), slog.Int("status", no.status), slog.String("code", no.Code),
		slog.String("remote", r.RemoteAddr),
	}
	if no.detail != nil {
		attrs = append(attrs, slog.Any("error", no.detail))
	}
	if no.status >= http.StatusInternalServerError {
		level = slog.LevelError
	}
	d.Log.LogAttrs(r.Context(), level, "hook refused", attrs...)
	no.write(w)
}

// incidents lists the incidents of the receipts, each once, in their order.
func incidents(receipts []alerts.Receipt) []string {
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
