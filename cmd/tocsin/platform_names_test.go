package main

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestPlatformNames: a chat platform is named in its adapter and in the table of
// platforms, and nowhere else: what holds for one holds for all of them.
func TestPlatformNames(t *testing.T) {
	root := filepath.Join("..", "..")
	checked := 0
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		path, err = filepath.Rel(root, path)
		if err != nil || path == filepath.Join("cmd", "tocsin", "platforms.go") {
			return err
		}
		code, err := os.ReadFile(filepath.Join(root, path))
		if err != nil {
			return err
		}
		checked++
		for _, p := range platforms() {
			if strings.HasPrefix(path, filepath.Join("adapters", p.Name)+string(filepath.Separator)) {
				continue
			}
			for n, line := range bytes.Split(code, []byte("\n")) {
				if bytes.Contains(bytes.ToLower(line), []byte(p.Name)) {
					t.Errorf("%s:%d names %s: %s", path, n+1, p.Title, bytes.TrimSpace(line))
				}
			}
		}
		return nil
	})
	if err != nil || checked < 200 {
		t.Fatalf("%d files checked, %v", checked, err)
	}
}
