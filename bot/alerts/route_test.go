package alerts_test

import (
	"strings"
	"testing"
	"time"

	"tocsin/bot/alerts"
	"tocsin/workflow"
)

var noon = time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)

func alert(labels ...string) alerts.Alert {
	a := alerts.Alert{Key: "k", Title: "Disk full", State: alerts.Firing, StartedAt: noon, Labels: map[string]string{}}
	for n := 0; n+1 < len(labels); n += 2 {
		a.Labels[labels[n]] = labels[n+1]
	}
	a.Severity = a.Labels["severity"]
	return a
}

// TestI11Severity: words map case-insensitively, an unknown one is SEV3 and
// noted, and a sender may have words of its own.
func TestI11Severity(t *testing.T) {
	router := router(t)
	own := alerts.Sender{Name: "p", Severities: map[string]workflow.Severity{"Spicy": workflow.SEV1}}
	for word, want := range map[string]struct {
		sev  workflow.Severity
		word string
	}{
		"CRITICAL": {workflow.SEV1, ""}, "page": {workflow.SEV1, ""}, "P1": {workflow.SEV1, ""}, "Down": {workflow.SEV1, ""},
		"error": {workflow.SEV2, ""}, "high": {workflow.SEV2, ""}, "warning": {workflow.SEV3, ""}, "average": {workflow.SEV3, ""},
		"minor": {workflow.SEV4, ""}, "info": {workflow.SEV5, ""}, "P5": {workflow.SEV5, ""}, "sev4": {workflow.SEV4, ""}, "SEV1": {workflow.SEV1, ""},
		"": {workflow.SEV3, ""}, "odd": {workflow.SEV3, "odd"}, "2": {workflow.SEV3, "2"}, "spicy": {workflow.SEV1, ""},
	} {
		d := router.Decide(own, alert("severity", word))
		if d.Severity != want.sev || d.Word != want.word {
			t.Errorf("%q: %s %q, want %s %q", word, d.Severity, d.Word, want.sev, want.word)
		}
	}
}

func router(t *testing.T, routes ...alerts.Route) *alerts.Router {
	t.Helper()
	r, err := alerts.NewRouter(routes, []string{"checkout", "search"})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestI10Routes: the first match decides, and says so; a rule that cannot be
// decided is passed over and loses no alert.
func TestI10Routes(t *testing.T) {
	r := router(t,
		alerts.Route{Match: `labels.severity == "info"`, Ignore: true},
		alerts.Route{Match: `int(labels.depth) > 3`, Ignore: true},
		alerts.Route{Match: `labels.job == "checkout" && alert.title contains "Disk"`, Service: "checkout", Group: []string{"alertname", "cluster"}, Severity: `labels.env == "prod" ? SEV1 : SEV4`},
		alerts.Route{Match: "true", Severity: "7"},
	)
	p := alerts.Sender{Name: "p"}
	if d := r.Decide(p, alert("severity", "info")); !d.Ignore {
		t.Errorf("info is not ignored: %+v", d)
	}
	d := r.Decide(p, alert("severity", "odd", "job", "checkout", "env", "prod", "alertname", "Disk", "cluster", "eu"))
	if d.Ignore || d.Service != "checkout" || d.Severity != workflow.SEV1 || d.Word != "" || d.Group != "p|alertname=Disk|cluster=eu" {
		t.Errorf("decided %+v", d)
	}
	trace := strings.Join(d.Trace, "\n")
	for _, want := range []string{`route 1 (labels.severity == "info"): no`, "route 2 (int(labels.depth) > 3): cannot be evaluated", "route 3", ": yes"} {
		if !strings.Contains(trace, want) {
			t.Errorf("the trace does not say %q:\n%s", want, trace)
		}
	}
	if d := r.Decide(p, alert()); d.Severity != workflow.SEV3 || !strings.Contains(strings.Join(d.Trace, "\n"), "not SEV1 to SEV5") {
		t.Errorf("a severity out of range: %+v", d)
	}
}

// TestG1Group: the default group is integration, alertname, service or job.
func TestG1Group(t *testing.T) {
	r := router(t)
	group := func(labels ...string) string { return r.Decide(alerts.Sender{Name: "p"}, alert(labels...)).Group }
	for _, c := range []struct{ got, want string }{
		{group("alertname", "Disk", "service", "checkout", "instance", "1"), "p|alertname=Disk|service=checkout"},
		{group("alertname", "Disk", "job", "node"), "p|alertname=Disk|service=node"},
		{group("alertname", "Disk"), "p|alertname=Disk"},
		{group("instance", "1"), "p|alert=k"},
	} {
		if c.got != c.want {
			t.Errorf("group %q, want %q", c.got, c.want)
		}
	}
	if long := group("alertname", strings.Repeat("x", 2000)); len(long) > 300 {
		t.Errorf("a group of %d bytes", len(long))
	}
}

// TestCompileErrors: an expression's types and cost are checked before it is
// used (I10: routing by typed expressions).
func TestCompileErrors(t *testing.T) {
	for _, c := range []struct{ match, severity, want string }{
		{`labels.job = "x"`, "", "match:"},
		{`labels.job`, "", "bool"},
		{`nothing == 1`, "", "unknown name nothing"},
		{`true`, `"SEV1"`, "severity:"},
		{`true` + strings.Repeat(` && true`, 600), "", "match:"}, // a cost limit
	} {
		err := alerts.Compile(alerts.Route{Match: c.match, Severity: c.severity})
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40s: %v, want %q", c.match, err, c.want)
		}
	}
}

// TestHostileAlert: the text of a hostile sender is shortened and cleaned.
func TestHostileAlert(t *testing.T) {
	a := alert("alertname", "x")
	a.Title, a.Link = strings.Repeat("\u202e<b>🏴‍☠️\x1b[31m", 100_000), "javascript:alert(1)"
	d := router(t).Decide(alerts.Sender{Name: "p"}, a)
	arrival := alerts.NewArrival(alerts.Sender{Name: "p"}, a, d, workflow.Declare{})
	m := alerts.Mail(arrival, alerts.Started, noon)
	s := m.Samples[0]
	if len(s.Title) > 600 || strings.ContainsAny(s.Title, "\x1b\u202e") || s.Link != "" {
		t.Errorf("sample %+v", s)
	}
}
