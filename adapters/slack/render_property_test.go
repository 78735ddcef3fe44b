package slack

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/adapters/slack/slacktest"
	"tocsin/bot/card"
	"tocsin/commands"
	"tocsin/workflow"
)

// anyText generates texts: markup, mentions, links disguised as others, long ones, empty
// ones, and such as run from right to left.
func anyText() *rapid.Generator[string] {
	piece := rapid.OneOf(rapid.SampledFrom(hostileTexts()), rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("*_~`<>&|!@#:/\\\"'()[]{}^$. \n-+aZ0é漢\u202e\U0001F3F4\U0010FE00\U0010FE01\U0010FE02\U0010FE03"))))
	return rapid.Custom(func(t *rapid.T) string {
		return strings.Repeat(strings.Join(rapid.SliceOfN(piece, 0, 3).Draw(t, "pieces"), ""), rapid.SampledFrom([]int{1, 1, 1, 50}).Draw(t, "times"))
	})
}

func anyAction() *rapid.Generator[card.Button] {
	return rapid.Custom(func(t *rapid.T) card.Button {
		text := anyText()
		return card.Button{
			Label: text.Draw(t, "label"), Command: rapid.OneOf(rapid.Just(""), rapid.Just("ack INC-7 --seen 12"), text).Draw(t, "command"),
			URL: rapid.OneOf(rapid.Just(""), rapid.Just("https://wiki.example.com/x"), text).Draw(t, "url"), Main: rapid.Bool().Draw(t, "main"),
		}
	})
}

func anyMessage() *rapid.Generator[card.Content] {
	return rapid.Custom(func(t *rapid.T) card.Content {
		text, actions := anyText(), rapid.SliceOfN(anyAction(), 0, 30)
		m := card.Content{
			Title: text.Draw(t, "title"), Text: text.Draw(t, "text"), Buttons: actions.Draw(t, "actions"), More: actions.Draw(t, "more"),
			Footer: rapid.OneOf(rapid.Just("https://tocsin.example.com/incidents/INC-7"), text).Draw(t, "footer"),
		}
		for range rapid.IntRange(0, 30).Draw(t, "fields") {
			m.Fields = append(m.Fields, card.Field{Name: text.Draw(t, "name"), Value: text.Draw(t, "value")})
		}
		for range rapid.SampledFrom([]int{0, 1, 5, 60}).Draw(t, "sections") {
			s := card.Section{Heading: text.Draw(t, "heading"), Button: anyAction().Draw(t, "action")}
			tasks := rapid.SampledFrom([]int{0, 1, 2, 200}).Draw(t, "lines")
			one := text.Draw(t, "line")
			for range tasks {
				s.Lines = append(s.Lines, one)
			}
			m.Sections = append(m.Sections, s)
		}
		return m
	})
}

// TestAnyMessage: Slack accepts every message, and no text of a person notifies anyone.
func TestAnyMessage(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := renderOptions{AsPost: rapid.Bool().Draw(t, "as a line"), OwnHosts: []string{"tocsin.example.com"}, MoreURL: anyText().Draw(t, "rest")}
		blocks, text := renderMessage(anyMessage().Draw(t, "message"), o)
		valid(t, blocks, text)
		blocks, text = renderReply(anyText().Draw(t, "reply"))
		valid(t, blocks, text)
	})
}

// TestAnyTextIsRead: a text that is short enough is read as it was written.
func TestAnyTextIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := anyText().Filter(func(s string) bool { return countUnits(cleanText(s)) < maxSummaryLength/2 }).Draw(t, "text")
		for _, o := range []renderOptions{{}, {AsPost: true}} {
			blocks, _ := renderMessage(card.Content{Title: "Ana Silva", Text: text}, o)
			if got, want := visible(read(t, blocks)), visible(text); !strings.Contains(got, want) {
				t.Fatalf("%q is read as %q", text, got)
			}
		}
	})
}

// TestAnyForm: Slack accepts every form, whatever its choices and values.
func TestAnyForm(t *testing.T) {
	var forms []commands.Spec
	for _, w := range commands.New() {
		if len(w.Form) > 0 {
			forms = append(forms, w)
		}
	}
	choice := rapid.Custom(func(t *rapid.T) commands.Choice {
		return commands.Choice{Value: anyText().Draw(t, "value"), Label: anyText().Draw(t, "label")}
	})
	rapid.Check(t, func(t *rapid.T) {
		w := rapid.SampledFrom(forms).Draw(t, "word")
		choices := rapid.OneOf(rapid.SliceOfN(choice, 0, 8), rapid.Just(manyChoices(""))).Draw(t, "choices")
		d := FormData{
			FormOrigin: FormOrigin{Incident: rapid.OneOf(rapid.Just("INC-7"), anyText()).Draw(t, "incident"), Command: anyText().Draw(t, "command"), ResponseURL: anyText().Draw(t, "respond")},
			Choices:    func(commands.FieldKind) []commands.Choice { return choices }, Values: map[string][]string{},
		}
		for _, f := range w.Form {
			d.Values[f.Name] = rapid.SliceOfN(anyText(), 0, 3).Draw(t, f.Name)
		}
		validView(t, FormView(w, d))
		validView(t, LoadingView(w, d))
		if n := len(matchingOptions(choices, anyText().Draw(t, "query"))); n > maxOptions {
			t.Errorf("%d suggestions", n)
		}
	})
}

// TestAnyHome: Slack accepts every Home tab, whatever the incidents are called, and no one
// is notified.
func TestAnyHome(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := HomeData{Guest: rapid.Bool().Draw(t, "guest"), URL: rapid.OneOf(rapid.Just("https://tocsin.example.com"), anyText()).Draw(t, "url")}
		for n := range rapid.IntRange(0, 40).Draw(t, "incidents") {
			i := incident(workflow.Triage, rapid.Bool().Draw(t, "acknowledged"))
			i.Number, i.Title, i.Acknowledgement.Name, i.Services = n, anyText().Draw(t, "title"), anyText().Draw(t, "who"), []string{anyText().Draw(t, "service")}
			i.Rooms[0].ID = rapid.OneOf(rapid.Just("C024BE7LR"), anyText()).Draw(t, "room")
			if rapid.Bool().Draw(t, "yours") {
				h.Yours = append(h.Yours, i)
			} else {
				h.Others = append(h.Others, i)
			}
		}
		h.MoreYours, h.MoreOthers = rapid.IntRange(0, 1e9).Draw(t, "more yours"), rapid.IntRange(0, 1e9).Draw(t, "more others")
		v := HomeView(h)
		validView(t, v)
		if notified := (slacktest.Message{Blocks: marshal(t, v.Blocks)}).Notifies(); len(notified) > 0 {
			t.Errorf("it notifies %q", notified)
		}
	})
}
