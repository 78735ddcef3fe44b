package commands

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"tocsin/workflow"
)

// token is one word of a line.
type token struct {
	text   string // without its quotes
	raw    string // as typed
	quoted bool
	field  string // the field of a form that it was given for; "" for what was typed
}

// split cuts a line into tokens. Double quotes, straight or curly, keep words
// together when they begin one; an unclosed quote is an ordinary character.
func split(line string) []token {
	var tokens []token
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimLeftFunc(line, unicode.IsSpace) {
		t := first(line)
		tokens = append(tokens, t)
		line = line[len(t.raw):]
	}
	return tokens
}

// first reads the token that a line begins with.
func first(line string) token {
	if size := quote(line); size > 0 {
		if end := strings.IndexAny(line[size:], `"”“`); end >= 0 {
			stop := size + end + quote(line[size+end:])
			return token{text: line[size : size+end], raw: line[:stop], quoted: true}
		}
	}
	end := strings.IndexFunc(line, unicode.IsSpace)
	if end < 0 {
		end = len(line)
	}
	return flagToken(line[:end], line)
}

// flagToken keeps --flag="two words" in one token.
func flagToken(word, line string) token {
	if strings.HasPrefix(word, "--") {
		if at := strings.Index(word, `="`); at > 0 {
			if stop := strings.Index(line[at+2:], `"`); stop >= 0 {
				return token{text: line[:at+1] + line[at+2:at+2+stop], raw: line[:at+2+stop+1]}
			}
		}
	}
	return token{text: word, raw: word}
}

// quote returns the size of the double quote that s begins with, or 0.
func quote(s string) int {
	for _, q := range []string{`"`, "“", "”"} {
		if strings.HasPrefix(s, q) {
			return len(q)
		}
	}
	return 0
}

// args is a line being understood.
type args struct {
	word  Spec
	ctx   Context
	flags map[string][]string
	rest  []token
	other string // the second incident of a word that takes two
	open  string // the flag that waits for its value at the end of the line
}

// read separates flags from words.
func (a *args) read(tokens []token) error {
	for n := 0; n < len(tokens); n++ {
		t := tokens[n]
		if t.quoted || !strings.HasPrefix(t.text, "--") || len(t.text) < 3 {
			a.rest = append(a.rest, t)
			continue
		}
		name, value, has := strings.Cut(t.text[2:], "=")
		f, known := a.word.flag(strings.ToLower(name))
		switch {
		case !known:
			if err := a.unknownFlag(name); err != nil {
				return err
			}
			a.rest = append(a.rest, t)
			continue
		case f.Arg == "":
			value = "true"
		case !has && n+1 < len(tokens):
			n++
			value = tokens[n].text
		case !has:
			a.open = f.Name
			return a.mistake("--" + f.Name + " needs a value: " + f.Arg + ".")
		}
		if len(a.flags[f.Name]) > 0 && !f.Many {
			return a.mistake("--" + f.Name + " is given twice.")
		}
		a.flags[f.Name] = append(a.flags[f.Name], value)
	}
	return nil
}

// unknownFlag refuses a flag that looks like a misspelled one. In a text, other
// words that begin with dashes are text.
func (a *args) unknownFlag(name string) error {
	var names []string
	for _, f := range a.word.Flags {
		names = append(names, f.Name)
	}
	shown, _ := workflow.CleanLine(name, 30)
	if near := Nearest(strings.ToLower(name), names); near != "" {
		return a.mistake(fmt.Sprintf("`%s` knows no --%s. Did you mean --%s?", a.word.Name, shown, near))
	}
	if !a.word.noText {
		return nil
	}
	if len(names) == 0 {
		return a.mistake(fmt.Sprintf("`%s` knows no --%s: it takes no options.", a.word.Name, shown))
	}
	return a.mistake(fmt.Sprintf("`%s` knows no --%s. It knows --%s.", a.word.Name, shown, strings.Join(names, ", --")))
}

// mistake refuses with the word's own example.
func (a *args) mistake(message string) error {
	return refuse(message, "For example: `"+a.word.Example+"`.")
}

// ParseID reads an incident's ID as people type it ("INC-7", "inc-7" or "inc7")
// and returns it as "INC-7", or "" if text is not an ID.
func ParseID(text string) string {
	if n := workflow.NumberOf(text); n > 0 {
		return workflow.ID(n)
	}
	return ""
}

// parseNumber reads the number of an incident, such as "7" or "#7", and returns
// its ID, or "" if text is not a number.
func parseNumber(text string) string {
	digits := strings.TrimPrefix(text, "#")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || digits[0] == '+' {
		return ""
	}
	return workflow.ID(n)
}

// incident takes the incident that a line is about out of its words.
func (a *args) incident() (string, error) {
	if a.word.takes == noIncident {
		return "", nil
	}
	most := 1
	if a.word.takes == twoIncident {
		if err := a.second(); err != nil {
			return "", err
		}
		if a.other == "" {
			most = 2
		}
	}
	ids := a.ids(most)
	if most == 2 && (len(ids) == 2 || len(ids) == 1 && a.ctx.Room != "") {
		a.other = ids[len(ids)-1]
		ids = ids[:len(ids)-1]
	}
	switch {
	case len(ids) > 0:
		return ids[0], nil
	case a.ctx.Room != "" || a.word.takes == mayIncident:
		return a.ctx.Room, nil
	}
	return "", refuse(fmt.Sprintf("Which incident? `%s` needs one here.", a.word.Name),
		"Name it, such as `"+a.word.Name+" INC-7`; `list` shows the open ones.")
}

// ids takes the incidents that the line begins with, at most so many. What a
// form gave is never taken for one.
func (a *args) ids(most int) []string {
	var ids []string
	for len(a.rest) > 0 && len(ids) < most && a.rest[0].field == "" {
		id := ParseID(strings.TrimSuffix(a.rest[0].text, ":"))
		if id == "" && a.word.Args == "[INC-n]" { // a word in which no other number can stand
			id = parseNumber(a.rest[0].text)
		}
		if id == "" {
			break
		}
		ids, a.rest = append(ids, id), a.rest[1:]
		if most == 2 && len(a.rest) > 1 && strings.EqualFold(a.rest[0].text, "into") {
			a.rest = a.rest[1:]
		}
	}
	return ids
}

// second takes the other incident out of what a form gave.
func (a *args) second() error {
	n := slices.IndexFunc(a.rest, func(t token) bool { return t.field != "" })
	if n < 0 {
		return nil
	}
	text := a.next(a.rest[n].field)
	if a.other = cmp.Or(ParseID(text), parseNumber(text)); a.other == "" {
		return a.mistake(fmt.Sprintf("%q is no incident.", short(text)))
	}
	return nil
}

// text is what remains of the line: as typed, or without its quotes when it is
// one quoted text.
func (a *args) text() string {
	if len(a.rest) == 1 {
		return a.rest[0].text
	}
	parts := make([]string, 0, len(a.rest))
	for _, t := range a.rest {
		parts = append(parts, t.raw)
	}
	return strings.Join(parts, " ")
}

// next takes what a form gave for a field, else the next word of the line; ""
// when there is neither. What a form gave comes behind the line's words.
func (a *args) next(field string) string {
	n := -1
	if len(a.ctx.Fields) > 0 {
		n = slices.IndexFunc(a.rest, func(t token) bool { return t.field == field })
	}
	if n < 0 && len(a.rest) > 0 && a.rest[0].field == "" {
		n = 0
	}
	if n < 0 {
		return ""
	}
	text := a.rest[n].text
	if n == 0 {
		a.rest = a.rest[1:]
	} else {
		a.rest = slices.Delete(a.rest, n, n+1)
	}
	return text
}

// nothing refuses words that a command does not take.
func (a *args) nothing() error {
	if len(a.rest) == 0 {
		return nil
	}
	shown, _ := workflow.CleanLine(a.text(), 40)
	return a.mistake(fmt.Sprintf("`%s` does not take %q.", a.word.Name, shown))
}

func (a *args) has(flag string) bool { return len(a.flags[flag]) > 0 }

func (a *args) get(flag string) string {
	if v := a.flags[flag]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// number reads a flag as a number that is not negative; 0 when it is missing.
func (a *args) number(flag string) (int, error) {
	if !a.has(flag) {
		return 0, nil
	}
	n, err := strconv.Atoi(a.get(flag))
	if err != nil || n < 0 {
		return 0, a.mistake(fmt.Sprintf("--%s takes a number, not %q.", flag, short(a.get(flag))))
	}
	return n, nil
}

func (a *args) level(flag string) (workflow.Level, error) {
	if !a.has(flag) {
		return "", nil
	}
	l, ok := workflow.ParseLevel(a.get(flag))
	if !ok {
		return "", a.mistake(fmt.Sprintf("--%s is high, medium or low, not %q.", flag, short(a.get(flag))))
	}
	return l, nil
}

func (a *args) severity(text string) (workflow.Severity, error) {
	s, ok := workflow.ParseSeverity(text)
	if !ok {
		return 0, a.mistake(fmt.Sprintf("%q is no severity: it is 1 (worst) to 5, or SEV1 to SEV5.", short(text)))
	}
	return s, nil
}

func (a *args) person(handle string) (id, name string, err error) {
	if a.ctx.Person != nil {
		if id, name, ok := a.ctx.Person(handle); ok {
			return id, name, nil
		}
	}
	return "", "", a.mistake(fmt.Sprintf("I know nobody called %q.", short(handle)))
}

// duration reads "30s", "5m", "4h" or "2d", or several of them together.
func (a *args) duration(flag string) (time.Duration, error) {
	if !a.has(flag) {
		return 0, nil
	}
	d, ok := ParseDuration(a.get(flag))
	if !ok {
		return 0, a.mistake(fmt.Sprintf("--%s takes a time such as 30m, 4h or 2d, not %q.", flag, short(a.get(flag))))
	}
	return d, nil
}

// ParseDuration reads "30s", "5m", "4h", "2d" or "1h30m": more than zero, at
// most a year.
func ParseDuration(text string) (time.Duration, bool) {
	var days time.Duration
	if n, rest, found := strings.Cut(text, "d"); found {
		d, err := strconv.Atoi(n)
		if err != nil || d < 0 || d > 366 {
			return 0, false
		}
		days, text = time.Duration(d)*24*time.Hour, rest
	}
	var d time.Duration
	if text != "" {
		var err error
		if d, err = time.ParseDuration(text); err != nil || d < 0 {
			return 0, false
		}
	}
	d += days
	return d, d > 0 && d <= 366*24*time.Hour
}

// past reads "02:55" as the last time the clock showed it in the speaker's
// zone, and "20m" as that long ago.
func (a *args) past(flag string) (time.Time, error) {
	if !a.has(flag) {
		return time.Time{}, nil
	}
	text := a.get(flag)
	if d, ok := ParseDuration(strings.TrimSuffix(text, " ago")); ok {
		return a.ctx.Now.Add(-d), nil
	}
	zone := a.ctx.Zone
	if zone == nil {
		zone = time.UTC
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		clock, err := time.ParseInLocation(layout, text, zone)
		if err != nil {
			continue
		}
		now := a.ctx.Now.In(zone)
		at := time.Date(now.Year(), now.Month(), now.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, zone)
		if at.After(now) {
			at = at.AddDate(0, 0, -1)
		}
		return at.UTC(), nil
	}
	return time.Time{}, a.mistake(fmt.Sprintf("--%s takes a time such as 02:55 or 20m, not %q.", flag, short(text)))
}

func short(text string) string {
	s, _ := workflow.CleanLine(text, 40)
	return s
}
