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

// What other people wrote is shown in two kinds of text that know no markup:
// the text elements of rich text, in which bold, code and links are objects of
// their own (docs.slack.dev/reference/block-kit/blocks/rich-text-block), and
// plain text (docs.slack.dev/reference/block-kit/composition-objects/text-object).
// There is nothing in them to escape, and so nothing to forget. Markup is left
// for what is ours alone, and for the text that notifications show.
//
// Times are stamps in a text ([card.ParseSpans]). In rich text each is an element,
// which Slack shows in its reader's zone; elsewhere it reads as it does in the
// organization's.

// plain is a text object without markup, in which an emoji's alias stays one.
// It is never empty, which Slack refuses.
func plain(text string, limit int) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.PlainTextType, short(cmp.Or(line(card.Plain(text)), "–"), limit), false, false)
}

// line makes a text safe to show on one line.
func line(text string) string {
	clean, _ := workflow.CleanLine(text, longInput)
	return clean
}

// lines makes a text safe to show.
func lines(text string) string {
	clean, _ := workflow.CleanText(text, 2*longBlocks)
	return clean
}

// escape writes the characters that markup takes for itself
// (docs.slack.dev/messaging/formatting-message-text, "Escaping text"). It is
// for the text of a message that has blocks: it stands in notifications, where
// no mark of emphasis does anything.
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// A span is a piece of rich text. There may be stamps in its text.
type span struct {
	text string
	bold bool
	code bool
	url  string // it links there; "": it does not
	room string // a channel's ID, shown as its name; the text is left out
}

func bold(text string) span { return span{text: text, bold: true} }

// rich makes one block of spans. What is empty in them is left out; without any
// there is no block.
func rich(spans ...span) slack.Block {
	if all := elements(spans); len(all) > 0 {
		return slack.NewRichTextBlock("", slack.NewRichTextSection(all...))
	}
	return nil
}

// preformatted keeps the columns of a table.
func preformatted(text string) slack.Block {
	return slack.NewRichTextBlock("", &slack.RichTextPreformatted{
		Type: slack.RTEPreformatted, Elements: elements([]span{{text: card.Plain(text)}}),
	})
}

func elements(spans []span) []slack.RichTextSectionElement {
	var all []slack.RichTextSectionElement
	dates := 0
	for _, s := range joined(spans) {
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
				if p.At.IsZero() || dates == mostDates {
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

// mostDates is how many times of one text Slack shows: each takes room of its
// own in the message. Those after them read as in the organization's zone.
const mostDates = 20

// texts are the elements of a text. No page names a limit for one; that of text
// objects is kept.
func texts(text string, style *slack.RichTextSectionTextStyle) []slack.RichTextSectionElement {
	var all []slack.RichTextSectionElement
	for part := range slices.Chunk([]rune(text), longSection/2) {
		all = append(all, slack.NewRichTextSectionTextElement(string(part), style))
	}
	return all
}

// date is an instant that Slack shows in its reader's zone, with "today" and
// "yesterday" where its day is named
// (docs.slack.dev/reference/block-kit/block-elements/date-element).
func date(p card.Span, style *slack.RichTextSectionTextStyle) slack.RichTextSectionElement {
	format := "{time_secs}"
	if p.Day {
		format = "{date_short_pretty} {time_secs}"
	}
	d := slack.NewRichTextSectionDateElement(p.At.Unix(), format, nil, &p.Text)
	d.Style = style
	return d
}

// joined makes one of spans that look the same: each takes room of its own.
func joined(spans []span) []span {
	var all []span
	for _, s := range spans {
		if last := len(all) - 1; last >= 0 && s.bare() && all[last].bare() {
			all[last].text += s.text
		} else if s != (span{bold: s.bold}) {
			all = append(all, s)
		}
	}
	return all
}

func (s span) bare() bool { return s == span{text: s.text} }

// address finds what may be opened with a click. Only characters that a browser
// shows as they are count, and no credentials: "https://bank.example@evil.example"
// is a text.
var address = regexp.MustCompile(`https?://[A-Za-z0-9.-]+(?::[0-9]{1,5})?(?:[/?#][A-Za-z0-9!#$%&'()*+,./:;=?@\[\]^_~-]*)?`)

// linked makes addresses in a text clickable. Each is shown as itself: no text
// that came from outside is ever shown instead of where it leads.
func linked(text string) []span {
	const most = 20 // each takes room of its own in the message
	var all []span
	at := 0
	for _, found := range address.FindAllStringIndex(text, most) {
		from, to := found[0], found[1]
		end := from + len(trimmed(text[from:to]))
		next := text[to:]
		if strings.HasPrefix(next, "@") || strings.HasPrefix(next, ":") || host(text[from:end]) == "" || end-from > longURL {
			continue
		}
		all = append(all, span{text: text[at:from]}, span{text: text[from:end], url: text[from:end]})
		at = end
	}
	return append(all, span{text: text[at:]})
}

// trimmed leaves out what ends a sentence and no address.
func trimmed(address string) string {
	marks := `.,;:!?'"]*_`
	if !strings.Contains(address, "(") {
		marks += ")"
	}
	return strings.TrimRight(address, marks)
}

// host is where a web address leads; "" for anything else, and for a name that
// could look like another.
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

// honest is a link's label. Where it leads stands beside it, unless the label
// says so itself or it leads to one of ours.
func honest(label, address string, ours []string) string {
	h := host(address)
	if slices.Contains(ours, h) && label != "" || strings.EqualFold(label, h) {
		return short(label, longLabel)
	}
	if len(h) > longLabel-3 { // its end says whose it is
		h = "…" + h[len(h)-longLabel+4:]
	}
	if room := longLabel - units(h) - 3; room > 1 && label != "" {
		return short(label, room) + " (" + h + ")"
	}
	return h
}

// link is markup that leads to one of our own addresses and shows it; "" if it
// is none.
func link(address string) string {
	if host(address) == "" || units(address) > longSection/2 {
		return ""
	}
	return "<" + escape(address) + ">"
}

// markup is a text object that has been written as markup.
func markup(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, text, false, true)
}
