// Package card renders incidents and facts as text: the cards, pages, replies
// and timeline lines that every chat platform, mail, browser page and command
// line shows. All wording of an incident is here.
package card

// Content is a rendered message, free of any platform. Adapters lay it out,
// split it at their platform's limits and escape it: nothing in it is markup.
type Content struct {
	Title    string    // one line
	Text     string    // a paragraph or a few, separated by line breaks
	Fields   []Field   // short values, in order
	Sections []Section // longer ones
	Buttons  []Button  // at most five
	More     []Button  // at most five, less often needed
	Footer   string
}

// Field is a short value with a name.
type Field struct{ Name, Value string }

// Section is a list of lines under a heading, with an optional button and an optional
// address that the heading leads to.
type Section struct {
	Heading string
	Link    string
	Lines   []string
	Button  Button
}

// Button is a button that runs a command, or a link. A command is a line of at
// most 100 bytes; a link is a URL.
type Button struct {
	Label   string
	Command string
	URL     string
	Main    bool // the primary button
}
