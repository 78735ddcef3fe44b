package hooks_test

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tocsin/adapters/hooks"
	"tocsin/bot/alerts"
)

func basic(user, password string) string {
	return "Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

func TestI8TokensPerIntegration(t *testing.T) {
	t.Parallel()
	const accepted, unauthorized, unknown = http.StatusAccepted, http.StatusUnauthorized, http.StatusNotFound
	for _, c := range []struct {
		name, path, header string
		want               int
	}{
		{"own", "/hooks/prod", bearer(ownToken), accepted},
		{"second of two", "/hooks/prod", bearer(rotatedToken), accepted},
		{"basic", "/hooks/prod", basic("anybody", ownToken), accepted},
		{"basic without a user", "/hooks/prod", basic("", rotatedToken), accepted},
		{"basic default", "/hooks/small", basic("x", defaultToken), accepted},
		{"another's", "/hooks/prod", bearer(otherToken), unauthorized},
		{"another's, basic", "/hooks/lab", basic("prod", ownToken), unauthorized},
		{"the default where there are own ones", "/hooks/prod", bearer(defaultToken), unauthorized},
		{"an own one where the default holds", "/hooks/small", bearer(ownToken), unauthorized},
		{"nothing", "/hooks/prod", "", unauthorized},
		{"no token after the scheme", "/hooks/prod", "Authorization: Bearer", unauthorized},
		{"blank token", "/hooks/unset", "Authorization: Bearer ", unauthorized},
		{"empty password", "/hooks/unset", basic("x", ""), unauthorized},
		{"the default where the own one is unset", "/hooks/unset", bearer(defaultToken), unauthorized},
		{"token as the user", "/hooks/prod", basic(ownToken, "x"), unauthorized},
		{"token without a scheme", "/hooks/prod", "Authorization: " + ownToken, unauthorized},
		{"another scheme", "/hooks/prod", "Authorization: Digest " + ownToken, unauthorized},
		{"beginning of a token", "/hooks/prod", bearer(ownToken[:5]), unauthorized},
		{"longer than a token", "/hooks/prod", bearer(ownToken + "0"), unauthorized},
		{"other case", "/hooks/prod", bearer(strings.ToUpper(ownToken)), unauthorized},
		{"broken basic", "/hooks/prod", "Authorization: Basic %%%", unauthorized},
		{"in the URL", "/hooks/prod?token=" + ownToken, "", unauthorized},
		{"unknown name, nothing", "/hooks/nowhere", "", unauthorized},
		{"unknown name, wrong token", "/hooks/nowhere", bearer("wrong"), unauthorized},
		{"unknown name, any token", "/hooks/nowhere", bearer(otherToken), unknown},
		{"unknown name, default", "/hooks/nowhere", bearer(defaultToken), unknown},
		{"unknown name, blank", "/hooks/nowhere", "Authorization: Bearer  ", unauthorized},
		{"name in other case", "/hooks/PROD", bearer(ownToken), accepted},
	} {
		h := newHandler(t)
		switch c.want {
		case accepted:
			h.expectAlerts()
		case unknown:
			h.expectDeadLetter()
		}
		var headers []string
		if c.header != "" {
			headers = append(headers, c.header)
		}
		w := h.send("POST", c.path, "INC-1", headers...)
		if w.Code != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, w.Code, w.Body, c.want)
			continue
		}
		switch c.want {
		case unauthorized:
			p := wantProblem(t, w, unauthorized, "unauthorized")
			if got := w.Header().Get("WWW-Authenticate"); got != `Bearer realm="tocsin"` || p.Error.Hint == "" {
				t.Errorf("%s: WWW-Authenticate %q, hint %q", c.name, got, p.Error.Hint)
			}
		case unknown:
			p := wantProblem(t, w, unknown, "unknown_integration")
			if !strings.Contains(p.Error.Hint, "prod, lab, alertmanager, small") {
				t.Errorf("%s: hint %q", c.name, p.Error.Hint)
			}
		}
	}
}

// Without any token, no sender is accepted (I8: tokens per integration).
func TestClosedWithoutAnyToken(t *testing.T) {
	t.Parallel()
	h := newHandler(t, func(c *hooks.Config) { c.DefaultTokens, c.Log = nil, nil })
	for _, header := range []string{"X-Nothing: ", "Authorization: Bearer ", basic("", ""), bearer(defaultToken)} {
		if w := h.send("POST", "/hooks/alertmanager", "INC-1", header); w.Code != http.StatusUnauthorized {
			t.Errorf("%s: %d %s", header, w.Code, w.Body)
		}
	}
	h = newHandler(t, func(c *hooks.Config) { c.DefaultTokens = func() []string { return []string{""} } })
	if w := h.send("POST", "/hooks/alertmanager", "INC-1", "Authorization: Bearer "); w.Code != http.StatusUnauthorized {
		t.Errorf("an empty default token is accepted: %d %s", w.Code, w.Body)
	}
}

// A token in the URL is not accepted (I8: tokens per integration).
func TestTokenInTheURLGetsAHint(t *testing.T) {
	t.Parallel()
	h := newHandler(t)
	p := wantProblem(t, h.send("POST", "/hooks/prod?token="+ownToken, "INC-1"), http.StatusUnauthorized, "unauthorized")
	if !strings.Contains(p.Error.Hint, "Authorization: Bearer") || !strings.Contains(p.Error.Message, "URL") {
		t.Errorf("%+v", p)
	}
}

func TestAuthenticationComesBeforeTheBody(t *testing.T) {
	t.Parallel()
	h := newHandler(t)
	for _, body := range []string{"garbage", strings.Repeat("x", 5<<20)} {
		wantProblem(t, h.send("POST", "/hooks/prod", body), http.StatusUnauthorized, "unauthorized")
		wantProblem(t, h.send("POST", "/hooks/nowhere", body), http.StatusUnauthorized, "unauthorized")
	}
}

func TestP4NoSecretLeaks(t *testing.T) {
	t.Parallel()
	encoded := func(user, password string) string { _, e, _ := strings.Cut(basic(user, password), "Basic "); return e }
	for _, secret := range []string{ownToken, defaultToken, "guess-77aa88"} {
		hidden := []string{secret, encoded("u", secret), encoded(secret, "p"), url.QueryEscape(encoded("u", secret))}
		for _, path := range []string{
			"/hooks/prod", "/hooks/alertmanager", "/hooks/nowhere", "/hooks/" + secret, "/hooks/prod?token=" + secret,
			"/hooks/" + secret + "?token=" + secret, "/hooks/prod?" + secret,
		} {
			for _, header := range []string{
				bearer(secret), basic("u", secret), basic(secret, "p"), "Authorization: " + secret, "Authorization: Odd " + secret,
				"X-Api-Key: " + secret, "Content-Type: " + secret, "User-Agent: " + secret,
			} {
				for _, body := range []string{"INC-1", "garbage " + secret, "panic " + secret, ""} {
					for _, encoding := range []string{"", "gzip", secret} {
						h := newHandler(t)
						h.receive = func(context.Context, string, []alerts.Alert) ([]alerts.Receipt, error) {
							return nil, errors.New("store gone")
						}
						h.expectDeadLetter()
						w := h.send("POST", path, body, header, "Content-Encoding: "+encoding)
						answer := w.Body.String()
						for name, values := range w.Header() {
							answer += name + ": " + strings.Join(values, ", ") + "\n"
						}
						for _, text := range hidden {
							if strings.Contains(answer, text) || strings.Contains(h.log.text(), text) {
								t.Fatalf("%s with %q, body %q leaks %q:\nanswer %s\nlog %s", path, header, body, text, answer, h.log.text())
							}
						}
					}
				}
			}
		}
	}
}
