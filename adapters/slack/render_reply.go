package slack

import (
	"regexp"
	"strings"

	"github.com/slack-go/slack"
)

// commandPattern matches commands in replies: `ack INC-7` between spaces or
// punctuation. A backtick within a person's text is not one.
var commandPattern = regexp.MustCompile("(?:^|[\\s(“\"])(`[^`\\s](?:[^`\n]*[^`\\s])?`)(?:$|[\\s.,;:!?)”\"])")

// tablePattern matches indented columns, such as those of help and of a card as text,
// which need a font of one width.
var tablePattern = regexp.MustCompile(`(?m)^ {2,}\S.*\S {2,}\S`)

// RenderReply renders the reply to a command. Commands in it are set as code;
// everything else is shown as it is.
func RenderReply(reply string) Rendered {
	s := &builder{spare: maxBlocksSize - noticeSize}
	reply = cleanText(reply)
	show := func(text string) slack.Block { return rich(commandSpans(text)...) }
	if tablePattern.MatchString(reply) {
		show = preformatted
	}
	s.addText(reply, maxTextLength, show)
	if len(s.blocks) == 0 {
		s.add(rich(span{text: "–"}))
	}
	return Rendered{Blocks: append(s.blocks, s.notice()...), Text: fallbackText(strings.ReplaceAll(reply, "`", ""))}
}

// commandSpans sets the commands in a text as code, and makes its addresses links.
func commandSpans(text string) []span {
	var all []span
	for text != "" {
		found := commandPattern.FindStringSubmatchIndex(text)
		if found == nil || len(all) > 200 {
			return append(all, linkSpans(text)...)
		}
		from, to := found[2], found[3]
		all = append(all, linkSpans(text[:from])...)
		all = append(all, span{text: text[from+1 : to-1], code: true})
		text = text[to:]
	}
	return all
}
