package browser

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// checkAccessibility runs the accessibility checks of axe-core on the current page.
func (p *person) checkAccessibility(t *testing.T, name string) {
	t.Helper()
	if found := p.findViolations(); found != "[]" {
		t.Errorf("%s: axe finds %s", name, found)
	}
}

// findViolations returns the violations, as JSON.
func (p *person) findViolations() string {
	p.t.Helper()
	file := filepath.Join("node_modules", "axe-core", "axe.min.js")
	script, err := os.ReadFile(file)
	if err != nil {
		p.t.Fatalf("%v: `make test` installs it with npm", err)
	}
	var found json.RawMessage
	p.do(chromedp.Evaluate(string(script)+"; true", nil))
	p.do(chromedp.Evaluate(`axe.run(document, {resultTypes: ['violations']}).then(r => r.violations.map(v => ({rule: v.id, impact: v.impact, help: v.help, at: v.nodes.map(n => n.target.join(' ') + ' ' + n.html + ' ' + n.failureSummary)})))`,
		&found, func(e *runtime.EvaluateParams) *runtime.EvaluateParams { return e.WithAwaitPromise(true) }))
	return string(found)
}

// TestAxe checks every page, narrow and wide, light and dark.
func TestAxe(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	h.sendAlert("CheckoutDown", "checkout", "critical", "firing")
	for _, line := range []string{"declare Search is slow --sev 3", "task INC-1 Roll back --for @ben", "note INC-1 Suspicious --pin", "update INC-1 Rolling back", "declare It was nothing", "cancel INC-3", "task INC-1 Call the vendor"} {
		h.runCLI("run", line, "--as", "ana")
	}
	h.runCLI("run", "task INC-1 done 1", "--as", "ana")
	p := h.openBrowser()
	p.allowErrors("404", "401")
	each := func(name, path string) {
		t.Helper()
		for _, size := range []string{"phone", "laptop"} {
			for _, theme := range []string{"light", "dark"} {
				p.setDevice(size, theme)
				p.open("/healthz") // a form in the address opens only when the page is loaded
				p.open(path)
				p.checkAccessibility(t, name+" "+size+" "+theme)
			}
		}
	}
	each("how to sign in", "/sign-in")
	p.do(chromedp.Navigate(h.newSignInLink("")))
	p.checkAccessibility(t, "who are you")
	p.do(chromedp.Navigate(h.newSignInLink("ana")))
	p.checkAccessibility(t, "sign in")
	p.click("form .main")
	p.waitUntil("the incidents are shown", "document.querySelector('#rows')")
	each("incidents", "/?show=all")
	each("nothing found", "/?q=zzz")
	each("room", "/incidents/INC-1")
	each("ended", "/incidents/INC-3")
	each("form", "/incidents/INC-1#do-update")
	each("form to page", "/incidents/INC-1#do-page")
	each("timeline", "/incidents/INC-1/timeline")
	each("declare", "/declare")
	each("sessions", "/sessions")
	each("missing", "/incidents/INC-99")
	p.open("/incidents/INC-1")
	p.waitLive()
	p.do(chromedp.SendKeys("#box", "/st", chromedp.ByQuery))
	p.waitUntil("completions are offered", "!document.querySelector('#options').hidden")
	p.press("ArrowDown")
	p.checkAccessibility(t, "completion")
	p.press("Escape")
	p.do(chromedp.Blur("#box", chromedp.ByQuery), chromedp.KeyEvent("?"))
	p.checkAccessibility(t, "keys")
}
