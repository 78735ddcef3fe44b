package alertmanager

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"unicode/utf8"
)

// The limits of a body and of an alert.
const (
	maxDepth  = 32
	maxAlerts = 100_000
	maxPairs  = 64   // labels, and annotations, of one alert
	maxName   = 128  // bytes of a label's name
	maxValue  = 2048 // bytes of a label's value
)

// checkSize refuses, before anything is allocated for it, a body whose decoded
// size would be far larger than its length. It looks at brackets and commas
// only; whether the body is JSON is decided by the decoder.
func checkSize(body []byte) error {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	switch {
	case len(trimmed) == 0:
		return errors.New("read webhook: the body is empty")
	case trimmed[0] == '[':
		return errors.New("read webhook: it is a JSON array, but Alertmanager's webhook is an object; is the sender Prometheus itself?")
	}
	depth, commas, list := 0, 0, false
	for n := 0; n < len(body); n++ {
		switch body[n] {
		case '"':
			n = endOfString(body, n)
		case '{', '[':
			depth++
			if depth > maxDepth {
				return fmt.Errorf("read webhook: nested more than %d levels deep, %s", maxDepth, position(body, int64(n)+1))
			}
			if depth == 2 {
				commas, list = 0, body[n] == '['
			}
		case '}', ']':
			depth--
		case ',':
			if depth != 2 || !list {
				continue
			}
			commas++
			if commas >= maxAlerts {
				return fmt.Errorf("read webhook: more than %d alerts, %s", maxAlerts, position(body, int64(n)+1))
			}
		}
	}
	return nil
}

// endOfString returns the index at which the string that opens at n closes, or
// len(body) when it does not.
func endOfString(body []byte, n int) int {
	for n++; n < len(body); n++ {
		switch body[n] {
		case '\\':
			n++
		case '"':
			return n
		}
	}
	return len(body)
}

// describeError rewords the decoder's error for the person who configured the
// sender.
func describeError(body []byte, err error) error {
	if e, ok := errors.AsType[*json.SyntaxError](err); ok {
		return fmt.Errorf("read webhook: %w, %s", err, position(body, e.Offset))
	}
	if e, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		found, _, _ := strings.Cut(e.Value, " ") // without the number itself
		field := cmp.Or(e.Field, "the body")
		return fmt.Errorf("read webhook: %s: found %s, want %s, %s", field, found, jsonType(e.Type), position(body, e.Offset))
	}
	return fmt.Errorf("read webhook: %w", err)
}

// jsonType returns the JSON name of a Go type.
func jsonType(t reflect.Type) string {
	k := t.Kind()
	if k == reflect.Struct || k == reflect.Map {
		return "object"
	}
	if k == reflect.Slice {
		return "array"
	}
	if k == reflect.Int {
		return "integer"
	}
	return "string"
}

// position returns the line, column and byte of the last byte read, when offset
// bytes were read. Lines and columns count from 1, columns in characters.
func position(body []byte, offset int64) string {
	at := int(min(max(offset-1, 0), int64(len(body))))
	before := body[:at]
	lines := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return fmt.Sprintf("at line %d, column %d (byte %d)", lines, column, at)
}

// limitLabels returns m, or a copy of it within the limits of number and length.
// The note says how many entries were left out.
func limitLabels(what string, m map[string]string) (limited map[string]string, note string) {
	if isWithinLimits(m) {
		return m, ""
	}
	names := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(labelRank(a), labelRank(b)), strings.Compare(a, b))
	})
	limited = make(map[string]string, maxPairs)
	for _, name := range names {
		if len(limited) == maxPairs {
			break
		}
		short := truncate(name, maxName)
		if _, ok := limited[short]; !ok {
			limited[short] = truncate(m[name], maxValue)
		}
	}
	if omitted := len(m) - len(limited); omitted > 0 {
		note = fmt.Sprintf("%d of its %d %s were left out", omitted, len(m), what)
	}
	return limited, note
}

// isWithinLimits reports whether limitLabels would change nothing.
func isWithinLimits(m map[string]string) bool {
	if len(m) > maxPairs {
		return false
	}
	for name, value := range m {
		if len(name) > maxName || len(value) > maxValue {
			return false
		}
	}
	return true
}

// labelRank returns 0 for labels that routing and grouping use, so that a large
// number of other labels does not displace them.
func labelRank(name string) int {
	switch name {
	case "alertname", "cluster", "env", "environment", "instance", "job", "namespace", "priority", "service",
		"severity", "team":
		return 0
	}
	return 1
}

// truncate shortens s to at most n bytes, at the edge of a character.
func truncate(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
