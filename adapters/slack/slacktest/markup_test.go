package slacktest_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"tocsin/adapters/slack/slacktest"
)

// Markup as a reader sees it: docs.slack.dev/messaging/formatting-message-text.
func TestRead(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"a &amp; b &lt;c&gt;", "a & b <c>"},
		{"<!channel> look", "@channel (notifies) look"},
		{"<!here|here>", "@here (notifies)"},
		{"<!subteam^S1|@sre>", "@S1 (notifies)"},
		{"&lt;!channel&gt;", "<!channel>"},
		{"<https://evil.example|https://good>", "https://good (link to https://evil.example)"},
		{"<https://a>", "https://a (link)"},
		{"<@U1>, <#C1|inc-1>", "@U1 (notifies), #inc-1"},
		{"*bold* _it_ ~no~ `code`", "bold it no code"},
		{"*_both_* and 2*3*4, snake_case_name", "both and 2*3*4, snake_case_name"},
		{"&gt; quoted\nplain", "| quoted\nplain"},
		{"<!date^1700000000^{date_num} {time}|then>", "2023-11-14 22:13"},
		{"<!date^1700000000^{time_secs}^https://a.example/|then>", "22:13:20 (link to https://a.example/)"},
		{"<!date^soon^{time}|then>", "(broken date)then"},
		{"5 < 6", "5 < 6"},
		{"an &amp;lt; that was escaped twice shows its entity &amp;x", "an &lt; that was escaped twice shows its entity &x"},
	} {
		if got := slacktest.Read(c.in); got != c.want {
			t.Errorf("Read(%q)\n got %q\nwant %q", c.in, got, c.want)
		}
	}
}

// Text that was escaped is read as it was written, and notifies no one.
func TestEscapedText(t *testing.T) {
	for _, hostile := range []string{
		"<!channel> <!everyone|x> <@U1> <!subteam^S1>", "<https://evil.example|https://bank.example>", "&lt;!here&gt; &amp;", "a < b > c & d",
	} {
		escaped := strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(hostile)
		if got := slacktest.Read(escaped); got != hostile {
			t.Errorf("read %q, want %q", got, hostile)
		}
		if got := slacktest.Mentions(escaped); len(got) != 0 {
			t.Errorf("%q notifies %q", escaped, got)
		}
		if len(slacktest.Mentions(hostile)) == 0 && strings.Contains(hostile, "<!") && !strings.Contains(hostile, "&lt;") {
			t.Errorf("unescaped, %q notifies no one", hostile)
		}
	}
}

// The plain text of a message has the texts of its blocks, and mentions count in both text and blocks.
func TestMessagePlainAndNotifies(t *testing.T) {
	m := slacktest.Message{
		Text: "<!here> INC-1",
		Blocks: json.RawMessage(`[{"type":"header","text":{"type":"plain_text","text":"*INC-1* <!channel>"}},
			{"type":"section","text":{"type":"mrkdwn","text":"by <@U1>"},"fields":[{"type":"mrkdwn","text":"*SEV1*"}]},
			{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"Ack"}}]}]`),
	}
	if got, want := m.Plain(), "*INC-1* <!channel>\nby @U1 (notifies)\nSEV1\nAck"; got != want {
		t.Errorf("plain %q, want %q", got, want)
	}
	if got := m.Notifies(); !slices.Equal(got, []string{"@here", "U1"}) {
		t.Errorf("notifies %q", got)
	}
}

// Each reader sees a date in their own zone, or else its fallback:
// docs.slack.dev/reference/block-kit/block-elements/date-element.
func TestDatesInZones(t *testing.T) {
	m := slacktest.Message{Blocks: json.RawMessage(`[{"type":"rich_text","elements":[{"type":"rich_text_section","elements":[
		{"type":"text","text":"Started "},{"type":"date","timestamp":1772421120,"format":"{date_num} {time_secs}","fallback":"2026-03-02 04:12:00 CET"},
		{"type":"text","text":", next by "},{"type":"date","timestamp":1772424720,"format":"{time}","url":"https://a.example/"}]}]}]`)}
	for name, c := range map[string]struct{ got, want string }{
		"no zone":  {m.Plain(), "Started 2026-03-02 04:12:00 CET, next by 04:12 (link to https://a.example/)"},
		"Tokyo":    {m.PlainIn(time.FixedZone("JST", 9*3600)), "Started 2026-03-02 12:12:00, next by 13:12 (link to https://a.example/)"},
		"New York": {m.PlainIn(time.FixedZone("EST", -5*3600)), "Started 2026-03-01 22:12:00, next by 23:12 (link to https://a.example/)"},
	} {
		if c.got != c.want {
			t.Errorf("in %s it reads %q, want %q", name, c.got, c.want)
		}
	}
	at := time.Date(2026, 3, 2, 3, 12, 0, 0, time.UTC)
	want := []slacktest.Date{{At: at, Format: "{date_num} {time_secs}", Fallback: "2026-03-02 04:12:00 CET"}, {At: at.Add(time.Hour), Format: "{time}"}}
	if got := m.Dates(); !slices.Equal(got, want) {
		t.Errorf("dates %+v, want %+v", got, want)
	}
}
