package commands_test

import (
	"testing"

	"tocsin/commands"
)

// TestLabels: each word that has a form has a label, and no other word does.
func TestLabels(t *testing.T) {
	for _, w := range commands.New() {
		if hasForm, label := len(w.Form) > 0, w.Label(); hasForm != (label != "") || hasForm != (w.SubmitLabel() != "") {
			t.Errorf("%s: form %t, label %q, button %q", w.Name, hasForm, label, w.SubmitLabel())
		}
	}
}
