package slack

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf16"

	"github.com/slack-go/slack"

	"tocsin/bot/card"
)

// Slack's limits, in characters unless it says otherwise. A character that needs two
// UTF-16 units counts as two: Slack does not document how it counts, and this is the
// stricter way.
const (
	// docs.slack.dev/reference/block-kit/blocks.
	maxBlocks        = 50  // of a message
	maxViewBlocks    = 100 // of a view
	maxHeaderLength  = 150 // header-block
	maxSectionLength = 3000
	maxButtons       = 25 // actions-block

	// docs.slack.dev/reference/block-kit/block-elements.
	maxLabelLength       = 75   // button-element, and the text of an option
	maxValueLength       = 2000 // button-element
	maxURLLength         = 3000 // button-element
	maxOptions           = 100  // select-menu-element
	maxMenuOptions       = 5    // overflow-menu-element
	maxPlaceholderLength = 150  // a placeholder
	maxInputLength       = 3000 // plain-text-input-element

	// docs.slack.dev/reference/block-kit/composition-objects/option-object.
	maxOptionLength = 150 // its value

	// docs.slack.dev/reference/views/modal-views.
	maxTitleLength    = 24 // of a modal, and of each of its buttons
	maxMetadataLength = 3000

	// docs.slack.dev/reference/block-kit/blocks/input-block.
	maxHintLength = 2000

	// "We recommend keeping text to 4,000 characters":
	// docs.slack.dev/reference/methods/chat.postMessage.
	maxFallbackLength = 4000
)

// maxBlocksSize is how large all blocks of a message may be together, as JSON. Above
// some 13,200 a message is refused with msg_blocks_too_long, which is not documented;
// with rich text fewer characters were refused, because the objects around the text
// count too (github.com/slackapi/bolt-js/issues/2509 and 2867).
const maxBlocksSize = 12_000

// maxTextLength is how long one text of a message may be before it is cut.
const maxTextLength = 9000

// countUnits counts the UTF-16 units of a text.
func countUnits(text string) int {
	n := 0
	for _, r := range text {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// countVisible counts the UTF-16 units of a text as people read it: a time counts as
// its clock.
func countVisible(text string) int { return countUnits(card.Plain(text)) }

// prefix returns as much of a text as fits into so many units.
func prefix(text string, limit int) string {
	n := 0
	for at, r := range text {
		if n += max(utf16.RuneLen(r), 1); n > limit {
			return text[:at]
		}
	}
	return text
}

// shorten cuts a text to so many units, and ends it with an ellipsis if it was cut.
func shorten(text string, limit int) (short string, cut bool) {
	if len(text) <= limit || countUnits(text) <= limit {
		return text, false
	}
	return prefix(text, limit-1) + "…", true
}

// clip is [shorten] for a text with times in it: it counts as [countVisible], and a
// time is kept whole or left out.
func clip(text string, limit int) (short string, cut bool) {
	if countVisible(text) <= limit {
		return text, false
	}
	var b strings.Builder
	spare := limit - 1 // the ellipsis takes one
	for _, p := range card.ParseSpans(text) {
		n := countUnits(p.Text)
		if n > spare {
			if p.At.IsZero() {
				b.WriteString(prefix(p.Text, spare))
			}
			break
		}
		b.WriteString(p.String())
		spare -= n
	}
	return b.String() + "…", true
}

// truncate is [shorten] without reporting whether the text was cut.
func truncate(text string, limit int) string {
	text, _ = shorten(text, limit)
	return text
}

// sizeOf returns how much of [maxBlocksSize] a block takes.
func sizeOf(b slack.Block) int {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(b); err != nil { // texts and numbers are all it holds
		return maxBlocksSize
	}
	return countUnits(buf.String())
}
