package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"tocsin/commands"
	"tocsin/workflow"
)

// TestC1RunLine: the words of an unquoted command keep the values that the shell has taken the
// quotes from, so that none spills into a title (C1: what looks like a flag is one or is
// refused). Our own options count at the end, and are text before it.
func TestC1RunLine(t *testing.T) {
	for _, c := range []struct {
		args         []string
		line, server string
	}{
		{[]string{"declare X --sev 2 --description \"a b\""}, `declare X --sev 2 --description "a b"`, ""},
		{[]string{"declare", "Checkout is down", "--description", "two words", "--sev", "2"}, `declare Checkout is down --description "two words" --sev 2`, ""},
		{[]string{"declare", "X", "--description=two words"}, `declare X --description="two words"`, ""},
		{[]string{"declare", "X", "--description", `he said "no" twice`}, `declare X --description «he said "no" twice»`, ""},
		{[]string{"note", "INC-1", "ran  curl\n\tx"}, "note INC-1 ran  curl\n\tx", ""},
		{[]string{"ack", "INC-1", "--server", "http://x"}, "ack INC-1", "http://x"},
		{[]string{"ack", "INC-1", "--server=http://x"}, "ack INC-1", "http://x"},
		{[]string{"note", "INC-1", "curl", "--server", "y", "failed"}, "note INC-1 curl --server y failed", ""},
		{[]string{"--server"}, "--server", ""},
	} {
		var server string
		line := joinCommand(extractFlags(c.args, map[string]*string{"--server": &server}))
		if line != c.line || server != c.server {
			t.Errorf("%q: %q %q", c.args, line, server)
		}
	}
	call, err := commands.New().Parse(joinCommand([]string{"declare", "Checkout", "--description", `he said "no" twice`, "is", "down"}), commands.Context{})
	if d, ok := call.Command.(workflow.Declare); err != nil || !ok || cmp.Diff([]string{"Checkout is down", `he said "no" twice`}, []string{d.Title, d.Description}) != "" {
		t.Errorf("%+v %v", call.Command, err)
	}
}
