package bottest

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"
)

// explain shows how many calls can be put into an order, and the calls that were running
// where the order ends.
func explain(calls []porcupine.Operation, info porcupine.LinearizationInfo) string {
	var best []porcupine.Operation
	for _, partial := range info.PartialLinearizationsOperations()[0] {
		if len(partial) > len(best) {
			best = partial
		}
	}
	var report strings.Builder
	fmt.Fprintf(&report, "no order explains the answers; %d of %d calls can be put in one, which ends with", len(best), len(calls))
	placed := map[int64]bool{}
	for n, o := range best {
		placed[o.Call] = true
		if n >= len(best)-12 {
			report.WriteString(describe(o))
		}
	}
	rest := slices.DeleteFunc(slices.Clone(calls), func(o porcupine.Operation) bool { return placed[o.Call] })
	first := slices.MinFunc(rest, func(a, b porcupine.Operation) int { return int(a.Return - b.Return) })
	report.WriteString("\nand none of these can be next")
	for _, o := range rest {
		if o.Call < first.Return {
			report.WriteString(describe(o))
		}
	}
	return report.String()
}

// describe formats a call with its client and the times of the call and its return.
func describe(o porcupine.Operation) string {
	a := o.Output.(answer) //nolint:errcheck // nothing else is put in
	got := shorten(reflect.ValueOf(a.value))
	if a.err != nil {
		got = a.err.Error()
	}
	return fmt.Sprintf("\n  %d [%d to %d] %T%s → %s", o.ClientId, o.Call, o.Return, o.Input, shorten(reflect.ValueOf(o.Input)), got)
}

// shorten formats a value for people: zero values are left out, bytes are text, instants
// are seconds since Epoch.
func shorten(v reflect.Value) string {
	if !v.IsValid() {
		return "done"
	}
	if when, ok := reflect.TypeAssert[time.Time](v); ok {
		return fmt.Sprintf("%gs", when.Sub(Epoch).Seconds())
	}
	if raw, ok := reflect.TypeAssert[[]byte](v); ok {
		return fmt.Sprintf("%q", raw)
	}
	var parts []string
	switch v.Kind() { //nolint:exhaustive // the others are plain
	case reflect.Pointer:
		return shorten(v.Elem())
	case reflect.Slice:
		for n := range v.Len() {
			parts = append(parts, shorten(v.Index(n)))
		}
		return "[" + strings.Join(parts, " ") + "]"
	case reflect.Struct:
		for _, field := range reflect.VisibleFields(v.Type()) {
			if len(field.Index) == 1 && field.IsExported() && !v.Field(field.Index[0]).IsZero() {
				parts = append(parts, field.Name+":"+shorten(v.Field(field.Index[0])))
			}
		}
		return "{" + strings.Join(parts, " ") + "}"
	}
	return fmt.Sprintf("%#v", v.Interface())
}
