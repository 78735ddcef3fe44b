package slacktest

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// args are the arguments of a call, as texts; what came as JSON is JSON text.
type args map[string]string

func (a args) boolean(name string) bool { return a[name] == "true" || a[name] == "1" }

func (a args) list(name string) []string {
	return strings.FieldsFunc(a[name], func(r rune) bool { return r == ',' || r == ' ' })
}

// unknownArgumentPrefix is the error for an argument that the method's entry does not have, followed by its name. Slack ignores
// such arguments; a test should learn of them.
const unknownArgumentPrefix = "slacktest_does_not_know_"

// checkArgs checks arguments against the schema of a method. An empty one counts as left out, unless its rule says
// otherwise.
func checkArgs(s *schema, given args) []problem {
	c := newBlockChecker()
	read := map[string]any{}
	for _, name := range slices.Sorted(maps.Keys(given)) {
		text := given[name]
		r, known := s.Fields[name]
		nothing := "{}"
		if r.Type == "list" {
			nothing = "[]"
		}
		switch {
		case text == "" && !r.Empty, r.Format == "json" && text == nothing:
		case !known && text != "[]":
			c.report("", &rule{Error: unknownArgumentPrefix + name}, "unknown", "unknown argument "+name)
		case known:
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

// read makes the value of an argument from its text; nil if it cannot be read.
func (r *rule) read(given args, name string) any {
	text := given[name]
	switch {
	case r.Format == "json":
		if v, ok := parseJSON(text); ok {
			return v
		}
		return nil
	case r.Type == "boolean":
		if v, known := map[string]bool{"true": true, "1": true, "false": false, "0": false}[text]; known {
			return v
		}
		return nil
	case r.Type == "integer":
		return json.Number(text)
	case r.Type == "list":
		list := []any{}
		for _, one := range given.list(name) {
			list = append(list, one)
		}
		return list
	default:
		return text
	}
}

// refuseArguments is the answer to a call with something wrong in its arguments, nil if nothing is. The first problem counts; the
// messages for a developer (apis/web-api: "response_metadata") are of all.
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

func formatProblems(problems []problem) (all []string) {
	for _, f := range problems {
		all = append(all, "[ERROR] "+f.message)
	}
	return all
}
