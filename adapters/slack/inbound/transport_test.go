package inbound

import (
	"bufio"
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack"
	"tocsin/adapters/slack/slacktest"
)

func closeIdle() {
	if t, ok := http.DefaultTransport.(*http.Transport); ok {
		t.CloseIdleConnections()
	}
}

// TestSignature: the example of Slack's page is accepted
// (docs.slack.dev/authentication/verifying-requests-from-slack), and nothing that differs
// from it.
func TestSignature(t *testing.T) {
	const body = "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA" +
		"&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554" +
		"%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	const signature = "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503"
	at := time.Unix(1531420618, 0)
	for name, c := range map[string]struct {
		stamp, signature, body, secret string
		now                            time.Time
		good                           bool
	}{
		"the example":            {good: true},
		"four minutes later":     {now: at.Add(299 * time.Second), good: true},
		"a clock that is behind": {now: at.Add(-299 * time.Second), good: true},
		"too late":               {now: at.Add(301 * time.Second)},
		"too early":              {now: at.Add(-301 * time.Second)},
		"another time":           {stamp: "1531420619"},
		"no time":                {stamp: "-"},
		"a time with a sign":     {stamp: "+1531420618"},
		"another body":           {body: body + "&text=x"},
		"no body":                {body: "-"},
		"another secret":         {secret: "8f742231b10e8888abcd99yyyzzz85a6"},
		"another version":        {signature: strings.Replace(signature, "v0", "v1", 1)},
		"no version":             {signature: signature[3:]},
		"a part":                 {signature: signature[:20]},
		"not hexadecimal":        {signature: "v0=zz" + signature[5:]},
		"none":                   {signature: "v0="},
	} {
		t.Run(name, func(t *testing.T) {
			or := func(s, standard string) string {
				switch s {
				case "":
					return standard
				case "-":
					return ""
				}
				return s
			}
			now := c.now
			if now.IsZero() {
				now = at
			}
			s := newSignatures(or(c.secret, "8f742231b10e8888abcd99yyyzzz85a5"), func() time.Time { return now })
			h := http.Header{}
			h.Set("X-Slack-Request-Timestamp", or(c.stamp, "1531420618"))
			h.Set("X-Slack-Signature", or(c.signature, signature))
			sum, err := s.verify(h, []byte(or(c.body, body)))
			if (err == nil) != c.good {
				t.Errorf("%v", err)
			}
			if _, err = s.verify(h, []byte(body)); c.good && err == nil {
				t.Error("it was taken twice")
			}
			s.forget(sum)
			if _, err = s.verify(h, []byte(body)); (err == nil) != c.good {
				t.Errorf("what could not be taken comes again: %v", err)
			}
		})
	}
}

// TestSignatureRepeats: a signature is remembered for as long as it could be accepted.
func TestSignatureRepeats(t *testing.T) {
	s := newSignatures("", time.Now)
	at := time.Unix(1531420618, 0)
	for n := range 3 {
		if !s.add(signature{byte(n)}, at) || s.add(signature{byte(n)}, at.Add(2*maxAge)) {
			t.Fatalf("signature %d", n)
		}
	}
	if !s.add(signature{9}, at.Add(3*maxAge)) || len(s.seen) != 1 || len(s.order) != 1 {
		t.Errorf("%d and %d are remembered", len(s.seen), len(s.order))
	}
}

// sign signs a request as Slack does.
func (d *testServer) sign(r *http.Request, body string) {
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(d.slack.SigningSecret))
	mac.Write([]byte("v0:" + stamp + ":" + body))
	r.Header.Set("X-Slack-Request-Timestamp", stamp)
	r.Header.Set("X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
}

// post sends a request; signed, if it is to be.
func (d *testServer) post(method, path, body string, signed bool) (status int, answer string) {
	d.t.Helper()
	r := httptest.NewRequestWithContext(d.t.Context(), method, path, strings.NewReader(body))
	if signed {
		d.sign(r, body)
	}
	w := httptest.NewRecorder()
	d.Handler().ServeHTTP(w, r)
	raw, err := io.ReadAll(w.Result().Body)
	if err != nil {
		d.t.Fatal(err)
	}
	return w.Code, string(raw)
}

// TestHTTPRefuses: a request that Slack has not signed has no effect, and nothing is read
// that is not signed.
func TestHTTPRefuses(t *testing.T) {
	d := newTestServer(t, byHTTP)
	form := url.Values{
		"command": {"/incident"}, "text": {"declare Checkout is down"}, "user_id": {d.ana}, "user_name": {"ana"}, "channel_id": {d.lobby}, "trigger_id": {"1.2.a"},
	}.Encode()
	for _, path := range []string{"/slack/commands", "/slack/interactions", "/slack/events"} {
		if status, answer := d.post("POST", path, form, false); status != 401 || strings.Contains(answer, d.slack.SigningSecret) || !strings.Contains(answer, `"error"`) {
			t.Errorf("%s without a signature: %d %s", path, status, answer)
		}
		if status, _ := d.post("GET", path, "", true); status != 405 {
			t.Errorf("GET %s: %d", path, status)
		}
		if status, _ := d.post("POST", path, strings.Repeat("x", maxBody+1), true); status != 413 {
			t.Errorf("%s with a large body: %d", path, status)
		}
	}
	for _, path := range []string{"/slack/interactions", "/slack/events"} {
		if status, _ := d.post("POST", path, "payload=%7B&of="+path, true); status != 400 {
			t.Errorf("%s with invalid JSON: %d", path, status)
		}
	}
	// The address is not signed.
	if status, answer := d.post("POST", "/slack/commands?"+form, "", true); status != 200 || answer != "" {
		t.Errorf("a command in the address: %d %s", status, answer)
	}
	if status, _ := d.post("POST", "/slack/interactions?payload=%7B%7D", "a=b", true); status != 400 {
		t.Errorf("a payload in the address: %d", status)
	}
	if status, _ := d.post("POST", "/slack/nothing", "", true); status != 404 {
		t.Errorf("another path: %d", status)
	}
	if open, err := d.bot.Incidents.ListOpen(t.Context(), 10); err != nil || len(open) != 0 {
		t.Errorf("%d incidents, %v", len(open), err)
	}
	if status, answer := d.post("POST", "/slack/commands", form, true); status != 200 || !strings.Contains(answer, "INC-1") {
		t.Errorf("a command in the body: %d %s", status, answer)
	}
	d.signatures.secret = ""
	if status, _ := d.post("POST", "/slack/commands", form, true); status != 404 {
		t.Errorf("without a secret: %d", status)
	}
}

// TestManifestRoutes: the handler serves every address in the manifest.
func TestManifestRoutes(t *testing.T) {
	d := newTestServer(t, byHTTP)
	raw, err := slack.ManifestJSON(slack.App{URL: "https://tocsin.example.com"})
	if err != nil {
		t.Fatal(err)
	}
	addresses := map[string]bool{}
	for _, a := range regexp.MustCompile(`https://tocsin\.example\.com[^"]*`).FindAllString(string(raw), -1) {
		addresses[a] = true
	}
	if len(addresses) != 3 {
		t.Errorf("the manifest names %v", addresses)
	}
	for address := range addresses {
		w := httptest.NewRecorder()
		d.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodPost, address, http.NoBody))
		if w.Code != http.StatusUnauthorized {
			t.Errorf("%s, unsigned, answers %d", address, w.Code)
		}
	}
}

// TestVerifyURL: the question whether the address is this app's is answered.
func TestVerifyURL(t *testing.T) {
	d := newTestServer(t, byHTTP)
	if got := d.slack.Verify(); got.Err != nil {
		t.Fatal(got.Err)
	}
}

// TestHTTPReplay: a replayed request is refused; a request that Slack sends again is
// signed again, and answered as the first time.
func TestHTTPReplay(t *testing.T) {
	d := newTestServer(t, byHTTP)
	first := d.slack.Slash(d.ana, d.lobby, "/incident", "declare Checkout is down")
	if first.Err != nil {
		t.Fatal(first.Err)
	}
	if again := d.slack.Replay(first); again.Status != 401 {
		t.Errorf("a replay is answered %d %s", again.Status, again.Response)
	}
	again := d.slack.Redeliver(first)
	if again.Status != 200 || !bytes.Equal(bytes.TrimSpace(again.Response), bytes.TrimSpace(first.Response)) {
		t.Errorf("a repeat is answered %d %s, not %s", again.Status, again.Response, first.Response)
	}
	if open, err := d.bot.Incidents.ListOpen(t.Context(), 10); err != nil || len(open) != 1 {
		t.Errorf("%d incidents, %v", len(open), err)
	}
}

// TestSlowBody: a request whose body does not end is cut off after seconds.
func TestSlowBody(t *testing.T) {
	h := newTestApp(t, slacktest.Options{})
	s := New(h.workspace, applicationOf(h.bot))
	s.bodyTimeout = 50 * time.Millisecond
	server := httptest.NewServer(s.Handler())
	defer server.Close()
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err = conn.SetDeadline(time.Now().Add(5 * time.Second)); err != nil {
		t.Fatal(err)
	}
	fmt.Fprint(conn, "POST /slack/commands HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\ncommand=")
	answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusBadRequest {
		t.Errorf("%d", answer.StatusCode)
	}
}
