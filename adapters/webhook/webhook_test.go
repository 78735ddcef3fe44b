package webhook_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"tocsin/adapters/webhook"
	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

var update = flag.Bool("update", false, "rewrite the golden files")

const secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

var noon = time.Date(2026, 3, 4, 12, 0, 0, 5e8, time.UTC)

// delivery is one request that a receiver got.
type delivery struct {
	ID   string
	Body []byte
}

// receiver receives pages. A request that is not a correctly signed page fails
// the test.
type receiver struct {
	*httptest.Server

	mu  sync.Mutex
	got []delivery
}

// startReceiver runs a receiver that verifies with a secret and answers with a
// handler; nil: 200.
func startReceiver(t *testing.T, secret string, answer http.HandlerFunc) *receiver {
	t.Helper()
	verify, err := standardwebhooks.NewWebhookRaw([]byte(secret))
	if strings.HasPrefix(secret, "whsec_") {
		verify, err = standardwebhooks.NewWebhook(secret)
	}
	if err != nil {
		t.Fatal(err)
	}
	r := &receiver{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(io.LimitReader(q.Body, 64<<10+1))
		switch {
		case err != nil:
			t.Errorf("read: %v", err)
		case q.Method != http.MethodPost || q.URL.Path != "/hook/url-token" || q.Header.Get("Content-Type") != "application/json":
			t.Errorf("%s %s, %s", q.Method, q.URL, q.Header.Get("Content-Type"))
		case len(body) > 64<<10:
			t.Error("more than 64 KiB")
		case q.Header.Get("webhook-timestamp") != "1772625600":
			t.Errorf("timestamp %s, want the injected clock's", q.Header.Get("webhook-timestamp"))
		}
		if err := verify.VerifyIgnoringTimestamp(body, q.Header); err != nil {
			t.Errorf("verify: %v", err)
		}
		r.mu.Lock()
		r.got = append(r.got, delivery{q.Header.Get("webhook-id"), body})
		r.mu.Unlock()
		if answer != nil {
			answer(w, q)
		}
	}))
	t.Cleanup(r.Close)
	return r
}

// all returns the deliveries until now.
func (r *receiver) all() []delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.got
}

// pager returns a pager that sends to the receiver under the name "noc".
func (r *receiver) pager(t *testing.T, secret string, client *http.Client) *webhook.Pager {
	t.Helper()
	return newPager(t, client, bot.Webhook{Name: "noc", URL: r.URL + "/hook/url-token", Secret: secret})
}

// newPager returns a pager with receivers.
func newPager(t *testing.T, client *http.Client, hooks ...bot.Webhook) *webhook.Pager {
	t.Helper()
	return webhook.New(webhook.Config{Hooks: hooks, Client: client, Now: func() time.Time { return noon }})
}

// escalationPage returns a page that asks for an acknowledgement.
func escalationPage() bot.Page {
	return bot.Page{
		Key: "INC-7/12.3", Purpose: workflow.PurposeEscalation, Person: "ana", Name: "Ana Lima", Address: "noc",
		Incidents: []bot.PagedIncident{{
			ID: "INC-7", Title: "Checkout <is> down", Severity: "SEV1", Status: "investigating", Services: []string{"checkout"},
			DeclaredAt: noon.Add(-time.Hour), URL: "https://tocsin.example.com/incidents/INC-7",
			AcknowledgeURL: "https://tocsin.example.com/incidents/INC-7/ack",
		}},
		Content: card.Content{Title: "INC-7 · Checkout is down", Text: "Checkout fails for everyone in Europe.\nPlease answer."},
	}
}

// pages returns one page of each kind, by the name of its golden files.
func pages() map[string]bot.Page {
	machine, private := escalationPage(), escalationPage()
	machine.Key, machine.Person, machine.Purpose = "INC-7/12.4", "webhook:noc", workflow.PurposeCatchAll
	private.Key = "INC-8/1.1"
	private.Incidents = []bot.PagedIncident{{ID: "INC-8", Title: "hush-hush", Private: true}}
	private.Content = card.Content{Title: "A private incident needs you: INC-8"}
	return map[string]bot.Page{
		"answer": escalationPage(), "machine": machine, "private": private,
		"empty": {Address: "noc", Key: "k", Purpose: workflow.PurposeNotice},
	}
}

// compareGolden compares a body with a golden file.
func compareGolden(t *testing.T, name string, body []byte) {
	t.Helper()
	var b bytes.Buffer
	if err := json.Indent(&b, body, "", "  "); err != nil {
		t.Fatal(err)
	}
	b.WriteByte('\n')
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, b.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Errorf("%s (-want +got; -update rewrites it):\n%s", path, diff)
	}
}

func TestGolden(t *testing.T) {
	for name, page := range pages() {
		t.Run(name, func(t *testing.T) {
			r := startReceiver(t, secret, nil)
			p := r.pager(t, secret, nil)
			if err := p.Page(t.Context(), page); err != nil {
				t.Fatal(err)
			}
			if err := p.Cancel(t.Context(), page, "acknowledged by\nBen"); err != nil {
				t.Fatal(err)
			}
			got := r.all()
			compareGolden(t, name+".json", got[0].Body)
			compareGolden(t, name+".canceled.json", got[1].Body)
		})
	}
}

// A repeat has the same webhook-id (E3: check again before each send).
func TestE3SameKeySameID(t *testing.T) {
	r := startReceiver(t, secret, nil)
	p := r.pager(t, secret, nil)
	other := escalationPage()
	other.Key = "INC-7/12.4"
	for _, err := range []error{
		p.Page(t.Context(), escalationPage()), p.Page(t.Context(), escalationPage()), p.Page(t.Context(), other),
		p.Cancel(t.Context(), escalationPage(), "resolved"), p.Cancel(t.Context(), escalationPage(), "resolved"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	got := r.all()
	if got[0].ID != got[1].ID || got[3].ID != got[4].ID {
		t.Errorf("a repeat has another ID: %+v", got)
	}
	if got[0].ID == got[2].ID || got[0].ID == got[3].ID {
		t.Errorf("two different deliveries share an ID: %+v", got)
	}
	for _, d := range got {
		if !bytes.Contains(d.Body, []byte(`"id":"`+d.ID+`"`)) || strings.ContainsAny(d.ID, ". ") {
			t.Errorf("ID %q, body %s", d.ID, d.Body)
		}
	}
}

func TestSecretsAreBase64OrBytes(t *testing.T) {
	for _, s := range []string{secret, "opensesame", "bm90IGVuY29kZWQ="} {
		r := startReceiver(t, s, nil)
		if err := r.pager(t, s, nil).Page(t.Context(), escalationPage()); err != nil {
			t.Errorf("%s: %v", s, err)
		}
	}
}

// Each status is permanent or temporary, as a retry would get the same response
// or not.
func TestResponses(t *testing.T) {
	const never = -1
	for name, c := range map[string]struct {
		status     int
		retryAfter string
		want       time.Duration // of RetryAfter; 0: a temporary error without it
		fine       bool
	}{
		"ok":                      {status: 200, fine: true},
		"accepted":                {status: 202, fine: true},
		"no content":              {status: 204, fine: true},
		"moved":                   {status: 301},
		"moved for now":           {status: 307},
		"bad":                     {status: 400, want: never},
		"signature refused":       {status: 401, want: never},
		"not found":               {status: 404, want: never},
		"timeout":                 {status: 408},
		"gone":                    {status: 410, want: never},
		"too early":               {status: 425},
		"too many":                {status: 429},
		"too many, seconds":       {status: 429, retryAfter: "120", want: 2 * time.Minute},
		"too many, a day":         {status: 429, retryAfter: "86400", want: time.Hour},
		"too many, at once":       {status: 429, retryAfter: "0"},
		"too many, never":         {status: 429, retryAfter: "-5"},
		"too many, soon":          {status: 429, retryAfter: "soon"},
		"broken":                  {status: 500},
		"broken gateway":          {status: 502, retryAfter: "120"},
		"unavailable":             {status: 503},
		"unavailable, an instant": {status: 503, retryAfter: "Wed, 04 Mar 2026 12:01:00 GMT", want: 59500 * time.Millisecond},
		"unavailable, tomorrow":   {status: 503, retryAfter: "Thu, 05 Mar 2026 12:01:00 GMT", want: time.Hour},
		"unavailable, yesterday":  {status: 503, retryAfter: "Tue, 03 Mar 2026 12:01:00 GMT"},
	} {
		t.Run(name, func(t *testing.T) {
			r := startReceiver(t, secret, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Location", "/elsewhere") // a request to it fails the test
				if c.retryAfter != "" {
					w.Header().Set("Retry-After", c.retryAfter)
				}
				w.WriteHeader(c.status)
			})
			err := r.pager(t, secret, nil).Page(t.Context(), escalationPage())
			delay, ok := bot.RetryDelay(err)
			switch {
			case (err == nil) != c.fine:
				t.Errorf("got %v", err)
			case bot.IsPermanent(err) != (c.want == never):
				t.Errorf("permanent is %t: %v", bot.IsPermanent(err), err)
			case ok != (c.want > 0) || ok && delay != c.want:
				t.Errorf("retry after %s (%t), want %s", delay, ok, c.want)
			}
			if len(r.all()) != 1 {
				t.Errorf("%d requests", len(r.all()))
			}
		})
	}
}

func TestHugeResponseIsNotRead(t *testing.T) {
	wrote := make(chan int, 1)
	r := startReceiver(t, secret, func(w http.ResponseWriter, _ *http.Request) {
		n := 0
		for chunk := make([]byte, 1<<20); n < 1<<30; n += len(chunk) {
			if _, err := w.Write(chunk); err != nil {
				break
			}
		}
		wrote <- n
	})
	if err := r.pager(t, secret, nil).Page(t.Context(), escalationPage()); err != nil {
		t.Errorf("got %v: it answered 200", err)
	}
	if n := <-wrote; n >= 1<<30 {
		t.Error("the whole gigabyte was read")
	}
	huge := startReceiver(t, secret, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Huge", strings.Repeat("x", 1<<20))
	})
	if err := huge.pager(t, secret, nil).Page(t.Context(), escalationPage()); err == nil || bot.IsPermanent(err) {
		t.Errorf("got %v, want a temporary error", err)
	}
}

func TestRefusedConnectionIsTemporary(t *testing.T) {
	r := startReceiver(t, secret, nil)
	p := r.pager(t, secret, nil)
	r.Close()
	if err := p.Page(t.Context(), escalationPage()); err == nil || bot.IsPermanent(err) {
		t.Errorf("got %v, want a temporary error", err)
	}
}

// A body that would be too large has fewer incidents, and says how many were
// left out.
func TestBodiesAreBounded(t *testing.T) {
	r := startReceiver(t, secret, nil)
	page := escalationPage()
	one := page.Incidents[0]
	one.Title, one.URL = strings.Repeat("ü\x00", 5000), "https://"+strings.Repeat("x", 1<<20)
	one.Services = make([]string, 1000)
	page.Incidents = nil
	for range 1000 {
		page.Incidents = append(page.Incidents, one)
	}
	page.Content.Text = strings.Repeat("\\\"", 1<<20)
	if err := r.pager(t, secret, nil).Page(t.Context(), page); err != nil {
		t.Fatal(err)
	}
	var body struct {
		Incidents []bot.PagedIncident
		Omitted   int
	}
	if err := json.Unmarshal(r.all()[0].Body, &body); err != nil {
		t.Fatal(err)
	}
	if len(body.Incidents) == 0 || len(body.Incidents)+body.Omitted != 1000 {
		t.Errorf("%d incidents, %d omitted", len(body.Incidents), body.Omitted)
	}
}

// A page for a receiver that is not configured fails for good.
func TestUnknownReceiver(t *testing.T) {
	for _, p := range []*webhook.Pager{webhook.New(webhook.Config{}), newPager(t, nil, bot.Webhook{Name: "soc", URL: "http://127.0.0.1:1/", Secret: secret})} {
		if err := p.Page(t.Context(), escalationPage()); !bot.IsPermanent(err) {
			t.Errorf("got %v, want a permanent error: no webhook has the name noc", err)
		}
	}
}

// No error contains the secret or the URL, which may hold one (P4: secrets are
// never shown).
func TestP4NoSecretLeaks(t *testing.T) {
	r := startReceiver(t, secret, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadRequest) })
	closed := httptest.NewServer(nil)
	closed.Close()
	for name, hook := range map[string]bot.Webhook{
		"no secret":          {URL: r.URL + "/hook/url-token"},
		"only the prefix":    {URL: r.URL + "/hook/url-token", Secret: "whsec_"},
		"not base64":         {URL: r.URL + "/hook/url-token", Secret: "whsec_open!sesame"},
		"refused":            {URL: r.URL + "/hook/url-token", Secret: secret},
		"connection refused": {URL: closed.URL + "/hook/url-token", Secret: secret},
		"not a page":         {URL: "file:///etc/url-token", Secret: secret},
		"no scheme":          {URL: "noc.example.com/url-token", Secret: secret},
		"control":            {URL: "https://noc.example.com/url-token\x00", Secret: secret},
		"a password in it":   {URL: "http://noc:url-token@127.0.0.1:1/", Secret: secret},
		"a bad port":         {URL: "http://127.0.0.1:url-token/", Secret: secret},
	} {
		hook.Name = "noc"
		err := newPager(t, nil, hook).Page(t.Context(), escalationPage())
		if err == nil {
			t.Errorf("%s: no error", name)
		}
		if temporary := name == "connection refused" || name == "a password in it"; bot.IsPermanent(err) == temporary {
			t.Errorf("%s: %v", name, err)
		}
		shown := fmt.Sprintf("%v %v", err, webhook.Check(hook))
		for e := err; e != nil; e = errors.Unwrap(e) {
			shown += fmt.Sprintf("\n%v %+v", e, e)
		}
		for _, s := range []string{"url-token", "sesame", strings.TrimPrefix(secret, "whsec_"), "MfKQ"} {
			if strings.Contains(shown, s) {
				t.Errorf("%s: %q is shown: %s", name, s, shown)
			}
		}
	}
}
