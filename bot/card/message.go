// Package card is the only prose: what an incident and each of its facts look
// like in words, for every room, page, mail and the command line alike.
package card

// Content is what people read, free of any platform. Adapters render it, split
// it at their limits and escape it: nothing in it is markup.
type Content struct {
	Title    string    // one line
	Text     string    // a paragraph or a few, separated by line breaks
	Fields   []Field   // short facts, in order
	Sections []Section // longer ones
	Buttons  []Button  // at most five
	More     []Button  // at most five, less often needed
	Footer   string
}

// Field is a short fact with a name.
type Field struct{ Name, Value string }

// Section is a longer text under a heading, with something to press beside it.
type Section struct {
	Heading string
	Lines   []string
	Button  Button
}

// Button is a button or a link. A button is a command line of at most 100
// bytes; a link is a URL.
type Button struct {
	Label   string
	Command string
	URL     string
	Main    bool // the one to press
}
