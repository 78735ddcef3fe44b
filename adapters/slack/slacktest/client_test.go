package slacktest_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"tocsin/adapters/slack/slacktest"
)

// frame is one frame from Slack on a socket.
type frame struct {
	Type       string `json:"type"`
	Reason     string `json:"reason"`
	EnvelopeID string `json:"envelope_id"`
	Retry      int    `json:"retry_attempt"`
	Accepts    bool   `json:"accepts_response_payload"`
	Payload    struct {
		Type      string `json:"type"`
		Command   string `json:"command"`
		TriggerID string `json:"trigger_id"`
		URL       string `json:"response_url"`
		EventID   string `json:"event_id"`
		Event     struct {
			Type, Subtype, Text string
		} `json:"event"`
		Actions []struct {
			ActionID string `json:"action_id"`
			Value    string `json:"value"`
			Selected struct {
				Value string `json:"value"`
			} `json:"selected_option"`
		} `json:"actions"`
		View struct {
			State struct {
				Values map[string]map[string]struct {
					Value string `json:"value"`
				} `json:"values"`
			} `json:"state"`
		} `json:"view"`
	} `json:"payload"`
}

// client is one socket of an app, which acknowledges every envelope.
type client struct {
	conn   *websocket.Conn
	mu     sync.Mutex
	frames []frame
	first  chan struct{} // closed when the first frame has arrived
	closed chan struct{}
}

// script is the payload with which an app acknowledges envelopes. The test changes it while the app runs.
type script struct{ payload atomic.Value }

func newScript(payload string) *script {
	s := &script{}
	s.set(payload)
	return s
}

func (s *script) set(payload string) { s.payload.Store(payload) }

func (s *script) answer(frame) string { return s.payload.Load().(string) }

// silent is the payload of an app that does not acknowledge.
const silent = "silent"

// connect opens a socket. answer returns the payload of the acknowledgement of each envelope, or silent.
func (a app) connect(answer func(frame) string) *client {
	a.t.Helper()
	opened := a.as(a.s.AppToken).do("apps.connections.open")
	conn, response, err := websocket.DefaultDialer.Dial(text(opened, "url"), nil)
	if err != nil {
		a.t.Fatal(err)
	}
	response.Body.Close()
	k := &client{conn: conn, first: make(chan struct{}), closed: make(chan struct{})}
	a.t.Cleanup(func() {
		conn.Close()
		<-k.closed
	})
	go func() {
		defer close(k.closed)
		for {
			var f frame
			if conn.ReadJSON(&f) != nil {
				return
			}
			k.mu.Lock()
			k.frames = append(k.frames, f)
			if len(k.frames) == 1 {
				close(k.first)
			}
			k.mu.Unlock()
			if f.EnvelopeID == "" {
				continue
			}
			ack := map[string]any{"envelope_id": f.EnvelopeID}
			switch payload := answer(f); payload {
			case silent:
				continue
			case "":
			default:
				ack["payload"] = json.RawMessage(payload)
			}
			if conn.WriteJSON(ack) != nil {
				return
			}
		}
	}()
	<-k.first
	return k
}

// all returns the frames that have arrived.
func (k *client) all() []frame {
	k.mu.Lock()
	defer k.mu.Unlock()
	return append([]frame(nil), k.frames...)
}

// types returns the types and reasons of the frames that have arrived.
func (k *client) types() string {
	var all []string
	for _, f := range k.all() {
		all = append(all, strings.TrimSuffix(f.Type+" "+f.Reason, " "))
	}
	return strings.Join(all, ", ")
}

// acknowledge is the answer of an app that acknowledges without a payload.
func acknowledge(frame) string { return "" }

// listener is an app that receives payloads by HTTP and verifies the signatures
// (docs.slack.dev/authentication/verifying-requests-from-slack).
type listener struct {
	mu      sync.Mutex
	bodies  []string
	headers []http.Header
	answer  func(path string) (status int, kind, body string)
}

// listen starts an app that receives payloads by HTTP. answer returns the status, the content type and the body of each
// response.
func (a app) listen(answer func(path string) (int, string, string)) *listener {
	a.t.Helper()
	l := &listener{answer: answer}
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		raw, _ := io.ReadAll(r.Body)
		mac := hmac.New(sha256.New, []byte(a.s.SigningSecret))
		mac.Write([]byte("v0:" + r.Header.Get("X-Slack-Request-Timestamp") + ":" + string(raw)))
		if r.Header.Get("X-Slack-Signature") != "v0="+hex.EncodeToString(mac.Sum(nil)) {
			a.t.Errorf("wrong signature on %s", r.URL.Path)
		}
		l.record(string(raw), r.Header.Clone())
		status, kind, body := l.answer(r.URL.Path)
		w.Header().Set("Content-Type", kind)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}))
	a.t.Cleanup(h.Close)
	a.s.SetRequestURL(h.URL + "/slack/")
	return l
}

func (l *listener) record(body string, header http.Header) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.bodies = append(l.bodies, body)
	l.headers = append(l.headers, header)
}

// form returns the i-th body as a form.
func (l *listener) form(t *testing.T, i int) url.Values {
	t.Helper()
	l.mu.Lock()
	defer l.mu.Unlock()
	form, err := url.ParseQuery(l.bodies[i])
	if err != nil {
		t.Fatal(err)
	}
	return form
}

// signature returns the signature of the i-th request.
func (l *listener) signature(i int) string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.headers[i].Get("X-Slack-Signature")
}

// respond posts to a response URL.
func respond(t *testing.T, address, body string) (status int, answer string) {
	t.Helper()
	r, err := http.Post(address, "application/json", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	raw, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, strings.TrimSpace(string(raw))
}

// get sends a GET request with a token.
func get(t *testing.T, address, token string) (*http.Response, error) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	return http.DefaultClient.Do(r)
}

// shortenAckTimeout shortens the time in which the app has to acknowledge.
func shortenAckTimeout(o slacktest.Options) slacktest.Options {
	o.AckTimeout = 150 * time.Millisecond
	return o
}
