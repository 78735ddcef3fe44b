package commands

import (
	"fmt"
	"strings"
)

// Help returns the help text for one command, or the list of all commands for
// which canUse is true if name is "". An unknown name is a [*workflow.Refusal].
func (c Catalog) Help(name string, canUse func(Spec) bool) (string, error) {
	var b strings.Builder
	if name == "" {
		section := ""
		for _, s := range c {
			if !canUse(s) {
				continue
			}
			if s.Section != section {
				section = s.Section
				fmt.Fprintf(&b, "\n%s\n", section)
			}
			fmt.Fprintf(&b, "  %-34s %s\n", strings.TrimSpace(s.Name+" "+s.Args), s.Summary)
		}
		b.WriteString("\nIn an incident's room the ID can be left out. `help COMMAND` explains one command.\n")
		return strings.TrimPrefix(b.String(), "\n"), nil
	}
	s, ok := c.Find(name)
	if !ok {
		return "", c.refuseUnknown(name)
	}
	fmt.Fprintf(&b, "%s\n%s\n", strings.TrimSpace(s.Name+" "+s.Args), s.Summary)
	for _, v := range s.Variants {
		fmt.Fprintf(&b, "  %-28s %s\n", v.Line, v.Help)
	}
	for _, f := range s.Flags {
		fmt.Fprintf(&b, "  %-28s %s\n", strings.TrimSpace("--"+f.Name+" "+f.Arg), f.Help)
	}
	switch {
	case s.title:
		fmt.Fprintf(&b, "Any dashes make an option. To have them in the title, put the title in quotes: %s \"…\".\n", s.Name)
	case s.isProse() && len(s.Flags) > 0:
		fmt.Fprintf(&b, "Options stand before the text or at its end. After --, all is text: %s -- ….\n", s.Name)
	}
	fmt.Fprintf(&b, "For example: %s\nAccess: %s and above.\n", s.Example, s.Access)
	return b.String(), nil
}
