// Package slack is the room where people already are: incidents get channels,
// and what people read and press there is made here.
package slack

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"tocsin/bot/card"
)

// look is how a message is to be shown.
type look struct {
	Line bool     // as somebody saying something: no title above, no form
	Ours []string // hosts whose links need not say where they lead: our own, and the workspace's
	Rest string   // where the rest of what is cut can be read; "": where the footer leads
}

// How much of a card one part may take, so that one long text pushes no other
// out of sight. What people say has [longest] for itself.
const (
	longField   = 400
	longFields  = 4000
	longSummary = 2000
	longPart    = 1200
	longLine    = 1100

	// noticeWeight is kept free for [sheet.notice], and what joins blocks.
	noticeWeight = 700
)

// renderMessage makes a message of ours one of Slack's. The blocks hold every
// limit, whatever the message says: what does not fit is cut, and the reader is
// told where the rest is. The text is what notifications show and what screen
// readers say; it is escaped.
//
// A button's action_id is "do:<n>" and its value the command line; so is the
// menu's, "do:more", and the value of each of its options. That of a link is
// "open:<n>".
func renderMessage(m card.Content, o look) (blocks []slack.Block, text string) {
	s := &sheet{look: o, rest: cmp.Or(o.Rest, m.Footer), spare: longBlocks - noticeWeight}
	end := s.ending(m)
	for _, b := range end {
		s.spare -= weight(b)
	}
	if o.Line {
		s.say(m)
	} else {
		s.title(m.Title)
		s.fields(m.Fields)
		s.text(m.Text)
	}
	for n := range m.Sections {
		s.section(m.Sections[n])
	}
	if len(s.blocks) == 0 && len(end) == 0 {
		s.put(rich(span{text: "–"}))
	}
	return slices.Concat(s.blocks, s.notice(), end), fallback(m)
}

// A sheet is a message being written, and what room is left on it.
type sheet struct {
	look
	rest    string
	blocks  []slack.Block
	spare   int // of longBlocks
	buttons int // so far
	left    int // things that did not fit
	cut     bool
}

// put writes a block if there is room for it.
func (s *sheet) put(b slack.Block) {
	const last = 4 // the notice, buttons, links as text, and the footer
	if b == nil {
		return
	}
	w := weight(b)
	if w > s.spare || len(s.blocks) >= mostBlocks-last {
		s.left++
		return
	}
	s.blocks, s.spare = append(s.blocks, b), s.spare-w
}

// fit cuts a text that is longer than it may be, and remembers it.
func (s *sheet) fit(text string, limit int) string {
	text, cut := clip(text, limit)
	s.cut = s.cut || cut
	return text
}

// title is a header if it fits into one; a longer one is shown whole.
func (s *sheet) title(text string) {
	text = line(text)
	if reads(text) > longHeader {
		s.put(rich(bold(s.fit(text, longLine))))
	} else if text != "" {
		s.put(slack.NewHeaderBlock(plain(text, longHeader)))
	}
}

// write shows a text, and cuts it until there is room for it.
func (s *sheet) write(text string, limit int, show func(string) slack.Block) {
	const least = 40
	for limit = min(limit, s.spare); limit >= least; limit -= limit / 8 {
		shown, cut := clip(text, limit)
		if b := show(shown); b == nil || weight(b) <= s.spare {
			s.cut = s.cut || cut
			s.put(b)
			return
		}
	}
	s.left++
}

// fields stand one below the other, as they do on a telephone: what a section
// calls fields cannot have a bold name beside a value without markup.
func (s *sheet) fields(all []card.Field) {
	var spans []span
	spare := longFields
	for n, f := range all {
		name, value := short(line(f.Name), longLabel), s.fit(line(f.Value), longField)
		if spare -= reads(name + value); spare < 0 {
			s.left += len(all) - n
			break
		}
		if n > 0 {
			spans = append(spans, span{text: "\n"})
		}
		spans = append(spans, bold(name), span{text: "  "})
		spans = append(spans, linked(value)...)
	}
	s.put(rich(spans...))
}

func (s *sheet) text(text string) {
	s.write(lines(text), longSummary, func(text string) slack.Block { return rich(linked(text)...) })
}

// say shows who said what, as people write in a chat.
func (s *sheet) say(m card.Content) {
	who, what := s.fit(line(m.Title), longLine), lines(m.Text)
	between := "  "
	switch {
	case who == "" || what == "":
		between = ""
	case strings.Contains(what, "\n"):
		between = "\n"
	}
	s.write(what, longest, func(text string) slack.Block {
		return rich(append([]span{bold(who), {text: between}}, linked(text)...)...)
	})
	s.fields(m.Fields)
}

// section shows what fits of a section, and how much does not.
func (s *sheet) section(c card.Section) {
	heading, body := short(line(c.Heading), longLabel), s.body(c.Lines)
	if b := s.button(c.Button); b != nil { // a button stands beside plain text
		s.put(slack.NewSectionBlock(plainLines(heading+"\n"+body), nil, slack.NewAccessory(b)))
		return
	}
	if body != "" && heading != "" {
		body = "\n" + body
	}
	s.write(body, longSection, func(text string) slack.Block {
		return rich(append([]span{bold(heading)}, linked(text)...)...)
	})
}

// body joins as many lines as one section may have.
func (s *sheet) body(all []string) string {
	var shown []string
	spare := longPart
	for n, text := range all {
		text = s.fit(lines(text), longLine)
		if spare -= reads(text) + 1; spare < 0 {
			s.cut = true
			shown = append(shown, fmt.Sprintf("and %d more", len(all)-n))
			break
		}
		shown = append(shown, text)
	}
	return strings.Join(shown, "\n")
}

// plainLines is [plain] with line breaks.
func plainLines(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, short(cmp.Or(lines(card.Plain(text)), "–"), longSection), false, false)
}

// notice says that something was cut, and where it can be read.
func (s *sheet) notice() []slack.Block {
	var said string
	switch {
	case s.left > 0:
		said = fmt.Sprintf("… and %d more", s.left)
	case s.cut:
		said = "… cut to fit"
	default:
		return nil
	}
	if to := link(s.rest); to != "" && units(to) < noticeWeight/2 {
		return []slack.Block{slack.NewContextBlock("", markup(said+": open it in the browser, "+to))}
	}
	return []slack.Block{slack.NewContextBlock("", markup(said+": the browser has the rest."))}
}

// fallback is the message as one text, as far as there is room for it.
func fallback(m card.Content) string {
	all := []string{line(m.Title), lines(m.Text)}
	spare := longText
	add := func(text string) {
		all = append(all, text)
		spare -= len(text)
	}
	for _, f := range m.Fields {
		add(line(f.Name) + ": " + line(f.Value))
	}
	for _, s := range m.Sections {
		for _, text := range append([]string{s.Heading}, s.Lines...) {
			if spare > 0 {
				add(lines(text))
			}
		}
	}
	return fallbackText(strings.Join(slices.DeleteFunc(all, func(text string) bool { return text == "" }), "\n"))
}

// fallbackText escapes a text and keeps it within what is recommended.
func fallbackText(text string) string {
	text = strings.TrimSpace(card.Plain(text))
	for limit := longText; ; limit -= longText / 8 { // an escaped character is up to five
		if escaped := escape(short(text, limit)); units(escaped) <= longText {
			return cmp.Or(escaped, "–")
		}
	}
}
