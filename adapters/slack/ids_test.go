package slack

import (
	"strings"
	"testing"
)

func TestSlackIDs(t *testing.T) {
	long := strings.Repeat("x", 80)
	for text, want := range map[string]string{
		"U012AB3CD": "user", "W012AB3CD": "user", "S0123456": "group", "C024BE7LR": "channel", "G024BE7LR": "channel",
		"#ops": "channel", "#inc-7_b": "channel", "#störung": "channel", "#障害": "channel", "#" + long: "channel",
		"": "", "#": "", "U": "", "u012ab3cd": "channel", "U012-AB3": "", "D024BE7LR": "", "T024BE7LR": "", "ops": "channel", "@ops": "",
		"#Ops": "", "#ops.": "", "#o ps": "", "##ops": "", "#" + long + "x": "", "S" + strings.Repeat("0", 40): "", "ÜÜÜÜÜ": "", "#\xff": "",
	} {
		got := ""
		for name, is := range map[string]func(string) bool{"user": isUserID, "group": isGroupID, "channel": isChannel} {
			if is(text) {
				got += name
			}
		}
		if got != want {
			t.Errorf("%q is %q, want %q", text, got, want)
		}
	}
}
