package slacktest

import (
	"net"
	"net/http"
	"strconv"
	"time"
)

// Fault is what goes wrong with the next calls of a method. Of the ways to answer, the first that is set counts:
// CutBefore, Status, Error, LoseAnswer.
type Fault struct {
	// Times is how many calls it spoils; 0 means one, and less than 0 all that come.
	Times int
	// Skip lets that many calls through first.
	Skip int
	// Delay is how long each such call waits before anything else happens, in real time.
	Delay time.Duration
	// CutBefore closes the connection before the call is carried out.
	CutBefore bool
	// Status is answered instead of carrying the call out: 429 with RetryAfter, 500, 503.
	Status     int
	RetryAfter time.Duration
	// Error is Slack's error code, answered with status 200 instead of carrying the call out.
	Error string
	// LoseAnswer carries the call out, and then closes the connection before the answer.
	LoseAnswer bool
}

type fault struct {
	method string
	Fault
}

// Fail lets calls of a method go wrong; "response_url" stands for posts to response URLs, and "*" for everything. Faults of
// one method are used up in the order in which they were set.
func (s *Server) Fail(method string, f Fault) {
	if f.Times == 0 {
		f.Times = 1
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, &fault{method, f})
}

// Heal takes all faults back.
func (s *Server) Heal() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = nil
}

// faultState is what stands between a connection and the workspace.
type faultState struct {
	faults []*fault
	down   bool
	resume chan struct{} // closed unless requests are to hang
}

// Hang lets every request wait without an answer; turning it off lets those that still wait go on.
func (s *Server) Hang(on bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	select {
	case <-s.faultState.resume:
		if on {
			s.faultState.resume = make(chan struct{})
		}
	default:
		if !on {
			close(s.faultState.resume)
		}
	}
}

// SetDown makes the server refuse every connection, and closes those that are open, sockets included; false ends that.
func (s *Server) SetDown(on bool) {
	s.mu.Lock()
	s.faultState.down = on
	s.mu.Unlock()
	if on {
		s.closeSockets()
	}
}

// admit says whether a request may come in. It has then waited as long as everything hangs.
func (s *Server) admit(w http.ResponseWriter, r *http.Request) bool {
	s.mu.Lock()
	down, open := s.faultState.down, s.faultState.resume
	s.mu.Unlock()
	if down {
		cutConnection(w)
		return false
	}
	select {
	case <-open:
		return true
	case <-r.Context().Done():
	case <-s.done:
	}
	cutConnection(w)
	return false
}

// injectFault lets the next fault of a method happen. It answers with where the answer goes, which is nil if the call is over,
// and with what to do after it.
func (s *Server) injectFault(w http.ResponseWriter, c *Call) (to http.ResponseWriter, after func()) {
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

// takeFault uses up one fault of a method; the zero value if there is none.
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

// applyFault carries the part of a fault out that comes before the call. It reports whether the call is over.
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

// writeRateLimited is the answer to a call over its limit (apis/web-api/rate-limits): whole seconds, and never less than one.
func writeRateLimited(w http.ResponseWriter, wait time.Duration) {
	seconds := max(1, int((wait+time.Second-1)/time.Second))
	w.Header().Set("Retry-After", strconv.Itoa(seconds))
	writeJSON(w, http.StatusTooManyRequests, refuse("ratelimited"))
}

// cutConnection ends a connection without an answer, as a lost one ends.
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

// discard takes an answer that will never arrive.
type discard struct{ header http.Header }

// Header is thrown away with the rest.
func (d *discard) Header() http.Header {
	if d.header == nil {
		d.header = http.Header{}
	}
	return d.header
}

// Write pretends that everything was written.
func (*discard) Write(p []byte) (int, error) { return len(p), nil }

// WriteHeader does nothing.
func (*discard) WriteHeader(int) {}
