// Package config reads tocsin.yaml into a [bot.Organization]. It reports all
// faults of the file at once, each with its line, its column and how to fix
// it. The section of an adapter is read into the struct that the adapter
// provides.
package config

import (
	"errors"
	"fmt"
	"io"
	"os"

	yaml "go.yaml.in/yaml/v4"

	"tocsin/bot"
	"tocsin/bot/alerts"
	"tocsin/bot/platform"
)

// maxBytes is the maximum size of the file: enough for thousands of people and
// services.
const maxBytes = 4 << 20

// Options configures [Load] and [Parse]. The zero value reads the environment
// of the process, knows no platform and no source, and leaves routes and
// sections unchecked.
type Options struct {
	// Getenv returns the value of an environment variable, "" when it is not
	// set; nil: [os.Getenv].
	Getenv func(name string) string
	// CheckRoute returns what is wrong with the expressions of a route; nil:
	// they are not checked. An error that begins with "match: " or "severity:
	// " is reported at that expression, another one at the route.
	CheckRoute func(alerts.Route) error
	// Sources are the supported alert sources; none: types are not checked.
	Sources alerts.Sources
	// Platforms are the supported chat platforms.
	Platforms platform.Table
	// Sections are pointers to the structs that the sections of adapters, such as
	// "pagers.email", are decoded into, by path.
	//
	// A field that can be configured has a tag, such as yaml:"host", and is a
	// string, an int, a bool, a [time.Duration], a list of strings, or a struct of
	// such fields. A duration can be "never" or 0, which are zero. A key that ends in _env names an
	// environment variable: for "password_env", the field PasswordEnv receives the
	// name and the field Password, which has no tag, the secret. A key without a
	// field is a fault. A field that is not configured keeps its value, which is
	// the default; an empty text in the file must be quoted to replace a default.
	//
	// If the struct has a method Validate() error, it is called last; it may
	// return joined errors. So is that of a struct within it.
	Sections map[string]any
}

// File is a configuration without faults.
type File struct {
	// Organization is everything but the sections of adapters. Its URL is
	// empty when none is configured: the server then sets its own address. An
	// integration without Tokens uses the default token.
	Organization bot.Organization

	name     string
	sections map[string]*yaml.Node
}

// Load reads the file at path; "" means no configuration, which is
// [bot.Default]. When the file can be read and has faults, the error is
// [Faults].
func Load(path string, o Options) (*File, error) {
	var raw []byte
	if path != "" {
		var err error
		if raw, err = readFile(path); err != nil {
			return nil, fmt.Errorf("read the configuration: %w", err)
		}
	}
	f, faults := Parse(path, raw, o)
	if len(faults) > 0 {
		return nil, faults
	}
	return f, nil
}

// readFile reads at most one byte more than maxBytes; Parse then refuses the
// file.
func readFile(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	return raw, errors.Join(err, file.Close())
}

// Parse reads raw, the content of the file called name. It returns the
// configuration or its faults: at most 50, in their order in the file. An
// empty file is [bot.Default].
func Parse(name string, raw []byte, o Options) (*File, Faults) {
	r := newReader(name, o)
	top, ok := r.parseDocument(raw)
	if !ok {
		return nil, r.sortedFaults()
	}
	f := &File{name: name, sections: map[string]*yaml.Node{}}
	root := r.openMapping(top, "the configuration")
	f.Organization = r.readOrganization(root, f.sections)
	for _, check := range r.checks {
		check()
	}
	if faults := r.sortedFaults(); len(faults) > 0 {
		return nil, faults
	}
	return f, nil
}

// Has reports whether the section of an adapter, such as "pagers.email", is
// configured.
func (f *File) Has(path string) bool { return f.sections[path] != nil }

// String returns the name of the file and of the organization, and no secret.
func (f File) String() string {
	return fmt.Sprintf("configuration %q of %s", f.name, f.Organization.Name)
}

// GoString returns [File.String], so that %#v shows no secret.
func (f File) GoString() string { return f.String() }

// MarshalText returns [File.String], so that JSON and logs show no secret.
func (f File) MarshalText() ([]byte, error) { return []byte(f.String()), nil }
