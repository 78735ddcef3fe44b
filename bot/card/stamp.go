package card

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A stamp is an instant inside a text that people in several zones read
// together. It is delimited by characters of a private use area:
//
//	clock or date · ten digits, the seconds since 1970 · reads · the time in the view's zone · end
//
// A platform that does not parse stamps would show them, so only a view that
// asks for stamps has any ([View.Stamps]).
const (
	stampClock = '\U0010FE00'
	stampDate  = '\U0010FE01'
	stampReads = '\U0010FE02'
	stampEnd   = '\U0010FE03'

	stampMarks = string(stampClock) + string(stampDate) + string(stampReads) + string(stampEnd)
)

// stampPattern matches whole stamps. A stamp holds only characters of a
// formatted time, so that a person who types the delimiters can produce a time
// and nothing else.
var stampPattern = regexp.MustCompile(`[\x{10FE00}\x{10FE01}][1-9][0-9]{9}\x{10FE02}[0-9A-Za-z:+ -]{1,40}\x{10FE03}`)

// Span is a part of a text: words, or an instant that each reader sees in their
// own zone.
type Span struct {
	Text string    // the words; of an instant, the time in the view's zone
	At   time.Time // the instant, to the second; zero for words
	Day  bool      // show the instant with its day
}

// String returns the span as it is written in a text: [ParseSpans] reads it
// back.
func (p Span) String() string {
	if p.At.IsZero() {
		return p.Text
	}
	kind := stampClock
	if p.Day {
		kind = stampDate
	}
	return string(kind) + strconv.FormatInt(p.At.Unix(), 10) + string(stampReads) + p.Text + string(stampEnd)
}

// ParseSpans splits a text into words and stamps. A malformed stamp counts as
// words, without its delimiters.
func ParseSpans(text string) []Span {
	var all []Span
	words := func(text string) {
		text = strings.Map(func(r rune) rune {
			if r >= stampClock && r <= stampEnd {
				return -1
			}
			return r
		}, text)
		if text != "" {
			all = append(all, Span{Text: text})
		}
	}
	if !strings.ContainsAny(text, stampMarks) {
		words(text)
		return all
	}
	at := 0
	for _, found := range stampPattern.FindAllStringIndex(text, -1) {
		from, to := found[0], found[1]
		words(text[at:from])
		all = append(all, parseStamp(text[from:to]))
		at = to
	}
	words(text[at:])
	return all
}

// parseStamp parses one match of stampPattern.
func parseStamp(stamp string) Span {
	head, reads, _ := strings.Cut(stamp, string(stampReads))
	digits, day := strings.CutPrefix(head, string(stampDate))
	digits = strings.TrimPrefix(digits, string(stampClock))
	seconds, err := strconv.ParseInt(digits, 10, 64)
	p := Span{Text: strings.TrimSuffix(reads, string(stampEnd)), Day: day}
	if err == nil { // always: the pattern has ten digits
		p.At = time.Unix(seconds, 0).UTC()
	}
	return p
}

// Plain returns the text without stamps, each replaced by its time in the
// view's zone, for a platform that cannot show instants in another way.
func Plain(text string) string {
	if !strings.ContainsAny(text, stampMarks) {
		return text
	}
	var b strings.Builder
	for _, p := range ParseSpans(text) {
		b.WriteString(p.Text)
	}
	return b.String()
}
