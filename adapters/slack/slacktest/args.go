package slacktest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// args are the arguments of a call as text. An argument that came as JSON is JSON text.
type args map[string]string

// boolean returns an argument as a boolean; one that is missing is false.
func (a args) boolean(name string) bool { return a[name] == "true" || a[name] == "1" }

// list returns the items of an argument that are separated by commas or spaces.
func (a args) list(name string) []string {
	return strings.FieldsFunc(a[name], func(r rune) bool { return r == ',' || r == ' ' })
}

// unknownArgumentPrefix begins the error code for an argument that the method's entry does not list; the argument's name
// follows. Slack ignores such arguments, which hides misspelled ones.
const unknownArgumentPrefix = "slacktest_does_not_know_"

// checkArgs checks arguments against the schema of a method. An empty argument counts as missing, unless its rule allows
// it to be empty.
func checkArgs(s *schema, given args) []problem {
	c := newBlockChecker()
	read := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		text := given[name]
		r, ok := s.Fields[name]
		emptyJSON := "{}"
		if r.Type == "list" {
			emptyJSON = "[]"
		}
		switch {
		case text == "" && !r.Empty, r.Format == "json" && text == emptyJSON:
		case !ok && text != "[]":
			c.report("", &rule{Error: unknownArgumentPrefix + name}, "unknown", "unknown argument "+name)
		case ok:
			read[name] = r.read(given, name)
			if r.Bytes > 0 && len(text) > r.Bytes {
				c.report("/"+name, &r, "bytes", fmt.Sprintf("no more than %d bytes allowed", r.Bytes))
			}
		}
	}
	c.checkFields("", s, &rule{}, read, "message")
	for at := range c.focused {
		c.report(at, &rule{Error: "invalid_blocks"}, "", "focus_on_load is for views")
	}
	return c.problems
}

// read returns the value of an argument; nil if its text cannot be read as the type of the rule.
func (r *rule) read(given args, name string) any {
	text := given[name]
	switch {
	case r.Format == "json":
		if v, ok := parseJSON(text); ok {
			return v
		}
		return nil
	case r.Type == "boolean":
		if v, ok := map[string]bool{"true": true, "1": true, "false": false, "0": false}[text]; ok {
			return v
		}
		return nil
	case r.Type == "integer":
		return json.Number(text)
	case r.Type == "list":
		list := []any{}
		for _, item := range given.list(name) {
			list = append(list, item)
		}
		return list
	default:
		return text
	}
}

// refuseArguments returns the answer to a call whose arguments have problems; nil if there are none. The error code is that
// of the first problem; the messages for developers (apis/web-api: "response_metadata") are those of all.
func refuseArguments(problems []problem) answer {
	if len(problems) == 0 {
		return nil
	}
	a := refuse(problems[0].code)
	if code := a.code(); code == "invalid_arguments" || code == "invalid_blocks" {
		a["response_metadata"] = answer{"messages": formatProblems(problems)}
	}
	return a
}

// formatProblems returns the messages of problems, as Slack's response_metadata has them.
func formatProblems(problems []problem) (all []string) {
	for _, p := range problems {
		all = append(all, "[ERROR] "+p.message)
	}
	return all
}
