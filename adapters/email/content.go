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

// The limits of a mail's content. What does not fit is counted, never silently
// left out.
const (
	maxFields   = 30
	maxSections = 200 // a bundle has one for each incident
	maxLines    = 60
	maxValue    = 1000 // characters of a field or a line
	maxLabel    = 80   // characters of a name or a button
	maxHeading  = 400  // characters of a heading
)

// content is the content of a mail, made safe to show: a text that has to be on
// one line is, and every link is a web address.
type content struct {
	Title    string
	Text     []string // paragraphs
	Fields   []card.Field
	Sections []section
	Button   *card.Button  // the main button, if it has a link
	Links    []card.Button // the other links
	Commands []string      // commands without a link, to be typed
	Footer   string
}

// section is a section of a mail. Its link and its button lead to web addresses, or are
// empty.
type section struct {
	Heading, Link string
	Lines         []string
	Button        card.Button
	Command       string // of a button without an address, to be typed
}

// newSection returns a section that is safe to show.
func newSection(s card.Section) section {
	clean := section{Heading: cleanLine(s.Heading, maxHeading)}
	for _, l := range firstN(s.Lines, maxLines) {
		clean.Lines = append(clean.Lines, cleanLine(l, maxValue))
	}
	if more := len(s.Lines) - maxLines; more > 0 {
		clean.Lines = append(clean.Lines, fmt.Sprintf("… and %d more", more))
	}
	if isLink(s.Link) {
		clean.Link = s.Link
	}
	switch b := s.Button; {
	case isLink(b.URL):
		b.Label = cleanLine(b.Label, maxLabel)
		clean.Button = b
	default:
		clean.Command = cleanLine(b.Command, maxValue)
	}
	return clean
}

// newContent returns the content of a page's mail.
func newContent(page bot.Page) content {
	m := page.Content
	c := content{Title: subject(page), Footer: cleanLine(m.Footer, maxValue)}
	text, _ := workflow.CleanText(m.Text, workflow.MaxText)
	for paragraph := range strings.SplitSeq(text, "\n") {
		if paragraph = strings.TrimSpace(paragraph); paragraph != "" {
			c.Text = append(c.Text, paragraph)
		}
	}
	for _, f := range firstN(m.Fields, maxFields) {
		if f = (card.Field{Name: cleanLine(f.Name, maxLabel), Value: cleanLine(f.Value, maxValue)}); f.Value != "" {
			c.Fields = append(c.Fields, f)
		}
	}
	for _, s := range firstN(m.Sections, maxSections) {
		c.Sections = append(c.Sections, newSection(s))
	}
	if more := max(len(m.Fields)-maxFields, 0) + max(len(m.Sections)-maxSections, 0); more > 0 {
		c.Sections = append(c.Sections, section{Heading: fmt.Sprintf("… and %d more", more)})
	}
	c.addButtons(m.Buttons)
	return c
}

// addButtons sorts the buttons into the main button, links, and commands to
// type.
func (c *content) addButtons(buttons []card.Button) {
	for _, b := range buttons {
		b.Label = cleanLine(b.Label, maxLabel)
		switch {
		case !isLink(b.URL):
			if command := cleanLine(b.Command, maxValue); command != "" {
				c.Commands = append(c.Commands, command)
			}
		case b.Main && c.Button == nil:
			c.Button = &b
		default:
			c.Links = append(c.Links, b)
		}
	}
}

// CommandIntro returns the words before a command to type.
func (c content) CommandIntro() string {
	if c.Button == nil && len(c.Links) == 0 {
		return "Type"
	}
	return "or type"
}

// subject returns the subject of the mail, which is also its heading. It is
// never empty.
func subject(page bot.Page) string {
	if t := cleanLine(page.Content.Title, workflow.MaxTitle); t != "" {
		return t
	}
	ids := make([]string, 0, len(page.Incidents))
	for _, i := range page.Incidents {
		ids = append(ids, i.ID)
	}
	if t := cleanLine(strings.Join(ids, ", "), workflow.MaxTitle); t != "" {
		return t
	}
	return "You are paged"
}

// text renders the plain-text part.
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
		fmt.Fprintf(&b, "%s: %s\n", c.CommandIntro(), command)
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
		if s.Button.URL != "" {
			fmt.Fprintf(&b, "%s: %s\n", s.Button.Label, s.Button.URL)
		}
		if s.Command != "" {
			fmt.Fprintf(&b, "Type: %s\n", s.Command)
		}
		if s.Link != "" {
			fmt.Fprintf(&b, "Open: %s\n", s.Link)
		}
	}
	if c.Footer != "" {
		fmt.Fprintf(&b, "\n%s\n", c.Footer)
	}
	return b.String()
}

// html renders the HTML part.
func (c content) html(layout *template.Template) (string, error) {
	var b bytes.Buffer
	if err := layout.Execute(&b, c); err != nil {
		return "", fmt.Errorf("render mail.html: %w", err)
	}
	return b.String(), nil
}

// cleanLine makes a text safe and puts it on one line.
func cleanLine(text string, limit int) string {
	clean, _ := workflow.CleanLine(text, limit)
	return clean
}

// isLink reports whether a URL is a web address without hidden characters.
func isLink(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" &&
		!isUnclean(text) && !strings.ContainsAny(text, " \n")
}

// firstN returns the first n items, or all if there are fewer.
func firstN[T any](all []T, n int) []T { return all[:min(n, len(all))] }
