package slack

import (
	"cmp"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"tocsin/commands"
)

// The action_id of a form's inputs: of one that holds one value, or several
// chosen ones, and of one that holds a value on each line.
const (
	oneValue = "v"
	eachLine = "lines"
)

// input is the block of a field. What it may look like stands in it where it is
// typed into, and below it else.
func input(f commands.Field, d FormData, first bool) *slack.InputBlock {
	b := &slack.InputBlock{Type: slack.MBTInput, BlockID: f.Name, Label: plain(f.Label, longHint), Optional: !f.Required}
	var choices []*slack.OptionBlockObject
	switch f.Kind {
	case commands.Check:
		b.Element = check(f, d.Values[f.Name])
		return b
	case commands.Choose:
		choices = options(f.Choices)
	case commands.Person, commands.Target, commands.Service, commands.Incident:
		choices = options(d.choices(f.Kind))
	case commands.Line, commands.Text, commands.Duration: // typed
	}
	if len(choices) == 0 { // nobody knows what there is: it is typed
		b.Element = typed(f, d.Values[f.Name], first)
		return b
	}
	if f.Hint != "" {
		b.Hint = plain(f.Hint, longHint)
	}
	b.Element = chooser(f, choices, chosen(f, choices, d.Values[f.Name]))
	return b
}

// choices are those of the house, without the incident that the form is about.
func (d FormData) choices(kind commands.FieldKind) []commands.Choice {
	if d.Choices == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(d.Choices(kind)), func(c commands.Choice) bool {
		return kind == commands.Incident && c.Value == d.Incident
	})
}

// typed is an input for text.
func typed(f commands.Field, values []string, first bool) *slack.PlainTextInputBlockElement {
	e := &slack.PlainTextInputBlockElement{
		Type: slack.METPlainTextInput, ActionID: oneValue, Multiline: f.Kind == commands.Text, FocusOnLoad: first,
		InitialValue: short(lines(strings.Join(values, "\n")), longInput),
	}
	if f.Many {
		e.ActionID, e.Multiline = eachLine, true
	}
	if !e.Multiline {
		e.InitialValue = line(e.InitialValue)
	}
	hint := f.Hint
	if f.Many {
		hint = cmp.Or(hint, "one on each line")
	}
	if hint != "" {
		e.Placeholder = plain(hint, longHolder)
	}
	return e
}

// check is a switch. Its label says what for, so that beside the box stands
// what that means.
func check(f commands.Field, values []string) *slack.CheckboxGroupsBlockElement {
	on := slack.NewOptionBlockObject("true", plain(capital(cmp.Or(f.Hint, "yes")), longLabel), nil)
	e := slack.NewCheckboxGroupsBlockElement(oneValue, on)
	if slices.ContainsFunc(values, func(v string) bool { return v != "" && v != "false" && v != "off" }) {
		e.InitialOptions = []*slack.OptionBlockObject{on}
	}
	return e
}

// chooser is a menu. One of more than a hundred asks for what it shows, as
// somebody types: [Suggest] answers.
func chooser(f commands.Field, all, initial []*slack.OptionBlockObject) slack.BlockElement {
	kinds := []string{slack.OptTypeStatic, slack.MultiOptTypeStatic}
	var asks *int
	for _, o := range initial { // a service that nobody has configured
		if !slices.Contains(all, o) {
			all = append(all, o)
		}
	}
	if len(all) > mostOptions {
		kinds = []string{slack.OptTypeExternal, slack.MultiOptTypeExternal}
		all, asks = nil, new(int)
	}
	if f.Many {
		return &slack.MultiSelectBlockElement{Type: kinds[1], ActionID: oneValue, Options: all, InitialOptions: initial, MinQueryLength: asks}
	}
	e := &slack.SelectBlockElement{Type: kinds[0], ActionID: oneValue, Options: all, MinQueryLength: asks}
	if len(initial) > 0 {
		e.InitialOption = initial[0]
	}
	return e
}

// options are choices that a menu can hold: values are neither empty, nor too
// long, nor there twice.
func options(choices []commands.Choice) []*slack.OptionBlockObject {
	seen := map[string]bool{}
	var all []*slack.OptionBlockObject
	for _, c := range choices {
		if strings.TrimSpace(c.Value) == "" || units(c.Value) > longOption || seen[c.Value] {
			continue
		}
		seen[c.Value] = true
		all = append(all, slack.NewOptionBlockObject(c.Value, plain(cmp.Or(line(c.Label), c.Value), longLabel), nil))
	}
	return all
}

// chosen are the options of values that a field has already, by their value or
// label. A service that nobody has configured is kept as it was typed.
func chosen(f commands.Field, all []*slack.OptionBlockObject, values []string) []*slack.OptionBlockObject {
	var found []*slack.OptionBlockObject
	for _, v := range values {
		v = strings.TrimSpace(v)
		n := slices.IndexFunc(all, func(o *slack.OptionBlockObject) bool {
			return strings.EqualFold(o.Value, v) || strings.EqualFold(o.Text.Text, v) || strings.EqualFold(o.Value, "@"+v)
		})
		switch {
		case n >= 0 && !slices.Contains(found, all[n]):
			found = append(found, all[n])
		case n < 0 && f.Kind == commands.Service:
			known := func(o *slack.OptionBlockObject) bool { return o.Value == v }
			if own := options([]commands.Choice{{Value: v}}); !slices.ContainsFunc(found, known) {
				found = append(found, own...)
			}
		}
	}
	return found[:min(len(found), mostOptions)]
}

// suggestions are the choices that fit what somebody has typed into a menu of
// many, those that begin with it first
// (docs.slack.dev/reference/interaction-payloads/block_suggestion-payload).
func suggestions(choices []commands.Choice, query string) []*slack.OptionBlockObject {
	query = strings.ToLower(strings.TrimSpace(query))
	rank := func(o *slack.OptionBlockObject) int {
		value, label := strings.ToLower(o.Value), strings.ToLower(o.Text.Text)
		switch {
		case strings.HasPrefix(label, query), strings.HasPrefix(value, query), strings.HasPrefix(value, "@"+query):
			return 0
		case strings.Contains(label, query), strings.Contains(value, query):
			return 1
		}
		return 2
	}
	fitting := slices.DeleteFunc(options(choices), func(o *slack.OptionBlockObject) bool { return rank(o) == 2 })
	slices.SortStableFunc(fitting, func(a, b *slack.OptionBlockObject) int { return cmp.Compare(rank(a), rank(b)) })
	return fitting[:min(len(fitting), mostOptions)]
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
	return Suggestions{append([]*slack.OptionBlockObject{}, suggestions(choices, query)...)}
}
