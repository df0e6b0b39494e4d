package goredis

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// go-redis dials again and again until the context ends, and then says only that
// it has ended. So after that the Client dials once by itself, to say why.

const (
	dialTime  = 10 * time.Second
	dialWait  = 200 * time.Millisecond // how long a call waits for it, beyond its context
	dialPause = time.Second            // how long what was found is said again
)

// dialling finds out why a Redis cannot be reached.
type dialling struct {
	mu   sync.Mutex
	done chan struct{} // of the last attempt; nil before the first one
	at   time.Time     // when that ended
	err  error         // with which it did
}

type dialer = func(ctx context.Context, network, addr string) (net.Conn, error)

// whyUnreachable adds to the error of a context that has ended what dialling
// says, if it says anything but that it takes its time.
func (c *Client) whyUnreachable(err error) error {
	if !errors.Is(err, context.DeadlineExceeded) || errors.As(err, new(*net.OpError)) {
		return err
	}
	d := &c.dialling
	attempt := d.attempt(c)
	timeout := time.NewTimer(dialWait)
	defer timeout.Stop()
	select {
	case <-attempt:
	case <-timeout.C: // the next call that fails may know
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.err == nil {
		return err
	}
	return fmt.Errorf("%w, and Redis cannot be reached: %w", err, d.err)
}

// attempt returns what is closed when it is known how dialling ends: that which
// has ended not long ago, that which goes on, or a new one.
func (d *dialling) attempt(c *Client) chan struct{} {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.done != nil && (d.at.IsZero() || time.Since(d.at) < dialPause) {
		return d.done
	}
	done := make(chan struct{})
	d.done, d.at = done, time.Time{}
	go func() {
		err := c.tryDial()
		d.mu.Lock()
		defer d.mu.Unlock()
		d.at, d.err = time.Now(), err
		close(done)
	}()
	return done
}

// tryDial returns nil when one of the addresses of the client answers, when none
// has by dialTime, and when the client does not show them.
func (c *Client) tryDial() error {
	ctx, cancel := context.WithTimeout(context.Background(), dialTime)
	defer cancel()
	dial, network, addrs := c.dialOptions()
	var first error
	for _, addr := range addrs {
		conn, err := dial(ctx, network, addr)
		if err == nil {
			conn.Close()
			return nil
		}
		if ctx.Err() != nil {
			break
		}
		if first == nil {
			first = err
		}
	}
	return first
}

// dialOptions returns how the client dials.
func (c *Client) dialOptions() (dial dialer, network string, addrs []string) {
	switch {
	case c.single != nil:
		o := c.single.Options()
		return o.Dialer, o.Network, []string{o.Addr}
	case c.cluster != nil:
		o := c.cluster.Options()
		if dial = o.Dialer; dial == nil {
			dial = redis.NewDialer(&redis.Options{DialTimeout: dialTime, TLSConfig: o.TLSConfig})
		}
		return dial, "tcp", o.Addrs
	}
	return nil, "", nil
}
