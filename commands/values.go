package commands

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"tocsin/workflow"
)

// ParseID reads the ID of an incident as people type it ("INC-7", "inc-7" or "inc7") and
// returns "INC-7". It returns "" if text is not an ID.
func ParseID(text string) string {
	if n := workflow.ParseNumber(Fold(text)); n > 0 {
		return workflow.ID(n)
	}
	return ""
}

// ParseBareNumber reads the number of an incident, such as "7" or "#7", and returns its
// ID. It returns "" if text is not a number.
func ParseBareNumber(text string) string {
	digits := strings.TrimPrefix(Fold(text), "#")
	n, err := strconv.Atoi(digits)
	if err != nil || n < 1 || digits[0] == '+' {
		return ""
	}
	return workflow.ID(n)
}

// ParseDuration reads a duration such as "30s", "5m", "4h", "2d" or "1h30m". It must be
// longer than zero and at most 366 days; ok is false otherwise.
func ParseDuration(text string) (d time.Duration, ok bool) {
	var days time.Duration
	if count, rest, found := strings.Cut(text, "d"); found {
		n, err := strconv.Atoi(count)
		if err != nil || n < 0 || n > 366 {
			return 0, false
		}
		days, text = time.Duration(n)*24*time.Hour, rest
	}
	if text != "" {
		var err error
		if d, err = time.ParseDuration(text); err != nil || d < 0 {
			return 0, false
		}
	}
	d += days
	return d, d > 0 && d <= 366*24*time.Hour
}

// parseNumber reads a flag whose value is a number; 0 if the flag is missing.
func (a *args) parseNumber(flag string) (int, error) {
	if !a.has(flag) {
		return 0, nil
	}
	n, err := strconv.Atoi(Fold(a.get(flag)))
	if err != nil || n < 0 {
		return 0, a.refuse(fmt.Sprintf("--%s takes a number, not %q.", flag, shorten(a.get(flag))))
	}
	return n, nil
}

// parseLevel reads a flag whose value is an impact or an urgency; "" if it is missing.
func (a *args) parseLevel(flag string) (workflow.Level, error) {
	if !a.has(flag) {
		return "", nil
	}
	l, ok := workflow.ParseLevel(Fold(a.get(flag)))
	if !ok {
		return "", a.refuse(fmt.Sprintf("--%s is high, medium or low, not %q.", flag, shorten(a.get(flag))))
	}
	return l, nil
}

// parseSeverity reads a severity.
func (a *args) parseSeverity(text string) (workflow.Severity, error) {
	s, ok := workflow.ParseSeverity(Fold(text))
	if !ok {
		return 0, a.refuse(fmt.Sprintf("%q is not a severity: give 1 (worst) to 5, or SEV1 to SEV5.", shorten(text)))
	}
	return s, nil
}

// parseStatus reads a status that an incident can be moved to.
func (a *args) parseStatus(text string) (workflow.Status, error) {
	names := statuses(false)
	text = Fold(text)
	if slices.Contains(names, text) {
		return workflow.Status(text), nil
	}
	if near := Nearest(text, names); near != "" && text != "" {
		return "", refuse(fmt.Sprintf("%q is not a status. Did you mean `%s`?", shorten(text), near), "For example: `status "+near+"`.")
	}
	return "", a.refuse("The status is one of " + strings.Join(names, ", ") + ".")
}

// findPerson returns the person behind a handle, or a refusal.
func (a *args) findPerson(handle string) (id, name string, err error) {
	for _, h := range []string{handle, strings.TrimRight(handle, stops)} {
		if a.ctx.Person == nil {
			break
		}
		if id, name, ok := a.ctx.Person(h); ok {
			return id, name, nil
		}
	}
	return "", "", a.refuseName(Person, handle)
}

// findTarget returns what a handle pages, or a refusal.
func (a *args) findTarget(handle string) (workflow.Target, error) {
	for _, h := range []string{handle, strings.TrimRight(handle, stops)} {
		if a.ctx.Target == nil {
			break
		}
		if t, ok := a.ctx.Target(h); ok {
			return t, nil
		}
	}
	return "", a.refuseName(Target, handle)
}

// refuseName refuses a name that no one has, or more than one (C3: a name in another form is
// the same name).
func (a *args) refuseName(kind FieldKind, handle string) error {
	if a.ctx.Namesakes != nil {
		if all := a.ctx.Namesakes(kind, strings.TrimRight(handle, stops)); len(all) > 1 {
			return a.refuse(fmt.Sprintf("%q may mean %s: name one of them.", shorten(handle), strings.Join(all, " or ")))
		}
	}
	return a.refuse(fmt.Sprintf("There is no one called %q.", shorten(handle)))
}

// findServices returns the IDs of the services that a flag names. Unknown services are
// kept as they were typed.
func (a *args) findServices(flag string) []string {
	var all []string
	for _, value := range a.flags[flag] {
		for _, s := range strings.FieldsFunc(value, func(r rune) bool { return strings.ContainsRune(commas, r) }) {
			if s = strings.TrimSpace(s); s == "" {
				continue
			}
			all = append(all, a.findService(s))
		}
	}
	return all
}

// findService returns the ID of a service, or its name as it was typed.
func (a *args) findService(name string) string {
	if a.ctx.Service != nil && name != "" {
		if id, ok := a.ctx.Service(name); ok {
			return id
		}
	}
	return name
}

// parseDuration reads a flag whose value is a duration, see [ParseDuration]; 0 if the
// flag is missing.
func (a *args) parseDuration(flag string) (time.Duration, error) {
	if !a.has(flag) {
		return 0, nil
	}
	d, ok := ParseDuration(Fold(a.get(flag)))
	if !ok {
		return 0, a.refuse(fmt.Sprintf("--%s takes a time such as 30m, 4h or 2d, not %q.", flag, shorten(a.get(flag))))
	}
	return d, nil
}

// parsePast reads a flag whose value is a time in the past: "02:55" is the last time that
// a clock in the speaker's zone showed it, and "20m" is that long ago. A missing flag is
// the zero time.
func (a *args) parsePast(flag string) (time.Time, error) {
	if !a.has(flag) {
		return time.Time{}, nil
	}
	text := Fold(a.get(flag))
	if d, ok := ParseDuration(strings.TrimSuffix(text, " ago")); ok {
		return a.ctx.Now.Add(-d), nil
	}
	zone := a.ctx.Zone
	if zone == nil {
		zone = time.UTC
	}
	for _, layout := range []string{"15:04", "15:04:05"} {
		clock, err := time.ParseInLocation(layout, text, zone)
		if err != nil {
			continue
		}
		now := a.ctx.Now.In(zone)
		at := time.Date(now.Year(), now.Month(), now.Day(), clock.Hour(), clock.Minute(), clock.Second(), 0, zone)
		if at.After(now) {
			at = at.AddDate(0, 0, -1)
		}
		return at.UTC(), nil
	}
	return time.Time{}, a.refuse(fmt.Sprintf("--%s takes a time such as 02:55 or 20m, not %q.", flag, shorten(text)))
}

// parseIndex takes the number of an action item or a check.
func (a *args) parseIndex(what string) (int, error) {
	word := a.take("number")
	n, err := strconv.Atoi(strings.TrimPrefix(Fold(word), "#"))
	if err != nil || n < 1 {
		return 0, a.refuse(fmt.Sprintf("Which %s? Give its number, not %q.", what, shorten(word)))
	}
	return n, nil
}

// shorten makes a text safe and short enough to repeat in a refusal.
func shorten(text string) string {
	s, _ := workflow.CleanLine(text, 40)
	return s
}
