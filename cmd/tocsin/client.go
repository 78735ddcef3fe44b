package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tocsin/adapters/redis"
	"tocsin/bot/dispatch"
)

// client talks to a running server.
type client struct {
	server string
	data   string
}

// flags adds what every command of the client takes.
func (c *client) flags(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&c.server, "server", "", "address of the server [TOCSIN_SERVER, else http://"+defaultListen+"]")
	cmd.PersistentFlags().StringVar(&c.data, "data", defaultData, "folder whose token is used when TOCSIN_API_TOKEN is not set")
}

// failure is the API's shape of an error.
type failure struct {
	Error struct{ Code, Message, Hint string }
}

// call makes one request and decodes the answer into into, unless it is nil.
func (c *client) call(ctx context.Context, method, path string, body, into any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	base := strings.TrimSuffix(firstOf(c.server, os.Getenv("TOCSIN_SERVER"), "http://"+defaultListen), "/")
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("%s is no address of a server; give one such as http://127.0.0.1:8080 with --server", base)
	}
	token, err := c.token(ctx)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		if u, is := errors.AsType[*url.Error](err); is {
			err = u.Err
		}
		return fmt.Errorf("no answer from %s: %w\nIs it running? Start it with `tocsin serve`, or name it with --server", base, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", base, err)
	}
	if res.StatusCode >= 300 {
		var f failure
		if json.Unmarshal(answer, &f) == nil && f.Error.Message != "" {
			return errors.New(strings.TrimSpace(strings.TrimRight(f.Error.Message, ". ") + ". " + f.Error.Hint))
		}
		return fmt.Errorf("%s answered %s", base, res.Status)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s answered something that is not Tocsin's: %w", base, err)
	}
	return nil
}

func firstOf(all ...string) string {
	for _, s := range all {
		if s != "" {
			return s
		}
	}
	return ""
}

// token is TOCSIN_API_TOKEN, or what the servers keep in Redis, or what the one
// on this machine does.
func (c *client) token(ctx context.Context) (string, error) {
	if t, err := fromEnvironment("TOCSIN_API_TOKEN"); t != "" || err != nil {
		return t, err
	}
	if at, err := fromEnvironment("REDIS_URL"); at != "" || err != nil {
		return c.shared(ctx, at, err)
	}
	t, err := readSecretFile(filepath.Join(c.data, apiTokenFile))
	if err != nil {
		return "", fmt.Errorf("no token: set TOCSIN_API_TOKEN, or name the server's data folder with --data (%s has no readable %s)", c.data, apiTokenFile)
	}
	return t, nil
}

// shared is the token that servers keep in Redis.
func (c *client) shared(ctx context.Context, at string, err error) (string, error) {
	if err != nil {
		return "", err
	}
	t, err := redis.ReadSecret(ctx, at, apiTokenFile)
	if errors.Is(err, redis.ErrNoSecret) {
		err = errors.New("no token: no tocsin serve has run over this Redis yet; start one, or set TOCSIN_API_TOKEN")
	}
	return t, err
}

// say gives one command and prints the reply. A polite no is exit code 1.
func (c *client) say(cmd *cobra.Command, text, incident, as string) error {
	var reply dispatch.Reply
	request := map[string]string{"text": text}
	for key, value := range map[string]string{"incident": incident, "as": as} {
		if value != "" {
			request[key] = value
		}
	}
	if err := c.call(cmd.Context(), http.MethodPost, "/api/v1/commands", request, &reply); err != nil {
		return err
	}
	if !reply.OK {
		fmt.Fprintln(cmd.ErrOrStderr(), reply.Text)
		return errSaid
	}
	fmt.Fprintln(cmd.OutOrStdout(), strings.TrimRight(reply.Text, "\n"))
	return nil
}

func runCommand() *cobra.Command {
	var c client
	var incident, as string
	cmd := &cobra.Command{
		Use: "run COMMAND", Short: "Give a command, as in chat.",
		Long:    "Give a command to a running server, as in chat. `tocsin run help` lists the words.",
		Example: "  tocsin run \"declare Checkout is down --sev 2\"\n  tocsin run \"ack INC-1\"\n  tocsin run help",
		RunE: func(cmd *cobra.Command, args []string) error {
			args = trailing(args, map[string]*string{"--server": &c.server, "--data": &c.data, "--as": &as, "--incident": &incident})
			if len(args) == 0 {
				return errors.New("say what to do, for example: tocsin run list")
			}
			return c.say(cmd, strings.Join(args, " "), incident, as)
		},
	}
	c.flags(cmd)
	cmd.Flags().SetInterspersed(false) // what follows is the command's own
	cmd.Flags().StringVar(&incident, "incident", "", "the incident that the command is about, as if typed in its room")
	cmd.Flags().StringVar(&as, "as", "", "act for this person; needs an administrator's token")
	return cmd
}

// trailing takes our own flags out of a command that is not quoted, wherever
// they stand in it.
func trailing(args []string, flags map[string]*string) []string {
	var rest []string
	for n := 0; n < len(args); n++ {
		name, value, has := strings.Cut(args[n], "=")
		target := flags[name]
		switch {
		case target == nil:
			rest = append(rest, args[n])
		case has:
			*target = value
		case n+1 < len(args):
			n++
			*target = args[n]
		}
	}
	return rest
}

func incidentCommand() *cobra.Command {
	var c client
	cmd := &cobra.Command{Use: "incident", Short: "Look at incidents."}
	c.flags(cmd)
	var all bool
	list := &cobra.Command{
		Use: "list", Short: "Show the open incidents.", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			line := "list"
			if all {
				line = "list --all"
			}
			return c.say(cmd, line, "", "")
		},
	}
	list.Flags().BoolVar(&all, "all", false, "ended ones too")
	for _, word := range []string{"show", "timeline", "timers", "who"} {
		cmd.AddCommand(&cobra.Command{
			Use: word + " INC-n", Short: map[string]string{
				"show": "Show one incident.", "timeline": "Show what happened, in order.",
				"timers": "Show what will happen by itself.", "who": "Show who was told, and whether it arrived.",
			}[word],
			Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error { return c.say(cmd, word+" "+args[0], "", "") },
		})
	}
	export := &cobra.Command{
		Use: "export INC-n", Short: "Write everything about an incident as JSON.", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.export(cmd, args[0]) },
	}
	cmd.AddCommand(list, export)
	return cmd
}

// export writes an incident with its timeline and deliveries.
func (c *client) export(cmd *cobra.Command, id string) error {
	whole := map[string]json.RawMessage{}
	path := "/api/v1/incidents/" + url.PathEscape(id)
	var incident json.RawMessage
	if err := c.call(cmd.Context(), http.MethodGet, path, nil, &incident); err != nil {
		return err
	}
	whole["incident"] = incident
	for _, part := range []string{"timeline", "deliveries"} {
		var some map[string]json.RawMessage
		if err := c.call(cmd.Context(), http.MethodGet, path+"/"+part, nil, &some); err != nil {
			return err
		}
		maps.Copy(whole, some)
	}
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetIndent("", "  ")
	return enc.Encode(whole)
}
