package harness

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
)

// RedisConfig says how a redis-server is to be run. The zero value is a plain one on a free port.
type RedisConfig struct {
	Password   string   // requirepass
	UnixSocket bool     // listen on a Unix socket too, see Redis.Socket
	TLS        bool     // listen with TLS too, see Redis.TLSAddr and Redis.TLSConfig
	ACL        []string // lines of an ACL file, such as "user app on >secret &* +@all"
	Args       []string // more arguments, such as "--maxclients", "10"

	cluster bool
}

// Redis is a running redis-server.
type Redis struct {
	Addr    string // host:port
	Port    int
	Socket  string // path of the Unix socket, when asked for
	TLSAddr string // host:port, when asked for
	CAFile  string // PEM file with the certificate of the authority, when TLS was asked for
	KeyFile string // of the certificate in CAFile, which serves clients as well

	config  RedisConfig
	dir     string
	tlsPort int
	busPort int
	release []func() // of the ports, which are its own while it is stopped, too
	ca      *authority

	mu     sync.Mutex
	proc   *process
	client *redis.Client
}

// StartRedis starts a redis-server that listens on 127.0.0.1 and keeps nothing, and returns once it listens.
func StartRedis(ctx context.Context, config RedisConfig) (*Redis, error) {
	dir, err := os.MkdirTemp("", "sioemit-redis-")
	if err != nil {
		return nil, err
	}
	r := &Redis{config: config, dir: dir}
	if err := r.prepare(); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	// Where ports cannot be reserved, one may be taken before redis-server listens on it.
	for range 5 {
		if err = r.pickPorts(); err != nil {
			break
		}
		if err = r.run(ctx); err == nil {
			return r, nil
		}
		if !strings.Contains(err.Error(), "in use") {
			break
		}
	}
	r.releasePorts()
	os.RemoveAll(dir)
	return nil, err
}

// prepare writes the files that redis-server is told to read.
func (r *Redis) prepare() error {
	if r.config.UnixSocket {
		r.Socket = filepath.Join(r.dir, "redis.sock")
	}
	if len(r.config.ACL) > 0 {
		text := strings.Join(r.config.ACL, "\n") + "\n"
		if err := os.WriteFile(filepath.Join(r.dir, "users.acl"), []byte(text), 0o600); err != nil {
			return err
		}
	}
	if r.config.TLS {
		var err error
		if r.ca, err = newAuthority(r.dir); err != nil {
			return err
		}
		r.CAFile = r.ca.caFile
		r.KeyFile = r.ca.keyFile
	}
	return nil
}

func (r *Redis) pickPorts() error {
	r.releasePorts()
	for _, port := range []*int{&r.Port, &r.tlsPort, &r.busPort} {
		reserved, release, err := reservePort()
		if err != nil {
			return err
		}
		*port = reserved
		r.release = append(r.release, release)
	}
	r.Addr = net.JoinHostPort("127.0.0.1", strconv.Itoa(r.Port))
	if r.config.TLS {
		r.TLSAddr = net.JoinHostPort("127.0.0.1", strconv.Itoa(r.tlsPort))
	}
	return nil
}

func (r *Redis) releasePorts() {
	for _, release := range r.release {
		release()
	}
	r.release = nil
}

func (r *Redis) args() []string {
	args := []string{
		"--bind", "127.0.0.1", "--port", strconv.Itoa(r.Port), "--dir", r.dir,
		"--save", "", "--appendonly", "no", "--daemonize", "no",
	}
	if r.config.Password != "" {
		args = append(args, "--requirepass", r.config.Password, "--masterauth", r.config.Password)
	}
	if r.Socket != "" {
		args = append(args, "--unixsocket", r.Socket)
	}
	if len(r.config.ACL) > 0 {
		args = append(args, "--aclfile", filepath.Join(r.dir, "users.acl"))
	}
	if r.config.TLS {
		args = append(args, "--tls-port", strconv.Itoa(r.tlsPort), "--tls-cert-file", r.ca.certFile,
			"--tls-key-file", r.ca.keyFile, "--tls-ca-cert-file", r.ca.caFile, "--tls-auth-clients", "no")
	}
	if r.config.cluster {
		args = append(args, "--cluster-enabled", "yes", "--cluster-port", strconv.Itoa(r.busPort),
			"--cluster-node-timeout", "2000", "--repl-diskless-sync-delay", "0")
	}
	return append(args, r.config.Args...)
}

// run starts the process and waits until it listens.
func (r *Redis) run(ctx context.Context) error {
	proc, err := startServer(ctx, "redis-server", "Ready to accept connections", r.args()...)
	if err != nil {
		return err
	}
	r.mu.Lock()
	r.proc = proc
	r.mu.Unlock()
	return nil
}

// startServer starts a redis-server and returns once it has written the line that says that it listens. An answer on
// its port would not do: it may come from another process that took the port first.
func startServer(ctx context.Context, name, listens string, args ...string) (*process, error) {
	ready := make(chan struct{})
	once := sync.OnceFunc(func() { close(ready) })
	var output []string // redis-server explains on standard output why it cannot start
	proc, err := startProcess(name, exec.Command("redis-server", args...), func(line []byte) {
		output = append(output, string(line))
		if len(output) > 30 {
			output = output[1:]
		}
		if strings.Contains(string(line), listens) {
			once()
		}
	})
	if err != nil {
		if errors.Is(err, exec.ErrNotFound) {
			return nil, fmt.Errorf("redis-server is not installed: %w", err)
		}
		return nil, err
	}
	select {
	case <-ready:
		return proc, nil
	case <-proc.done:
		err = proc.failure()
	case <-ctx.Done():
		proc.kill()
		err = fmt.Errorf("%s does not listen: %w", name, context.Cause(ctx))
	}
	return nil, fmt.Errorf("%w\n%s", err, strings.Join(output, "\n")) // which was read to its end
}

// pollEvery is the interval at which a condition that cannot announce itself is looked at again.
const pollEvery = 3 * time.Millisecond

// pause returns after one polling interval, or with an error when the context has ended.
func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(pollEvery):
		return nil
	}
}

// URL is the address as a redis:// URL, with the password if there is one.
func (r *Redis) URL() string {
	u := url.URL{Scheme: "redis", Host: r.Addr}
	if r.config.Password != "" {
		u.User = url.UserPassword("", r.config.Password)
	}
	return u.String()
}

// TLSURL is the address as a rediss:// URL.
func (r *Redis) TLSURL() string {
	u := url.URL{Scheme: "rediss", Host: r.TLSAddr}
	if r.config.Password != "" {
		u.User = url.UserPassword("", r.config.Password)
	}
	return u.String()
}

// SocketURL is the Unix socket as a unix:// URL.
func (r *Redis) SocketURL() string {
	u := url.URL{Scheme: "unix", Path: r.Socket}
	if r.config.Password != "" {
		u.User = url.UserPassword("", r.config.Password)
	}
	return u.String()
}

// TLSConfig trusts the certificate of this server.
func (r *Redis) TLSConfig() *tls.Config { return r.ca.clientConfig() }

// Conn is how a Node is told to connect.
func (r *Redis) Conn() RedisConn { return RedisConn{URL: r.URL()} }

// SocketConn is how a Node is told to connect through the Unix socket.
func (r *Redis) SocketConn() RedisConn {
	return RedisConn{Path: r.Socket, Password: r.config.Password}
}

// patience is how long a go-redis client waits for an answer of a Redis that runs. After 3 seconds, its default, it sends
// a command once more, and those that wait for a connection fail, both of which a busy machine may bring about.
const patience = time.Minute

// Options are the options of a go-redis client for this server.
func (r *Redis) Options() *redis.Options {
	return &redis.Options{Addr: r.Addr, Password: r.config.Password, ReadTimeout: patience}
}

// Client is a go-redis client for this server. It is made once, and closed by Close.
func (r *Redis) Client() *redis.Client {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.client == nil {
		r.client = redis.NewClient(r.Options())
	}
	return r.client
}

func (r *Redis) process() *process {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.proc
}

// Stop ends redis-server in good order. Restart brings it back.
func (r *Redis) Stop() error {
	p := r.process()
	if !p.running() {
		return nil
	}
	return p.interrupt(syscall.SIGTERM)
}

// Kill ends redis-server at once, as a crash would. Restart brings it back.
func (r *Redis) Kill() { r.process().kill() }

// Restart starts redis-server again on the same ports, after stopping it if it still runs.
func (r *Redis) Restart(ctx context.Context) error {
	if err := r.Stop(); err != nil {
		return err
	}
	return r.run(ctx)
}

// Close ends redis-server and removes its files.
func (r *Redis) Close() error {
	r.mu.Lock()
	client := r.client
	r.client = nil
	r.mu.Unlock()
	var errs []error
	if client != nil {
		errs = append(errs, client.Close())
	}
	errs = append(errs, r.Stop(), os.RemoveAll(r.dir))
	r.releasePorts()
	return errors.Join(errs...)
}
