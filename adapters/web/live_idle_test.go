package web_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tocsin/bot"
	"tocsin/bot/signin"
)

// memoryResponse is a response to a browser that reads everything, without a connection.
type memoryResponse struct {
	header http.Header
	mu     sync.Mutex
	bytes.Buffer
}

func (f *memoryResponse) Header() http.Header { return f.header }
func (f *memoryResponse) WriteHeader(int)     {}
func (f *memoryResponse) Flush()              {}

func (f *memoryResponse) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.Buffer.Write(b)
}

// takeOutput returns what was written since the last call.
func (f *memoryResponse) takeOutput() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := f.String()
	f.Reset()
	return text
}

// request returns a request of a signed-in person, without a connection.
func (h *testServer) request(ctx context.Context, person, path string) *http.Request {
	h.t.Helper()
	token := strings.TrimPrefix(h.signInPath(h.person(person), "/"), "/sign-in/")
	_, secret, err := h.bot.SignIn.SignIn(h.t.Context(), token, signin.Session{})
	if err != nil {
		h.t.Fatal(err)
	}
	r := httptest.NewRequestWithContext(ctx, "GET", path, http.NoBody)
	r.Host = "localhost"
	r.Header.Set("Cookie", "tocsin_session="+secret)
	return r
}

// startStreams opens live pages of Ana in a synctest bubble. It returns their
// responses, and a group that is done when they have ended.
func (h *testServer) startStreams(paths ...string) (flows []*memoryResponse, serving *sync.WaitGroup) {
	h.t.Helper()
	serving = &sync.WaitGroup{}
	for _, path := range paths {
		f := &memoryResponse{header: http.Header{}}
		r := h.request(h.t.Context(), "ana", path)
		serving.Go(func() { h.pages.ServeHTTP(f, r) })
		flows = append(flows, f)
	}
	return flows, serving
}

var pagesToLookAt = []string{"/live", "/live?list=1", "/live?list=1&show=all", "/live?room=INC-1"}

// A heartbeat comes every ten seconds, so that a browser notices a lost
// connection.
func TestLiveBeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := newServerWithoutHTTP(t).declare()
		flows, serving := h.startStreams(pagesToLookAt...)
		h.sleep(time.Second)
		for _, f := range flows {
			f.takeOutput()
		}
		h.sleep(31 * time.Second)
		for n, f := range flows {
			if got := f.takeOutput(); strings.Count(got, "event: beat\ndata: ") != 3 || strings.Count(got, "event:") != 3 {
				t.Errorf("%s: in 31 quiet seconds came %q", pagesToLookAt[n], got)
			}
		}
		h.pages.Close()
		serving.Wait()
	})
}

// sleep lets time pass in the bubble.
func (h *testServer) sleep(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
}

// However a session ends, its live pages end within seconds, even when nothing
// changes.
func TestLiveEndsWithTheSessionWhenNothingHappens(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*testServer) error{
		"revoked": func(h *testServer) error {
			_, err := h.bot.SignIn.Revoke(h.t.Context(), h.person("ana"), "all")
			return err
		},
		"over": func(h *testServer) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.now = h.now.Add(12*time.Hour + time.Second)
			return nil
		},
		"of a person who was removed": func(h *testServer) error {
			h.configure(func(org *bot.Organization) { org.Directory.People = org.Directory.People[1:] })
			return nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := newServerWithoutHTTP(t).declare()
			flows, serving := h.startStreams(pagesToLookAt...)
			h.sleep(time.Second)
			if err := end(h); err != nil {
				t.Fatal(err)
			}
			h.sleep(11 * time.Second)
			for n, f := range flows {
				if got := f.takeOutput(); !strings.HasSuffix(got, "event: out\ndata:\n\n") {
					t.Errorf("%s: %s was sent %q", name, pagesToLookAt[n], got)
				}
			}
			h.pages.Close()
			serving.Wait()
		})
	}
}

// A request times out when the store does not answer (X4: go on without the
// store).
func TestX4AStoreThatHangs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ method, path, form string }{
		{"GET", "/", ""},
		{"GET", "/?show=all", ""},
		{"GET", "/incidents/INC-1", ""},
		{"GET", "/incidents/INC-1/timeline", ""},
		{"GET", "/sessions", ""},
		{"GET", "/live", ""},
		{"GET", "/complete?line=a", ""},
		{"GET", "/sign-in/x", ""},
		{"POST", "/sign-in/x", ""},
		{"GET", "/ack/LINK", ""},
		{"POST", "/incidents/INC-1/do", "text=ack+INC-1"},
		{"POST", "/incidents/INC-1/do", "text=x&box=1"},
		{"POST", "/declare", "text=declare&f.title=x"},
		{"POST", "/sessions", "id=x"},
		{"POST", "/sign-out", ""},
	} {
		hung := func(t *testing.T) {
			h := newServerWithoutHTTP(t).declare()
			ctx, leave := context.WithTimeout(t.Context(), time.Minute)
			defer leave()
			path := strings.Replace(c.path, "/ack/LINK", h.ackPath("ana"), 1)
			r := h.request(ctx, "ana", path)
			r.Method, r.Body = c.method, io.NopCloser(strings.NewReader(c.form))
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			h.store.hangs.Store(true)
			begun, answer := time.Now(), httptest.NewRecorder()
			h.pages.ServeHTTP(answer, r)
			if took := time.Since(begun); took > 25*time.Second || answer.Code != http.StatusServiceUnavailable {
				t.Errorf("%s %s: answer %d after %s", c.method, c.path, answer.Code, took)
			}
			h.store.hangs.Store(false)
			h.pages.Close()
		}
		t.Run(c.method+" "+c.path, func(t *testing.T) { synctest.Test(t, hung) })
	}
}
