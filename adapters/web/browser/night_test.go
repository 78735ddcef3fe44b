package browser

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// A whole night in the browser, with nothing configured: an alert arrives, the
// page rings, a person acknowledges, writes messages, posts an update, resolves
// and closes.
func TestNight(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, "")
	p := h.browse()
	p.signIn("", "Sam")
	p.reads("main", "Quiet is good")

	h.alert("CheckoutDown", "checkout", "critical", "firing")
	p.reads("#live-ring", "INC-1 needs you")
	p.until("the title calls", "document.title.includes('INC-1 needs you')")
	p.reads("#rows", "CheckoutDown of checkout")
	p.reads("#rows", "not acknowledged")
	p.click("#rows .name a")
	p.live()
	p.reads("#live-card", "No one has acknowledged yet")
	p.reads("#live-alerts", "CheckoutDown of checkout")
	p.reads("#live-next", "because no one has acknowledged")
	p.reads("#live-told", "logged at")

	p.click("#live-card .buttons .main")
	p.reads("#live-card", "You have acknowledged")
	p.until("the page is quiet again", "!document.querySelector('.ring') && !document.title.includes('needs you')")

	p.click(".more a[href='#do-update']")
	p.until("the form has the focus", "document.activeElement.id === 'do-update-text'")
	p.do(chromedp.SendKeys("#do-update-text", "We roll the deploy back.", chromedp.ByQuery))
	p.do(chromedp.SendKeys("#do-update-next", "30m", chromedp.ByQuery))
	p.click("#do-update .main")
	p.reads("#live-card .latest", "We roll the deploy back.")
	p.until("the form is closed and empty", "!document.querySelector('.sheet:target') && document.querySelector('#do-update-text').value === ''")
	p.until("the focus is back where it was", "document.activeElement.hash === '#do-update'")

	p.types("#box", "On it, five minutes.")
	p.reads("#live-talk .message", "On it, five minutes.")
	p.types("#box", "/status identified")
	p.reads(".marks", "identified")
	p.reads("#live-events", "Now identified")

	p.click("#live-card a[href='#do-resolve']")
	p.do(chromedp.SendKeys("#do-resolve-how", "Rolled back to 4.2", chromedp.ByQuery))
	p.click("#do-resolve .main")
	p.reads(".marks", "resolved")
	p.reads("#live-card", "Rolled back to 4.2")
	if got := h.run("show INC-1"); !strings.Contains(got, "Rolled back to 4.2") || !strings.Contains(got, "acknowledged") && !strings.Contains(got, "Sam") {
		t.Errorf("the command line shows:\n%s", got)
	}
	p.open("/")
	p.reads("main", "No open incidents.")
}

// The declare form explains the severities, shows the severity of an impact and
// urgency, says what is missing, and leads to the room.
func TestDeclare(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	p := h.browse()
	p.signIn("ben", "")
	p.do(chromedp.KeyEvent("d"))
	p.until("the form is open", "location.pathname === '/declare' && document.querySelector('#declare-title')")
	p.live()
	p.click("#impact-high")
	p.click("#urgency-medium")
	p.until("the matrix shows SEV2", "getComputedStyle(document.querySelector('td.high-medium')).outlineStyle === 'solid' && getComputedStyle(document.querySelector('td.low-low')).outlineStyle === 'none'")
	p.reads("aside", "acknowledged within 15 min")
	p.click("form .main.wide")
	p.until("the browser asks for the title", "document.querySelector('#declare-title:invalid') && location.pathname === '/declare'")
	p.do(chromedp.SendKeys("#declare-title", "Card payments fail", chromedp.ByQuery))
	p.click("form .main.wide")
	p.until("the room is open", "location.pathname === '/incidents/INC-1'")
	p.reads(".marks", "SEV2")
	p.reads("#live-card", "impact high × urgency medium")
	p.reads("#live-card", "Ben Okafor")
}

// Two people act at once. Each sees the other's change within a second, and the
// later one sees the current state and no error.
func TestTwoBrowsers(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	h.alert("CheckoutDown", "checkout", "critical", "firing")
	ana, ben := h.browse(), h.browse()
	ana.signIn("ana", "")
	ben.signIn("ben", "")
	ana.room("INC-1")
	ben.room("INC-1")
	ana.until("Ana is paged, and the card asks", "document.querySelector('.ring').dataset.ring.includes('INC-1') && document.title.includes('INC-1 needs you')")
	ben.until("Ben is not paged", "!document.querySelector('.ring')")

	within := func(what string, p *person, selector, text string) {
		t.Helper()
		t.Logf("%s came after %s", what, p.reads(selector, text).Round(time.Millisecond))
	}
	ana.types("#box", "Looking.")
	within("a message", ben, "#live-talk", "Looking.")

	ana.click("#live-card .buttons .main")
	within("an acknowledgement", ben, "#live-card", "Ana Silva has acknowledged")
	// A stale page: its button no longer applies.
	js[bool](ben, `(() => { const f = document.createElement('form'); f.setAttribute('hx-post', '/incidents/INC-1/do'); f.setAttribute('hx-target', '#said');
		f.innerHTML = '<input name="text" value="ack INC-1 --seen 2"><button>late</button>'; document.querySelector('main').append(f); htmx.process(f); f.requestSubmit(); return true; })()`)
	ben.reads("#said", "Ana Silva acknowledged INC-1")
	ben.until("it is told as a no, not as an error", "document.querySelector('#said .said.no') !== null")

	// Both send messages at once: no message is lost.
	ana.do(chromedp.SendKeys("#box", "Ana writes", chromedp.ByQuery))
	ben.do(chromedp.SendKeys("#box", "Ben writes", chromedp.ByQuery))
	ana.press("Enter")
	within("the first of two messages", ben, "#live-talk", "Ana writes")
	if got := js[string](ben, "document.querySelector('#box').value"); got != "Ben writes" {
		t.Errorf("what Ben was writing is now %q", got)
	}
	ben.press("Enter")
	within("the second of two messages", ana, "#live-talk", "Ben writes")
}

// The server dies and comes back. The page says so, keeps the typed text, and
// reconnects by itself.
func TestLostAndBack(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	h.alert("CheckoutDown", "checkout", "critical", "firing")
	p := h.browse()
	p.may("[object Event]", "htmx:afterRequest", "ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "htmx:sendError", "htmx:sseError", "Failed to load resource")
	p.signIn("ana", "")
	p.room("INC-1")
	listen := h.listen()
	h.stop(syscall.SIGKILL)
	p.reads("#line", "Connection lost")
	p.types("#box", "Is anybody there?")
	p.reads("#box-said", "the server cannot be reached")
	if got := js[string](p, "document.querySelector('#box').value.trim()"); got != "Is anybody there?" {
		t.Errorf("the message is now %q", got)
	}
	h.start(listen)
	h.say("run", "ack INC-1", "--as", "ben")
	p.live()
	p.reads("#live-card", "Ben Okafor has acknowledged")
	p.do(chromedp.Focus("#box", chromedp.ByQuery))
	p.press("Enter")
	p.reads("#live-talk", "Is anybody there?")
	if n := js[int](p, "document.querySelectorAll('#live-talk .message').length"); n != 1 {
		t.Errorf("it was said %d times", n)
	}
}

// The laptop slept: time passed without an event. The page notices as soon as
// it is shown again.
func TestSlept(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	h.alert("CheckoutDown", "checkout", "critical", "firing")
	p := h.browse()
	p.signIn("ana", "")
	p.room("INC-1")
	// A stream that is silently dead: the process is stopped, and a minute
	// passes for the page.
	h.signal(syscall.SIGSTOP)
	js[bool](p, `(() => { const real = Date.now; Date.now = () => real() + 60000; window.dispatchEvent(new Event('focus')); return true; })()`)
	p.reads("#line", "Connection lost")
	h.signal(syscall.SIGCONT)
	h.say("run", "ack INC-1", "--as", "ben")
	p.live()
	p.reads("#live-card", "Ben Okafor has acknowledged")
}

// Without JavaScript the pages can be read and everything important works.
func TestWithoutScript(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	p := h.browse()
	p.do(emulation.SetScriptExecutionDisabled(true))
	p.do(chromedp.Navigate(h.link("ana")))
	p.click("form .main")
	p.wait("#live-rows")
	p.open("/declare")
	p.do(chromedp.SendKeys("#declare-title", "Checkout is down", chromedp.ByQuery))
	p.do(chromedp.SetValue("#declare-sev", "1", chromedp.ByQuery))
	p.click("form .main.wide")
	p.wait("#live-card")
	p.click("#live-card .buttons .main")
	p.wait(".state.calm")
	p.click("#live-card a[href='#do-update']")
	p.do(chromedp.SendKeys("#do-update-text", "Plain words", chromedp.ByQuery))
	p.click("#do-update .main")
	p.wait(".latest")
	p.do(chromedp.SendKeys("#box", "Said without a script", chromedp.ByQuery))
	p.click("#box-form .main")
	p.wait(".message")
	p.do(chromedp.SendKeys("#box", "/resolv", chromedp.ByQuery))
	p.click("#box-form .main")
	p.wait(".said.no")
	for _, want := range []string{"Checkout is down", "Plain words", "Said without a script", "resolve", "You have acknowledged", "Without JavaScript this page does not update by itself"} {
		if got := p.html(); !strings.Contains(got, want) {
			t.Errorf("the page does not say %q:\n%s", want, got)
		}
	}
}
