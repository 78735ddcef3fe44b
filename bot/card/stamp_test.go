package card_test

import (
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tocsin/bot/card"
	"tocsin/workflow"
)

// marks are the characters that stamps stand between.
const marks = "\U0010FE00\U0010FE01\U0010FE02\U0010FE03"

// messages renders every kind of message about the incidents of these tests in
// a view.
func messages(t *testing.T, v card.View) []card.Content {
	t.Helper()
	var all []card.Content
	add := func(text string) { all = append(all, card.Content{Text: text}) }
	for _, s := range workflow.Statuses() {
		i := incident(s)
		i.Promises.MissedUpdate = start
		a := card.PageRequest{Incident: i, Purpose: workflow.PurposeEscalation}
		all = append(all, card.Card(i, v), card.Announcement(i, workflow.Room{}, v), card.Page(a, v), card.Bundle([]card.PageRequest{a, a}, v), card.OverdueUpdates([]workflow.Incident{i}, v))
		add(card.Timers(i, v))
		add(card.Row(i, v))
	}
	all = append(all, card.AuditReport(card.AuditDay{Since: start}, v))
	for _, s := range []workflow.DeliveryState{workflow.DeliveryPlanned, workflow.DeliveryAccepted, workflow.DeliveryFailed} {
		add(card.Deliveries("INC-7", []workflow.Delivery{{PageState: workflow.PageState{Name: "Ana Silva", Via: "email", State: s, Due: start}, AskedAt: start, DoneAt: start}}, v))
	}
	raw, err := os.ReadFile("../../workflow/testdata/recorded/events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(raw)) {
		e, err := workflow.DecodeEvent([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, card.Post([]workflow.Event{e}, v))
		add(card.Reply(incident(workflow.Triage), []workflow.Event{e}, v))
	}
	return all
}

// TestStamps: the text is the same with and without stamps, and reads well with a time
// of day and with a day ("today 14:30" in Slack).
func TestStamps(t *testing.T) {
	bare, marked := view(), view()
	marked.Stamps = true
	without, with := messages(t, bare), messages(t, marked)
	stamps := 0
	for n := range without {
		a, b := written(t, without[n]), written(t, with[n])
		if strings.ContainsAny(a, marks) {
			t.Errorf("stamps in a view that did not ask for them: %q", a)
		}
		if card.Plain(b) != a {
			t.Errorf("with stamps it says %q, without %q", card.Plain(b), a)
		}
		if text := card.Text(with[n]); text != card.Text(without[n]) {
			t.Errorf("as plain text: %q", text)
		}
		before := ""
		for _, p := range card.ParseSpans(b) {
			if !p.At.IsZero() {
				stamps++
			}
			if !p.At.IsZero() && (strings.HasSuffix(before, " at ") || strings.HasSuffix(before, " on ")) {
				t.Errorf("a platform that shows a day as \"today\" says %q", before+"today 14:30")
			}
			before = p.Text
		}
	}
	if stamps < 50 {
		t.Errorf("%d stamps in %d messages", stamps, len(with))
	}
}

func written(t *testing.T, m card.Content) string {
	t.Helper()
	raw, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// TestStampOfCard: a stamp in a card holds the instant and its time in the
// organization's zone.
func TestStampOfCard(t *testing.T) {
	v := view()
	v.Stamps = true
	var found []string
	for _, f := range card.Card(incident(workflow.Investigating), v).Fields {
		for _, p := range card.ParseSpans(f.Value) {
			if !p.At.IsZero() {
				found = append(found, fmt.Sprintf("%s: %s, day %v, %q", f.Name, p.At.Format(time.RFC3339), p.Day, p.Text))
			}
		}
	}
	want := `Acknowledged: 2026-03-02T03:12:30Z, day true, "2 Mar 04:12 CET"; Started: 2026-03-02T03:12:00Z, day true, "2 Mar 04:12 CET"`
	if got := strings.Join(found, "; "); got != want {
		t.Errorf("stamps %s, want %s", got, want)
	}
}

// TestNoStamp: a time that no stamp can hold is written as text.
func TestNoStamp(t *testing.T) {
	for name, v := range map[string]card.View{
		"a zone of an odd name": {Stamps: true, Zone: time.FixedZone("où <b>", 0)},
		"a long name":           {Stamps: true, Zone: time.FixedZone(strings.Repeat("a", 40), 0)},
	} {
		if text := written(t, card.Card(incident(workflow.Investigating), v)); strings.ContainsAny(text, marks) || !strings.Contains(text, "2 Mar 03:12 ") {
			t.Errorf("%s: %s", name, text)
		}
	}
	i := incident(workflow.Investigating)
	i.DeclaredAt = time.Date(1969, 7, 20, 20, 17, 0, 0, time.UTC)
	i.Acknowledgement.At = time.Time{}
	v := view()
	v.Stamps = true
	for _, f := range card.Card(i, v).Fields {
		if strings.ContainsAny(f.Value, marks) {
			t.Errorf("%s is stamped: %q", f.Name, f.Value)
		}
	}
}

// TestParseSpans: whole stamps are found in typed text, and a malformed stamp
// is words.
func TestParseSpans(t *testing.T) {
	at := time.Unix(1_772_421_120, 0).UTC()
	clock, day := card.Span{Text: "04:12 CET", At: at}, card.Span{Text: "2 Mar 04:12 CET", At: at, Day: true}
	for text, want := range map[string][]card.Span{
		"":                                    nil,
		"nothing":                             {{Text: "nothing"}},
		clock.String():                        {clock},
		"by Ana, " + clock.String():           {{Text: "by Ana, "}, clock},
		day.String() + clock.String() + "!":   {day, clock, {Text: "!"}},
		"\U0010FE00" + clock.String():         {clock},
		"\U0010FE0017724211" + clock.String(): {{Text: "17724211"}, clock},
		"\U0010FE00" + "1772421120\U0010FE02" + day.String():                          {{Text: "1772421120"}, day},
		"\U0010FE001772421120\U0010FE02<b>\U0010FE03":                                 {{Text: "1772421120<b>"}},
		"\U0010FE000772421120\U0010FE02x\U0010FE03":                                   {{Text: "0772421120x"}},
		"\U0010FE001772421120\U0010FE02\U0010FE03":                                    {{Text: "1772421120"}},
		"\U0010FE001772421120\U0010FE02" + strings.Repeat("x", 41) + "\U0010FE03":     {{Text: "1772421120" + strings.Repeat("x", 41)}},
		"\U0010FE001772421120\U0010FE02a\nb\U0010FE03":                                {{Text: "1772421120a\nb"}},
		"\U0010FE03\U0010FE02\U0010FE01\U0010FE00":                                    nil,
		clock.String()[:len(clock.String())-2]:                                        {{Text: "177242112004:12 CET"}}, // cut within a character
		strings.TrimSuffix(clock.String(), "\U0010FE03") + "…" + clock.String() + ".": {{Text: "177242112004:12 CET…"}, clock, {Text: "."}},
	} {
		got := card.ParseSpans(strings.ToValidUTF8(text, ""))
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%+q is %+q, want %+q", text, got, want)
		}
	}
}

// TestAnySpans: splitting a text loses nothing but the delimiters of
// malformed stamps, and joining the spans again changes nothing more.
func TestAnySpans(t *testing.T) {
	stamp := rapid.Custom(func(t *rapid.T) string {
		return card.Span{
			Text: rapid.SampledFrom([]string{"04:12 CET", "x", "", "a\nb", "<!channel>"}).Draw(t, "reads"),
			At:   time.Unix(rapid.Int64Range(-1, 1<<40).Draw(t, "unix"), 0), Day: rapid.Bool().Draw(t, "day"),
		}.String()
	})
	part := rapid.OneOf(stamp, rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune(marks+"0123456789: \n"))))
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(part).Draw(t, "spans"), "")
		spans := card.ParseSpans(text)
		var plain, again strings.Builder
		for _, p := range spans {
			plain.WriteString(p.Text)
			again.WriteString(p.String())
			if p.Text == "" || strings.ContainsAny(p.Text, marks) {
				t.Fatalf("span %+q", p)
			}
		}
		if plain.String() != card.Plain(text) {
			t.Fatalf("%+q reads %+q, and in spans %+q", text, card.Plain(text), plain.String())
		}
		if got := card.ParseSpans(again.String()); fmt.Sprint(got) != fmt.Sprint(spans) {
			t.Fatalf("joined again: %+q, want %+q", got, spans)
		}
	})
}
