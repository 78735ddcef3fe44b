package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"tocsin/adapters/config"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/agenda"
	"tocsin/bot/app"
	"tocsin/bot/jobs"
	"tocsin/commands"
)

// serveFlags are the flags of serve.
type serveFlags struct {
	config, data, listen string
	durable              bool
}

// Defaults of the command line.
const (
	defaultData   = "tocsin-data"
	defaultListen = "127.0.0.1:8080"
	drainFor      = 8 * time.Second // of the 10 s that an orchestrator usually waits
)

func serveCommand() *cobra.Command {
	var f serveFlags
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the bot.", Args: cobra.NoArgs,
		Long: `Run the bot. With nothing configured it keeps everything in ./tocsin-data and
listens on 127.0.0.1:8080; pages go to this terminal and the log.

SIGHUP reads the configuration again; SIGTERM finishes what is under way.
With REDIS_URL everything is kept in Redis instead, and any number of these may
run over the same one:

  redis://:PASSWORD@HOST:6379/0                             one server
  redis://HOST:26379?addr=HOST2:26379&master_name=NAME      Sentinel
  redis://HOST:6379?addr=HOST2:6379&addr=HOST3:6379         Cluster
  …&namespace=NAME                                          [tocsin]

Secrets come from the environment, each also as NAME_FILE: REDIS_URL,
TOCSIN_API_TOKEN, TOCSIN_HOOK_TOKEN. Those that are unset are made on the first
start and kept in the data folder, or in Redis. Chat platforms:
` + secretsHelp(platforms()),
		Example: "  tocsin serve\n  tocsin serve --config tocsin.yaml --data /var/lib/tocsin --listen 0.0.0.0:8080\n  REDIS_URL=redis://redis:6379 tocsin serve --require-durable",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&f.config, "config", "", "configuration file [tocsin.yaml, when it exists]")
	cmd.Flags().StringVar(&f.data, "data", defaultData, "folder for the store and the secrets; with REDIS_URL nothing is kept there")
	cmd.Flags().BoolVar(&f.durable, "require-durable", false, "do not start over a Redis that may lose what it has answered")
	cmd.Flags().StringVar(&f.listen, "listen", defaultListen, "address to listen on")
	return cmd
}

// server is a running bot.
type server struct {
	flags     serveFlags
	log       *slog.Logger
	screen    io.Writer // a terminal, or nil
	bot       *app.App
	runner    *agenda.Runner
	jobs      *jobs.Runner
	platforms connections
	place     place
	store     store
	health    health
	http      *http.Server
	secret    secrets
}

func serve(ctx context.Context, f serveFlags, stdout, stderr io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	again := make(chan os.Signal, 1)
	signal.Notify(again, syscall.SIGHUP)
	defer signal.Stop(again)

	s := &server{flags: f, log: newLog(stderr)}
	if isTerminal(stdout) {
		s.screen = stdout
	}
	listener, err := s.start(ctx)
	if err != nil {
		return err
	}
	s.greet(ctx, stdout, listener.Addr())
	return s.until(ctx, listener, again)
}

// start makes everything ready, in the order in which it can fail.
func (s *server) start(ctx context.Context) (net.Listener, error) {
	l, err := loadConfig(s.flags.config)
	if err != nil {
		return nil, badConfig(err)
	}
	if s.place, err = findPlace(s.flags.data); err != nil {
		return nil, err
	}
	if s.store, err = s.place.open(ctx, s.log); err != nil {
		return nil, err
	}
	if err = s.trust(ctx); err != nil {
		return nil, errors.Join(err, s.store.Close())
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.flags.listen)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen: %w; choose another address with --listen", err), s.store.Close())
	}
	if l.Organization.URL == "" {
		l.Organization.URL = "http://" + listener.Addr().String()
	}
	s.platforms, err = connector{
		table: platforms(), settings: l.settings, sign: s.secret.sign, store: s.store, now: s.store.Now, log: s.log,
	}.connect()
	var media map[string]bot.Pager
	if err == nil {
		media, err = s.pagers(l)
	}
	if err == nil {
		org := s.platforms.withMembers(l.Organization)
		s.platforms.configure(l.settings, org)
		s.bot, err = app.New(app.Config{
			Store: s.store, Organization: org, Pagers: media, Chats: s.platforms.chats(), Builtin: builtin(), Sources: sources(), Secret: s.secret.sign, Now: s.store.Now, Log: s.log,
		})
	}
	if err != nil {
		return nil, errors.Join(err, listener.Close(), s.store.Close())
	}
	s.runner = s.bot.Agenda(shakenAudit())
	s.jobs = s.bot.JobRunner(s.runner, watcher(), host())
	handler, pages := doors{app: s.bot, store: s.store, secrets: s.secret, log: s.log, ready: s.ready}.mux()
	s.platforms.serve(s.bot, handler)
	s.http = &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	s.http.RegisterOnShutdown(pages.Close)
	return listener, nil
}

func (s *server) pagers(l loaded) (map[string]bot.Pager, error) {
	all, err := pagers(l, func() []bot.Webhook { return s.bot.Organization().Webhooks }, s.store.Now, s.log, s.screen)
	for _, p := range s.platforms {
		if err == nil {
			all[p.Name] = p.Platform
		}
	}
	return shakenPagers(all), err
}

// badConfig shows every fault, each on a line of its own.
func badConfig(err error) error {
	faults, is := errors.AsType[config.Faults](err)
	if !is {
		return err
	}
	lines := make([]string, 0, len(faults))
	for _, f := range faults {
		lines = append(lines, "  "+f.Error())
	}
	return fmt.Errorf("the configuration has faults:\n%s", strings.Join(lines, "\n"))
}

// until serves until ctx is done, and then lets what is under way finish.
func (s *server) until(ctx context.Context, listener net.Listener, again <-chan os.Signal) error {
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var background sync.WaitGroup
	background.Go(func() { s.runner.Run(work) })
	background.Go(func() { s.jobs.Run(work) })
	for _, p := range s.platforms {
		background.Go(func() { p.inbound.Run(work) })
	}
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(listener) }()
	var err error
	for running := true; running; {
		select {
		case <-again:
			s.reload()
		case err = <-failed:
			running = false
		case <-ctx.Done():
			running = false
		}
	}
	s.log.Info("stopping: no new requests, finishing what is under way")
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainFor)
	defer cancel()
	stop() // sends finish beside the requests
	if e := s.http.Shutdown(drain); e != nil {
		s.log.Warn("some requests did not finish in time", "error", e.Error())
	}
	finished := make(chan struct{})
	go func() { background.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-drain.Done():
		s.log.Warn("some sends did not finish in time; they are tried again at the next start")
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	err = errors.Join(err, s.store.Close())
	s.log.Info("stopped")
	return err
}

// reload reads the configuration again. A faulty one changes nothing.
func (s *server) reload() {
	l, err := loadConfig(s.flags.config)
	if err == nil {
		if l.Organization.URL == "" {
			l.Organization.URL = s.bot.Organization().URL
		}
		var media map[string]bot.Pager
		if media, err = s.pagers(l); err == nil {
			org := s.platforms.withMembers(l.Organization)
			if err = s.bot.Configure(org, media); err == nil {
				s.platforms.configure(l.settings, org)
			}
		}
	}
	if err != nil {
		faults, is := errors.AsType[config.Faults](err)
		if !is {
			s.log.Error("the configuration was not read again; the old one holds", "error", err.Error())
		}
		for _, f := range faults {
			s.log.Error("the configuration was not read again; the old one holds", "fault", f.Error())
		}
		return
	}
	s.log.Info("the configuration was read again")
}

// tokens are the secrets of the API: the configured ones, and our own, which
// is an administrator's.
func tokens(b *app.App, s secrets) []bot.Token {
	own := bot.Token{Name: bot.OperatorToken, Secret: s.api, Access: commands.Admin}
	return append([]bot.Token{own}, b.Organization().Tokens...)
}

// signInLink is a link for whoever sits at the terminal.
func (s *server) signInLink(ctx context.Context) string {
	link, err := s.bot.SignIn.Link(ctx, access.Speaker{Name: bot.OperatorToken, Access: commands.Admin, Token: bot.OperatorToken}, "/")
	if err != nil {
		s.log.Error("no sign-in link could be made", "error", err.Error())
		return "(none could be made: the log says why; `tocsin login` makes another)"
	}
	return link
}

// greet says where everything is. Secrets are shown on a terminal only.
func (s *server) greet(ctx context.Context, out io.Writer, addr net.Addr) {
	from := "Nothing is configured; " + defaultConfig + " in this folder would be read."
	if path := configPath(s.flags.config); path != "" {
		from = "It is configured by " + path + "."
	}
	s.log.Info("tocsin is running", "listen", addr.String(), "store", s.place.name, "config", configPath(s.flags.config))
	if s.screen == nil {
		fmt.Fprintf(out, "tocsin is running on http://%s; its tokens are %s\n", addr, s.place.secrets())
		return
	}
	name, token := "alertmanager", s.secret.hook
	if all := s.bot.Organization().Integrations; len(all) > 0 {
		name = all[0].Name
		if len(all[0].Tokens) > 0 {
			token = all[0].Tokens[0]
		}
	}
	flags, incident := "", "INC-1"
	if s.flags.listen != defaultListen {
		flags += " --server http://" + addr.String()
	}
	if s.flags.data != defaultData {
		flags += " --data " + s.flags.data
	}
	if all, err := s.store.List(ctx, bot.Query{Limit: 1}); err == nil && len(all) > 0 {
		incident = "INC-n"
	}
	fmt.Fprintf(out, `
  Tocsin is running on http://%[1]s, and keeps everything in %[2]s.
  %[3]s

  Open this in a browser. It signs you in, once, within 15 minutes:

    %[8]s

  Fire an alert:

    curl -H "Authorization: Bearer %[4]s" http://%[1]s/hooks/%[5]s -d '{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"CheckoutDown","service":"checkout","severity":"critical"},"annotations":{"summary":"Checkout is down"}}]}'

  Then look at the browser; or, in another terminal:

    tocsin run%[6]s "list"          (or: go run ./cmd/tocsin run%[6]s "list")
    tocsin run%[6]s "ack %[7]s"

`, addr, s.place.folder(), from, token, name, flags, incident, s.signInLink(ctx))
}
