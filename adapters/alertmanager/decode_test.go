package alertmanager_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tocsin/adapters/alertmanager"
	"tocsin/bot/alerts"
	"tocsin/workflow"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestGolden(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("found %d payloads, %v", len(files), err)
	}
	for _, file := range files {
		body, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all, err := alertmanager.Decode(body)
		if err != nil {
			t.Errorf("%s: %v", file, err)
			continue
		}
		got, err := json.MarshalIndent(all, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, '\n')
		golden := strings.TrimSuffix(file, ".json") + ".golden"
		if *update {
			if err = os.WriteFile(golden, got, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("%s (-want +got, rewrite with -update):\n%s", file, diff)
		}
	}
}

// decodeOne decodes a body with one alert.
func decodeOne(t *testing.T, alert string) alerts.Alert {
	t.Helper()
	all, err := alertmanager.Decode([]byte(`{"alerts":[` + alert + `]}`))
	if err != nil || len(all) != 1 {
		t.Fatalf("Decode(%.200s) = %d alerts, %v", alert, len(all), err)
	}
	return all[0]
}

func TestI4StatusIsPerAlert(t *testing.T) {
	t.Parallel()
	for status, want := range map[string]struct {
		state alerts.State
		note  bool
	}{
		`"firing"`:      {alerts.Firing, false},
		`" Firing "`:    {alerts.Firing, false},
		`"resolved"`:    {alerts.Resolved, false},
		`"RESOLVED"`:    {alerts.Resolved, false},
		`"suppressed"`:  {alerts.Firing, true},
		`""`:            {alerts.Firing, true},
		`null`:          {alerts.Firing, true},
		`"resolved\n!"`: {alerts.Firing, true},
	} {
		// The status of the group is the opposite of a resolved member's.
		body := fmt.Sprintf(`{"status":"firing","alerts":[{"status":%s,"fingerprint":"k"}]}`, status)
		all, err := alertmanager.Decode([]byte(body))
		if err != nil || len(all) != 1 {
			t.Fatalf("status %s: %d alerts, %v", status, len(all), err)
		}
		if a := all[0]; a.State != want.state || (a.Note != "") != want.note {
			t.Errorf("status %s: state %q, note %q", status, a.State, a.Note)
		}
	}
}

func TestI3Key(t *testing.T) {
	t.Parallel()
	labels := `"labels":{"alertname":"A","job":"j"}`
	if got := decodeOne(t, `{"fingerprint":" 8a1f ",`+labels+`}`).Key; got != "8a1f" {
		t.Errorf("key %q, want the fingerprint", got)
	}
	hashed := decodeOne(t, `{"status":"firing",`+labels+`}`)
	if len(hashed.Key) != 16 || strings.Trim(hashed.Key, "0123456789abcdef") != "" {
		t.Errorf("key %q, want 16 hex digits", hashed.Key)
	}
	for _, same := range []string{
		`{"status":"resolved","labels":{"job":"j","alertname":"A"},"annotations":{"summary":"other"},"startsAt":"2026-01-01T00:00:00Z"}`,
		`{"fingerprint":"  ",` + labels + `}`,
	} {
		if got := decodeOne(t, same).Key; got != hashed.Key {
			t.Errorf("%s: key %q, want %q", same, got, hashed.Key)
		}
	}
	for _, other := range []string{
		`{"labels":{"alertname":"A","job":"k"}}`, `{"labels":{"alertname":"A"}}`,
		`{"labels":{"alertname":"Ajob","":"j"}}`, `{}`,
	} {
		if got := decodeOne(t, other).Key; got == hashed.Key || len(got) != 16 {
			t.Errorf("%s: key %q is another alert's", other, got)
		}
	}
	long := strings.Repeat("f", 129)
	if got := decodeOne(t, `{"fingerprint":"`+long+`"}`).Key; len(got) != 16 {
		t.Errorf("a fingerprint of 129 bytes: key %q", got)
	}
	// Labels that are shortened still distinguish alerts.
	value := strings.Repeat("v", 3000)
	a := decodeOne(t, `{"labels":{"l":"`+value+`1"}}`)
	b := decodeOne(t, `{"labels":{"l":"`+value+`2"}}`)
	if a.Key == b.Key || a.Labels["l"] != b.Labels["l"] {
		t.Errorf("keys %q and %q, labels of %d and %d bytes", a.Key, b.Key, len(a.Labels["l"]), len(b.Labels["l"]))
	}
}

func TestTitleDescriptionAndSeverity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ alert, title, description, severity string }{
		{`{"annotations":{"summary":"S","title":"T","description":"D","message":"M"}}`, "S", "D", ""},
		{`{"annotations":{"summary":" ","title":"T","message":"M","details":"E"}}`, "T", "M", ""},
		{`{"annotations":{"details":"E"},"labels":{"alertname":"A","instance":"i","job":"j"}}`, "A on i", "E", ""},
		{`{"labels":{"alertname":"A","job":"j","severity":"critical","priority":"P3"}}`, "A in j", "", "critical"},
		{`{"labels":{"alertname":"A","severity":"","priority":"P3"}}`, "A", "", "P3"},
		{`{"labels":{"instance":"i"}}`, "Alert without a name on i", "", ""},
		{`{"annotations":{"summary":"two\nlines","description":"two\nlines"}}`, "two lines", "two\nlines", ""},
	} {
		a := decodeOne(t, c.alert)
		if a.Title != c.title || a.Description != c.description || a.Severity != c.severity {
			t.Errorf("%s:\ngot  %q, %q, %q\nwant %q, %q, %q", c.alert,
				a.Title, a.Description, a.Severity, c.title, c.description, c.severity)
		}
	}
	long := decodeOne(t, `{"annotations":{"summary":"`+strings.Repeat("ä", 500)+`","description":"`+strings.Repeat("ö", 5000)+`"}}`)
	if n := utf8.RuneCountInString(long.Title); n > workflow.MaxTitle || !strings.HasSuffix(long.Title, "…") {
		t.Errorf("a title of %d characters", n)
	}
	if n := utf8.RuneCountInString(long.Description); n > workflow.MaxText || !strings.HasSuffix(long.Description, "…") {
		t.Errorf("a description of %d characters", n)
	}
}

func TestTimes(t *testing.T) {
	t.Parallel()
	start := time.Date(2026, 2, 11, 3, 12, 41, 517e6, time.UTC)
	for _, c := range []struct {
		alert      string
		start, end time.Time
		note       bool
	}{
		{`{"status":"resolved","startsAt":"2026-02-11T04:12:41.517+01:00","endsAt":"2026-02-11T03:12:42.517Z"}`, start, start.Add(time.Second), false},
		{`{"status":"resolved","startsAt":"0001-01-01T00:00:00Z","endsAt":"0001-01-01T00:00:00Z"}`, time.Time{}, time.Time{}, false},
		{`{"status":"resolved","startsAt":"0001-01-01T00:00:00+02:00","endsAt":null}`, time.Time{}, time.Time{}, false},
		{`{"status":"firing","startsAt":"2026-02-11T03:12:41.517Z","endsAt":"2026-02-11T03:15:00Z"}`, start, time.Time{}, false},
		{`{"status":"resolved","startsAt":"soon","endsAt":"2026-02-11T03:12:42.517Z"}`, time.Time{}, start.Add(time.Second), true},
		{`{"status":"resolved","startsAt":"2026-02-11T03:12:41.517Z","endsAt":"9999-12-31T23:59:59-01:00"}`, start, time.Time{}, true},
	} {
		a := decodeOne(t, strings.Replace(c.alert, "{", `{"fingerprint":"k",`, 1))
		if !a.StartedAt.Equal(c.start) || !a.EndedAt.Equal(c.end) || (a.Note != "") != c.note {
			t.Errorf("%s: %v to %v, note %q", c.alert, a.StartedAt, a.EndedAt, a.Note)
		}
	}
}

func TestLinks(t *testing.T) {
	t.Parallel()
	long := "http://p.example.com/?" + strings.Repeat("e", 2048)
	for own, want := range map[string]string{
		"http://p.example.com/graph?a=%3E+1":     "http://p.example.com/graph?a=%3E+1",
		"HTTPS://p.example.com/":                 "HTTPS://p.example.com/",
		"http://reader:pencil@p.example.com/g":   "http://p.example.com/g",
		"":                                       "https://am.example.com",
		"/graph":                                 "https://am.example.com",
		"http://":                                "https://am.example.com",
		"javascript:alert(1)":                    "https://am.example.com",
		"ftp://p.example.com/":                   "https://am.example.com",
		"http://p.example.com/\u202egpj":         "https://am.example.com",
		"http://p.example.com/ onclick=alert(1)": "https://am.example.com",
		"http://p.example.com:port/":             "https://am.example.com",
		long:                                     "https://am.example.com",
	} {
		body, err := json.Marshal(map[string]any{
			"externalURL": "https://am.example.com",
			"alerts":      []any{map[string]any{"generatorURL": own, "annotations": map[string]string{"runbook_url": own}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		all, err := alertmanager.Decode(body)
		if err != nil {
			t.Fatal(err)
		}
		if got := all[0].Link; got != want {
			t.Errorf("generatorURL %.80q: link %q, want %q", own, got, want)
		}
		book := want
		if want == "https://am.example.com" {
			book = ""
		}
		if got := all[0].Runbook; got != book {
			t.Errorf("runbook_url %.80q: runbook %q, want %q", own, got, book)
		}
	}
}

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

func BenchmarkDecode1000(b *testing.B) {
	body := webhook(1000)
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if all, err := alertmanager.Decode(body); err != nil || len(all) != 1000 {
			b.Fatal(len(all), err)
		}
	}
}

// webhook returns a body of n alerts of a realistic size.
func webhook(n int) []byte {
	var b bytes.Buffer
	b.WriteString(`{"version":"4","status":"firing","externalURL":"http://am.example.com","alerts":[`)
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, `{"status":"firing","labels":{"alertname":"BasketLatencyHigh","cluster":"fra-1","instance":"basket-%d:9102",`+
			`"job":"basket","namespace":"shop","severity":"critical"},"annotations":{"summary":"Basket %d answers slower than 2 s",`+
			`"description":"p99 is 3.4 s.\nThe pool has 0 free connections.","runbook_url":"https://runbooks.example.com/basket"},`+
			`"startsAt":"2026-02-11T03:12:41.517Z","endsAt":"0001-01-01T00:00:00Z",`+
			`"generatorURL":"http://prometheus.example.com/graph?g0.expr=basket_p99+%%3E+2&g0.tab=1","fingerprint":"%016x"}`, i, i, i)
	}
	b.WriteString(`]}`)
	return b.Bytes()
}
