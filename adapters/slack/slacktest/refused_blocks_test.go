package slacktest_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"tocsin/adapters/slack/slacktest"
)

// completeElements returns one element of each type with every field that the schema knows, beside type and action_id.
func completeElements() map[string]string {
	opt := `{"text":` + plain(1) + `,"value":"a","description":` + plain(1) + `}`
	confirm := `"confirm":{"title":` + plain(1) + `,"text":` + plain(1) + `,"confirm":` + plain(1) + `,"deny":` + plain(1) + `,"style":"danger"}`
	menu := `"placeholder":` + plain(1) + `,"focus_on_load":true,` + confirm
	typed := `"placeholder":` + plain(1) + `,"focus_on_load":true,"dispatch_action_config":{"trigger_actions_on":["on_enter_pressed"]}`
	group := `"option_groups":[{"label":` + plain(1) + `,"options":[` + opt + `]}]`
	many := `,"max_selected_items":2,` + menu
	return map[string]string{
		"button":                `"text":` + plain(1) + `,"value":"v","url":"https://a.example","style":"primary","accessibility_label":"x",` + confirm,
		"overflow":              `"options":[{"text":` + plain(1) + `,"value":"a","description":` + plain(1) + `,"url":"https://a.example"}],` + confirm,
		"static_select":         `"options":[` + opt + `],"initial_option":` + opt + `,` + menu,
		"external_select":       `"initial_option":` + opt + `,"min_query_length":1,` + menu,
		"users_select":          `"initial_user":"U1",` + menu,
		"multi_users_select":    `"initial_users":["U1"]` + many,
		"multi_static_select":   group + `,"initial_options":[` + opt + `]` + many,
		"multi_external_select": `"initial_options":[` + opt + `],"min_query_length":1` + many,
		"checkboxes":            `"options":[` + opt + `],"initial_options":[` + opt + `],"focus_on_load":true,` + confirm,
		"radio_buttons":         `"options":[{"text":` + mrkdwn(1) + `,"value":"a","description":` + mrkdwn(1) + `}],"focus_on_load":true,` + confirm,
		"datepicker":            `"initial_date":"2026-03-02",` + menu,
		"timepicker":            `"initial_time":"03:12","timezone":"UTC",` + menu,
		"datetimepicker":        `"initial_date_time":1772421120,"focus_on_load":true,` + confirm,
		"plain_text_input":      `"initial_value":"xx","multiline":true,"min_length":1,"max_length":3,` + typed,
		"email_text_input":      `"initial_value":"a@example.com",` + typed,
		"url_text_input":        `"initial_value":"https://a.example",` + typed,
		"number_input":          `"is_decimal_allowed":true,"initial_value":"1.5","min_value":"-1","max_value":"3",` + typed,
	}
}

// completeBlocks returns one block of each type with every field that the schema knows.
func completeBlocks() map[string]string {
	style := `"style":{"bold":true,"italic":true,"strike":true,"code":false,"unlink":true}`
	words := `{"type":"text","text":" ",` + style + `},{"type":"link","url":"https://a.example","text":"a",` + style + `}`
	date := `{"type":"date","timestamp":1772421120,"format":"{date_num} {time}","timezone":"UTC","url":"https://a.example","fallback":"x",` +
		`"style":{"bold":true,"italic":true,"strike":true,"highlight":true,"client_highlight":true,"underline":true}}`
	return map[string]string{
		"divider": ``,
		"header":  `"text":{"type":"plain_text","text":"x","emoji":true}`,
		"context": `"elements":[{"type":"mrkdwn","text":"x","verbatim":true},` + plain(1) + `]`,
		"section": `"text":` + mrkdwn(1) + `,"fields":[` + plain(1) + `],"expand":true,"accessory":{"type":"button","text":` + plain(1) + `}`,
		"actions": `"elements":[{"type":"button","action_id":"a","text":` + plain(1) + `}]`,
		"input": `"label":` + plain(1) + `,"hint":` + plain(1) + `,"optional":true,"dispatch_action":true,` +
			`"element":{"type":"plain_text_input"}`,
		"rich_text": `"elements":[{"type":"rich_text_section","elements":[` + words + `,{"type":"channel","channel_id":"C1",` + style + `},` + date + `]},` +
			`{"type":"rich_text_preformatted","border":1,"elements":[` + words + `]}]`,
	}
}

// Checks every block, element and view with each field missing, of another type, longer, and with more items. Each row of the
// golden file has a problem and the changes that cause it. Compare it with the pages below
// docs.slack.dev/reference/block-kit and docs.slack.dev/reference/views.
func TestRefusedBlocks(t *testing.T) {
	var b strings.Builder
	for kind, fields := range inOrder(completeBlocks()) {
		whole := `{"type":"` + kind + `","block_id":"b",` + fields
		whole = strings.TrimSuffix(whole, ",") + "}"
		writeChanges(&b, kind, whole, func(block string) []string { return slacktest.CheckBlocks([]byte("[" + block + "]")) })
	}
	for kind, fields := range inOrder(completeElements()) {
		whole := `{"type":"` + kind + `","action_id":"a",` + fields + `}`
		fmt.Fprintf(&b, "\n%s\n", kind)
		for place, block := range inOrder(map[string]string{
			"section": `{"type":"section","text":` + plain(1) + `,"accessory":` + whole + `}`, "actions": actions(whole), "input": input(whole), "context": `{"type":"context","elements":[` + whole + `]}`,
		}) {
			fmt.Fprintf(&b, "  in %s of a message: %s\n", place, joinProblems(slacktest.CheckBlocks([]byte("["+block+"]"))))
			fmt.Fprintf(&b, "  in %s of a modal: %s\n", place, joinProblems(slacktest.CheckView([]byte(modalOf(block)))))
			fmt.Fprintf(&b, "  in %s of a home tab: %s\n", place, joinProblems(slacktest.CheckView([]byte(`{"type":"home","blocks":[`+block+`]}`))))
		}
		place := input
		if kind == "button" || kind == "overflow" {
			place = actions
		}
		writeChanges(&b, kind, whole, func(element string) []string { return slacktest.CheckView([]byte(modalOf(place(element)))) })
	}
	common := `"private_metadata":"x","callback_id":"x","external_id":"x","blocks":[` + input(`{"type":"plain_text_input"}`) + `]}`
	check := func(view string) []string { return slacktest.CheckView([]byte(view)) }
	writeChanges(&b, "modal", `{"type":"modal","title":`+plain(1)+`,"submit":`+plain(1)+`,"close":`+plain(1)+`,"clear_on_close":true,"notify_on_close":true,`+common, check)
	writeChanges(&b, "home", `{"type":"home",`+common, check)
	compareGolden(t, "refused_blocks.golden.txt", strings.TrimSpace(b.String())+"\n")
}

// modalOf returns a modal with blocks.
func modalOf(blocks string) string {
	return `{"type":"modal","title":` + plain(1) + `,"submit":` + plain(1) + `,"blocks":[` + blocks + `]}`
}

// inOrder returns the entries of a map, sorted by key.
func inOrder(all map[string]string) func(func(string, string) bool) {
	return func(yield func(string, string) bool) {
		for _, name := range slices.Sorted(maps.Keys(all)) {
			if !yield(name, all[name]) {
				return
			}
		}
	}
}

// joinProblems lists problems without their places.
func joinProblems(problems []string) string {
	for i, p := range problems {
		p, _, _ = strings.Cut(p, " [json-pointer:")
		problems[i] = strings.TrimPrefix(p, "[ERROR] ")
	}
	slices.Sort(problems)
	return strings.Join(slices.Compact(problems), "; ")
}

// writeChanges writes the problems of a JSON object after each change of one of its values: a line for each value, with the
// changes by the problems that they cause.
func writeChanges(b *strings.Builder, kind, whole string, check func(string) []string) {
	fmt.Fprintf(b, "\n%s: %s\n", kind, joinProblems(check(whole)))
	refused := map[string]map[string][]string{}
	vary(decode(whole), "", func(at, what string, apply func(any) any) {
		raw, err := json.Marshal(apply(decode(whole)))
		if err != nil {
			panic(err)
		}
		if refused[at] == nil {
			refused[at] = map[string][]string{}
		}
		problems := joinProblems(check(string(raw)))
		refused[at][problems] = append(refused[at][problems], what)
	})
	for _, at := range slices.Sorted(maps.Keys(refused)) {
		var words []string
		for _, problems := range slices.Sorted(maps.Keys(refused[at])) {
			changed := strings.Join(refused[at][problems], ", ")
			if problems == "" {
				problems = "accepted"
			}
			words = append(words, problems+": "+changed)
		}
		fmt.Fprintf(b, "  %s %s\n", at, strings.Join(words, " | "))
	}
}

func decode(raw string) (v any) {
	if err := json.Unmarshal([]byte(raw), &v); err != nil {
		panic(raw + ": " + err.Error())
	}
	return v
}

// vary calls change with each single change of v: its place, its description, and a function that applies it.
func vary(v any, at string, change func(at, what string, apply func(any) any)) {
	replace := func(what string, by any) { change(at, what, func(any) any { return by }) }
	switch v := v.(type) {
	case map[string]any:
		replace("a text", "x")
		change(at, "with nonsense", func(v any) any {
			v.(map[string]any)["nonsense"] = 1
			return v
		})
		if words, ok := v["text"].(string); ok && len(v) == 2 {
			replace("mrkdwn", map[string]any{"type": "mrkdwn", "text": words})
			varyText(func(what string, by any) {
				replace(what, map[string]any{"type": v["type"], "text": by})
			})
			return
		}
		for _, name := range slices.Sorted(maps.Keys(v)) {
			change(at+"/"+name, "left out", func(v any) any {
				delete(v.(map[string]any), name)
				return v
			})
			vary(v[name], at+"/"+name, func(at, what string, apply func(any) any) {
				change(at, what, func(v any) any {
					object := v.(map[string]any)
					object[name] = apply(object[name])
					return v
				})
			})
		}
	case []any:
		replace("a text", "x")
		for _, n := range []int{0, 3, 5, 6, 10, 11, 25, 26, 100, 101, 1000, 1001} {
			replace(fmt.Sprintf("%d of it", n), slices.Repeat(v[:1], n))
		}
		for i, e := range v {
			vary(e, fmt.Sprintf("%s/%d", at, i), func(at, what string, apply func(any) any) {
				change(at, what, func(v any) any {
					v.([]any)[i] = apply(v.([]any)[i])
					return v
				})
			})
		}
	case string:
		if strings.HasSuffix(at, "/type") {
			replace("unknown", "unknown")
			return
		}
		varyText(replace)
	case bool:
		replace("a text", "x")
		replace("null", nil)
	default:
		replace("a text", "x")
		for _, n := range []int64{-1, 0, 1, 100, 101, 3000, 3001, 9_999_999_999, 10_000_000_000} {
			replace(fmt.Sprint(n), n)
		}
	}
}

// varyText calls replace with each value that replaces a string.
func varyText(replace func(what string, by any)) {
	replace("a number", 7)
	replace("empty", "")
	replace("a space", " ")
	for _, n := range []int{24, 30, 75, 100, 150, 255, 300, 2000, 3000} {
		replace(fmt.Sprint(n), strings.Repeat("x", n))
		replace(fmt.Sprint(n+1), strings.Repeat("x", n+1))
	}
}
