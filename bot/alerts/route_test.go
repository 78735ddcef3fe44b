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
// noted, and a sender may have words of its own (I11: severity words are mapped).
func TestI11Severity(t *testing.T) {
	router := router(t)
	own := alerts.Sender{Name: "p", Severities: map[string]workflow.Severity{"Spicy": workflow.SEV1, "ok": workflow.SEV4}}
	for want, words := range map[string]string{
		"SEV1":  "CRITICAL|crit|Critical|page|P1|p-1|P0|sev0|SEV1|sev 1|s1|1|Down|emerg|EMERGENCY|fatal|panic|alert|Disaster|very high|Highest|spicy|priority 1",
		"SEV2":  "error|err|Error|high|HIGH|P2|major|2|sev-2|serious",
		"SEV3":  "|warning|WARN|average|medium|P3|3|unknown|Not classified|no data",
		"SEV4":  "minor|low|LOW|P4|4|ticket|ok",
		"SEV5":  "info|Information|informational|notice|P5|5|lowest",
		"never": "none|NONE|okay|debug|Debug|clear|normal|success|trace|up",
		"odd":   "odd|0|6|P6|sev9|1.5|criticality|críticO|🔥",
	} {
		for word := range strings.SplitSeq(words, "|") {
			d := router.Decide(own, alert("severity", word))
			got := d.Severity.String()
			switch {
			case d.Word != "":
				if d.Severity != workflow.SEV3 || d.Word != word {
					t.Errorf("%q: %s, noted as %q", word, got, d.Word)
				}
				got = "odd"
			case d.Ignore:
				got = "never"
				if trace := strings.Join(d.Trace, "\n"); !strings.Contains(trace, "never pages") {
					t.Errorf("%q: the trace does not say why:\n%s", word, trace)
				}
			}
			if got != want {
				t.Errorf("%q: %s, want %s", word, got, want)
			}
		}
	}
}

// TestI11NeverPages: an alert whose severity never pages is recorded and opens no
// incident, unless a route gives it a severity; one that fires already still ends.
func TestI11NeverPages(t *testing.T) {
	p := alerts.Sender{Name: "p"}
	a := alert("severity", "debug")
	arrival := func(a alerts.Alert, routes ...alerts.Route) alerts.Arrival {
		return alerts.NewArrival(p, a, router(t, routes...).Decide(p, a), workflow.Declare{})
	}
	if got := arrival(a); got.Group != "" {
		t.Errorf("it opens an incident: %+v", got)
	}
	if got := arrival(a, alerts.Route{Match: "true", Group: []string{"severity"}}); got.Group != "" {
		t.Errorf("a route without a severity makes it page: %+v", got)
	}
	if got := arrival(a, alerts.Route{Match: "true", Severity: "SEV2"}); got.Group == "" || got.Severity != workflow.SEV2 {
		t.Errorf("a route with a severity: %+v", got)
	}
	a.State = alerts.Resolved
	tx := &oneIncident{rows: map[string]alerts.Row{"k": {Integration: "p", Key: "k", Incident: "INC-1", Firing: true, EventAt: noon}}}
	receipts, err := alerts.Take(tx, alerts.Batch{At: noon.Add(time.Minute), Arrivals: []alerts.Arrival{arrival(a)}})
	if err != nil || receipts[0].Change != alerts.Ended {
		t.Errorf("its resolve: %+v %v", receipts, err)
	}
}

// TestI11RouteLowers: a route that would turn a critical alert into less than SEV2,
// whatever the alert is, is reported (I11: severity words are mapped).
func TestI11RouteLowers(t *testing.T) {
	for severity, lowers := range map[string]bool{
		"": false, "SEV1": false, "SEV2": false, "SEV3": true, `labels.severity == "page" ? SEV1 : SEV3`: true, `alert.severity == "critical" ? SEV1 : SEV3`: false,
		`labels.env == "prod" ? SEV1 : SEV4`: true, "severity": false, "severity == SEV1 ? SEV2 : severity": false, "int(labels.x)": false,
	} {
		_, got := alerts.Lowers(alerts.Route{Match: "true", Severity: severity})
		if got != lowers {
			t.Errorf("%q lowers a critical alert: %v", severity, got)
		}
	}
	if _, lowers := alerts.Lowers(alerts.Route{Match: `labels.team == "batch"`, Severity: "SEV4"}); lowers {
		t.Error("a route for some alerts only is reported")
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
		{`labels.job`, "", "true or false"},
		{`nothing == 1`, "", "no value called nothing"},
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
