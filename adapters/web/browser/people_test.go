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
	p := h.browse()
	p.may("410", "404", "401")
	link := h.link("ben")
	p.do(chromedp.Navigate(link), chromedp.Navigate(link)) // opening a link does not use it up
	p.reads("main", "You will be signed in as Ben Okafor")
	p.click("form .main")
	p.reads("header", "Ben Okafor")
	p.do(chromedp.Navigate(link))
	p.reads("[role=alert]", "This link has been used")
	p.reads("main", "tocsin login")
	p.open("/sign-in/nonsense")
	p.reads("[role=alert]", "This link is not valid")
	other := h.browse()
	other.may("401")
	other.open("/incidents/INC-1")
	other.reads("main", "A link signs you in")
}

// The link of the server itself can act for anyone: its page asks for the person.
func TestWhoAreYou(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	p := h.browse()
	p.do(chromedp.Navigate(h.link("")))
	p.do(chromedp.SetValue("#person", "@ana", chromedp.ByQuery))
	p.click("form .main")
	p.reads("header", "Ana Silva")
}

// Sessions are listed and ended, and a page whose session has ended says so.
func TestSessions(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	p, other := h.browse(), h.browse()
	p.signIn("ana", "")
	other.may("401")
	other.signIn("ana", "")
	p.open("/sessions")
	p.until("two sessions are listed", "document.querySelectorAll('.session').length === 2")
	p.reads(".session", "this browser")
	p.reads(".session", "Chrome on Linux")
	p.click("form[action='/sessions'] button")
	p.until("one is left", "document.querySelectorAll('.session').length === 1")
	other.may("htmx:sseError")
	other.do(chromedp.Reload())
	other.reads("main", "A link signs you in")
	if got := h.say("run", "web sessions", "--as", "ana"); strings.Count(got, "Ana Silva") != 1 {
		t.Errorf("the command line lists:\n%s", got)
	}
	id := strings.Fields(h.say("run", "web sessions", "--as", "ana"))[0]
	p.may("401")
	h.say("run", "web revoke "+id, "--as", "ana")
	p.reads("main", "A link signs you in") // by itself
}

// The message box completes commands of the catalog, with the keyboard alone.
func TestCompletion(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	h.alert("CheckoutDown", "checkout", "critical", "firing")
	p := h.browse()
	p.signIn("ana", "")
	p.room("INC-1")
	p.press("/")
	p.until("the box has the focus", "document.activeElement.id === 'box'")
	p.until("the words are offered", "document.querySelectorAll('#options li').length > 5")
	p.do(chromedp.KeyEvent("sta"))
	p.until("one word is left", "document.querySelectorAll('#options li').length === 1")
	p.press("Tab")
	p.until("it is taken", "document.querySelector('#box').value === '/status '")
	p.reads("#options", "Identified")
	p.do(chromedp.KeyEvent("ide"))
	p.until("one status is left", "document.querySelectorAll('#options li').length === 1")
	p.press("Tab")
	p.press("Enter")
	p.reads(".marks", "identified")
	p.do(chromedp.SendKeys("#box", "/assign scribe @b", chromedp.ByQuery))
	p.reads("#options", "Ben Okafor")
	p.press("Escape")
	p.until("Escape hides them", "document.querySelector('#options').hidden")
	p.do(chromedp.KeyEvent("en"))
	p.press("Enter")
	p.reads("#live-events", "Ben Okafor is scribe")
	p.types("#box", "/help update")
	p.reads("#box-said", "Post a status update")
}

// Everything can be reached with the keyboard; `?` shows the keys.
func TestKeys(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	h.alert("CheckoutDown", "checkout", "critical", "firing")
	h.alert("DiskFull", "payments", "warning", "firing")
	p := h.browse()
	p.signIn("ana", "")
	p.do(chromedp.KeyEvent("?"))
	p.until("the keys are shown", "document.querySelector('#keys').open")
	p.press("Escape")
	p.until("Escape closes them", "!document.querySelector('#keys').open")
	p.until("both are listed", "document.querySelectorAll('#rows li').length === 2")
	p.do(chromedp.KeyEvent("j"), chromedp.KeyEvent("j"), chromedp.KeyEvent("k"), chromedp.KeyEvent("\r"))
	p.until("a room is open", "location.pathname.startsWith('/incidents/')")
	p.live()
	p.do(chromedp.KeyEvent("a"))
	p.reads("#live-card", "You have acknowledged")
	p.do(chromedp.KeyEvent("u"))
	p.until("the update form has the focus", "document.activeElement.id === 'do-update-text'")
	for range 12 { // the focus stays in the form
		p.press("Tab")
		if !js[bool](p, "document.querySelector('#do-update').contains(document.activeElement)") {
			t.Fatal("the focus has left the form")
		}
	}
	p.press("Escape")
	p.until("Escape closes the form", "!document.querySelector('.sheet:target')")
	p.do(chromedp.KeyEvent("m"))
	p.until("the box has the focus", "document.activeElement.id === 'box'")
}

// A person in a hurry presses twice, and continues to type while a message is
// being sent.
func TestHurry(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	p := h.browse()
	p.signIn("ana", "")
	p.open("/declare")
	p.live()
	p.do(chromedp.SendKeys("#declare-title", "Checkout is down", chromedp.ByQuery))
	js[bool](p, "(document.querySelector('form .main.wide').click(), document.querySelector('form .main.wide').click(), true)")
	p.until("the room is open", "location.pathname === '/incidents/INC-1'")
	p.live()
	if got := h.run("list --all"); strings.Contains(got, "INC-2") {
		t.Errorf("two incidents were declared:\n%s", got)
	}
	js[bool](p, `(() => { const box = document.querySelector('#box'); box.value = 'first'; box.form.requestSubmit(); box.value = 'second thought'; return true; })()`)
	p.reads("#live-talk .message", "first")
	p.until("the answer is there", "!document.querySelector('.htmx-request')")
	if got := js[string](p, "document.querySelector('#box').value"); got != "second thought" {
		t.Errorf("what was written meanwhile is %q", got)
	}
	h.say("run", "web revoke all", "--as", "ana")
	p.reads("#line", "You are signed out")
	if got := js[string](p, "document.querySelector('#box').value"); got != "second thought" {
		t.Errorf("after the session has ended, what was written is %q", got)
	}
}

// hostile is a text that an attacker puts into every field.
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
		h.alert(text, text, text, "firing")
		p := h.browse()
		p.signIn("ana", "")
		p.room("INC-1")
		for _, word := range []string{"update", "note", "task", "cause", "edit"} {
			p.do(chromedp.Navigate(fmt.Sprintf("%s/incidents/INC-1#do-%s", h.url, word)))
			p.live()
			js[bool](p, fmt.Sprintf(`(() => { for (const f of document.querySelectorAll('#do-%s [name^="f."]:not(select):not([type=checkbox])')) f.value = %q;
				document.querySelector('#form-%s').requestSubmit(); return true; })()`, word, text, word))
			p.until(word+" is taken or refused", "document.querySelector('#said .said, #do-"+word+" .problem .said') || !document.querySelector('.sheet:target')")
		}
		p.open("/incidents/INC-1")
		p.live()
		js[bool](p, fmt.Sprintf(`(() => { document.querySelector('#box').value = %q; document.querySelector('#box-form').requestSubmit(); return true; })()`, text))
		p.until("it is said", "document.querySelectorAll('#live-talk .message').length === 1")
		for _, path := range []string{"/incidents/INC-1", "/incidents/INC-1/timeline", "/", "/?show=all&q=" + "x"} {
			p.open(path)
			p.do(chromedp.EmulateViewport(320, 720))
			p.until("no page is wider than its window", "document.documentElement.scrollWidth <= 320")
			if js[bool](p, "document.querySelector('main img, main script, main b') !== null") {
				t.Errorf("%s: markup became markup on %s", name, path)
			}
		}
	}
}

// A page sounds, once the reader has turned sound on, until someone acknowledges.
func TestSound(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	p := h.browse()
	p.signIn("ana", "")
	js[bool](p, `(() => { window.tones = 0; const real = AudioContext.prototype.createOscillator;
		AudioContext.prototype.createOscillator = function () { window.tones++; return real.call(this); }; return true; })()`)
	h.alert("CheckoutDown", "checkout", "critical", "firing")
	p.reads("#live-ring", "INC-1 needs you")
	if n := js[int](p, "tones"); n != 0 {
		t.Errorf("%d tones before sound was allowed", n)
	}
	p.click("#sound")
	p.until("a sound says that it is on", "tones >= 3 && document.querySelector('#sound').getAttribute('aria-pressed') === 'true'")
	was := js[int](p, "tones")
	p.until("the page rings", fmt.Sprintf("tones > %d", was))
	h.say("run", "ack INC-1", "--as", "ben")
	p.until("nothing calls any more", "!document.querySelector('.ring')")
}

// A browser holds six connections to one server. Pages in the background leave
// some of them for pages that are shown.
func TestManyTabs(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	h.alert("CheckoutDown", "checkout", "critical", "firing")
	p := h.browse()
	p.signIn("ana", "")
	var away *person
	for range 8 {
		tab := p.tab()
		tab.room("INC-1")
		js[bool](tab, `(Object.defineProperty(document, 'hidden', {get: () => window.unseen ?? true, configurable: true}), document.dispatchEvent(new Event('visibilitychange')), true)`)
		away = tab
	}
	away.until("the last one waits", "document.querySelector('#line').dataset.kind === 'away'")
	last := p.tab()
	last.room("INC-1")
	last.click("#live-card .buttons .main")
	last.reads("#live-card", "You have acknowledged")
	js[bool](away, `(window.unseen = false, document.dispatchEvent(new Event('visibilitychange')), true)`)
	away.live()
	away.reads("#live-card", "You have acknowledged")
}

// The checks can fail: a violation of the content security policy and an
// accessibility violation are found.
func TestChecksCanFail(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	p := h.browse()
	p.open("/sign-in")
	js[bool](p, `(() => { const s = document.createElement('script'); s.textContent = 'window.ran = true'; document.body.append(s);
		const i = document.createElement('input'); document.querySelector('main').append(i); return true; })()`)
	if js[bool](p, "!!window.ran") {
		t.Error("a script in the page ran")
	}
	if found := p.axeFinds(); !strings.Contains(found, "label") {
		t.Errorf("axe finds %s in a field without a label", found)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.bad) == 0 || !strings.Contains(p.bad[0], "Content Security Policy") {
		t.Errorf("the violation was not seen: %q", p.bad)
	}
	p.bad = nil
}
