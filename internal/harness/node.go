package harness

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os/exec"
	"path/filepath"
	"sync"
)

// RedisConn says how a Node reaches Redis: by URL, by Unix socket, as a cluster, or by sentinels.
type RedisConn struct {
	URL      string   `json:"url,omitempty"`
	Path     string   `json:"path,omitempty"`
	Cluster  []string `json:"cluster,omitempty"`
	Password string   `json:"password,omitempty"`
	// Sentinels are for Package ioredis, with the name of the master that they watch.
	Sentinels []string `json:"sentinels,omitempty"`
	Master    string   `json:"master,omitempty"`
	// SubURL is another Redis for subClient, such as a replica, where the adapter has one.
	SubURL string `json:"subUrl,omitempty"`
	// Package is another npm alias of the package redis than the adapter's own, such as redis-5: after a message that an
	// adapter cannot read, such a client reads no more.
	Package string `json:"package,omitempty"`
}

// NodeConfig is what server.js is told, or server.py.
type NodeConfig struct {
	Server     string         `json:"server"` // npm alias, see Generation
	Adapter    Adapter        `json:"adapter"`
	Redis      RedisConn      `json:"redis"`
	Options    map[string]any `json:"options,omitempty"`    // of the Socket.IO server: perMessageDeflate, connectionStateRecovery, ...
	Namespaces []string       `json:"namespaces,omitempty"` // besides "/"
	Host       string         `json:"host,omitempty"`       // 127.0.0.1 when empty
	Port       int            `json:"port,omitempty"`       // a free one when 0
	ExtraHosts []string       `json:"extraHosts,omitempty"` // more addresses to listen on, with the same port
	// GenerateID makes engine.io number its connections behind this prefix, instead of making ids by itself.
	GenerateID string `json:"generateId,omitempty"`
	// ServerSideAck is what the server answers a serverSideEmit that wants an acknowledgement; nil: no answer.
	ServerSideAck any `json:"serverSideAck,omitempty"`
	// ServerSideAsIs leaves what serverSideEmit does to Socket.IO: ServerSideEvents stays empty.
	ServerSideAsIs bool `json:"serverSideAsIs,omitempty"`
}

// Node is a running Socket.IO server, of Node.js or of Python.
type Node struct {
	URL    string // http://host:port
	Port   int
	Config NodeConfig

	proc  *process
	ready chan int

	mu         sync.Mutex
	changed    *sync.Cond
	serverSide []ServerSideEvent
}

// ServerSideEvent is what a serverSideEmit delivered to a server.
type ServerSideEvent struct {
	Namespace string            `json:"namespace"`
	Event     string            `json:"event"`
	Args      []json.RawMessage `json:"args"`
	Ack       bool              `json:"ack"` // an acknowledgement was asked for
}

// StartNode starts a Socket.IO server and returns once it listens and its Redis subscriptions are in place:
// whatever is published from then on reaches it.
func StartNode(ctx context.Context, config NodeConfig) (*Node, error) {
	dir, err := NodeModules()
	if err != nil {
		return nil, err
	}
	if config.Options["pingTimeout"] == nil {
		// A machine that is busy with other tests must not make a server give up on a client: the older ones do so after
		// five seconds.
		config.Options = maps.Clone(config.Options)
		if config.Options == nil {
			config.Options = make(map[string]any)
		}
		config.Options["pingTimeout"] = patience.Milliseconds()
	}
	arg, err := json.Marshal(config)
	if err != nil {
		return nil, err
	}
	n := &Node{Config: config, ready: make(chan int, 1)}
	n.changed = sync.NewCond(&n.mu)
	program, script := "node", "server.js"
	if config.Adapter.Kind == "python" {
		if dir, program, err = PythonDir(); err != nil {
			return nil, err
		}
		script = "server.py"
	}
	cmd := exec.Command(program, filepath.Join(dir, script), string(arg))
	cmd.Dir = dir
	name := "Socket.IO server (" + config.Server + ", " + config.Adapter.Package + ")"
	if n.proc, err = startProcess(name, cmd, n.onLine); err != nil {
		return nil, err
	}
	select {
	case n.Port = <-n.ready:
	case <-n.proc.done:
		return nil, n.proc.failure()
	case <-ctx.Done():
		n.proc.kill()
		return nil, fmt.Errorf("%s is not ready: %w\n%s", name, context.Cause(ctx), n.proc.stderr)
	}
	host := config.Host
	if host == "" {
		host = "127.0.0.1"
	}
	n.URL = fmt.Sprintf("http://%s:%d", host, n.Port)
	return n, nil
}

func (n *Node) onLine(line []byte) {
	var message struct {
		Ready      bool
		Port       int
		ServerSide *ServerSideEvent
	}
	if err := json.Unmarshal(line, &message); err != nil {
		_, _ = n.proc.stderr.Write(append(line, '\n')) // something that a package printed; never fails
		return
	}
	if message.Ready {
		n.ready <- message.Port
	}
	if message.ServerSide != nil {
		n.mu.Lock()
		n.serverSide = append(n.serverSide, *message.ServerSide)
		n.mu.Unlock()
		n.changed.Broadcast()
	}
}

// Stderr is the end of what the server wrote to its standard error.
func (n *Node) Stderr() string { return n.proc.stderr.String() }

// ServerSideEvents are the serverSideEmit events that the server got so far.
func (n *Node) ServerSideEvents() []ServerSideEvent {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]ServerSideEvent(nil), n.serverSide...)
}

// AwaitServerSide waits until the serverSideEmit events so far satisfy the condition.
func (n *Node) AwaitServerSide(ctx context.Context, ok func([]ServerSideEvent) bool) error {
	stop := context.AfterFunc(ctx, func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.changed.Broadcast()
	})
	defer stop()
	n.mu.Lock()
	defer n.mu.Unlock()
	for !ok(n.serverSide) {
		if ctx.Err() != nil {
			return fmt.Errorf("%s got %d serverSideEmit events, not what was awaited: %w",
				n.URL, len(n.serverSide), context.Cause(ctx))
		}
		n.changed.Wait()
	}
	return nil
}

// Kill ends the server at once, as a crash would.
func (n *Node) Kill() { n.proc.kill() }

// Close ends the server. It is an error when the server had ended before: nobody asked it to.
func (n *Node) Close() error {
	if n == nil {
		return errors.New("no server")
	}
	return n.proc.close()
}
