package alertmanager_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tocsin/adapters/alertmanager"
	"tocsin/bot/alerts"
)

func TestLabelsAreBounded(t *testing.T) {
	t.Parallel()
	many := map[string]string{"alertname": "Crowd", "severity": "critical", "service": "basket"}
	for n := range 100 {
		many[fmt.Sprintf("a%02d", n)] = strings.Repeat("é", 2000)
	}
	many["b"+strings.Repeat("ü", 100)] = "long name"
	labels, err := json.Marshal(many)
	if err != nil {
		t.Fatal(err)
	}
	a := decodeOne(t, `{"status":"firing","fingerprint":"k","labels":`+string(labels)+`,"annotations":{"b`+strings.Repeat("ü", 100)+`":"v"}}`)
	checkBounds(t, a)
	if len(a.Labels) != 64 || a.Labels["severity"] != "critical" || a.Labels["service"] != "basket" {
		t.Errorf("%d labels, severity %q, service %q", len(a.Labels), a.Labels["severity"], a.Labels["service"])
	}
	if got := len(a.Labels["a00"]); got != 2048 {
		t.Errorf("a value of %d bytes", got)
	}
	if a.Note != "40 of its 104 labels were left out" {
		t.Errorf("note %q", a.Note)
	}
	for name, value := range a.Annotations {
		if len(name) != 127 || value != "v" {
			t.Errorf("annotation %q = %q", name, value)
		}
	}
}

func TestI7Truncated(t *testing.T) {
	t.Parallel()
	all, err := alertmanager.Decode([]byte(`{"truncatedAlerts":9,"alerts":[{},{}]}`))
	if err != nil || all[0].Truncated != 9 || all[1].Truncated != 0 {
		t.Errorf("%+v, %v", all, err)
	}
	all, err = alertmanager.Decode([]byte(`{"truncatedAlerts":-9,"alerts":[{}]}`))
	if err != nil || all[0].Truncated != 0 {
		t.Errorf("%+v, %v", all, err)
	}
}

func TestEmptyListIsValid(t *testing.T) {
	t.Parallel()
	all, err := alertmanager.Decode([]byte(`{"version":"4","alerts":[]}`))
	if err != nil || len(all) != 0 {
		t.Errorf("%d alerts, %v", len(all), err)
	}
}

// A body with too many alerts, or nested too deep, is refused early (I9:
// bounded bodies and pinned fetches).
func TestUnreadableBodies(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, body, want string }{
		{"empty", "", "read webhook: the body is empty"},
		{"blank", " \r\n\t", "read webhook: the body is empty"},
		{"array", ` [{"labels":{}}]`, "read webhook: it is a JSON array, but"},
		{"text", `"firing"`, "read webhook: the body: found string, want object, at line 1, column 8 (byte 7)"},
		{"null", `null`, `read webhook: the list "alerts" is missing`},
		{"no list", `{"status":"firing"}`, `read webhook: the list "alerts" is missing`},
		{"null list", `{"alerts":null}`, `read webhook: the list "alerts" is missing`},
		{"all left out", `{"alerts":[],"truncatedAlerts":4}`, "it has no alerts, and the sender left out 4"},
		{
			"syntax", "{\n  \"receiver\": \"ü\",\n  \"alerts\": [ {]\n}",
			"invalid character ']' looking for beginning of object key string, at line 3, column 16 (byte 37)",
		},
		{"cut off", `{"alerts":[`, "unexpected end of JSON input, at line 1, column 11 (byte 10)"},
		{"two bodies", "{\"alerts\":[]}\n{}", "invalid character '{' after top-level value, at line 2, column 1 (byte 14)"},
		{"a form", "payload=%7B%7D", "invalid character 'p' looking for beginning of value, at line 1, column 1 (byte 0)"},
		{"list", `{"alerts":{}}`, "read webhook: alerts: found object, want array, at line 1, column 11"},
		{"alert", `{"alerts":[{},7]}`, "read webhook: alerts: found number, want object, at line 1, column 15"},
		{"labels", "{\"alerts\":[\n{\"labels\":[]}]}", "alerts.labels: found array, want object, at line 2, column 11 (byte 22)"},
		{"label", `{"alerts":[{"labels":{"a":12345}}]}`, "alerts.labels: found number, want string, at line 1, column 31"},
		{"status", `{"alerts":[{"status":true}]}`, "alerts.status: found bool, want string"},
		{"count", `{"alerts":[{}],"truncatedAlerts":1.5}`, "truncatedAlerts: found number, want integer"},
		{"deep", strings.Repeat(`{"a":`, 33) + "1" + strings.Repeat("}", 33), "more than 32 levels deep, at line 1, column 161"},
		{"very deep", strings.Repeat("{\"a\":\n", 200_000), "more than 32 levels deep, at line 33, column 1"},
		{"many", `{"alerts":[` + strings.Repeat("{},", 100_000) + "{}]}", "more than 100000 alerts"},
	} {
		all, err := alertmanager.Decode([]byte(c.body))
		if err == nil || !strings.Contains(err.Error(), c.want) || all != nil {
			t.Errorf("%s: %d alerts, %v\nwant %q", c.name, len(all), err, c.want)
		}
	}
}

// Bodies at the limits are accepted.
func TestBodiesAtTheLimits(t *testing.T) {
	t.Parallel()
	all, err := alertmanager.Decode([]byte(`{"alerts":[` + strings.Repeat("{},", 99_999) + "{}]}"))
	if err != nil || len(all) != 100_000 {
		t.Errorf("%d alerts, %v", len(all), err)
	}
	deep := `{"alerts":[],"extra":` + strings.Repeat("[", 31) + strings.Repeat("]", 31) + "}"
	if _, err := alertmanager.Decode([]byte(deep)); err != nil {
		t.Error(err)
	}
	// Brackets and commas in strings are not counted.
	quiet := `{"alerts":[{"fingerprint":"k","annotations":{"summary":"` + strings.Repeat(`[{\"\\,`, 50_000) + `"}}]}`
	if _, err := alertmanager.Decode([]byte(quiet)); err != nil {
		t.Error(err)
	}
}

func TestBadUTF8IsTolerated(t *testing.T) {
	t.Parallel()
	a := decodeOne(t, "{\"status\":\"firing\",\"labels\":{\"alertname\":\"caf\xe9\"}}")
	if !utf8.ValidString(a.Title) || !utf8.ValidString(a.Labels["alertname"]) || !strings.HasPrefix(a.Title, "caf") {
		t.Errorf("title %q, labels %q", a.Title, a.Labels)
	}
}

// checkBounds fails the test unless the alert is within the limits that Decode
// promises.
func checkBounds(t *testing.T, a alerts.Alert) {
	t.Helper()
	if a.Key == "" || len(a.Key) > 128 {
		t.Errorf("key %q", a.Key)
	}
	if a.State != alerts.Firing && a.State != alerts.Resolved {
		t.Errorf("state %q", a.State)
	}
	if a.Title == "" || utf8.RuneCountInString(a.Title) > 200 || utf8.RuneCountInString(a.Description) > 4000 {
		t.Errorf("title %q, description of %d bytes", a.Title, len(a.Description))
	}
	for _, m := range []map[string]string{a.Labels, a.Annotations} {
		if len(m) > 64 {
			t.Errorf("%d labels", len(m))
		}
		for name, value := range m {
			if len(name) > 128 || len(value) > 2048 || !utf8.ValidString(name) || !utf8.ValidString(value) {
				t.Errorf("label %.20q… of %d bytes with %d bytes", name, len(name), len(value))
			}
		}
	}
	for _, link := range []string{a.Link, a.Runbook} {
		if link != "" && !strings.HasPrefix(strings.ToLower(link), "http") || len(link) > 2048 {
			t.Errorf("link %q", link)
		}
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(body)
		f.Add(body[:len(body)/2])
	}
	for _, seed := range []string{"", "[]", `{"alerts":[]}`, `{"alerts":[{"labels":{"a":1}}]}`, `{"alerts":[{"endsAt":"9999-12-31T23:59:59-01:00","status":"resolved"}]}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		before := slices.Clone(body)
		all, err := alertmanager.Decode(body)
		if !bytes.Equal(before, body) {
			t.Fatal("the body was changed")
		}
		if err != nil {
			if len(all) > 0 || !strings.HasPrefix(err.Error(), "read webhook: ") {
				t.Fatalf("%d alerts, %v", len(all), err)
			}
			return
		}
		for _, a := range all {
			checkBounds(t, a)
		}
		if _, err = json.Marshal(all); err != nil {
			t.Fatalf("cannot be stored: %v", err)
		}
		again, err := alertmanager.Decode(body)
		if diff := cmp.Diff(all, again); diff != "" || err != nil {
			t.Fatalf("decoded differently the second time, %v:\n%s", err, diff)
		}
	})
}
