// Package browser tests the pages of the built program with Chromium. It is a
// module of its own, so that its dependencies are not those of Tocsin.
package browser

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/input"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var shots = flag.String("shots", "", "folder for screenshots of the pages")

// binary is the path of the built program.
var binary string

// chromium is the path of the browser; "" when there is none.
var chromium string

func TestMain(m *testing.M) {
	flag.Parse()
	os.Exit(run(m))
}

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "tocsin-browser")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	binary = filepath.Join(dir, "tocsin")
	build := exec.Command("go", "build", "-o", binary, "./cmd/tocsin")
	build.Dir = filepath.Join("..", "..", "..")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build tocsin: %v\n%s", err, out)
		return 1
	}
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			chromium = path
			break
		}
	}
	return m.Run()
}

// requireChromium skips the test without a browser; with CI=true it fails.
func requireChromium(t testing.TB) {
	t.Helper()
	if chromium != "" {
		return
	}
	if os.Getenv("CI") == "true" {
		t.Fatal("chromium is not installed: `make test` installs it")
	}
	t.Skip("SKIPPED: chromium is not installed, so no page is tested in a browser")
}

// waitTimeout is how long a test waits for a page to show something.
const waitTimeout = 20 * time.Second

var running = regexp.MustCompile(`running on (http://\S+);`)

// person is a person with a browser of their own.
type person struct {
	t          testing.TB
	h          *process
	ctx        context.Context
	mu         sync.Mutex
	unexpected []string // errors of the browser that fail the test
	allowed    []string // parts of errors that do not
}

// openBrowser opens a browser. An error in it (an exception, a violation of the
// content security policy, an error in the console) fails the test.
func (h *process) openBrowser() *person {
	h.t.Helper()
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(chromium), chromedp.NoSandbox, chromedp.DisableGPU, chromedp.Flag("disable-quic", true),
		chromedp.Flag("disable-component-update", true), chromedp.WindowSize(1280, 900), chromedp.UserDataDir(h.t.TempDir()),
	)
	allocated, free := chromedp.NewExecAllocator(context.Background(), options...)
	ctx, cancel := chromedp.NewContext(allocated)
	p := &person{t: h.t, h: h, ctx: ctx}
	h.t.Cleanup(func() {
		_ = chromedp.Cancel(ctx)
		cancel()
		free()
		for _, message := range p.unexpected {
			h.t.Errorf("error in the browser: %s", message)
		}
	})
	chromedp.ListenTarget(ctx, p.recordError)
	if err := chromedp.Run(ctx); err != nil {
		h.t.Fatalf("start chromium: %v", err)
	}
	return p
}

// openTab opens another page of the same browser.
func (p *person) openTab() *person {
	p.t.Helper()
	ctx, cancel := chromedp.NewContext(p.ctx)
	tab := &person{t: p.t, h: p.h, ctx: ctx}
	p.t.Cleanup(func() {
		cancel()
		for _, message := range tab.unexpected {
			p.t.Errorf("error in the browser: %s", message)
		}
	})
	chromedp.ListenTarget(ctx, tab.recordError)
	if err := chromedp.Run(ctx); err != nil {
		p.t.Fatalf("open a tab: %v", err)
	}
	return tab
}

// recordError records an event of the browser if it is an error.
func (p *person) recordError(event any) {
	message := ""
	switch e := event.(type) {
	case *runtime.EventExceptionThrown:
		message = "exception: " + e.ExceptionDetails.Error()
	case *log.EventEntryAdded:
		if e.Entry.Level == log.LevelError {
			message = fmt.Sprintf("%s: %s %s", e.Entry.Source, e.Entry.Text, e.Entry.URL)
		}
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError {
			message = "console error"
			for _, a := range e.Args {
				message += " " + string(a.Value) + a.Description
			}
		}
	}
	if message == "" {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, part := range p.allowed {
		if strings.Contains(message, part) {
			return
		}
	}
	p.unexpected = append(p.unexpected, message)
}

// allowErrors allows errors that the test causes. Each is a part of the message.
func (p *person) allowErrors(parts ...string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.allowed = append(p.allowed, parts...)
}

// do runs actions of the browser, with a time limit for each.
func (p *person) do(actions ...chromedp.Action) {
	p.t.Helper()
	for _, a := range actions {
		ctx, cancel := context.WithTimeout(p.ctx, waitTimeout)
		err := chromedp.Run(ctx, a)
		cancel()
		if err != nil {
			p.t.Fatalf("%T: %v\n%s", a, err, p.text("body"))
		}
	}
}

// open opens a page.
func (p *person) open(path string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.h.url + path))
}

// click clicks an element once it is visible.
func (p *person) click(selector string) {
	p.t.Helper()
	p.do(chromedp.Click(selector, chromedp.ByQuery, chromedp.NodeVisible))
}

// fill replaces the text of a field.
func (p *person) fill(selector, text string) {
	p.t.Helper()
	evaluate[string](p, fmt.Sprintf("document.querySelector(%q).value = ''", selector))
	p.do(chromedp.SendKeys(selector, text, chromedp.ByQuery))
}

// text returns the visible text of an element.
func (p *person) text(selector string) string {
	var s string
	ctx, cancel := context.WithTimeout(p.ctx, waitTimeout)
	defer cancel()
	if err := chromedp.Run(ctx, chromedp.Evaluate(fmt.Sprintf("document.querySelector(%q)?.innerText ?? '(nothing)'", selector), &s)); err != nil {
		return err.Error()
	}
	return s
}

// evaluate returns the value of a JavaScript expression in the page.
func evaluate[T any](p *person, expression string) T {
	p.t.Helper()
	var v T
	p.do(chromedp.Evaluate(expression, &v))
	return v
}

// waitUntil waits until an expression is true in the page, and returns the time
// that it took.
func (p *person) waitUntil(what, expression string) time.Duration {
	p.t.Helper()
	began := time.Now()
	ctx, cancel := context.WithTimeout(p.ctx, waitTimeout)
	defer cancel()
	again := time.NewTicker(20 * time.Millisecond)
	defer again.Stop()
	for {
		var is bool
		// An error may come from a page that is being replaced: try again on the next one.
		if err := chromedp.Run(ctx, chromedp.Evaluate("!!("+expression+")", &is)); err == nil && is {
			return time.Since(began)
		}
		select {
		case <-again.C:
		case <-ctx.Done():
			p.t.Fatalf("it did not happen that %s; the page shows:\n%s", what, p.text("body"))
		}
	}
}

// waitForText waits until an element shows a text.
func (p *person) waitForText(selector, text string) time.Duration {
	p.t.Helper()
	return p.waitUntil(fmt.Sprintf("%s shows %q", selector, text),
		fmt.Sprintf("[...document.querySelectorAll(%q)].some(e => e.innerText.includes(%q))", selector, text))
}

// signIn opens a sign-in link and submits its form.
func (p *person) signIn(as, name string) {
	p.t.Helper()
	p.do(chromedp.Navigate(p.h.newSignInLink(as)))
	if name != "" {
		p.fill("#name", name)
	}
	p.click("form .main")
	p.waitUntil("the incidents are shown", "document.querySelector('#live-rows') !== null")
	p.waitLive()
}

// waitLive waits until the page is connected.
func (p *person) waitLive() {
	p.t.Helper()
	p.waitUntil("the page is live", "document.querySelector('#line')?.dataset.kind === 'live'")
}

// openRoom opens an incident's room.
func (p *person) openRoom(id string) {
	p.t.Helper()
	p.open("/incidents/" + id)
	p.waitLive()
}

// command runs a command from the page, as a button does.
func (p *person) command(line string) {
	p.t.Helper()
	result := evaluate[string](p, fmt.Sprintf(`(() => { const x = new XMLHttpRequest(); x.open('POST', '/declare', false); x.setRequestHeader('HX-Request', 'true');
		x.setRequestHeader('Content-Type', 'application/x-www-form-urlencoded'); x.send(new URLSearchParams({text: %q})); return x.getResponseHeader('X-Command-Result'); })()`, line))
	if result != "ok" {
		p.t.Fatalf("%s: %s", line, result)
	}
}

// waitVisible waits until an element is visible. It works without JavaScript.
func (p *person) waitVisible(selector string) {
	p.t.Helper()
	p.do(chromedp.WaitVisible(selector, chromedp.ByQuery))
}

// html returns the current page.
func (p *person) html() string {
	p.t.Helper()
	var s string
	p.do(chromedp.OuterHTML("html", &s, chromedp.ByQuery))
	return s
}

// press presses a key whose default action the page prevents. chromedp's own
// KeyEvent would type its character all the same.
func (p *person) press(key string) {
	p.t.Helper()
	code := map[string]int64{"Tab": 9, "Enter": 13, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40, "/": 191}[key]
	p.do(
		input.DispatchKeyEvent(input.KeyRawDown).WithKey(key).WithCode(key).WithWindowsVirtualKeyCode(code),
		input.DispatchKeyEvent(input.KeyUp).WithKey(key).WithCode(key).WithWindowsVirtualKeyCode(code),
	)
}

// typeText types text into a field and presses Enter.
func (p *person) typeText(selector, text string) {
	p.t.Helper()
	p.do(chromedp.SendKeys(selector, text, chromedp.ByQuery))
	p.press("Enter")
}
