package alertmanager_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
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
