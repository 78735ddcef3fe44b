package slacktest

import (
	"bytes"
	"embed"
	"fmt"
	"maps"
	"regexp"
	"sync"

	yaml "go.yaml.in/yaml/v4"
)

//go:embed app.yaml blocks.yaml methods.yaml
var files embed.FS

// rule says what one argument of a method, or one field of an object, has to be. blocks.yaml and methods.yaml explain
// each part.
type rule struct {
	Type              string
	Format            string
	Required, Empty   bool
	Min, Max          int
	Bytes, Characters int
	Pattern, Not      *regexp.Regexp
	Enum              []string
	Items             *rule
	Unique            string
	Error             string
	Errors            map[string]string
}

// schema says what a JSON object has to be.
type schema struct {
	Page           string
	In             []string
	Open           bool
	Fields         map[string]rule
	OneOf          []string `yaml:"one_of"`
	AnyOf          []string `yaml:"any_of"`
	Otherwise      string
	State, Initial string

	kind string // the value of its "type"; empty for an object without one
}

// schemas are all entries of blocks.yaml: by group and name, and by name alone.
type schemas struct {
	groups map[string]map[string]*schema
	named  map[string]*schema
}

// objects is the group whose entries have no "type".
const objects = "objects"

// readSchemas reads blocks.yaml, once.
//
//nolint:gochecknoglobals // It is never changed.
var readSchemas = sync.OnceValue(func() schemas {
	all := schemas{named: map[string]*schema{}}
	readFile("blocks.yaml", &all.groups)
	for group, entries := range all.groups {
		maps.Copy(all.named, entries)
		for name, s := range entries {
			if group != objects {
				s.kind = name
			}
		}
	}
	return all
})

// readFile reads a file of rules, strictly.
func readFile(name string, into any) {
	raw, err := files.ReadFile(name)
	if err == nil {
		err = yaml.Load(bytes.TrimSpace(raw), into, yaml.WithKnownFields())
	}
	if err != nil {
		panic(fmt.Sprintf("slacktest: cannot read %s: %v", name, err))
	}
}
