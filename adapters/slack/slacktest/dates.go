package slacktest

import (
	"encoding/json"
	"regexp"
	"time"
)

// dateToken matches anything in braces in the format of a date.
var dateToken = regexp.MustCompile(`\{[^{}]*\}`)

// dateTokens returns Go's layout for each token of a date's format ("Date format strings" on
// reference/block-kit/block-elements/date-element, and "Date formatting" on messaging/formatting-message-text). The tokens
// that Slack shows as today, yesterday or tomorrow are formatted as on any other day.
func dateTokens() map[string]string {
	return map[string]string{
		"{date_num}": "2006-01-02", "{date_slash}": "01/02/2006", "{date_short_pretty}": "Jan 2, 2006", "{date_short}": "Jan 2, 2006",
		"{date_long_pretty}": "Monday, January 2, 2006", "{date_long_full}": "January 2, 2006", "{date_long}": "Monday, January 2, 2006",
		"{date_pretty}": "January 2, 2006", "{date}": "January 2, 2006", "{day_divider_pretty}": "Monday, January 2",
		"{time_secs}": "15:04:05", "{time}": "15:04",
	}
}

// formatDate returns a date as a reader in a zone sees it. A token that is not documented stays as it is.
func formatDate(format string, at time.Time, zone *time.Location) string {
	tokens := dateTokens()
	return dateToken.ReplaceAllStringFunc(format, func(token string) string {
		if token == "{ago}" {
			return "some time ago"
		}
		if layout, ok := tokens[token]; ok {
			return at.In(zone).Format(layout)
		}
		return token
	})
}

// Date is a date element in the rich text of a message. Each reader sees it in their own zone.
type Date struct {
	At       time.Time
	Format   string // such as "{date_short_pretty} {time}"
	Fallback string
}

// Dates returns the date elements in the rich text of the message, in reading order.
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

// dateOf returns the time of a date element; the zero time if it has none.
func dateOf(element map[string]any) time.Time {
	seconds, _ := element["timestamp"].(json.Number)
	n, err := seconds.Int64()
	if err != nil {
		return time.Time{}
	}
	return time.Unix(n, 0).UTC()
}

// PlainIn returns the message as a reader in a zone sees it, on a client that can show dates.
func (m Message) PlainIn(zone *time.Location) string { return renderPlain(m.Text, m.Blocks, zone) }

// renderDateElement returns a date element as a reader in a zone sees it. A nil zone stands for a client that cannot show
// dates: it shows the fallback, or else the time in UTC.
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
