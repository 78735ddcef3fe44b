package slacktest

import (
	"encoding/json"
	"regexp"
	"time"
)

// dateToken is anything in braces: what is not on the page is shown as it is, which nobody wants.
var dateToken = regexp.MustCompile(`\{[^{}]*\}`)

// dateTokens say how each token of a date's format looks ("Date format strings" on
// reference/block-kit/block-elements/date-element, and "Date formatting" on messaging/formatting-message-text). Those
// that say today, yesterday or tomorrow look as on any other day, for a reader here has no today.
func dateTokens() map[string]string {
	return map[string]string{
		"{date_num}": "2006-01-02", "{date_slash}": "01/02/2006", "{date_short_pretty}": "Jan 2, 2006", "{date_short}": "Jan 2, 2006",
		"{date_long_pretty}": "Monday, January 2, 2006", "{date_long_full}": "January 2, 2006", "{date_long}": "Monday, January 2, 2006",
		"{date_pretty}": "January 2, 2006", "{date}": "January 2, 2006", "{day_divider_pretty}": "Monday, January 2",
		"{time_secs}": "15:04:05", "{time}": "15:04",
	}
}

// formatDate is a date as a reader in a zone sees it.
func formatDate(format string, at time.Time, zone *time.Location) string {
	tokens := dateTokens()
	return dateToken.ReplaceAllStringFunc(format, func(token string) string {
		if token == "{ago}" {
			return "some time ago"
		}
		if layout, known := tokens[token]; known {
			return at.In(zone).Format(layout)
		}
		return token
	})
}

// Date is an instant in the rich text of a message, which each reader sees in their own zone.
type Date struct {
	At       time.Time
	Format   string // such as "{date_short_pretty} {time}"
	Fallback string
}

// Dates are the instants in the rich text of the message, in reading order.
func (m Message) Dates() (all []Date) {
	v, _ := parseJSON(string(m.Blocks))
	visitObjects(v, func(object map[string]any) []string {
		if stringField(object, "type") == "date" {
			all = append(all, Date{At: dateOf(object), Format: stringField(object, "format"), Fallback: stringField(object, "fallback")})
		}
		return []string{"elements"}
	})
	return all
}

// dateOf is the instant of a date element.
func dateOf(element map[string]any) time.Time {
	seconds, _ := element["timestamp"].(json.Number)
	n, err := seconds.Int64()
	if err != nil {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

// PlainIn is the message as a reader in a zone sees it, on a client that can show dates.
func (m Message) PlainIn(zone *time.Location) string { return renderPlain(m.Text, m.Blocks, zone) }

// renderDateElement is what a reader in a zone sees of a date element; without a zone, what a client shows that cannot
// tell one: the fallback, or else the time in UTC.
func renderDateElement(element map[string]any, zone *time.Location) string {
	shown := stringField(element, "fallback")
	switch {
	case zone != nil:
		shown = formatDate(stringField(element, "format"), dateOf(element), zone)
	case shown == "":
		shown = formatDate(stringField(element, "format"), dateOf(element), time.UTC)
	}
	if url := stringField(element, "url"); url != "" {
		shown += " (link to " + url + ")"
	}
	return shown
}
