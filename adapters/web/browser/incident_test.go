package browser

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// A whole incident in the browser, with nothing configured: an alert arrives, the
// page rings, a person acknowledges, writes messages, posts an update, resolves
// and closes.
func TestWholeIncident(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, "")
	p := h.openBrowser()
	p.signIn("", "Sam")
	p.waitForText("main", "Quiet is good")

	h.sendAlert("CheckoutDown", "checkout", "critical", "firing")
	p.waitForText("#live-banner", "INC-1 needs you")
	p.waitUntil("the title asks for an acknowledgement", "document.title.includes('INC-1 needs you')")
	p.waitForText("#rows", "CheckoutDown of checkout")
	p.waitForText("#rows", "not acknowledged")
	p.click("#rows .name a")
	p.waitLive()
	p.waitForText("#live-card", "No one has acknowledged yet")
	p.waitForText("#live-alerts", "CheckoutDown of checkout")
	p.waitForText("#live-next", "because no one has acknowledged")
	p.waitForText("#live-deliveries", "written ")

	p.click("#live-card .buttons .main")
	p.waitForText("#live-card", "You have acknowledged")
	p.waitUntil("the page is quiet again", "!document.querySelector('.banner') && !document.title.includes('needs you')")

	p.click(".more a[href='#do-update']")
	p.waitUntil("the form has the focus", "document.activeElement.id === 'do-update-text'")
	p.do(chromedp.SendKeys("#do-update-text", "We roll the deploy back.", chromedp.ByQuery))
	p.do(chromedp.SendKeys("#do-update-next", "30m", chromedp.ByQuery))
	p.click("#do-update .main")
	p.waitForText("#live-card .latest", "We roll the deploy back.")
	p.waitUntil("the form is closed and empty", "!document.querySelector('.sheet:target') && document.querySelector('#do-update-text').value === ''")
	p.waitUntil("the focus is back where it was", "document.activeElement.hash === '#do-update'")

	p.typeText("#box", "On it, five minutes.")
	p.waitForText("#live-conversation .message", "On it, five minutes.")
	p.typeText("#box", "/status identified")
	p.waitForText(".marks", "identified")
	p.waitForText("#live-events", "Now identified")

	p.click("#live-card a[href='#do-resolve']")
	p.do(chromedp.SendKeys("#do-resolve-how", "Rolled back to 4.2", chromedp.ByQuery))
	p.click("#do-resolve .main")
	p.waitForText(".marks", "resolved")
	p.waitForText("#live-card", "Rolled back to 4.2")
	if got := h.run("show INC-1"); !strings.Contains(got, "Rolled back to 4.2") || !strings.Contains(got, "acknowledged") && !strings.Contains(got, "Sam") {
		t.Errorf("the command line shows:\n%s", got)
	}
	p.open("/")
	p.waitForText("main", "No open incidents.")
}

// The declare form explains the severities, shows the severity of an impact and
// urgency, says what is missing, and leads to the room.
func TestDeclare(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	p := h.openBrowser()
	p.signIn("ben", "")
	p.do(chromedp.KeyEvent("d"))
	p.waitUntil("the form is open", "location.pathname === '/declare' && document.querySelector('#declare-title')")
	p.waitLive()
	p.click("#impact-high")
	p.click("#urgency-medium")
	p.waitUntil("the matrix shows SEV2", "getComputedStyle(document.querySelector('td.high-medium')).outlineStyle === 'solid' && getComputedStyle(document.querySelector('td.low-low')).outlineStyle === 'none'")
	p.waitForText("aside", "acknowledged within 15 min")
	p.click("form .main.wide")
	p.waitUntil("the browser asks for the title", "document.querySelector('#declare-title:invalid') && location.pathname === '/declare'")
	p.do(chromedp.SendKeys("#declare-title", "Card payments fail", chromedp.ByQuery))
	p.click("form .main.wide")
	p.waitUntil("the room is open", "location.pathname === '/incidents/INC-1'")
	p.waitForText(".marks", "SEV2")
	p.waitForText("#live-card", "impact high × urgency medium")
	p.waitForText("#live-card", "Ben Okafor")
}

// Two people act at once. Each sees the other's change within a second, and the
// later one sees the current state and no error.
func TestTwoBrowsers(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	h.sendAlert("CheckoutDown", "checkout", "critical", "firing")
	ana, ben := h.openBrowser(), h.openBrowser()
	ana.signIn("ana", "")
	ben.signIn("ben", "")
	ana.openRoom("INC-1")
	ben.openRoom("INC-1")
	ana.waitUntil("Ana is paged, and the card asks", "document.querySelector('.banner').dataset.banner.includes('INC-1') && document.title.includes('INC-1 needs you')")
	ben.waitUntil("Ben is not paged", "!document.querySelector('.banner')")

	within := func(what string, p *person, selector, text string) {
		t.Helper()
		t.Logf("%s came after %s", what, p.waitForText(selector, text).Round(time.Millisecond))
	}
	ana.typeText("#box", "Looking.")
	within("a message", ben, "#live-conversation", "Looking.")

	ana.click("#live-card .buttons .main")
	within("an acknowledgement", ben, "#live-card", "Ana Silva has acknowledged")
	// A stale page: its button no longer applies.
	evaluate[bool](ben, `(() => { const f = document.createElement('form'); f.setAttribute('hx-post', '/incidents/INC-1/do'); f.setAttribute('hx-target', '#result');
		f.innerHTML = '<input name="text" value="ack INC-1 --seen 2"><button>late</button>'; document.querySelector('main').append(f); htmx.process(f); f.requestSubmit(); return true; })()`)
	ben.waitForText("#result", "Ana Silva acknowledged INC-1")
	ben.waitUntil("it is shown as a refusal, not as an error", "document.querySelector('#result .result.no') !== null")

	// Both send messages at once: no message is lost.
	ana.do(chromedp.SendKeys("#box", "Ana writes", chromedp.ByQuery))
	ben.do(chromedp.SendKeys("#box", "Ben writes", chromedp.ByQuery))
	ana.press("Enter")
	within("the first of two messages", ben, "#live-conversation", "Ana writes")
	if got := evaluate[string](ben, "document.querySelector('#box').value"); got != "Ben writes" {
		t.Errorf("what Ben was writing is now %q", got)
	}
	ben.press("Enter")
	within("the second of two messages", ana, "#live-conversation", "Ben writes")
}

// The server is killed and starts again. The page says so, keeps the typed text,
// and reconnects by itself.
func TestReconnect(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	h.sendAlert("CheckoutDown", "checkout", "critical", "firing")
	p := h.openBrowser()
	p.allowErrors("[object Event]", "htmx:afterRequest", "ERR_CONNECTION_REFUSED", "ERR_INCOMPLETE_CHUNKED_ENCODING", "ERR_CONNECTION_RESET", "htmx:sendError", "htmx:sseError", "Failed to load resource")
	p.signIn("ana", "")
	p.openRoom("INC-1")
	address := h.address()
	h.stop(syscall.SIGKILL)
	p.waitForText("#line", "Connection lost")
	p.typeText("#box", "Is anyone there?")
	p.waitForText("#box-result", "the server cannot be reached")
	if got := evaluate[string](p, "document.querySelector('#box').value.trim()"); got != "Is anyone there?" {
		t.Errorf("the message is now %q", got)
	}
	h.start(address)
	h.runCLI("run", "ack INC-1", "--as", "ben")
	p.waitLive()
	p.waitForText("#live-card", "Ben Okafor has acknowledged")
	p.do(chromedp.Focus("#box", chromedp.ByQuery))
	p.press("Enter")
	p.waitForText("#live-conversation", "Is anyone there?")
	if n := evaluate[int](p, "document.querySelectorAll('#live-conversation .message').length"); n != 1 {
		t.Errorf("%d messages, want 1: the message was sent once", n)
	}
}

// A laptop sleeps, and time passes without an event. The page notices as soon as
// it is shown again.
func TestSleep(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	h.sendAlert("CheckoutDown", "checkout", "critical", "firing")
	p := h.openBrowser()
	p.signIn("ana", "")
	p.openRoom("INC-1")
	// A stream that is silently dead: the process is stopped, and a minute
	// passes for the page.
	h.signal(syscall.SIGSTOP)
	evaluate[bool](p, `(() => { const real = Date.now; Date.now = () => real() + 60000; window.dispatchEvent(new Event('focus')); return true; })()`)
	p.waitForText("#line", "Connection lost")
	h.signal(syscall.SIGCONT)
	h.runCLI("run", "ack INC-1", "--as", "ben")
	p.waitLive()
	p.waitForText("#live-card", "Ben Okafor has acknowledged")
}

// Without JavaScript the pages can be read and everything important works.
func TestWithoutScript(t *testing.T) {
	t.Parallel()
	h := startTocsin(t, team)
	p := h.openBrowser()
	p.do(emulation.SetScriptExecutionDisabled(true))
	p.do(chromedp.Navigate(h.newSignInLink("ana")))
	p.click("form .main")
	p.waitVisible("#live-rows")
	p.open("/declare")
	p.do(chromedp.SendKeys("#declare-title", "Checkout is down", chromedp.ByQuery))
	p.do(chromedp.SetValue("#declare-sev", "1", chromedp.ByQuery))
	p.click("form .main.wide")
	p.waitVisible("#live-card")
	p.click("#live-card .buttons .main")
	p.waitVisible(".state.settled")
	p.click("#live-card a[href='#do-update']")
	p.do(chromedp.SendKeys("#do-update-text", "Plain words", chromedp.ByQuery))
	p.click("#do-update .main")
	p.waitVisible(".latest")
	p.do(chromedp.SendKeys("#box", "Said without a script", chromedp.ByQuery))
	p.click("#box-form .main")
	p.waitVisible(".message")
	p.do(chromedp.SendKeys("#box", "/resolv", chromedp.ByQuery))
	p.click("#box-form .main")
	p.waitVisible(".result.no")
	for _, want := range []string{"Checkout is down", "Plain words", "Said without a script", "resolve", "You have acknowledged", "Without JavaScript this page does not update by itself"} {
		if got := p.html(); !strings.Contains(got, want) {
			t.Errorf("the page does not show %q:\n%s", want, got)
		}
	}
}
