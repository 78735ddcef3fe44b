package slacktest

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// escape writes the three characters that Slack's markup takes for itself (messaging/formatting-message-text).
func escape(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

func unescape(text string) string {
	return strings.NewReplacer("&amp;", "&", "&lt;", "<", "&gt;", ">").Replace(text)
}

// normalize is what Slack does to the text of a message before it keeps it: an ampersand that begins no entity is
// escaped.
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

// Read carries Slack's markup out as a reader sees it (messaging/formatting-message-text): <!channel> becomes
// "@channel (notifies)", <https://a|b> becomes "b (link to https://a)", emphasis loses its marks, quoted lines begin
// with a bar, and entities are characters again. Text that was meant as plain text and contains any of that was taken
// for markup.
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
		if quoted, is := strings.CutPrefix(line, "&gt;"); is {
			line = "| " + strings.TrimPrefix(quoted, " ")
		}
		lines[i] = unescape(removeMarks(line))
	}
	return strings.Join(lines, "\n")
}

// splitMarkup cuts text into what stands outside of <…> (even places) and inside (odd places).
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

func renderControl(inside string) string {
	target, label, labeled := strings.Cut(inside, "|")
	who, notifies := parseMention(target)
	switch {
	case notifies:
		return "@" + strings.TrimPrefix(who, "@") + " (notifies)"
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

// renderDate is "Date formatting" on the same page, for a reader in UTC.
func renderDate(target, fallback string) string {
	parts := strings.SplitN(strings.TrimPrefix(target, "!date^"), "^", 3)
	seconds, err := strconv.ParseInt(parts[0], 10, 64)
	if err != nil || len(parts) < 2 || fallback == "" {
		return "(broken date)" + fallback
	}
	shown := formatDate(parts[1], time.Unix(seconds, 0), time.UTC)
	if len(parts) == 3 {
		shown += " (link to " + parts[2] + ")"
	}
	return shown
}

// removeMarks takes the marks of emphasis and code away where they stand at the borders of words.
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

// Mentions are whom the markup of a text notifies: "@channel", "@here", "@everyone", and IDs of users and user groups.
func Mentions(mrkdwn string) []string {
	var found []string
	for i, part := range splitMarkup(mrkdwn) {
		target, _, _ := strings.Cut(part, "|")
		if who, ok := parseMention(target); ok && i%2 == 1 {
			found = append(found, who)
		}
	}
	return found
}

// parseMention is whom the inside of <…> notifies, if it does.
func parseMention(target string) (who string, ok bool) {
	if target == "!channel" || target == "!here" || target == "!everyone" {
		return "@" + target[1:], true
	}
	if who, ok = strings.CutPrefix(target, "!subteam^"); ok {
		return who, true
	}
	return strings.CutPrefix(target, "@")
}

// Plain is the message as a reader sees it: its blocks, one paragraph each, or its text if it has none. Of the dates in
// its rich text it shows the fallback.
func (m Message) Plain() string { return renderPlain(m.Text, m.Blocks, nil) }

// Plain is the message as the one who got it sees it.
func (e Ephemeral) Plain() string { return renderPlain(e.Text, e.Blocks, nil) }

// Notifies is whom the message notifies by markup, in its text and its blocks, each once.
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

type blockText struct {
	text   string
	markup bool
}

// textsOf are the text objects of blocks in reading order: text, fields, elements, accessory, options.
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

// visitObjects calls visit with every object in a list, and then with those in the fields that it returns.
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
