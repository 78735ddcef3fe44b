package slack

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"tocsin/bot/card"
)

// actionMore is the action_id of the menu of less often needed commands.
const actionMore = "do:more"

// ending returns the blocks at the end of a message: buttons, the menu, addresses that
// do not become links, and the footer.
func (s *builder) ending(m card.Content) []slack.Block {
	var all []slack.Block
	var buttons []slack.BlockElement
	var unsafe []string
	for _, a := range m.Buttons {
		b := s.button(a)
		switch {
		case b != nil && len(buttons) < maxButtons-1:
			buttons = append(buttons, b)
		case b == nil && cleanLine(card.Plain(a.URL)) != "" && len(unsafe) < maxMenuOptions:
			unsafe = append(unsafe, strings.TrimSpace(truncate(cleanLine(a.Label), maxLabelLength)+" "+truncate(cleanLine(a.URL), maxFieldLength)))
		}
	}
	if menu := moreMenu(m.More); menu != nil {
		buttons = append(buttons, menu)
	}
	if len(buttons) > 0 {
		all = append(all, slack.NewActionBlock("", buttons...))
	}
	if len(unsafe) > 0 {
		all = append(all, rich(span{text: strings.Join(unsafe, "\n")}))
	}
	opened := slices.ContainsFunc(m.Buttons, func(a card.Button) bool { return a.Command == "" && a.URL == m.Footer })
	if to := link(m.Footer); to != "" && opened {
		return all // a button links there already
	} else if to != "" {
		all = append(all, slack.NewContextBlock("", markup(to)))
	} else if text := cleanLine(m.Footer); text != "" {
		all = append(all, slack.NewContextBlock("", plain(text, maxFieldLength)))
	}
	return all
}

// button returns a button that sends a command, or one that opens an address; nil for
// a button with neither. The command goes before the address.
func (s *builder) button(a card.Button) *slack.ButtonBlockElement {
	label, command := cleanLine(a.Label), strings.TrimSpace(a.Command)
	b := &slack.ButtonBlockElement{Type: slack.METButton}
	switch {
	case command != "" && countUnits(command) <= maxValueLength:
		b.ActionID, b.Value = fmt.Sprintf("do:%d", s.buttons), command
		b.Text = plain(cmp.Or(label, command), maxLabelLength)
	case host(a.URL) != "" && len(a.URL) <= maxURLLength:
		b.ActionID, b.URL = fmt.Sprintf("open:%d", s.buttons), a.URL
		b.Text = plain(linkLabel(label, a.URL, s.OwnHosts), maxLabelLength)
	default:
		return nil
	}
	if a.Main {
		b.Style = slack.StylePrimary
	}
	s.buttons++
	return b
}

// moreMenu returns a menu of commands; nil when it would be empty.
func moreMenu(actions []card.Button) *slack.OverflowBlockElement {
	var all []*slack.OptionBlockObject
	for _, a := range actions {
		command := strings.TrimSpace(a.Command)
		duplicate := slices.ContainsFunc(all, func(o *slack.OptionBlockObject) bool { return o.Value == command })
		if command == "" || countUnits(command) > maxOptionLength || duplicate || len(all) == maxMenuOptions {
			continue
		}
		all = append(all, slack.NewOptionBlockObject(command, plain(cmp.Or(cleanLine(a.Label), command), maxLabelLength), nil))
	}
	if len(all) == 0 {
		return nil
	}
	return slack.NewOverflowBlockElement(actionMore, all...)
}
