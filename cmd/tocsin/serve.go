package main

import (
	"cmp"
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
	"tocsin/adapters/console"
	"tocsin/bot"
	"tocsin/bot/access"
	"tocsin/bot/agenda"
	"tocsin/bot/app"
	"tocsin/bot/jobs"
	"tocsin/bot/platform"
)

// serveFlags are the flags of serve.
type serveFlags struct {
	table                platform.Table // the chat platforms there are
	config, data, listen string
	durable              bool
}

// Defaults of the command line.
const (
	defaultData   = "tocsin-data"
	defaultListen = "127.0.0.1:8080"
	drainTimeout  = 8 * time.Second // less than the 10 s that an orchestrator usually waits
)

func newServeCommand(table platform.Table) *cobra.Command {
	f := serveFlags{table: table}
	cmd := &cobra.Command{
		Use: "serve", Short: "Run the bot.", Args: cobra.NoArgs,
		Long: `Run the bot. Without a configuration it pages to this terminal and the log.

SIGHUP reloads the configuration; SIGTERM stops after the requests and sends that
are running. With REDIS_URL the data is in Redis, and any number of replicas can
share it:

  redis://:PASSWORD@HOST:6379/0                             one server
  redis://HOST:26379?addr=HOST2:26379&master_name=NAME      Sentinel
  redis://HOST:6379?addr=HOST2:6379&addr=HOST3:6379         Cluster
  …&namespace=NAME                                          [tocsin]

Secrets come from the environment, each also from the file that NAME_FILE names:
REDIS_URL, TOCSIN_API_TOKEN, TOCSIN_HOOK_TOKEN. A token that is not set is made on
the first start and stored in the data folder, or in Redis. Chat platforms:
` + secretsHelp(table),
		Example: "  tocsin serve\n  tocsin serve --config tocsin.yaml --data /var/lib/tocsin --listen 0.0.0.0:8080\n  REDIS_URL=redis://redis:6379 tocsin serve --require-durable",
		RunE: func(cmd *cobra.Command, _ []string) error {
			return serve(cmd.Context(), f, cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	cmd.Flags().StringVar(&f.config, "config", "", "configuration file [tocsin.yaml if it exists]")
	cmd.Flags().StringVar(&f.data, "data", defaultData, "folder of the store and the tokens; not used with REDIS_URL")
	cmd.Flags().BoolVar(&f.durable, "require-durable", false, "do not start if Redis may lose writes that it has confirmed")
	cmd.Flags().StringVar(&f.listen, "listen", defaultListen, "address to listen on")
	return cmd
}

// server is a running bot.
type server struct {
	flags     serveFlags
	log       *slog.Logger
	terminal  io.Writer // nil: the output is not a terminal
	address   string    // opens the server on this machine, and is its url when none is configured
	bot       *app.App
	runner    *agenda.Runner
	jobs      *jobs.Runner
	platforms connections
	location  location
	store     store
	health    health
	http      *http.Server
	secret    secrets
}

// serve runs the bot until ctx ends or the process gets SIGTERM or SIGINT.
func serve(ctx context.Context, f serveFlags, stdout, stderr io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)

	s := &server{flags: f, log: newLog(stderr)}
	if isTerminal(stdout) {
		s.terminal = stdout
	}
	listener, err := s.start(ctx)
	if err != nil {
		return err
	}
	s.printWelcome(ctx, stdout, listener.Addr())
	return s.serveUntil(ctx, listener, hangup)
}

// start opens the store, connects the platforms and pagers, and returns the
// listener.
func (s *server) start(ctx context.Context) (net.Listener, error) {
	l, err := loadConfig(s.flags.table, s.flags.config)
	if wrong := errors.Join(formatConfigError(err), checkEnvironment(s.flags.table)); wrong != nil {
		return nil, wrong
	}
	if s.location, err = findLocation(s.flags.data); err != nil {
		return nil, err
	}
	if s.store, err = s.location.open(ctx, s.log); err != nil {
		return nil, err
	}
	if err = s.checkStore(ctx); err != nil {
		return nil, errors.Join(err, s.store.Close())
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", s.flags.listen)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen: %w; choose another address with --listen, such as 127.0.0.1:8081", err), s.store.Close())
	}
	var isHere bool
	if s.address, isHere = openableURL(listener.Addr()); isHere && l.Organization.URL == "" {
		s.adviseURL(listener.Addr())
	}
	l.Organization.URL = cmp.Or(l.Organization.URL, s.address)
	s.platforms, err = connector{
		table: s.flags.table, settings: l.settings, store: s.store, now: s.store.Now, log: s.log,
		mark: func() (string, error) { return bot.InstallationMark(ctx, s.store, s.store.Now()) },
	}.connect()
	var allPagers map[string]bot.Pager
	if err == nil {
		allPagers, err = s.newPagers(l)
	}
	if err == nil {
		l.Organization.Operator = s.secret.api
		org := s.platforms.withMembers(l.Organization)
		s.platforms.configure(l.settings, org)
		s.bot, err = app.New(app.Config{
			Store: s.store, Organization: org, Pagers: allPagers, Chats: s.platforms.chats(), Builtin: builtinRooms(), Sources: sources(), Secret: s.secret.sign, Now: s.store.Now, Log: s.log,
		})
	}
	if err != nil {
		return nil, errors.Join(err, listener.Close(), s.store.Close())
	}
	s.runner = s.bot.Agenda(chaosAuditInterval())
	s.jobs = s.bot.JobRunner(s.runner, newPinger(), hostname())
	handler, pages := routes{app: s.bot, store: s.store, secrets: s.secret, log: s.log, ready: s.checkReady}.newMux()
	s.platforms.serve(s.bot, handler.ServeMux)
	s.http = &http.Server{
		Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute,
		MaxHeaderBytes: 64 << 10, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	s.http.RegisterOnShutdown(pages.Close)
	return listener, nil
}

// newPagers returns the pagers of a configuration, with those of the platforms.
func (s *server) newPagers(l loadedConfig) (map[string]bot.Pager, error) {
	all, err := newPagers(l, s.store.Now, console.Config{Log: s.log, Terminal: s.terminal, Flags: s.clientFlags()})
	for _, p := range s.platforms {
		if err == nil {
			all[p.Name] = p.Platform
		}
	}
	return pagersWithChaos(all), err
}

// formatConfigError puts each fault of a configuration on a line of its own.
func formatConfigError(err error) error {
	faults, ok := errors.AsType[config.Faults](err)
	if !ok {
		return err
	}
	lines := make([]string, 0, len(faults))
	for _, f := range faults {
		lines = append(lines, "  "+f.Error())
	}
	return fmt.Errorf("the configuration has faults:\n%s", strings.Join(lines, "\n"))
}

// serveUntil serves until ctx ends, and then waits until the running requests
// and sends are finished.
func (s *server) serveUntil(ctx context.Context, listener net.Listener, hangup <-chan os.Signal) error {
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
		case <-hangup:
			s.reload(ctx)
		case err = <-failed:
			running = false
		case <-ctx.Done():
			running = false
		}
	}
	s.log.Info("stopping: accepting no new requests, finishing those that are running")
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTimeout)
	defer cancel()
	stop() // the workers finish their sends while the requests finish
	if e := s.http.Shutdown(drain); e != nil {
		s.log.Warn("some requests did not finish in time", "error", e.Error())
	}
	finished := make(chan struct{})
	go func() { background.Wait(); close(finished) }()
	select {
	case <-finished:
	case <-drain.Done():
		s.log.Warn("some sends did not finish in time; they are retried at the next start")
	}
	if errors.Is(err, http.ErrServerClosed) {
		err = nil
	}
	err = errors.Join(err, s.store.Close())
	s.log.Info("stopped")
	return err
}

// reload reads the configuration again. If it has faults, the old one stays.
func (s *server) reload(ctx context.Context) {
	l, err := loadConfig(s.flags.table, s.flags.config)
	if err == nil {
		l.Organization.URL = cmp.Or(l.Organization.URL, s.address)
		var allPagers map[string]bot.Pager
		if allPagers, err = s.newPagers(l); err == nil {
			l.Organization.Operator = s.secret.api
			org := s.platforms.withMembers(l.Organization)
			if err = s.bot.Configure(org, allPagers); err == nil {
				s.platforms.configure(l.settings, org)
			}
		}
	}
	if err != nil {
		faults, ok := errors.AsType[config.Faults](err)
		if !ok {
			s.log.Error("the configuration was not reloaded; the old one stays in use", "error", err.Error())
		}
		for _, f := range faults {
			s.log.Error("the configuration was not reloaded; the old one stays in use", "fault", f.Error())
		}
		return
	}
	s.log.Info("the configuration was reloaded")
	s.reportRunningPlans(ctx)
}

// reportRunningPlans logs how many open incidents have another plan than the
// configuration gives them (E8b: an edited policy can be applied to running incidents).
func (s *server) reportRunningPlans(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, drainTimeout)
	defer cancel()
	changes, err := s.bot.PlanChanges(ctx)
	switch {
	case err != nil:
		s.log.Warn("the policies of the open incidents cannot be compared with the configuration", "error", err.Error())
	case len(changes) > 0:
		s.log.Warn("open incidents keep the policy and promises that they were declared with; `policy apply INC-n`, or `policy apply --all`, gives them the new ones",
			"incidents", len(changes), "newest", changes[0].Incident.ID)
	}
}

// apiTokens returns the tokens of the API: the configured ones, and
// TOCSIN_API_TOKEN, which has the access of an administrator.
func apiTokens(org *bot.Organization) []bot.Token {
	own, _ := org.Token(bot.OperatorToken)
	return append([]bot.Token{own}, org.Tokens...)
}

// newSignInLink returns a sign-in link for the operator at the terminal, or a
// text that says why there is none.
func (s *server) newSignInLink(ctx context.Context) string {
	operator, _ := s.bot.Organization().Token(bot.OperatorToken)
	link, err := s.bot.SignIn.CreateLink(ctx, access.Speaker{Name: operator.Name, Access: operator.Access, Token: operator.Name, Key: access.KeyOf(operator)}, "/")
	if err != nil {
		s.log.Error("a sign-in link cannot be made", "error", err.Error())
		return "(no link could be made: the log says why; try `tocsin login" + s.clientFlags() + "`)"
	}
	return link
}

// clientFlags returns the flags with which a command of the client reaches this server.
func (s *server) clientFlags() string {
	if s.flags.listen == defaultListen {
		return clientFlags("", s.flags.data)
	}
	return clientFlags(s.address, s.flags.data)
}

// printWelcome prints the address, the data folder and first steps. It shows
// secrets only on a terminal.
func (s *server) printWelcome(ctx context.Context, out io.Writer, addr net.Addr) {
	from := "It has no configuration: put " + defaultConfig + " into this folder, or use --config."
	if path := configPath(s.flags.config); path != "" {
		from = "Its configuration is " + path + "."
	}
	s.log.Info("tocsin is running", "listen", addr.String(), "url", s.bot.Organization().URL, "store", s.location.name, "config", configPath(s.flags.config))
	if s.terminal == nil {
		fmt.Fprintf(out, "tocsin is running on %s; its tokens are %s\n", s.address, s.location.tokensName())
		return
	}
	name, token := "alertmanager", s.secret.hook
	if all := s.bot.Organization().Integrations; len(all) > 0 {
		name = all[0].Name
		if len(all[0].Tokens) > 0 {
			token = all[0].Tokens[0]
		}
	}
	incident := "INC-1"
	if all, err := s.store.List(ctx, bot.Query{Limit: 1}); err == nil && len(all) > 0 {
		incident = "INC-n"
	}
	fmt.Fprintf(out, `
  Tocsin is running on %[1]s. Its data is in %[2]s.
  %[3]s

  Open this link in a browser within 15 minutes. It signs you in and works once:

    %[8]s

  Fire an alert:

    curl -H "Authorization: Bearer %[4]s" %[1]s/hooks/%[5]s -d '{"version":"4","alerts":[{"status":"firing","labels":{"alertname":"CheckoutDown","service":"checkout","severity":"critical"},"annotations":{"summary":"Checkout is down"}}]}'

  See the incident in the browser, or in another terminal:

    tocsin run%[6]s "list"          (or: go run ./cmd/tocsin run%[6]s "list")
    tocsin run%[6]s "ack %[7]s"

`, s.address, s.location.dataName(), from, token, name, s.clientFlags(), incident, s.newSignInLink(ctx))
}
