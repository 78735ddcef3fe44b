package slack

import (
	"cmp"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"tocsin/commands"
)

// The action_id of a form's inputs: of one that holds one value, or several options,
// and of one that holds a value on each line.
const (
	actionValue = "v"
	actionLines = "lines"
)

// inputBlock returns the block of a field. The field's hint is the placeholder of a
// text input, and stands below a menu.
func inputBlock(f commands.Field, d FormData, first bool) *slack.InputBlock {
	b := &slack.InputBlock{Type: slack.MBTInput, BlockID: f.Name, Label: plain(f.Label, maxHintLength), Optional: !f.Required}
	var choices []*slack.OptionBlockObject
	switch f.Kind {
	case commands.Check:
		b.Element = checkbox(f, d.Values[f.Name])
		return b
	case commands.Choose:
		choices = menuOptions(f.Choices)
	case commands.Person, commands.Target, commands.Service, commands.Incident:
		choices = menuOptions(d.choices(f.Kind))
	case commands.Line, commands.Text, commands.Duration: // a text input
	}
	if len(choices) == 0 { // there is nothing to choose from
		b.Element = textInput(f, d.Values[f.Name], first)
		return b
	}
	if f.Hint != "" {
		b.Hint = plain(f.Hint, maxHintLength)
	}
	b.Element = menu(f, choices, initialOptions(f, choices, d.Values[f.Name]))
	return b
}

// choices returns what a field of a kind offers, without the incident that the form is
// about.
func (d FormData) choices(kind commands.FieldKind) []commands.Choice {
	if d.Choices == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(d.Choices(kind)), func(c commands.Choice) bool {
		return kind == commands.Incident && c.Value == d.Incident
	})
}

// textInput returns an input for text.
func textInput(f commands.Field, values []string, first bool) *slack.PlainTextInputBlockElement {
	e := &slack.PlainTextInputBlockElement{
		Type: slack.METPlainTextInput, ActionID: actionValue, Multiline: f.Kind == commands.Text, FocusOnLoad: first,
		InitialValue: truncate(cleanText(strings.Join(values, "\n")), maxInputLength),
	}
	if f.Many {
		e.ActionID, e.Multiline = actionLines, true
	}
	if !e.Multiline {
		e.InitialValue = cleanLine(e.InitialValue)
	}
	hint := f.Hint
	if f.Many {
		hint = cmp.Or(hint, "one on each line")
	}
	if hint != "" {
		e.Placeholder = plain(hint, maxPlaceholderLength)
	}
	return e
}

// checkbox returns an input that is on or off. The field's hint stands beside the box.
func checkbox(f commands.Field, values []string) *slack.CheckboxGroupsBlockElement {
	on := slack.NewOptionBlockObject("true", plain(capital(cmp.Or(f.Hint, "yes")), maxLabelLength), nil)
	e := slack.NewCheckboxGroupsBlockElement(actionValue, on)
	if slices.ContainsFunc(values, func(v string) bool { return v != "" && v != "false" && v != "off" }) {
		e.InitialOptions = []*slack.OptionBlockObject{on}
	}
	return e
}

// menu returns an input to choose from options. A menu of more than a hundred asks for
// its options while a person types: [Suggest] answers.
func menu(f commands.Field, all, initial []*slack.OptionBlockObject) slack.BlockElement {
	kinds := []string{slack.OptTypeStatic, slack.MultiOptTypeStatic}
	var asks *int
	for _, o := range initial { // a service that is not configured
		if !slices.Contains(all, o) {
			all = append(all, o)
		}
	}
	if len(all) > maxOptions {
		kinds = []string{slack.OptTypeExternal, slack.MultiOptTypeExternal}
		all, asks = nil, new(int)
	}
	if f.Many {
		return &slack.MultiSelectBlockElement{Type: kinds[1], ActionID: actionValue, Options: all, InitialOptions: initial, MinQueryLength: asks}
	}
	e := &slack.SelectBlockElement{Type: kinds[0], ActionID: actionValue, Options: all, MinQueryLength: asks}
	if len(initial) > 0 {
		e.InitialOption = initial[0]
	}
	return e
}

// menuOptions returns the choices that a menu can hold: those whose values are not
// empty, not too long, and not there twice.
func menuOptions(choices []commands.Choice) []*slack.OptionBlockObject {
	seen := map[string]bool{}
	var all []*slack.OptionBlockObject
	for _, c := range choices {
		if strings.TrimSpace(c.Value) == "" || countUnits(c.Value) > maxOptionLength || seen[c.Value] {
			continue
		}
		seen[c.Value] = true
		all = append(all, slack.NewOptionBlockObject(c.Value, plain(cmp.Or(cleanLine(c.Label), c.Value), maxLabelLength), nil))
	}
	return all
}

// initialOptions returns the options of the values that a field is filled in with, by
// their value or label. A service that is not configured is kept as it was typed.
func initialOptions(f commands.Field, all []*slack.OptionBlockObject, values []string) []*slack.OptionBlockObject {
	var found []*slack.OptionBlockObject
	for _, v := range values {
		v = strings.TrimSpace(v)
		n := slices.IndexFunc(all, func(o *slack.OptionBlockObject) bool {
			value, typed := commands.Fold(o.Value), commands.Fold(v)
			return value == typed || commands.Fold(o.Text.Text) == typed || value == "@"+typed
		})
		switch {
		case n >= 0 && !slices.Contains(found, all[n]):
			found = append(found, all[n])
		case n < 0 && f.Kind == commands.Service:
			isSame := func(o *slack.OptionBlockObject) bool { return o.Value == v }
			if own := menuOptions([]commands.Choice{{Value: v}}); !slices.ContainsFunc(found, isSame) {
				found = append(found, own...)
			}
		}
	}
	return found[:min(len(found), maxOptions)]
}

// matchingOptions returns the choices that match what was typed into a menu, those
// that begin with it first
// (docs.slack.dev/reference/interaction-payloads/block_suggestion-payload).
func matchingOptions(choices []commands.Choice, query string) []*slack.OptionBlockObject {
	query = commands.Fold(query)
	rank := func(o *slack.OptionBlockObject) int {
		value, label := commands.Fold(o.Value), commands.Fold(o.Text.Text)
		switch {
		case strings.HasPrefix(label, query), strings.HasPrefix(value, query), strings.HasPrefix(value, "@"+query):
			return 0
		case strings.Contains(label, query), strings.Contains(value, query):
			return 1
		}
		return 2
	}
	matching := slices.DeleteFunc(menuOptions(choices), func(o *slack.OptionBlockObject) bool { return rank(o) == 2 })
	slices.SortStableFunc(matching, func(a, b *slack.OptionBlockObject) int { return cmp.Compare(rank(a), rank(b)) })
	return matching[:min(len(matching), maxOptions)]
}

// Suggestions is the response to a menu that asks which options match what was
// typed into it. It has a list also when none does: without one (and
// [slack.OptionsResponse] leaves an empty one out) people go on seeing the
// options that matched before (github.com/slackapi/bolt-python/issues/468).
type Suggestions struct {
	Options []*slack.OptionBlockObject `json:"options"`
}

// Suggest returns the choices that match what was typed into a menu.
func Suggest(choices []commands.Choice, query string) Suggestions {
	return Suggestions{append([]*slack.OptionBlockObject{}, matchingOptions(choices, query)...)}
}

// capital returns a text with a capital letter.
func capital(text string) string { return strings.ToUpper(text[:1]) + text[1:] }
