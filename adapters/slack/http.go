package slack

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// maxBody is how large a request may be.
const maxBody = 1 << 20

// freshness is how far a request's time may be from ours
// (docs.slack.dev/authentication/verifying-requests-from-slack: five minutes).
const freshness = 5 * time.Minute

// Handler takes what Slack sends as signed requests: POST /slack/commands,
// /slack/interactions and /slack/events. Without a signing secret they are not
// there. What is not signed, is older or newer than five minutes, or has come
// before is answered 401; what cannot be taken now 503, and Slack sends events
// again.
func (w *Workspace) Handler() http.Handler {
	mux := http.NewServeMux()
	if w.cfg.SigningSecret == "" {
		return mux
	}
	mux.HandleFunc("POST /slack/commands", w.signed(readCommand))
	mux.HandleFunc("POST /slack/interactions", w.signed(readInteraction))
	mux.HandleFunc("POST /slack/events", w.signed(readEvent))
	return mux
}

// signed lets read see what Slack has signed, and answers it. Nothing but the
// body is signed, so nothing but the body is read.
func (w *Workspace) signed(read func(body []byte) (delivery, error)) http.HandlerFunc {
	return func(rw http.ResponseWriter, r *http.Request) {
		connection := http.NewResponseController(rw)
		_ = connection.SetReadDeadline(time.Now().Add(w.inbox.reading)) // where a server cannot, its own limit has to do
		body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, maxBody))
		if _, large := errors.AsType[*http.MaxBytesError](err); large {
			deny(rw, http.StatusRequestEntityTooLarge, "too_large", "the body has more than 1 MiB")
			return
		}
		if err != nil {
			deny(rw, http.StatusBadRequest, "unreadable", "the body could not be read")
			return
		}
		_ = connection.SetReadDeadline(time.Time{}) // as above
		sum, err := w.verify(r.Header, body)
		if err != nil {
			w.cfg.Log.WarnContext(r.Context(), "a request for Slack's routes was refused", "path", r.URL.Path, "remote", r.RemoteAddr, "error", err.Error())
			deny(rw, http.StatusUnauthorized, "unauthorized", "this needs a fresh signature of Slack's")
			return
		}
		d, err := read(body)
		if err != nil {
			w.cfg.Log.WarnContext(r.Context(), "a signed request could not be read", "path", r.URL.Path, "error", err.Error())
			deny(rw, http.StatusBadRequest, "unreadable", "the body is not what Slack sends here")
			return
		}
		// Where it is not given, it is the first.
		d.retry, _ = strconv.Atoi(r.Header.Get("X-Slack-Retry-Num"))
		w.take(r.Context(), d, func(a answer) error {
			if a.failed != nil { // Slack sends it again at once, and within a second it is signed the same
				w.inbox.replays.forget(sum)
			}
			return acknowledge(rw, a)
		})
	}
}

// acknowledge answers a request.
func acknowledge(rw http.ResponseWriter, a answer) error {
	if a.failed != nil {
		rw.Header().Set("Retry-After", "5")
		deny(rw, http.StatusServiceUnavailable, "busy", "it could not be taken now")
		return nil //nolint:nilerr // that it failed is the answer
	}
	if a.now == nil {
		rw.WriteHeader(http.StatusOK)
		return nil
	}
	raw, err := json.Marshal(a.now)
	if err != nil { // texts are all it holds
		rw.WriteHeader(http.StatusOK)
		return err
	}
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	_, err = rw.Write(raw)
	return err
}

func deny(rw http.ResponseWriter, status int, code, message string) {
	rw.Header().Set("Content-Type", "application/json; charset=utf-8")
	rw.WriteHeader(status)
	raw, err := json.Marshal(map[string]map[string]string{"error": {"code": code, "message": message}})
	if err == nil { // texts are all it holds
		rw.Write(raw)
	}
}

// verify checks a request's signature: of its time and its raw body, by the
// secret that the app shares with Slack. The same signature is taken once.
func (w *Workspace) verify(h http.Header, body []byte) (sum signature, err error) {
	stamp := h.Get("X-Slack-Request-Timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return sum, errors.New("it has no time")
	}
	now := w.cfg.Now()
	if age := now.Sub(time.Unix(seconds, 0)); age > freshness || age < -freshness {
		return sum, errors.New("its time is more than five minutes from ours; is this clock right?")
	}
	mac := hmac.New(sha256.New, []byte(w.cfg.SigningSecret))
	mac.Write([]byte("v0:" + stamp + ":"))
	mac.Write(body)
	mac.Sum(sum[:0])
	given, is := strings.CutPrefix(h.Get("X-Slack-Signature"), "v0=")
	claimed, err := hex.DecodeString(given)
	if !is || err != nil || !hmac.Equal(claimed, sum[:]) {
		return sum, errors.New("its signature is not Slack's; is SLACK_SIGNING_SECRET this app's?")
	}
	if !w.inbox.replays.first(sum, now) {
		return sum, errors.New("it has come before")
	}
	return sum, nil
}

// signature is what a request is signed with, however it was written.
type signature [sha256.Size]byte

// replays remembers signatures for as long as they are fresh. Each process has
// its own: what comes again to another is known there by its operation.
type replays struct {
	mu    sync.Mutex
	seen  map[signature]bool
	order []replay // oldest first
}

type replay struct {
	sum   signature
	until time.Time
}

// first reports whether a signature has not been seen yet.
func (p *replays) first(sum signature, now time.Time) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.order) > 0 && now.After(p.order[0].until) {
		delete(p.seen, p.order[0].sum)
		p.order = p.order[1:]
	}
	if p.seen[sum] {
		return false
	}
	p.seen[sum] = true
	p.order = append(p.order, replay{sum: sum, until: now.Add(2*freshness + time.Second)}) // its time may be ahead of ours
	return true
}

// forget lets a signature be taken once more.
func (p *replays) forget(sum signature) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.seen, sum)
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
	return delivery{kind: kindSlash, body: raw}, err
}

// readInteraction reads the payload in a form.
func readInteraction(body []byte) (delivery, error) {
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return delivery{}, err
	}
	payload := form.Get("payload")
	if !json.Valid([]byte(payload)) {
		return delivery{}, errors.New("its payload is no JSON")
	}
	return delivery{kind: kindInteract, body: json.RawMessage(payload)}, nil
}

// readEvent reads an event, or the question whether the address is ours.
func readEvent(body []byte) (delivery, error) {
	if !json.Valid(body) {
		return delivery{}, errors.New("it is no JSON")
	}
	return delivery{kind: kindEvent, body: body}, nil
}

// bare leaves out of an error the address that it was about: some addresses are
// secrets.
func bare(err error) error {
	if u, is := errors.AsType[*url.Error](err); is {
		return cmp.Or(u.Err, errors.New("the address cannot be read"))
	}
	return err
}
