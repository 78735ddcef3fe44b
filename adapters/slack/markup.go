package slack

import (
	"cmp"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"tocsin/bot/card"
	"tocsin/workflow"
)

// What people wrote is shown in two kinds of text without markup:
// the text elements of rich text, in which bold, code and links are objects of
// their own (docs.slack.dev/reference/block-kit/blocks/rich-text-block), and
// plain text (docs.slack.dev/reference/block-kit/composition-objects/text-object).
// Nothing has to be escaped in them, so no escaping can be forgotten. Markup is used
// for Tocsin's own text alone, and for the text that notifications show.
//
// Times are stamps in a text ([card.ParseSpans]). In rich text each becomes an
// element, which Slack shows in the reader's zone; elsewhere it is shown in the
// organization's.

// plain returns a text object without markup, in which ":name:" does not become an
// emoji. It is never empty, because Slack refuses an empty one.
func plain(text string, limit int) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, truncate(cmp.Or(cleanLine(card.Plain(text)), "–"), limit), false, false)
}

// cleanLine makes a text safe to show on one line.
func cleanLine(text string) string {
	clean, _ := workflow.CleanLine(text, maxInputLength)
	return clean
}

// cleanText makes a text safe to show, with its line breaks.
func cleanText(text string) string {
	clean, _ := workflow.CleanText(text, 2*maxBlocksSize)
	return clean
}

// escape escapes the control characters of markup
// (docs.slack.dev/messaging/formatting-message-text, "Escaping text"). It is for the
// text of a message that has blocks, which notifications show: marks of emphasis
// have no effect there.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// A span is a piece of rich text. There may be stamps in its text.
type span struct {
	text string
	bold bool
	code bool
	url  string // that it links to; "": none
	room string // a channel's ID, shown as its name; the text is left out
}

// bold returns a bold span.
func bold(text string) span { return span{text: text, bold: true} }

// rich returns one block of spans without the empty ones; nil when all are empty.
func rich(spans ...span) slack.Block {
	if all := elements(spans); len(all) > 0 {
		return slack.NewRichTextBlock("", slack.NewRichTextSection(all...))
	}
	return nil
}

// preformatted returns a block that keeps the columns of a table.
func preformatted(text string) slack.Block {
	return slack.NewRichTextBlock("", &slack.RichTextPreformatted{
		Type: slack.RTEPreformatted, Elements: elements([]span{{text: card.Plain(text)}}),
	})
}

// elements returns the rich text elements of spans.
func elements(spans []span) []slack.RichTextSectionElement {
	var all []slack.RichTextSectionElement
	dates := 0
	for _, s := range joinSpans(spans) {
		var style *slack.RichTextSectionTextStyle
		if s.bold || s.code {
			style = &slack.RichTextSectionTextStyle{Bold: s.bold, Code: s.code}
		}
		switch {
		case s.room != "":
			all = append(all, slack.NewRichTextSectionChannelElement(s.room, style))
		case s.url != "" && s.text != "":
			all = append(all, slack.NewRichTextSectionLinkElement(s.url, card.Plain(s.text), style))
		case s.code: // a date has no such style
			all = append(all, texts(card.Plain(s.text), style)...)
		default:
			words := ""
			for _, p := range card.ParseSpans(s.text) {
				if p.At.IsZero() || dates == maxDates {
					words += p.Text
					continue
				}
				all = append(append(all, texts(words, style)...), date(p, style))
				words = ""
				dates++
			}
			all = append(all, texts(words, style)...)
		}
	}
	return all
}

// maxDates is how many times of one text become elements: each makes the message
// larger. Those after them are shown in the organization's zone.
const maxDates = 20

// texts returns the elements of a text. Their limit is not documented; that of text
// objects is kept.
func texts(text string, style *slack.RichTextSectionTextStyle) []slack.RichTextSectionElement {
	var all []slack.RichTextSectionElement
	for part := range slices.Chunk([]rune(text), maxSectionLength/2) {
		all = append(all, slack.NewRichTextSectionTextElement(string(part), style))
	}
	return all
}

// date returns the element of a time, which Slack shows in the reader's zone, with
// "today" and "yesterday" where the day is shown
// (docs.slack.dev/reference/block-kit/block-elements/date-element).
func date(p card.Span, style *slack.RichTextSectionTextStyle) slack.RichTextSectionElement {
	format := "{time}"
	if p.Day {
		format = "{date_short_pretty} {time}"
	}
	d := slack.NewRichTextSectionDateElement(p.At.Unix(), format, nil, &p.Text)
	d.Style = style
	return d
}

// joinSpans joins adjacent spans that look the same: each makes the message
// larger.
func joinSpans(spans []span) []span {
	var all []span
	for _, s := range spans {
		if last := len(all) - 1; last >= 0 && s.isPlain() && all[last].isPlain() {
			all[last].text += s.text
		} else if s != (span{bold: s.bold}) {
			all = append(all, s)
		}
	}
	return all
}

// isPlain reports whether a span is text without a style.
func (s span) isPlain() bool { return s == span{text: s.text} }

// addressPattern matches addresses that become links. They hold only characters that
// a browser shows unchanged, and no credentials:
// "https://bank.example@evil.example" is shown as text.
var addressPattern = regexp.MustCompile(`https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][A-Za-z0-9!#$%&'()*+,./:;=?@\[\]^_~-]*)?`)

// linkSpans makes the addresses in a text links. Each link shows its address: no text
// from outside is ever shown instead of it.
func linkSpans(text string) []span {
	const most = 20 // each makes the message larger
	var all []span
	at := 0
	for _, found := range addressPattern.FindAllStringIndex(text, most) {
		from, to := found[0], found[1]
		end := from + len(trimAddress(text[from:to]))
		next := text[to:]
		if strings.HasPrefix(next, "@") || strings.HasPrefix(next, ":") || host(text[from:end]) == "" || end-from > maxURLLength {
			continue
		}
		all = append(all, span{text: text[at:from]}, span{text: text[from:end], url: text[from:end]})
		at = end
	}
	return append(all, span{text: text[at:]})
}

// trimAddress leaves out the punctuation after an address at the end of a sentence.
func trimAddress(address string) string {
	marks := `.,;:!?'"]*_`
	if !strings.Contains(address, "(") {
		marks += ")"
	}
	return strings.TrimRight(address, marks)
}

// host returns the host of a web address; "" for anything else, and for a name with
// letters that look like others.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" || strings.ContainsAny(address, " <>|\"\\\n\t") {
		return ""
	}
	if strings.ContainsFunc(u.Host, func(r rune) bool { return r >= 0x80 }) {
		return ""
	}
	return u.Hostname()
}

// linkLabel returns a link's label, with the host that it leads to, unless the label
// is the host or the host is one of the organization's own.
func linkLabel(label, address string, own []string) string {
	h := host(address)
	if slices.Contains(own, h) && label != "" || strings.EqualFold(label, h) {
		return truncate(label, maxLabelLength)
	}
	if len(h) > maxLabelLength-3 { // the end of a host says whose it is
		h = "…" + h[len(h)-maxLabelLength+4:]
	}
	if room := maxLabelLength - countUnits(h) - 3; room > 1 && label != "" {
		return truncate(label, room) + " (" + h + ")"
	}
	return h
}

// link returns markup that links to one of Tocsin's own addresses and shows it; ""
// when it is not a web address.
func link(address string) string {
	if host(address) == "" || countUnits(address) > maxSectionLength/2 {
		return ""
	}
	return "<" + escape(address) + ">"
}

// markup returns a text object of markup.
func markup(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, text, false, true)
}
