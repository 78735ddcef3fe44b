package webhook

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"sync/atomic"
	"time"

	"tocsin/bot"
	"tocsin/workflow"
)

// errNoResponse is the error when the connection ended, or when the receiver sent
// something else. What it sent is left out.
var errNoResponse = errors.New("the receiver sent no response that can be read")

// timeoutError is the error of a limit that was exceeded.
type timeoutError string

// Error says what did not come in time.
func (e timeoutError) Error() string { return string(e) }

// Is reports that the error is a [context.DeadlineExceeded].
func (e timeoutError) Is(target error) bool { return target == context.DeadlineExceeded }

// exchange sends a request and returns the response, of which only the header is
// read. There is a limit for the connection and one for the rest (E4c: slow is
// not failed). The error wraps [bot.ErrUnknownOutcome] once all of the request
// was written, and never contains the URL.
func (p *Pager) exchange(request *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(request.Context())
	defer cancel(nil)
	var connected, written atomic.Bool
	limit := time.AfterFunc(p.connect, func() {
		if connected.Load() {
			cancel(timeoutError(fmt.Sprintf("no response within %s", workflow.FormatDuration(p.response))))
		} else {
			cancel(timeoutError(fmt.Sprintf("no connection within %s", workflow.FormatDuration(p.connect))))
		}
	})
	defer limit.Stop()
	response, err := p.client.Do(request.WithContext(httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) {
			connected.Store(true)
			limit.Reset(p.response)
		},
		WroteRequest: func(info httptrace.WroteRequestInfo) { written.Store(info.Err == nil) },
	})))
	switch {
	case err == nil:
		return response, nil
	case ctx.Err() != nil:
		err = context.Cause(ctx)
	case written.Load():
		err = errNoResponse
	default:
		// The client's error contains the URL; the error inside it does not.
		if outer, ok := errors.AsType[*url.Error](err); ok {
			err = outer.Err
		}
	}
	if written.Load() {
		err = fmt.Errorf("%w: %w", err, bot.ErrUnknownOutcome)
	}
	return nil, err
}
