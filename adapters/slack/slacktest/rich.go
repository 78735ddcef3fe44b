package slacktest

import (
	"strings"
	"time"
)

// richShape: rich-text-block, with the elements that are needed here. No page names a limit of the texts in it.
func richShape() shape {
	style := shape{"bold": may(boolean), "italic": may(boolean), "strike": may(boolean), "code": may(boolean), "unlink": may(boolean)}.check
	text := shape{"type": need(constant("text")), "text": need(spaceOrText), "style": may(style)}
	to := shape{"type": need(constant("link")), "url": need(link), "text": may(spaceOrText), "style": may(style)}
	channel := shape{"type": need(constant("channel")), "channel_id": need(pattern(`^[CG][A-Z0-9]+$`)), "style": may(style)}
	line := listOf(1, 10_000, oneOf(map[string]shape{"text": text, "link": to, "channel": channel, "date": dateShape()}))
	code := listOf(1, 10_000, oneOf(map[string]shape{"text": text, "link": to}))
	return blockShape("rich_text").with("elements", need(listOf(1, 1000, oneOf(map[string]shape{
		"rich_text_section":      {"type": need(constant("rich_text_section")), "elements": need(line)},
		"rich_text_preformatted": {"type": need(constant("rich_text_preformatted")), "elements": need(code), "border": may(integer(0, 1))},
	}))))
}

// spaceOrText is a text that may be blank, unlike that of a text object.
func spaceOrText(c *checker, at string, v any) {
	s, ok := v.(string)
	if !ok || s == "" {
		c.fault(at, "must be more than 0 characters")
	}
	c.size += length(s)
}

// readRich is what a reader in a zone sees of a rich text: its texts as they are, for there is no markup in them.
func readRich(block map[string]any, zone *time.Location) string {
	var b strings.Builder
	parts, _ := block["elements"].([]any)
	for _, p := range parts {
		part, _ := p.(map[string]any)
		inline, _ := part["elements"].([]any)
		for _, e := range inline {
			element, _ := e.(map[string]any)
			text, url := word(element, "text"), word(element, "url")
			switch {
			case word(element, "type") == "channel":
				b.WriteString("#" + word(element, "channel_id"))
			case word(element, "type") == "date":
				b.WriteString(readDateElement(element, zone))
			case url != "" && text != "" && text != url:
				b.WriteString(text + " (link to " + url + ")")
			case url != "":
				b.WriteString(url)
			default:
				b.WriteString(text)
			}
		}
	}
	return b.String()
}
