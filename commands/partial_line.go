package commands

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// partialLine is a line that is being typed. Everything before its last token is parsed.
type partialLine struct {
	catalog Catalog
	ctx     Context
	canUse  func(Spec) bool

	head   string  // the line before its last token, as typed
	tokens []token // the tokens of head, without "/incident"
	last   string  // the last token, without quotes; "" after a space
	quoted bool    // whether the last token is quoted

	args *args // the arguments in head; nil while the name of the command is typed, and after a mistake
}

// readPartial parses a line that is being typed, as [Catalog.Parse] would, up to its last
// token.
func (c Catalog) readPartial(line string, ctx Context, canUse func(Spec) bool) *partialLine {
	p := &partialLine{catalog: c, ctx: ctx, canUse: canUse}
	p.cutLastToken(line)
	if len(p.tokens) == 0 && isBotName(p.last) {
		p.cutLastToken(line + " ")
	}
	if len(p.tokens) > 0 && isBotName(p.tokens[0].text) {
		p.tokens = p.tokens[1:]
	}
	if len(p.tokens) == 0 {
		return p
	}
	spec, ok := c.findTyped(p.tokens[0].text)
	if !ok || !canUse(spec) {
		return p
	}
	a := &args{spec: spec, ctx: ctx, line: line, flags: map[string][]string{}}
	err := a.readTokens(p.tokens[1:])
	if _, ok := a.nextFields(); ok && (err == nil || a.openFlag != "" && a.canTake(a.openFlag)) {
		p.args = a
	}
	return p
}

// cutLastToken splits a line into head and last token. A quoted text that is not closed
// yet is one token.
func (p *partialLine) cutLastToken(line string) {
	p.tokens, p.last, p.quoted = nil, "", false
	for rest := line; ; {
		rest = strings.TrimLeftFunc(rest, unicode.IsSpace)
		p.head = line[:len(line)-len(rest)]
		if rest == "" {
			return
		}
		next := readToken(rest)
		if prefix, value, ok := openQuote(next, rest); ok {
			p.last, p.quoted = prefix+value, prefix == ""
			return
		}
		if len(next.raw) == len(rest) {
			p.last, p.quoted = next.text, next.quoted
			return
		}
		next.at = len(p.head)
		p.tokens = append(p.tokens, next)
		rest = rest[len(next.raw):]
	}
}

// openQuote reports whether a token opens a quoted text that the rest of the line does
// not close, such as "two wo or --title="two wo. It returns the flag before the quote
// (--title=), if any, and the text so far.
func openQuote(t token, rest string) (prefix, value string, ok bool) {
	if _, size := quotes(rest); size > 0 {
		return "", rest[size:], !t.quoted
	}
	if t.flag.isOpen {
		before, after, _ := cutEquals(rest)
		_, size := utf8.DecodeRuneInString(after)
		return before + "=", after[size:], true
	}
	return "", "", false
}

// usableNames returns the names of the commands that may be used.
func (p *partialLine) usableNames() []string {
	var all []string
	for _, s := range p.catalog {
		if p.canUse(s) {
			all = append(all, s.Name)
		}
	}
	return all
}

// addSpace adds a space to a line if more can follow.
func (p *partialLine) addSpace(line string) string {
	next := p.catalog.readPartial(line+" ", p.ctx, p.canUse)
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

// canTake reports whether a flag exists and can be added.
func (a *args) canTake(name string) bool {
	f, ok := a.spec.flag(name)
	return ok && (f.Many || !a.has(name)) && (!f.before || !a.hasText())
}

// hasText reports whether the text of the command has begun.
func (a *args) hasText() bool {
	return len(a.words) > 1 || len(a.words) == 1 && a.readID(a.words[0]) == ""
}

// nextFields returns the fields that the next word can be a value of, or none if the
// command has all its arguments. ok is false after a mistake.
func (a *args) nextFields() (fields []Field, ok bool) {
	b := *a // a copy: takeIncident removes words
	isFirst := len(b.words) == 0
	incident := Field{Label: "Incident", Kind: Incident}
	if verb := a.spec.verb; verb != "" && isFirst {
		return []Field{{Label: a.spec.Summary, Kind: Choose, Choices: []Choice{{Value: verb}}}}, true
	}
	isFirst = isFirst || a.spec.verb != "" && len(b.words) == 1 && Fold(b.words[0].text) == a.spec.verb
	if _, err := b.takeIncident(); err != nil {
		return []Field{incident}, isFirst
	}
	left, rest := a.spec.positional(), b.words
	switch {
	case a.spec.scope == twoIncidents && len(rest) == 1 && Fold(rest[0].text) == "into":
		rest = nil
	case a.spec.scope == twoIncidents && b.otherIncident != "":
		left = nil
	case a.spec.scope == optionalIncident && isFirst && a.ctx.Room == "":
		fields = append(fields, incident)
	}
	hasValue := false // whether left[0], which takes many values, has one
	for _, t := range rest {
		if hasValue && len(left) > 1 && !isTarget(t.text) {
			left, hasValue = left[1:], false
		}
		if len(left) == 0 {
			return nil, false
		}
		n := 0
		if strings.HasPrefix(t.text, "@") { // a person, even if another field comes first
			n = max(0, slices.IndexFunc(left, func(f Field) bool { return f.Kind == Person }))
		}
		switch {
		case !a.spec.strict && (left[n].Kind == Line || left[n].Kind == Text):
			return left[n : n+1], true
		case left[n].Many:
			hasValue = true
		default:
			left = slices.Delete(left, n, n+1)
		}
	}
	return append(fields, left[:min(len(left), 1)]...), true
}
