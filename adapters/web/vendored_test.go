package web_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"regexp"
	"testing"
)

var vendored = regexp.MustCompile(`(?m)^\| (\S+) \|.*\| ([0-9a-f]{64}) \|$`)

// Vendored files are as their authors published them.
func TestVendored(t *testing.T) {
	t.Parallel()
	list, err := os.ReadFile("VENDORED.md")
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{"app.js": "", "style.css": "", "icon.svg": ""} // ours
	for _, m := range vendored.FindAllStringSubmatch(string(list), -1) {
		sums[m[1]] = m[2]
	}
	files, err := filepath.Glob("pages/static/*")
	if err != nil || len(files) != len(sums) {
		t.Fatalf("%d files, %d are known: %v", len(files), len(sums), err)
	}
	for _, file := range files {
		want, ok := sums[filepath.Base(file)]
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(raw)
		if got := hex.EncodeToString(sum[:]); !ok || want != "" && got != want {
			t.Errorf("%s has the sum %s, VENDORED.md says %q", file, got, want)
		}
	}
}
