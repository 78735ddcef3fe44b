package email

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"tocsin/workflow"
)

// maxTimeout is the maximum of each of the [Timeouts].
const maxTimeout = time.Hour

// Timeouts are the time limits of the steps of an SMTP session. A mail server
// may take minutes: it waits for its own filters and look-ups, or delays unknown
// senders on purpose. The defaults are those of RFC 5321 section 4.5.3.2; for
// connecting, which the RFC leaves open, that of Postfix.
type Timeouts struct {
	Connect    time.Duration `yaml:"connect"`    // until one of the server's addresses has accepted the connection [30s]
	Greeting   time.Duration `yaml:"greeting"`   // for the server's first reply [5m]
	Command    time.Duration `yaml:"command"`    // for the reply to a command, the whole login, and the TLS handshake [5m]
	Data       time.Duration `yaml:"data"`       // for the reply to DATA [2m]
	Transfer   time.Duration `yaml:"transfer"`   // for sending the text of the mail [3m]
	Acceptance time.Duration `yaml:"acceptance"` // for the reply to the end of the mail [10m]
}

// DefaultTimeouts returns the time limits that apply when none are configured.
func DefaultTimeouts() Timeouts {
	return Timeouts{
		Connect: 30 * time.Second, Greeting: 5 * time.Minute, Command: 5 * time.Minute,
		Data: 2 * time.Minute, Transfer: 3 * time.Minute, Acceptance: 10 * time.Minute,
	}
}

// Validate reports every limit that is not above zero and at most an hour.
func (t Timeouts) Validate() error {
	normal := DefaultTimeouts()
	var mistakes []error
	for _, limit := range []struct {
		name       string
		is, normal time.Duration
	}{
		{"connect", t.Connect, normal.Connect},
		{"greeting", t.Greeting, normal.Greeting},
		{"command", t.Command, normal.Command},
		{"data", t.Data, normal.Data},
		{"transfer", t.Transfer, normal.Transfer},
		{"acceptance", t.Acceptance, normal.Acceptance},
	} {
		switch {
		case limit.is <= 0:
			mistakes = append(mistakes, fmt.Errorf("%s must have a limit: write one such as %s, which is the default", limit.name, formatLimit(limit.normal)))
		case limit.is > maxTimeout:
			mistakes = append(mistakes, fmt.Errorf("%s %s is longer than %s, the maximum; the default is %s",
				limit.name, formatLimit(limit.is), formatLimit(maxTimeout), formatLimit(limit.normal)))
		}
	}
	return errors.Join(mistakes...)
}

// withDefaults returns the limits with the default for each that is zero.
func (t Timeouts) withDefaults() Timeouts {
	normal := DefaultTimeouts()
	return Timeouts{
		Connect: cmp.Or(t.Connect, normal.Connect), Greeting: cmp.Or(t.Greeting, normal.Greeting), Command: cmp.Or(t.Command, normal.Command),
		Data: cmp.Or(t.Data, normal.Data), Transfer: cmp.Or(t.Transfer, normal.Transfer), Acceptance: cmp.Or(t.Acceptance, normal.Acceptance),
	}
}

// atMost returns the limits with none above most.
func (t Timeouts) atMost(most time.Duration) Timeouts {
	return Timeouts{
		Connect: min(t.Connect, most), Greeting: min(t.Greeting, most), Command: min(t.Command, most),
		Data: min(t.Data, most), Transfer: min(t.Transfer, most), Acceptance: min(t.Acceptance, most),
	}
}

// of returns the limit of a step.
func (t Timeouts) of(s step) time.Duration {
	switch s {
	case stepConnect:
		return t.Connect
	case stepGreeting:
		return t.Greeting
	case stepData:
		return t.Data
	case stepTransfer:
		return t.Transfer
	case stepEnd:
		return t.Acceptance
	case stepHandshake, stepEHLO, stepHELO, stepSTARTTLS, stepAuth, stepMail, stepRecipient:
	}
	return t.Command
}

// formatLimit formats a duration as it is written in the configuration: 5m for 5m0s.
func formatLimit(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}

// step is a step of an SMTP session. A command is a step under its verb.
type step string

const (
	stepConnect   step = "connect"
	stepHandshake step = "TLS handshake"
	stepGreeting  step = "greeting"
	stepEHLO      step = "EHLO"
	stepHELO      step = "HELO"
	stepSTARTTLS  step = "STARTTLS"
	stepAuth      step = "AUTH"
	stepMail      step = "MAIL"
	stepRecipient step = "RCPT"
	stepData      step = "DATA"
	stepTransfer  step = "transfer"
	stepEnd       step = "the mail" // the reply to its end
)

// isDoneBy reports whether a reply says that the step is done, or that the
// client goes on with it (RFC 5321 section 4.2.1).
func (s step) isDoneBy(code int) bool {
	switch class := code / 100; s {
	case stepData:
		return class == 3
	case stepAuth:
		return class == 2 || class == 3
	case stepConnect, stepHandshake, stepGreeting, stepEHLO, stepHELO, stepSTARTTLS, stepMail, stepRecipient, stepTransfer, stepEnd:
		return class == 2
	}
	return false
}

// timeoutError is the error of a step that has not ended within its limit.
type timeoutError struct {
	step  step
	limit time.Duration
}

// Error says what the server did not do.
func (e *timeoutError) Error() string {
	within := "within " + workflow.FormatDuration(e.limit)
	switch e.step {
	case stepConnect:
		return "no connection " + within
	case stepGreeting:
		return "it did not greet " + within
	case stepHandshake:
		return "the TLS handshake did not end " + within
	case stepTransfer:
		return "it did not take the text of the mail " + within
	case stepEHLO, stepHELO, stepSTARTTLS, stepAuth, stepMail, stepRecipient, stepData, stepEnd:
	}
	return fmt.Sprintf("it did not answer %s %s", e.step, within)
}

// Is reports that the error is a [context.DeadlineExceeded]: the time limit of a
// step is one.
func (e *timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }
