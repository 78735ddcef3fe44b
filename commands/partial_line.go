package commands

import (
	"slices"
	"strings"
	"unicode"
)

// typing is a line that is being typed: understood up to its last token.
type partialLine struct {
	catalog Catalog
	ctx     Context
	access  Access

	head   string  // what comes before the last token, as typed
	tokens []token // what of the head follows "/incident"
	last   string  // the last token, without its quotes; "" after a space
	quoted bool    // whether the last token is

	args *args // what the word was given; nil before a word, and after a mistake
}

// typing reads a line as [Catalog.Parse] would, as far as it goes.
func (c Catalog) readPartial(line string, ctx Context, access Access) *partialLine {
	t := &partialLine{catalog: c, ctx: ctx, access: access}
	t.cutLastToken(line)
	if len(t.tokens) == 0 && isBotName(t.last) {
		t.cutLastToken(line + " ")
	}
	if len(t.tokens) > 0 && isBotName(t.tokens[0].text) {
		t.tokens = t.tokens[1:]
	}
	if len(t.tokens) == 0 {
		return t
	}
	w, ok := c.findTyped(t.tokens[0].text)
	if !ok || w.Access > access {
		return t
	}
	a := &args{spec: w, ctx: ctx, flags: map[string][]string{}}
	err := a.readTokens(t.tokens[1:])
	if _, ok := a.nextFields(); ok && (err == nil || a.openFlag != "" && a.canTake(a.openFlag)) {
		t.args = a
	}
	return t
}

// cut separates the last token from what comes before it. A quotation that is
// still open belongs to it.
func (t *partialLine) cutLastToken(line string) {
	t.tokens, t.last, t.quoted = nil, "", false
	for rest := line; ; {
		rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
		t.head = line[:len(line)-len(rest)]
		if rest == "" {
			return
		}
		next := readToken(rest)
		if option, value, opens := openQuote(next, rest); opens {
			t.last, t.quoted = option+value, option == ""
			return
		}
		if len(next.raw) == len(rest) {
			t.last, t.quoted = next.text, next.quoted
			return
		}
		t.tokens = append(t.tokens, next)
		rest = rest[len(next.raw):]
	}
}

// quoting reports whether a token opens a quotation that the rest of the line
// does not close, and what is in it so far: "two wo, or --option="two wo.
func openQuote(t token, rest string) (option, value string, opens bool) {
	if size := quoteSize(rest); size > 0 {
		return "", rest[size:], !t.quoted
	}
	if at := strings.Index(t.raw, `="`); at > 0 && strings.HasPrefix(t.raw, "--") && t.text == t.raw {
		return rest[:at+1], rest[at+2:], true
	}
	return "", "", false
}

// names are the words that may be used.
func (t *partialLine) usableNames() []string {
	var all []string
	for _, w := range t.catalog {
		if w.Access <= t.access {
			all = append(all, w.Name)
		}
	}
	return all
}

// spaced adds a space to a line where more can be typed.
func (t *partialLine) addSpace(line string) string {
	next := t.catalog.readPartial(line+" ", t.ctx, t.access)
	if next.args == nil {
		return line
	}
	more := next.args.openFlag != ""
	for _, f := range next.args.spec.Flags {
		more = more || next.args.canTake(f.Name) && next.args.spec.field(f.Name).Name != ""
	}
	if fields, _ := next.args.nextFields(); more || len(fields) > 0 {
		return line + " "
	}
	return line
}

// takes reports whether an option can still be given.
func (a *args) canTake(name string) bool {
	f, known := a.spec.flag(name)
	return known && (f.Many || !a.has(name))
}

// wants returns what the next word of the line may be given for: nothing where
// the word has all that it takes. It is not ok after a mistake.
func (a *args) nextFields() (fields []Field, ok bool) {
	b := *a // what is looked at stays
	unnamed := len(b.words) == 0
	incident := Field{Label: "Incident", Kind: Incident}
	if _, err := b.takeIncident(); err != nil {
		return []Field{incident}, unnamed
	}
	left, rest := a.spec.positional(), b.words
	switch {
	case a.spec.scope == twoIncidents && len(rest) == 1 && strings.EqualFold(rest[0].text, "into"):
		rest = nil
	case a.spec.scope == twoIncidents && b.otherIncident != "":
		left = nil
	case a.spec.scope == optionalIncident && unnamed && a.ctx.Room == "":
		fields = append(fields, incident)
	}
	many := false // whether the first that is left has a value
	for _, t := range rest {
		if many && len(left) > 1 && !isTarget(t.text) {
			left, many = left[1:], false
		}
		if len(left) == 0 {
			return nil, false
		}
		n := 0
		if strings.HasPrefix(t.text, "@") { // a person, whatever else comes first
			n = max(0, slices.IndexFunc(left, func(f Field) bool { return f.Kind == Person }))
		}
		switch {
		case !a.spec.strict && (left[n].Kind == Line || left[n].Kind == Text):
			return left[n : n+1], true
		case left[n].Many:
			many = true
		default:
			left = slices.Delete(left, n, n+1)
		}
	}
	return append(fields, left[:min(len(left), 1)]...), true
}
