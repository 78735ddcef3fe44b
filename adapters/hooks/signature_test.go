package hooks_test

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/hooks"
	"tocsin/bot"
	"tocsin/bot/alerts"
)

var signedNow = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

// signature returns the X-Signature of the test's vendor: an HMAC over the time
// in X-Signed-At and the body.
func signature(secret, at, body string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(at + ":" + body))
	return hex.EncodeToString(mac.Sum(nil))
}

// verifySignature verifies the signature of the test's vendor.
func verifySignature(r alerts.Request, secrets alerts.Secrets, now time.Time) error {
	header := http.Header(r.Header)
	at, given := header.Get("X-Signed-At"), header.Get("X-Signature")
	seconds, err := strconv.ParseInt(at, 10, 64)
	if err != nil || now.Sub(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		return errors.New("X-Signed-At is not within 5 minutes")
	}
	if strings.HasPrefix(string(r.Body), "panic verifier") {
		panic("a verifier with a fault: " + string(r.Body))
	}
	if !secrets.Any(func(secret string) bool {
		return hmac.Equal([]byte(given), []byte(signature(secret, at, string(r.Body))))
	}) {
		return errors.New("X-Signature does not match a secret")
	}
	return nil
}

// headerOnly verifies a sender that sends its secret in a header of its own.
func headerOnly(r alerts.Request, secrets alerts.Secrets, _ time.Time) error {
	if !secrets.Contain(http.Header(r.Header).Get("X-Secret")) {
		return errors.New("X-Secret is not a valid secret")
	}
	return nil
}

// withSignatures adds integrations whose sources verify signatures.
func withSignatures(h *testHandler) func(*hooks.Config) {
	h.org.Integrations = append(h.org.Integrations,
		bot.Integration{Name: "signed", Type: "signing", Tokens: []string{ownToken, rotatedToken}},
		bot.Integration{Name: "shared", Type: "signing"},
		bot.Integration{Name: "unset-signed", Type: "signing", Tokens: []string{""}},
		bot.Integration{Name: "headed", Type: "header", Tokens: []string{ownToken}},
	)
	return func(c *hooks.Config) {
		c.Now = func() time.Time { return signedNow }
		c.Sources = append(c.Sources,
			alerts.Source{Type: "signing", MaxBody: 2 << 20, Verify: verifySignature, Decode: lines},
			alerts.Source{Type: "header", Verify: headerOnly, Decode: lines})
	}
}

// newSignatureHandler serves the handler over TCP.
func newSignatureHandler(t *testing.T) (*testHandler, *httptest.Server) {
	t.Helper()
	h := &testHandler{receiver: &receiver{t: t, org: organization()}, log: &logBuffer{}}
	h = newHandlerWith(h, withSignatures(h))
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	return h, server
}

// post sends one request; header is "Name: value" lines.
func post(t *testing.T, url, body string, header ...string) *httptest.ResponseRecorder {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
	answer, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	w := httptest.NewRecorder()
	answer.Header.Del("Date")
	maps.Copy(w.Header(), answer.Header)
	w.WriteHeader(answer.StatusCode)
	if _, err := io.Copy(w, answer.Body); err != nil {
		t.Fatal(err)
	}
	return w
}

// sign returns the headers of a body signed at an instant.
func sign(secret string, at time.Time, body string) []string {
	seconds := strconv.FormatInt(at.Unix(), 10)
	return []string{"X-Signed-At: " + seconds, "X-Signature: " + signature(secret, seconds, body)}
}

func TestI8Signatures(t *testing.T) {
	t.Parallel()
	const accepted, unauthorized = http.StatusAccepted, http.StatusUnauthorized
	now := signedNow
	for _, c := range []struct {
		name, path string
		header     []string
		want       int
	}{
		{"good", "/hooks/signed", sign(ownToken, now, "INC-1"), accepted},
		{"rotated", "/hooks/signed", sign(rotatedToken, now, "INC-1"), accepted},
		{"good, and a bad token", "/hooks/signed", append(sign(ownToken, now, "INC-1"), bearer("wrong")), accepted},
		{"default secret", "/hooks/shared", sign(defaultToken, now, "INC-1"), accepted},
		{"a little early", "/hooks/signed", sign(ownToken, now.Add(4*time.Minute), "INC-1"), accepted},
		{"header of its own", "/hooks/headed", []string{"X-Secret: " + ownToken}, accepted},

		{"missing", "/hooks/signed", nil, unauthorized},
		{"time alone", "/hooks/signed", sign(ownToken, now, "INC-1")[:1], unauthorized},
		{"empty", "/hooks/signed", []string{sign(ownToken, now, "INC-1")[0], "X-Signature: "}, unauthorized},
		{"token in its place", "/hooks/signed", []string{bearer(ownToken)}, unauthorized},
		{"basic in its place", "/hooks/signed", []string{basic("x", ownToken)}, unauthorized},
		{"default token in its place", "/hooks/shared", []string{bearer(defaultToken)}, unauthorized},
		{"another's secret", "/hooks/signed", sign(otherToken, now, "INC-1"), unauthorized},
		{"the default where there are own ones", "/hooks/signed", sign(defaultToken, now, "INC-1"), unauthorized},
		{"another body", "/hooks/signed", sign(ownToken, now, "INC-2"), unauthorized},
		{"too old", "/hooks/signed", sign(ownToken, now.Add(-6*time.Minute), "INC-1"), unauthorized},
		{"from the future", "/hooks/signed", sign(ownToken, now.Add(6*time.Minute), "INC-1"), unauthorized},
		{"with the empty secret", "/hooks/unset-signed", sign("", now, "INC-1"), unauthorized},
		{"default where the own one is unset", "/hooks/unset-signed", sign(defaultToken, now, "INC-1"), unauthorized},
		{"signature where a token is asked for", "/hooks/prod", sign(ownToken, now, "INC-1"), unauthorized},
		{"signature for an unknown name", "/hooks/nowhere", sign(ownToken, now, "INC-1"), unauthorized},
	} {
		h, server := newSignatureHandler(t)
		if c.want == accepted {
			h.expectAlerts()
		}
		w := post(t, server.URL+c.path, "INC-1", c.header...)
		if w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.want)
			continue
		}
		if c.want == unauthorized {
			wantProblem(t, w, unauthorized, "unauthorized")
		}
		for _, secret := range []string{ownToken, rotatedToken, defaultToken, "INC-1"} {
			if strings.Contains(h.log.text(), secret) {
				t.Errorf("%s: the log repeats %s: %s", c.name, secret, h.log.text())
			}
		}
	}
}

// TestSignedCompressed: the signature is that of the decompressed body.
func TestSignedCompressed(t *testing.T) {
	t.Parallel()
	h, server := newSignatureHandler(t)
	keys := h.expectAlerts()
	w := post(t, server.URL+"/hooks/signed", zip(t, "INC-1"), append(sign(ownToken, signedNow, "INC-1"), "Content-Encoding: gzip")...)
	if w.Code != http.StatusAccepted || len(*keys) != 1 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// TestI1SignedUnreadable: a dead letter is kept only of an authenticated
// delivery.
func TestI1SignedUnreadable(t *testing.T) {
	t.Parallel()
	large := strings.Repeat("x", 2<<20+1)
	for _, c := range []struct {
		name, path, body string
		header           []string
		want             int
	}{
		{"garbage", "/hooks/signed", "garbage", sign(ownToken, signedNow, "garbage"), http.StatusBadRequest},
		{"too large", "/hooks/headed", large, []string{"X-Secret: " + ownToken}, http.StatusRequestEntityTooLarge},
		{"too large for this one", "/hooks/headed", large[:2<<20], []string{"X-Secret: " + ownToken}, http.StatusRequestEntityTooLarge},
		{"other encoding", "/hooks/headed", "INC-1", []string{"X-Secret: " + ownToken, "Content-Encoding: br"}, http.StatusUnsupportedMediaType},
		{"garbage, not authenticated", "/hooks/signed", "garbage", sign("wrong", signedNow, "garbage"), http.StatusUnauthorized},
		{"too large to verify", "/hooks/signed", large, sign(ownToken, signedNow, large), http.StatusUnauthorized},
		{"too large, not authenticated", "/hooks/headed", large, nil, http.StatusUnauthorized},
		{"other encoding, not authenticated", "/hooks/signed", "INC-1", []string{"Content-Encoding: br"}, http.StatusUnauthorized},
		{"not compressed, not authenticated", "/hooks/nowhere", "INC-1", []string{"Content-Encoding: gzip"}, http.StatusUnauthorized},
		{"the verifier panics", "/hooks/signed", "panic verifier", sign(ownToken, signedNow, ""), http.StatusUnauthorized},
	} {
		h, server := newSignatureHandler(t)
		var kept *deadLetter // else the strict receiver fails the test
		if c.want != http.StatusUnauthorized {
			kept = h.expectDeadLetter()
		}
		if w := post(t, server.URL+c.path, c.body, c.header...); w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.want)
		}
		if kept != nil && (kept.Times != 1 || kept.Body == "" || !strings.HasPrefix(c.body, kept.Body)) {
			t.Errorf("%s: kept %d times, %d bytes", c.name, kept.Times, len(kept.Body))
		}
		if got := h.log.text(); strings.Contains(got, "with a fault") {
			t.Errorf("%s: the value of a verifier's panic is logged and may hold the body: %s", c.name, got)
		}
	}
}

// TestUnauthenticatedLearnNoName: a request without a valid token or signature
// gets the same answer for a name that takes tokens, one that takes signatures
// and one that does not exist, and waits for its body alike.
func TestUnauthenticatedLearnNoName(t *testing.T) {
	t.Parallel()
	for _, header := range [][]string{nil, {bearer("wrong")}, sign("wrong", signedNow, "INC-1"), {"Content-Encoding: br"}} {
		var answers []string
		for _, name := range []string{"nowhere", "prod", "lab", "signed", "headed", "shared"} {
			_, server := newSignatureHandler(t)
			w := post(t, server.URL+"/hooks/"+name, "INC-1", header...)
			answers = append(answers, fmt.Sprint(w.Code, w.Header(), w.Body, firstLine(t, server, name, header)))
			if last := answers[len(answers)-1]; last != answers[0] {
				t.Errorf("with %q, %s answers\n%s\nand nowhere\n%s", header, name, last, answers[0])
			}
		}
		if !strings.Contains(answers[0], "401") || !strings.Contains(answers[0], "100 Continue") {
			t.Errorf("with %q: %s", header, answers[0])
		}
	}
}

// firstLine returns what the server sends before it has received the body.
func firstLine(t *testing.T, server *httptest.Server, name string, header []string) string {
	t.Helper()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	lines := append([]string{"POST /hooks/" + name + " HTTP/1.1", "Host: tocsin", "Content-Length: 5", "Expect: 100-continue"}, header...)
	if _, err = io.WriteString(conn, strings.Join(lines, "\r\n")+"\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return line
}
