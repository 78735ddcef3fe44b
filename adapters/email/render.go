package email

import (
	"bytes"
	"fmt"
	"html/template"
	"net/url"
	"strings"

	"tocsin/bot"
	"tocsin/bot/card"
	"tocsin/workflow"
)

// How much of a message a mail shows. What is more is counted, never silently
// left out.
const (
	maxFields   = 30
	maxSections = 12
	maxLines    = 60
	maxValue    = 1000 // characters of a field or a line
	maxLabel    = 80   // characters of a name, heading or button
)

// content is a message made safe to show: one line where there is one line,
// and only links that lead to a page.
type content struct {
	Title    string
	Text     []string // paragraphs
	Fields   []card.Field
	Sections []card.Section
	Button   *card.Button  // the one big link, if the main action has one
	Links    []card.Button // the others
	Commands []string      // what can only be typed
	Footer   string
}

// read takes out of a page what a mail shows.
func read(page bot.Page) content {
	m := page.Content
	c := content{Title: title(page), Footer: line(m.Footer, maxValue)}
	text, _ := workflow.CleanText(m.Text, workflow.MaxText)
	for paragraph := range strings.SplitSeq(text, "\n") {
		if paragraph = strings.TrimSpace(paragraph); paragraph != "" {
			c.Text = append(c.Text, paragraph)
		}
	}
	for _, f := range first(m.Fields, maxFields) {
		if f = (card.Field{Name: line(f.Name, maxLabel), Value: line(f.Value, maxValue)}); f.Value != "" {
			c.Fields = append(c.Fields, f)
		}
	}
	for _, s := range first(m.Sections, maxSections) {
		clean := card.Section{Heading: line(s.Heading, maxLabel)}
		for _, l := range first(s.Lines, maxLines) {
			clean.Lines = append(clean.Lines, line(l, maxValue))
		}
		if more := len(s.Lines) - maxLines; more > 0 {
			clean.Lines = append(clean.Lines, fmt.Sprintf("… and %d more", more))
		}
		c.Sections = append(c.Sections, clean)
	}
	if more := max(len(m.Fields)-maxFields, 0) + max(len(m.Sections)-maxSections, 0); more > 0 {
		c.Sections = append(c.Sections, card.Section{Heading: fmt.Sprintf("… and %d more", more)})
	}
	c.act(m.Buttons)
	return c
}

// act sorts the actions into one button, links, and words to type.
func (c *content) act(actions []card.Button) {
	for _, a := range actions {
		a.Label = line(a.Label, maxLabel)
		switch {
		case !link(a.URL):
			if command := line(a.Command, maxValue); command != "" {
				c.Commands = append(c.Commands, command)
			}
		case a.Main && c.Button == nil:
			c.Button = &a
		default:
			c.Links = append(c.Links, a)
		}
	}
}

// OrType introduces the words to type.
func (c content) OrType() string {
	if c.Button == nil && len(c.Links) == 0 {
		return "Type"
	}
	return "or type"
}

// title is the subject, and the heading. It is never empty.
func title(page bot.Page) string {
	if t := line(page.Content.Title, workflow.MaxTitle); t != "" {
		return t
	}
	ids := make([]string, 0, len(page.Incidents))
	for _, i := range page.Incidents {
		ids = append(ids, i.ID)
	}
	if t := line(strings.Join(ids, ", "), workflow.MaxTitle); t != "" {
		return t
	}
	return "You are paged"
}

// text renders the plain part.
func (c content) text() string {
	var b strings.Builder
	fmt.Fprintln(&b, c.Title)
	for _, paragraph := range c.Text {
		fmt.Fprintf(&b, "\n%s\n", paragraph)
	}
	if c.Button != nil || len(c.Links)+len(c.Commands) > 0 {
		fmt.Fprintln(&b)
	}
	if c.Button != nil {
		fmt.Fprintf(&b, "%s: %s\n", c.Button.Label, c.Button.URL)
	}
	for _, a := range c.Links {
		fmt.Fprintf(&b, "%s: %s\n", a.Label, a.URL)
	}
	for _, command := range c.Commands {
		fmt.Fprintf(&b, "%s: %s\n", c.OrType(), command)
	}
	if len(c.Fields) > 0 {
		fmt.Fprintln(&b)
	}
	for _, f := range c.Fields {
		fmt.Fprintf(&b, "%s: %s\n", f.Name, f.Value)
	}
	for _, s := range c.Sections {
		fmt.Fprintf(&b, "\n%s\n", s.Heading)
		for _, l := range s.Lines {
			fmt.Fprintf(&b, "- %s\n", l)
		}
	}
	if c.Footer != "" {
		fmt.Fprintf(&b, "\n%s\n", c.Footer)
	}
	return b.String()
}

// html renders the other part.
func (c content) html(layout *template.Template) (string, error) {
	var b bytes.Buffer
	if err := layout.Execute(&b, c); err != nil {
		return "", fmt.Errorf("render the mail: %w", err)
	}
	return b.String(), nil
}

// line makes text safe on one line.
func line(text string, limit int) string {
	clean, _ := workflow.CleanLine(text, limit)
	return clean
}

// link reports whether a URL leads to a page and hides nothing.
func link(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" &&
		!unclean(text) && !strings.ContainsAny(text, " \n")
}

func first[T any](all []T, n int) []T { return all[:min(n, len(all))] }
