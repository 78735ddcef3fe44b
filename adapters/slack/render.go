package slack

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"tocsin/bot/card"
)

// renderOptions says how a message is rendered.
type renderOptions struct {
	AsPost   bool     // as a person's message in a chat: the title stands beside the text
	OwnHosts []string // hosts whose links need not show where they lead: the organization's and the workspace's
	MoreURL  string   // of the page that shows what was cut; "": the footer
}

// How long the parts of a card may be, so that one long text does not push the others
// out of sight. For a person's message it is [maxTextLength].
const (
	maxFieldLength   = 400
	maxFieldsLength  = 4000
	maxSummaryLength = 2000
	maxPartLength    = 1200
	maxLineLength    = 1100

	// noticeSize is kept free for a builder's notice, and the commas between blocks.
	noticeSize = 700
)

// renderMessage renders a message as Slack's blocks. They keep every limit, whatever
// the message says: what does not fit is cut, and a notice says where the rest is.
// The text is for notifications and screen readers; it is escaped.
//
// A button's action_id is "do:<n>", and its value the command line. The menu's is
// "do:more", and the values of its options are command lines. A link's is "open:<n>".
func renderMessage(m card.Content, o renderOptions) (blocks []slack.Block, text string) {
	s := &builder{renderOptions: o, rest: cmp.Or(o.MoreURL, m.Footer), spare: maxBlocksSize - noticeSize}
	end := s.ending(m)
	for _, b := range end {
		s.spare -= sizeOf(b)
	}
	if o.AsPost {
		s.addPost(m)
	} else {
		s.addTitle(m.Title)
		s.addFields(m.Fields)
		s.addSummary(m.Text)
	}
	for n := range m.Sections {
		s.addSection(m.Sections[n])
	}
	if len(s.blocks) == 0 && len(end) == 0 {
		s.add(rich(span{text: "–"}))
	}
	return slices.Concat(s.blocks, s.notice(), end), fallback(m)
}

// builder builds the blocks of a message within the limits.
type builder struct {
	renderOptions
	rest    string
	blocks  []slack.Block
	spare   int // of maxBlocksSize
	buttons int // so far
	omitted int // blocks and fields that did not fit
	cut     bool
}

// add adds a block if there is room for it.
func (s *builder) add(b slack.Block) {
	const last = 4 // the notice, buttons, links as text, and the footer
	if b == nil {
		return
	}
	w := sizeOf(b)
	if w > s.spare || len(s.blocks) >= maxBlocks-last {
		s.omitted++
		return
	}
	s.blocks, s.spare = append(s.blocks, b), s.spare-w
}

// cutTo cuts a text that is longer than it may be, and remembers that it did.
func (s *builder) cutTo(text string, limit int) string {
	text, cut := clip(text, limit)
	s.cut = s.cut || cut
	return text
}

// addTitle adds the title: as a header if it fits into one, else as bold text.
func (s *builder) addTitle(text string) {
	text = cleanLine(text)
	if countVisible(text) > maxHeaderLength {
		s.add(rich(bold(s.cutTo(text, maxLineLength))))
	} else if text != "" {
		s.add(slack.NewHeaderBlock(plain(text, maxHeaderLength)))
	}
}

// addText adds a text, and cuts it until there is room for it.
func (s *builder) addText(text string, limit int, show func(string) slack.Block) {
	const least = 40
	for limit = min(limit, s.spare); limit >= least; limit -= limit / 8 {
		shown, cut := clip(text, limit)
		if b := show(shown); b == nil || sizeOf(b) <= s.spare {
			s.cut = s.cut || cut
			s.add(b)
			return
		}
	}
	s.omitted++
}

// addFields adds the fields one below the other, as they are shown on a telephone.
// The fields of a section block are not used: they cannot show a bold name beside a
// value without markup.
func (s *builder) addFields(all []card.Field) {
	var spans []span
	spare := maxFieldsLength
	for n, f := range all {
		name, value := truncate(cleanLine(f.Name), maxLabelLength), s.cutTo(cleanLine(f.Value), maxFieldLength)
		if spare -= countVisible(name + value); spare < 0 {
			s.omitted += len(all) - n
			break
		}
		if n > 0 {
			spans = append(spans, span{text: "\n"})
		}
		spans = append(spans, bold(name), span{text: "  "})
		spans = append(spans, linkSpans(value)...)
	}
	s.add(rich(spans...))
}

// addSummary adds the text of a card.
func (s *builder) addSummary(text string) {
	s.addText(cleanText(text), maxSummaryLength, func(text string) slack.Block { return rich(linkSpans(text)...) })
}

// addPost adds a person's message: the name, then the text.
func (s *builder) addPost(m card.Content) {
	who, what := s.cutTo(cleanLine(m.Title), maxLineLength), cleanText(m.Text)
	between := "  "
	switch {
	case who == "" || what == "":
		between = ""
	case strings.Contains(what, "\n"):
		between = "\n"
	}
	s.addText(what, maxTextLength, func(text string) slack.Block {
		return rich(append([]span{bold(who), {text: between}}, linkSpans(text)...)...)
	})
	s.addFields(m.Fields)
}

// addSection adds as much of a section as fits, and says how much does not.
func (s *builder) addSection(c card.Section) {
	heading, body := truncate(cleanLine(c.Heading), maxLabelLength), s.joinLines(c.Lines)
	if host(c.Link) != "" && len(c.Link) <= maxURLLength { // a link stands in rich text only, and a button not beside that
		s.addText(strings.TrimRight("\n"+body, "\n"), maxSectionLength, func(text string) slack.Block {
			return rich(append([]span{{text: heading, bold: true, url: c.Link}}, linkSpans(text)...)...)
		})
		if b := s.button(c.Button); b != nil {
			s.add(slack.NewActionBlock("", b))
		}
		return
	}
	if b := s.button(c.Button); b != nil { // a button stands beside plain text
		s.add(slack.NewSectionBlock(plainLines(heading+"\n"+body), nil, slack.NewAccessory(b)))
		return
	}
	if body != "" && heading != "" {
		body = "\n" + body
	}
	s.addText(body, maxSectionLength, func(text string) slack.Block {
		return rich(append([]span{bold(heading)}, linkSpans(text)...)...)
	})
}

// joinLines joins as many lines as one section may have.
func (s *builder) joinLines(all []string) string {
	var shown []string
	spare := maxPartLength
	for n, text := range all {
		text = s.cutTo(cleanText(text), maxLineLength)
		if spare -= countVisible(text) + 1; spare < 0 {
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
	return slack.NewTextBlockObject(slack.PlainTextType, truncate(cmp.Or(cleanText(card.Plain(text)), "–"), maxSectionLength), false, false)
}

// notice says that something was cut, and where it can be read; nil when nothing was.
func (s *builder) notice() []slack.Block {
	var text string
	switch {
	case s.omitted > 0:
		text = fmt.Sprintf("… and %d more", s.omitted)
	case s.cut:
		text = "… cut to fit"
	default:
		return nil
	}
	if to := link(s.rest); to != "" && countUnits(to) < noticeSize/2 {
		return []slack.Block{slack.NewContextBlock("", markup(text+": open it in the browser, "+to))}
	}
	return []slack.Block{slack.NewContextBlock("", markup(text+": the browser has the rest."))}
}

// fallback returns the message as one text, as far as there is room for it.
func fallback(m card.Content) string {
	all := []string{cleanLine(m.Title), cleanText(m.Text)}
	spare := maxFallbackLength
	add := func(text string) {
		all = append(all, text)
		spare -= len(text)
	}
	for _, f := range m.Fields {
		add(cleanLine(f.Name) + ": " + cleanLine(f.Value))
	}
	for _, s := range m.Sections {
		for _, text := range append([]string{s.Heading}, s.Lines...) {
			if spare > 0 {
				add(cleanText(text))
			}
		}
	}
	return fallbackText(strings.Join(slices.DeleteFunc(all, func(text string) bool { return text == "" }), "\n"))
}

// fallbackText escapes a text, and cuts it to the recommended length.
func fallbackText(text string) string {
	text = strings.TrimSpace(card.Plain(text))
	for limit := maxFallbackLength; ; limit -= maxFallbackLength / 8 { // an escaped character is up to five
		if escaped := escape(truncate(text, limit)); countUnits(escaped) <= maxFallbackLength {
			return cmp.Or(escaped, "–")
		}
	}
}
