package timetable

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// field is one of the five fields of a cron spec.
type field struct {
	name      string
	number    int // of the field, from 1
	low, high int
	names     []string // of the values from low on; none: they have numbers only
	usage     string   // what it may be, with an example
	interval  string   // what @every calls its unit; "": there is no such interval
	units     int      // how many of these one value is
}

// fields returns the five fields. A weekday may be 7, which is Sunday, as in the
// crontab of Paul Vixie.
func fields() []field {
	return []field{
		{"minute", 1, 0, 59, nil, "0 to 59, such as 30, 0,30 or */15", "m", 1},
		{"hour", 2, 0, 23, nil, "0 to 23, such as 9, 9-17 or */2", "h", 1},
		{"day", 3, 1, 31, nil, "1 to 31, such as 1 or 1,15", "h", 24},
		{"month", 4, 1, 12, strings.Fields("jan feb mar apr may jun jul aug sep oct nov dec"), "1 to 12 or jan to dec, such as 1,7 or jan-mar", "", 0},
		{"weekday", 5, 0, 7, strings.Fields("sun mon tue wed thu fri sat"), "0 (Sunday) to 6 or sun to sat, such as 1-5 or mon-fri", "", 0},
	}
}

// last returns the largest value, Sunday being 0.
func (f field) last() int {
	if f.name == "weekday" {
		return f.high - 1
	}
	return f.high
}

// fail returns the error of a field: what it is, why that is wrong, and what would
// be right.
func (f field) fail(text, why, write string) error {
	if why != "" {
		why = ": " + why
	}
	return fmt.Errorf("the %s, field %d, is %q%s; write %s", f.name, f.number, text, why, write)
}

// parse returns the values of a field in order, and the field as the library takes it.
func (f field) parse(text string) (values []int, plain string, err error) {
	var items []string
	for item := range strings.SplitSeq(text, ",") {
		some, err := f.parseItem(text, item)
		if err != nil {
			return nil, "", err
		}
		for _, v := range some {
			values = append(values, v%(f.last()+1))
		}
		items = append(items, f.writeItem(item, some))
	}
	slices.Sort(values)
	return slices.Compact(values), strings.Join(items, ","), nil
}

// writeItem returns an item as the library takes it: it knows no weekday 7. Stars
// stay, because a field with a star restricts nothing.
func (f field) writeItem(item string, values []int) string {
	if strings.HasPrefix(item, "*") || strings.HasPrefix(item, "?") {
		return item
	}
	words := make([]string, 0, len(values))
	for _, v := range values {
		words = append(words, strconv.Itoa(v%(f.last()+1)))
	}
	return strings.Join(words, ",")
}

// parseItem returns the values of one item of the list that a field is: a value, a
// range or a star, and a step.
func (f field) parseItem(text, item string) ([]int, error) {
	if item == "" {
		return nil, f.fail(text, "it is a list with an empty item", "it without that comma: "+f.usage)
	}
	span, stepText, hasStep := strings.Cut(item, "/")
	low, high, ok := f.parseSpan(span, hasStep)
	step := 1
	if hasStep {
		var valid bool
		step, valid = parseNumber(stepText)
		ok = ok && valid
	}
	switch {
	case !ok:
		return nil, f.fail(text, f.explain(text, span), f.usage)
	case low > high:
		return nil, f.fail(text, "the range "+span+" ends before it begins", f.wrap(low, high)+" if it goes on from the beginning, else the smaller one first")
	case step == 0:
		return nil, f.fail(text, "a step is 1 or more", f.usage)
	case hasStep && step > 1 && step > high-low:
		return nil, f.fail(text, fmt.Sprintf("a step of %d leads out of %d to %d, so only %d would be left", step, low, high, low), f.suggestInterval(low, step))
	}
	var values []int
	for v := low; v <= high; v += step {
		values = append(values, v)
	}
	return values, nil
}

// parseSpan returns the bounds of a star, a range or a value. A value with a step is
// the beginning of a range.
func (f field) parseSpan(span string, hasStep bool) (low, high int, ok bool) {
	if span == "*" || span == "?" {
		return f.low, f.last(), true
	}
	from, to, isRange := strings.Cut(span, "-")
	if low, ok = f.parseValue(from); !ok {
		return 0, 0, false
	}
	switch {
	case isRange:
		high, ok = f.parseValue(to)
	case hasStep:
		high = max(low, f.last())
	default:
		high = low
	}
	return low, high, ok
}

// parseValue returns a number or a name, in any case, as a value of the field.
func (f field) parseValue(text string) (int, bool) {
	if n := slices.Index(f.names, strings.ToLower(text)); n >= 0 {
		return f.low + n, true
	}
	n, ok := parseNumber(text)
	return n, ok && n >= f.low && n <= f.high
}

// parseNumber returns a number of at most five digits, without a sign.
func parseNumber(text string) (int, bool) {
	n, err := strconv.Atoi(text)
	return n, err == nil && len(text) <= 5 && strings.Trim(text, "0123456789") == ""
}

// explain says which part of a list is wrong, and which short name a long one has.
func (f field) explain(text, span string) string {
	for word := range strings.SplitSeq(span, "-") {
		for _, name := range f.names {
			if lower := strings.ToLower(word); len(lower) > len(name) && strings.HasPrefix(lower, name) {
				return fmt.Sprintf("%s is written %s", word, name)
			}
		}
	}
	if span != text {
		return fmt.Sprintf("%q is not part of it", span)
	}
	return ""
}

// wrap returns the two ranges that a range means which passes the end.
func (f field) wrap(low, high int) string {
	return joinRange(low, f.last()) + "," + joinRange(f.low, high)
}

func joinRange(low, high int) string {
	if low == high {
		return strconv.Itoa(low)
	}
	return fmt.Sprintf("%d-%d", low, high)
}

// suggestInterval returns what a step may have meant that is longer than its range.
func (f field) suggestInterval(low, step int) string {
	every := fmt.Sprintf("%s %d%s", everyPrefix, step*f.units, f.interval)
	if f.units == 0 {
		return fmt.Sprintf("%d, or %s", low, f.usage)
	}
	if _, err := parseInterval(strings.TrimPrefix(every, everyPrefix+" ")); err != nil {
		return fmt.Sprintf("%d, or %s", low, f.usage)
	}
	return fmt.Sprintf("%d for that, or %s in place of the five fields; this field is %s", low, every, f.usage)
}
