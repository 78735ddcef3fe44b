package slack

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// handshake is how long the WebSocket handshake may take.
const handshake = 10 * time.Second

// HasSocketMode reports whether there is an app-level token, with which
// [API.OpenSocket] opens connections.
func (a *API) HasSocketMode() bool { return a.app != nil }

// OpenSocket opens a connection of Socket Mode
// (docs.slack.dev/apis/events-api/using-socket-mode). The rate limit is not
// counted here: Slack returns how long to wait, and the caller waits.
func (a *API) OpenSocket(ctx context.Context) (*websocket.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*handshake)
	defer cancel()
	_, address, err := a.app.StartSocketModeContext(ctx)
	if err != nil {
		return nil, a.classify(call{method: "apps.connections.open", other: true}, err)
	}
	secure := strings.HasPrefix(address, "wss://")
	if plain := strings.HasPrefix(address, "ws://") && strings.HasPrefix(a.cfg.APIURL, "http://"); !secure && !plain {
		return nil, errors.New("connect to Slack: its address is not one of Socket Mode")
	}
	dialer := websocket.Dialer{Proxy: http.ProxyFromEnvironment, HandshakeTimeout: handshake}
	if t, ok := a.cfg.HTTP.Transport.(*http.Transport); ok {
		dialer.Proxy, dialer.NetDialContext = t.Proxy, t.DialContext
		if t.TLSClientConfig != nil {
			dialer.TLSClientConfig = t.TLSClientConfig.Clone()
		}
	}
	conn, response, err := dialer.DialContext(ctx, address, nil)
	if response != nil {
		_ = response.Body.Close() // it is not read
	}
	if err != nil {
		return nil, fmt.Errorf("connect to Slack: %w", withoutURL(err))
	}
	return conn, nil
}
