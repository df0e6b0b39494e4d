package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sioemit/sioemit/internal/resp"
)

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
	cuts  int                // end the connections of so many commands that publish, before they are answered
	paced pace               // how a reply reaches the client
	taken func(*sentCommand) // is called when Redis has taken a command that publishes, before the client knows
}

// sentCommand is one command that a client sent.
type sentCommand struct {
	words   [][]byte
	node    string // the address of the Redis that got it
	refused bool   // with an error, MOVED and NOPERM among them

	connection *connection
	answered   bool
	overtakes  []*sentCommand // on other connections, that Redis had not answered when it came

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
// without those that it refused or redirected. It waits until Redis has answered
// them all: a client may tell its caller of the first refusal in a pipeline.
func (l *log) take() ([]*sentCommand, error) {
	for until := time.Now().Add(10 * time.Second); !l.isAnswered() && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
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

// isAnswered reports whether no answer to a publishing command is to come.
func (l *log) isAnswered() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return !slices.ContainsFunc(l.commands, func(c *sentCommand) bool {
		return c.publishes() && !c.answered && !c.connection.ended.Load()
	})
}

// onTaken has f called for every command that publishes and that Redis has taken, before
// the client knows.
func (l *log) onTaken(f func(*sentCommand)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.taken = f
}

func (l *log) tell(cmd *sentCommand) {
	l.mu.Lock()
	taken := l.taken
	l.mu.Unlock()
	if taken != nil {
		taken(cmd)
	}
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
			c.ended.Store(true)
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
	ended   atomic.Bool
}

// commands passes on commands. A command is noted before Redis gets it, so that
// it is there when the client gets the answer.
func (c *connection) commands() error {
	in := bufio.NewReader(c.client)
	for {
		words, raw, err := resp.ReadCommand(in)
		if err != nil {
			return err
		}
		cmd := &sentCommand{words: words, node: c.redis, connection: c}
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
	if cmd.publishes() {
		cmd.subscribed = c.log.subscribedLocked()
		for _, earlier := range c.log.commands {
			if earlier.publishes() && !earlier.answered && earlier.connection != c {
				cmd.overtakes = append(cmd.overtakes, earlier)
			}
		}
	}
	c.log.commands = append(c.log.commands, cmd)
	return c.noteSubscription(cmd)
}

// replies passes on what Redis answers.
func (c *connection) replies() error {
	in := bufio.NewReader(c.server)
	for {
		var raw []byte
		kind, err := resp.ReadReply(in, &raw)
		if err != nil {
			return err
		}
		switch news := c.newsOf(raw); {
		case news != nil:
			c.hear(news)
		case kind != '>' && kind != '|': // out of band, and attributes of what follows
			cmd, cut := c.answer(raw)
			if cmd != nil && cmd.publishes() && !cmd.refused {
				c.log.tell(cmd)
			}
			if cut {
				return errCut
			}
		}
		if err := c.log.takePace(raw).write(c.client, raw); err != nil {
			return err
		}
	}
}

// answer notes an answer, and returns the command that it answers. It reports whether
// the client must not get it.
func (c *connection) answer(reply []byte) (cmd *sentCommand, cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.waiting) == 0 {
		return nil, false
	}
	cmd = c.waiting[0]
	c.waiting = c.waiting[1:]
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	cmd.answered, cmd.refused = true, reply[0] == '-'
	if cut = c.log.cuts > 0 && cmd.publishes() && !cmd.refused; cut {
		c.log.cuts--
	}
	return cmd, cut
}
