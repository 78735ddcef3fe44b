package alerts_test

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"tocsin/bot/alerts"
)

// inside are words of the library's own language, which no one who writes a configuration knows.
func inside() []string {
	return []string{
		"expected", "mismatched", "token", "Operator", "EOF", "unknown name", "nvironment", "interface", "string", "float64", "builtin", "strconv", "callable", "overload",
		"predicate", "literal", "compilation", "bool", "U+", "(1:", "\n",
	}
}

// TestI10Mistakes: every mistake in an expression is explained in words, with its place
// and an example of what would be right (I10: routing by typed expressions).
func TestI10Mistakes(t *testing.T) {
	for text, want := range map[string]string{
		`labels.job`:                             "match: its result is text, not true or false",
		`severity`:                               "match: its result is a number, not true or false",
		`nil`:                                    "nothing that is known",
		`lables.job == "a"`:                      "there is no value called lables; did you mean labels? (character 1)",
		`labels.job == checkout`:                 `text stands in quotes: "checkout" (character 15)`,
		`job.name == "a"`:                        "the values are alert, annotations",
		`lowr(labels.job) == "a"`:                "there is no function called lowr; did you mean lower?",
		`alert.titel == "x"`:                     "an alert has no titel; did you mean alert.title? (character 7)",
		`alert.labels.job == "x"`:                "its labels are labels.NAME",
		`labels.a.b == "x"`:                      "text has no part b",
		`labels.job = "a"`:                       "= does not compare: write == (character 12)",
		`labels.job == "a`:                       "not closed (character 17)",
		`labels.job == "a" &&`:                   "it ends too early",
		"labels.a == 'x' and\n foo":              "(line 2, character 2)",
		`labels.job == “a”`:                      "“ is not a quote that is known here: write \" or ' (character 15)",
		`@`:                                      "@ cannot stand here (character 1)",
		`5 | 3`:                                  "3 cannot stand here",
		`labels.x startswith "a"`:                "startsWith, endsWith",
		`labels.x > 3`:                           "int(labels.depth) > 3",
		`labels.x == 3`:                          "put quotes around the number",
		`labels.x in "b"`:                        "what follows in is a list",
		`labels.x in [1]`:                        "a list of texts",
		`not labels.x`:                           "not joins what is true or false, not text",
		`labels.x matches "("`:                   "the pattern after matches is wrong: missing closing )",
		`severity("x")`:                          "only functions",
		`upper() == ""`:                          "a function is given the wrong values",
		`len(3) > 1`:                             "a function is given the wrong values",
		`SEV1 ? true : false`:                    "what stands before ?",
		`labels.x == "\q"`:                       "what follows \\",
		`0x > 1`:                                 "a number is written",
		`1 % 0 > 1`:                              "it divides by zero",
		strings.Repeat("true && ", 600) + "true": "split the route",
	} {
		err := alerts.Compile(alerts.Route{Match: text})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), `; for example: labels.job == "checkout"`) {
			t.Errorf("%.40q: %v, want %q", text, err, want)
		}
		checkWords(t, text, err)
	}
	for text, want := range map[string]string{
		`"SEV3"`:         `"SEV3" is text and not a severity: write SEV3, without quotes`,
		`'sev1'`:         "write SEV1, without quotes",
		`SEV9`:           "the severities are SEV1, the worst, to SEV5",
		`critical`:       "the severities are",
		`labels.sev`:     "its result is text, not a severity",
		`labels.a == ""`: "its result is true or false, not a severity",
		`7`:              "7 is not a severity",
		`1.5`:            "1.5 is not a severity",
	} {
		err := alerts.Compile(alerts.Route{Match: "true", Severity: text})
		if err == nil || !strings.Contains(err.Error(), want) || !strings.HasSuffix(err.Error(), `; for example: labels.severity == "page" ? SEV1 : SEV3`) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		checkWords(t, text, err)
	}
}

// TestI10AnyMistake: no mistake is explained in the library's own language.
func TestI10AnyMistake(t *testing.T) {
	parts := []string{
		"labels", ".job", "alert", "severity", "==", "=", "(", ")", `"a"`, "'", "3", "SEV1", "in", "[", "]", "{", "}", "and", "not", "len", "any", "#", "?", ":", "matches", "|", ",", "nil",
		"1.5", "let", "x", ";", "..", "map", "date", "%", "??", "get",
	}
	rapid.Check(t, func(r *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 1, 8).Draw(r, "parts"), " ")
		checkWords(r, text, alerts.Compile(alerts.Route{Match: text}))
		checkWords(r, text, alerts.Compile(alerts.Route{Match: "true", Severity: text}))
	})
}

// checkWords reports an explanation in the library's language.
func checkWords(t interface{ Errorf(string, ...any) }, text string, err error) {
	if err == nil {
		return
	}
	for _, word := range inside() {
		if strings.Contains(err.Error(), word) {
			t.Errorf("%.60q: %v says %q", text, err, word)
		}
	}
}

// TestI10Trace: why a rule cannot be evaluated for an alert is said in words.
func TestI10Trace(t *testing.T) {
	for match, want := range map[string]string{
		`int(labels.job) > 3`: "a label that should be a number is none", `split(labels.job, "a")[7] == "x"`: "a list has fewer parts",
		`labels.job matches labels.pattern`: "the pattern after matches is wrong", `len(1..10000000) > 1`: "it takes too much memory", `date(labels.job).Year() > 3`: "not a date",
	} {
		d := router(t, alerts.Route{Match: match}).Decide(alerts.Sender{Name: "p"}, alert("job", "checkout", "pattern", "("))
		if trace := strings.Join(d.Trace, "\n"); !strings.Contains(trace, "cannot be evaluated: "+want) && !strings.Contains(trace, "cannot be evaluated: a value is "+want) {
			t.Errorf("%s: %s", match, trace)
		}
	}
}
