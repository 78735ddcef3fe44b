package web_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"path"
	"strings"
	"testing"
	"time"

	"tocsin/bot/alerts"
	"tocsin/bot/dispatch"
)

// assets returns the addresses of the files that a page loads, by file.
func (p page) assets() map[string]string {
	p.t.Helper()
	all := map[string]string{}
	for _, e := range p.dom().named("link", "script") {
		address := e.attr["href"] + e.attr["src"]
		all[path.Base(address)] = address
	}
	return all
}

func unzip(t testing.TB, zipped string) string {
	t.Helper()
	z, err := gzip.NewReader(strings.NewReader(zipped))
	if err != nil {
		t.Fatal(err)
	}
	raw, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestFilesAreCachedForEver(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	assets := h.signInAs("ana").get("/").expect(200).assets()
	for file, kind := range map[string]string{
		"app.js": "javascript", "style.css": "text/css", "icon.svg": "image/svg+xml", "htmx.min.js": "javascript", "sse.min.js": "javascript", "idiomorph-ext.min.js": "javascript",
	} {
		want, err := os.ReadFile("pages/static/" + file)
		if err != nil {
			t.Fatal(err)
		}
		address := assets[file]
		p := h.get(address, "Accept-Encoding: identity").expect(200)
		if p.html != string(want) || !strings.Contains(p.header.Get("Content-Type"), kind) || p.header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d bytes, %v", file, len(p.html), p.header)
		}
		if got := p.header.Get("Cache-Control"); !strings.Contains(got, "immutable") || !strings.Contains(got, "max-age=31536000") {
			t.Errorf("%s is kept: %s", file, got)
		}
		for encodings, zipped := range map[string]bool{
			"gzip": true, "gzip, deflate, br": true, "br;q=1.0, gzip;q=0.8": true, "deflate": false, "": false, "gzip;q=0": false, "br, gzip;q=0.000": false,
		} {
			p = h.get(address, "Accept-Encoding: "+encodings).expect(200)
			body := p.html
			if got := p.header.Get("Content-Encoding") == "gzip"; got != zipped {
				t.Errorf("%s for %q is zipped: %t", file, encodings, got)
			} else if got {
				body = unzip(t, body)
			}
			if body != string(want) || !strings.Contains(p.header.Get("Vary"), "Accept-Encoding") {
				t.Errorf("%s for %q: %d bytes, %v", file, encodings, len(body), p.header)
			}
		}
		// An address of another version is answered with what there is, and not kept.
		old := h.get("/static/0123456789ab/" + file).expect(200)
		if got := old.header.Get("Cache-Control"); strings.Contains(got, "immutable") || strings.Contains(got, "max-age=3") {
			t.Errorf("%s of another version is kept: %s", file, got)
		}
		if p = h.send("HEAD", address, "").expect(200); p.html != "" {
			t.Errorf("HEAD of %s has a body", file)
		}
	}
}

func TestOtherFilesAreNotServed(t *testing.T) {
	t.Parallel()
	h := newTestServer(t)
	root := path.Dir(h.get("/").assets()["app.js"])
	for _, bad := range []string{
		"/static", "/static/", root, root + "/", root + "/x.js", root + "/APP.JS", root + "/../../web.go", root + "/..%2f..%2fweb.go", root + "/%2e%2e/list.html",
		root + "/..%5c..%5cweb.go", root + "/....//list.html", "/static/../pages/list.html", "/static/..%2flist.html", root + "/list.html", root + "/layout.html",
		"/static/%00", root + "/app.js%00", root + "/.", root + "/..", "/pages/static/app.js", "/static//etc/passwd", root + "/%2fetc%2fpasswd",
	} {
		p := h.get(bad)
		if p.status == http.StatusOK || strings.Contains(p.html, "{{") || strings.Contains(p.html, "package web") || strings.Contains(p.html, "root:") {
			t.Errorf("%s is answered %d %.80q", bad, p.status, p.html)
		}
	}
	if p := h.send("POST", root+"/app.js", "x=y"); p.status != http.StatusMethodNotAllowed {
		t.Errorf("POST is answered %d", p.status)
	}
	// Files are public: they need no session and no known host.
	h.get(root+"/app.js", "Host: evil.example").expect(200)
}

func TestPagesAreZipped(t *testing.T) {
	t.Parallel()
	h := newTestServer(t).declare()
	ana := h.signInAs("ana")
	for _, path := range []string{"/", "/incidents/INC-1", "/declare", "/sign-in", "/x"} {
		plain, zipped := ana.get(path, "Accept-Encoding: identity"), ana.get(path, "Accept-Encoding: gzip")
		if plain.header.Get("Content-Encoding") != "" || zipped.header.Get("Content-Encoding") != "gzip" || plain.status != zipped.status {
			t.Fatalf("%s: %v, %v", path, plain.header, zipped.header)
		}
		got := unzip(t, zipped.html)
		if same := got == plain.html; !strings.HasSuffix(got, "</html>\n") || !same && (path == "/sign-in" || path == "/x") {
			t.Errorf("%s differs when it is zipped:\n%s", path, got)
		}
		if none := ana.get(path, "Accept-Encoding: gzip;q=0"); none.header.Get("Content-Encoding") != "" {
			t.Errorf("%s is zipped for a reader who refuses that", path)
		}
	}
}

// TestEveryPageWeighsLessThan100KB: all that a browser loads for its first page
// is less than 100 KB, in a busy incident too.
func TestEveryPageWeighsLessThan100KB(t *testing.T) {
	t.Parallel()
	const most = 100_000
	h := newTestServer(t).declare()
	for n := range 20 {
		h.fireAlert(alerts.Alert{
			Key: fmt.Sprint(n), Title: fmt.Sprintf("Pod checkout-%d has been restarting for %d minutes", n*7919, n), Severity: "critical",
			Labels: map[string]string{"alertname": "Restarts", "service": "checkout"}, Link: fmt.Sprintf("https://prometheus.example.com/graph?g0.expr=%d", n*104729),
		})
	}
	h.advance(time.Second)
	speaker := h.person("ben")
	for n := range 160 {
		for _, id := range []string{"INC-1", "INC-2"} {
			if n < 60 {
				h.runOnly("ben", fmt.Sprintf("note %s Note %d: restarted node %x, which took %d s", id, n, n*15485863, n*31%60))
				continue
			}
			text := fmt.Sprintf("Message %d: the rate of errors is %d.%d %%, and the database answers in %d ms; I look at node %x.", n, n*37%100, n%10, n*7919%1000, n*104729)
			if reply, err := h.bot.Dispatcher.WriteMessage(t.Context(), dispatch.Request{Text: text, Room: id, Speaker: speaker}); err != nil || !reply.OK {
				t.Fatal(reply, err)
			}
		}
	}
	for n := range 100 {
		h.runOnly("ben", fmt.Sprintf("declare Trouble %d with the disk of node %x --service checkout", n, n*15485863))
	}
	h.settle()
	weigh := func(name string, p page) {
		t.Helper()
		var zipped bytes.Buffer
		z := gzip.NewWriter(&zipped)
		if _, err := z.Write([]byte(p.html)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		weight := zipped.Len()
		for _, address := range p.assets() {
			weight += len(h.get(address, "Accept-Encoding: gzip").expect(200).html)
		}
		t.Logf("%s: %d bytes, of which %d are its own", name, weight, zipped.Len())
		if weight >= most {
			t.Errorf("%s weighs %d bytes", name, weight)
		}
	}
	ana := h.signInAs("ana")
	rooms := map[string]page{"a room": ana.get("/incidents/INC-1"), "a room of alerts": ana.get("/incidents/INC-2")}
	for name, p := range rooms {
		p.expect(200)
		if strings.Count(p.html, `class="message"`) < 90 || strings.Count(p.region("events"), "Note ") < 40 {
			t.Fatalf("%s is not full: %d messages", name, strings.Count(p.html, `class="message"`))
		}
		weigh(name, p)
	}
	for _, path := range []string{"/", "/?show=all", "/declare", "/sessions", "/sign-in", "/incidents/INC-1/timeline", "/incidents/INC-9"} {
		weigh(path, ana.get(path))
	}
	weigh("the page to acknowledge", h.get(h.ackPath("ana")))
}
