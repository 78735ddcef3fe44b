package email

import (
	"bytes"
	"flag"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tocsin/adapters/email/smtptest"
	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func testConfig() Config {
	return Config{Host: "127.0.0.1", Port: 1, From: "tocsin@example.com", Now: func() time.Time { return noon }}
}

func newPager(t *testing.T, cfg Config) *Pager {
	t.Helper()
	p, err := New(cfg, nil)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// composeMail returns the mail of a page, as sent and as parsed.
func composeMail(t *testing.T, p *Pager, page bot.Page) (raw []byte, read smtptest.Mail) {
	t.Helper()
	m, err := p.compose(page)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if _, err = m.WriteTo(&b); err != nil {
		t.Fatal(err)
	}
	if read, err = smtptest.Parse(b.Bytes()); err != nil {
		t.Fatalf("%v\n%s", err, b.Bytes())
	}
	return b.Bytes(), read
}

// escalationPage returns a page that asks for an acknowledgement.
func escalationPage() bot.Page {
	return bot.Page{
		Key: "INC-7/12.3", Purpose: workflow.PurposeEscalation, Person: "ana", Name: "Ana Lima", Address: "ana@example.com",
		Incidents: []bot.PagedIncident{{ID: "INC-7", Title: "Checkout is down", Severity: "SEV1"}},
		Content: card.Content{
			Title: "INC-7 · Checkout is down",
			Text:  "Checkout fails for everyone in Europe.\nPlease answer within 5 minutes; then Ben is paged.",
			Fields: []card.Field{
				{Name: "Severity", Value: "SEV1"},
				{Name: "Status", Value: "investigating"},
				{Name: "Service", Value: "Checkout"},
				{Name: "Started", Value: "Wed 4 Mar 2026, 13:00 CET"},
			},
			Sections: []card.Section{{Heading: "Alerts", Lines: []string{
				"HighErrorRate: 43 % of requests fail (cluster eu-1)", "LatencyP99: 12 s (cluster eu-1)",
			}}},
			Buttons: []card.Button{
				{Label: "Acknowledge", Command: "ack INC-7 --seen 12", URL: "https://tocsin.example.com/incidents/INC-7/ack", Main: true},
				{Label: "Open incident", URL: "https://tocsin.example.com/incidents/INC-7"},
				{Label: "Runbook", URL: "https://wiki.example.com/checkout"},
				{Label: "Acknowledge", Command: "ack INC-7"},
			},
			Footer: "You are on call for Checkout, first in line.",
		},
	}
}

// pages returns one page of each kind, by the name of its golden files.
func pages() map[string]bot.Page {
	hostile := escalationPage()
	hostile.Key = "INC-7/13.1\r\nBcc: everyone@example.com"
	hostile.Name = "Ana\r\nBcc: everyone@example.com\u202e <x@example.com>"
	hostile.Content = card.Content{
		Title:    "Down\r\nBcc: everyone@example.com\r\n\r\n=?utf-8?q?=0D=0ACc:_x?= <script>alert(1)</script>\u202egpj.exe\x1b[2J",
		Text:     "<img src=https://evil.example/x.png onerror=alert(1)>\n.\nQUIT\r\n\x00{{.Title}}",
		Fields:   []card.Field{{Name: "<b>", Value: "\" onmouseover=\"alert(1)"}, {Name: "Empty"}},
		Sections: []card.Section{{Heading: "</style>", Lines: []string{"a\nb", strings.Repeat("wide ", 5)}}},
		Buttons: []card.Button{
			{Label: "Click", URL: "javascript:alert(1)", Main: true},
			{Label: "Data", URL: "data:text/html,<script>alert(1)</script>", Command: "list"},
			{Label: "Split", URL: "https://example.com/\r\nX: y"},
			{Label: "\"><script>", URL: "https://example.com/?a=1&b=\"><script>"},
		},
		Footer: "<!-- -->",
	}
	return map[string]bot.Page{
		"answer": escalationPage(),
		"private": {
			Key: "INC-8/3.1", Purpose: workflow.PurposeEscalation, Person: "ana", Name: "Ana Lima", Address: "ana@example.com",
			Incidents: []bot.PagedIncident{{ID: "INC-8", Private: true}},
			Content: card.Content{
				Title:   "A private incident needs you: INC-8",
				Buttons: []card.Button{{Label: "Open", URL: "https://tocsin.example.com/incidents/INC-8", Main: true}},
			},
		},
		"bundle": {
			Key: "INC-1/9.1+2", Purpose: workflow.PurposeCatchAll, Person: "ben", Name: "Ben Okafor", Address: "ben@example.com",
			Incidents: []bot.PagedIncident{{ID: "INC-1"}, {ID: "INC-2"}},
			Content: card.Content{
				Title: "3 incidents need you: 1 SEV1, 1 SEV2, 1 private",
				Sections: []card.Section{
					{
						Heading: "INC-1 SEV1 · Checkout is down", Link: "https://tocsin.example.com/incidents/INC-1", Lines: []string{"investigating · Checkout · 2 firing · since 13:00"},
						Button: card.Button{Label: "Acknowledge INC-1", Command: "ack INC-1", URL: "https://tocsin.example.com/ack/one", Main: true},
					},
					{
						Heading: "INC-2 SEV2 · Zahlungen über Käufe gestört – 支払い", Link: "https://tocsin.example.com/incidents/INC-2", Lines: []string{"triage"},
						Button: card.Button{Label: "Acknowledge INC-2", Command: "ack INC-2", URL: "https://tocsin.example.com/ack/two"},
					},
					{Heading: "A private incident needs you: INC-3", Link: "javascript:alert(1)", Button: card.Button{Label: "Acknowledge INC-3", Command: "ack INC-3"}},
				},
				Footer: "https://tocsin.example.com",
			},
		},
		"know": {
			Key: "INC-7/20.1", Purpose: workflow.PurposeNotice, Person: "ana", Address: "ana@example.com",
			Incidents: []bot.PagedIncident{{ID: "INC-7"}},
			Content:   card.Content{Title: "INC-7 · A new alert fires", Text: "DiskFull fires since 12:31. You acknowledged this incident."},
		},
		"hostile": hostile,
	}
}

// compareGolden compares a text with a golden file.
func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got; -update rewrites it):\n%s", path, diff)
	}
}

func TestGolden(t *testing.T) {
	p := newPager(t, testConfig())
	for name, page := range pages() {
		t.Run(name, func(t *testing.T) {
			raw, read := composeMail(t, p, page)
			header, _, _ := strings.Cut(strings.ReplaceAll(string(raw), "\r\n", "\n"), "\n\n")
			compareGolden(t, name+".txt", header+"\n\n"+read.Text)
			compareGolden(t, name+".html", read.HTML)
		})
	}
}

// Text from outside adds no header, recipient, link or markup.
func TestHostileTextStaysText(t *testing.T) {
	raw, read := composeMail(t, newPager(t, testConfig()), pages()["hostile"])
	for _, h := range []string{"Bcc", "X", "Cc"} {
		if _, ok := read.Header[h]; ok {
			t.Errorf("header %s was injected:\n%s", h, raw)
		}
	}
	if strings.ContainsAny(read.Subject, "\r\n") {
		t.Errorf("the subject has several lines: %q", read.Subject)
	}
	to, err := mail.ParseAddressList(read.Header.Get("To"))
	if err != nil || len(to) != 1 || to[0].Address != "ana@example.com" {
		t.Errorf("To is %q (%v), want Ana alone", read.Header.Get("To"), err)
	}
	for _, bad := range []string{"<script", "<img", "javascript:", "data:text", "onmouseover=\"", "\x1b", "\x00", "\u202e"} {
		if strings.Contains(read.HTML, bad) {
			t.Errorf("the HTML part contains %q", bad)
		}
	}
	for _, bad := range []string{"javascript:", "data:text", "\x1b", "\x00", "\u202e"} {
		if strings.Contains(read.Subject+read.Text, bad) {
			t.Errorf("the text part contains %q", bad)
		}
	}
}

func TestHTMLLoadsNothing(t *testing.T) {
	p := newPager(t, testConfig())
	for name, page := range pages() {
		_, read := composeMail(t, p, page)
		for _, bad := range []string{"<img", "<link", "<style", "<script", "src=\"", "url(", "@import", "<iframe", "<form"} {
			if strings.Contains(strings.ToLower(read.HTML), bad) {
				t.Errorf("%s: the HTML part contains %q", name, bad)
			}
		}
	}
}

func TestBadAddressesArePermanent(t *testing.T) {
	p := newPager(t, testConfig())
	for _, address := range []string{
		"", "ana", "ana@", "ana@example.com\r\nBcc: x@example.com", "ana@example.com, ben@example.com",
		"Ana <ana@example.com>", "ana@example.com> SIZE=1", "<>", "ana@exam\u202eple.com",
	} {
		page := escalationPage()
		page.Address = address
		if err := p.Page(t.Context(), page); !bot.IsPermanent(err) {
			t.Errorf("%q: %v, want a permanent error", address, err)
		}
	}
}

// A repeat has the same Message-ID (E3: check again before each send).
func TestE3SameKeySameMail(t *testing.T) {
	p := newPager(t, testConfig())
	first, a := composeMail(t, p, escalationPage())
	again, _ := composeMail(t, p, escalationPage())
	if !bytes.Equal(first, again) {
		t.Errorf("the same page is composed differently:\n%s", cmp.Diff(string(first), string(again)))
	}
	other := escalationPage()
	other.Key = "INC-7/13.1"
	_, b := composeMail(t, p, other)
	if a.Header.Get("Message-Id") == b.Header.Get("Message-Id") {
		t.Error("two pages have the same Message-ID")
	}
	if a.Header.Get("References") != b.Header.Get("References") || a.Header.Get("References") == "" {
		t.Errorf("two mails of one incident are in different threads: %q, %q", a.Header.Get("References"), b.Header.Get("References"))
	}
	other.Incidents[0].ID = "INC-8"
	if _, c := composeMail(t, p, other); c.Header.Get("References") == a.Header.Get("References") {
		t.Error("two incidents share a thread")
	}
	staging := testConfig()
	staging.From = "tocsin-staging@example.com"
	if _, c := composeMail(t, newPager(t, staging), escalationPage()); c.Header.Get("Message-Id") == a.Header.Get("Message-Id") {
		t.Error("two installations write the same Message-ID")
	}
}

func TestLongMessagesAreCutWithANotice(t *testing.T) {
	page := escalationPage()
	page.Content.Title = strings.Repeat("ü", 900)
	page.Content.Text = strings.Repeat("long ", 5000)
	page.Content.Sections = []card.Section{{Heading: "Many", Lines: make([]string, 500)}}
	page.Content.Fields = make([]card.Field, 40)
	raw, read := composeMail(t, newPager(t, testConfig()), page)
	if n := len([]rune(read.Subject)); n > 200 || !strings.HasSuffix(read.Subject, "…") {
		t.Errorf("the subject has %d characters: %s", n, read.Subject)
	}
	if !strings.Contains(read.Text, "… and 440 more") || !strings.Contains(read.Text, "… and 10 more") {
		t.Errorf("nothing says how much was left out:\n%s", read.Text)
	}
	for line := range strings.SplitSeq(string(raw), "\r\n") {
		if len(line) > 998 {
			t.Errorf("a line has %d bytes, RFC 5321 allows 998: %.80s…", len(line), line)
		}
	}
}

func TestTitleIsNeverEmpty(t *testing.T) {
	page := escalationPage()
	page.Content.Title = "\u202e\r\n"
	if got := subject(page); got != "INC-7" {
		t.Errorf("title %q, want the incident's ID", got)
	}
	page.Incidents = nil
	if got := subject(page); got != "You are paged" {
		t.Errorf("title %q", got)
	}
}
