package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// maxWord is the longest word that the recorder takes from a client, in bytes.
const maxWord = 64 << 20

// recorder stands between clients and a Redis and remembers the commands that
// publish. What a driver says of its own bytes would hide what its Redis client
// does to them.
type recorder struct {
	listener net.Listener
	redis    string // address
	log      *log
	wg       sync.WaitGroup

	mu    sync.Mutex
	conns map[net.Conn]bool
}

// log is what the recorders of all nodes of a Redis have seen, in order.
type log struct {
	mu        sync.Mutex
	commands  []*sentCommand
	err       error                           // the first thing that was no RESP
	listening map[*connection]map[string]bool // on which connection Redis has confirmed which subscriptions

	// What is to be done to what comes next.
	cuts  int  // end the connections of so many commands that publish, before they are answered
	paced pace // how a reply reaches the client
}

// sentCommand is one command that a client sent.
type sentCommand struct {
	words   [][]byte
	node    string // the address of the Redis that got it
	refused bool   // with an error, MOVED and NOPERM among them

	subscribed map[string]bool // what clients were subscribed to before it came, by verb and channel
	confirms   int             // how many confirmations answer it, of SUBSCRIBE and SSUBSCRIBE
}

// publishes reports whether a command is one of those that send something.
func (c *sentCommand) publishes() bool {
	if len(c.words) < 2 {
		return false
	}
	switch strings.ToUpper(string(c.words[0])) {
	case "PUBLISH", "SPUBLISH", "XADD":
		return true
	}
	return false
}

// take returns the publishing commands that Redis has taken since the last call,
// without those that it refused or redirected.
func (l *log) take() ([]*sentCommand, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var sent []*sentCommand
	for _, c := range l.commands {
		if c.publishes() && !c.refused {
			sent = append(sent, c)
		}
	}
	l.commands = nil
	return sent, l.err
}

func (l *log) fail(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err == nil {
		l.err = err
	}
}

// record listens on a free port of 127.0.0.1 and passes on what comes to the
// Redis at an address.
func record(redis string, l *log) (*recorder, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &recorder{listener: listener, redis: redis, log: l, conns: make(map[net.Conn]bool)}
	r.wg.Add(1)
	go r.accept()
	return r, nil
}

func (r *recorder) port() int { return r.listener.Addr().(*net.TCPAddr).Port }

func (r *recorder) accept() {
	defer r.wg.Done()
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		d := net.Dialer{Timeout: 10 * time.Second}
		server, err := d.DialContext(context.Background(), "tcp", r.redis)
		if err != nil {
			r.log.fail(err)
			client.Close()
			continue
		}
		r.mu.Lock()
		r.conns[client], r.conns[server] = true, true
		r.mu.Unlock()
		c := &connection{client: client, server: server, redis: r.redis, log: r.log}
		r.wg.Add(2)
		end := func(err error) {
			if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, net.ErrClosed) && !errors.Is(err, errCut) && !isReset(err) {
				r.log.fail(err)
			}
			r.log.forget(c)
			client.Close()
			server.Close()
			r.wg.Done()
		}
		go func() { end(c.commands()) }()
		go func() { end(c.replies()) }()
	}
}

func isReset(err error) bool {
	var op *net.OpError
	return errors.As(err, &op)
}

// Close ends all connections.
func (r *recorder) Close() error {
	err := r.listener.Close()
	r.mu.Lock()
	for c := range r.conns {
		c.Close()
	}
	r.mu.Unlock()
	r.wg.Wait()
	return err
}

// connection is one client of the Redis behind the recorder.
type connection struct {
	client, server net.Conn
	redis          string // address
	log            *log

	mu      sync.Mutex
	waiting []*sentCommand // that Redis has not answered yet
	pubsub  atomic.Bool    // it has subscribed to something
}

// commands passes on commands. A command is noted before Redis gets it, so that
// it is there when the client gets the answer.
func (c *connection) commands() error {
	in := bufio.NewReader(c.client)
	for {
		words, raw, err := readCommand(in)
		if err != nil {
			return err
		}
		cmd := &sentCommand{words: words, node: c.redis}
		if c.note(cmd) {
			c.mu.Lock()
			c.waiting = append(c.waiting, cmd)
			c.mu.Unlock()
		}
		if _, err := c.server.Write(raw); err != nil {
			return err
		}
	}
}

// note puts a command into the log, and reports whether an answer is due.
func (c *connection) note(cmd *sentCommand) (answered bool) {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	c.log.commands = append(c.log.commands, cmd)
	if cmd.publishes() {
		cmd.subscribed = c.log.subscribedLocked()
	}
	return c.noteSubscription(cmd)
}

// replies passes on what Redis answers.
func (c *connection) replies() error {
	in := bufio.NewReader(c.server)
	for {
		var raw []byte
		kind, err := readReply(in, &raw)
		if err != nil {
			return err
		}
		switch news := c.newsOf(raw); {
		case news != nil:
			c.hear(news)
		case kind != '>' && kind != '|': // out of band, and attributes of what follows
			if c.answer(raw) {
				return errCut
			}
		}
		if err := c.log.takePace(raw).write(c.client, raw); err != nil {
			return err
		}
	}
}

// answer notes an answer, and reports whether the client must not get it.
func (c *connection) answer(reply []byte) (cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		return false
	}
	cmd := c.waiting[0]
	c.waiting = c.waiting[1:]
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	cmd.refused = reply[0] == '-'
	if cut = c.log.cuts > 0 && cmd.publishes() && !cmd.refused; cut {
		c.log.cuts--
	}
	return cut
}

// readCommand reads a command as all clients send it: an array of bulk strings.
func readCommand(in *bufio.Reader) (words [][]byte, raw []byte, err error) {
	n, err := readLength(in, '*', &raw)
	if err != nil {
		return nil, nil, err
	}
	for range n {
		size, err := readLength(in, '$', &raw)
		if err != nil {
			return nil, nil, err
		}
		start := len(raw)
		if err := readBytes(in, size+2, &raw); err != nil {
			return nil, nil, err
		}
		words = append(words, raw[start:start+size:start+size])
	}
	return words, raw, nil
}

func readLength(in *bufio.Reader, kind byte, raw *[]byte) (int, error) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return 0, err
	}
	*raw = append(*raw, line...)
	text := strings.TrimSuffix(string(line), "\r\n")
	if len(text) < 2 || text[0] != kind {
		return 0, fmt.Errorf("the client sent %.40q where RESP has %c and a number", line, kind)
	}
	n, err := strconv.Atoi(text[1:])
	if err != nil || n < 0 || n > maxWord {
		return 0, fmt.Errorf("the client announced a length of %s", text[1:])
	}
	return n, nil
}

func readBytes(in *bufio.Reader, n int, raw *[]byte) error {
	start := len(*raw)
	*raw = append(*raw, make([]byte, n)...)
	_, err := io.ReadFull(in, (*raw)[start:])
	return err
}

// readReply reads one reply of RESP 2 or 3, whole, and returns its type.
func readReply(in *bufio.Reader, raw *[]byte) (kind byte, err error) {
	line, err := in.ReadBytes('\n')
	if err != nil {
		return 0, err
	}
	*raw = append(*raw, line...)
	kind = line[0]
	switch kind {
	case '+', '-', ':', '_', ',', '#', '(':
		return kind, nil
	}
	n, err := strconv.Atoi(strings.TrimRight(string(line[1:]), "\r\n"))
	if err != nil {
		return 0, fmt.Errorf("no RESP came from Redis: %.40q", line)
	}
	switch kind {
	case '$', '=', '!':
		if n >= 0 {
			err = readBytes(in, n+2, raw)
		}
		return kind, err
	case '%', '|':
		n *= 2
	case '*', '~', '>':
	default:
		return 0, fmt.Errorf("no RESP came from Redis: %.40q", line)
	}
	for range n {
		if _, err := readReply(in, raw); err != nil {
			return 0, err
		}
	}
	return kind, nil
}
