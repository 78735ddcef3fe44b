package browser

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
)

// sizes are the sizes of the window by the name of a device.
var sizes = map[string][2]int64{"phone": {320, 720}, "laptop": {1280, 900}, "wall": {3840, 2160}}

// savePicture saves screenshots of the page, in three sizes and both themes.
func (p *person) savePicture(name string) {
	p.t.Helper()
	for size := range sizes {
		for _, theme := range []string{"light", "dark"} {
			p.setDevice(size, theme)
			var png []byte
			p.do(chromedp.FullScreenshot(&png, 100))
			file := filepath.Join(*shots, fmt.Sprintf("%s-%s-%s.png", name, size, theme))
			if err := os.WriteFile(file, png, 0o600); err != nil {
				p.t.Fatal(err)
			}
		}
	}
}

// setDevice sets the size of the window and the theme.
func (p *person) setDevice(size, theme string) {
	p.t.Helper()
	px := sizes[size]
	p.do(
		emulation.SetDeviceMetricsOverride(px[0], px[1], 1, size == "phone"),
		emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: theme}}),
	)
}

// TestShots saves screenshots of every page, with -shots.
func TestShots(t *testing.T) {
	if *shots == "" {
		t.Skip("no test: it takes the pictures of `make shots`, when -shots names a folder")
	}
	if err := os.MkdirAll(*shots, 0o700); err != nil {
		t.Fatal(err)
	}
	h := startTocsin(t, team)
	p := h.openBrowser()
	p.open("/sign-in")
	p.savePicture("sign-in-how")
	p.do(chromedp.Navigate(h.newSignInLink("")))
	p.savePicture("sign-in")
	p.signIn("ana", "")
	p.savePicture("list-empty")
	h.sendAlert("CheckoutDown", "checkout", "critical", "firing")
	p.waitForText("#live-banner", "INC-1 needs you")
	for _, line := range []string{
		"declare Card payments fail for some banks --sev 2 --service payments", "declare Search answers slowly --sev 3", "declare Invoice PDF has the wrong logo --sev 4",
		"declare Quarterly certificate rotation --sev 5 --drill", "ack INC-2", "status INC-2 identified", "update INC-2 The bank's gateway drops every tenth request. We route around it. --next 30m",
		"resolve INC-4 Logo replaced",
	} {
		h.runCLI("run", line, "--as", "ben")
	}
	p.open("/")
	p.waitLive()
	p.savePicture("list")
	h.sendAlert("CheckoutSlow", "checkout", "warning", "firing")
	p.openRoom("INC-1")
	p.savePicture("room-new")
	p.click("#live-card .buttons button")
	p.waitForText("#live-card .state", "You have acknowledged")
	for _, line := range []string{
		"lead INC-1", "note INC-1 The deploy of 03:02 is suspicious --pin", "task INC-1 Roll checkout back to 4.2 --for @ben", "task INC-1 Tell support what to answer", "status INC-1 identified",
		"update INC-1 Checkout fails for everybody since 03:02. We are rolling the deploy back. --next 30m", "link INC-1 https://grafana.example.com/d/checkout Dashboard",
	} {
		p.command(line)
	}
	ben := h.openBrowser()
	ben.signIn("ben", "")
	ben.command("task INC-1 done 2")
	p.fill("#box", "Rolling back now, five minutes.")
	p.click("#box-form .main")
	p.waitForText("#live-conversation", "Rolling back now")
	p.savePicture("room")
	for _, id := range []string{"INC-3", "INC-5", "INC-6"} {
		p.command("ack " + id)
	}
	p.waitUntil("nothing asks for an acknowledgement", "!document.querySelector('.banner')")
	p.setDevice("laptop", "light")
	p.open("/incidents/INC-1")
	p.waitLive()
	p.waitForText("#live-conversation", "Rolling back now")
	var png []byte
	p.do(chromedp.CaptureScreenshot(&png))
	if err := os.WriteFile(filepath.Join(*shots, "readme.png"), png, 0o600); err != nil {
		t.Fatal(err)
	}
	p.open("/incidents/INC-1#do-update")
	p.waitLive()
	p.savePicture("form-update")
	p.open("/incidents/INC-1")
	p.waitLive()
	p.fill("#box", "/upd")
	p.waitUntil("completions are offered", "!document.querySelector('#options').hidden")
	p.savePicture("completion")
	p.open("/declare")
	p.waitLive()
	p.savePicture("declare")
	p.open("/sessions")
	p.savePicture("sessions")
	p.open("/incidents/INC-1/timeline")
	p.savePicture("timeline")
	p.allowErrors("404")
	p.open("/incidents/INC-99")
	p.savePicture("missing")
	p.allowErrors("404")
}

// team is the configuration of a small team: Ana is paged first.
const team = `
organization: Example Shop
timezone: Europe/Berlin
people:
  - { id: ana, name: Ana Silva, email: ana@example.com, access: commander, notify: { high: [{ via: webhook, to: phone }] } }
  - { id: ben, name: Ben Okafor, email: ben@example.com, access: responder, notify: { high: [{ via: webhook, to: phone }] } }
webhooks:
  - { name: phone, url: "$PHONE", secret_env: PHONE_SECRET }
teams:
  - { id: payments, name: Payments, members: [ana, ben] }
services:
  - { id: checkout, name: Checkout, team: payments, runbook: "https://wiki.example.com/checkout" }
  - { id: payments, name: Payments, team: payments }
severities:
  SEV1: { name: Critical, urgency: high, acknowledge: 5m, update: 30m }
  SEV2: { name: Major, urgency: high, acknowledge: 15m, update: 1h }
  SEV3: { name: Moderate, urgency: low, acknowledge: 1h, update: 4h }
  SEV4: { name: Minor, urgency: low }
  SEV5: { name: Low, urgency: low }
policies:
  - id: everyone
    steps:
      - { notify: ["person:ana"], wait: 5m }
      - { notify: ["person:ben"], wait: 5m }
default_policy: everyone
`
