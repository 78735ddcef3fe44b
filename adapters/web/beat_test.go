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

// flow is a browser that takes everything, without a wire.
type flow struct {
	header http.Header
	mu     sync.Mutex
	bytes.Buffer
}

func (f *flow) Header() http.Header { return f.header }
func (f *flow) WriteHeader(int)     {}
func (f *flow) Flush()              {}

func (f *flow) Write(b []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.Buffer.Write(b)
}

// take returns what has come since it was asked last.
func (f *flow) take() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	text := f.String()
	f.Reset()
	return text
}

// request is a request of a person who is signed in, without a wire.
func (h *house) request(ctx context.Context, person, path string) *http.Request {
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

// looking begins to keep pages of Ana true in a bubble of time, and returns what
// they are sent, and how to end it.
func (h *house) looking(paths ...string) (flows []*flow, serving *sync.WaitGroup) {
	h.t.Helper()
	serving = &sync.WaitGroup{}
	for _, path := range paths {
		f := &flow{header: http.Header{}}
		r := h.request(h.t.Context(), "ana", path)
		serving.Go(func() { h.pages.ServeHTTP(f, r) })
		flows = append(flows, f)
	}
	return flows, serving
}

var pagesToLookAt = []string{"/live", "/live?list=1", "/live?list=1&show=all", "/live?room=INC-1"}

// A connection that is lost shows: something comes every ten seconds.
func TestLiveBeats(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		h := quietHouse(t).declared()
		flows, serving := h.looking(pagesToLookAt...)
		h.wait(time.Second)
		for _, f := range flows {
			f.take()
		}
		h.wait(31 * time.Second)
		for n, f := range flows {
			if got := f.take(); strings.Count(got, "event: beat\ndata: ") != 3 || strings.Count(got, "event:") != 3 {
				t.Errorf("%s: in 31 quiet seconds came %q", pagesToLookAt[n], got)
			}
		}
		h.pages.Close()
		serving.Wait()
	})
}

// wait lets time pass in the bubble, and nothing else.
func (h *house) wait(d time.Duration) {
	timer := time.NewTimer(d)
	<-timer.C
	synctest.Wait()
}

// However a session ends, its pages end within seconds, with nothing happening.
func TestLiveEndsWithTheSessionWhenNothingHappens(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*house) error{
		"revoked": func(h *house) error {
			_, err := h.bot.SignIn.Revoke(h.t.Context(), h.person("ana"), "all")
			return err
		},
		"over": func(h *house) error {
			h.mu.Lock()
			defer h.mu.Unlock()
			h.now = h.now.Add(12*time.Hour + time.Second)
			return nil
		},
		"of nobody any more": func(h *house) error {
			h.configure(func(org *bot.Organization) { org.Directory.People = org.Directory.People[1:] })
			return nil
		},
	} {
		synctest.Test(t, func(t *testing.T) {
			h := quietHouse(t).declared()
			flows, serving := h.looking(pagesToLookAt...)
			h.wait(time.Second)
			if err := end(h); err != nil {
				t.Fatal(err)
			}
			h.wait(11 * time.Second)
			for n, f := range flows {
				if got := f.take(); !strings.HasSuffix(got, "event: out\ndata:\n\n") {
					t.Errorf("%s: %s was sent %q", name, pagesToLookAt[n], got)
				}
			}
			h.pages.Close()
			serving.Wait()
		})
	}
}

// A store that does not answer at all is given up before the reader gives up.
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
			h := quietHouse(t).declared()
			ctx, leave := context.WithTimeout(t.Context(), time.Minute)
			defer leave()
			path := strings.Replace(c.path, "/ack/LINK", h.link("ana"), 1)
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
