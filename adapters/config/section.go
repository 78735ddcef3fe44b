package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"
)

// section fills an adapter's struct; of a nil one it checks the secrets alone.
// The values are read here and not by the YAML library so that faults and
// durations are the same everywhere in the file.
func (r *reader) section(path string, n *yaml.Node, into any) {
	before := len(r.faults)
	m := r.open(n, quote(path))
	if into == nil {
		for _, key := range m.order {
			if strings.HasSuffix(key, "_env") {
				m.secret(key)
			}
		}
		return
	}
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() || target.Elem().Kind() != reflect.Struct {
		r.fault(n, "%s cannot be read into a %T; a program needs mending, not this file", quote(path), into)
		return
	}
	target = target.Elem()
	for i := range target.NumField() {
		field := target.Type().Field(i)
		tag, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if tag == "" || tag == "-" {
			continue
		}
		err := m.fill(tag, target.Field(i))
		if err == nil && strings.HasSuffix(tag, "_env") {
			err = m.fillSecret(tag, target.FieldByName(strings.TrimSuffix(field.Name, "Env")))
		}
		if err != nil {
			r.fault(n, "%q cannot be read into the field %s: %s; a program needs mending, not this file", tag, field.Name, err)
		}
	}
	m.done()
	if v, ok := into.(interface{ Validate() error }); ok && len(r.faults) == before {
		m.invalid(path+": ", v.Validate())
	}
}

// fill sets one field. Where the key says nothing it stays as it is.
func (m *mapping) fill(key string, field reflect.Value) error {
	if m.take(key) == nil {
		m.fillNothing(key, field)
		return nil
	}
	isDuration := field.Type() == reflect.TypeFor[time.Duration]()
	switch {
	case !field.CanSet():
		return fmt.Errorf("it is not exported")
	case isDuration:
		field.SetInt(int64(m.span(key)))
	case field.Kind() == reflect.String:
		field.SetString(m.text(key, expressionLength))
	case field.Kind() == reflect.Bool:
		field.SetBool(m.flag(key))
	case field.Kind() == reflect.Int:
		field.SetInt(int64(m.number(key, 0, 0, 1<<31-1)))
	case field.Kind() == reflect.Slice && field.Type().Elem() == reflect.TypeFor[string]():
		lines := m.lines(key, 1000, expressionLength)
		field.Set(reflect.ValueOf(lines).Convert(field.Type()))
	default:
		return fmt.Errorf("a %s is not supported", field.Type())
	}
	return nil
}

// fillNothing decides about text that is empty. Quotes say that it is meant to
// be; without them a text that has a default was probably forgotten, or began
// with # and was taken for a comment.
func (m *mapping) fillNothing(key string, field reflect.Value) {
	p, there := m.pairs[key]
	switch {
	case !there || field.Kind() != reflect.String || !field.CanSet():
	case p.value.ShortTag() == "!!str":
		field.SetString("")
	case field.String() != "":
		m.r.fault(p.key, "%q is empty; give it a value, in quotes when it begins with #, or remove it", key)
	}
}

// span reads a duration, or never, which is 0.
func (m *mapping) span(key string) time.Duration {
	if n := m.take(key); n.Kind == yaml.ScalarNode && slices.Contains([]string{"0", "never"}, strings.TrimSpace(n.Value)) {
		return 0
	}
	return m.duration(key, 0)
}

// fillSecret sets the field that receives a secret.
func (m *mapping) fillSecret(key string, field reflect.Value) error {
	if m.take(key) == nil {
		return nil
	}
	if !field.IsValid() || !field.CanSet() || field.Kind() != reflect.String {
		return fmt.Errorf("the secret needs a string field called like it, without Env")
	}
	field.SetString(m.secret(key))
	return nil
}

// invalid tells what somebody else does not like about the mapping: each error
// where its first word, when that is a key, stands.
func (m *mapping) invalid(prefix string, err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			m.invalid(prefix, one)
		}
		return
	}
	text := firstLine(err.Error())
	at, word := m.node, strings.TrimRight(strings.SplitN(text, " ", 2)[0], ":,")
	if p, is := m.pairs[word]; is {
		at = p.value
	}
	m.r.fault(at, "%s", prefix+text)
}

// firstLine keeps a fault on one line, as everything that reads compilers'
// output expects.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}
