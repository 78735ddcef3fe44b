package slacktest

import (
	"encoding/json"
	"fmt"
	"regexp"
)

// places are the interactive elements by the block that may hold them ("must be used inside of" on each element's
// page below reference/block-kit/block-elements).
type places struct{ section, actions, input map[string]shape }

func elements() places {
	p := places{map[string]shape{}, map[string]shape{}, map[string]shape{}}
	for _, e := range []struct {
		name                    string
		fields                  shape
		section, actions, input bool
	}{
		{"button", buttonShape(), true, true, false},
		{"overflow", overflowShape(), true, true, false},
		{"static_select", staticSelectShape(), true, true, true},
		{"external_select", externalSelectShape(), true, true, true},
		{"users_select", pick("users_select").with("initial_user", may(textOf(longestID))), true, true, true},
		{"multi_users_select", pickMany("multi_users_select").with("initial_users", may(listOf(1, 100, textOf(longestID)))), true, false, true},
		{"multi_static_select", multiStaticShape(), true, false, true},
		{"multi_external_select", multiExternalShape(), true, false, true},
		{"checkboxes", choiceShape("checkboxes").with("initial_options", may(initialOptions)), true, true, true},
		{"radio_buttons", choiceShape("radio_buttons").with("initial_option", may(initialOption)), true, true, true},
		{"datepicker", pick("datepicker").with("initial_date", may(pattern(`^\d{4}-\d{2}-\d{2}$`))), true, true, true},
		{"timepicker", pick("timepicker").with("initial_time", may(pattern(`^\d{2}:\d{2}$`))).with("timezone", may(textOf(longestID))), true, true, true},
		{"datetimepicker", dateTimeShape(), false, true, true},
		{"plain_text_input", textInputShape(), false, false, true},
		{"email_text_input", typed("email_text_input"), false, false, true},
		{"url_text_input", typed("url_text_input"), false, false, true},
		{"number_input", numberShape(), false, false, true},
	} {
		if e.section {
			p.section[e.name] = e.fields
		}
		if e.actions {
			p.actions[e.name] = e.fields
		}
		if e.input {
			p.input[e.name] = e.fields
		}
	}
	return p
}

func element(kind string) shape {
	return shape{"type": need(constant(kind)), "action_id": may(actionID)}
}

// buttonShape: button-element. Text of at most 75, value 2000, url 3000.
func buttonShape() shape {
	return element("button").with("text", need(plain(75))).with("value", may(textOf(2000))).
		with("url", may(link)).with("style", may(constant("primary", "danger"))).
		with("confirm", may(confirmation)).with("accessibility_label", may(textOf(75)))
}

// confirmation: confirmation-dialog-object.
func confirmation(c *checker, at string, v any) {
	shape{
		"title": need(plain(100)), "text": need(plain(300)), "confirm": need(plain(30)), "deny": need(plain(30)),
		"style": may(constant("primary", "danger")),
	}.check(c, at, v)
}

func link(c *checker, at string, v any) {
	textOf(3000)(c, at, v)
	pattern(`^(https?://|mailto:)\S+$`)(c, at, v)
}

func pattern(expression string) rule {
	return func(c *checker, at string, v any) {
		if s, ok := v.(string); !ok || !regexp.MustCompile(expression).MatchString(s) {
			c.fault(at, "does not have the form %s", expression)
		}
	}
}

// option: option-object. Text and description of at most 75, value 150; url only in overflow menus.
func option(text rule) shape {
	return shape{"text": need(text), "value": need(textOf(150)), "description": may(plain(75))}
}

// options checks a list of options, whose values must differ.
func options(most int, each rule) rule {
	return func(c *checker, at string, v any) {
		listOf(1, most, each)(c, at, v)
		seen := map[string]bool{}
		entries, _ := v.([]any)
		for _, e := range entries {
			o, _ := e.(map[string]any)
			value := word(o, "value")
			if seen[value] {
				c.fault(at, "option value %q is not unique", value)
			}
			seen[value] = true
		}
	}
}

// overflowShape: overflow-menu-element. Up to five options.
func overflowShape() shape {
	return element("overflow").with("options", need(options(5, option(plain(75)).with("url", may(link)).check))).
		with("confirm", may(confirmation))
}

func focus(c *checker, at string, v any) {
	boolean(c, at, v)
	if on, _ := v.(bool); on {
		c.focused++
	}
	if c.surface == "message" {
		c.fault(at, "focus_on_load is for views")
	}
}

func pick(kind string) shape {
	return element(kind).with("placeholder", may(plain(150))).with("confirm", may(confirmation)).
		with("focus_on_load", may(focus))
}

func pickMany(kind string) shape { return pick(kind).with("max_selected_items", may(integer(1, 100))) }

// staticSelectShape: select-menu-element, "static_select". At most 100 options, or 100 groups of them.
func staticSelectShape() shape {
	return pick("static_select").with("options", may(options(100, option(plain(75)).check))).
		with("option_groups", may(listOf(1, 100, optionGroup))).with("initial_option", may(initialOption))
}

func multiStaticShape() shape {
	return pickMany("multi_static_select").with("options", may(options(100, option(plain(75)).check))).
		with("option_groups", may(listOf(1, 100, optionGroup))).with("initial_options", may(initialOptions))
}

// optionGroup: option-group-object.
func optionGroup(c *checker, at string, v any) {
	shape{"label": need(plain(75)), "options": need(options(100, option(plain(75)).check))}.check(c, at, v)
}

func externalSelectShape() shape {
	return pick("external_select").with("initial_option", may(initialOption)).with("min_query_length", may(integer(0, 3000)))
}

// multiExternalShape: multi-select-menu-element, "multi_external_select".
func multiExternalShape() shape {
	return pickMany("multi_external_select").with("initial_options", may(initialOptions)).with("min_query_length", may(integer(0, 3000)))
}

// choiceShape: checkboxes-element and radio-button-group-element. At most 10 options, which may have markup.
func choiceShape(kind string) shape {
	labels := option(anyText(75)).with("description", may(anyText(75)))
	return element(kind).with("options", need(options(10, labels.check))).with("confirm", may(confirmation)).
		with("focus_on_load", may(focus))
}

func initialOption(c *checker, at string, v any)  { option(anyText(75)).check(c, at, v) }
func initialOptions(c *checker, at string, v any) { listOf(1, 100, initialOption)(c, at, v) }

// dateTimeShape: datetime-picker-element, whose initial value has 10 digits.
func dateTimeShape() shape {
	return element("datetimepicker").with("initial_date_time", may(integer(1_000_000_000, 9_999_999_999))).
		with("confirm", may(confirmation)).with("focus_on_load", may(focus))
}

func typed(kind string) shape {
	return element(kind).with("placeholder", may(plain(150))).with("initial_value", may(textOf(3000))).
		with("focus_on_load", may(focus)).with("dispatch_action_config", may(dispatch))
}

// dispatch: dispatch-action-configuration-object.
func dispatch(c *checker, at string, v any) {
	events := constant("on_enter_pressed", "on_character_entered")
	shape{"trigger_actions_on": may(listOf(1, 2, events))}.check(c, at, v)
}

// textInputShape: plain-text-input-element. min_length is 0 to 3000, max_length 1 to 3000.
func textInputShape() shape {
	return typed("plain_text_input").with("multiline", may(boolean)).with("min_length", may(integer(0, 3000))).
		with("max_length", may(integer(1, 3000)))
}

// numberShape: number-input-element.
func numberShape() shape {
	number := pattern(`^-?\d+(\.\d+)?$`)
	return typed("number_input").with("is_decimal_allowed", need(boolean)).with("initial_value", may(number)).
		with("min_value", may(number)).with("max_value", may(number))
}

// agree checks what one field of an element says of another.
func agree(c *checker, at string, e map[string]any) {
	all, _ := e["options"].([]any)
	groups, _ := e["option_groups"].([]any)
	kind := word(e, "type")
	if kind == "static_select" || kind == "multi_static_select" {
		if (e["options"] == nil) == (e["option_groups"] == nil) {
			c.fault(at, "exactly one of options and option_groups is required")
		}
	}
	for _, g := range groups {
		group, _ := g.(map[string]any)
		more, _ := group["options"].([]any)
		all = append(all, more...)
	}
	chosen, _ := e["initial_options"].([]any)
	if first := e["initial_option"]; first != nil {
		chosen = append(chosen, first)
	}
	for _, o := range chosen {
		if kind != "external_select" && kind != "multi_external_select" && !containsJSON(all, o) {
			c.fault(at, "an initial option is not one of the options")
		}
	}
	least, most := numberAt(e, "min_length", 0), numberAt(e, "max_length", 3000)
	if least > most {
		c.fault(at, "min_length is greater than max_length")
	}
	if initial := word(e, "initial_value"); kind == "plain_text_input" && length(initial) > most {
		c.fault(at, "initial_value is longer than max_length")
	}
}

func numberAt(e map[string]any, name string, otherwise int) int {
	number, ok := e[name].(json.Number)
	if !ok {
		return otherwise
	}
	n, err := number.Int64()
	if err != nil {
		return otherwise
	}
	return int(n)
}

func containsJSON(list []any, one any) bool {
	for _, e := range list {
		if fmt.Sprint(e) == fmt.Sprint(one) {
			return true
		}
	}
	return false
}
