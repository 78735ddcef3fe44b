package slacktest

import (
	"encoding/json"
	"fmt"
)

// The limits of reference/block-kit/blocks/*, block-elements/* and composition-objects/*; each stands beside its use.
const (
	blocksInMessage = 50  // reference/block-kit/blocks
	blocksInView    = 100 // reference/views/modal-views, home-tab-views
	longestID       = 255 // block_id and action_id
	longestSection  = 3000
	// Messages are refused with msg_blocks_too_long somewhat above 13,000 characters in all their blocks, which no page
	// says: github.com/slackapi/bolt-js/issues/2509.
	longestBlocks = 13_000
)

// checkMessageBlocks says what Slack would refuse in the blocks of a message.
func checkMessageBlocks(text string) answer {
	v, ok := parse(text)
	if _, list := v.([]any); !ok || !list {
		return refuse("invalid_blocks_format")
	}
	c := newChecker("message")
	listOf(0, blocksInMessage, c.block())(c, "/blocks", v)
	if len(c.problems) > 0 {
		a := invalid(c.problems...)
		a["error"] = "invalid_blocks"
		return a
	}
	if c.size > longestBlocks {
		return refuse("msg_blocks_too_long")
	}
	return nil
}

// CheckBlocks says what Slack would refuse in the blocks of a message, given as a JSON array: nothing, or one line for
// each fault. It needs no server, so that a property test can call it often.
func CheckBlocks(blocks []byte) []string { return problems(checkMessageBlocks(string(blocks))) }

// CheckView says what Slack would refuse in a view, given as a JSON object.
func CheckView(view []byte) []string {
	_, refused := checkView(string(view), "modal", "home")
	return problems(refused)
}

func problems(refused answer) []string {
	if refused == nil {
		return nil
	}
	if metadata, ok := refused["response_metadata"].(answer); ok {
		if messages, isList := metadata["messages"].([]string); isList {
			return messages
		}
	}
	return []string{refused.code()}
}

func newChecker(surface string) *checker {
	return &checker{surface: surface, blockIDs: map[string]bool{}}
}

func plain(longest int) rule {
	return shape{"type": need(constant("plain_text")), "text": need(textOf(longest)), "emoji": may(boolean)}.check
}

// anyText is reference/block-kit/composition-objects/text-object of either kind.
func anyText(longest int) rule {
	return oneOf(map[string]shape{
		"plain_text": {"type": need(constant("plain_text")), "text": need(textOf(longest)), "emoji": may(boolean)},
		"mrkdwn":     {"type": need(constant("mrkdwn")), "text": need(textOf(longest)), "verbatim": may(boolean)},
	})
}

func blockShape(kind string) shape {
	return shape{"type": need(constant(kind)), "block_id": may(blockID)}
}

// blockID is unique in a message and in each iteration of a view (reference/block-kit/blocks).
func blockID(c *checker, at string, v any) {
	textOf(longestID)(c, at, v)
	id, _ := v.(string)
	if c.blockIDs[id] {
		c.fault(at, "block_id %q already exists", id)
	}
	c.blockIDs[id] = true
}

// actionID is unique in its block (reference/block-kit/block-elements).
func actionID(c *checker, at string, v any) {
	textOf(longestID)(c, at, v)
	id, _ := v.(string)
	if c.actions[id] {
		c.fault(at, "action_id %q already exists in the block", id)
	}
	c.actions[id] = true
}

// block checks one block of reference/block-kit/blocks. Those that nobody here needs are refused: image, video, file,
// markdown, table and others; input is refused in messages.
func (c *checker) block() rule {
	in := elements()
	shapes := map[string]shape{
		"divider":   blockShape("divider"),
		"rich_text": richShape(),
		// header-block: plain text of at most 150.
		"header": blockShape("header").with("text", need(plain(150))),
		// context-block: at most 10 elements.
		"context": blockShape("context").with("elements", need(listOf(1, 10, anyText(longestSection)))),
		// section-block: text of at most 3000, or up to 10 fields of at most 2000 each, or both.
		"section": blockShape("section").with("text", may(anyText(longestSection))).
			with("fields", may(listOf(1, 10, anyText(2000)))).with("accessory", may(oneOf(in.section))).
			with("expand", may(boolean)),
		// actions-block: at most 25 elements.
		"actions": blockShape("actions").with("elements", need(listOf(1, 25, oneOf(in.actions)))),
	}
	if c.surface != "message" {
		// input-block: label and hint of at most 2000.
		shapes["input"] = blockShape("input").with("label", need(plain(2000))).with("hint", may(plain(2000))).
			with("element", need(oneOf(in.input))).with("optional", may(boolean)).with("dispatch_action", may(boolean))
	}
	check := oneOf(shapes)
	return func(c *checker, at string, v any) {
		c.actions = map[string]bool{}
		check(c, at, v)
		b, _ := v.(map[string]any)
		if word(b, "type") == "section" && b["text"] == nil && b["fields"] == nil {
			c.fault(at, "a section needs text or fields")
		}
		for _, e := range interactive(b) {
			agree(c, at, e)
		}
	}
}

// checkView checks a view of one of the kinds (reference/views/modal-views, reference/views/home-tab-views).
func checkView(text string, kinds ...string) (view map[string]any, refused answer) {
	if len(text) > 250_000 {
		return nil, refuse("view_too_large")
	}
	v, ok := parse(text)
	view, isObject := v.(map[string]any)
	if !ok || !isObject {
		return nil, invalid("invalid type for view [json-pointer:/view]")
	}
	kind := word(view, "type")
	c := newChecker(kind)
	common := shape{
		"type": need(constant(kinds...)), "blocks": need(listOf(1, blocksInView, c.block())),
		"private_metadata": may(optionalText(3000)), "callback_id": may(optionalText(longestID)),
		"external_id": may(optionalText(longestID)),
	}
	if kind == "modal" {
		common = common.with("title", need(plain(24))).with("submit", may(plain(24))).with("close", may(plain(24))).
			with("clear_on_close", may(boolean)).with("notify_on_close", may(boolean))
	}
	common.check(c, "/view", v)
	blocks, _ := view["blocks"].([]any)
	for i, b := range blocks {
		if object, _ := b.(map[string]any); kind == "modal" && word(object, "type") == "input" && view["submit"] == nil {
			c.fault(fmt.Sprintf("/view/blocks/%d", i), "submit is required when an input block is within the blocks array")
		}
	}
	if c.focused > 1 {
		c.fault("/view", "only one element can have focus_on_load set to true")
	}
	if len(c.problems) > 0 {
		return nil, invalid(c.problems...)
	}
	return view, nil
}

// optionalText may be empty, unlike the texts that people see.
func optionalText(longest int) rule {
	return func(c *checker, at string, v any) {
		if s, ok := v.(string); !ok || length(s) > longest {
			c.fault(at, "must be a string of less than %d characters", longest+1)
		}
	}
}

// complete gives every block and interactive element an ID, as Slack does with those that have none.
func complete(blocks any) json.RawMessage {
	entries, _ := blocks.([]any)
	for i, e := range entries {
		b, _ := e.(map[string]any)
		if b == nil {
			continue
		}
		if word(b, "block_id") == "" {
			b["block_id"] = fmt.Sprintf("b%dXq", i)
		}
		for j, element := range interactive(b) {
			if word(element, "action_id") == "" {
				element["action_id"] = fmt.Sprintf("a%d%dZt", i, j)
			}
		}
	}
	raw, err := json.Marshal(blocks)
	if err != nil {
		panic("slacktest: cannot encode blocks: " + err.Error())
	}
	return raw
}

// interactive are the elements of a block that people can use.
func interactive(b map[string]any) []map[string]any {
	var found []map[string]any
	candidates, _ := b["elements"].([]any)
	for _, e := range append([]any{b["accessory"], b["element"]}, candidates...) {
		if element, _ := e.(map[string]any); element != nil && word(b, "type") != "context" && word(b, "type") != "rich_text" {
			found = append(found, element)
		}
	}
	return found
}
