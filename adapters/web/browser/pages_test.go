package browser

import (
	"fmt"
	"strings"
	"testing"

	"github.com/chromedp/chromedp"
)

// The page of a used or invalid link says how to get a new one.
func TestLinks(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	p := h.openBrowser()
	p.allowErrors("410", "404", "401")
	link := h.newSignInLink("ben")
	p.do(chromedp.Navigate(link), chromedp.Navigate(link)) // opening a link does not use it up
	p.waitForText("main", "You will be signed in as Ben Okafor")
	p.click("form .main")
	p.waitForText("header", "Ben Okafor")
	p.do(chromedp.Navigate(link))
	p.waitForText("[role=alert]", "This link has been used")
	p.waitForText("main", "tocsin login")
	p.open("/sign-in/nonsense")
	p.waitForText("[role=alert]", "This link is not valid")
	other := h.openBrowser()
	other.allowErrors("401")
	other.open("/incidents/INC-1")
	other.waitForText("main", "A link signs you in")
}

// The page of a sign-in link for anyone asks for the person.
func TestSignInAsAnyone(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	p := h.openBrowser()
	p.do(chromedp.Navigate(h.newSignInLink("")))
	p.do(chromedp.SetValue("#person", "@ana", chromedp.ByQuery))
	p.click("form .main")
	p.waitForText("header", "Ana Silva")
}

// The list of sessions can end them, and a page whose session has ended says so.
func TestSessions(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	p, other := h.openBrowser(), h.openBrowser()
	p.signIn("ana", "")
	other.allowErrors("401")
	other.signIn("ana", "")
	p.open("/sessions")
	p.waitUntil("two sessions are listed", "document.querySelectorAll('.session').length === 2")
	p.waitForText(".session", "this browser")
	p.waitForText(".session", "Chrome on Linux")
	p.click("form[action='/sessions'] button")
	p.waitUntil("one is left", "document.querySelectorAll('.session').length === 1")
	other.allowErrors("htmx:sseError")
	other.do(chromedp.Reload())
	other.waitForText("main", "A link signs you in")
	if got := h.runCLI("run", "web sessions", "--as", "ana"); strings.Count(got, "Ana Silva") != 1 {
		t.Errorf("the command line lists:\n%s", got)
	}
	id := strings.Fields(h.runCLI("run", "web sessions", "--as", "ana"))[0]
	p.allowErrors("401")
	h.runCLI("run", "web revoke "+id, "--as", "ana")
	p.waitForText("main", "A link signs you in") // by itself
}

// The message box completes commands of the catalog, with the keyboard alone.
func TestCompletion(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	h.sendAlert("CheckoutDown", "checkout", "critical", "firing")
	p := h.openBrowser()
	p.signIn("ana", "")
	p.openRoom("INC-1")
	p.press("/")
	p.waitUntil("the box has the focus", "document.activeElement.id === 'box'")
	p.waitUntil("the words are offered", "document.querySelectorAll('#options li').length > 5")
	p.do(chromedp.KeyEvent("sta"))
	p.waitUntil("one word is left", "document.querySelectorAll('#options li').length === 1")
	p.press("Tab")
	p.waitUntil("it is completed", "document.querySelector('#box').value === '/status '")
	p.waitForText("#options", "Identified")
	p.do(chromedp.KeyEvent("ide"))
	p.waitUntil("one status is left", "document.querySelectorAll('#options li').length === 1")
	p.press("Tab")
	p.press("Enter")
	p.waitForText(".marks", "identified")
	p.do(chromedp.SendKeys("#box", "/assign scribe @b", chromedp.ByQuery))
	p.waitForText("#options", "Ben Okafor")
	p.press("Escape")
	p.waitUntil("Escape hides them", "document.querySelector('#options').hidden")
	p.do(chromedp.KeyEvent("en"))
	p.press("Enter")
	p.waitForText("#live-events", "Ben Okafor is scribe")
	p.typeText("#box", "/help update")
	p.waitForText("#box-result", "Post a status update")
}

// Everything can be reached with the keyboard; `?` shows the keys.
func TestKeys(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	h.sendAlert("CheckoutDown", "checkout", "critical", "firing")
	h.sendAlert("DiskFull", "payments", "warning", "firing")
	p := h.openBrowser()
	p.signIn("ana", "")
	p.do(chromedp.KeyEvent("?"))
	p.waitUntil("the keys are shown", "document.querySelector('#keys').open")
	p.press("Escape")
	p.waitUntil("Escape closes them", "!document.querySelector('#keys').open")
	p.waitUntil("both are listed", "document.querySelectorAll('#rows li').length === 2")
	p.do(chromedp.KeyEvent("j"), chromedp.KeyEvent("j"), chromedp.KeyEvent("k"), chromedp.KeyEvent("\r"))
	p.waitUntil("a room is open", "location.pathname.startsWith('/incidents/')")
	p.waitLive()
	p.do(chromedp.KeyEvent("a"))
	p.waitForText("#live-card", "You have acknowledged")
	p.do(chromedp.KeyEvent("u"))
	p.waitUntil("the update form has the focus", "document.activeElement.id === 'do-update-text'")
	for range 12 { // the focus stays in the form
		p.press("Tab")
		if !evaluate[bool](p, "document.querySelector('#do-update').contains(document.activeElement)") {
			t.Fatal("the focus has left the form")
		}
	}
	p.press("Escape")
	p.waitUntil("Escape closes the form", "!document.querySelector('.sheet:target')")
	p.do(chromedp.KeyEvent("m"))
	p.waitUntil("the box has the focus", "document.activeElement.id === 'box'")
}

// A person presses a button twice, and continues to type while a message is being
// sent.
func TestFastInput(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	p := h.openBrowser()
	p.signIn("ana", "")
	p.open("/declare")
	p.waitLive()
	p.do(chromedp.SendKeys("#declare-title", "Checkout is down", chromedp.ByQuery))
	evaluate[bool](p, "(document.querySelector('form .main.wide').click(), document.querySelector('form .main.wide').click(), true)")
	p.waitUntil("the room is open", "location.pathname === '/incidents/INC-1'")
	p.waitLive()
	if got := h.run("list --all"); strings.Contains(got, "INC-2") {
		t.Errorf("two incidents were declared:\n%s", got)
	}
	evaluate[bool](p, `(() => { const box = document.querySelector('#box'); box.value = 'first'; box.form.requestSubmit(); box.value = 'second thought'; return true; })()`)
	p.waitForText("#live-conversation .message", "first")
	p.waitUntil("the answer is there", "!document.querySelector('.htmx-request')")
	if got := evaluate[string](p, "document.querySelector('#box').value"); got != "second thought" {
		t.Errorf("the text that was typed meanwhile is %q", got)
	}
	h.runCLI("run", "web revoke all", "--as", "ana")
	p.waitForText("#line", "You are signed out")
	if got := evaluate[string](p, "document.querySelector('#box').value"); got != "second thought" {
		t.Errorf("after the session has ended, the typed text is %q", got)
	}
}

// hostile are texts that an attacker puts into every field.
var hostile = map[string]string{
	"markup": `<script>alert(1)</script><img src=x onerror=alert(2)>"'><b>bold</b>&amp;</textarea></div>`,
	"rtl":    "\u202eplus\u202c نظام الدفع معطل 🏴󠁧󠁢󠁥󠁮󠁧󠁿🇩🇪👩🏽‍🚒",
	"long":   strings.Repeat("word ", 1000) + strings.Repeat("x", 5000),
}

// Foreign text is shown as text in every field; none of it runs, and no page is
// wider than its window.
func TestHostile(t *testing.T) {
	t.Parallel()
	for name, text := range hostile {
		h := startTocsin(t, team)
		h.sendAlert(text, text, text, "firing")
		p := h.openBrowser()
		p.signIn("ana", "")
		p.openRoom("INC-1")
		for _, word := range []string{"update", "note", "task", "cause", "edit"} {
			p.do(chromedp.Navigate(fmt.Sprintf("%s/incidents/INC-1#do-%s", h.url, word)))
			p.waitLive()
			evaluate[bool](p, fmt.Sprintf(`(() => { for (const f of document.querySelectorAll('#do-%s [name^="f."]:not(select):not([type=checkbox])')) f.value = %q;
				document.querySelector('#form-%s').requestSubmit(); return true; })()`, word, text, word))
			p.waitUntil(word+" is accepted or refused", "document.querySelector('#result .result, #do-"+word+" .problem .result') || !document.querySelector('.sheet:target')")
		}
		p.open("/incidents/INC-1")
		p.waitLive()
		evaluate[bool](p, fmt.Sprintf(`(() => { document.querySelector('#box').value = %q; document.querySelector('#box-form').requestSubmit(); return true; })()`, text))
		p.waitUntil("the message is shown", "document.querySelectorAll('#live-conversation .message').length === 1")
		for _, path := range []string{"/incidents/INC-1", "/incidents/INC-1/timeline", "/", "/?show=all&q=" + "x"} {
			p.open(path)
			p.do(chromedp.EmulateViewport(320, 720))
			p.waitUntil("no page is wider than its window", "document.documentElement.scrollWidth <= 320")
			if evaluate[bool](p, "document.querySelector('main img, main script, main b') !== null") {
				t.Errorf("%s: markup became markup on %s", name, path)
			}
		}
	}
}

// A page sounds, once the reader has turned sound on, until someone acknowledges.
func TestSound(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	p := h.openBrowser()
	p.signIn("ana", "")
	evaluate[bool](p, `(() => { window.tones = 0; const real = AudioContext.prototype.createOscillator;
		AudioContext.prototype.createOscillator = function () { window.tones++; return real.call(this); }; return true; })()`)
	h.sendAlert("CheckoutDown", "checkout", "critical", "firing")
	p.waitForText("#live-banner", "INC-1 needs you")
	if n := evaluate[int](p, "tones"); n != 0 {
		t.Errorf("%d tones before sound was allowed", n)
	}
	p.click("#sound")
	p.waitUntil("a sound says that it is on", "tones >= 3 && document.querySelector('#sound').getAttribute('aria-pressed') === 'true'")
	was := evaluate[int](p, "tones")
	p.waitUntil("the page rings", fmt.Sprintf("tones > %d", was))
	h.runCLI("run", "ack INC-1", "--as", "ben")
	p.waitUntil("nothing asks for an acknowledgement", "!document.querySelector('.banner')")
}

// TestSoundRefused: a page on which the browser plays no sound yet says so, although its
// reader had turned sound on; any use of the page allows it.
func TestSoundRefused(t *testing.T) {
	t.Parallel()
	p := startTocsin(t, team).openBrowser()
	p.signIn("ana", "")
	evaluate[bool](p, "(localStorage.setItem('tocsin-sound', 'on'), true)")
	p.open("/declare")
	p.waitUntil("the button says that no sound is played", "document.querySelector('#sound').textContent.startsWith('Sound blocked')")
	if evaluate[string](p, "document.querySelector('#sound').getAttribute('aria-pressed')") != "false" {
		t.Error("the button is pressed")
	}
	p.click("h1")
	p.waitUntil("the button says that sound is on", "document.querySelector('#sound').textContent === 'Sound on'")
	p.click("#sound")
	p.waitUntil("the button says that sound is off", "document.querySelector('#sound').textContent === 'Sound off'")
}

// A browser holds six connections to one server. Pages in the background leave
// some of them for pages that are shown.
func TestManyTabs(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	h.sendAlert("CheckoutDown", "checkout", "critical", "firing")
	p := h.openBrowser()
	p.signIn("ana", "")
	var away *person
	for range 8 {
		tab := p.openTab()
		tab.openRoom("INC-1")
		evaluate[bool](tab, `(Object.defineProperty(document, 'hidden', {get: () => window.unseen ?? true, configurable: true}), document.dispatchEvent(new Event('visibilitychange')), true)`)
		away = tab
	}
	away.waitUntil("the last one waits", "document.querySelector('#line').dataset.kind === 'away'")
	last := p.openTab()
	last.openRoom("INC-1")
	last.click("#live-card .buttons .main")
	last.waitForText("#live-card", "You have acknowledged")
	evaluate[bool](away, `(window.unseen = false, document.dispatchEvent(new Event('visibilitychange')), true)`)
	away.waitLive()
	away.waitForText("#live-card", "You have acknowledged")
}

// The tests find a violation of the content security policy and an accessibility
// violation.
func TestChecksCanFail(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	p := h.openBrowser()
	p.open("/sign-in")
	evaluate[bool](p, `(() => { const s = document.createElement('script'); s.textContent = 'window.ran = true'; document.body.append(s);
		const i = document.createElement('input'); document.querySelector('main').append(i); return true; })()`)
	if evaluate[bool](p, "!!window.ran") {
		t.Error("a script in the page ran")
	}
	if found := p.findViolations(); !strings.Contains(found, "label") {
		t.Errorf("axe finds %s in a field without a label", found)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.unexpected) == 0 || !strings.Contains(p.unexpected[0], "Content Security Policy") {
		t.Errorf("the violation was not seen: %q", p.unexpected)
	}
	p.unexpected = nil
}
