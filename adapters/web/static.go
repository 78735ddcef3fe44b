package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

// assets are the files that pages refer to. Their address has a hash of all of
// them, so that a browser may cache them for ever.
type assets struct {
	root  string // "/static/0123abcd/"
	files map[string]asset
}

// asset is one file, plain and compressed.
type asset struct {
	mediaType     string // such as "text/css; charset=utf-8"
	plain, zipped []byte
}

// readAssets reads the embedded files.
func readAssets() (assets, error) {
	a := assets{files: map[string]asset{}}
	all := sha256.New()
	err := fs.WalkDir(files, "pages/static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		all.Write(raw)
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		_, err = z.Write(raw)
		err = errors.Join(err, z.Close())
		a.files[path.Base(name)] = asset{mediaType: mime.TypeByExtension(path.Ext(name)), plain: raw, zipped: zipped.Bytes()}
		return err
	})
	a.root = "/static/" + hex.EncodeToString(all.Sum(nil))[:12] + "/"
	return a, err
}

func (a assets) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[path.Base(r.URL.Path)]
	if !ok {
		writePlain(w, http.StatusNotFound, "There is nothing here.")
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.mediaType)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-cache")
	if strings.HasPrefix(r.URL.Path, a.root) { // an older address is another version's, so this content must not be cached under it
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
	}
	body := f.plain
	h.Set("Vary", "Accept-Encoding")
	if acceptsGzip(r) {
		h.Set("Content-Encoding", "gzip")
		body = f.zipped
	}
	w.Write(body)
}

// acceptsGzip reports whether Accept-Encoding includes gzip (RFC 9110, section
// 12.5.3): a quality of 0 is a refusal.
func acceptsGzip(r *http.Request) bool {
	for part := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		name, quality, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), "gzip") {
			continue
		}
		_, q, stated := strings.Cut(strings.ReplaceAll(quality, " ", ""), "q=")
		return !stated || strings.Trim(q, "0.") != ""
	}
	return false
}
