package inbound

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/gorilla/websocket"

	"tocsin/bot"
)

// Socket Mode: Slack sends what people do through connections that the app opens
// (docs.slack.dev/apis/events-api/using-socket-mode). Each payload goes to any
// one of them. Every few hours Slack announces that it closes a connection; the next one is
// opened before that.
const (
	socketCount   = 2                // of ten that are allowed: while one is replaced, the other receives
	minLifetime   = 10 * time.Second // a connection that lasted less counts as a failure
	pingEvery     = 10 * time.Second
	maxSilence    = 30 * time.Second // without a frame for so long, a connection is dead
	maxOverlap    = 2 * time.Minute  // of a connection and its successor; Slack closes the old one long before
	maxFrame      = 4 << 20          // a view is 250 kB at most
	maxConcurrent = 64               // payloads of one connection that are worked on at once
	minPause      = time.Second
	maxPause      = 30 * time.Second
)

// socket is one connection.
type socket struct {
	conn       *websocket.Conn
	maxSilence time.Duration
	writing    sync.Mutex

	mu        sync.Mutex
	stopped   bool          // nothing more is read
	announced bool          // Slack has announced that it closes the connection
	leave     chan struct{} // closed when a successor is wanted
	once      sync.Once
}

// envelope is a frame from Slack.
type envelope struct {
	ID      string          `json:"envelope_id"`
	Type    string          `json:"type"`
	Reason  string          `json:"reason"` // of a disconnect
	Payload json.RawMessage `json:"payload"`
	Accepts bool            `json:"accepts_response_payload"`
	Attempt int             `json:"retry_attempt"`
}

// keepConnected keeps one connection open until the context ends. A successor is
// opened while the old connection is still being read.
func (s *Server) keepConnected(ctx context.Context) {
	var reading sync.WaitGroup
	defer reading.Wait()
	var old *socket
	for failures := 0; ctx.Err() == nil; {
		next, err := s.connect(ctx)
		if err != nil {
			failures++
			later, _ := bot.RetryDelay(err)
			wait := max(backOff(failures, rand.Float64()), later)
			if ctx.Err() == nil {
				s.log.WarnContext(ctx, "a connection to Slack could not be opened", "error", err.Error(), "again_in", wait.String())
			}
			_ = sleep(ctx, wait) // the loop checks the context
			continue
		}
		if old != nil {
			time.AfterFunc(maxOverlap, old.stopReading)
		}
		began := time.Now()
		reading.Go(func() { s.serve(ctx, next) })
		select {
		case <-next.leave:
		case <-ctx.Done():
			return
		}
		old = next
		if next.wasAnnounced() || time.Since(began) >= minLifetime {
			failures = 0
			continue
		}
		failures++
		_ = sleep(ctx, backOff(failures, rand.Float64())) // the loop checks the context
	}
}

// backOff is the pause after so many failures. Chance is from 0 to 1, and keeps
// replicas apart.
func backOff(failures int, chance float64) time.Duration {
	most := min(minPause<<min(failures-1, 10), maxPause)
	return most/2 + time.Duration(chance*float64(most)/2)
}

// connect opens a connection.
func (s *Server) connect(ctx context.Context) (*socket, error) {
	conn, err := s.workspace.API.OpenSocket(ctx)
	if err != nil {
		return nil, err
	}
	conn.SetReadLimit(maxFrame)
	k := &socket{conn: conn, maxSilence: s.maxSilence, leave: make(chan struct{})}
	k.extendDeadline()
	conn.SetPongHandler(func(string) error { k.extendDeadline(); return nil })
	conn.SetPingHandler(func(data string) error {
		k.extendDeadline()
		_ = conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second)) // reading notices a dead connection
		return nil
	})
	return k, nil
}

// serve reads a connection until it is closed, and closes it itself once every
// delivery that came through it is acknowledged.
func (s *Server) serve(ctx context.Context, k *socket) {
	defer context.AfterFunc(ctx, k.stopReading)()
	var working sync.WaitGroup
	done := make(chan struct{})
	working.Go(func() { k.ping(done) })
	places := make(chan struct{}, maxConcurrent)
	for {
		var e envelope
		err := k.conn.ReadJSON(&e)
		if wrong, ok := errors.AsType[*json.SyntaxError](err); ok {
			s.log.WarnContext(ctx, "Slack has sent a frame that cannot be read", "error", wrong.Error())
			continue
		}
		if err != nil {
			break
		}
		k.extendDeadline()
		switch {
		case e.Type == "disconnect":
			// warning and refresh_requested; link_disabled and too_many_websockets
			// (docs.slack.dev/apis/events-api/using-socket-mode, "Disconnecting").
			s.log.InfoContext(ctx, "Slack closes a connection", "reason", e.Reason)
			k.replace(e.Reason == "warning" || e.Reason == "refresh_requested")
		case e.ID != "":
			places <- struct{}{}
			working.Go(func() {
				defer func() { <-places }()
				s.handle(ctx, delivery{kind: e.Type, body: e.Payload, retry: e.Attempt}, func(o outcome) error { return k.acknowledge(e, o) })
			})
		}
	}
	k.replace(false)
	close(done)
	working.Wait()
	k.close()
}

// closeTimeout is how long a connection may take to close.
const closeTimeout = 500 * time.Millisecond

// close closes a connection in order. If it were closed while data that has
// arrived is still unread, it would be reset, and the last acknowledgement could
// be lost on its way.
func (k *socket) close() {
	end := time.Now().Add(closeTimeout)
	k.writing.Lock()
	err := k.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseNormalClosure, ""), end)
	k.writing.Unlock()
	raw := k.conn.NetConn()
	if err == nil && raw.SetReadDeadline(end) == nil {
		_, _ = io.Copy(io.Discard, raw) // until the other side has closed it too
	}
	_ = k.conn.Close()
}

// acknowledge acknowledges an envelope. One whose task failed is not
// acknowledged: Slack sends it again.
func (k *socket) acknowledge(e envelope, o outcome) error {
	if o.err != nil {
		return nil
	}
	ack := map[string]any{"envelope_id": e.ID}
	if e.Accepts && o.payload != nil {
		ack["payload"] = o.payload
	}
	k.writing.Lock()
	defer k.writing.Unlock()
	if err := k.conn.SetWriteDeadline(time.Now().Add(time.Second)); err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	if err := k.conn.WriteJSON(ack); err != nil {
		return fmt.Errorf("acknowledge: %w", err)
	}
	return nil
}

// ping sends pings until done is closed.
func (k *socket) ping(done <-chan struct{}) {
	ticker := time.NewTicker(pingEvery)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			_ = k.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(time.Second)) // reading notices a dead connection
		}
	}
}

// extendDeadline moves the end of reading, because a frame has come.
func (k *socket) extendDeadline() {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.stopped {
		_ = k.conn.SetReadDeadline(time.Now().Add(k.maxSilence)) // fails on a closed connection, which reading notices
	}
}

// stopReading ends reading. What has been read may still be acknowledged.
func (k *socket) stopReading() {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.stopped = true
	_ = k.conn.SetReadDeadline(time.Unix(1, 0)) // fails on a closed connection, which reading notices
}

// replace asks for a successor, once. Announced says that Slack has announced the
// end of the connection.
func (k *socket) replace(announced bool) {
	k.once.Do(func() {
		k.mu.Lock()
		k.announced = announced
		k.mu.Unlock()
		close(k.leave)
	})
}

func (k *socket) wasAnnounced() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.announced
}
