package commands

import (
	"strings"

	"tocsin/workflow"
)

// builder turns the arguments of a command into a [workflow.Command] or a [Query].
type builder func(*args) (workflow.Command, *Query, error)

// commandBuilder returns the builder of a command that is not a query.
func commandBuilder(build func(*args) (workflow.Command, error)) builder {
	return func(a *args) (workflow.Command, *Query, error) {
		c, err := build(a)
		return c, nil, err
	}
}

// textBuilder returns the builder of a command that takes a text. A missing text is
// refused with the message missing; "" means that the text may be missing.
func textBuilder(missing string, build func(text string) workflow.Command) builder {
	return commandBuilder(func(a *args) (workflow.Command, error) {
		text := a.text()
		if strings.TrimSpace(text) == "" && missing != "" {
			return nil, a.refuse(missing)
		}
		return build(text), nil
	})
}

// noTextBuilder returns the builder of a command that takes nothing beside an incident and
// flags.
func noTextBuilder(build func(*args) (workflow.Command, error)) builder {
	return commandBuilder(func(a *args) (workflow.Command, error) {
		if err := a.requireEnd(); err != nil {
			return nil, err
		}
		return build(a)
	})
}
