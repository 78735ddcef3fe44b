package card

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

// A stamp is an instant inside a text that people in several zones read
// together. It stands between characters of a private use area:
//
//	clock or date · ten digits, the seconds since 1970 · reads · how it reads in the view's zone · end
//
// Where nobody looks for stamps they would be seen, so only a view that asks for
// them has any ([View.Stamps]).
const (
	stampClock = '\U0010FE00'
	stampDate  = '\U0010FE01'
	stampReads = '\U0010FE02'
	stampEnd   = '\U0010FE03'

	stampMarks = string(stampClock) + string(stampDate) + string(stampReads) + string(stampEnd)
)

// stamped finds whole stamps. Only what a clock shows can stand in one, so that
// whoever types these characters has typed a time, or nothing.
var stamped = regexp.MustCompile(`[\x{10FE00}\x{10FE01}][1-9][0-9]{9}\x{10FE02}[0-9A-Za-z:+ -]{1,40}\x{10FE03}`)

// Piece is a part of a text: words, or an instant that each reader is to see in
// their own zone.
type Piece struct {
	Text string    // what it says; of an instant, as the zone of the view has it
	At   time.Time // to the second; zero: these are words
	Day  bool      // the instant is shown with its day
}

// String writes a piece as it stands in a text: [Pieces] finds it there again.
func (p Piece) String() string {
	if p.At.IsZero() {
		return p.Text
	}
	kind := stampClock
	if p.Day {
		kind = stampDate
	}
	return string(kind) + strconv.FormatInt(p.At.Unix(), 10) + string(stampReads) + p.Text + string(stampEnd)
}

// Pieces takes a text apart. What looks like a stamp and is none is words,
// without the characters that made it look so.
func Pieces(text string) []Piece {
	var all []Piece
	words := func(text string) {
		text = strings.Map(func(r rune) rune {
			if r >= stampClock && r <= stampEnd {
				return -1
			}
			return r
		}, text)
		if text != "" {
			all = append(all, Piece{Text: text})
		}
	}
	if !strings.ContainsAny(text, stampMarks) {
		words(text)
		return all
	}
	at := 0
	for _, found := range stamped.FindAllStringIndex(text, -1) {
		from, to := found[0], found[1]
		words(text[at:from])
		all = append(all, stampOf(text[from:to]))
		at = to
	}
	words(text[at:])
	return all
}

// stampOf reads what [stamped] has found.
func stampOf(stamp string) Piece {
	head, reads, _ := strings.Cut(stamp, string(stampReads))
	digits, day := strings.CutPrefix(head, string(stampDate))
	digits = strings.TrimPrefix(digits, string(stampClock))
	seconds, err := strconv.ParseInt(digits, 10, 64)
	p := Piece{Text: strings.TrimSuffix(reads, string(stampEnd)), Day: day}
	if err == nil { // they are ten digits
		p.At = time.Unix(seconds, 0).UTC()
	}
	return p
}

// Plain is a text for whoever cannot show instants in another way: they read as
// the zone of the view has them.
func Plain(text string) string {
	if !strings.ContainsAny(text, stampMarks) {
		return text
	}
	var b strings.Builder
	for _, p := range Pieces(text) {
		b.WriteString(p.Text)
	}
	return b.String()
}
