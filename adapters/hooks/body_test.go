package hooks_test

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/hooks"
	"tocsin/bot/alerts"
)

// body returns one alert, padded to n bytes.
func body(n int) string { return "INC-1" + strings.Repeat(" ", n-5) }

func TestI9Limits(t *testing.T) {
	t.Parallel()
	const mib = 1 << 20
	for _, c := range []struct {
		path, token string
		limit       int
	}{
		{"/hooks/prod", ownToken, 4 * mib},
		{"/hooks/lab", otherToken, mib},
	} {
		for _, zipped := range []bool{false, true} {
			h := newHandler(t)
			send := func(text string) *httptest.ResponseRecorder {
				if zipped {
					return h.send("POST", c.path, zip(t, text), bearer(c.token), "Content-Encoding: gzip")
				}
				return h.send("POST", c.path, text, bearer(c.token))
			}
			h.expectAlerts()
			if w := send(body(c.limit)); w.Code != 202 {
				t.Errorf("%s, zipped %t: %d %s", c.path, zipped, w.Code, w.Body)
			}
			h.receive = nil
			letter := h.expectDeadLetter()
			text := body(c.limit + 1)
			p := wantProblem(t, send(text), http.StatusRequestEntityTooLarge, "too_large")
			if !strings.Contains(p.Error.Message, fmt.Sprintf("%d MiB", c.limit/mib)) || p.Error.Hint == "" {
				t.Errorf("%+v", p)
			}
			if letter.Times != 1 || !letter.Truncated || letter.Body != text[:64<<10] || letter.Reason != p.Error.Message {
				t.Errorf("%s, zipped %t: kept %d times, %d bytes, %q", c.path, zipped, letter.Times, len(letter.Body), letter.Reason)
			}
		}
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	half := zip(t, "INC-1 INC-2")
	half = half[:len(half)-6]
	for _, c := range []struct {
		name, body, encoding string
		want                 int
	}{
		{"gzip", zip(t, "INC-1"), "gzip", 202},
		{"old name, other case", zip(t, "INC-1"), "X-GZIP", 202},
		{"two members", zip(t, "INC-1 ") + zip(t, "INC-2"), "gzip", 202},
		{"identity", "INC-1", "identity", 202},
		{"empty header", "INC-1", "", 202},
		{"not compressed", "INC-1", "gzip", 400},
		{"incomplete", half, "gzip", 400},
		{"wrong sum", zip(t, "INC-1")[:15] + "????" + zip(t, "INC-1")[19:], "gzip", 400},
		{"nothing", "", "gzip", 202}, // what lines decodes an empty body to
		{"trailing garbage", zip(t, "INC-1") + "rubbish", "gzip", 400},
		{"deflate", "INC-1", "deflate", 415},
		{"brotli", "INC-1", "br", 415},
		{"twice", zip(t, zip(t, "INC-1")), "gzip, gzip", 415},
	} {
		h := newHandler(t)
		var letter *deadLetter
		if c.want == 202 {
			h.expectAlerts()
		} else {
			letter = h.expectDeadLetter()
		}
		w := h.send("POST", "/hooks/lab", c.body, bearer(otherToken), "Content-Encoding: "+c.encoding)
		if w.Code != c.want {
			t.Errorf("%s: %d %s", c.name, w.Code, w.Body)
		}
		if letter != nil && (letter.Times != 1 || letter.Body != c.body || letter.Reason == "") {
			t.Errorf("%s: kept %+v", c.name, letter)
		}
		if c.want == 415 && w.Header().Get("Accept-Encoding") != "gzip" {
			t.Errorf("%s: Accept-Encoding %q", c.name, w.Header().Get("Accept-Encoding"))
		}
	}
}

// bomb compresses n MiB of the letter x.
func bomb(t *testing.T, n int) string {
	t.Helper()
	var b bytes.Buffer
	z, err := gzip.NewWriterLevel(&b, gzip.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	block := bytes.Repeat([]byte("x"), 1<<20)
	for range n {
		if _, err := z.Write(block); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestI9GzipBomb measures what the process allocates, so it does not run in parallel.
func TestI9GzipBomb(t *testing.T) {
	packed := bomb(t, 64)
	h := newHandler(t)
	letter := h.expectDeadLetter()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	wantProblem(t, h.send("POST", "/hooks/lab", packed, bearer(otherToken), "Content-Encoding: gzip"), http.StatusRequestEntityTooLarge, "too_large")
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) >> 20; got > 16 {
		t.Errorf("64 MiB unpacked took %d MiB", got)
	}
	if letter.Times != 1 || letter.Body != strings.Repeat("x", 64<<10) {
		t.Errorf("kept %d times, %d bytes", letter.Times, len(letter.Body))
	}
}

// A stream of empty members decompresses to nothing and has no end.
func TestI9GzipWithoutContent(t *testing.T) {
	t.Parallel()
	h := newHandler(t)
	letter := h.expectDeadLetter()
	empty := strings.Repeat(zip(t, ""), 100_000)
	wantProblem(t, h.send("POST", "/hooks/lab", empty, bearer(otherToken), "Content-Encoding: gzip"), http.StatusRequestEntityTooLarge, "too_large")
	if letter.Times != 1 || letter.Body != empty[:64<<10] {
		t.Errorf("kept %d times, %d bytes", letter.Times, len(letter.Body))
	}
}

// overWire serves the handler over TCP, connects, and writes a request that
// ends in text: further headers, an empty line, and the received part of the
// body. done receives once for each request that was answered.
func overWire(t *testing.T, h *testHandler, text string) (conn net.Conn, done <-chan struct{}) {
	t.Helper()
	answered := make(chan struct{}, 8)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() { answered <- struct{}{} }()
		h.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := fmt.Fprintf(conn, "POST /hooks/lab HTTP/1.1\r\nHost: tocsin\r\n%s\r\n%s", bearer(otherToken), text); err != nil {
		t.Fatal(err)
	}
	return conn, answered
}

func TestSenderDisconnectsInTheMiddle(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"Content-Length: 100\r\n\r\nINC-1",
		"Transfer-Encoding: chunked\r\n\r\n5\r\nINC-1\r\n",
		"Content-Length: 100\r\nContent-Encoding: gzip\r\n\r\n" + zip(t, "INC-1"),
	} {
		h := newHandler(t) // neither Receive nor StoreDeadLetter may be called
		conn, done := overWire(t, h, text)
		conn.Close()
		<-done
		if got := h.log.text(); !strings.Contains(got, "code=incomplete") {
			t.Errorf("%q: logged %s", text, got)
		}
	}
}

func TestSlowBodyIsCutOff(t *testing.T) {
	t.Parallel()
	h := newHandler(t, func(c *hooks.Config) { c.ReadTimeout = 50 * time.Millisecond })
	conn, done := overWire(t, h, "Content-Length: 100\r\n\r\nINC-1")
	<-done
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") != "5" {
		t.Errorf("%d, Retry-After %q", answer.StatusCode, answer.Header.Get("Retry-After"))
	}
}

// A complete delivery is stored although its sender has disconnected, and a
// store may take longer than a body.
func TestSenderDisconnectsAfterwards(t *testing.T) {
	t.Parallel()
	h := newHandler(t, func(c *hooks.Config) { c.ReadTimeout = 20 * time.Millisecond })
	receiving, canceled := make(chan struct{}), make(chan error, 1)
	h.receive = func(ctx context.Context, _ string, all []alerts.Alert) ([]alerts.Receipt, error) {
		close(receiving)
		select {
		case <-ctx.Done():
			canceled <- ctx.Err()
		case <-time.After(100 * time.Millisecond):
			canceled <- nil
		}
		return make([]alerts.Receipt, len(all)), nil
	}
	conn, done := overWire(t, h, "Content-Length: 5\r\n\r\nINC-1")
	<-receiving
	conn.Close()
	if err := <-canceled; err != nil {
		t.Errorf("the store's context was canceled: %v", err)
	}
	<-done
	if got := h.log.text(); got != "" {
		t.Errorf("logged %s", got)
	}
}

// TestI1WholeOrTruncated: a dead letter says that it is truncated when a part is missing,
// and only then (I1: a 2xx means durable).
func TestI1WholeOrTruncated(t *testing.T) {
	t.Parallel()
	const kept = 64 << 10
	broken := func(n int) string { return "garbage" + strings.Repeat(" ", n-7) }
	noise := func(n int) string { return strings.Repeat("\x1f\x8bxy", n/4+1)[:n] }
	for _, c := range []struct {
		name, body, encoding string
		kept                 int
		truncated            bool
	}{
		{"64 KiB", broken(kept), "", kept, false},
		{"64 KiB and 1 byte", broken(kept + 1), "", kept + 1, false},
		{"1 MiB", broken(1 << 20), "", 1 << 20, false},
		{"too large", broken(1<<20 + 1), "", kept, true},
		{"broken gzip, 64 KiB", noise(kept), "gzip", kept, false},
		{"broken gzip, 64 KiB and 1 byte", noise(kept + 1), "gzip", kept + 1, false},
		{"other compression, 64 KiB less 1 byte", noise(kept - 1), "br", kept - 1, false},
		{"other compression, 64 KiB", noise(kept), "br", kept, false},
		{"other compression, 64 KiB and 1 byte", noise(kept + 1), "br", kept, true},
	} {
		h := newHandler(t)
		letter := h.expectDeadLetter()
		h.send("POST", "/hooks/lab", c.body, bearer(otherToken), "Content-Encoding: "+c.encoding)
		if letter.Times != 1 || letter.Body != c.body[:c.kept] || letter.Truncated != c.truncated {
			t.Errorf("%s: kept %d times, %d bytes, truncated %t; want %d bytes, %t", c.name, letter.Times, len(letter.Body), letter.Truncated, c.kept, c.truncated)
		}
	}
}
