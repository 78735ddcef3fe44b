package main

import (
	"fmt"
	"log/slog"
	"net/http"
	"sync"
	"testing"
	"time"

	"tocsin/adapters/memory"
	slackinbound "tocsin/adapters/slack/inbound"
	"tocsin/adapters/slack/slacktest"
	"tocsin/bot/platform"
)

// BenchmarkSlackAcknowledge measures how long Slack waits for the response to
// a slash command, which is durable by then, while 50 incidents are being
// opened in it.
func BenchmarkSlackAcknowledge(b *testing.B) {
	s := slacktest.New(slacktest.Options{})
	b.Cleanup(s.Close)
	ana := s.AddUser(slacktest.User{Name: "ana", RealName: "Ana Silva"})
	general := s.AddChannel(slacktest.Channel{Name: "general", Members: []string{ana}})
	r := &benchServer{b: b, paged: map[string]time.Time{}, came: make(chan string, 1)}
	d := slackinbound.Description()
	secrets := map[string]string{"SLACK_BOT_TOKEN": s.BotToken, "SLACK_APP_TOKEN": s.AppToken, "SLACK_API_URL": s.URL()}
	w, err := d.Connect(platform.Options{
		Settings: d.NewSettings(), Secret: func(name string) string { return secrets[name] }, Mark: "bench",
		Store: memory.New(), Now: time.Now, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		b.Fatal(err)
	}
	found := connections{{Description: d, Platform: w}}
	r.start(found)
	found.serve(r.bot, http.NewServeMux())
	var running sync.WaitGroup
	running.Go(func() { found[0].inbound.Run(b.Context()) })
	b.Cleanup(running.Wait)
	if !s.WaitSockets(2, 10*time.Second) {
		b.Fatal("no sockets")
	}
	r.post("/api/v1/commands", "api", `{"text":"declare Something --sev 2"}`)
	for n := range 50 {
		r.post("/hooks/alertmanager", "hook", alertBody(fmt.Sprint("storm ", n), fmt.Sprint("k", n)))
	}
	var all []time.Duration
	b.ResetTimer()
	for n := range b.N {
		d := s.Slash(ana, general, "/incident", fmt.Sprintf("note INC-1 number %d", n))
		if d.Err != nil {
			b.Fatal(d.Err)
		}
		all = append(all, d.Took)
	}
	b.StopTimer()
	report(b, "commands", b.N, all)
	b.ReportMetric(float64(s.CountDone("conversations.create")), "rooms")
}
