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

// receiver is a strict fake: a call that the test did not prepare fails it.
type receiver struct {
	t          testing.TB
	org        *bot.Organization
	receive    func(ctx context.Context, integration string, all []alerts.Alert) ([]alerts.Receipt, error)
	unreadable func(ctx context.Context, integration string, body []byte, reason string) error
}

func (r *receiver) Organization() *bot.Organization { return r.org }

func (r *receiver) Receive(ctx context.Context, integration string, all []alerts.Alert) ([]alerts.Receipt, error) {
	if r.receive == nil {
		r.t.Errorf("unexpected Receive(%s, %d alerts)", integration, len(all))
		return nil, errors.New("unexpected")
	}
	return r.receive(ctx, integration, all)
}

func (r *receiver) KeepUnreadable(ctx context.Context, integration string, body []byte, reason string) error {
	if r.unreadable == nil {
		r.t.Errorf("unexpected KeepUnreadable(%s, %d bytes, %s)", integration, len(body), reason)
		return errors.New("unexpected")
	}
	return r.unreadable(ctx, integration, body, reason)
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

// lines decodes a body of one alert key a line. Some words are special.
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

// door is the handler as cmd mounts it, and everything it logs.
type door struct {
	*receiver
	http.Handler
	log *logged
}

type logged struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(p)
}

func (l *logged) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.String()
}

func newDoor(t testing.TB, set ...func(*hooks.Config)) *door {
	return newDoorWith(&door{receiver: &receiver{t: t, org: organization()}, log: &logged{}}, set...)
}

func newDoorWith(d *door, set ...func(*hooks.Config)) *door {
	cfg := hooks.Config{
		Receiver:      d.receiver,
		Organization:  d.receiver.Organization,
		Sources:       alerts.Sources{{Type: "alertmanager", MaxBody: 4 << 20, Decode: lines}, {Type: "lines", Decode: lines}},
		Log:           slog.New(slog.NewTextHandler(d.log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		DefaultTokens: func() []string { return []string{defaultToken} },
	}
	for _, f := range set {
		f(&cfg)
	}
	mux := http.NewServeMux()
	mux.Handle("/hooks/{integration}", hooks.New(cfg))
	d.Handler = mux
	return d
}

// ask sends one request; header is "Name: value" lines.
func (d *door) ask(method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

// problem is the shape of every answer that is not a yes.
type problem struct {
	Error struct{ Code, Message, Hint string }
}

// wantProblem checks status and shape, and returns the answer.
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

// keep prepares the fake to keep one dead letter.
func (d *door) keep() *deadLetter {
	var l deadLetter
	d.unreadable = func(ctx context.Context, integration string, body []byte, reason string) error {
		l = deadLetter{l.Times + 1, integration, string(body), reason}
		return ctx.Err()
	}
	return &l
}

type deadLetter struct {
	Times                     int
	Integration, Body, Reason string
}

// take prepares the fake to take alerts: each goes to the incident of its key.
func (d *door) take() *[]string {
	var keys []string
	d.receive = func(ctx context.Context, _ string, all []alerts.Alert) ([]alerts.Receipt, error) {
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
		d := newDoor(t)
		keys := d.take()
		w := d.ask("POST", c.path, c.body, c.header)
		if w.Code != http.StatusAccepted || strings.TrimSpace(w.Body.String()) != c.want {
			t.Errorf("%s: %d %s, want 202 %s", c.name, w.Code, w.Body, c.want)
		}
		if got := w.Header().Get("Content-Type"); got != "application/json" {
			t.Errorf("%s: Content-Type %q", c.name, got)
		}
		if diff := cmp.Diff(strings.Fields(c.body), *keys); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
		if got := d.log.text(); got != "" {
			t.Errorf("%s: logged %s", c.name, got)
		}
	}
}

func TestNoAlertsIsAccepted(t *testing.T) {
	t.Parallel()
	d := newDoor(t) // Receive would fail the test
	w := d.ask("POST", "/hooks/prod", " ", bearer(ownToken))
	if want := `{"status":"accepted","alerts":0}`; w.Code != 202 || strings.TrimSpace(w.Body.String()) != want {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestMethod(t *testing.T) {
	t.Parallel()
	for _, method := range []string{"GET", "HEAD", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		d := newDoor(t)
		w := d.ask(method, "/hooks/prod", "INC-1", bearer(ownToken))
		wantProblem(t, w, http.StatusMethodNotAllowed, "method_not_allowed")
		if got := w.Header().Get("Allow"); got != "POST" {
			t.Errorf("%s: Allow %q", method, got)
		}
	}
}

func TestSendersLieAboutTheType(t *testing.T) {
	t.Parallel()
	for _, contentType := range []string{"", "text/plain; charset=utf-16", "application/json; charset=\"", "image/png", "multipart/form-data"} {
		d := newDoor(t)
		keys := d.take()
		if w := d.ask("POST", "/hooks/lab", "caf\xe9", bearer(otherToken), "Content-Type: "+contentType); w.Code != 202 || len(*keys) != 1 {
			t.Errorf("%q: %d %s", contentType, w.Code, w.Body)
		}
	}
}

func TestI1UnreadableIsKeptBeforeTheAnswer(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ path, token, body, message, reason string }{
		{"/hooks/lab", otherToken, "a\ngarbage", "at line 2, column 1", "read line: no key at line 2, column 1[31m"},
		{"/hooks/lab", otherToken, "a panic", "its decoder failed", "its decoder failed"},
		{"/hooks/exotic", defaultToken, "coo", `nothing here reads the type "carrier-pigeon"`, `nothing here reads the type "carrier-pigeon"`},
	} {
		d := newDoor(t)
		letter := d.keep()
		p := wantProblem(t, d.ask("POST", c.path, c.body, bearer(c.token)), http.StatusBadRequest, "unreadable")
		if !strings.Contains(p.Error.Message, c.message) || strings.Contains(p.Error.Message, "\x1b") {
			t.Errorf("message %q, want %q in it", p.Error.Message, c.message)
		}
		want := deadLetter{1, strings.TrimPrefix(c.path, "/hooks/"), c.body, c.reason}
		if diff := cmp.Diff(want, *letter); diff != "" {
			t.Errorf("%s: %s", c.body, diff)
		}
		if got := d.log.text(); strings.Contains(got, "a decoder with a fault") {
			t.Errorf("what a decoder panics with may hold the body: %s", got)
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
		d := newDoor(t)
		calls := 0
		d.receive = func(context.Context, string, []alerts.Alert) ([]alerts.Receipt, error) { calls++; return nil, c.err }
		d.unreadable = func(context.Context, string, []byte, string) error { calls++; return c.err }
		w := d.ask("POST", "/hooks/lab", c.body, bearer(otherToken))
		wantProblem(t, w, http.StatusServiceUnavailable, c.code)
		if strings.Contains(w.Body.String(), "db-7") {
			t.Errorf("%s: the detail is shown to the sender: %s", c.name, w.Body)
		}
		if got := d.log.text(); strings.Count(got, "\n") != 1 || !strings.Contains(got, c.err.Error()) {
			t.Errorf("%s: logged %s", c.name, got)
		}
		if calls != 1 {
			t.Errorf("%s: %d calls", c.name, calls)
		}
	}
}

func TestConcurrentDeliveries(t *testing.T) {
	t.Parallel()
	d := newDoor(t)
	d.receive = func(_ context.Context, integration string, all []alerts.Alert) ([]alerts.Receipt, error) {
		return []alerts.Receipt{{Incident: integration + "/" + all[0].Key}}, nil
	}
	d.unreadable = func(context.Context, string, []byte, string) error { return nil }
	var all sync.WaitGroup
	for n := range 64 {
		all.Go(func() {
			key := fmt.Sprintf("k%d", n)
			if w := d.ask("POST", "/hooks/prod", key, bearer(ownToken)); w.Code != 202 || !strings.Contains(w.Body.String(), `"prod/`+key+`"`) {
				t.Errorf("%s: %d %s", key, w.Code, w.Body)
			}
			if w := d.ask("POST", "/hooks/lab", zip(t, key), bearer(otherToken), "Content-Encoding: gzip"); w.Code != 202 || !strings.Contains(w.Body.String(), `"lab/`+key+`"`) {
				t.Errorf("%s: %d %s", key, w.Code, w.Body)
			}
			if w := d.ask("POST", "/hooks/lab", "garbage", bearer(otherToken)); w.Code != 400 {
				t.Errorf("%s: %d %s", key, w.Code, w.Body)
			}
			if w := d.ask("POST", "/hooks/lab", key, bearer(ownToken)); w.Code != 401 {
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
	d := newDoor(b)
	d.receive = func(_ context.Context, _ string, all []alerts.Alert) ([]alerts.Receipt, error) {
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
		d.ServeHTTP(w, r)
		if w.Code != http.StatusAccepted {
			b.Fatal(w.Code, w.Body)
		}
	}
}
