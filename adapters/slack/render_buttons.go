package slack

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"tocsin/bot/card"
)

// doMore is the action_id of the menu of what is less often needed.
const doMore = "do:more"

// ending is what stands below everything: buttons, the menu, links that cannot
// be opened with a click, and the footer.
func (s *sheet) ending(m card.Content) []slack.Block {
	var all []slack.Block
	var pressed []slack.BlockElement
	var unsafe []string
	for _, a := range m.Buttons {
		b := s.button(a)
		switch {
		case b != nil && len(pressed) < mostButtons-1:
			pressed = append(pressed, b)
		case b == nil && line(card.Plain(a.URL)) != "" && len(unsafe) < mostMenu:
			unsafe = append(unsafe, strings.TrimSpace(short(line(a.Label), longLabel)+" "+short(line(a.URL), longField)))
		}
	}
	if menu := more(m.More); menu != nil {
		pressed = append(pressed, menu)
	}
	if len(pressed) > 0 {
		all = append(all, slack.NewActionBlock("", pressed...))
	}
	if len(unsafe) > 0 {
		all = append(all, rich(span{text: strings.Join(unsafe, "\n")}))
	}
	opened := slices.ContainsFunc(m.Buttons, func(a card.Button) bool { return a.Command == "" && a.URL == m.Footer })
	if to := link(m.Footer); to != "" && opened {
		return all // a button says it already
	} else if to != "" {
		all = append(all, slack.NewContextBlock("", markup(to)))
	} else if text := line(m.Footer); text != "" {
		all = append(all, slack.NewContextBlock("", plain(text, longField)))
	}
	return all
}

// button is a command to send or an address to open; nil for what is neither.
// Where there are both, pressing here is answered here.
func (s *sheet) button(a card.Button) *slack.ButtonBlockElement {
	label, command := line(a.Label), strings.TrimSpace(a.Command)
	b := &slack.ButtonBlockElement{Type: slack.METButton}
	switch {
	case command != "" && units(command) <= longValue:
		b.ActionID, b.Value = fmt.Sprintf("do:%d", s.buttons), command
		b.Text = plain(cmp.Or(label, command), longLabel)
	case host(a.URL) != "" && len(a.URL) <= longURL:
		b.ActionID, b.URL = fmt.Sprintf("open:%d", s.buttons), a.URL
		b.Text = plain(honest(label, a.URL, s.Ours), longLabel)
	default:
		return nil
	}
	if a.Main {
		b.Style = slack.StylePrimary
	}
	s.buttons++
	return b
}

// more is a menu; nil for an empty one.
func more(actions []card.Button) *slack.OverflowBlockElement {
	var all []*slack.OptionBlockObject
	for _, a := range actions {
		command := strings.TrimSpace(a.Command)
		known := slices.ContainsFunc(all, func(o *slack.OptionBlockObject) bool { return o.Value == command })
		if command == "" || units(command) > longOption || known || len(all) == mostMenu {
			continue
		}
		all = append(all, slack.NewOptionBlockObject(command, plain(cmp.Or(line(a.Label), command), longLabel), nil))
	}
	if len(all) == 0 {
		return nil
	}
	return slack.NewOverflowBlockElement(doMore, all...)
}
