package workflow_test

import (
	"testing"

	"tocsin/workflow"
)

// TestC2Tables: a text keeps its line breaks, tabs, runs of spaces and the indentation of its first
// line (C2: pasted text is kept as it is).
func TestC2Tables(t *testing.T) {
	for text, want := range map[string]string{
		"\n   NAME   READY\n   api    1/1\n\n": "   NAME   READY\n   api    1/1",
		"a\tb\r\nc\td":                         "a\tb\nc\td",
		"one\u2028two\rthree\u0085":            "one\ntwo\nthree",
		"  alone  ":                            "alone",
		" \n\t ":                               "",
		"x\x00\u200b\u202ey":                   "xy",
		"日本\t語\n\t1":                           "日本\t語\n\t1",
	} {
		if got, cut := workflow.CleanText(text, workflow.MaxText); got != want || cut {
			t.Errorf("%q: %q", text, got)
		}
	}
	if got, _ := workflow.CleanLine("a\tb\n c", workflow.MaxTitle); got != "a b c" {
		t.Errorf("a line: %q", got)
	}
}
