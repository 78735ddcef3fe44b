package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tocsin/adapters/redis/redistest"
	"tocsin/bot"
	"tocsin/bot/app"
	"tocsin/workflow"
)

var overRedis = flag.Bool("redis", false, "measure over Redis instead of SQLite")

// benchServer is the whole program in one process, on a real file, with a
// pager that only records when a page arrives.
type benchServer struct {
	b      *testing.B
	url    string
	client *http.Client
	bot    *app.App
	mu     sync.Mutex
	paged  map[string]time.Time // incident title → first page
	came   chan string
}

// Page implements [bot.Pager].
func (r *benchServer) Page(_ context.Context, p bot.Page) error {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, i := range p.Incidents {
		if _, again := r.paged[i.Title]; !again {
			r.paged[i.Title] = now
			select {
			case r.came <- i.Title:
			default:
			}
		}
	}
	return nil
}

func newBenchServer(b *testing.B) *benchServer {
	r := &benchServer{b: b, paged: map[string]time.Time{}, came: make(chan string, 1)}
	r.start(nil)
	return r
}

// start starts the program with the connected platforms.
func (r *benchServer) start(s connections) {
	b := r.b
	quiet := slog.New(slog.DiscardHandler)
	at := location{name: filepath.Join(b.TempDir(), "tocsin.db")}
	if *overRedis {
		at.url = redistest.Start(b, redistest.Config{}).URL()
	}
	under, err := at.open(b.Context(), quiet)
	if err != nil {
		b.Fatal(err)
	}
	org := bot.Default()
	org.Operator = "api"
	org.Integrations = append(org.Integrations, bot.Integration{Name: "other", Type: "alertmanager"})
	r.bot, err = app.New(app.Config{
		Store: under, Organization: org, Pagers: map[string]bot.Pager{"log": r}, Sources: sources(),
		Chats: s.chats(), Builtin: builtinRooms(),
		Secret: []byte("0123456789abcdef"), Now: under.Now, Log: quiet,
	})
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	ended := make(chan struct{})
	go func() {
		r.bot.Agenda(0).Run(ctx)
		close(ended)
	}()
	handler, pages := routes{app: r.bot, store: under, secrets: secrets{hook: "hook"}, log: quiet, ready: func() ([]string, error) { return nil, nil }}.newMux()
	b.Cleanup(pages.Close)
	server := httptest.NewServer(handler)
	r.url = server.URL
	r.client = &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 128}}
	b.Cleanup(func() {
		server.Close()
		cancel()
		<-ended
		if err := under.Close(); err != nil {
			b.Error(err)
		}
	})
}

// post sends one delivery and returns how long the response took.
func (r *benchServer) post(path, token, body string) time.Duration {
	start := time.Now()
	switch status := r.postOnce(path, token, body); {
	case status == http.StatusServiceUnavailable: // overload: come again, as senders do
		runtime.Gosched()
		return r.post(path, token, body) + time.Since(start)
	case status/100 != 2:
		r.b.Errorf("%s answers %d", path, status)
	}
	return time.Since(start)
}

// postOnce sends one delivery and returns the status of the response.
func (r *benchServer) postOnce(path, token, body string) int {
	req, err := http.NewRequestWithContext(r.b.Context(), http.MethodPost, r.url+path, strings.NewReader(body))
	if err != nil {
		r.b.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	res, err := r.client.Do(req)
	if err != nil {
		r.b.Error(err)
		return 0
	}
	_, _ = io.Copy(io.Discard, res.Body) // else the connection is not used again
	_ = res.Body.Close()
	return res.StatusCode
}

func alertBody(name string, keys ...string) string {
	alerts := make([]string, 0, len(keys))
	for _, k := range keys {
		alerts = append(alerts, fmt.Sprintf(`{"status":"firing","fingerprint":%q,"labels":{"alertname":%q,"severity":"critical"},"annotations":{"summary":%q}}`, k, name, name))
	}
	return `{"version":"4","alerts":[` + strings.Join(alerts, ",") + `]}`
}

// report prints the rate, and the median and the 99th percentile of the
// latencies.
func report(b *testing.B, what string, count int, all []time.Duration) {
	b.ReportMetric(float64(count)/b.Elapsed().Seconds(), what+"/s")
	if len(all) > 0 {
		slices.Sort(all)
		b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
		b.ReportMetric(float64(all[len(all)*99/100].Microseconds())/1000, "p99-ms")
	}
	b.ReportMetric(0, "ns/op")
}

// flood posts b.N deliveries from 64 clients.
func (r *benchServer) flood(body func(n int) string) []time.Duration {
	var next atomic.Int64
	var mu sync.Mutex
	var all []time.Duration
	var clients sync.WaitGroup
	r.b.ResetTimer()
	for range 64 {
		clients.Go(func() {
			var mine []time.Duration
			for n := int(next.Add(1)); n <= r.b.N; n = int(next.Add(1)) {
				mine = append(mine, r.post("/hooks/alertmanager", "hook", body(n)))
			}
			mu.Lock()
			all = append(all, mine...)
			mu.Unlock()
		})
	}
	clients.Wait()
	r.b.StopTimer()
	return all
}

// BenchmarkAlertsFewGroups: new alerts, one a request, for ten incidents.
func BenchmarkAlertsFewGroups(b *testing.B) {
	r := newBenchServer(b)
	all := r.flood(func(n int) string { return alertBody(fmt.Sprintf("group %d", n%10), fmt.Sprintf("k%d", n)) })
	report(b, "alerts", b.N, all)
}

// BenchmarkAlertsInTens: new alerts, ten a request, for ten incidents.
func BenchmarkAlertsInTens(b *testing.B) {
	r := newBenchServer(b)
	all := r.flood(func(n int) string {
		keys := make([]string, 10)
		for k := range keys {
			keys[k] = fmt.Sprintf("k%d-%d", n, k)
		}
		return alertBody(fmt.Sprintf("group %d", n%10), keys...)
	})
	report(b, "alerts", b.N*10, all)
}

// BenchmarkRepeats: alerts that are already firing.
func BenchmarkRepeats(b *testing.B) {
	r := newBenchServer(b)
	for n := range 1000 {
		r.post("/hooks/alertmanager", "hook", alertBody("group", fmt.Sprintf("k%d", n)))
	}
	all := r.flood(func(n int) string { return alertBody("group", fmt.Sprintf("k%d", n%1000)) })
	report(b, "alerts", b.N, all)
}

// BenchmarkIncidents: every alert is a new incident, until the pager gets its
// first page.
func BenchmarkIncidents(b *testing.B) {
	r := newBenchServer(b)
	all := r.flood(func(n int) string { title := fmt.Sprintf("incident %d", n); return alertBody(title, title) })
	b.StartTimer()
	deadline := time.Now().Add(time.Minute)
	for tick := time.NewTicker(time.Millisecond); ; {
		if time.Now().After(deadline) {
			b.Fatalf("%d of %d incidents were paged within a minute", len(r.paged), b.N)
		}
		r.mu.Lock()
		done := len(r.paged)
		r.mu.Unlock()
		if done >= b.N {
			tick.Stop()
			break
		}
		<-tick.C
	}
	b.StopTimer()
	report(b, "incidents", b.N, all)
}

// BenchmarkWebhookToPage: from sending a webhook until the pager gets the
// first page, one at a time.
func BenchmarkWebhookToPage(b *testing.B) {
	r := newBenchServer(b)
	var all []time.Duration
	for n := range b.N {
		title := fmt.Sprintf("incident %d", n)
		start := time.Now()
		r.post("/hooks/alertmanager", "hook", alertBody(title, title))
		for got := ""; got != title; {
			got = <-r.came
		}
		all = append(all, time.Since(start))
	}
	report(b, "incidents", b.N, all)
}

// BenchmarkCommandDuringFlood: a note through the API while alerts come in.
func BenchmarkCommandDuringFlood(b *testing.B) {
	r := newBenchServer(b)
	r.post("/api/v1/commands", "api", `{"text":"declare Something --sev 2"}`)
	stop := make(chan struct{})
	var flood sync.WaitGroup
	var sent atomic.Int64
	for range 16 {
		flood.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					n := sent.Add(1)
					r.post("/hooks/alertmanager", "hook", alertBody(fmt.Sprintf("group %d", n%10), fmt.Sprintf("k%d", n)))
				}
			}
		})
	}
	var all []time.Duration
	b.ResetTimer()
	for n := range b.N {
		all = append(all, r.post("/api/v1/commands", "api", fmt.Sprintf(`{"text":"note INC-1 number %d"}`, n)))
	}
	b.StopTimer()
	b.ReportMetric(float64(sent.Load())/b.Elapsed().Seconds(), "alerts/s")
	close(stop)
	flood.Wait()
	report(b, "commands", b.N, all)
}

var _ bot.Pager = (*benchServer)(nil)

// BenchmarkStep: one acknowledgement in the pure core.
func BenchmarkStep(b *testing.B) {
	org := bot.Default()
	i, err := workflow.Step(workflow.Incident{ID: "INC-1", Number: 1}, workflow.Input{
		At: time.Unix(0, 0), Command: workflow.Declare{Title: "x", Severity: workflow.SEV1}, Known: workflow.Known{Plan: org.Plan(nil, "")},
	})
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := workflow.Step(i.Incident, workflow.Input{At: time.Unix(1, 0), By: workflow.Actor{Kind: workflow.ByPerson, ID: "ana"}, Command: workflow.Acknowledge{}}); err != nil {
			b.Fatal(err)
		}
	}
}
