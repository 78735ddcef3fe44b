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

const (
	maxDepth  = 32
	maxAlerts = 100_000
	maxPairs  = 64   // labels, and annotations, of one alert
	maxName   = 128  // bytes of a label's name
	maxValue  = 2048 // bytes of a label's value
)

// measure refuses, before anything is allocated for it, a body whose size once
// decoded would have little to do with its length. It looks at brackets and
// commas alone; whether the body is JSON is for the decoder to say.
func measure(body []byte) error {
	trimmed := bytes.TrimLeft(body, " \t\r\n")
	switch {
	case len(trimmed) == 0:
		return errors.New("read webhook: the body is empty")
	case trimmed[0] == '[':
		return errors.New("read webhook: it is a JSON array, where Alertmanager's webhook is an object; is the sender Prometheus itself?")
	}
	depth, commas, list := 0, 0, false
	for n := 0; n < len(body); n++ {
		switch body[n] {
		case '"':
			n = endOfString(body, n)
		case '{', '[':
			depth++
			if depth > maxDepth {
				return fmt.Errorf("read webhook: more than %d levels deep, %s", maxDepth, place(body, int64(n)+1))
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
				return fmt.Errorf("read webhook: more than %d alerts in it, %s", maxAlerts, place(body, int64(n)+1))
			}
		}
	}
	return nil
}

// endOfString returns where the string that opens at n closes; len(body) when
// it never does.
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

// explain words the decoder's error for whoever set the sender up.
func explain(body []byte, err error) error {
	if e, is := errors.AsType[*json.SyntaxError](err); is {
		return fmt.Errorf("read webhook: %w, %s", err, place(body, e.Offset))
	}
	if e, is := errors.AsType[*json.UnmarshalTypeError](err); is {
		found, _, _ := strings.Cut(e.Value, " ") // without the number itself
		field := cmp.Or(e.Field, "the body")
		return fmt.Errorf("read webhook: %s: found %s, want %s, %s", field, found, wanted(e.Type), place(body, e.Offset))
	}
	return fmt.Errorf("read webhook: %w", err)
}

// wanted names a Go type in the words of JSON.
func wanted(t reflect.Type) string {
	switch k := t.Kind(); {
	case k == reflect.Struct, k == reflect.Map:
		return "object"
	case k == reflect.Slice:
		return "array"
	case k == reflect.Int:
		return "integer"
	}
	return "string"
}

// place says where the byte is that was read last when offset bytes had been.
// Lines and columns count from 1, columns in characters.
func place(body []byte, offset int64) string {
	at := int(min(max(offset-1, 0), int64(len(body))))
	before := body[:at]
	lines := 1 + bytes.Count(before, []byte("\n"))
	column := 1 + utf8.RuneCount(before[bytes.LastIndexByte(before, '\n')+1:])
	return fmt.Sprintf("at line %d, column %d (byte %d)", lines, column, at)
}

// bounded returns m, or a copy within the limits of number and length; the
// note says how many had to be left out.
func bounded(what string, m map[string]string) (kept map[string]string, note string) {
	if fits(m) {
		return m, ""
	}
	names := slices.SortedFunc(maps.Keys(m), func(a, b string) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), strings.Compare(a, b))
	})
	kept = make(map[string]string, maxPairs)
	for _, name := range names {
		if len(kept) == maxPairs {
			break
		}
		short := cut(name, maxName)
		if _, has := kept[short]; !has {
			kept[short] = cut(m[name], maxValue)
		}
	}
	if left := len(m) - len(kept); left > 0 {
		note = fmt.Sprintf("%d of its %d %s were left out", left, len(m), what)
	}
	return kept, note
}

func fits(m map[string]string) bool {
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

// rank puts first what routing and grouping look at, so that a crowd of other
// labels does not push it out.
func rank(name string) int {
	switch name {
	case "alertname", "cluster", "env", "environment", "instance", "job", "namespace", "priority", "service",
		"severity", "team":
		return 0
	}
	return 1
}

// cut shortens s to at most n bytes, at a character's edge.
func cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}
