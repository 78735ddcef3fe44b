package slacktest

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// problem is one thing that is wrong with an argument, with the error that it is answered with.
type problem struct{ code, message string }

// checker checks JSON values against rules, and gathers what is wrong.
type checker struct {
	schemas
	problems []problem
	// code is the error of a problem whose rule has none.
	code string
	// checkObjectFields checks what the fields of an object say of each other, after each was checked for itself.
	checkObjectFields func(at string, s *schema, object map[string]any)
	// characters counts those of all texts.
	characters int
}

// countCharacters counts as the strictest reading of "characters" does: an emoji outside the basic plane is two.
func countCharacters(text string) int { return len(utf16.Encode([]rune(text))) }

// report adds what is wrong at a place, in the form of Slack's response_metadata. What says which part of the rule is
// broken.
func (c *checker) report(at string, r *rule, what, message string) {
	if at != "" {
		message += " [json-pointer:" + at + "]"
	}
	c.problems = append(c.problems, problem{cmp.Or(r.Errors[what], r.Error, c.code), message})
}

// checkValue checks the value at a place; inside is the kind of the block or view that holds it.
func (c *checker) checkValue(at string, r *rule, v any, inside string) {
	before, outer := c.characters, c.code
	c.code = cmp.Or(r.Error, c.code)
	defer func() { c.code = outer }()
	switch r.Type {
	case "", "string", "text":
		c.checkText(at, r, v)
	case "boolean":
		if _, ok := v.(bool); !ok {
			c.report(at, r, "type", "must be a boolean")
		}
	case "integer":
		number, ok := v.(json.Number)
		if n, err := strconv.Atoi(number.String()); !ok || err != nil || n < r.Min || n > r.Max {
			c.report(at, r, "type", fmt.Sprintf("must be an integer between %d and %d", r.Min, r.Max))
		}
	case "list":
		c.checkList(at, r, v, inside)
	default:
		c.checkObject(at, r, v, inside)
	}
	if r.Characters > 0 && c.characters-before > r.Characters {
		c.report(at, r, "characters", fmt.Sprintf("no more than %d characters allowed", r.Characters))
	}
}

func (c *checker) checkText(at string, r *rule, v any) {
	s, ok := v.(string)
	n := countCharacters(s)
	c.characters += n
	switch {
	case !ok:
		c.report(at, r, "type", "must be a string")
	case !utf8.ValidString(s):
		c.report(at, r, "type", "must be UTF-8")
	case n < r.Min, r.Type == "text" && strings.TrimSpace(s) == "":
		c.report(at, r, "min", "must be more than 0 characters")
	case r.Max > 0 && n > r.Max:
		c.report(at, r, "max", fmt.Sprintf("must be less than %d characters", r.Max+1))
	case r.Enum != nil && !slices.Contains(r.Enum, s):
		c.report(at, r, "enum", "must be one of "+strings.Join(r.Enum, ", "))
	case r.Pattern != nil && !r.Pattern.MatchString(s):
		c.report(at, r, "pattern", "does not have the form "+r.Pattern.String())
	case r.Not != nil && r.Not.MatchString(s):
		c.report(at, r, "not", "has the form "+r.Not.String())
	}
}

func (c *checker) checkList(at string, r *rule, v any, inside string) {
	entries, ok := v.([]any)
	switch {
	case !ok:
		c.report(at, r, "type", "must be an array")
	case len(entries) < r.Min:
		c.report(at, r, "min", fmt.Sprintf("no fewer than %d items allowed", r.Min))
	case r.Max > 0 && len(entries) > r.Max:
		c.report(at, r, "max", fmt.Sprintf("no more than %d items allowed", r.Max))
		return
	}
	seen := map[string]bool{}
	for i, e := range entries {
		c.checkValue(at+"/"+strconv.Itoa(i), r.Items, e, inside)
		object, _ := e.(map[string]any)
		id, has := object[r.Unique].(string)
		if has && seen[id] {
			c.report(at, r, "unique", fmt.Sprintf("%s %q already exists", r.Unique, id))
		}
		seen[id] = true
	}
}

// checkObject checks an object against the entry that its rule names, or against the one of a group that its "type" names.
func (c *checker) checkObject(at string, r *rule, v any, inside string) {
	object, ok := v.(map[string]any)
	if !ok {
		c.report(at, r, "type", "must be an object")
		return
	}
	kind := stringField(object, "type")
	group, isGroup := c.groups[r.Type]
	s := c.named[r.Type]
	if isGroup {
		s = group[kind]
	}
	switch {
	case s == nil && !isGroup:
		panic("slacktest: no entry has the name of the type " + r.Type)
	case s == nil, s.kind != "" && s.kind != kind, s.In != nil && !slices.Contains(s.In, inside):
		c.report(at, r, "type", fmt.Sprintf("unsupported type: %q", kind))
		return
	case s.kind != "":
		inside = s.kind
	}
	c.checkFields(at, s, r, object, inside)
	c.checkObjectFields(at, s, object)
}

// checkFields checks the fields of an object. The max of its rule is that of its text.
func (c *checker) checkFields(at string, s *schema, r *rule, object map[string]any, inside string) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		f, known := s.Fields[name]
		if name == "text" && r.Max > 0 {
			f.Max = r.Max
		}
		switch {
		case known:
			c.checkValue(at+"/"+name, &f, object[name], inside)
		case name == "type" && s.kind != "":
		case !s.Open:
			c.report(at, r, "unknown", fmt.Sprintf("unknown field %q", name))
		case name == "" || object[name] == nil:
			c.report(at, r, "open", "every field must have a name and a value")
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Fields)) {
		f := s.Fields[name]
		if _, given := object[name]; f.Required && !given {
			f.Error = cmp.Or(f.Errors["required"], r.Errors["required"], f.Error)
			c.report(at, &rule{Error: f.Error}, "required", "missing required field: "+name)
		}
	}
	r = &rule{Error: cmp.Or(s.Otherwise, r.Error)}
	if s.OneOf != nil && countPresent(object, s.OneOf) != 1 {
		c.report(at, r, "one_of", "exactly one of "+strings.Join(s.OneOf, ", ")+" is required")
	}
	if s.AnyOf != nil && countPresent(object, s.AnyOf) == 0 {
		c.report(at, r, "any_of", "at least one of "+strings.Join(s.AnyOf, ", ")+" is required")
	}
}

// countPresent says how many of the fields an object has. What is blank, null or false does not count.
func countPresent(object map[string]any, names []string) (n int) {
	for _, name := range names {
		v := object[name]
		text, isText := v.(string)
		if v != nil && v != false && (!isText || strings.TrimSpace(text) != "") {
			n++
		}
	}
	return n
}

func stringField(object map[string]any, name string) string {
	s, _ := object[name].(string)
	return s
}

// parseJSON reads JSON so that numbers stay as they were written.
func parseJSON(text string) (v any, ok bool) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&v) != nil || decoder.More() {
		return nil, false
	}
	return v, true
}
