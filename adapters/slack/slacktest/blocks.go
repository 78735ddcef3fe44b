package slacktest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// CheckBlocks returns what Slack would refuse in the blocks of a message, given as a JSON array, with one line for each
// problem. It needs no server, so that a property test can call it often.
func CheckBlocks(blocks []byte) []string {
	return checkJSON("blocks", readMethods().Methods["chat.postMessage"].Args["blocks"], blocks)
}

// CheckView returns what Slack would refuse in a view, given as a JSON object, with one line for each problem.
func CheckView(view []byte) []string {
	r := ruleOfModal()
	r.Type = "views"
	return checkJSON("view", r, view)
}

// ruleOfModal returns the rule that a view has to satisfy in views.open.
func ruleOfModal() rule { return readMethods().Methods["views.open"].Args["view"] }

// checkJSON checks one JSON value, as an argument of that name, against a rule.
func checkJSON(name string, r rule, text []byte) []string {
	return formatProblems(checkArgs(&schema{Fields: map[string]rule{name: r}}, args{name: string(text)}))
}

// blockChecker is a checker that also checks how the fields of elements and views relate to each other.
type blockChecker struct {
	*checker
	// focused maps the place of each element with focus_on_load to its value. Checking the view that holds them clears it,
	// so what is left at the end stands in a message.
	focused map[string]bool
}

// newBlockChecker returns a checker for one value.
func newBlockChecker() *blockChecker {
	c := &blockChecker{&checker{schemas: readSchemas(), code: "invalid_arguments"}, map[string]bool{}}
	c.checkObjectFields = func(at string, s *schema, object map[string]any) {
		switch s {
		case c.groups["elements"][s.kind]:
			c.checkElement(at, s, object)
		case c.groups["views"][s.kind]:
			c.checkView(at, s, object)
		}
	}
	return c
}

// checkView checks that inputs can be submitted and that at most one element has the focus.
func (c *blockChecker) checkView(at string, s *schema, view map[string]any) {
	blocks, _ := view["blocks"].([]any)
	for i, b := range blocks {
		block, _ := b.(map[string]any)
		if s.kind == "modal" && stringField(block, "type") == "input" && view["submit"] == nil {
			c.report(fmt.Sprintf("%s/blocks/%d", at, i), &rule{}, "", "submit is required when an input block is within the blocks array")
		}
	}
	focused := 0
	for _, on := range c.focused {
		if on {
			focused++
		}
	}
	if focused > 1 {
		c.report(at, &rule{}, "", "only one element can have focus_on_load set to true")
	}
	clear(c.focused)
}

// checkElement checks the initial options and the length limits of an element.
func (c *blockChecker) checkElement(at string, s *schema, e map[string]any) {
	if focus, ok := e["focus_on_load"]; ok {
		c.focused[at] = focus == true
	}
	chosen, _ := e["initial_options"].([]any)
	if first := e["initial_option"]; first != nil {
		chosen = append(chosen, first)
	}
	_, hasOptions := s.Fields["options"]
	for _, o := range chosen {
		same := func(other map[string]any) bool { return fmt.Sprint(other) == fmt.Sprint(o) }
		if hasOptions && !slices.ContainsFunc(optionsOf(e), same) {
			c.report(at, &rule{}, "", "an initial option is not one of the options")
		}
	}
	minLength, maxLength := numberField(e, "min_length", 0), numberField(e, "max_length", 3000)
	if minLength > maxLength {
		c.report(at, &rule{}, "", "min_length is greater than max_length")
	}
	if s.kind == "plain_text_input" && countCharacters(stringField(e, "initial_value")) > maxLength {
		c.report(at, &rule{}, "", "initial_value is longer than max_length")
	}
}

// optionsOf returns the options of an element, those in groups included.
func optionsOf(e map[string]any) (found []map[string]any) {
	lists := []any{e["options"]}
	groups, _ := e["option_groups"].([]any)
	for _, g := range groups {
		group, _ := g.(map[string]any)
		lists = append(lists, group["options"])
	}
	for _, list := range lists {
		options, _ := list.([]any)
		for _, o := range options {
			option, _ := o.(map[string]any)
			found = append(found, option)
		}
	}
	return found
}

// findOption returns the option of an element with a value or text; nil if there is none.
func findOption(e map[string]any, wanted string) map[string]any {
	for _, o := range optionsOf(e) {
		if stringField(o, "value") == wanted || textField(o, "text") == wanted {
			return o
		}
	}
	return nil
}

// numberField returns a field of an object as an integer; otherwise if it is missing or no integer.
func numberField(e map[string]any, name string, otherwise int) int {
	number, ok := e[name].(json.Number)
	n, err := number.Int64()
	if !ok || err != nil {
		return otherwise
	}
	return int(n)
}

// fillIDs gives every block and interactive element without an ID one, as Slack does, and returns the blocks as JSON.
func fillIDs(blocks any) json.RawMessage {
	entries, _ := blocks.([]any)
	for i, e := range entries {
		b, _ := e.(map[string]any)
		if b == nil {
			continue
		}
		if stringField(b, "block_id") == "" {
			b["block_id"] = fmt.Sprintf("b%dXq", i)
		}
		for j, element := range interactiveElements(b) {
			if stringField(element, "action_id") == "" {
				element["action_id"] = fmt.Sprintf("a%d%dZt", i, j)
			}
		}
	}
	raw, err := json.Marshal(blocks)
	if err != nil {
		panic("slacktest: encode blocks: " + err.Error())
	}
	return raw
}

// interactiveElements returns the elements of a block that people can use.
func interactiveElements(b map[string]any) []map[string]any {
	var found []map[string]any
	candidates, _ := b["elements"].([]any)
	for _, e := range append([]any{b["accessory"], b["element"]}, candidates...) {
		element, _ := e.(map[string]any)
		if _, ok := readSchemas().groups["elements"][stringField(element, "type")]; ok {
			found = append(found, element)
		}
	}
	return found
}

// eachElement calls visit with every interactive element of blocks, and the block that holds it.
func eachElement(blocks any, visit func(block, element map[string]any)) {
	entries, _ := blocks.([]any)
	for _, entry := range entries {
		b, _ := entry.(map[string]any)
		for _, e := range interactiveElements(b) {
			visit(b, e)
		}
	}
}

// isExternalSelect reports whether an element is a menu whose options come from the app.
func isExternalSelect(e map[string]any) bool {
	return strings.HasSuffix(stringField(e, "type"), "external_select")
}
