package slacktest

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

// maxSockets is how many sockets may be connected at the same time (apis/events-api/using-socket-mode, "Using multiple
// connections"). The next one is disconnected with too_many_websockets (github.com/slackapi/bolt-js/issues/2225).
const maxSockets = 10

// pingInterval is the time between two pings. Clients such as slack-go give up a connection after half a minute without one.
const pingInterval = 5 * time.Second

// maxCloseWait is how long RefreshSockets waits for the app to close its side, so that every acknowledgement on its way
// arrives.
const maxCloseWait = time.Second

// traffic is the state of what the app and people exchange: sockets, deliveries, triggers, views, response URLs.
type traffic struct {
	revokedTokens   []string // kinds of tokens
	triggers        map[string]*trigger
	views           []*View
	tickets         map[string]bool // of sockets that were not opened yet
	sockets         []*socket
	socketsOpened   int
	nextSocket      int           // of the next delivery, modulo the number of sockets
	changed         chan struct{} // closed and replaced whenever something that Wait looks at may have changed
	pendingAcks     map[string]*pendingAck
	issuedEnvelopes map[string]bool // IDs of all envelopes that were ever sent
	retryQueue      []*envelope
	failures        []Failure
	responseURLs    map[string]*responseURL
	responses       []Response
	client          *http.Client
	signedAt        map[[sha256.Size]byte]int64 // by the hash of a body: the time that it was last signed for
}

// newTraffic returns the state before anything was exchanged.
func newTraffic() traffic {
	return traffic{
		triggers: map[string]*trigger{}, tickets: map[string]bool{}, changed: make(chan struct{}),
		pendingAcks: map[string]*pendingAck{}, issuedEnvelopes: map[string]bool{}, responseURLs: map[string]*responseURL{},
		signedAt: map[[sha256.Size]byte]int64{},
		client: &http.Client{
			Transport:     &http.Transport{DisableKeepAlives: true},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// socket is one connection of Socket Mode.
type socket struct {
	number int
	conn   *websocket.Conn
	mu     sync.Mutex // one writer at a time
	once   sync.Once
	closed chan struct{} // closed when the connection is
	read   chan struct{} // closed when every acknowledgement that arrived has been read
}

// send writes one frame.
func (k *socket) send(v any) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.conn.WriteJSON(v)
}

// close closes the connection. It may be called more than once.
func (k *socket) close() {
	k.once.Do(func() {
		close(k.closed)
		_ = k.conn.Close()
	})
}

// openConnection handles apps.connections.open. The URL has a ticket that can be used once.
func openConnection(c *call) answer {
	ticket := newSecret()
	c.tickets[ticket] = true
	return answer{"url": "ws://" + c.listener.Addr().String() + "/link/?ticket=" + ticket + "&app_id=" + c.AppID}
}

// takeTicket uses up a ticket. It reports whether there was one.
func (s *Server) takeTicket(ticket string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ok := s.tickets[ticket]
	delete(s.tickets, ticket)
	return ok
}

// handleSocket serves one connection of Socket Mode until it ends.
func (s *Server) handleSocket(w http.ResponseWriter, r *http.Request) {
	if !s.takeTicket(r.URL.Query().Get("ticket")) {
		http.Error(w, "invalid ticket", http.StatusForbidden)
		return
	}
	upgrader := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	k := &socket{conn: conn, closed: make(chan struct{}), read: make(chan struct{})}
	defer k.close()
	count := s.numberSocket(k)
	if count > maxSockets {
		_ = k.send(answer{"type": "disconnect", "reason": "too_many_websockets", "debug_info": s.debugInfo()})
		return
	}
	// The first frame is "hello" (apis/events-api/using-socket-mode).
	hello := answer{
		"type": "hello", "num_connections": count, "debug_info": s.debugInfo(),
		"connection_info": answer{"app_id": s.AppID},
	}
	defer s.setConnected(k, false)
	defer close(k.read)
	if err := s.connect(k, hello); err != nil {
		return
	}
	s.readAcks(k)
}

// numberSocket gives a new socket its number. It returns how many sockets are connected, the new one included.
func (s *Server) numberSocket(k *socket) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.socketsOpened++
	k.number = s.socketsOpened
	return len(s.sockets) + 1
}

// connect adds a socket to those that get deliveries, and sends hello. Deliveries wait for the socket's lock, so hello is
// the first frame.
func (s *Server) connect(k *socket, hello answer) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	s.setConnected(k, true)
	return k.conn.WriteJSON(hello)
}

// debugInfo returns the debug_info of hello and disconnect.
func (s *Server) debugInfo() answer {
	return answer{"host": "slacktest", "started": s.now().UTC().Format(time.RFC3339), "build_number": 1, "approximate_connection_time": 18060}
}

// setConnected adds a socket to those that get deliveries, or removes it, and wakes the callers of Wait.
func (s *Server) setConnected(k *socket, in bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if in {
		s.sockets = append(s.sockets, k)
		s.runInBackground(func() { s.pingSocket(k) })
	} else {
		s.sockets = slices.DeleteFunc(s.sockets, func(other *socket) bool { return other == k })
	}
	s.wakeWaiters()
}

// wakeWaiters makes the callers of Wait check their conditions again. The lock is held.
func (s *Server) wakeWaiters() {
	close(s.changed)
	s.changed = make(chan struct{})
}

// pingSocket pings a socket until it is closed.
func (s *Server) pingSocket(k *socket) {
	ticker := time.NewTicker(pingInterval)
	defer ticker.Stop()
	defer k.close()
	_ = k.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
	for {
		select {
		case <-k.closed:
			return
		case <-s.done:
			return
		case <-ticker.C:
			_ = k.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second))
		}
	}
}

// readAcks reads acknowledgements until the socket is closed: {"envelope_id": "…", "payload": {…}}, the payload being
// optional.
func (s *Server) readAcks(k *socket) {
	for {
		_, raw, err := k.conn.ReadMessage()
		if err != nil {
			k.close()
			return
		}
		var ack struct {
			EnvelopeID string          `json:"envelope_id"`
			Payload    json.RawMessage `json:"payload"`
		}
		if json.Unmarshal(raw, &ack) != nil || ack.EnvelopeID == "" {
			s.recordFailure(Failure{Reason: "not an acknowledgement: " + string(raw)})
			continue
		}
		w, issued := s.takePendingAck(ack.EnvelopeID)
		switch {
		case w != nil:
			w.acked <- ack.Payload
		case !issued:
			s.recordFailure(Failure{Reason: "acknowledgement of an unknown envelope: " + ack.EnvelopeID})
		default:
			// It came too late, and the delivery has failed already; or it is a second one.
		}
	}
}

// takePendingAck returns the delivery that waits for the acknowledgement of an envelope, nil if none does any more, and
// whether the server ever sent that envelope.
func (s *Server) takePendingAck(envelopeID string) (w *pendingAck, issued bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	w = s.pendingAcks[envelopeID]
	delete(s.pendingAcks, envelopeID)
	return w, s.issuedEnvelopes[envelopeID]
}

// Sockets returns how many sockets are connected now.
func (s *Server) Sockets() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.sockets)
}

// WaitSockets waits until exactly n sockets are connected, and reports whether that happened within the timeout, which is
// real time.
func (s *Server) WaitSockets(n int, timeout time.Duration) bool {
	return s.Wait(timeout, func() bool { return s.Sockets() == n })
}

// Wait waits until a condition holds, and reports whether that happened within the timeout, which is real time. It checks
// the condition at once, and again after every call, failure, and change of the connected sockets, so that no test has to
// sleep.
func (s *Server) Wait(timeout time.Duration, condition func() bool) bool {
	deadline := time.After(timeout)
	for {
		s.mu.Lock()
		changed := s.changed
		s.mu.Unlock()
		if condition() {
			return true
		}
		select {
		case <-changed:
		case <-deadline:
			return false
		case <-s.done:
			return false
		}
	}
}

// WarnSockets warns every socket that it will be closed soon, as Slack does about ten seconds before
// (apis/events-api/using-socket-mode, "Disconnecting").
func (s *Server) WarnSockets() {
	for _, k := range s.connectedSockets() {
		_ = k.send(answer{"type": "disconnect", "reason": "warning", "debug_info": s.debugInfo()})
	}
}

// RefreshSockets closes every socket as Slack does every few hours: after a warning if warn is set, it sends a disconnect
// frame (refresh_requested), waits until the app has closed its side, and closes the connection.
func (s *Server) RefreshSockets(warn bool) {
	if warn {
		s.WarnSockets()
	}
	all := s.connectedSockets()
	for _, k := range all {
		_ = k.send(answer{"type": "disconnect", "reason": "refresh_requested", "debug_info": s.debugInfo()})
		_ = k.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), time.Now().Add(time.Second))
	}
	ctx, cancel := context.WithTimeout(context.Background(), maxCloseWait)
	defer cancel()
	for _, k := range all {
		select {
		case <-k.read:
		case <-ctx.Done():
		}
		k.close()
	}
}

// CutSocket closes the i-th of the connected sockets without a frame before.
func (s *Server) CutSocket(i int) {
	if all := s.connectedSockets(); i < len(all) {
		all[i].close()
	}
}

// connectedSockets returns the sockets that are connected now.
func (s *Server) connectedSockets() []*socket {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.sockets)
}

// closeSockets closes every socket without a frame before.
func (s *Server) closeSockets() {
	for _, k := range s.connectedSockets() {
		k.close()
	}
}
