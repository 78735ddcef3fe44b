package redistest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy is a TCP proxy between clients and a server that can simulate network faults. A
// fault lasts until [Proxy.Heal], also for new connections. Its methods may be called
// concurrently.
type Proxy struct {
	tb     testing.TB
	addr   string
	target string
	work   sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener // nil while the proxy is cut
	links    map[*link]bool
	delay    time.Duration
	lose     int    // how many requests will get no reply
	word     []byte // only requests that contain this word
	muted    bool   // replies are dropped
}

// NewProxy starts a proxy for the server at host:port. It is closed when the test ends.
func NewProxy(tb testing.TB, target string) *Proxy {
	tb.Helper()
	p := &Proxy{tb: tb, target: target, links: map[*link]bool{}}
	port, err := freePort(tb)
	if err != nil {
		tb.Fatal(err)
	}
	p.addr = fmt.Sprintf("127.0.0.1:%d", port)
	p.Heal()
	tb.Cleanup(func() {
		p.Cut()
		p.work.Wait()
	})
	return p
}

// Addr returns the address for clients, host:port. It does not change.
func (p *Proxy) Addr() string { return p.addr }

// Delay delays the data of each read, in both directions. Later data waits, so that the
// throughput is reduced too.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// LoseReplies forwards the next n requests, and closes their connections when the server
// replies, before the client gets anything. A request is the data of one write of the
// client, and a handshake counts too: for a client that opens connections by itself, use
// LoseRepliesTo.
func (p *Proxy) LoseReplies(n int) { p.LoseRepliesTo(n, "") }

// LoseRepliesTo is LoseReplies for requests that contain a word, for example the name of a
// command or a key.
func (p *Proxy) LoseRepliesTo(n int, word string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose, p.word = n, []byte(word)
}

// Lost reports whether all requests of LoseReplies were forwarded. The client notices it
// when the server has replied.
func (p *Proxy) Lost() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lose == 0
}

// HalfClose drops the replies of the server while connections stay open: the client sees a
// silent server, the server sees no fault. Heal closes the connections that have missed a
// reply.
func (p *Proxy) HalfClose() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.muted = true
}

// Cut closes every connection and refuses new ones.
func (p *Proxy) Cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != nil {
		_ = p.listener.Close()
		p.listener = nil
	}
	for l := range p.links {
		l.close()
	}
}

// Heal ends every fault.
func (p *Proxy) Heal() {
	p.tb.Helper()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay, p.lose, p.word, p.muted = 0, 0, nil, false
	for l := range p.links {
		if l.missed {
			l.close()
		}
	}
	if p.listener != nil {
		return
	}
	listener, err := new(net.ListenConfig).Listen(context.WithoutCancel(p.tb.Context()), "tcp", p.addr)
	if err != nil {
		p.tb.Errorf("heal the proxy: %v", err)
		return
	}
	p.listener = listener
	p.work.Go(func() { p.accept(listener) })
}

func (p *Proxy) accept(listener net.Listener) {
	for {
		client, err := listener.Accept()
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil {
			p.tb.Errorf("accept a connection to the proxy: %v", err)
			return
		}
		p.work.Go(func() { p.serve(listener, client) })
	}
}

// serve forwards one connection until either side closes it.
func (p *Proxy) serve(listener net.Listener, client net.Conn) {
	l := &link{client: client, closed: make(chan struct{})}
	defer l.close()
	server, err := net.DialTimeout("tcp", p.target, answerTime) //nolint:noctx // it has its own deadline
	if err != nil {
		return
	}
	l.server = server
	if !p.add(l, listener) {
		return
	}
	defer p.remove(l)
	p.work.Go(func() { p.pump(l, server, client, p.decideReply) })
	p.pump(l, client, server, p.decideRequest)
}

// add adds a link, unless the proxy was cut after the connection was accepted.
func (p *Proxy) add(l *link, listener net.Listener) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.listener != listener {
		return false
	}
	p.links[l] = true
	return true
}

func (p *Proxy) remove(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}

// pump forwards the data of one side as rule decides.
func (p *Proxy) pump(l *link, from, to net.Conn, rule func(*link, []byte) verdict) {
	defer l.close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			v := rule(l, buffer[:n])
			if v.closes || !l.wait(v.delay) {
				return
			}
			if !v.drop && !writeAll(to, buffer[:n]) {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func writeAll(to net.Conn, some []byte) bool {
	_, err := to.Write(some)
	return err == nil
}

// verdict is the decision about some data.
type verdict struct {
	delay  time.Duration
	drop   bool
	closes bool // close the connection
}

func (p *Proxy) decideRequest(l *link, request []byte) verdict {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lose > 0 && bytes.Contains(request, p.word) {
		p.lose--
		l.lost = true
	}
	return verdict{delay: p.delay}
}

func (p *Proxy) decideReply(l *link, _ []byte) verdict {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.missed = l.missed || p.muted
	return verdict{delay: p.delay, drop: l.missed, closes: l.lost}
}

// link is a connection of a client with its connection to the server.
type link struct {
	client, server net.Conn
	once           sync.Once
	closed         chan struct{} // closed with the link

	lost   bool // its reply must not be forwarded; guarded by the proxy's mutex, like missed
	missed bool // a reply was dropped: the client would take a later one for it
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.closed)
		_ = l.client.Close()
		if l.server != nil {
			_ = l.server.Close()
		}
	})
}

// wait waits, and reports whether the link is still open.
func (l *link) wait(d time.Duration) bool {
	if d == 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.closed:
		return false
	}
}
