// Package console is the pager of last resort: it writes pages to the log and,
// in one line with the command to acknowledge, to the terminal. It is used when
// nothing else is configured, and it never fails.
package console

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"tocsin/bot"
	"tocsin/workflow"
)

// maxShown is the maximum number of incidents of a bundle that the terminal shows.
const maxShown = 10

// Config says where pages are written. Every field may be left out.
type Config struct {
	Log *slog.Logger
	// Terminal gets a readable block for each page; nil: no terminal.
	Terminal io.Writer
	// Flags stand after "tocsin run" in the commands to copy: " --server http://…".
	Flags string
}

// Pager writes pages to the log and the terminal.
type Pager struct {
	log      *slog.Logger
	mu       sync.Mutex // one block at a time
	terminal io.Writer
	flags    string
}

var _ bot.Pager = (*Pager)(nil)

// New returns a pager.
func New(cfg Config) *Pager {
	p := &Pager{log: cfg.Log, terminal: cfg.Terminal, flags: cfg.Flags}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.terminal == nil {
		p.terminal = io.Discard
	}
	return p
}

// Page writes the page, and always returns nil: there is no pager after this
// one. Of a private incident only the ID is shown (P2: private means members
// only).
func (p *Pager) Page(ctx context.Context, page bot.Page) error {
	ids, severities, private := make([]string, 0, len(page.Incidents)), []string{}, false
	for _, i := range page.Incidents {
		ids = append(ids, cleanLine(i.ID))
		private = private || i.Private
		if i.Severity != "" && !i.Private {
			severities = append(severities, cleanLine(i.Severity))
		}
	}
	attrs := []slog.Attr{
		slog.String("key", cleanLine(page.Key)), slog.String("purpose", string(page.Purpose)),
		slog.String("person", cleanLine(page.Person)), slog.Any("incidents", ids),
	}
	if len(severities) > 0 {
		attrs = append(attrs, slog.Any("severities", severities))
	}
	if !private {
		attrs = append(attrs, slog.String("text", message(page)))
	}
	p.log.LogAttrs(ctx, slog.LevelWarn, "page", attrs...)

	block := p.render(page)
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.terminal, block) // a failing terminal is ignored: the log has the page
	return nil
}

// render returns the block for the terminal.
func (p *Pager) render(page bot.Page) string {
	kind, recipient := "PAGE", ""
	if page.Purpose == workflow.PurposeNotice {
		kind = "NOTE"
	}
	if name := cleanLine(page.Name); name != "" && page.Person != "log" {
		recipient = "for " + name + ": "
	}
	var b strings.Builder
	for n, i := range page.Incidents {
		if n == maxShown {
			fmt.Fprintf(&b, "  %s  … and %d more → see: tocsin run%s \"list\"\n", kind, len(page.Incidents)-n, p.flags)
			break
		}
		what := cleanLine(i.Severity + " " + i.Title)
		if i.Private {
			what = "a private incident"
		}
		fmt.Fprintf(&b, "  %s  %s%s%s\n", kind, recipient, cleanLine(i.ID+" "+what), p.answerHint(page.Purpose, i.ID))
	}
	if len(page.Incidents) == 0 {
		fmt.Fprintf(&b, "  %s  %s%s\n", kind, recipient, message(page))
	}
	return b.String()
}

// answerHint returns the command to acknowledge with. It is meant to be copied
// into a shell, so it is left out for an ID that has a special meaning there.
func (p *Pager) answerHint(purpose workflow.Purpose, id string) string {
	plain := id != "" && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") == ""
	if purpose == workflow.PurposeNotice || !plain {
		return ""
	}
	return fmt.Sprintf(" → acknowledge: tocsin run%s \"ack %s\"", p.flags, id)
}

// message returns the page's message on one line.
func message(page bot.Page) string {
	title, text := cleanLine(page.Content.Title), cleanLine(page.Content.Text)
	if title != "" && text != "" {
		return title + ": " + text
	}
	return title + text
}

// cleanLine makes a text safe and puts it on one line.
func cleanLine(text string) string {
	clean, _ := workflow.CleanLine(text, workflow.MaxTitle)
	return clean
}
