package slack

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slack-go/slack"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot/card"
	"tocsin/commands"
	"tocsin/workflow"
)

var start = time.Date(2026, 3, 2, 3, 12, 0, 0, time.UTC)

func view() card.View {
	catalog := commands.New()
	return card.View{
		Zone: time.FixedZone("CET", 3600), URL: "https://tocsin.example.com",
		Name: func(id string) string { return map[string]string{"ana": "Ana Silva"}[id] },
		Word: func(w string) bool { _, ok := catalog.Find(w); return ok || w == "retry" },
	}
}

// roomy returns the view of a room on Slack, in which all readers see times in their own
// zone.
func roomy() card.View {
	v := view()
	v.Stamps = true
	return v
}

func ownHosts() renderOptions {
	return renderOptions{OwnHosts: []string{"tocsin.example.com", "acme.slack.com"}}
}

// incident is one in a status, with something of everything.
func incident(s workflow.Status, acknowledged bool) workflow.Incident {
	i := workflow.Incident{
		ID: "INC-7", Number: 7, Seq: 12, Kind: workflow.Real, Title: "Checkout is down", Description: "Payments fail since the deploy, see https://graphs.example.com/d/7?from=now-1h.",
		Symptoms: []string{"HTTP 502"}, Reporter: workflow.Reporter{Name: "Cleo", Department: "Support", Contact: "ext. 12"},
		Category: "software", Services: []string{"checkout"}, Severity: workflow.SEV2, SeverityBasis: workflow.FromMatrix, Impact: workflow.High, Urgency: workflow.Medium,
		Status: s, Visibility: workflow.Public, DeclaredAt: start, Roles: map[string]string{"commander": "ana"},
		Alerts:  workflow.Alerts{Firing: 2, Resolved: 1, Total: 3, Samples: []workflow.Alert{{Title: "HighErrorRate on <checkout>"}}},
		Meaning: "Major: a core function is hurt",
		Paperwork: workflow.Paperwork{
			ActionItems:  []workflow.ActionItem{{N: 1, Text: "Call the vendor", Assignee: "ana"}, {N: 2, Text: "Alert on expiry", FollowUp: true, Done: true}},
			Checklist:    []workflow.Check{{Text: "Users can pay"}, {Text: "Queue is empty", State: workflow.CheckFailed}},
			Links:        []workflow.Link{{URL: "https://wiki.example.com/checkout", Title: "Runbook"}, {Incident: "INC-3", Title: "before"}},
			Pins:         []workflow.Pin{{At: start, By: "Ana Silva", Text: "It began with the deploy"}},
			LatestUpdate: workflow.Update{At: start.Add(time.Minute), By: "Ana Silva", Text: "Rolling back"},
		}, Promises: workflow.Promises{UpdateBy: start.Add(time.Hour)},
		Rooms: []workflow.Room{{Platform: "slack", ID: "C024BE7LR", Name: "inc-7-checkout-is-down", URL: "https://acme.slack.com/archives/C024BE7LR", State: workflow.RoomOpen, Managed: true}},
	}
	if acknowledged {
		i.Acknowledgement.Person, i.Acknowledgement.Name, i.Acknowledgement.At = "ana", "Ana Silva", start.Add(30*time.Second)
	}
	return i
}

// valid fails on blocks that Slack would refuse, and on duplicate action IDs.
func valid(t interface {
	Helper()
	Fatal(args ...any)
	Errorf(format string, args ...any)
}, blocks []slack.Block, text string,
) {
	t.Helper()
	raw := marshal(t, blocks)
	for _, fault := range slacktest.CheckBlocks(raw) {
		t.Errorf("Slack refuses it: %s", fault)
	}
	if countUnits(text) == 0 || countUnits(text) > maxFallbackLength {
		t.Errorf("the text has %d characters", countUnits(text))
	}
	m := slacktest.Message{Text: text, Blocks: raw}
	if whom := m.Notifies(); len(whom) > 0 {
		t.Errorf("it notifies %q", whom)
	}
	seen := map[string]bool{}
	for _, b := range blocks {
		for _, id := range actionIDs(b) {
			if seen[id] {
				t.Errorf("action_id %q is there twice", id)
			}
			seen[id] = true
		}
	}
}

func actionIDs(b slack.Block) []string {
	var all []string
	switch b := b.(type) {
	case *slack.ActionBlock:
		for _, e := range b.Elements.ElementSet {
			switch e := e.(type) {
			case *slack.ButtonBlockElement:
				all = append(all, e.ActionID)
			case *slack.OverflowBlockElement:
				all = append(all, e.ActionID)
			}
		}
	case *slack.SectionBlock:
		if b.Accessory != nil && b.Accessory.ButtonElement != nil {
			all = append(all, b.Accessory.ButtonElement.ActionID)
		}
	}
	return all
}

// renderPlainMessage renders a message as plain text.
func renderPlainMessage(t *testing.T, m card.Content, o renderOptions) string {
	t.Helper()
	blocks, text := renderMessage(m, o)
	valid(t, blocks, text)
	return renderPlain(t, blocks)
}

// TestCards: the card and the announcement in every status.
func TestCards(t *testing.T) {
	var cards, announced strings.Builder
	each := func(name string, i workflow.Incident) {
		fmt.Fprintf(&cards, "===== %s\n%s\n", name, renderPlainMessage(t, card.Card(i, roomy()), ownHosts()))
		fmt.Fprintf(&announced, "===== %s\n%s\n", name, renderPlainMessage(t, card.Announcement(i, i.Rooms[0], roomy()), ownHosts()))
	}
	for _, s := range workflow.Statuses() {
		each(string(s)+", not acknowledged", incident(s, false))
		each(string(s)+", acknowledged", incident(s, true))
	}
	drill := incident(workflow.Investigating, false)
	drill.Kind = workflow.Drill
	each("a drill", drill)
	private := incident(workflow.Investigating, true)
	private.Visibility = workflow.Private
	each("private", private)
	opening := incident(workflow.Triage, false)
	opening.Rooms[0].State = workflow.RoomRequested
	each("its room is being opened", opening)
	unfinished := incident(workflow.Triage, false)
	unfinished.Rooms[0].Steps = []workflow.RoomStep{{Name: "topic", State: workflow.StepDone}, {Name: "bookmarks"}}
	each("its room is being set up", unfinished)
	failed := incident(workflow.Triage, false)
	failed.Rooms[0].Steps = []workflow.RoomStep{{Name: "topic", State: workflow.StepDone}, {Name: "bookmarks", State: workflow.StepFailed, Why: "missing_scope"}}
	each("a step of its room failed", failed)
	lost := incident(workflow.Triage, false)
	lost.Rooms[0].State, lost.Rooms[0].Why = workflow.RoomFailed, "restricted_action"
	each("its room failed", lost)
	fmt.Fprintf(&announced, "===== hidden\n%s\n", renderPlainMessage(t, card.HiddenAnnouncement("INC-7"), ownHosts()))
	compareGolden(t, "cards.golden.txt", cards.String())
	compareGolden(t, "announcements.golden.txt", announced.String())
	blocks, text := renderMessage(card.Card(failed, roomy()), ownHosts())
	compareGolden(t, "card.golden.json", indentJSON(t, object{"blocks": blocks, "text": text}))
}

// TestPages: the messages that page a person.
func TestPages(t *testing.T) {
	var all strings.Builder
	page := func(name string, m card.Content) {
		fmt.Fprintf(&all, "===== %s\n%s\n", name, renderPlainMessage(t, m, ownHosts()))
	}
	public, private := incident(workflow.Triage, false), incident(workflow.Triage, false)
	private.Visibility = workflow.Private
	for _, p := range []workflow.Purpose{workflow.PurposeEscalation, workflow.PurposeJoin, workflow.PurposeCatchAll, workflow.PurposeNotice} {
		a := card.PageRequest{Incident: public, Purpose: p, Text: "Nobody has answered.", AckURL: "https://tocsin.example.com/ack/t0ken"}
		page(string(p), card.Page(a, view()))
	}
	page("private", card.Page(card.PageRequest{Incident: private}, view()))
	other := incident(workflow.Triage, false)
	other.ID, other.Title = "INC-8", "Search is slow"
	page("a bundle", card.Bundle([]card.PageRequest{{Incident: public}, {Incident: other}, {Incident: private, Purpose: workflow.PurposeNotice}}, view()))
	page("blind", card.FallbackPage([]card.PageReference{{Incident: "INC-7", Seen: 4}}, view()))
	page("blind, two", card.FallbackPage([]card.PageReference{{Incident: "INC-7", Seen: 4}, {Incident: "INC-8"}, {Incident: "INC-7", Seen: 3}}, view()))
	page("a link to sign in", card.SignIn("https://tocsin.example.com/in/t0ken", "Example"))
	compareGolden(t, "pages.golden.txt", all.String())
	blocks, text := renderMessage(card.Page(card.PageRequest{Incident: public}, view()), ownHosts())
	compareGolden(t, "page.golden.json", indentJSON(t, object{"blocks": blocks, "text": text}))
}

// TestPosts: posts in a room look like a person's messages.
func TestPosts(t *testing.T) {
	var all strings.Builder
	o := ownHosts()
	stamp := card.Span{Text: "04:30:00 CET", At: start.Add(18 * time.Minute)}
	o.AsPost, o.MoreURL = true, "https://tocsin.example.com/incidents/INC-7"
	post := func(name string, m card.Content) {
		fmt.Fprintf(&all, "===== %s\n%s\n", name, renderPlainMessage(t, m, o))
	}
	post("one line", card.Content{Title: "Ana Silva", Text: "Acknowledged"})
	post("several", card.Content{Title: "Ana Silva", Text: "Now monitoring\nUpdate: Rolled back (next by " + stamp.String() + ")\nben: Note: see <https://evil.example.com|https://bank.example.com> and *this* :tada: <!channel>"})
	post("nobody", card.Content{Text: "Acknowledged"})
	post("nothing", card.Content{})
	post("much", card.Content{Title: "ana", Text: strings.Repeat("0123456789 ", 1000)})
	compareGolden(t, "posts.golden.txt", all.String())
	blocks, text := renderMessage(card.Content{Title: "Ana Silva", Text: "Note: see https://wiki.example.com/a_b_c."}, o)
	compareGolden(t, "post.golden.json", indentJSON(t, object{"blocks": blocks, "text": text}))
}

// TestReplies: commands in replies are code, whatever else was typed.
func TestReplies(t *testing.T) {
	help, err := commands.New().Help("", commands.Guest.CanUse)
	if err != nil {
		t.Fatal(err)
	}
	more, err := commands.New().Help("update", commands.Responder.CanUse)
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, reply := range []string{
		"INC-7: Declared SEV2: Checkout is down.\nNext: `ack INC-7` if you are on it.",
		"INC-7: Resolved.\nNext: `cause INC-7 TEXT`, then `close INC-7`.",
		"\"acck\" is no word I know. Did you mean `ack`? For example: `ack INC-7`.",
		"INC-7: Declared SEV2: it`s down, it`s *bad* <!here> ``` ` x`.\nNext: `ack INC-7` if you are on it.",
		"Your link, for 15 minutes: https://tocsin.example.com/in/t0ken?a=b&c=d",
		"INC-7 · SEV2 · triage · UNATTENDED · checkout · Checkout is down\nINC-8 · SEV3 · triage · not acknowledged · Search is slow",
		"04:12:00 CET  the next update falls due\n04:30:00 CET  it resolves by itself",
		help, more, card.Text(card.Card(incident(workflow.Triage, false), view())), "", strings.Repeat("word ", 4000),
	} {
		blocks, text := renderReply(reply)
		valid(t, blocks, text)
		fmt.Fprintf(&all, "=====\n%s\n", renderPlain(t, blocks))
	}
	compareGolden(t, "replies.golden.txt", all.String())
}

// TestCuts: a notice says how much did not fit, and where it can be read.
func TestCuts(t *testing.T) {
	i := incident(workflow.Investigating, true)
	i.Description, i.Paperwork.LatestUpdate.Text, i.Paperwork.Cause = strings.Repeat("d", 4000), strings.Repeat("u", 4000), strings.Repeat("c", 4000)
	for n := range 200 {
		i.Paperwork.ActionItems = append(i.Paperwork.ActionItems, workflow.ActionItem{N: n + 3, Text: strings.Repeat("t", 300)})
		i.Symptoms = append(i.Symptoms, strings.Repeat("s", 200))
		i.Paperwork.Pins = append(i.Paperwork.Pins, workflow.Pin{Text: strings.Repeat("p", 900)})
	}
	blocks, text := renderMessage(card.Card(i, roomy()), ownHosts())
	valid(t, blocks, text)
	got := read(t, blocks)
	for _, want := range []string{"INC-7 · Checkout is down", "dddd", "uuuu", "tttt", "and 199 more", "cut to fit: open it in the browser, https://tocsin.example.com/incidents/INC-7", "Resolve"} {
		if !strings.Contains(got, want) {
			t.Errorf("it does not say %q: %s", want, got[len(got)-300:])
		}
	}
	m := card.Content{Title: "a lot"}
	for n := range 300 {
		m.Sections = append(m.Sections, card.Section{Heading: fmt.Sprint(n), Lines: []string{"x"}, Button: card.Button{Label: "Retry", Command: fmt.Sprint("retry ", n)}})
		m.Buttons = append(m.Buttons, card.Button{Label: "Do", Command: fmt.Sprint("do ", n)})
		m.More = append(m.More, card.Button{Label: "Do", Command: fmt.Sprint("do ", n)})
	}
	blocks, text = renderMessage(m, renderOptions{})
	valid(t, blocks, text)
	if got := read(t, blocks); !strings.Contains(got, "more: the browser has the rest.") {
		t.Errorf("it does not say that it was cut: %.300q", got)
	}
}

// TestButtons: what buttons send, and what does not become a button.
func TestButtons(t *testing.T) {
	m := card.Content{Title: "INC-7", Buttons: []card.Button{
		{Label: "Acknowledge", Command: "ack INC-7 --seen 12", URL: "https://tocsin.example.com/ack/t", Main: true},
		{Label: "Open INC-7", URL: "https://tocsin.example.com/incidents/INC-7"},
		{Label: "https://bank.example.com", URL: "https://evil.example.com/x"},
		{Label: "evil.example.com", URL: "https://evil.example.com/x"},
		{Label: "", URL: "https://" + strings.Repeat("bank.example.com.", 10) + "evil.example"},
		{Label: strings.Repeat("long ", 30), URL: "https://evil.example.com/x"},
		{Label: "Credentials", URL: "https://bank.example.com@evil.example.com/x"},
		{Label: "Look-alike", URL: "https://b\u0430nk.example.com/"},
		{Label: "Script", URL: "javascript:alert(1)"},
		{Label: "Nothing"},
		{URL: " \n\t "},
		{Command: "show INC-7"},
	}}
	compareGolden(t, "buttons.golden.txt", renderPlainMessage(t, m, ownHosts()))
}

// TestReadsAsText: what is meant as text is read as text.
func TestReadsAsText(t *testing.T) {
	for _, text := range hostileTexts() {
		for _, m := range []card.Content{
			{Title: "ana", Text: text},
			{Title: text, Text: "x"},
			{Title: "INC-7", Fields: []card.Field{{Name: "Cause", Value: text}}},
			{Title: "INC-7", Sections: []card.Section{{Heading: "Pinned", Lines: []string{text}}}},
			{Title: "INC-7", Sections: []card.Section{{Heading: "Slack", Lines: []string{text}, Button: card.Button{Label: "Retry", Command: "retry INC-7"}}}},
		} {
			for _, as := range []renderOptions{{}, {AsPost: true}} {
				blocks, fallback := renderMessage(m, as)
				valid(t, blocks, fallback)
				got, want := visible(read(t, blocks)), visible(text)
				if !strings.Contains(got, want) && countUnits(text) < maxFieldLength {
					t.Errorf("%q is read as %q", text, got)
				}
			}
		}
		blocks, fallback := renderReply(text)
		valid(t, blocks, fallback)
		if got := strings.ReplaceAll(visible(read(t, blocks)), "`", ""); !strings.Contains(got, strings.ReplaceAll(visible(text), "`", "")) && countUnits(text) < maxFieldLength {
			t.Errorf("the reply %q is read as %q", text, got)
		}
	}
}

// visible is what of a text can be seen: of what looks like a time, how it reads.
func visible(text string) string {
	return strings.Join(strings.Fields(cleanText(card.Plain(text))), "")
}

// typedTime is a time that a person has typed, and what only looks like one.
const typedTime = "a\U0010FE001772421120\U0010FE0204:12:00 CET\U0010FE03b\U0010FE01\U0010FE021772421120\U0010FE02<!channel>\U0010FE03 `\U0010FE00` \U0010FE03"

// hostileTexts returns text that breaks careless programs.
func hostileTexts() []string {
	return []string{
		"<!channel> <!here|x> <@U123> <#C1|general> <!subteam^S1|@sre> <https://evil.example|https://bank.example> <!date^1^{date}|x>",
		"*bold* _it_ ~no~ `code` ```block``` :tada: :+1: > quote\n&gt; quote\n>>> more", "&lt;!channel&gt; &amp;amp; & < >",
		"https://bank.example@evil.example/x https://bank.example:80@evil.example (https://a.example/b_(c)_d). https://. http://x/|y>",
		"[press](javascript:alert(1)) javascript:alert(1) mailto:a@b.example", "report\u202etxt.exe\u202c \u2066a\u2069", "a\x00b\x1b[31mred\x07\x7f",
		"a" + string([]byte{0xff, 0xfe, 0xc3, '(', 0xed, 0xa0, 0x80}) + "z", "שלום עולם، مرحبا (1) abc", "", " \n\t ", "–", "\u200b", typedTime, strings.Repeat(typedTime, 100), "🏴‍☠️ 👩‍👩‍👧‍👦 e\u0301 ﷽",
		strings.Repeat("https://a.example/ ", 500), strings.Repeat("\"\\\n", 3000), strings.Repeat("w", 10_000), strings.Repeat("🇪🇺é漢", 2500), strings.Repeat("&<>", 3000),
		strings.Repeat("`a b` ", 1500), "  a  b\n" + strings.Repeat("  one  two\n", 1500),
	}
}

// TestLongestIsKept: of a long post [maxTextLength] is shown.
func TestLongestIsKept(t *testing.T) {
	for _, text := range []string{strings.Repeat("0123 ", 2000), strings.Repeat("w", 10_000)} {
		blocks, _ := renderMessage(card.Content{Title: "Ana Silva", Text: text}, renderOptions{AsPost: true})
		if got := read(t, blocks); !strings.Contains(got, text[:maxTextLength-1]) || !strings.Contains(got, "…") {
			t.Errorf("of %d characters %d are read", len(text), len(got))
		}
	}
	for _, text := range []string{strings.Repeat("\"", 10_000), strings.Repeat("🇪🇺é漢", 2500), strings.Repeat("https://a.example ", 600), strings.Repeat("a\n", 5000)} {
		blocks, _ := renderMessage(card.Content{Title: "Ana Silva", Text: text}, renderOptions{AsPost: true})
		if got, want := visible(read(t, blocks)), visible(text); !strings.Contains(got, string([]rune(want)[:min(maxTextLength/3, len([]rune(want)))])) {
			t.Errorf("of %.20q… too little is read", text)
		}
	}
}

// TestTextIsWritten: the text that notifications show says what the message
// says, and is escaped.
func TestTextIsWritten(t *testing.T) {
	_, text := renderMessage(card.Content{Title: "INC-7 · <!here>", Text: "a & b", Fields: []card.Field{{Name: "Status", Value: "triage"}}, Sections: []card.Section{{Heading: "Firing", Lines: []string{"x"}}}}, renderOptions{})
	if want := "INC-7 · &lt;!here&gt;\na &amp; b\nStatus: triage\nFiring\nx"; text != want {
		t.Errorf("the text is %q, want %q", text, want)
	}
	if !slices.Equal(slacktest.Mentions(text), nil) {
		t.Error("the text mentions a user")
	}
}
