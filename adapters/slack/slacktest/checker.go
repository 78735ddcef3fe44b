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

// problem is one thing that is wrong with an argument, with the error code of the answer.
type problem struct{ code, message string }

// checker checks JSON values against rules, and collects the problems.
type checker struct {
	schemas
	problems []problem
	// code is the error code of a problem whose rule has none.
	code string
	// checkObjectFields checks how the fields of an object relate to each other, after each has been checked by itself.
	checkObjectFields func(at string, s *schema, object map[string]any)
	// characters is the number of characters of all texts.
	characters int
}

// countCharacters returns the length of a text in UTF-16 code units, the strictest reading of "characters": an emoji outside
// the basic plane counts as two.
func countCharacters(text string) int { return len(utf16.Encode([]rune(text))) }

// report adds the problem at a place, in the form of Slack's response_metadata. part is the part of the rule that is
// violated, such as max.
func (c *checker) report(at string, r *rule, part, message string) {
	if at != "" {
		message += " [json-pointer:" + at + "]"
	}
	c.problems = append(c.problems, problem{cmp.Or(r.Errors[part], r.Error, c.code), message})
}

// checkValue checks the value at a place. inside is the type of the block or view that holds it.
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

// checkText checks a string.
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

// checkList checks an array and its items.
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
		id, ok := object[r.Unique].(string)
		if ok && seen[id] {
			c.report(at, r, "unique", fmt.Sprintf("%s %q already exists", r.Unique, id))
		}
		seen[id] = true
	}
}

// checkObject checks an object against the schema that its rule names, or, if the rule names a group, against the schema
// of that group that the object's "type" names.
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
		panic("slacktest: blocks.yaml has no entry for the type " + r.Type)
	case s == nil, s.kind != "" && s.kind != kind, s.In != nil && !slices.Contains(s.In, inside):
		c.report(at, r, "type", fmt.Sprintf("unsupported type: %q", kind))
		return
	case s.kind != "":
		inside = s.kind
	}
	c.checkFields(at, s, r, object, inside)
	c.checkObjectFields(at, s, object)
}

// checkFields checks the fields of an object. The max of the object's rule applies to its field "text".
func (c *checker) checkFields(at string, s *schema, r *rule, object map[string]any, inside string) {
	for _, name := range slices.Sorted(maps.Keys(object)) {
		f, ok := s.Fields[name]
		if name == "text" && r.Max > 0 {
			f.Max = r.Max
		}
		switch {
		case ok:
			c.checkValue(at+"/"+name, &f, object[name], inside)
		case name == "type" && s.kind != "":
		case !s.Open:
			c.report(at, r, "unknown", fmt.Sprintf("unknown field %q", name))
		case name == "":
			c.report(at, r, "open", "every field must have a name")
		default:
			c.checkOpenValue(at+"/"+name, s, r, object[name])
		}
	}
	for _, name := range slices.Sorted(maps.Keys(s.Fields)) {
		f := s.Fields[name]
		if _, ok := object[name]; f.Required && !ok {
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

// checkOpenValue checks a field of an open object that its schema does not name: a string, a number or a boolean; or, if the
// schema allows them, an object or a list of objects.
func (c *checker) checkOpenValue(at string, s *schema, r *rule, v any) {
	inner := *r
	inner.Type, inner.Max = s.Values, 0
	switch v := v.(type) {
	case string, json.Number, bool:
		return
	case map[string]any:
		if s.Values != "" {
			c.checkObject(at, &inner, v, "")
			return
		}
	case []any:
		if s.Values != "" {
			for i, one := range v {
				c.checkObject(at+"/"+strconv.Itoa(i), &inner, one, "")
			}
			return
		}
	}
	c.report(at, r, "open", "unsupported type of value")
}

// countPresent returns how many of the fields an object has. A field that is blank, null or false does not count.
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

// stringField returns a field of an object as a string; empty if it is missing or no string.
func stringField(object map[string]any, name string) string {
	s, _ := object[name].(string)
	return s
}

// parseJSON parses one JSON value. Numbers stay as they were written.
func parseJSON(text string) (v any, ok bool) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&v) != nil || decoder.More() {
		return nil, false
	}
	return v, true
}
