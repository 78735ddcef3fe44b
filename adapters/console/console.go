// Package console is the pager of last resort: it writes pages into the log,
// and for whoever sits at the terminal as a line with the command to answer.
// It is there when nothing else is configured, and it never fails.
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

// maxShown is how many incidents of a bundle the terminal shows.
const maxShown = 10

// Config says where pages are written. Both may be nil.
type Config struct {
	Log *slog.Logger
	// Terminal gets a readable block for each page; nil when nobody reads
	// along.
	Terminal io.Writer
}

// Pager writes pages down.
type Pager struct {
	log      *slog.Logger
	mu       sync.Mutex // one block at a time
	terminal io.Writer
}

var _ bot.Pager = (*Pager)(nil)

// New makes a pager.
func New(cfg Config) *Pager {
	p := &Pager{log: cfg.Log, terminal: cfg.Terminal}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if p.terminal == nil {
		p.terminal = io.Discard
	}
	return p
}

// Page writes the page down, and always answers nil: after this there is
// nobody else to ask. Of a private incident only its ID is shown (rule P2).
func (p *Pager) Page(ctx context.Context, page bot.Page) error {
	ids, severities, private := make([]string, 0, len(page.Incidents)), []string{}, false
	for _, i := range page.Incidents {
		ids = append(ids, line(i.ID))
		private = private || i.Private
		if i.Severity != "" && !i.Private {
			severities = append(severities, line(i.Severity))
		}
	}
	told := []slog.Attr{
		slog.String("key", line(page.Key)), slog.String("purpose", string(page.Purpose)),
		slog.String("person", line(page.Person)), slog.Any("incidents", ids),
	}
	if len(severities) > 0 {
		told = append(told, slog.Any("severities", severities))
	}
	if !private {
		told = append(told, slog.String("text", words(page)))
	}
	p.log.LogAttrs(ctx, slog.LevelWarn, "page", told...)

	block := render(page)
	p.mu.Lock()
	defer p.mu.Unlock()
	_, _ = io.WriteString(p.terminal, block) // a terminal that is gone stops nothing
	return nil
}

// render writes the block for the terminal.
func render(page bot.Page) string {
	kind, whom := "PAGE", ""
	if page.Purpose == workflow.PurposeNotice {
		kind = "NOTE"
	}
	if name := line(page.Name); name != "" && page.Person != "log" {
		whom = "for " + name + ": "
	}
	var b strings.Builder
	for n, i := range page.Incidents {
		if n == maxShown {
			fmt.Fprintf(&b, "  %s  … and %d more → see: tocsin run \"list\"\n", kind, len(page.Incidents)-n)
			break
		}
		what := line(i.Severity + " " + i.Title)
		if i.Private {
			what = "a private incident"
		}
		fmt.Fprintf(&b, "  %s  %s%s%s\n", kind, whom, line(i.ID+" "+what), answer(page.Purpose, i.ID))
	}
	if len(page.Incidents) == 0 {
		fmt.Fprintf(&b, "  %s  %s%s\n", kind, whom, words(page))
	}
	return b.String()
}

// answer is the command to answer with. It is meant to be copied into a shell,
// so an ID that means something there is not offered.
func answer(purpose workflow.Purpose, id string) string {
	plain := id != "" && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-") == ""
	if purpose == workflow.PurposeNotice || !plain {
		return ""
	}
	return fmt.Sprintf(" → answer: tocsin run \"ack %s\"", id)
}

// words are the message on one line.
func words(page bot.Page) string {
	title, text := line(page.Content.Title), line(page.Content.Text)
	if title != "" && text != "" {
		return title + ": " + text
	}
	return title + text
}

// line makes text safe on one line.
func line(text string) string {
	clean, _ := workflow.CleanLine(text, workflow.MaxTitle)
	return clean
}
