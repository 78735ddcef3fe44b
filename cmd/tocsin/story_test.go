package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"tocsin/adapters/email/smtptest"
	"tocsin/adapters/redis/redistest"
)

func TestMain(m *testing.M) {
	testscript.Main(testRun{m}, map[string]func(){
		"tocsin": func() { os.Exit(run(platforms(), os.Args[1:], os.Stdout, os.Stderr)) },
	})
}

// TestStories runs testdata/script: each script shows how a person uses the
// built program.
func TestStories(t *testing.T) { runStories(t, "testdata/script", nil, nil) }

// TestMailStories runs testdata/mail with a real mail server.
func TestMailStories(t *testing.T) { runStories(t, "testdata/mail", smtptest.Start(t), nil) }

// TestRedisStories runs testdata/redis with real servers: $REDIS, and
// $FRAGILE, which may lose writes that it has confirmed.
func TestRedisStories(t *testing.T) {
	runStories(t, "testdata/redis", nil, map[string]string{
		"REDIS":   redistest.Start(t, redistest.Config{}).URL(),
		"FRAGILE": redistest.Start(t, redistest.Config{Directives: []string{"appendfsync everysec"}}).URL(),
	})
}

func runStories(t *testing.T, dir string, smtp *smtptest.Server, env map[string]string) {
	testscript.Run(t, testscript.Params{
		Dir: dir,
		Setup: func(e *testscript.Env) error {
			e.Values["running"] = map[string]*process{}
			jar, err := cookiejar.New(nil)
			if err != nil {
				return err
			}
			e.Values["browser"] = &http.Client{Jar: jar}
			e.Setenv("LF", "\n")
			for key, value := range env {
				e.Setenv(key, value)
			}
			if smtp != nil {
				e.Values["smtp"] = smtp
				_, port := smtp.HostPort()
				e.Setenv("SMTP_PORT", fmt.Sprint(port))
			}
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"serve": storyServe, "halt": storyStop, // testscript has a stop of its own, which ends the script
			"post": storyPost, "get": storyGet,
			"eventually": storyEventually, "expand": storyExpand, "ackpath": storyAckPath, "postform": storyPostForm, "link": storyLink,
		},
	})
}

// process is a running server.
type process struct {
	cmd   *exec.Cmd
	url   string
	log   *lockedBuffer
	ended chan struct{}
}

// startServer runs `tocsin serve` and waits until it says where it listens.
func startServer(program, dir string, env []string, args ...string) (*process, error) {
	p := &process{cmd: exec.Command(program, append([]string{"serve"}, args...)...), log: &lockedBuffer{}, ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Env, p.cmd.Stderr = dir, env, p.log
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	address := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if m := regexp.MustCompile(`running on (http://\S+?);`).FindStringSubmatch(lines.Text()); m != nil {
				address <- m[1]
			}
		}
		_ = p.cmd.Wait()
		close(p.ended)
	}()
	select {
	case p.url = <-address:
		return p, nil
	case <-p.ended:
		return nil, fmt.Errorf("the server ended:\n%s", p.log.String())
	case <-time.After(30 * time.Second):
		_ = p.cmd.Process.Kill()
		return nil, fmt.Errorf("the server does not say where it listens:\n%s", p.log.String())
	}
}

// stop asks the server to end, and reports whether it did within 10 s.
func (p *process) stop() error {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.ended:
		return nil
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		return fmt.Errorf("the server did not end within 10 s of SIGTERM:\n%s", p.log.String())
	}
}

// storyServe starts a server: serve [name=NAME] [args]. TOCSIN_SERVER then
// names it.
func storyServe(ts *testscript.TestScript, neg bool, args []string) {
	program, err := exec.LookPath("tocsin")
	ts.Check(err)
	env := []string{}
	for _, key := range []string{"HOME", "PATH", "CI", "SMTP_PASSWORD", "NOC_SECRET", "REDIS_URL", "TOCSIN_API_TOKEN", "TOCSIN_API_TOKEN_FILE", "TOCSIN_HOOK_TOKEN", "CI_TOKEN"} {
		if v := ts.Getenv(key); v != "" {
			env = append(env, key+"="+v)
		}
	}
	p, err := startServer(program, ts.MkAbs("."), env, append([]string{"--listen", "127.0.0.1:0"}, args...)...)
	if neg {
		if err == nil {
			_ = p.stop()
			ts.Fatalf("the server starts")
		}
		ts.Check(os.WriteFile(ts.MkAbs("serve.log"), []byte(err.Error()), 0o600))
		return
	}
	ts.Check(err)
	running(ts)["server"] = p
	ts.Setenv("TOCSIN_SERVER", p.url)
	ts.Defer(func() { _ = p.stop() })
}

func running(ts *testscript.TestScript) map[string]*process {
	return ts.Value("running").(map[string]*process)
}

// storyStop ends the server: stop [kill|hup].
func storyStop(ts *testscript.TestScript, _ bool, args []string) {
	p := running(ts)["server"]
	switch {
	case len(args) == 0:
		ts.Check(p.stop())
	case args[0] == "hup":
		before := strings.Count(p.log.String(), "reloaded")
		ts.Check(p.cmd.Process.Signal(syscall.SIGHUP))
		deadline := time.After(10 * time.Second)
		for tick := time.NewTicker(10 * time.Millisecond); strings.Count(p.log.String(), "reloaded") == before; {
			select {
			case <-tick.C:
			case <-deadline:
				ts.Fatalf("SIGHUP is not noticed")
			}
		}
	case args[0] == "kill":
		ts.Check(p.cmd.Process.Kill())
		<-p.ended
	}
	ts.Check(os.WriteFile(ts.MkAbs("serve.log"), []byte(p.log.String()), 0o600))
}

func request(ts *testscript.TestScript, method, path, token string, body io.Reader) (status int, answer string) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, ts.Getenv("TOCSIN_SERVER")+path, body)
	ts.Check(err)
	if token != "" {
		raw, e := os.ReadFile(ts.MkAbs("tocsin-data/" + token))
		ts.Check(e)
		req.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(raw)))
	}
	if method == http.MethodPost && (strings.HasPrefix(path, "/ack/") || strings.HasPrefix(path, "/sign-in")) {
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	res, err := ts.Value("browser").(*http.Client).Do(req)
	ts.Check(err)
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	ts.Check(err)
	return res.StatusCode, string(raw)
}

// storyPost posts a file: post PATH FILE [TOKENFILE] STATUS. The answer goes to
// the file "answer".
func storyPost(ts *testscript.TestScript, _ bool, args []string) {
	body, err := os.Open(ts.MkAbs(args[1]))
	ts.Check(err)
	defer body.Close()
	token := ""
	if len(args) == 4 {
		token = args[2]
	}
	status, answer := request(ts, http.MethodPost, args[0], token, body)
	ts.Check(os.WriteFile(ts.MkAbs("answer"), []byte(answer), 0o600))
	if want := args[len(args)-1]; fmt.Sprint(status) != want {
		ts.Fatalf("%s answers %d, want %s: %s", args[0], status, want, answer)
	}
}

// storyGet fetches a page: get PATH STATUS.
func storyGet(ts *testscript.TestScript, _ bool, args []string) {
	token := ""
	if strings.HasPrefix(args[0], "/api/") {
		token = apiTokenFile
	}
	status, answer := request(ts, http.MethodGet, args[0], token, nil)
	ts.Check(os.WriteFile(ts.MkAbs("answer"), []byte(answer), 0o600))
	if fmt.Sprint(status) != args[1] {
		ts.Fatalf("%s answers %d, want %s: %s", args[0], status, args[1], answer)
	}
}

// storyEventually runs a command until its output matches: eventually PATTERN
// COMMAND…, for at most 20 s.
func storyEventually(ts *testscript.TestScript, _ bool, args []string) {
	pattern := regexp.MustCompile(args[0])
	deadline := time.After(20 * time.Second)
	for tick := time.NewTicker(50 * time.Millisecond); ; {
		var last string
		if args[1] == "mail" {
			last = mails(ts)
		} else {
			cmd := exec.Command(args[1], args[2:]...)
			cmd.Dir = ts.MkAbs(".")
			cmd.Env = append(os.Environ(), "TOCSIN_SERVER="+ts.Getenv("TOCSIN_SERVER"))
			raw, _ := cmd.CombinedOutput()
			last = string(raw)
		}
		if pattern.MatchString(last) {
			ts.Check(os.WriteFile(ts.MkAbs("answer"), []byte(last), 0o600))
			tick.Stop()
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			ts.Fatalf("%v never shows %q; last:\n%s", args[1:], args[0], last)
		}
	}
}

// mails is everything the mail server was given.
func mails(ts *testscript.TestScript) string {
	var all strings.Builder
	for _, m := range ts.Value("smtp").(*smtptest.Server).Messages() {
		fmt.Fprintf(&all, "To: %s\nSubject: %s\nMessage-ID: %s\n\n%s\n----\n", strings.Join(m.To, ", "), m.Subject, m.Header.Get("Message-Id"), m.Text)
	}
	return all.String()
}

// storyExpand replaces $VARIABLES in a file: expand FILE.
func storyExpand(ts *testscript.TestScript, _ bool, args []string) {
	raw, err := os.ReadFile(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(os.Expand(string(raw), ts.Getenv)), 0o600))
}

// storyAckPath finds the acknowledge link of the mail to an address: ackpath
// FILE ADDRESS. It sets ACK to its path.
func storyAckPath(ts *testscript.TestScript, _ bool, args []string) {
	for mail := range strings.SplitSeq(ts.ReadFile(args[0]), "----") {
		if m := regexp.MustCompile(`http://\S+?(/ack/[\w.-]+)`).FindStringSubmatch(mail); m != nil && strings.Contains(mail, "To: "+args[1]) {
			ts.Setenv("ACK", m[1])
			return
		}
	}
	ts.Fatalf("no link for %s", args[1])
}

// storyLink finds a sign-in link: link FILE. It sets LINK to its path.
func storyLink(ts *testscript.TestScript, _ bool, args []string) {
	m := regexp.MustCompile(`http://\S+?(/sign-in/[\w-]+)`).FindStringSubmatch(ts.ReadFile(args[0]))
	if m == nil {
		ts.Fatalf("there is no link in %s", args[0])
	}
	ts.Setenv("LINK", m[1])
}

// storyPostForm sends the form of a page that was fetched, as a browser does:
// postform PATH FILE. The answer goes to the file "answer".
func storyPostForm(ts *testscript.TestScript, _ bool, args []string) {
	form := url.Values{}
	for _, m := range regexp.MustCompile(`<input[^>]*name="(\w+)"(?:[^>]*value="([^"]*)")?`).FindAllStringSubmatch(ts.ReadFile(args[1]), -1) {
		form.Set(m[1], m[2])
	}
	if len(form) == 0 {
		ts.Fatalf("no form on the page")
	}
	status, answer := request(ts, http.MethodPost, args[0], "", strings.NewReader(form.Encode()))
	ts.Check(os.WriteFile(ts.MkAbs("answer"), []byte(answer), 0o600))
	if status != http.StatusOK { // a redirect has been followed
		ts.Fatalf("%d: %s", status, answer)
	}
}
