package slack

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf16"

	"github.com/slack-go/slack"

	"tocsin/bot/card"
)

// The vendor's limits, in characters unless it says otherwise. A character that
// needs two UTF-16 units is counted as two: which way Slack counts is nowhere
// said, and this is the stricter one.
const (
	// docs.slack.dev/reference/block-kit/blocks.
	mostBlocks  = 50  // of a message
	homeBlocks  = 100 // of a view
	longHeader  = 150 // header-block
	longSection = 3000
	mostButtons = 25 // actions-block

	// docs.slack.dev/reference/block-kit/block-elements.
	longLabel   = 75   // button-element, and the text of an option
	longValue   = 2000 // button-element
	longURL     = 3000 // button-element
	mostOptions = 100  // select-menu-element
	mostMenu    = 5    // overflow-menu-element
	longHolder  = 150  // a placeholder
	longInput   = 3000 // plain-text-input-element

	// docs.slack.dev/reference/block-kit/composition-objects/option-object.
	longOption = 150 // its value

	// docs.slack.dev/reference/views/modal-views.
	longTitle    = 24 // of a modal, and of each of its buttons
	longMetadata = 3000

	// docs.slack.dev/reference/block-kit/blocks/input-block.
	longHint = 2000

	// "We recommend keeping text to 4,000 characters":
	// docs.slack.dev/reference/methods/chat.postMessage.
	longText = 4000
)

// longBlocks is what all blocks of a message may take together, as JSON. Above
// some 13,200 a message is refused with msg_blocks_too_long, which no page says;
// with rich text fewer characters were refused, because what holds the text
// counts too (github.com/slackapi/bolt-js/issues/2509 and 2867).
const longBlocks = 12_000

// longest is how much of one text people read in a message before it is cut.
const longest = 9000

// units counts characters as the strictest reader does.
func units(text string) int {
	n := 0
	for _, r := range text {
		n += max(utf16.RuneLen(r), 1)
	}
	return n
}

// reads counts the characters of a text as people read it: of a time, those of
// the clock.
func reads(text string) int { return units(card.Plain(text)) }

// head is as much of a text as so many units hold.
func head(text string, limit int) string {
	n := 0
	for at, r := range text {
		if n += max(utf16.RuneLen(r), 1); n > limit {
			return text[:at]
		}
	}
	return text
}

// shorten cuts a text to so many units, and ends it with an ellipsis if it did.
func shorten(text string, limit int) (short string, cut bool) {
	if len(text) <= limit || units(text) <= limit {
		return text, false
	}
	return head(text, limit-1) + "…", true
}

// clip is [shorten] for a text with times in it: so many units are read, and a
// time is kept whole or left out.
func clip(text string, limit int) (short string, cut bool) {
	if reads(text) <= limit {
		return text, false
	}
	var b strings.Builder
	spare := limit - 1 // the ellipsis takes one
	for _, p := range card.ParseSpans(text) {
		n := units(p.Text)
		if n > spare {
			if p.At.IsZero() {
				b.WriteString(head(p.Text, spare))
			}
			break
		}
		b.WriteString(p.String())
		spare -= n
	}
	return b.String() + "…", true
}

// short is [shorten] where a cut needs no word.
func short(text string, limit int) string {
	text, _ = shorten(text, limit)
	return text
}

// weight is what a block takes of [longBlocks].
func weight(b slack.Block) int {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	if err := e.Encode(b); err != nil { // texts and numbers are all it holds
		return longBlocks
	}
	return units(buf.String())
}
