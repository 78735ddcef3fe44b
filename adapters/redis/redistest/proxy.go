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

// Proxy stands between clients and a server, and fails as networks do. What is
// said of one fault holds until [Proxy.Heal], whatever connections come and go.
// Its methods may be called at the same time.
type Proxy struct {
	tb     testing.TB
	addr   string
	target string
	work   sync.WaitGroup

	mu       sync.Mutex
	listener net.Listener // nil while it is cut
	links    map[*link]bool
	delay    time.Duration
	lose     int    // how many requests will get no reply
	word     []byte // only requests that hold it
	deaf     bool   // replies are swallowed
}

// NewProxy stands before a server at host:port, until the test ends. With no
// fault set it only passes on.
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

// Addr is where clients connect: host:port, for the whole test the same.
func (p *Proxy) Addr() string { return p.addr }

// Delay holds up what is read, in each direction, for so long. What follows
// waits behind it: throughput suffers as well.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// LoseReplies lets the next n requests reach the server, and closes their
// connections when it answers, before the client has any of it. A request is
// what the client sends in one go, a handshake too: where a client opens
// connections by itself, LoseRepliesTo is surer.
func (p *Proxy) LoseReplies(n int) { p.LoseRepliesTo(n, "") }

// LoseRepliesTo is LoseReplies for requests that hold a word: the name of a
// command, or a key.
func (p *Proxy) LoseRepliesTo(n int, word string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.lose, p.word = n, []byte(word)
}

// Lost reports whether everything that LoseReplies asked for has happened: each
// request was passed on. Its client learns of it when the server has answered.
func (p *Proxy) Lost() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.lose == 0
}

// HalfClose swallows what the server says while connections stay open: to the
// client the server is silent, to the server nothing is wrong. Heal closes the
// connections that missed something.
func (p *Proxy) HalfClose() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deaf = true
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
	p.delay, p.lose, p.word, p.deaf = 0, 0, nil, false
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

// serve passes one connection on until either side ends it.
func (p *Proxy) serve(listener net.Listener, client net.Conn) {
	l := &link{client: client, gone: make(chan struct{})}
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
	p.work.Go(func() { p.pump(l, server, client, p.replied) })
	p.pump(l, client, server, p.asked)
}

// add keeps a link, unless the proxy was cut since it was accepted.
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

// pump passes on what one side says for as long as rule lets it.
func (p *Proxy) pump(l *link, from, to net.Conn, rule func(*link, []byte) verdict) {
	defer l.close()
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			v := rule(l, buffer[:n])
			if v.end || !l.wait(v.delay) {
				return
			}
			if !v.swallow && !written(to, buffer[:n]) {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

func written(to net.Conn, some []byte) bool {
	_, err := to.Write(some)
	return err == nil
}

// verdict says what becomes of some bytes.
type verdict struct {
	delay   time.Duration
	swallow bool
	end     bool // with the connection
}

func (p *Proxy) asked(l *link, request []byte) verdict {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.lose > 0 && bytes.Contains(request, p.word) {
		p.lose--
		l.lost = true
	}
	return verdict{delay: p.delay}
}

func (p *Proxy) replied(l *link, _ []byte) verdict {
	p.mu.Lock()
	defer p.mu.Unlock()
	l.missed = l.missed || p.deaf
	return verdict{delay: p.delay, swallow: l.missed, end: l.lost}
}

// link is a client's connection and the one to the server.
type link struct {
	client, server net.Conn
	once           sync.Once
	gone           chan struct{} // closed with it

	lost   bool // its reply must not arrive; under the proxy's lock, as is missed
	missed bool // something was swallowed: what came after would be taken for it
}

func (l *link) close() {
	l.once.Do(func() {
		close(l.gone)
		_ = l.client.Close()
		if l.server != nil {
			_ = l.server.Close()
		}
	})
}

// wait holds up for a while, and reports whether the link is still there.
func (l *link) wait(d time.Duration) bool {
	if d == 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-l.gone:
		return false
	}
}
