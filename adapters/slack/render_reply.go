package slack

import (
	"regexp"
	"strings"

	"github.com/slack-go/slack"
)

// spans finds commands in our own sentences: `ack INC-7` between spaces or
// punctuation. A backtick that somebody typed is none, nor is it the beginning
// of one.
var spans = regexp.MustCompile("(?:^|[\\s(“\"])(`[^`\\s](?:[^`\n]*[^`\\s])?`)(?:$|[\\s.,;:!?)”\"])")

// table finds indented columns, which need a font of one width: those of help
// and of a card as text.
var table = regexp.MustCompile(`(?m)^ {2,}\S.*\S {2,}\S`)

// RenderReply renders the reply to a command. Commands in it are set as code;
// everything else is shown as it is.
func RenderReply(reply string) Rendered {
	s := &sheet{spare: longBlocks - noticeWeight}
	reply = lines(reply)
	show := func(text string) slack.Block { return rich(marked(text)...) }
	if table.MatchString(reply) {
		show = preformatted
	}
	s.write(reply, longest, show)
	if len(s.blocks) == 0 {
		s.put(rich(span{text: "–"}))
	}
	return Rendered{Blocks: append(s.blocks, s.notice()...), Text: fallbackText(strings.ReplaceAll(reply, "`", ""))}
}

// marked sets commands as code, and makes addresses clickable.
func marked(text string) []span {
	var all []span
	for text != "" {
		found := spans.FindStringSubmatchIndex(text)
		if found == nil || len(all) > 200 {
			return append(all, linked(text)...)
		}
		from, to := found[2], found[3]
		all = append(all, linked(text[:from])...)
		all = append(all, span{text: text[from+1 : to-1], code: true})
		text = text[to:]
	}
	return all
}
