package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode"

	"github.com/spf13/cobra"

	"tocsin/adapters/config"
	"tocsin/adapters/redis"
	"tocsin/bot/dispatch"
)

// client calls the API of a running server.
type client struct {
	server string
	data   string
}

// addFlags adds the flags that every command of the client has.
func (c *client) addFlags(cmd *cobra.Command) {
	cmd.PersistentFlags().StringVar(&c.server, "server", "", "address of the server [TOCSIN_SERVER, else http://"+defaultListen+"]")
	cmd.PersistentFlags().StringVar(&c.data, "data", defaultData, "data folder of the server, whose token is used if TOCSIN_API_TOKEN is not set")
}

// clientFlags returns the flags of a command of the client, for a shell, with a space
// before each. A flag that has its default is left out.
func clientFlags(server, data string) string {
	text := ""
	if server != "" {
		text += " --server " + quoteForShell(server)
	}
	if data != defaultData {
		text += " --data " + quoteForShell(data)
	}
	return text
}

// quoteForShell puts a word that a shell would change into single quotes.
func quoteForShell(word string) string {
	if word != "" && strings.Trim(word, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_./:@%") == "" {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

// clientHint finds the beginning of a command that a refusal advises to run in a shell.
var clientHint = regexp.MustCompile("`tocsin (?:run|incident [a-z]+|deadletter [a-z]+|jobs(?: [a-z]+)?)")

// completeHints adds the flags of this call to the commands that a refusal advises, so
// that they reach the same server when they are copied.
func (c *client) completeHints(text string) string {
	return clientHint.ReplaceAllStringFunc(text, func(command string) string { return command + clientFlags(c.server, c.data) })
}

// apiError is an error response of the API.
type apiError struct {
	Error struct{ Code, Message, Hint string }
}

// call sends a request and decodes the response into into, unless that is nil.
func (c *client) call(ctx context.Context, method, path string, body, into any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("encode the request: %w", err)
	}
	configured, err := config.ReadVariable(nil, "TOCSIN_SERVER")
	if err != nil {
		return err
	}
	base := strings.TrimSuffix(cmp.Or(c.server, configured, "http://"+defaultListen), "/")
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, base+path, bytes.NewReader(raw))
	if err != nil {
		return fmt.Errorf("%s is not the address of a server; use one such as --server http://127.0.0.1:8080", base)
	}
	token, err := c.readToken(ctx)
	if err != nil {
		return err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	req.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		if u, ok := errors.AsType[*url.Error](err); ok {
			err = u.Err
		}
		return fmt.Errorf("no answer from %s: %w\nIs the server running? Start it with `tocsin serve`, or give its address with --server", base, err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, 64<<20))
	if err != nil {
		return fmt.Errorf("read the answer of %s: %w", base, err)
	}
	if res.StatusCode >= 300 {
		var f apiError
		if json.Unmarshal(answer, &f) == nil && f.Error.Message != "" {
			return errors.New(c.completeHints(strings.TrimSpace(strings.TrimRight(f.Error.Message, ". ") + ". " + f.Error.Hint)))
		}
		return fmt.Errorf("%s answered %s", base, res.Status)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(answer, into); err != nil {
		return fmt.Errorf("%s is not a Tocsin server, or another version: %w", base, err)
	}
	return nil
}

// readToken returns the token of the API: TOCSIN_API_TOKEN, or the one that
// the server made, which is in Redis or in its data folder.
func (c *client) readToken(ctx context.Context) (string, error) {
	if t, err := config.ReadVariable(nil, apiTokenVariable); t != "" || err != nil {
		return t, err
	}
	if at, err := config.ReadVariable(nil, redisVariable); at != "" || err != nil {
		return c.readSharedToken(ctx, at, err)
	}
	t, err := config.ReadSecretFile(filepath.Join(c.data, apiTokenFile))
	if err != nil {
		return "", fmt.Errorf("no token: set TOCSIN_API_TOKEN, or give the server's data folder with --data (%s has no readable file %s)", c.data, apiTokenFile)
	}
	return t, nil
}

// readSharedToken returns the token that is stored in Redis.
func (c *client) readSharedToken(ctx context.Context, at string, err error) (string, error) {
	if err != nil {
		return "", err
	}
	t, err := redis.ReadSecret(ctx, at, apiTokenFile)
	if errors.Is(err, redis.ErrNoSecret) {
		err = errors.New("no token: no server has used this Redis yet; start `tocsin serve`, or set TOCSIN_API_TOKEN")
	}
	return t, err
}

// runCommand runs a command on the server and prints the reply. After a
// refusal the exit code is 1.
func (c *client) runCommand(cmd *cobra.Command, text, incident, as string) error {
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
		fmt.Fprintln(cmd.ErrOrStderr(), c.completeHints(reply.Text))
		return errReported
	}
	fmt.Fprintln(cmd.OutOrStdout(), strings.TrimRight(reply.Text, "\n"))
	return nil
}

func newRunCommand() *cobra.Command {
	var c client
	var incident, as string
	cmd := &cobra.Command{
		Use: "run COMMAND", Short: "Run a command, as in chat.",
		Long:    "Run a command on a running server, as in chat. `tocsin run help` lists the commands.\n\nThe options below stand before the command or at its end; between, they are part of it.",
		Example: "  tocsin run \"declare Checkout is down --sev 2\"\n  tocsin run \"ack INC-1\"\n  tocsin run help",
		RunE: func(cmd *cobra.Command, args []string) error {
			args = extractFlags(args, map[string]*string{"--server": &c.server, "--data": &c.data, "--as": &as, "--incident": &incident})
			if len(args) == 0 {
				return errors.New("a command is missing; for example: tocsin run list")
			}
			return c.runCommand(cmd, joinCommand(args), incident, as)
		},
	}
	c.addFlags(cmd)
	cmd.Flags().SetInterspersed(false) // flags after the first word belong to the command
	cmd.Flags().StringVar(&incident, "incident", "", "ID of an incident: run the command as if typed in its room")
	cmd.Flags().StringVar(&as, "as", "", "act as this person; needs an administrator's token")
	return cmd
}

// extractFlags sets our own flags from the end of an unquoted command, and returns the words
// before them. Between those words a flag may be part of a text.
func extractFlags(args []string, flags map[string]*string) []string {
	for n := len(args); ; {
		name, value, hasValue := "", "", false
		if n > 0 {
			name, value, hasValue = strings.Cut(args[n-1], "=")
		}
		switch {
		case hasValue && flags[name] != nil:
			*flags[name], n = value, n-1
		case n > 1 && flags[args[n-2]] != nil:
			*flags[args[n-2]], n = args[n-1], n-2
		default:
			return args[:n]
		}
	}
}

// joinCommand returns the line that the words of an unquoted command make up. The shell has
// taken the quotes from --description "two words": they are put back.
func joinCommand(args []string) string {
	words := slices.Clone(args)
	for n := 1; n < len(words); n++ {
		name, value, hasValue := strings.Cut(words[n], "=")
		isFlag := strings.HasPrefix(words[n], "--") && !strings.ContainsFunc(name, unicode.IsSpace)
		switch {
		case isFlag && hasValue && strings.ContainsFunc(value, unicode.IsSpace):
			words[n] = name + "=" + quoteWords(value)
		case !isFlag && strings.HasPrefix(words[n-1], "--") && strings.ContainsFunc(words[n], unicode.IsSpace):
			words[n] = quoteWords(words[n])
		}
	}
	return strings.Join(words, " ")
}

// quoteWords puts a value into quotes that it does not contain.
func quoteWords(value string) string {
	if strings.Contains(value, `"`) {
		return "«" + value + "»"
	}
	return `"` + value + `"`
}

func newIncidentCommand() *cobra.Command {
	var c client
	cmd := &cobra.Command{Use: "incident", Short: "Show and export incidents."}
	c.addFlags(cmd)
	var all bool
	list := &cobra.Command{
		Use: "list", Short: "Show the open incidents.", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			line := "list"
			if all {
				line = "list --all"
			}
			return c.runCommand(cmd, line, "", "")
		},
	}
	list.Flags().BoolVar(&all, "all", false, "include incidents that have ended")
	for _, word := range []string{"show", "timeline", "timers", "who"} {
		cmd.AddCommand(&cobra.Command{
			Use: word + " INC-n", Short: map[string]string{
				"show": "Show one incident.", "timeline": "Show the timeline of an incident.",
				"timers": "Show what will happen next, and when.", "who": "Show who was paged, and whether it was delivered.",
			}[word],
			Args: cobra.ExactArgs(1),
			RunE: func(cmd *cobra.Command, args []string) error { return c.runCommand(cmd, word+" "+args[0], "", "") },
		})
	}
	export := &cobra.Command{
		Use: "export INC-n", Short: "Print an incident with its timeline, deliveries and conversation as JSON.", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.export(cmd, args[0]) },
	}
	cmd.AddCommand(list, export)
	return cmd
}

// export prints an incident with its timeline, deliveries and conversation.
func (c *client) export(cmd *cobra.Command, id string) error {
	whole := map[string]any{}
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
		for name, value := range some {
			whole[name] = value
		}
	}
	messages, err := c.readMessages(cmd.Context(), path+"/messages")
	if err != nil {
		return err
	}
	whole["messages"] = messages
	enc := json.NewEncoder(cmd.OutOrStdout())
	enc.SetIndent("", "  ")
	return enc.Encode(whole)
}

// readMessages returns the whole conversation of an incident, oldest first.
func (c *client) readMessages(ctx context.Context, path string) ([]json.RawMessage, error) {
	var pages [][]json.RawMessage
	for query := ""; ; {
		var page struct {
			Messages []json.RawMessage
			Before   int
		}
		if err := c.call(ctx, http.MethodGet, path+query, nil, &page); err != nil {
			return nil, err
		}
		pages = append(pages, page.Messages)
		if page.Before == 0 {
			break
		}
		query = fmt.Sprint("?before=", page.Before)
	}
	slices.Reverse(pages)
	return append([]json.RawMessage{}, slices.Concat(pages...)...), nil // never null in JSON
}
