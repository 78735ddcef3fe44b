package slacktest

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// Fault describes how the next calls of a method fail. Of CutBefore, Status, Error and LoseAnswer the first that is set
// counts.
type Fault struct {
	// Times is how many calls fail; 0 means one, and less than 0 all.
	Times int
	// Skip is how many calls succeed before that.
	Skip int
	// Delay is how long each failing call waits first, in real time.
	Delay time.Duration
	// CutBefore closes the connection before the call is carried out.
	CutBefore bool
	// Status is the HTTP status of the answer: 429 with RetryAfter, 500, 503. The call is not carried out.
	Status     int
	RetryAfter time.Duration
	// Error is Slack's error code in the answer, with status 200. The call is not carried out.
	Error string
	// LoseAnswer carries the call out, and closes the connection without an answer.
	LoseAnswer bool
}

// fault is a Fault of one method, with the counts that are left.
type fault struct {
	method string
	Fault
}

// Fail makes calls of a method fail; "response_url" stands for posts to response URLs, and "*" for all calls. Faults of one
// method are used up in the order in which they were set.
func (s *Server) Fail(method string, f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &fault{method, f})
}

// Heal removes all faults that Fail has set.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// faultState is what makes calls fail or wait.
type faultState struct {
	faults []*fault
	down   bool
	resume chan struct{} // closed unless requests hang
}

// Hang makes every request wait without an answer; false lets those that wait go on.
func (s *Server) Hang(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.resume:
		if on {
			s.resume = make(chan struct{})
		}
	default:
		if !on {
			close(s.resume)
		}
	}
}

// SetDown makes the server cut off every request without an answer, and closes the sockets; false ends that.
func (s *Server) SetDown(on bool) {
	s.mu.Lock()
	s.down = on
	s.mu.Unlock()
	if on {
		s.closeSockets()
	}
}

// waitUntilUp reports whether a request may be handled, after waiting while requests hang. Else it has closed the connection.
func (s *Server) waitUntilUp(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	down, resume := s.down, s.resume
	s.mu.Unlock()
	if down {
		cutConnection(w)
		return false
	}
	select {
	case <-resume:
		return true
	case <-r.Context().Done():
	case <-s.done:
	}
	cutConnection(w)
	return false
}

// injectFault applies the next fault of a method. It returns the writer of the answer, nil if the call has been answered or
// cut off, and a function to call after the answer.
func (s *Server) injectFault(w http.ResponseWriter, c *Call) (to http.ResponseWriter, finish func()) {
	f := s.takeFault(c.Method)
	switch {
	case s.applyFault(w, f, c):
		return nil, nil
	case f.LoseAnswer:
		return &discard{}, func() { cutConnection(w) }
	default:
		return w, func() {}
	}
}

// takeFault uses up one fault of a method, and returns it; the zero value if there is none.
func (s *Server) takeFault(method string) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, f := range s.faults {
		if f.method != method && f.method != "*" {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			return Fault{}
		}
		if f.Times > 0 {
			f.Times--
		}
		if f.Times == 0 {
			s.faults = append(s.faults[:i:i], s.faults[i+1:]...)
		}
		return f.Fault
	}
	return Fault{}
}

// applyFault applies the part of a fault that comes before the call. It reports whether the call ends with that.
func (s *Server) applyFault(w http.ResponseWriter, f Fault, c *Call) bool {
	if f.Delay > 0 {
		select {
		case <-time.After(f.Delay):
		case <-s.done:
		}
	}
	switch {
	case f.CutBefore:
		s.recordCall(*c)
		cutConnection(w)
	case f.Status == http.StatusTooManyRequests:
		c.Error, c.Status = "ratelimited", f.Status
		s.recordCall(*c)
		writeRateLimited(w, f.RetryAfter)
	case f.Status != 0:
		c.Status = f.Status
		s.recordCall(*c)
		http.Error(w, http.StatusText(f.Status), f.Status)
	case f.Error != "":
		c.Error, c.Status = f.Error, http.StatusOK
		s.recordCall(*c)
		writeJSON(w, http.StatusOK, refuse(f.Error))
	default:
		return false
	}
	return true
}

// writeRateLimited answers a call over its limit (apis/web-api/rate-limits). Retry-After is in whole seconds, and at least
// one.
func writeRateLimited(w http.ResponseWriter, wait time.Duration) {
	seconds := max(1, int((wait+time.Second-1)/time.Second))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	writeJSON(w, http.StatusTooManyRequests, refuse("ratelimited"))
}

// cutConnection resets a connection without an answer.
func cutConnection(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// discard is the writer of an answer that is lost.
type discard struct{ header http.Header }

// Header returns a header that is discarded.
func (d *discard) Header() http.Header {
	if d.header == nil {
		d.header = http.Header{}
	}
	return d.header
}

// Write discards p and reports success.
func (*discard) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader does nothing.
func (*discard) WriteHeader(int) {}
