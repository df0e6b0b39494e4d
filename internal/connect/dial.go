package connect

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// dialer opens the connections to Redis, and to Sentinels. It knows where none
// could be opened, which go-redis does not say of a dialling that outlasts the
// command waiting for it.
type dialer struct {
	timeout time.Duration
	config  *tls.Config // nil: no TLS
	names   []string    // hosts of the URLs

	onConnect func(context.Context, *redis.Conn) error // nil: a connection is ready as it is

	mu      sync.Mutex
	missing map[string]absence // of the addresses to which there is no connection, as far as is known
}

// Dialer opens connections as those of Open are opened.
func Dialer(timeout time.Duration, config *tls.Config) func(ctx context.Context, network, address string) (net.Conn, error) {
	return (&dialer{timeout: timeout, config: config}).dial
}

// absence is why there is no connection to an address, and when that was found.
type absence struct {
	err       error
	at        time.Time
	isPending bool // it is waited for still
	since     time.Time
}

// unreachedError says that there is no connection to an address.
type unreachedError struct {
	address string
	err     error
}

func (e *unreachedError) Error() string {
	return fmt.Sprintf("no connection to %s: %v", e.address, e.err)
}

func (e *unreachedError) Unwrap() error { return e.err }

// What an address is waited for that has said nothing yet.
var (
	errConnecting  = fmt.Errorf("it does not answer: %w", context.DeadlineExceeded)
	errHandshaking = fmt.Errorf("it says nothing of TLS: %w", context.DeadlineExceeded)
)

// dial is the Dialer of go-redis's options.
func (d *dialer) dial(ctx context.Context, network, address string) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, d.timeout)
	defer cancel()
	d.wait(address, errConnecting)
	// As go-redis does it by itself.
	plain := net.Dialer{KeepAliveConfig: net.KeepAliveConfig{Enable: true, Idle: 30 * time.Second, Interval: 5 * time.Second, Count: 3}}
	conn, err := plain.DialContext(ctx, network, address)
	if err == nil && d.config != nil {
		d.wait(address, errHandshaking)
		secure := tls.Client(conn, d.configFor(address))
		if err = secure.HandshakeContext(ctx); err != nil {
			conn.Close()
		}
		conn = secure
	}
	d.note(address, err, errors.Is(ctx.Err(), context.Canceled))
	if err != nil {
		return nil, &unreachedError{address, err}
	}
	return conn, nil
}

// configFor checks that the certificate is for the host that is dialled, or for
// one that a URL names: the nodes of a Redis Cluster, and Sentinels, say where
// else to go, often as numbers that no certificate holds.
func (d *dialer) configFor(address string) *tls.Config {
	host, _, _ := net.SplitHostPort(address)
	config := d.config.Clone()
	config.ServerName = host
	if isName := func(host string) bool { return net.ParseIP(host) == nil }; !isName(host) {
		if i := slices.IndexFunc(d.names, isName); i >= 0 {
			config.ServerName = d.names[i] // numbers are not told to the other side
		}
	}
	if config.InsecureSkipVerify {
		return config
	}
	config.InsecureSkipVerify = true // in favour of this:
	config.VerifyConnection = func(state tls.ConnectionState) error {
		if len(state.PeerCertificates) == 0 {
			return errors.New("there is no certificate")
		}
		options := x509.VerifyOptions{Roots: config.RootCAs, DNSName: host, Intermediates: x509.NewCertPool()}
		for _, certificate := range state.PeerCertificates[1:] {
			options.Intermediates.AddCert(certificate)
		}
		_, err := state.PeerCertificates[0].Verify(options)
		for _, options.DNSName = range d.names {
			if err == nil || !errors.As(err, new(x509.HostnameError)) {
				break
			}
			if _, otherErr := state.PeerCertificates[0].Verify(options); otherErr == nil {
				err = nil
			}
		}
		return err
	}
	return config
}

// wait notes what an address is waited for.
func (d *dialer) wait(address string, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.missing == nil {
		d.missing = make(map[string]absence)
	}
	d.missing[address] = absence{err: err, isPending: true, since: time.Now()}
}

// note notes how a dialling ended. go-redis gives it up when the command has no
// more time, before it returns that command's error: then what was waited for
// until now is why, and not the giving up.
func (d *dialer) note(address string, err error, isGivenUp bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	waited, ok := d.missing[address]
	switch {
	case err == nil:
		delete(d.missing, address)
		return
	case isGivenUp && ok:
		err = waited.err
	}
	d.missing[address] = absence{err: err, at: time.Now(), since: waited.since}
}

// explained adds to the error of a command that took too long which connection
// it waited for. It began at that time: what had failed before is not why.
func (d *dialer) explained(err error, began time.Time) error {
	if err == nil || !IsTimeout(err) || errors.As(err, new(*unreachedError)) {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	// The one that has been waited for longest: others may have just begun.
	var longest *unreachedError
	var since time.Time
	for address, why := range d.missing {
		if IsTimeout(why.err) && (why.isPending || !why.at.Before(began)) && (longest == nil || why.since.Before(since)) {
			longest, since = &unreachedError{address, why.err}, why.since
		}
	}
	if longest == nil {
		return err
	}
	return errors.Join(err, longest)
}

// began is when the call began that a command is sent for now. One that has little
// time left comes behind another that used it up, as when the nodes of a Redis Cluster
// are looked for.
func (d *dialer) began(ctx context.Context) time.Time {
	now := time.Now()
	if deadline, ok := ctx.Deadline(); ok && deadline.Add(-d.timeout).Before(now) {
		return deadline.Add(-d.timeout)
	}
	return now
}

// DialHook changes nothing.
func (d *dialer) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook explains the error of a command.
func (d *dialer) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		began := d.began(ctx)
		err := next(ctx, cmd)
		if why := d.explained(err, began); why != err {
			cmd.SetErr(why)
			return why
		}
		return err
	}
}

// ProcessPipelineHook explains the error of a pipeline.
func (d *dialer) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		began := d.began(ctx)
		err := next(ctx, cmds)
		why := d.explained(err, began)
		if why == err {
			return err
		}
		for _, cmd := range cmds {
			if cmd.Err() != nil {
				cmd.SetErr(d.explained(cmd.Err(), began))
			}
		}
		return why
	}
}
