package commands

import (
	"fmt"
	"strings"
)

// Help writes what all words, or one, are for. An unknown topic is a refusal
// with the nearest word.
func (c Catalog) Help(topic string, access Access) (string, error) {
	var b strings.Builder
	if topic == "" {
		section := ""
		for _, w := range c {
			if w.Access > access {
				continue
			}
			if w.Section != section {
				section = w.Section
				fmt.Fprintf(&b, "\n%s\n", section)
			}
			fmt.Fprintf(&b, "  %-34s %s\n", strings.TrimSpace(w.Name+" "+w.Args), w.Summary)
		}
		b.WriteString("\nIn an incident's room the ID can be left out. `help COMMAND` explains one command.\n")
		return strings.TrimPrefix(b.String(), "\n"), nil
	}
	w, ok := c.Find(topic)
	if !ok {
		return "", c.refuseUnknown(topic)
	}
	fmt.Fprintf(&b, "%s\n%s\n", strings.TrimSpace(w.Name+" "+w.Args), w.Summary)
	for _, way := range w.Variants {
		fmt.Fprintf(&b, "  %-28s %s\n", way.Line, way.Help)
	}
	for _, f := range w.Flags {
		fmt.Fprintf(&b, "  %-28s %s\n", strings.TrimSpace("--"+f.Name+" "+f.Arg), f.Help)
	}
	fmt.Fprintf(&b, "For example: %s\nAccess: %s and above.\n", w.Example, w.Access)
	return b.String(), nil
}
