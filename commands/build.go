package commands

import (
	"strings"

	"tocsin/workflow"
)

// one makes a builder of a command that needs nothing but its words.
func buildCommand(build func(*args) (workflow.Command, error)) func(*args) (workflow.Command, *Query, error) {
	return func(a *args) (workflow.Command, *Query, error) {
		c, err := build(a)
		return c, nil, err
	}
}

// text makes a builder of a command that takes a text.
func buildText(what string, build func(string) workflow.Command) func(*args) (workflow.Command, *Query, error) {
	return buildCommand(func(a *args) (workflow.Command, error) {
		t := strings.TrimSpace(a.text())
		if t == "" && what != "" {
			return nil, a.refuse(what)
		}
		return build(t), nil
	})
}

// plain makes a builder of a command that takes nothing.
func buildWithoutText(build func(*args) (workflow.Command, error)) func(*args) (workflow.Command, *Query, error) {
	return buildCommand(func(a *args) (workflow.Command, error) {
		if err := a.requireEnd(); err != nil {
			return nil, err
		}
		return build(a)
	})
}
