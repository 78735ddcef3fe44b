package slack

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// stampMarks are the characters between which a time stands in a text.
const stampMarks = "\U0010FE00\U0010FE01\U0010FE02\U0010FE03"

// TestTimesWhereTheyCannotBeDates: in plain text, in code, in tables and in the
// text of notifications a time reads as in the organization's zone.
func TestTimesWhereTheyCannotBeDates(t *testing.T) {
	s := card.Span{Text: "04:12:00 CET", At: start}.String()
	m := card.Content{
		Title: "Since " + s, Text: "Started " + s, Fields: []card.Field{{Name: s, Value: s}}, Footer: "rendered at " + s,
		Sections: []card.Section{{Heading: "At " + s, Lines: []string{"it is " + s}, Button: card.Button{Label: "Since " + s, Command: "retry INC-7"}}},
		Buttons:  []card.Button{{Label: "Until " + s, Command: "ack INC-7"}, {Label: "At " + s, URL: "https://wiki.example.com/x"}, {Label: s, URL: "javascript:x"}},
		More:     []card.Button{{Label: "At " + s, Command: "note INC-7"}},
	}
	reply := "  one  " + s + "\n  two  " + s
	for name, render := range map[string]func() ([]byte, string, int){
		"a card": func() ([]byte, string, int) {
			b, text := renderMessage(m, renderOptions{})
			valid(t, b, text)
			return marshal(t, b), text, 4
		},
		"a post": func() ([]byte, string, int) {
			b, text := renderMessage(m, renderOptions{AsPost: true})
			valid(t, b, text)
			return marshal(t, b), text, 5
		},
		"a table": func() ([]byte, string, int) {
			b, text := renderReply(reply)
			valid(t, b, text)
			return marshal(t, b), text, 0
		},
		"a reply": func() ([]byte, string, int) {
			b, text := renderReply("`ack` " + s + " `" + s + "`")
			valid(t, b, text)
			return marshal(t, b), text, 1
		},
		"a long title": func() ([]byte, string, int) {
			b, text := renderMessage(card.Content{Title: strings.Repeat("long ", 40) + s}, renderOptions{})
			valid(t, b, text)
			return marshal(t, b), text, 1
		},
	} {
		raw, text, want := render()
		if strings.ContainsAny(string(raw)+text, stampMarks) || !strings.Contains(text, "04:12:00 CET") {
			t.Errorf("%s: %s, text %q", name, raw, text)
		}
		if got := (slacktest.Message{Blocks: raw}).Dates(); len(got) != want {
			t.Errorf("%s shows %d dates, want %d: %s", name, len(got), want, raw)
		}
	}
}

// TestManyTimes: those that Slack does not show are read all the same.
func TestManyTimes(t *testing.T) {
	s := card.Span{Text: "04:12:00 CET", At: start}.String()
	blocks, text := renderMessage(card.Content{Title: "ana", Text: strings.Repeat(s+"\n", 300)}, renderOptions{AsPost: true})
	valid(t, blocks, text)
	m := slacktest.Message{Blocks: marshal(t, blocks)}
	if n := len(m.Dates()); n != maxDates {
		t.Errorf("%d dates, want %d", n, maxDates)
	}
	if n := strings.Count(m.Plain(), "04:12:00 CET"); n != 300 {
		t.Errorf("%d of 300 times are read", n)
	}
}

// TestClip: a text with times is cut to what people read of it, and no time in
// two.
func TestClip(t *testing.T) {
	s := card.Span{Text: "04:12:00 CET", At: start}.String()
	for _, c := range []struct {
		text  string
		limit int
		want  string
	}{
		{"by Ana, " + s, 20, "by Ana, " + s},
		{"by Ana, " + s, 19, "by Ana, …"},
		{s + ", by Ana", 20, s + ", by Ana"},
		{s + ", by Ana", 19, s + ", by A…"},
		{s + s, 13, s + "…"},
		{"abc", 3, "abc"},
		{"abcd", 3, "ab…"},
		{"é漢😀x", 4, "é漢…"},
	} {
		got, cut := clip(c.text, c.limit)
		if got != c.want || cut != (got != c.text) {
			t.Errorf("%q cut to %d is %q (%v), want %q", c.text, c.limit, got, cut, c.want)
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		text, limit := anyText().Draw(t, "text")+s+anyText().Draw(t, "more"), rapid.IntRange(1, 200).Draw(t, "limit")
		got, cut := clip(text, limit)
		if n := countVisible(got); n > limit || !cut && got != text {
			t.Fatalf("%q cut to %d has %d: %q (%v)", text, limit, n, got, cut)
		}
		if rest := strings.TrimSuffix(card.Plain(got), "…"); !strings.HasPrefix(card.Plain(text), rest) {
			t.Fatalf("%q is cut to %q", text, got)
		}
	})
}

// TestTypedTimes: a person who types the characters of a stamp has typed a time, or
// nothing.
func TestTypedTimes(t *testing.T) {
	i := incident(workflow.Investigating, true)
	i.Title, i.Description, i.Acknowledgement.Name = "Down since "+typedTime, typedTime, typedTime
	blocks, text := renderMessage(card.Card(i, roomy()), ownHosts())
	valid(t, blocks, text)
	m := slacktest.Message{Text: text, Blocks: marshal(t, blocks)}
	if strings.ContainsAny(string(m.Blocks)+text, stampMarks) || !strings.Contains(m.Plain(), "Down since a04:12:00 CETb1772421120<!channel> ``\n") {
		t.Errorf("it reads %s", m.Plain())
	}
	got := m.Dates()
	if !slices.ContainsFunc(got, func(d slacktest.Date) bool { return d.At.Equal(i.Acknowledgement.At) }) {
		t.Errorf("the time of the acknowledgement is lost: %+v", got)
	}
}
