package commands_test

import (
	"testing"

	"tocsin/commands"
)

// TestLabels: each command that has a form has a label, and no other command does.
func TestLabels(t *testing.T) {
	for _, spec := range commands.New() {
		if hasForm, label := len(spec.Form) > 0, spec.Label(); hasForm != (label != "") || hasForm != (spec.SubmitLabel() != "") {
			t.Errorf("%s: form %t, label %q, submit label %q", spec.Name, hasForm, label, spec.SubmitLabel())
		}
	}
}
