package alerts

import (
	"cmp"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/builtin"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"

	"tocsin/commands"
	"tocsin/workflow"
)

// expression is one expression of a route as its author knows it: the key it stands under, and an
// example of a right one.
type expression struct{ key, text, example string }

// matchExpression returns the expression that says whether a route is for an alert.
func matchExpression(r Route) expression {
	return expression{key: "match", text: r.Match, example: `labels.job == "checkout"`}
}

// severityExpression returns the expression for the severity of an alert.
func severityExpression(r Route) expression {
	return expression{key: "severity", text: r.Severity, example: `labels.severity == "page" ? SEV1 : SEV3`}
}

// compile compiles the expression. Its error says in words what is wrong, where, and what
// would be right, and nothing of the library's own types.
func (e expression) compile(result expr.Option) (*vm.Program, error) {
	p, err := expr.Compile(e.text, expr.Env(environment{}), expr.MaxNodes(maxNodes), result)
	if err == nil {
		return p, nil
	}
	at, ok := errors.AsType[*file.Error](err)
	if !ok {
		return nil, e.fault(e.explainResult())
	}
	place := fmt.Sprintf("character %d", at.Column+1)
	if strings.Contains(e.text, "\n") {
		place = fmt.Sprintf("line %d, %s", at.Line, place)
	}
	return nil, e.fault(e.explain(at) + " (" + place + ")")
}

// checkSeverity refuses a number that is no severity.
func (e expression) checkSeverity(p *vm.Program) error {
	number := ""
	switch node := p.Node().(type) {
	case *ast.IntegerNode:
		if node.Value < 1 || node.Value > 5 {
			number = fmt.Sprint(node.Value)
		}
	case *ast.FloatNode:
		number = fmt.Sprint(node.Value)
	}
	if number == "" {
		return nil
	}
	return e.fault(number + " is not a severity: they are SEV1, the worst, to SEV5")
}

// fault returns an error with the example.
func (e expression) fault(what string) error {
	return fmt.Errorf("%s: %s; for example: %s", e.key, what, e.example)
}

// explainResult explains a result that is of the wrong type.
func (e expression) explainResult() string {
	want := "a severity"
	if e.key == "match" {
		want = "true or false"
	}
	if word := strings.Trim(strings.TrimSpace(e.text), "\"'`"); e.key == "severity" {
		if s, ok := workflow.ParseSeverity(word); ok {
			return fmt.Sprintf("%s is text and not a severity: write %s, without quotes", strings.TrimSpace(e.text), s)
		}
	}
	what := "something else"
	if p, err := expr.Compile(e.text, expr.Env(environment{}), expr.MaxNodes(maxNodes)); err == nil && p.Node() != nil {
		what = "nothing that is known"
		if t := p.Node().Type(); t != nil {
			what = describeType(t.String())
		}
	}
	if what == "text" && e.key == "match" {
		return "its result is text, not true or false: compare it with something"
	}
	return fmt.Sprintf("its result is %s, not %s", what, want)
}

// mismatch matches what the library says of an operator between the wrong types.
var mismatch = regexp.MustCompile(`^invalid operation: (\S+) \(mismatched types? (\S.*?)(?: and (\S.*))?\)$`)

// explain explains a mistake at a place of the expression.
func (e expression) explain(at *file.Error) string {
	m := at.Message
	if name, ok := strings.CutPrefix(m, "unknown name "); ok {
		return e.explainName(name, at)
	}
	if parts := mismatch.FindStringSubmatch(m); parts != nil {
		return explainOperator(parts[1], parts[2], parts[3])
	}
	if quoted, ok := strings.CutPrefix(m, "unexpected token "); ok {
		return explainToken(quoted)
	}
	switch word, rest, _ := strings.Cut(m, " "); {
	case strings.Contains(m, "literal not terminated"), strings.Contains(m, "unclosed"):
		return "a quote or a comment is not closed"
	case strings.HasPrefix(m, "unexpected end"):
		return explainToken("EOF")
	case strings.HasPrefix(m, "unrecognized character"):
		return explainCharacter(e.text, at.From)
	case strings.Contains(m, "has no field "), strings.Contains(m, "has no method "):
		return explainField(word, m)
	case strings.HasPrefix(m, "error parsing regexp: "):
		return "the pattern after matches is wrong: " + strings.TrimPrefix(m, "error parsing regexp: ")
	case strings.Contains(m, "is not callable"):
		return "a value is called like a function: only functions, such as lower(labels.job), have brackets after them"
	case strings.HasPrefix(m, "not enough arguments"), strings.HasPrefix(m, "too many arguments"), strings.HasPrefix(m, "invalid number of arguments"),
		strings.HasPrefix(m, "invalid argument"), strings.Contains(m, "as argument"), strings.HasPrefix(m, "builtin "):
		return "a function is given the wrong values, or too few or too many of them"
	case strings.HasPrefix(m, "non-bool expression"):
		return "what stands before ? must be true or false, such as labels.env == \"prod\""
	case strings.HasPrefix(m, "predicate should"):
		return "the condition of a function must be true or false"
	case strings.Contains(m, "exceeds maximum allowed nodes"):
		return "it is too long: split the route into several"
	case strings.Contains(m, "divide by zero"):
		return "it divides by zero"
	case strings.HasPrefix(m, "invalid") && strings.Contains(m, "literal"), strings.HasPrefix(m, "bad number"), strings.HasSuffix(rest, "literal is too large"):
		return "a number is written in a way that cannot be read"
	case strings.HasPrefix(m, "invalid char escape"), strings.HasPrefix(m, "unable to unescape"):
		return `what follows \ in a text cannot be read: write \\ for the character \ itself`
	case strings.Contains(m, "in array"), strings.Contains(m, "in map"):
		return "the list after in has values of another kind: text is looked for in a list of texts, such as labels.env in [\"prod\", \"live\"]"
	}
	return "it cannot be read here"
}

// explainName explains a name that is unknown, with the one that was probably meant.
func (e expression) explainName(name string, at *file.Error) string {
	variables := []string{"alert", "annotations", "integration", "labels", "severity", "SEV1", "SEV2", "SEV3", "SEV4", "SEV5"}
	kind, known, all := "value", variables, "; the values are "+strings.Join(variables, ", ")
	runes := []rune(e.text)
	end := min(at.From+len([]rune(name)), len(runes))
	if strings.HasPrefix(strings.TrimSpace(string(runes[end:])), "(") {
		kind, known, all = "function", builtin.Names, ""
	} else if end < len(runes) && runes[end] != '.' && runes[end] != '[' || at.From > 0 {
		all = fmt.Sprintf("; text stands in quotes: %q", name)
	}
	_, isSeverity := workflow.ParseSeverity(name)
	if near := commands.Nearest(name, known); e.key == "severity" && strings.TrimSpace(e.text) == name && !isSeverity {
		all = "; the severities are SEV1, the worst, to SEV5"
	} else if near != "" {
		all = fmt.Sprintf("; did you mean %s?", near)
	}
	return fmt.Sprintf("there is no %s called %s%s", kind, name, all)
}

// explainField explains a part that a value does not have.
func explainField(kind, message string) string {
	field := message[strings.LastIndexByte(message, ' ')+1:]
	if !strings.Contains(message, "alertEnvironment") {
		what, _, _ := strings.Cut(strings.TrimPrefix(message, kind+" "), " ")
		return fmt.Sprintf("%s has no part %s", describeType(what), field)
	}
	var fields []string
	for f := range reflect.TypeFor[alertEnvironment]().Fields() {
		fields = append(fields, f.Tag.Get("expr"))
	}
	if near := commands.Nearest(field, fields); near != "" {
		return fmt.Sprintf("an alert has no %s; did you mean alert.%s?", field, near)
	}
	return fmt.Sprintf("an alert has no %s: it has %s, and its labels are labels.NAME", field, strings.Join(fields, ", "))
}

// explainOperator explains an operator between values of the wrong types.
func explainOperator(operator, left, right string) string {
	left, right = describeType(left), describeType(cmp.Or(right, "bool"))
	hint := ""
	switch pair := []string{left, right}; {
	case slices.Contains(pair, "text") && slices.Contains(pair, "a number") && (operator == "==" || operator == "!="):
		hint = "; put quotes around the number to compare it as text, and none around SEV1"
	case slices.Contains(pair, "text") && slices.Contains(pair, "a number"):
		hint = "; make a number of the text with int(…), such as int(labels.depth) > 3"
	case operator == "in":
		hint = "; what follows in is a list, such as [\"prod\", \"live\"]"
	case operator == "not" || operator == "!" || operator == "and" || operator == "or" || operator == "&&" || operator == "||":
		return fmt.Sprintf("%s joins what is true or false, not %s", operator, map[bool]string{true: right, false: left}[left == "true or false"])
	}
	return fmt.Sprintf("%s cannot stand between %s and %s%s", operator, left, right, hint)
}

// explainToken explains a word or a sign in a place where it cannot be.
func explainToken(token string) string {
	kind, quoted, _ := strings.Cut(token, "(")
	sign := strings.Trim(strings.TrimSuffix(quoted, ")"), `"`)
	switch {
	case kind == "EOF":
		return "it ends too early: a value, a quote or a bracket is missing at its end"
	case sign == "=":
		return "= does not compare: write =="
	case strings.EqualFold(sign, "startswith"), strings.EqualFold(sign, "endswith"), strings.EqualFold(sign, "contains"), strings.EqualFold(sign, "matches"):
		return fmt.Sprintf("%s is not known: the words are startsWith, endsWith, contains and matches", sign)
	}
	return fmt.Sprintf("%s cannot stand here", sign)
}

// explainCharacter explains a character that no expression has.
func explainCharacter(text string, at int) string {
	sign := string(slices.Concat([]rune(text), []rune(" "))[min(at, len([]rune(text)))])
	if quote := commands.Fold(sign); quote == `"` || quote == "'" {
		return sign + ` is not a quote that is known here: write " or '`
	}
	return sign + " cannot stand here"
}

// describeType returns one of the library's types in words.
func describeType(name string) string {
	switch {
	case name == "unknown", name == "nil", name == "<nil>", strings.HasPrefix(name, "interface"):
		return "nothing that is known"
	case name == "string":
		return "text"
	case name == "bool":
		return "true or false"
	case strings.HasPrefix(name, "int"), strings.HasPrefix(name, "float"), strings.HasPrefix(name, "uint"):
		return "a number"
	case strings.Contains(name, "alertEnvironment"):
		return "the whole alert"
	case strings.HasPrefix(name, "map"):
		return "a list of names with values"
	case strings.HasPrefix(name, "["):
		return "a list"
	case strings.HasPrefix(name, "time."):
		return "a time"
	}
	return "something else"
}

// explainRun explains why an expression cannot be evaluated for an alert.
func explainRun(err error) string {
	m := err.Error()
	switch {
	case strings.HasPrefix(m, "invalid operation: int("), strings.HasPrefix(m, "invalid operation: float("):
		return "a label that should be a number is none"
	case strings.HasPrefix(m, "error parsing regexp"):
		return "the pattern after matches is wrong"
	case strings.HasPrefix(m, "index out of range"):
		return "a list has fewer parts than it asks for"
	case strings.HasPrefix(m, "memory budget exceeded"):
		return "it takes too much memory"
	case strings.HasPrefix(m, "invalid date"), strings.HasPrefix(m, "time: "), strings.HasPrefix(m, "invalid character"):
		return "a value is not a date, a duration or JSON as it should be"
	}
	return "a value of this alert is not of the kind that it needs"
}
