package main_test

import (
	"go/ast"
	"go/token"
	"slices"
	"strconv"
	"strings"
)

// The rule itself, as pure functions: each answers why something must not be, or "".

const (
	module = "tocsin"
	oneWay = "knowledge points one way: cmd → adapters → bot → commands → workflow → nothing"
	suites = "bot/bottest"
	memory = "adapters/memory"
	whole  = "bot/app"
)

// layers are the folders at the root that may hold Go; each may know those after it.
var layers = []string{"cmd", "adapters", "bot", "commands", "workflow"}

// outside says which packages that are not ours the production files of a
// layer may import.
type outside struct {
	anything bool
	withheld []string // refused of the standard library, with all below it
	modules  []string // allowed beyond the standard library, with all below it
	reason   string
}

var impure = []string{"context", "io", "log", "net", "os", "sync"}

var outsides = map[string]outside{
	"cmd":      {anything: true},
	"adapters": {anything: true},
	"bot": {
		withheld: []string{"net/http"},
		modules: []string{
			"github.com/robfig/cron/v3", "github.com/expr-lang/expr", "github.com/prometheus/client_golang",
		},
		reason: "the bot takes of the outside only the standard library without net/http, cron, expr and the metrics client; speaking HTTP is an adapter's work",
	},
	"commands": {
		withheld: impure,
		modules:  []string{"golang.org/x/text"},
		reason:   "commands is pure: of the outside only x/text and the standard library without context, io, log, net, os, sync",
	},
	"workflow": {
		withheld: impure,
		modules:  []string{"github.com/robfig/cron/v3"},
		reason:   "workflow is pure: of the outside only cron and the standard library without context, io, log, net, os, sync",
	},
}

// suiteModules are the modules that bot/bottest may import too: it is test
// code in the form of a package.
var suiteModules = []string{"github.com/anishathalye/porcupine", "github.com/google/go-cmp", "pgregory.net/rapid"}

// vague are package names that say nothing about what is in the package.
var vague = []string{"util", "utils", "common", "helper", "helpers", "type", "types", "model", "models"}

// clock are the functions of package time that read the machine's clock or wait for it.
var clock = []string{"After", "AfterFunc", "NewTicker", "NewTimer", "Now", "Since", "Sleep", "Tick", "Until"}

// clients are the adapters whose client side is a package of its own, with the packages of the bot that it may know. What
// comes in is received by its package inbound, which imports the client and asks the bot.
var clients = map[string][]string{
	"adapters/slack": {"bot", "bot/access", "bot/card", "bot/directory", "bot/platform"},
}

// A source is what the rule knows of the file that imports.
type source struct {
	folder  string // below the module's root, with slashes: "bot/card"
	pkg     string // of the package clause: "card" or "card_test"
	isATest bool   // its name ends in _test.go
}

// whyNotPlaced returns why Go code must not be in the source's folder under
// the source's package name, or "".
func whyNotPlaced(s source) string {
	if !slices.Contains(layers, first(s.folder)) {
		return "at the root only " + strings.Join(layers, ", ") + " hold Go"
	}
	if s.folder == "adapters" {
		return "adapters holds one folder for each outside party and no files of its own"
	}
	for name := range strings.SplitSeq(s.folder+"/"+strings.TrimSuffix(s.pkg, "_test"), "/") {
		if slices.Contains(vague, name) {
			return "a package is a noun of the field or a party, and " + name + " is neither"
		}
	}
	return ""
}

// whyNotImport returns why the source must not import the path, or "".
func whyNotImport(s source, path string) string {
	if ours, ok := strings.CutPrefix(path, module+"/"); ok {
		return whyNotOurs(s, ours)
	}
	if s.isATest {
		return ""
	}
	allowed := outsides[first(s.folder)]
	standard := !strings.Contains(first(path), ".")
	switch {
	case allowed.anything:
		return ""
	case standard && !within(path, allowed.withheld...):
		return ""
	case within(path, allowed.modules...):
		return ""
	case within(s.folder, suites) && within(path, suiteModules...):
		return ""
	}
	return allowed.reason
}

// whyNotOurs returns why the source must not import our own package in the
// folder, or "".
func whyNotOurs(s source, folder string) string {
	from, to := slices.Index(layers, first(s.folder)), slices.Index(layers, first(folder))
	inAdapters := first(s.folder) == "adapters"
	allowed, isClient := clients[s.folder]
	switch {
	case to < 0:
		return "at the root only " + strings.Join(layers, ", ") + " hold Go"
	case within(folder, suites) && !s.isATest && !within(s.folder, suites):
		return suites + " is for tests alone"
	case within(folder, memory) && s.isATest && inAdapters:
		return "" // a store that every adapter's tests may stand on
	case within(folder, memory) && s.isATest && within(s.folder, "bot") && strings.HasSuffix(s.pkg, "_test"):
		return "" // the simulated world runs on it
	case inAdapters && within(folder, whole) && !s.isATest:
		return "an adapter declares the small interfaces that it uses (its ports.go); cmd/tocsin passes it the parts of " + whole
	case inAdapters && first(folder) == "adapters" && party(s.folder) != party(folder):
		return "adapters never import each other; what two of them need belongs to bot"
	case isClient && !s.isATest && within(folder, "bot", s.folder+"/inbound") && !slices.Contains(allowed, folder):
		return s.folder + " is the client side and knows nothing of " + folder + "; what comes in belongs to " + s.folder + "/inbound"
	case to < from:
		return oneWay + "; " + first(s.folder) + " must not know " + first(folder)
	}
	return ""
}

// clockReads returns where the file uses the clock of the machine. In the pure
// packages time is an argument.
func clockReads(file *ast.File) []*ast.SelectorExpr {
	name := "time"
	for _, spec := range file.Imports {
		if spec.Path.Value == strconv.Quote("time") && spec.Name != nil {
			name = spec.Name.Name
		}
	}
	var found []*ast.SelectorExpr
	ast.Inspect(file, func(n ast.Node) bool {
		use, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if of, ok := use.X.(*ast.Ident); ok && of.Name == name && slices.Contains(clock, use.Sel.Name) {
			found = append(found, use)
		}
		return true
	})
	return found
}

// imports returns the paths that a file imports, with their positions.
func imports(file *ast.File) map[string]token.Pos {
	found := map[string]token.Pos{}
	for _, spec := range file.Imports {
		if path, err := strconv.Unquote(spec.Path.Value); err == nil {
			found[path] = spec.Pos()
		}
	}
	return found
}

// first returns the first element of a path with slashes.
func first(path string) string {
	name, _, _ := strings.Cut(path, "/")
	return name
}

// party returns the second element of a folder in adapters.
func party(folder string) string {
	return first(strings.TrimPrefix(folder, "adapters/"))
}

// within reports whether the path is one of the roots or below one.
func within(path string, roots ...string) bool {
	return slices.ContainsFunc(roots, func(root string) bool {
		return path == root || strings.HasPrefix(path, root+"/")
	})
}
