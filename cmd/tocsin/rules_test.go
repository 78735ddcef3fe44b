package main_test

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"testing"
)

// TestRules compares docs/rules.md with the tree: every citation names a rule
// that is defined there, and every rule that holds is cited by a test.
func TestRules(t *testing.T) {
	root := os.DirFS("../..")
	text, err := fs.ReadFile(root, ruleList)
	if err != nil {
		t.Fatal(err)
	}
	rules, faults := parseRules(string(text))
	for _, fault := range faults {
		t.Error(fault)
	}
	proven, count := map[string]bool{}, 0
	err = fs.WalkDir(root, ".", func(name string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && name != "." && isForeign(path.Base(name)):
			return fs.SkipDir
		case entry.IsDir() || !canCite(name):
			return nil
		}
		for _, c := range readCitations(t, root, name) {
			count++
			proven[c.id] = proven[c.id] || isTest(name)
			if why := c.fault(rules); why != "" {
				t.Error(why)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range slices.Sorted(maps.Keys(rules)) {
		r := rules[id]
		if r.holds && !proven[r.id] {
			t.Errorf("%s:%d: %s holds, and no test cites it: write (%s: %s) into the comment of the test that proves it, or mark the rule planned", ruleList, r.line, r.id, r.id, r.name)
		}
	}
	t.Logf("%d rules, cited %d times", len(rules), count)
	if len(rules) < 50 || count < 200 {
		t.Error("the walk missed most of it, so it proves nothing")
	}
}

// isForeign reports whether a folder is not ours: hidden folders, and those of
// package managers.
func isForeign(folder string) bool {
	return strings.HasPrefix(folder, ".") || folder == "vendor" || folder == "node_modules"
}

// canCite reports whether rules are cited in a file: programs, documents and
// scenarios, but not in this test, whose examples are made up.
func canCite(name string) bool {
	switch path.Ext(name) {
	case ".go":
		return name != "cmd/tocsin/rules_test.go" && name != "cmd/tocsin/citations_test.go"
	case ".lua", ".md":
		return true
	case ".txt":
		return strings.Contains(name, "testdata/")
	}
	return false
}

func readCitations(t *testing.T, root fs.FS, name string) []citation {
	t.Helper()
	text, err := fs.ReadFile(root, name)
	if err != nil {
		t.Error(err)
		return nil
	}
	all, err := findCitations(name, string(text))
	if err != nil {
		t.Error(err)
	}
	return all
}

// TestRulesReads finds citations in made-up texts: without these, TestRules
// could pass by finding nothing.
func TestRulesReads(t *testing.T) {
	for _, c := range []struct{ file, text, want string }{
		{"a.go", "// It checks again (rule E3).\nvar a int", "1:E3"},
		{"a.go", "// It checks again (rule\n// E3), as rules X1, I2 and G7 ask.\nvar a int", "2:E3 2:X1 2:I2 2:G7"},
		{"a.go", "var a = 1 // E7\nvar b = 2 // see (E13, E1)", "1:E7 2:E13 2:E1"},
		{"a.go", "/* I6: quiet.\nI7: flagged. E4b: planned. */\nvar a int", "1:I6 2:I7 2:E4b"},
		{"a.go", "// It asks (E3: check again\n// before each send; I5: an older event changes nothing).\nvar a int", "1:E3=check again before each send 2:I5=an older event changes nothing"},
		{"a.go", "// TestX2Chaos runs long.\nfunc TestE4Retry() {}", "1:X2"},
		{"a_test.go", "func TestE4Retry() {}\nfunc TestE4bPerson() {}\nfunc (w int) TestE5() {}\nfunc TestSeed() {}\nfunc TestI11() {}", "1:E4 2:E4b 5:I11"},
		{"a.go", "// The words P1, SEV1 and E5 are the sender's; S3 is a store, X11 a screen.\nvar a = \"(rule E3)\" + `E5: x`", ""},
		{"a.lua", "local a = 1 -- kept\n-- written again (rules E1,\n-- E13).\nreturn a", "2:E1 3:E13"},
		{"testdata/a.txt", "# E2, E4: step by step.\n03:00 alert E7: x\n\n# Text.\n# P2: hidden.", "1:E2 1:E4 5:P2"},
		{"a.md", "# Title\n\n- A page (E3)\n- proven by `TestX1Kill`; P1 is a word, and so is E4.", "3:E3 4:X1"},
	} {
		above := 0
		if path.Ext(c.file) == ".go" {
			c.text, above = "package a\n\n"+c.text, 2
		}
		all, err := findCitations(c.file, c.text)
		if err != nil {
			t.Errorf("%q: %v", c.text, err)
		}
		slices.SortStableFunc(all, func(a, b citation) int { return a.line - b.line })
		var got []string
		for _, one := range all {
			line := fmt.Sprintf("%d:%s", one.line-above, one.id)
			if one.name != "" {
				line += "=" + one.name
			}
			got = append(got, line)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%s %q: found %q, want %q", c.file, c.text, strings.Join(got, " "), c.want)
		}
	}
}

// TestRulesDecides checks made-up lists and citations.
func TestRulesDecides(t *testing.T) {
	rules, faults := parseRules("# Rules\n\n- prose\n- **E3 · check again** *holds*. Text\n- **E3b · check a snooze** *planned*. Text\n")
	if len(faults) > 0 || len(rules) != 2 || !rules["E3"].holds || rules["E3b"].holds || rules["E3b"].line != 5 {
		t.Errorf("%+v, %q", rules, faults)
	}
	for line, want := range map[string]string{
		"- **E4 · now** *done*. Text":              "this is no rule",
		"- **E4: now** *holds*. Text":              "this is no rule",
		"- **E4 · now, or later** *holds*. Text":   "this is no rule",
		"- **E4 · now** *holds*.":                  "this is no rule",
		"- **Z4 · now** *holds*. Text":             "this is no rule",
		"- **E3 · now** *holds*. Text":             "E3 is defined in line 1 already",
		"- **E4 · check again** *planned*. Text":   "E3 and E4 have the same short name",
		"- **E4 · now** *planned*. Text (as E3b).": "",
	} {
		_, faults := parseRules("- **E3 · check again** *holds*. Text\n" + line)
		if got := strings.Join(faults, "; "); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%s: %q, want %q", line, got, want)
		}
	}
	for c, want := range map[citation]string{
		{id: "E3", file: "a.go", line: 7}:                       "",
		{id: "E3", name: "check again", file: "a.go", line: 7}:  "",
		{id: "E3b", file: "a.go", line: 7}:                      "",
		{id: "E9", file: "a.go", line: 7}:                       "a.go:7 cites rule E9, which docs/rules.md does not define",
		{id: "E3", name: "look again", file: "a.go", line: 712}: "a.go:712 calls rule E3 \"look again\": write (E3: check again)",
	} {
		if got := c.fault(rules); (got == "") != (want == "") || !strings.Contains(got, want) {
			t.Errorf("%+v: %q, want %q", c, got, want)
		}
	}
	for file, want := range map[string]bool{
		"bot/bot_test.go": true, "bot/bottest/judge.go": true, "workflow/testdata/01_escalation.txt": true, "bot/bot.go": false, "adapters/redis/lua/repair.lua": false, "README.md": false,
	} {
		if isTest(file) != want {
			t.Errorf("%s counts as a test: %v", file, !want)
		}
	}
}
