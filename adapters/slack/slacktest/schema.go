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

// rule describes one argument of a method, or one field of an object. blocks.yaml and methods.yaml explain each part.
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

// schema describes a JSON object. blocks.yaml explains each part.
type schema struct {
	Page           string
	In             []string
	Open           bool
	Fields         map[string]rule
	OneOf          []string `yaml:"one_of"`
	AnyOf          []string `yaml:"any_of"`
	Otherwise      string
	Values         string // of an open object: the entry of the objects that other fields may hold
	State, Initial string

	kind string // the value of its "type"; empty for an object without one
}

// schemas holds the entries of blocks.yaml, by group and name, and by name alone.
type schemas struct {
	groups map[string]map[string]*schema
	named  map[string]*schema
}

// objects is the name of the group whose entries have no "type".
const objects = "objects"

// readSchemas returns the content of blocks.yaml, which it reads once.
//
//nolint:gochecknoglobals // the value never changes
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

// readFile decodes a YAML file. It panics if the file has a field that the target has not.
func readFile(name string, into any) {
	raw, err := files.ReadFile(name)
	if err == nil {
		err = yaml.Load(bytes.TrimSpace(raw), into, yaml.WithKnownFields())
	}
	if err != nil {
		panic(fmt.Sprintf("slacktest: read %s: %v", name, err))
	}
}
