package slacktest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// escape escapes the three characters that have a meaning in Slack's markup (messaging/formatting-message-text).
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// unescape is the reverse of escape.
func unescape(text string) string {
	return strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(text)
}

// normalize returns the text of a message as Slack stores it: an ampersand that does not begin an entity is escaped.
func normalize(text string) string {
	var b strings.Builder
	for i := range len(text) {
		rest := text[i:]
		b.WriteByte(text[i])
		entity := strings.HasPrefix(rest, "&amp;") || strings.HasPrefix(rest, "&lt;") || strings.HasPrefix(rest, "&gt;")
		if text[i] == '&' && !entity {
			b.WriteString("amp;")
		}
	}
	return b.String()
}

// Read renders text with Slack's markup as a reader sees it (messaging/formatting-message-text): <!channel> becomes
// "@channel (notifies)", <https://a|b> becomes "b (link to https://a)", emphasis loses its marks, quoted lines begin
// with a bar, and entities become characters. If the result has any of that where plain text was meant, the text was not
// escaped.
func Read(mrkdwn string) string {
	var b strings.Builder
	for i, part := range splitMarkup(mrkdwn) {
		if i%2 == 1 {
			b.WriteString(renderControl(part))
		} else {
			b.WriteString(part)
		}
	}
	lines := strings.Split(b.String(), "\n")
	for i, line := range lines {
		if quoted, ok := strings.CutPrefix(line, "&gt;"); ok {
			line = "| " + strings.TrimPrefix(quoted, " ")
		}
		lines[i] = unescape(removeMarks(line))
	}
	return strings.Join(lines, "\n")
}

// splitMarkup splits text into the parts outside of <…> (even indexes) and inside (odd indexes).
func splitMarkup(text string) []string {
	parts := []string{""}
	for {
		from := strings.IndexByte(text, '<')
		if from < 0 {
			break
		}
		to := strings.IndexByte(text[from:], '>')
		if to < 0 {
			break
		}
		parts[len(parts)-1] += text[:from]
		parts = append(parts, text[from+1:from+to], "")
		text = text[from+to+1:]
	}
	parts[len(parts)-1] += text
	return parts
}

// renderControl renders the inside of <…>.
func renderControl(inside string) string {
	target, label, labeled := strings.Cut(inside, "|")
	mentioned, ok := parseMention(target)
	switch {
	case ok:
		return "@" + strings.TrimPrefix(mentioned, "@") + " (notifies)"
	case strings.HasPrefix(target, "!date^"):
		return renderDate(target, label)
	case strings.HasPrefix(target, "#"):
		if labeled {
			return "#" + label
		}
		return target
	case strings.HasPrefix(target, "!"):
		return label
	case labeled:
		return label + " (link to " + target + ")"
	default:
		return target + " (link)"
	}
}

// renderDate renders a date for a reader in UTC (messaging/formatting-message-text, "Date formatting").
func renderDate(target, fallback string) string {
	parts := strings.SplitN(strings.TrimPrefix(target, "!date^"), "^", 3)
	seconds, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || len(parts) < 2 || fallback == "" {
		return "(broken date)" + fallback
	}
	date := formatDate(parts[1], time.Unix(seconds, 0), time.UTC)
	if len(parts) == 3 {
		date += " (link to " + parts[2] + ")"
	}
	return date
}

// removeMarks removes the marks of emphasis and code, where they stand at the edges of words.
func removeMarks(line string) string {
	for _, mark := range []string{"```", "`", `\*`, "_", "~"} {
		inner := "[^ " + strings.Trim(mark, "`") + "`](?:[^\n]*?[^ ])??"
		pair := regexp.MustCompile(`(^|[\s(\[{"'.,;:!?*_~-])` + mark + `(` + inner + `)` + mark + `($|[\s)\]}"'.,;:!?*_~-])`)
		for pair.MatchString(line) {
			line = pair.ReplaceAllString(line, "$1$2$3")
		}
	}
	return line
}

// Mentions returns who is notified by the markup of a text: "@channel", "@here", "@everyone", and IDs of users and user groups.
func Mentions(mrkdwn string) []string {
	var found []string
	for i, part := range splitMarkup(mrkdwn) {
		target, _, _ := strings.Cut(part, "|")
		if mentioned, ok := parseMention(target); ok && i%2 == 1 {
			found = append(found, mentioned)
		}
	}
	return found
}

// parseMention returns who is notified by the inside of <…>, if it is a mention.
func parseMention(target string) (mentioned string, ok bool) {
	if target == "!channel" || target == "!here" || target == "!everyone" {
		return "@" + target[1:], true
	}
	if mentioned, ok = strings.CutPrefix(target, "!subteam^"); ok {
		return mentioned, true
	}
	return strings.CutPrefix(target, "@")
}

// Plain returns the message as a reader sees it: its blocks, each on a line of its own, or its text if it has none. For a
// date in rich text it has the fallback.
func (m Message) Plain() string { return renderPlain(m.Text, m.Blocks, nil) }

// Plain returns the message as its reader sees it.
func (e Ephemeral) Plain() string { return renderPlain(e.Text, e.Blocks, nil) }

// Notifies returns who is notified by markup in its text and its blocks, each once, sorted; see [Mentions].
func (m Message) Notifies() []string {
	found := Mentions(m.Text)
	for _, t := range textsOf(m.Blocks, nil) {
		if t.markup {
			found = append(found, Mentions(t.text)...)
		}
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// renderPlain returns the text objects of blocks as a reader in a zone sees them, or the text if there are no blocks.
func renderPlain(text string, blocks json.RawMessage, zone *time.Location) string {
	if len(blocks) == 0 {
		return Read(text)
	}
	var lines []string
	for _, t := range textsOf(blocks, zone) {
		if t.markup {
			lines = append(lines, Read(t.text))
		} else {
			lines = append(lines, t.text)
		}
	}
	return strings.Join(lines, "\n")
}

// blockText is one text in a message's blocks.
type blockText struct {
	text   string
	markup bool // mrkdwn
}

// textsOf returns the texts of blocks in reading order: text, fields, elements, accessory, options.
func textsOf(blocks json.RawMessage, zone *time.Location) (found []blockText) {
	v, _ := parseJSON(string(blocks))
	visitObjects(v, func(object map[string]any) []string {
		switch kind := stringField(object, "type"); kind {
		case "rich_text":
			found = append(found, blockText{renderRichText(object, zone), false})
			return nil
		case "mrkdwn", "plain_text":
			found = append(found, blockText{stringField(object, "text"), kind == "mrkdwn"})
			return nil
		default:
			return []string{
				"title", "label", "text", "fields", "element", "elements", "accessory", "placeholder", "options", "description", "hint",
			}
		}
	})
	return found
}

// visitObjects calls visit with every object of a list, and then with the objects in the fields that visit returns.
func visitObjects(v any, visit func(object map[string]any) (fields []string)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			visitObjects(e, visit)
		}
	case map[string]any:
		for _, name := range visit(v) {
			visitObjects(v[name], visit)
		}
	}
}
