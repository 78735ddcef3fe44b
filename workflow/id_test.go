package workflow_test

import (
	"testing"

	. "tocsin/workflow"
)

func TestNumberOf(t *testing.T) {
	for id, want := range map[string]int{
		"INC-7": 7, "inc-7": 7, "Inc7": 7, "INC-007": 7, "INC-1234567890": 1234567890,
		"": 0, "7": 0, "#7": 0, "INC": 0, "INC-": 0, "INC-0": 0, "INC--7": 0, "INC-+7": 0, "INC-7x": 0, "INC 7": 0, "INCH-7": 0, "INC-12345678901": 0,
	} {
		if got := NumberOf(id); got != want {
			t.Errorf("NumberOf(%q) is %d, want %d", id, got, want)
		}
	}
	if got := NumberOf(ID(12)); got != 12 {
		t.Errorf("NumberOf(ID(12)) is %d", got)
	}
}
