package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	yaml "go.yaml.in/yaml/v4"
)

// readSection fills the struct of an adapter; when into is nil, it only checks
// the secrets. It does not use the YAML library, so that faults and durations
// are the same everywhere in the file.
func (r *reader) readSection(path string, n *yaml.Node, into any) {
	before := len(r.faults)
	m := r.openMapping(n, quote(path))
	if into == nil {
		for _, key := range m.order {
			if strings.HasSuffix(key, "_env") {
				m.readSecret(key)
			}
		}
		return
	}
	target := reflect.ValueOf(into)
	if target.Kind() != reflect.Pointer || target.IsNil() || target.Elem().Kind() != reflect.Struct {
		r.addFault(n, "%s cannot be read into a %T; this is a fault of Tocsin, not of this file", quote(path), into)
		return
	}
	m.setFields(target.Elem())
	if v, ok := into.(interface{ Validate() error }); ok && len(r.faults) == before {
		m.reportInvalid(path+": ", v.Validate())
	}
}

// setFields sets the fields of an adapter's struct, and reports the keys that
// have none.
func (m *mapping) setFields(target reflect.Value) {
	for i := range target.NumField() {
		field := target.Type().Field(i)
		tag, _, _ := strings.Cut(field.Tag.Get("yaml"), ",")
		if tag == "" || tag == "-" {
			continue
		}
		err := m.setField(tag, target.Field(i))
		if err == nil && strings.HasSuffix(tag, "_env") {
			err = m.setSecret(tag, target.FieldByName(strings.TrimSuffix(field.Name, "Env")))
		}
		if err != nil {
			m.r.addFault(m.node, "%q cannot be read into the field %s: %s; this is a fault of Tocsin, not of this file", tag, field.Name, err)
		}
	}
	m.rejectUnknown()
}

// setGroup sets a field that is a struct of its own from the mapping of a key.
// If it has a method Validate() error, that is called.
func (m *mapping) setGroup(key string, field reflect.Value) {
	before := len(m.r.faults)
	path := strings.Trim(m.what, `"`) + "." + key
	group := m.r.openMapping(m.take(key), quote(path))
	group.setFields(field)
	if v, ok := reflect.TypeAssert[interface{ Validate() error }](field); ok && len(m.r.faults) == before {
		group.reportInvalid(path+": ", v.Validate())
	}
}

// setField sets a field of an adapter's struct from a key. A field without a
// key keeps its value.
func (m *mapping) setField(key string, field reflect.Value) error {
	if m.take(key) == nil {
		m.clearField(key, field)
		return nil
	}
	isDuration := field.Type() == reflect.TypeFor[time.Duration]()
	switch {
	case !field.CanSet():
		return fmt.Errorf("the field is not exported")
	case isDuration:
		field.SetInt(int64(m.readSpan(key)))
	case field.Kind() == reflect.String:
		field.SetString(m.readText(key, expressionLength))
	case field.Kind() == reflect.Bool:
		field.SetBool(m.readFlag(key))
	case field.Kind() == reflect.Int:
		field.SetInt(int64(m.readNumber(key, 0, 0, 1<<31-1)))
	case field.Kind() == reflect.Slice && field.Type().Elem() == reflect.TypeFor[string]():
		lines := m.readLines(key, 1000, expressionLength)
		field.Set(reflect.ValueOf(lines).Convert(field.Type()))
	case field.Kind() == reflect.Struct:
		m.setGroup(key, field)
	default:
		return fmt.Errorf("a %s is not supported", field.Type())
	}
	return nil
}

// clearField sets a field to "" when its key has an empty quoted text. An
// empty text without quotes is a fault when the field has a default: it may
// begin with # and be read as a comment.
func (m *mapping) clearField(key string, field reflect.Value) {
	p, ok := m.pairs[key]
	switch {
	case !ok || field.Kind() != reflect.String || !field.CanSet():
	case p.value.ShortTag() == "!!str":
		field.SetString("")
	case field.String() != "":
		m.r.addFault(p.key, "%q is empty; give it a value, in quotes when it begins with #, or remove it", key)
	}
}

// readSpan reads a duration, or "never", which is 0.
func (m *mapping) readSpan(key string) time.Duration {
	if n := m.take(key); n.Kind == yaml.ScalarNode && slices.Contains([]string{"0", "never"}, strings.TrimSpace(n.Value)) {
		return 0
	}
	return m.readDuration(key, 0)
}

// setSecret sets the field that receives a secret.
func (m *mapping) setSecret(key string, field reflect.Value) error {
	if m.take(key) == nil {
		return nil
	}
	if !field.IsValid() || !field.CanSet() || field.Kind() != reflect.String {
		return fmt.Errorf("the secret needs a string field with the same name without Env")
	}
	field.SetString(m.readSecret(key))
	return nil
}

// reportInvalid reports the errors of a Validate method: each at the key that
// is its first word, else at the mapping.
func (m *mapping) reportInvalid(prefix string, err error) {
	if err == nil {
		return
	}
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			m.reportInvalid(prefix, one)
		}
		return
	}
	text := firstLine(err.Error())
	at, word := m.node, strings.TrimRight(strings.SplitN(text, " ", 2)[0], ":,")
	if p, ok := m.pairs[word]; ok {
		at = p.value
	}
	m.r.addFault(at, "%s", prefix+text)
}

// firstLine returns the first line of a text. A fault is one line, as tools
// expect that read the output of compilers.
func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return strings.TrimSpace(line)
}
