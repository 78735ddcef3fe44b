package workflow_test

import (
	"strings"
	"testing"

	. "tocsin/workflow"
)

func TestID(t *testing.T) {
	for text, want := range map[string]struct{ number, typed int }{
		"INC-7": {7, 7}, "INC-1234567890": {1234567890, 1234567890}, "inc-7": {0, 7}, "Inc7": {0, 7}, "INC-007": {0, 7},
		"": {}, "7": {}, "#7": {}, "INC": {}, "INC-": {}, "INC-0": {}, "INC--7": {}, "INC-+7": {}, "INC-7x": {}, "INC 7": {}, "INCH-7": {},
		"INC-12345678901": {}, "INC-99999999999999999999": {},
	} {
		if got := NumberOf(text); got != want.number {
			t.Errorf("NumberOf(%q) is %d, want %d", text, got, want.number)
		}
		if got := ParseNumber(text); got != want.typed {
			t.Errorf("ParseNumber(%q) is %d, want %d", text, got, want.typed)
		}
	}
	if got := NumberOf(ID(12)); got != 12 {
		t.Errorf("NumberOf(ID(12)) is %d", got)
	}
}

func TestFindIDs(t *testing.T) {
	for text, want := range map[string]string{
		"": "", "INC-7": "INC-7", "Merged INC-12 into INC-7.": "INC-12 INC-7", "INC-, INC-x and INC-0": "", "xINC-7INC-8": "INC-7 INC-8", "inc-7": "",
	} {
		if got := strings.Join(FindIDs(text), " "); got != want {
			t.Errorf("in %q are %q, want %q", text, got, want)
		}
	}
}
