package hooks_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/adapters/hooks"
	"tocsin/bot"
	"tocsin/bot/alerts"
)

// receiver is a strict fake Receiver: a call that the test did not prepare fails
// the test.
type receiver struct {
	t          testing.TB
	org        *bot.Organization
	receive    func(ctx context.Context, integration string, all []alerts.Alert) ([]alerts.Receipt, error)
	unreadable func(ctx context.Context, integration string, got alerts.Unreadable) error
}

func (r *receiver) Organization() *bot.Organization { return r.org }

func (r *receiver) Receive(ctx context.Context, integration string, all []alerts.Alert) ([]alerts.Receipt, error) {
	if r.receive == nil {
		r.t.Errorf("unexpected Receive(%s, %d alerts)", integration, len(all))
		return nil, errors.New("unexpected")
	}
	return r.receive(ctx, integration, all)
}

func (r *receiver) StoreDeadLetter(ctx context.Context, integration string, got alerts.Unreadable) error {
	if r.unreadable == nil {
		r.t.Errorf("unexpected StoreDeadLetter(%s, %d bytes, %s)", integration, len(got.Body), got.Reason)
		return errors.New("unexpected")
	}
	return r.unreadable(ctx, integration, got)
}

const (
	ownToken     = "own-a7f1e2"
	rotatedToken = "own-b8d3c4"
	otherToken   = "other-c9e5f6"
	defaultToken = "default-d0a1b2"
)

// organization has an integration with two live tokens, one with another, and
// two that use the default.
func organization() *bot.Organization {
	return &bot.Organization{Integrations: []bot.Integration{
		{Name: "prod", Type: "alertmanager", Tokens: []string{ownToken, rotatedToken}},
		{Name: "lab", Type: "lines", Tokens: []string{otherToken}},
		{Name: "alertmanager", Type: "alertmanager"},
		{Name: "small", Type: "lines"},
		{Name: "exotic", Type: "carrier-pigeon"},
		{Name: "unset", Type: "lines", Tokens: []string{""}},
	}}
}

// lines decodes a body of alert keys. The keys "garbage" and "panic" are special.
func lines(r alerts.Request) ([]alerts.Alert, error) {
	var all []alerts.Alert
	for n, key := range strings.Fields(string(r.Body)) {
		switch key {
		case "garbage":
			return nil, fmt.Errorf("read line: no key at line %d, column 1\x1b[31m", n+1)
		case "panic":
			panic("a decoder with a fault: " + string(r.Body))
		}
		all = append(all, alerts.Alert{Key: key, State: alerts.Firing})
	}
	return all, nil
}

// testHandler is the handler as cmd mounts it, with the fake receiver and the
// log.
type testHandler struct {
	*receiver
	http.Handler
	log *logBuffer
}

type logBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *logBuffer) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.String()
}

func newHandler(t testing.TB, set ...func(*hooks.Config)) *testHandler {
	return newHandlerWith(&testHandler{receiver: &receiver{t: t, org: organization()}, log: &logBuffer{}}, set...)
}

func newHandlerWith(h *testHandler, set ...func(*hooks.Config)) *testHandler {
	cfg := hooks.Config{
		Receiver:      h.receiver,
		Organization:  h.receiver.Organization,
		Sources:       alerts.Sources{{Type: "alertmanager", MaxBody: 4 << 20, Decode: lines}, {Type: "lines", Decode: lines}},
		Log:           slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		DefaultTokens: func() []string { return []string{defaultToken} },
	}
	for _, f := range set {
		f(&cfg)
	}
	h.Handler = hooks.New(cfg)
	return h
}

// send sends one request; header is "Name: value" lines.
func (h *testHandler) send(method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w
}

// problem is the shape of every error response.
type problem struct {
	Error struct{ Code, Message, Hint string }
}

// wantProblem checks the status and the shape of an error response, and returns
// it.
func wantProblem(t *testing.T, w *httptest.ResponseRecorder, status int, code string) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatalf("answer %d %q: %v", w.Code, w.Body, err)
	}
	if w.Code != status || p.Error.Code != code || p.Error.Message == "" {
		t.Errorf("answer %d %s, want %d %s", w.Code, w.Body, status, code)
	}
	if got := w.Header().Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	retry := ""
	if status == http.StatusServiceUnavailable {
		retry = "5"
	}
	if got := w.Header().Get("Retry-After"); got != retry {
		t.Errorf("%d: Retry-After %q, want %q", status, got, retry)
	}
	return p
}

func bearer(token string) string { return "Authorization: Bearer " + token }

// expectDeadLetter prepares the fake to keep one dead letter.
func (h *testHandler) expectDeadLetter() *deadLetter {
	var l deadLetter
	h.unreadable = func(ctx context.Context, integration string, got alerts.Unreadable) error {
		l = deadLetter{l.Times + 1, integration, string(got.Body), got.Reason, got.Truncated, got.HasNoAlert}
		return ctx.Err()
	}
	return &l
}

type deadLetter struct {
	Times                     int
	Integration, Body, Reason string
	Truncated, HasNoAlert     bool
}

// expectAlerts prepares the fake to receive alerts: each goes to the incident of
// its key.
func (h *testHandler) expectAlerts() *[]string {
	var keys []string
	h.receive = func(ctx context.Context, _ string, all []alerts.Alert) ([]alerts.Receipt, error) {
		receipts := make([]alerts.Receipt, len(all))
		for n, a := range all {
			keys = append(keys, a.Key)
			if strings.HasPrefix(a.Key, "INC-") {
				receipts[n].Incident = a.Key
			}
		}
		return receipts, ctx.Err()
	}
	return &keys
}

func TestAccepted(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, path, body, header, want string }{
		{"bearer", "/hooks/prod", "INC-1", bearer(ownToken), `{"status":"accepted","alerts":1,"incidents":["INC-1"]}`},
		{"rotated", "/hooks/prod", "INC-1", bearer(rotatedToken), `{"status":"accepted","alerts":1,"incidents":["INC-1"]}`},
		{"scheme in lower case", "/hooks/prod", "INC-1", "Authorization: bearer  " + ownToken + " ", `{"status":"accepted","alerts":1,"incidents":["INC-1"]}`},
		{"default", "/hooks/alertmanager", "INC-2", bearer(defaultToken), `{"status":"accepted","alerts":1,"incidents":["INC-2"]}`},
		{"incidents once, in order", "/hooks/lab", "INC-9 INC-2 x INC-9 INC-10 INC-2", bearer(otherToken), `{"status":"accepted","alerts":6,"incidents":["INC-9","INC-2","INC-10"]}`},
		{"no incident", "/hooks/lab", "x y", bearer(otherToken), `{"status":"accepted","alerts":2}`},
		{"token in the query as well", "/hooks/prod?token=x", "x", bearer(ownToken), `{"status":"accepted","alerts":1}`},
	} {
		h := newHandler(t)
		keys := h.expectAlerts()
		w := h.send("POST", c.path, c.body, c.header)
		if w.Code != http.StatusAccepted || strings.TrimSpace(w.Body.String()) != c.want {
			t.Errorf("%s: %d %s, want 202 %s", c.name, w.Code, w.Body, c.want)
		}
		if got := w.Header().Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: Content-Type %q", c.name, got)
		}
		if diff := cmp.Diff(strings.Fields(c.body), *keys); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if got := h.log.text(); got != "" {
			t.Errorf("%s: logged %s", c.name, got)
		}
	}
}

func TestNoAlertsIsAccepted(t *testing.T) {
	t.Parallel()
	h := newHandler(t) // a call of Receive fails the test
	w := h.send("POST", "/hooks/prod", " ", bearer(ownToken))
	if want := `{"status":"accepted","alerts":0}`; w.Code != 202 || strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestSendersLieAboutTheType(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"", "text/plain; charset=utf-16", "application/json; charset=\"", "image/png", "multipart/form-data"} {
		h := newHandler(t)
		keys := h.expectAlerts()
		if w := h.send("POST", "/hooks/lab", "caf\xe9", bearer(otherToken), "Content-Type: "+contentType); w.Code != 202 || len(*keys) != 1 {
			t.Errorf("%q: %d %s", contentType, w.Code, w.Body)
		}
	}
}

func TestI1UnreadableIsKeptBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, token, body, message, reason string }{
		{"/hooks/lab", otherToken, "a\ngarbage", "at line 2, column 1", "read line: no key at line 2, column 1[31m"},
		{"/hooks/lab", otherToken, "a panic", "its decoder failed", "its decoder failed"},
		{"/hooks/exotic", defaultToken, "coo", `no source has the type "carrier-pigeon"`, `no source has the type "carrier-pigeon"`},
	} {
		h := newHandler(t)
		letter := h.expectDeadLetter()
		p := wantProblem(t, h.send("POST", c.path, c.body, bearer(c.token)), http.StatusBadRequest, "unreadable")
		if !strings.Contains(p.Error.Message, c.message) || strings.Contains(p.Error.Message, "\x1b") {
			t.Errorf("message %q, want %q in it", p.Error.Message, c.message)
		}
		want := deadLetter{Times: 1, Integration: strings.TrimPrefix(c.path, "/hooks/"), Body: c.body, Reason: c.reason}
		if diff := cmp.Diff(want, *letter); diff != "" {
			t.Errorf("%s: %s", c.body, diff)
		}
		if got := h.log.text(); strings.Contains(got, "a decoder with a fault") {
			t.Errorf("the value of a decoder's panic is logged and may hold the body: %s", got)
		}
	}
}

func TestI2StoreGone(t *testing.T) {
	t.Parallel()
	gone := errors.New("dial store: refused by db-7.internal")
	tooLarge := strings.Repeat("x", 1<<20+1)
	for _, c := range []struct {
		name, body, code string
		err              error
	}{
		{"receive", "INC-1", "unavailable", gone},
		{"overload", "INC-1", "overloaded", fmt.Errorf("take: %w", bot.ErrOverload)},
		{"conflict", "INC-1", "unavailable", bot.ErrConflict},
		{"dead letter", "garbage", "unavailable", gone},
		{"dead letter of an oversize body", tooLarge, "unavailable", gone},
	} {
		h := newHandler(t)
		calls := 0
		h.receive = func(context.Context, string, []alerts.Alert) ([]alerts.Receipt, error) { calls++; return nil, c.err }
		h.unreadable = func(context.Context, string, alerts.Unreadable) error { calls++; return c.err }
		w := h.send("POST", "/hooks/lab", c.body, bearer(otherToken))
		wantProblem(t, w, http.StatusServiceUnavailable, c.code)
		if strings.Contains(w.Body.String(), "db-7") {
			t.Errorf("%s: the sender gets the detail: %s", c.name, w.Body)
		}
		if got := h.log.text(); strings.Count(got, "\n") != 1 || !strings.Contains(got, c.err.Error()) {
			t.Errorf("%s: logged %s", c.name, got)
		}
		if calls != 1 {
			t.Errorf("%s: %d calls", c.name, calls)
		}
	}
}

func TestConcurrentDeliveries(t *testing.T) {
	t.Parallel()
	h := newHandler(t)
	h.receive = func(_ context.Context, integration string, all []alerts.Alert) ([]alerts.Receipt, error) {
		return []alerts.Receipt{{Incident: integration + "/" + all[0].Key}}, nil
	}
	h.unreadable = func(context.Context, string, alerts.Unreadable) error { return nil }
	var all sync.WaitGroup
	for n := range 64 {
		all.Go(func() {
			key := fmt.Sprintf("k%d", n)
			if w := h.send("POST", "/hooks/prod", key, bearer(ownToken)); w.Code != 202 || !strings.Contains(w.Body.String(), `"prod/`+key+`"`) {
				t.Errorf("%s: %d %s", key, w.Code, w.Body)
			}
			if w := h.send("POST", "/hooks/lab", zip(t, key), bearer(otherToken), "Content-Encoding: gzip"); w.Code != 202 || !strings.Contains(w.Body.String(), `"lab/`+key+`"`) {
				t.Errorf("%s: %d %s", key, w.Code, w.Body)
			}
			if w := h.send("POST", "/hooks/lab", "garbage", bearer(otherToken)); w.Code != 400 {
				t.Errorf("%s: %d %s", key, w.Code, w.Body)
			}
			if w := h.send("POST", "/hooks/lab", key, bearer(ownToken)); w.Code != 401 {
				t.Errorf("%s: %d %s", key, w.Code, w.Body)
			}
		})
	}
	all.Wait()
}

// zip compresses text.
func zip(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := io.WriteString(z, text); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func BenchmarkHandler(b *testing.B) {
	h := newHandler(b)
	h.receive = func(_ context.Context, _ string, all []alerts.Alert) ([]alerts.Receipt, error) {
		return []alerts.Receipt{{Incident: "INC-1"}, {Incident: "INC-1"}}, nil
	}
	body := []byte("first second")
	reader := bytes.NewReader(body)
	r := httptest.NewRequest(http.MethodPost, "/hooks/prod", reader)
	r.Header.Set("Authorization", "Bearer "+ownToken)
	b.ReportAllocs()
	for b.Loop() {
		reader.Reset(body)
		r.Body = io.NopCloser(reader)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		if w.Code != http.StatusAccepted {
			b.Fatal(w.Code, w.Body)
		}
	}
}
