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
func tokenize(line string) []token {
	var tokens []token
	for line = strings.TrimSpace(line); line != ""; line = strings.TrimLeftFunc(line, unicode.IsSpace) {
		t := readToken(line)
		tokens = append(tokens, t)
		line = line[len(t.raw):]
	}
	return tokens
}

// first reads the token that a line begins with.
func readToken(line string) token {
	if size := quoteSize(line); size > 0 {
		if end := strings.IndexAny(line[size:], `"”“`); end >= 0 {
			stop := size + end + quoteSize(line[size+end:])
			return token{text: line[size : size+end], raw: line[:stop], quoted: true}
		}
	}
	end := strings.IndexFunc(line, unicode.IsSpace)
	if end < 0 {
		end = len(line)
	}
	return readFlagToken(line[:end], line)
}

// flagToken keeps --flag="two words" in one token.
func readFlagToken(word, line string) token {
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
func quoteSize(s string) int {
	for _, q := range []string{`"`, "“", "”"} {
		if strings.HasPrefix(s, q) {
			return len(q)
		}
	}
	return 0
}

// args is a line being understood.
type args struct {
	spec          Spec
	ctx           Context
	flags         map[string][]string
	words         []token
	otherIncident string // the second incident of a word that takes two
	openFlag      string // the flag that waits for its value at the end of the line
}

// read separates flags from words.
func (a *args) readTokens(tokens []token) error {
	for n := 0; n < len(tokens); n++ {
		t := tokens[n]
		if t.quoted || !strings.HasPrefix(t.text, "--") || len(t.text) < 3 {
			a.words = append(a.words, t)
			continue
		}
		name, value, has := strings.Cut(t.text[2:], "=")
		f, known := a.spec.flag(strings.ToLower(name))
		switch {
		case !known:
			if err := a.checkUnknownFlag(name); err != nil {
				return err
			}
			a.words = append(a.words, t)
			continue
		case f.Arg == "":
			value = "true"
		case !has && n+1 < len(tokens):
			n++
			value = tokens[n].text
		case !has:
			a.openFlag = f.Name
			return a.refuse("--" + f.Name + " needs a value: " + f.Arg + ".")
		}
		if len(a.flags[f.Name]) > 0 && !f.Many {
			return a.refuse("--" + f.Name + " is given twice.")
		}
		a.flags[f.Name] = append(a.flags[f.Name], value)
	}
	return nil
}

// unknownFlag refuses a flag that looks like a misspelled one. In a text, other
// words that begin with dashes are text.
func (a *args) checkUnknownFlag(name string) error {
	var names []string
	for _, f := range a.spec.Flags {
		names = append(names, f.Name)
	}
	shown, _ := workflow.CleanLine(name, 30)
	if near := Nearest(strings.ToLower(name), names); near != "" {
		return a.refuse(fmt.Sprintf("`%s` has no option --%s. Did you mean --%s?", a.spec.Name, shown, near))
	}
	if !a.spec.strict {
		return nil
	}
	if len(names) == 0 {
		return a.refuse(fmt.Sprintf("`%s` has no option --%s: it takes no options.", a.spec.Name, shown))
	}
	return a.refuse(fmt.Sprintf("`%s` has no option --%s. Its options are --%s.", a.spec.Name, shown, strings.Join(names, ", --")))
}

// mistake refuses with the word's own example.
func (a *args) refuse(message string) error {
	return refuse(message, "For example: `"+a.spec.Example+"`.")
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
func parseBareNumber(text string) string {
	digits := strings.TrimPrefix(text, "#")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || digits[0] == '+' {
		return ""
	}
	return workflow.ID(n)
}

// incident takes the incident that a line is about out of its words.
func (a *args) takeIncident() (string, error) {
	if a.spec.scope == noIncident {
		return "", nil
	}
	most := 1
	if a.spec.scope == twoIncidents {
		if err := a.takeOtherIncident(); err != nil {
			return "", err
		}
		if a.otherIncident == "" {
			most = 2
		}
	}
	ids := a.takeIDs(most)
	if most == 2 && (len(ids) == 2 || len(ids) == 1 && a.ctx.Room != "") {
		a.otherIncident = ids[len(ids)-1]
		ids = ids[:len(ids)-1]
	}
	switch {
	case len(ids) > 0:
		return ids[0], nil
	case a.ctx.Room != "" || a.spec.scope == optionalIncident:
		return a.ctx.Room, nil
	}
	return "", refuse(fmt.Sprintf("Which incident? `%s` needs one here.", a.spec.Name),
		"Name it, such as `"+a.spec.Name+" INC-7`; `list` shows the open ones.")
}

// ids takes the incidents that the line begins with, at most so many. What a
// form gave is never taken for one.
func (a *args) takeIDs(most int) []string {
	var ids []string
	for len(a.words) > 0 && len(ids) < most && a.words[0].field == "" {
		id := ParseID(strings.TrimSuffix(a.words[0].text, ":"))
		if id == "" && a.spec.Args == "[INC-n]" { // a word in which no other number can stand
			id = parseBareNumber(a.words[0].text)
		}
		if id == "" {
			break
		}
		ids, a.words = append(ids, id), a.words[1:]
		if most == 2 && len(a.words) > 1 && strings.EqualFold(a.words[0].text, "into") {
			a.words = a.words[1:]
		}
	}
	return ids
}

// second takes the other incident out of what a form gave.
func (a *args) takeOtherIncident() error {
	n := slices.IndexFunc(a.words, func(t token) bool { return t.field != "" })
	if n < 0 {
		return nil
	}
	text := a.take(a.words[n].field)
	if a.otherIncident = cmp.Or(ParseID(text), parseBareNumber(text)); a.otherIncident == "" {
		return a.refuse(fmt.Sprintf("%q is not an incident.", shorten(text)))
	}
	return nil
}

// text is what remains of the line: as typed, or without its quotes when it is
// one quoted text.
func (a *args) text() string {
	if len(a.words) == 1 {
		return a.words[0].text
	}
	parts := make([]string, 0, len(a.words))
	for _, t := range a.words {
		parts = append(parts, t.raw)
	}
	return strings.Join(parts, " ")
}

// next takes what a form gave for a field, else the next word of the line; ""
// when there is neither. What a form gave comes behind the line's words.
func (a *args) take(field string) string {
	n := -1
	if len(a.ctx.Fields) > 0 {
		n = slices.IndexFunc(a.words, func(t token) bool { return t.field == field })
	}
	if n < 0 && len(a.words) > 0 && a.words[0].field == "" {
		n = 0
	}
	if n < 0 {
		return ""
	}
	text := a.words[n].text
	if n == 0 {
		a.words = a.words[1:]
	} else {
		a.words = slices.Delete(a.words, n, n+1)
	}
	return text
}

// nothing refuses words that a command does not take.
func (a *args) requireEnd() error {
	if len(a.words) == 0 {
		return nil
	}
	shown, _ := workflow.CleanLine(a.text(), 40)
	return a.refuse(fmt.Sprintf("`%s` does not take %q.", a.spec.Name, shown))
}

func (a *args) has(flag string) bool { return len(a.flags[flag]) > 0 }

func (a *args) get(flag string) string {
	if v := a.flags[flag]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// number reads a flag as a number that is not negative; 0 when it is missing.
func (a *args) parseNumber(flag string) (int, error) {
	if !a.has(flag) {
		return 0, nil
	}
	n, err := strconv.Atoi(a.get(flag))
	if err != nil || n < 0 {
		return 0, a.refuse(fmt.Sprintf("--%s takes a number, not %q.", flag, shorten(a.get(flag))))
	}
	return n, nil
}

func (a *args) parseLevel(flag string) (workflow.Level, error) {
	if !a.has(flag) {
		return "", nil
	}
	l, ok := workflow.ParseLevel(a.get(flag))
	if !ok {
		return "", a.refuse(fmt.Sprintf("--%s is high, medium or low, not %q.", flag, shorten(a.get(flag))))
	}
	return l, nil
}

func (a *args) parseSeverity(text string) (workflow.Severity, error) {
	s, ok := workflow.ParseSeverity(text)
	if !ok {
		return 0, a.refuse(fmt.Sprintf("%q is not a severity: give 1 (worst) to 5, or SEV1 to SEV5.", shorten(text)))
	}
	return s, nil
}

func (a *args) findPerson(handle string) (id, name string, err error) {
	if a.ctx.Person != nil {
		if id, name, ok := a.ctx.Person(handle); ok {
			return id, name, nil
		}
	}
	return "", "", a.refuse(fmt.Sprintf("There is no one called %q.", shorten(handle)))
}

// duration reads "30s", "5m", "4h" or "2d", or several of them together.
func (a *args) parseDuration(flag string) (time.Duration, error) {
	if !a.has(flag) {
		return 0, nil
	}
	d, ok := ParseDuration(a.get(flag))
	if !ok {
		return 0, a.refuse(fmt.Sprintf("--%s takes a time such as 30m, 4h or 2d, not %q.", flag, shorten(a.get(flag))))
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
func (a *args) parsePast(flag string) (time.Time, error) {
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
	return time.Time{}, a.refuse(fmt.Sprintf("--%s takes a time such as 02:55 or 20m, not %q.", flag, shorten(text)))
}

func shorten(text string) string {
	s, _ := workflow.CleanLine(text, 40)
	return s
}
