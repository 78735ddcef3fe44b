package browser

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// process is a running Tocsin.
type process struct {
	t      testing.TB
	dir    string
	url    string
	config string
	cmd    *exec.Cmd
	ended  chan struct{}
}

// startTocsin starts Tocsin with a configuration, or with none. In it, $PHONE is the
// address of a receiver that accepts every page.
func startTocsin(t testing.TB, config string) *process {
	t.Helper()
	requireChromium(t)
	h := &process{t: t, dir: t.TempDir()}
	phone := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	t.Cleanup(phone.Close)
	if config = strings.ReplaceAll(config, "$PHONE", phone.URL); config != "" {
		h.config = filepath.Join(h.dir, "tocsin.yaml")
		if err := os.WriteFile(h.config, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	h.start("127.0.0.1:0")
	t.Cleanup(func() { h.stop(syscall.SIGTERM) })
	return h
}

// start runs serve and waits until it listens.
func (h *process) start(listen string) {
	h.t.Helper()
	args := []string{"serve", "--data", filepath.Join(h.dir, "data"), "--listen", listen}
	if h.config != "" {
		args = append(args, "--config", h.config)
	}
	cmd := exec.Command(binary, args...)
	cmd.Dir, cmd.Env = h.dir, append(os.Environ(), "PHONE_SECRET=browser")
	out, err := cmd.StdoutPipe()
	if err != nil {
		h.t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		h.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		if m := running.FindStringSubmatch(lines.Text()); m != nil {
			h.url = m[1]
			break
		}
	}
	if h.url == "" {
		h.t.Fatalf("tocsin did not start:\n%s", stderr.String())
	}
	ended := make(chan struct{})
	go func() {
		for lines.Scan() { // later output is ignored
		}
		_ = cmd.Wait()
		close(ended)
	}()
	h.cmd, h.ended = cmd, ended
}

// stop sends the process a signal and waits until it has ended.
func (h *process) stop(how syscall.Signal) {
	if h.cmd == nil {
		return
	}
	if err := h.cmd.Process.Signal(how); err != nil {
		h.t.Logf("stop: %v", err)
	}
	<-h.ended
	h.cmd = nil
}

// signal sends the process a signal.
func (h *process) signal(s syscall.Signal) {
	h.t.Helper()
	if err := h.cmd.Process.Signal(s); err != nil {
		h.t.Fatal(err)
	}
}

// address returns the host and port that the process listens on.
func (h *process) address() string { return strings.TrimPrefix(h.url, "http://") }

// runCLI runs the program with a subcommand, and returns its output.
func (h *process) runCLI(args ...string) string {
	h.t.Helper()
	cmd := exec.Command(binary, append(args, "--server", h.url, "--data", filepath.Join(h.dir, "data"))...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		h.t.Fatalf("tocsin %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// run runs a command of the catalog, and returns the reply.
func (h *process) run(command string) string {
	h.t.Helper()
	return h.runCLI("run", command)
}

// newSignInLink returns a new sign-in link for a person, or for anyone.
func (h *process) newSignInLink(as string) string {
	h.t.Helper()
	args := []string{"login"}
	if as != "" {
		args = append(args, "--as", as)
	}
	return strings.Fields(h.runCLI(args...))[0]
}

// sendAlert sends an alert of a status, firing or resolved.
func (h *process) sendAlert(name, service, severity, status string) {
	h.t.Helper()
	token, err := os.ReadFile(filepath.Join(h.dir, "data", "hook-token"))
	if err != nil {
		h.t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"version": "4", "alerts": []any{map[string]any{
		"status": status, "labels": map[string]string{"alertname": name, "service": service, "severity": severity},
		"annotations": map[string]string{"summary": name + " of " + service}, "generatorURL": "https://prometheus.example.com/graph?g0=" + name,
	}}})
	if err != nil {
		h.t.Fatal(err)
	}
	req, err := http.NewRequest(http.MethodPost, h.url+"/hooks/alertmanager", bytes.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusAccepted {
		h.t.Fatalf("send alert: %s", res.Status)
	}
}
