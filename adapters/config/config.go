// Package config reads tocsin.yaml into a [bot.Organization]. It tells every
// fault of the file at once, each with its line, its column and what would be
// right, and leaves an adapter's section to the adapter.
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

// maxBytes is the largest file that is read: thousands of people and services
// fit, a disk image does not.
const maxBytes = 4 << 20

// Options is what reading needs of the outside. The zero value reads the
// process's environment and leaves routes and sections unchecked.
type Options struct {
	// Getenv looks up an environment variable; nil means [os.Getenv].
	Getenv func(name string) string
	// CheckRoute says what is wrong with a route's expressions; nil means that
	// nobody looks. Its error is told at the expression that it begins with,
	// "match: …" or "severity: …", else at the route.
	CheckRoute func(alerts.Route) error
	// Platforms are the chat platforms there are.
	Platforms platform.Table
	// Sections are filled while the file is read, so that their faults come
	// with all the others: pointers as for [File.Section], by path.
	Sections map[string]any
}

// File is a configuration without a fault.
type File struct {
	// Organization is everything but the adapters' sections. Its URL is empty
	// when none is configured: whoever serves knows the address. Integrations
	// without a token of their own have no Tokens: they share the default one.
	Organization bot.Organization

	name     string
	options  Options
	sections map[string]*yaml.Node
}

// Load reads the file at path; "" means that nothing is configured, which is
// [bot.Default]. The error is [Faults] when the file could be read and is
// wrong, so that each can be shown on a line of its own.
func Load(path string, o Options) (*File, error) {
	var raw []byte
	if path != "" {
		var err error
		if raw, err = read(path); err != nil {
			return nil, fmt.Errorf("read the configuration: %w", err)
		}
	}
	f, faults := Parse(path, raw, o)
	if len(faults) > 0 {
		return nil, faults
	}
	return f, nil
}

// read returns at most one byte more than is allowed, which Parse refuses.
func read(path string) ([]byte, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	raw, err := io.ReadAll(io.LimitReader(file, maxBytes+1))
	return raw, errors.Join(err, file.Close())
}

// Parse reads raw, the content of the file called name. It returns a file or
// its faults: at most 50, by position. A file without content is
// [bot.Default].
func Parse(name string, raw []byte, o Options) (*File, Faults) {
	if o.Getenv == nil {
		o.Getenv = os.Getenv
	}
	r := newReader(name, o)
	top, ok := r.tree(raw)
	if !ok {
		return nil, r.told()
	}
	f := &File{name: name, options: o, sections: map[string]*yaml.Node{}}
	root := r.open(top, "the configuration")
	f.Organization = r.organization(root, f.sections)
	for _, check := range r.checks {
		check()
	}
	if faults := r.told(); len(faults) > 0 {
		return nil, faults
	}
	return f, nil
}

// Has reports whether the section of an adapter, such as "pagers.email", is
// configured.
func (f *File) Has(path string) bool { return f.sections[path] != nil }

// Section decodes the section of an adapter, such as "pagers.email", into the
// struct that into points to. A field that may be configured has a tag, such
// as yaml:"host", and is a string, an int, a bool, a [time.Duration] or a list
// of strings. A duration may be never, or 0, which are zero. A key that ends in
// _env names an environment variable: of "password_env" the field PasswordEnv
// receives the name and the field Password, which has no tag, the secret. A key
// without a field is a fault. What is not configured stays as it is, so that
// the struct comes with its defaults; to leave a text empty that has one takes
// quotes. If the struct has a method Validate() error, it is asked last, and
// may answer with joined errors. The error is [Faults] when the section is
// wrong.
func (f *File) Section(path string, into any) error {
	n := f.sections[path]
	if n == nil {
		return nil
	}
	r := newReader(f.name, f.options)
	r.section(path, n, into)
	if faults := r.told(); len(faults) > 0 {
		return faults
	}
	return nil
}

// String says which file it is and keeps every secret to itself.
func (f File) String() string {
	return fmt.Sprintf("configuration %q of %s", f.name, f.Organization.Name)
}

// GoString is [File.String]: secrets do not come out by %#v either.
func (f File) GoString() string { return f.String() }

// MarshalText is [File.String]: nor do they by JSON or a log.
func (f File) MarshalText() ([]byte, error) { return []byte(f.String()), nil }
