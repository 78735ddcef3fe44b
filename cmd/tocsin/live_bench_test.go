package main

import (
	"bufio"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"strings"
	"testing"
	"time"

	"tocsin/bot/access"
	"tocsin/commands"
)

// liveRoom is an open room: it sends each text that arrives.
type liveRoom struct{ came chan string }

// signIn uses a sign-in link, and returns the browser.
func (r *benchServer) signIn() *http.Client {
	r.b.Helper()
	link, err := r.bot.SignIn.CreateLink(r.b.Context(), access.Speaker{Name: "operator", Access: commands.Admin}, "/")
	if err != nil {
		r.b.Fatal(err)
	}
	jar, err := cookiejar.New(nil)
	if err != nil {
		r.b.Fatal(err)
	}
	browser := &http.Client{Jar: jar, Transport: r.client.Transport}
	_, token, _ := strings.Cut(link, "/sign-in/")
	res, err := browser.PostForm(r.url+"/sign-in/"+token, url.Values{"name": {"Sam"}})
	if err != nil {
		r.b.Fatal(err)
	}
	if err := res.Body.Close(); err != nil || res.StatusCode != http.StatusOK {
		r.b.Fatalf("signing in is answered %s, %v", res.Status, err)
	}
	return browser
}

// watch opens a room and keeps it open.
func (r *benchServer) watch(browser *http.Client, id string) liveRoom {
	r.b.Helper()
	req, err := http.NewRequestWithContext(r.b.Context(), http.MethodGet, r.url+"/live?room="+id, http.NoBody)
	if err != nil {
		r.b.Fatal(err)
	}
	res, err := browser.Do(req) //nolint:bodyclose // closed by the goroutine that reads it, below
	if err != nil || res.StatusCode != http.StatusOK {
		r.b.Fatalf("the room is answered %v, %v", res, err)
	}
	w := liveRoom{came: make(chan string, 1000)}
	go func() {
		defer res.Body.Close()
		defer close(w.came)
		lines := bufio.NewScanner(res.Body)
		lines.Buffer(nil, 1<<20)
		for lines.Scan() {
			if _, text, ok := strings.Cut(lines.Text(), "benchmark note "); ok && strings.Contains(lines.Text(), "<p class=\"words\"") {
				n, _, _ := strings.Cut(text, "<")
				w.came <- n
			}
		}
	}()
	return w
}

// BenchmarkLive measures from sending a command to its line in another
// browser, with 200 open rooms.
func BenchmarkLive(b *testing.B) {
	r := newBenchServer(b)
	const rooms = 200
	browser := r.signIn()
	open := make([]liveRoom, rooms)
	for n := range open {
		r.post("/api/v1/commands", "api", fmt.Sprintf(`{"text":"declare Incident %d --sev 3"}`, n))
		open[n] = r.watch(browser, fmt.Sprintf("INC-%d", n+1))
	}
	var all []time.Duration
	b.ResetTimer()
	for n := range b.N {
		start := time.Now()
		r.post("/api/v1/commands", "api", fmt.Sprintf(`{"text":"note INC-%d benchmark note %d"}`, n%rooms+1, n))
		for came := range open[n%rooms].came {
			if came == fmt.Sprint(n) {
				break
			}
		}
		all = append(all, time.Since(start))
	}
	b.StopTimer()
	report(b, "commands", b.N, all)
}
