package slacktest

import (
	"strings"
	"time"
)

// renderRichText returns a block of rich text as a reader in a zone sees it. The texts in it have no markup.
func renderRichText(block map[string]any, zone *time.Location) string {
	var b strings.Builder
	parts, _ := block["elements"].([]any)
	for _, p := range parts {
		part, _ := p.(map[string]any)
		inline, _ := part["elements"].([]any)
		for _, e := range inline {
			element, _ := e.(map[string]any)
			text, url := stringField(element, "text"), stringField(element, "url")
			switch {
			case stringField(element, "type") == "channel":
				b.WriteString("#" + stringField(element, "channel_id"))
			case stringField(element, "type") == "date":
				b.WriteString(renderDateElement(element, zone))
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
