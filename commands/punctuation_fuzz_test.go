package commands_test

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"tocsin/commands"
	"tocsin/workflow"
)

// What the properties below look for, written apart from the parser.
const (
	anyDash  = `[-‐‑‒–—―−﹘﹣－ー⁃]`
	anyQuote = "\"“”„‟＂〝〞«»"
)

// FuzzTitle: a line with a dash before the name of a flag is refused, or the flag is read; the
// title does not contain it, and an incident that may be meant to be private never becomes
// public (C1: what looks like a flag is one or is refused).
func FuzzTitle(f *testing.F) {
	names := []string{"private", "sev 1", "impact high", "urgency low", "service db", "drill", "proactive", "category network", "detected 20m"}
	for n, dash := range dashes() {
		f.Add("Data leak", dash, byte(n), "")
		f.Add("Checkout — slow", dash, byte(0), "in EU")
		f.Add("", dash, byte(n), "\u00a0“Payments fail”")
		f.Add("`Login", dash, byte(0), "is down`")
	}
	f.Add("Leak", "— ", byte(0), ".")
	f.Add("Leak --description 'it", "—", byte(0), "is'")
	f.Add("Leak 🔥", "\u200d—", byte(0), ",")
	catalog := commands.New()
	apart := regexp.MustCompile(`(?i)(^|[^\pL\pN])` + anyDash + `+\s*private($|[^\pL\pN_-])`)
	f.Fuzz(func(t *testing.T, before, dash string, n byte, after string) {
		name := names[int(n)%len(names)]
		line := "declare " + before + " " + dash + name + " " + after
		call, err := catalog.Parse(line, testContext(""))
		d, ok := call.Command.(workflow.Declare)
		if err != nil || !ok || strings.ContainsAny(line, anyQuote) || strings.Contains(line, "-- ") { // quotes and -- say that it is text
			return
		}
		title, _ := workflow.CleanLine(d.Title, 1000)
		if !d.Private && apart.MatchString(title) && !strings.Contains(title, "…") {
			t.Errorf("%q is public: %q", line, title)
		}
		word, _, _ := strings.Cut(name, " ")
		isDash := dash != "" && regexp.MustCompile("^"+anyDash+"+$").MatchString(dash)
		if isDash && regexp.MustCompile(`(^|\s)`+dash+word+`($|\s)`).MatchString(title) {
			t.Errorf("%q has %q in its title %q", line, word, title)
		}
		if isDash && word == "private" && !d.Private {
			t.Errorf("%q is public", line)
		}
	})
}

// FuzzProse: the text of a note and of an update arrives byte for byte, and output of another
// program that is pasted into it sets nothing, above all no audience (C2: pasted text is kept as
// it is).
func FuzzProse(f *testing.F) {
	for _, text := range pasted() {
		f.Add(text)
	}
	for _, dash := range dashes() {
		f.Add("done " + dash + "to public")
		f.Add("a\n\tb  c " + dash + "next 30m")
	}
	catalog := commands.New()
	leading := regexp.MustCompile(`^[^\pL\pN]*` + `\pL`)
	f.Fuzz(func(t *testing.T, text string) {
		if !utf8.ValidString(text) || len(text) > 10_000 {
			return
		}
		text = strings.TrimSpace(text)
		mayBeFlag := leading.FindString(text) != "" && strings.IndexFunc(text, isLetter) > 0 // it begins with a sign, then a letter
		call, err := catalog.Parse("update INC-7 "+text, testContext(""))
		if c, ok := call.Command.(workflow.PostUpdate); err == nil && ok {
			if c.Audience != "" && !mayBeFlag {
				t.Errorf("%q sets the audience %q", text, c.Audience)
			}
			if !strings.Contains(text, c.Text) {
				t.Errorf("%q is kept as %q", text, c.Text)
			}
		}
		call, err = catalog.Parse("note INC-7 "+text, testContext(""))
		switch c, ok := call.Command.(workflow.AddNote); {
		case text == "" || mayBeFlag || strings.ContainsAny(firstRune(text), anyQuote+"`") || strings.Contains(commands.Fold(text), "pin"):
		case err != nil || !ok:
			t.Errorf("%q is refused: %v", text, err)
		case c.Text != text:
			t.Errorf("%q is kept as %q", text, c.Text)
		}
	})
}

func isLetter(r rune) bool { return regexp.MustCompile(`\pL`).MatchString(string(r)) }

func firstRune(text string) string {
	_, size := utf8.DecodeRuneInString(text)
	return text[:size]
}
