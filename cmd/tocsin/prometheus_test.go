package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// findProgram returns the path of a program with one of the names. Without it
// the test is skipped, or fails when CI=true.
func findProgram(t *testing.T, names ...string) string {
	t.Helper()
	for _, name := range names {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	if os.Getenv("CI") == "true" {
		t.Fatalf("%s is missing", names[0])
	}
	t.Skipf("SKIPPED: %s is missing, and nothing was tried against the real one", names[0])
	return ""
}

// background runs a program until the test ends.
func background(t *testing.T, program string, args ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), program, args...)
	output := &lockedBuffer{}
	cmd.Stdout, cmd.Stderr = output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s printed:\n%s", filepath.Base(program), output.String())
		}
	})
}

// TestRealAlertmanager lets a real Prometheus and Alertmanager send: a rule
// fires for two targets and later resolves. One incident opens, grouped, is
// not doubled by repeats, and moves to monitoring.
func TestRealAlertmanager(t *testing.T) {
	prometheus, alertmanager := findProgram(t, "prometheus"), findProgram(t, "prometheus-alertmanager", "alertmanager")
	var broken atomic.Int32
	broken.Store(1)
	metrics := httptest.NewServer(http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(rw, "broken{part=\"a\"} %[1]d\nbroken{part=\"b\"} %[1]d\n", broken.Load())
	}))
	defer metrics.Close()
	w := newCluster(t, clusterPlan{config: "organization: Test\n"})
	dir := t.TempDir()
	write := func(name, content string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	am, prom := freePort(t), freePort(t)
	background(t, alertmanager, "--config.file="+write("alertmanager.yml", fmt.Sprintf(`
route: { receiver: tocsin, group_by: [alertname], group_wait: 1s, group_interval: 1s, repeat_interval: 1s }
receivers:
  - name: tocsin
    webhook_configs:
      - { url: "http://%s/hooks/alertmanager", send_resolved: true, http_config: { authorization: { credentials: hook-token-of-the-tests } } }
`, w.replicas[0].addr)), "--storage.path="+filepath.Join(dir, "am"), "--web.listen-address="+am, "--cluster.listen-address=")
	write("rules.yml", `
groups:
  - name: test
    interval: 1s
    rules:
      - alert: CheckoutBroken
        expr: broken == 1
        labels: { severity: critical, service: checkout }
        annotations: { summary: "Checkout part {{ $labels.part }} is broken" }
`)
	background(t, prometheus, "--config.file="+write("prometheus.yml", fmt.Sprintf(`
global: { scrape_interval: 1s, evaluation_interval: 1s }
rule_files: [rules.yml]
alerting: { alertmanagers: [{ static_configs: [{ targets: [%q] }] }] }
scrape_configs: [{ job_name: test, static_configs: [{ targets: [%q] }] }]
`, am, strings.TrimPrefix(metrics.URL, "http://"))), "--storage.tsdb.path="+filepath.Join(dir, "prom"), "--web.listen-address="+prom)

	one := func() (i struct {
		ID, Status string
		Alerts     struct{ Firing, Resolved int }
	}, n int,
	) {
		_, answer := w.sendRequest("GET", "/api/v1/incidents", "api", "", "")
		var page struct{ Incidents []json.RawMessage }
		if json.Unmarshal(answer, &page) == nil && len(page.Incidents) > 0 {
			_ = json.Unmarshal(page.Incidents[0], &i)
		}
		return i, len(page.Incidents)
	}
	wait := func(what string, ok func() bool) {
		t.Helper()
		deadline := time.After(60 * time.Second)
		for tick := time.NewTicker(100 * time.Millisecond); !ok(); {
			select {
			case <-tick.C:
			case <-deadline:
				i, n := one()
				t.Fatalf("%s: %d incidents, the first %+v\n%s", what, n, i, w.replicas[0].server.log.String())
			}
		}
	}
	wait("no incident with two alerts", func() bool { i, _ := one(); return i.Alerts.Firing == 2 && i.Status == "triage" })
	wait("Alertmanager does not repeat", func() bool { return notifications(t, am) >= 5 })
	if i, n := one(); n != 1 || i.Alerts.Firing != 2 {
		t.Fatalf("after repeats: %d incidents, %+v", n, i)
	}
	broken.Store(0)
	wait("not monitoring", func() bool { i, _ := one(); return i.Status == "monitoring" && i.Alerts.Resolved == 2 })
	broken.Store(1)
	wait("does not fire again", func() bool { i, _ := one(); return i.Status == "triage" && i.Alerts.Firing == 2 })
	if i, n := one(); n != 1 {
		t.Fatalf("after firing again: %d incidents, %+v", n, i)
	}
}

// notifications returns the number of webhooks that Alertmanager has sent.
func notifications(t *testing.T, am string) int {
	t.Helper()
	res, err := http.Get("http://" + am + "/metrics")
	if err != nil {
		return 0
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(raw)) {
		var n float64
		if rest, ok := strings.CutPrefix(line, `alertmanager_notifications_total{integration="webhook"} `); ok {
			if _, err := fmt.Sscan(rest, &n); err == nil {
				return int(n)
			}
		}
	}
	return 0
}
