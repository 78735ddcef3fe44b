package webhook_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/adapters/webhook"
	"tocsin/bot"
)

// hangUp answers a request with raw bytes and closes the connection.
func hangUp(t *testing.T, bytes string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		if _, err := conn.Write([]byte(bytes)); err != nil {
			t.Error(err)
		}
	}
}

// A request that was sent and not answered has an unknown outcome: the receiver
// may have accepted the page (E4c: slow is not failed).
func TestE4cUnknownOutcome(t *testing.T) {
	for name, c := range map[string]struct {
		answer http.HandlerFunc
		says   string
	}{
		"no response":        {func(_ http.ResponseWriter, q *http.Request) { <-q.Context().Done() }, "no response within 50 ms"},
		"closed":             {hangUp(t, ""), "no response that can be read"},
		"half a response":    {hangUp(t, "HTTP/1.1 200 OK\r\nContent-"), "no response that can be read"},
		"not HTTP":           {hangUp(t, "220 smtp.example.com\r\n\r\n"), "no response that can be read"},
		"an endless header":  {hangUp(t, "HTTP/1.1 200 OK\r\nX: "+strings.Repeat("x", 100<<10)), "no response that can be read"},
		"only a first reply": {hangUp(t, "HTTP/1.1 103 Early Hints\r\n\r\n"), "no response that can be read"},
	} {
		t.Run(name, func(t *testing.T) {
			r := startReceiver(t, secret, c.answer)
			timeout := time.Minute
			if strings.HasPrefix(c.says, "no response within") {
				timeout = 50 * time.Millisecond
			}
			p := webhook.New(webhook.Config{
				Hooks: []bot.Webhook{{Name: "noc", URL: r.URL + "/hook/url-token", Secret: secret}}, Now: func() time.Time { return noon },
				ResponseTimeout: timeout,
			})
			err := p.Page(t.Context(), escalationPage())
			if !errors.Is(err, bot.ErrUnknownOutcome) || bot.IsPermanent(err) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want an unknown outcome that says %q", err, c.says)
			}
			if strings.Contains(fmt.Sprint(err), "url-token") {
				t.Errorf("the error shows the URL: %v", err)
			}
			if len(r.all()) != 1 {
				t.Errorf("%d requests", len(r.all()))
			}
		})
	}
}

// The caller ends a page: once the request was sent, the outcome is unknown (E4c:
// slow is not failed).
func TestE4cCallerEndsAPage(t *testing.T) {
	came := make(chan struct{})
	r := startReceiver(t, secret, func(_ http.ResponseWriter, q *http.Request) {
		close(came)
		<-q.Context().Done()
	})
	ctx, cancel := context.WithCancelCause(t.Context())
	reason := errors.New("the lease is lost")
	go func() {
		<-came
		cancel(reason)
	}()
	err := r.pager(t, secret, nil).Page(ctx, escalationPage())
	if !errors.Is(err, reason) || !errors.Is(err, bot.ErrUnknownOutcome) {
		t.Errorf("got %v, want the caller's reason and an unknown outcome", err)
	}
}

// What cannot have reached the receiver has failed (E4c: slow is not failed).
func TestE4cNotSentHasFailed(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	closed := httptest.NewServer(nil)
	closed.Close()
	plain, untrusted := httptest.NewServer(nil), httptest.NewUnstartedServer(nil)
	untrusted.Config.ErrorLog = log.New(io.Discard, "", 0)
	untrusted.StartTLS()
	defer plain.Close()
	defer untrusted.Close()
	for name, c := range map[string]struct{ url, says string }{
		"refused":                {closed.URL, "refused"},
		"no TLS":                 {"https" + strings.TrimPrefix(plain.URL, "http"), "HTTP response to HTTPS client"},
		"no trusted certificate": {untrusted.URL, "certificate"},
		"no handshake":           {"https://" + silent.Addr().String(), "no connection within 200 ms"},
	} {
		t.Run(name, func(t *testing.T) {
			timeout := time.Minute
			if strings.HasPrefix(c.says, "no connection within") {
				timeout = 200 * time.Millisecond
			}
			p := webhook.New(webhook.Config{
				Hooks: []bot.Webhook{{Name: "noc", URL: c.url, Secret: secret}}, Now: func() time.Time { return noon },
				ConnectTimeout: timeout,
			})
			err := p.Page(t.Context(), escalationPage())
			if err == nil || bot.IsPermanent(err) || errors.Is(err, bot.ErrUnknownOutcome) || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want a temporary error that says %q", err, c.says)
			}
		})
	}
}

// slowTransport is a receiver that takes its time.
type slowTransport struct {
	connect, write, respond time.Duration
	failedWrite             error
}

// RoundTrip implements [http.RoundTripper].
func (s slowTransport) RoundTrip(q *http.Request) (*http.Response, error) {
	trace := httptrace.ContextClientTrace(q.Context())
	wait := func(d time.Duration) error {
		select {
		case <-time.After(d):
			return nil
		case <-q.Context().Done():
			return q.Context().Err()
		}
	}
	if err := wait(s.connect); err != nil {
		return nil, err
	}
	trace.GotConn(httptrace.GotConnInfo{})
	if err := wait(s.write); err != nil {
		trace.WroteRequest(httptrace.WroteRequestInfo{Err: err})
		return nil, err
	}
	trace.WroteRequest(httptrace.WroteRequestInfo{Err: s.failedWrite})
	if s.failedWrite != nil {
		return nil, s.failedWrite
	}
	if err := wait(s.respond); err != nil {
		return nil, err
	}
	return &http.Response{StatusCode: http.StatusAccepted, Body: http.NoBody, Request: q}, nil
}

// A connection may take 10 s and the response 30 s more (E4c: slow is not failed).
func TestE4cLimits(t *testing.T) {
	const day = 24 * time.Hour
	for name, c := range map[string]struct {
		slow    slowTransport
		took    time.Duration
		says    string // "" when the page is accepted
		unknown bool
	}{
		"at once":               {slowTransport{}, 0, "", false},
		"late everywhere":       {slowTransport{connect: 9 * time.Second, write: 9 * time.Second, respond: 20 * time.Second}, 38 * time.Second, "", false},
		"it does not connect":   {slowTransport{connect: day}, 10 * time.Second, `post to webhook "noc": no connection within 10 s`, false},
		"it does not read":      {slowTransport{connect: time.Second, write: day}, 31 * time.Second, "no response within 30 s", false},
		"it does not respond":   {slowTransport{connect: time.Second, respond: day}, 31 * time.Second, "no response within 30 s: the provider may have accepted it", true},
		"the connection breaks": {slowTransport{failedWrite: errors.New("broken")}, 0, "broken", false},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPager(t, &http.Client{Transport: c.slow}, bot.Webhook{Name: "noc", URL: "https://noc.example.com/url-token", Secret: secret})
				began := time.Now()
				err := p.Page(t.Context(), escalationPage())
				if (err == nil) != (c.says == "") || c.says != "" && !strings.Contains(err.Error(), c.says) {
					t.Errorf("got %v, want %q", err, c.says)
				}
				if errors.Is(err, bot.ErrUnknownOutcome) != c.unknown || errors.Is(err, context.DeadlineExceeded) != (c.took > 0 && c.says != "") {
					t.Errorf("the kind of the error is wrong: %v", err)
				}
				if took := time.Since(began); took != c.took {
					t.Errorf("it took %s, want %s", took, c.took)
				}
			})
		})
	}
}

// The status is the answer: a receiver that never ends its body delays nothing.
func TestEndlessBodyDelaysNothing(t *testing.T) {
	r := startReceiver(t, secret, func(w http.ResponseWriter, q *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		if err := http.NewResponseController(w).Flush(); err != nil {
			t.Error(err)
		}
		<-q.Context().Done()
	})
	if err := r.pager(t, secret, nil).Page(t.Context(), escalationPage()); err != nil {
		t.Errorf("got %v: it answered 202", err)
	}
}

// Each page has a connection of its own: on one that the receiver has closed
// meanwhile, nothing would say whether the page came.
func TestConnectionsAreNotReused(t *testing.T) {
	seen := map[string]bool{}
	r := startReceiver(t, secret, func(_ http.ResponseWriter, q *http.Request) { seen[q.RemoteAddr] = true })
	p := r.pager(t, secret, nil)
	for range 3 {
		if err := p.Page(t.Context(), escalationPage()); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 3 {
		t.Errorf("%d connections for 3 pages", len(seen))
	}
}
