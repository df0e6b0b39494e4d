package harness

import (
	"bytes"
	"errors"
	"io"
	"net"
	"sync"
	"sync/atomic"
)

// ProxyConfig says where a Proxy leads, and what it does to what passes.
type ProxyConfig struct {
	Target string // host:port
	// FromClient and FromServer get each piece of bytes before it is passed on,
	// and may take their time; nil: it is passed on at once. An error breaks the
	// connection on both sides instead.
	FromClient, FromServer func(c *ProxyConn, piece []byte) error
}

// Proxy is a broken network in front of a real server.
type Proxy struct {
	Addr string // host:port

	config   ProxyConfig
	listener net.Listener
	pipes    sync.WaitGroup

	mu     sync.Mutex
	closed bool
	conns  map[net.Conn]bool
}

// ProxyConn is one connection through a Proxy.
type ProxyConn struct {
	subscribes atomic.Bool
	marked     atomic.Bool
}

// Subscribes reports whether the client has subscribed to a channel of Redis.
func (c *ProxyConn) Subscribes() bool { return c.subscribes.Load() }

// Mark and Marked let what is done to one direction know of the other.
func (c *ProxyConn) Mark()        { c.marked.Store(true) }
func (c *ProxyConn) Marked() bool { return c.marked.Load() }

// ErrCut is an error for FromClient and FromServer.
var ErrCut = errors.New("the connection is cut")

// StartProxy listens on 127.0.0.1.
func StartProxy(config ProxyConfig) (*Proxy, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Proxy{Addr: listener.Addr().String(), config: config, listener: listener, conns: make(map[net.Conn]bool)}
	p.pipes.Go(p.accept)
	return p, nil
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", p.config.Target)
		if err != nil {
			client.Close()
			continue
		}
		if !p.add(client, server) {
			return
		}
		c := new(ProxyConn)
		fromClient := func(c *ProxyConn, piece []byte) error {
			if lower := bytes.ToLower(piece); bytes.Contains(lower, []byte("subscribe\r\n")) {
				c.subscribes.Store(true)
			}
			if p.config.FromClient == nil {
				return nil
			}
			return p.config.FromClient(c, piece)
		}
		p.pipes.Go(func() { p.pipe(c, client, server, fromClient) })
		p.pipes.Go(func() { p.pipe(c, server, client, p.config.FromServer) })
	}
}

// add keeps connections for Close. It closes them when that has come before.
func (p *Proxy) add(conns ...net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, conn := range conns {
		if p.conns[conn] = true; p.closed {
			conn.Close()
		}
	}
	return !p.closed
}

func (p *Proxy) pipe(c *ProxyConn, from, to net.Conn, pass func(*ProxyConn, []byte) error) {
	defer from.Close()
	defer to.Close()
	piece := make([]byte, 32<<10)
	for {
		n, err := from.Read(piece)
		if n > 0 && pass != nil {
			if err := pass(c, piece[:n]); err != nil {
				return
			}
		}
		if _, writeErr := to.Write(piece[:n]); err != nil || writeErr != nil {
			return
		}
	}
}

// Close breaks all connections. What is done to a piece is waited for.
func (p *Proxy) Close() error {
	err := p.listener.Close()
	p.mu.Lock()
	p.closed = true
	for conn := range p.conns {
		conn.Close()
	}
	p.mu.Unlock()
	p.pipes.Wait()
	if errors.Is(err, net.ErrClosed) || errors.Is(err, io.EOF) {
		return nil
	}
	return err
}
