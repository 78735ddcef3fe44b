package email

import (
	"context"
	"errors"
	"fmt"
	"time"

	"tocsin/bot/platform"
	"tocsin/workflow"
)

const (
	inspectTimeout = 10 * time.Second // of each step: the person who ran the check waits for it
	slowAfter      = 3 * time.Second  // a step that takes longer is reported
)

// Inspect reports whether the server answers and accepts the login, how slow it
// is, and the name under which Tocsin introduces itself. It sends no mail.
func (p *Pager) Inspect(ctx context.Context) []platform.Finding {
	s, err := p.open(ctx, p.cfg.Timeouts.atMost(inspectTimeout))
	if err != nil {
		broken := platform.Finding{Grade: platform.Broken, Text: err.Error()}
		if late, ok := errors.AsType[*timeoutError](err); ok {
			if limit := p.cfg.Timeouts.of(late.step); limit > late.limit {
				broken.Do = fmt.Sprintf("a page waits for that up to %s, so the server may only be slow", workflow.FormatDuration(limit))
			}
		}
		return []platform.Finding{broken}
	}
	s.close()
	found := []platform.Finding{
		{Grade: platform.Fine, Text: "it answers and accepts the login; nothing was sent"},
		{Grade: platform.Fine, Text: "Tocsin introduces itself (EHLO) as " + p.cfg.DescribeHello()},
	}
	for _, one := range s.took {
		if one.time >= slowAfter {
			found = append(found, platform.Finding{
				Grade: platform.Limited, Text: "slow: " + one.String(), Do: "every page by mail is late by that; ask who runs the mail server for the reason",
			})
		}
	}
	return found
}

// String says how long the step took.
func (t stepTime) String() string {
	after := "after " + workflow.FormatDuration(t.time.Round(time.Second))
	switch t.step {
	case stepConnect:
		return "connected " + after
	case stepGreeting:
		return "greeted " + after
	case stepHandshake:
		return "TLS began " + after
	case stepEHLO, stepHELO, stepSTARTTLS, stepAuth, stepMail, stepRecipient, stepData, stepTransfer, stepEnd:
	}
	return fmt.Sprintf("answered %s %s", t.step, after)
}
