package slacktest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf16"
)

// length counts as the strictest reading of "characters" does: an emoji outside the basic plane is two.
func length(text string) int { return len(utf16.Encode([]rune(text))) }

// checker gathers what is wrong with blocks or a view, each with a JSON pointer, as Slack's response_metadata has it.
type checker struct {
	problems []string
	surface  string // message, modal or home
	blockIDs map[string]bool
	actions  map[string]bool // action_ids of the block that is being checked
	focused  int
	size     int // characters of all texts
}

func (c *checker) fault(at, format string, values ...any) {
	c.problems = append(c.problems, fmt.Sprintf(format, values...)+" [json-pointer:"+at+"]")
}

// rule checks one JSON value at a place.
type rule func(c *checker, at string, v any)

// shape is the fields of an object; whatever is not among them is refused.
type shape map[string]field

type field struct {
	check    rule
	required bool
}

func need(r rule) field { return field{r, true} }
func may(r rule) field  { return field{r, false} }

// with adds a field to a shape, or replaces it.
func (s shape) with(name string, f field) shape {
	more := maps.Clone(s)
	more[name] = f
	return more
}

func (s shape) check(c *checker, at string, v any) {
	object, ok := v.(map[string]any)
	if !ok {
		c.fault(at, "must be an object")
		return
	}
	names := make([]string, 0, len(object))
	for name := range object {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		f, known := s[name]
		if !known {
			c.fault(at, "unknown field %q", name)
			continue
		}
		f.check(c, at+"/"+name, object[name])
	}
	for name, f := range s {
		if _, given := object[name]; f.required && !given {
			c.fault(at, "missing required field: %s", name)
		}
	}
}

// oneOf picks the shape by the field "type".
func oneOf(shapes map[string]shape) rule {
	return func(c *checker, at string, v any) {
		object, ok := v.(map[string]any)
		if !ok {
			c.fault(at, "must be an object")
			return
		}
		kind := word(object, "type")
		s, known := shapes[kind]
		if !known {
			c.fault(at, "unsupported type: %q", kind)
			return
		}
		s.check(c, at, v)
	}
}

func word(object map[string]any, name string) string {
	s, _ := object[name].(string)
	return s
}

// text is a string of at least one visible character.
func textOf(longest int) rule {
	return func(c *checker, at string, v any) {
		s, ok := v.(string)
		switch {
		case !ok:
			c.fault(at, "must be a string")
		case strings.TrimSpace(s) == "":
			c.fault(at, "must be more than 0 characters")
		case length(s) > longest:
			c.fault(at, "must be less than %d characters", longest+1)
		}
		c.size += length(s)
	}
}

func constant(values ...string) rule {
	return func(c *checker, at string, v any) {
		if s, ok := v.(string); !ok || !slices.Contains(values, s) {
			c.fault(at, "must be one of %s", strings.Join(values, ", "))
		}
	}
}

func boolean(c *checker, at string, v any) {
	if _, ok := v.(bool); !ok {
		c.fault(at, "must be a boolean")
	}
}

func integer(least, most int) rule {
	return func(c *checker, at string, v any) {
		number, ok := v.(json.Number)
		n, err := strconv.Atoi(number.String())
		if !ok || err != nil || n < least || n > most {
			c.fault(at, "must be an integer between %d and %d", least, most)
		}
	}
}

func listOf(least, most int, each rule) rule {
	return func(c *checker, at string, v any) {
		entries, ok := v.([]any)
		switch {
		case !ok:
			c.fault(at, "must be an array")
		case len(entries) < least:
			c.fault(at, "no fewer than %d items allowed", least)
		case len(entries) > most:
			c.fault(at, "no more than %d items allowed", most)
		default:
			for i, e := range entries {
				each(c, at+"/"+strconv.Itoa(i), e)
			}
		}
	}
}

// parse reads JSON so that numbers stay as they were written.
func parse(text string) (v any, ok bool) {
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	if decoder.Decode(&v) != nil || decoder.More() {
		return nil, false
	}
	return v, true
}
