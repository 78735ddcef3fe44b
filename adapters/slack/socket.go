package slack

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"tocsin/bot"
)

// Socket Mode: Slack sends what people do through connections that we open
// (docs.slack.dev/apis/events-api/using-socket-mode). Each payload goes to any
// one of them. Every few hours Slack takes one down and says so ahead; its
// successor is there before.
const (
	sockets    = 2                // of ten that are allowed: while one is replaced, there is the other
	settled    = 10 * time.Second // a connection that lasted less counts as a failure
	pingEvery  = 10 * time.Second
	silence    = 30 * time.Second // without a frame for so long, a connection is dead
	handshake  = 10 * time.Second
	overstay   = 2 * time.Minute // for a connection that has a successor; Slack closes it long before
	maxFrame   = 4 << 20         // a view is 250 kB at most
	atOnce     = 64              // payloads of one connection under way together
	firstPause = time.Second
	mostPause  = 30 * time.Second
)

// socket is one connection.
type socket struct {
	conn    *websocket.Conn
	silence time.Duration
	writing sync.Mutex

	mu     sync.Mutex
	hushed bool          // nothing more is read
	asked  bool          // Slack has asked for a successor
	leave  chan struct{} // closed when a successor is wanted
	once   sync.Once
}

// envelope is a frame of Slack's.
type envelope struct {
	ID      string          `json:"envelope_id"`
	Type    string          `json:"type"`
	Reason  string          `json:"reason"` // of a disconnect
	Payload json.RawMessage `json:"payload"`
	Accepts bool            `json:"accepts_response_payload"`
	Attempt int             `json:"retry_attempt"`
}

// sit keeps one connection open until the context ends. A successor is opened
// while the old connection is still being read.
func (w *Workspace) sit(ctx context.Context) {
	var reading sync.WaitGroup
	defer reading.Wait()
	var old *socket
	for failures := 0; ctx.Err() == nil; {
		s, err := w.dial(ctx)
		if err != nil {
			failures++
			later, _ := bot.RetryDelay(err)
			wait := max(backOff(failures, rand.Float64()), later)
			if ctx.Err() == nil {
				w.cfg.Log.WarnContext(ctx, "a connection to Slack could not be opened", "error", err.Error(), "again_in", wait.String())
			}
			_ = pause(ctx, wait) // the loop looks
			continue
		}
		if old != nil {
			time.AfterFunc(overstay, old.hush)
		}
		began := time.Now()
		reading.Go(func() { w.listen(ctx, s) })
		select {
		case <-s.leave:
		case <-ctx.Done():
			return
		}
		old = s
		if s.wasAsked() || time.Since(began) >= settled {
			failures = 0
			continue
		}
		failures++
		_ = pause(ctx, backOff(failures, rand.Float64())) // the loop looks
	}
}

// backOff is how long is waited after so many failures. Chance keeps replicas
// apart: it is from 0 to 1.
func backOff(failures int, chance float64) time.Duration {
	most := min(firstPause<<min(failures-1, 10), mostPause)
	return most/2 + time.Duration(chance*float64(most)/2)
}

// dial opens a connection. How often that may be asked for is not counted here:
// Slack's answer is heeded.
func (w *Workspace) dial(ctx context.Context) (*socket, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*handshake)
	defer cancel()
	_, address, err := w.apps.StartSocketModeContext(ctx)
	if err != nil {
		return nil, w.judge(call{method: "apps.connections.open"}, err)
	}
	secure := strings.HasPrefix(address, "wss://")
	if plain := strings.HasPrefix(address, "ws://") && strings.HasPrefix(w.cfg.APIURL, "http://"); !secure && !plain {
		return nil, errors.New("connect to Slack: its address is not one of Socket Mode")
	}
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: handshake}
	if t, is := w.cfg.HTTP.Transport.(*http.Transport); is {
		dialer.Proxy, dialer.NetDialContext = t.Proxy, t.DialContext
		if t.TLSClientConfig != nil {
			dialer.TLSClientConfig = t.TLSClientConfig.Clone()
		}
	}
	conn, answer, err := dialer.DialContext(ctx, address, nil)
	if answer != nil {
		_ = answer.Body.Close() // nothing of it is read
	}
	if err != nil {
		return nil, fmt.Errorf("connect to Slack: %w", bare(err))
	}
	conn.SetReadLimit(maxFrame)
	s := &socket{conn: conn, silence: w.inbox.silence, leave: make(chan struct{})}
	s.heard()
	conn.SetPongHandler(func(string) error { s.heard(); return nil })
	conn.SetPingHandler(func(data string) error {
		s.heard()
		_ = conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second)) // a dead connection is noticed by reading
		return nil
	})
	return s, nil
}

// listen reads a connection until it is closed, and lets what has come be
// answered before it closes it itself.
func (w *Workspace) listen(ctx context.Context, s *socket) {
	defer context.AfterFunc(ctx, s.hush)()
	var working sync.WaitGroup
	done := make(chan struct{})
	working.Go(func() { s.ping(done) })
	places := make(chan struct{}, atOnce)
	for {
		var e envelope
		err := s.conn.ReadJSON(&e)
		if wrong, is := errors.AsType[*json.SyntaxError](err); is {
			w.cfg.Log.WarnContext(ctx, "Slack has sent a frame that cannot be read", "error", wrong.Error())
			continue
		}
		if err != nil {
			break
		}
		s.heard()
		switch {
		case e.Type == "disconnect":
			// warning and refresh_requested; link_disabled and too_many_websockets
			// (docs.slack.dev/apis/events-api/using-socket-mode, "Disconnecting").
			w.cfg.Log.InfoContext(ctx, "Slack closes a connection", "reason", e.Reason)
			s.replace(e.Reason == "warning" || e.Reason == "refresh_requested")
		case e.ID != "":
			places <- struct{}{}
			working.Go(func() {
				defer func() { <-places }()
				w.take(ctx, delivery{kind: e.Type, body: e.Payload, retry: e.Attempt}, func(a answer) error { return s.acknowledge(e, a) })
			})
		}
	}
	s.replace(false)
	close(done)
	working.Wait()
	s.close()
}

// closing is how long a connection that is of no more use may take to end.
const closing = 500 * time.Millisecond

// close ends a connection in order. Closing it while something that has arrived is
// still unread would reset it, and the last answer could be lost on its way.
func (s *socket) close() {
	end := time.Now().Add(closing)
	s.writing.Lock()
	err := s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), end)
	s.writing.Unlock()
	raw := s.conn.NetConn()
	if err == nil && raw.SetReadDeadline(end) == nil {
		_, _ = io.Copy(io.Discard, raw) // until the other side has closed it too
	}
	_ = s.conn.Close()
}

// acknowledge answers an envelope. What could not be done is not acknowledged:
// Slack sends it again.
func (s *socket) acknowledge(e envelope, a answer) error {
	if a.failed != nil {
		return nil
	}
	ack := map[string]any{"envelope_id": e.ID}
	if e.Accepts && a.now != nil {
		ack["payload"] = a.now
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	if err := s.conn.WriteJSON(ack); err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	return nil
}

func (s *socket) ping(done <-chan struct{}) {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			_ = s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second)) // a dead connection is noticed by reading
		}
	}
}

// heard notes a sign of life.
func (s *socket) heard() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.hushed {
		_ = s.conn.SetReadDeadline(time.Now().Add(s.silence)) // fails on a closed connection, which reading notices
	}
}

// hush ends reading. What has been read may still be answered.
func (s *socket) hush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hushed = true
	_ = s.conn.SetReadDeadline(time.Unix(1, 0)) // as above
}

// replace asks for a successor, once.
func (s *socket) replace(asked bool) {
	s.once.Do(func() {
		s.mu.Lock()
		s.asked = asked
		s.mu.Unlock()
		close(s.leave)
	})
}

func (s *socket) wasAsked() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked
}
