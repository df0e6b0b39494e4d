package connect

import (
	"context"
	"crypto/tls"
	"errors"
	"net"
	"testing"
	"time"
)

// TestDialerExplains names the connection that a command waited for, and none
// that could not be opened before the command began.
func TestDialerExplains(t *testing.T) {
	t.Parallel()
	const address = "127.0.0.1:1"
	ended, tooLong := &net.OpError{Op: "dial", Err: context.DeadlineExceeded}, context.DeadlineExceeded
	began := time.Now()
	for name, test := range map[string]struct {
		absence absence
		named   bool
	}{
		"failed long ago":             {absence{err: ended, at: began.Add(-time.Hour), isPending: false}, false},
		"failed meanwhile":            {absence{err: ended, at: began.Add(time.Millisecond), isPending: false}, true},
		"connecting since long ago":   {absence{err: errConnecting, at: began.Add(-time.Hour), isPending: true}, true},
		"saying nothing of TLS since": {absence{err: errHandshaking, at: began.Add(-time.Hour), isPending: true}, true},
		"refused meanwhile":           {absence{err: errors.New("refused"), at: began.Add(time.Millisecond), isPending: false}, false},
	} {
		d := &dialer{missing: map[string]absence{address: test.absence}}
		var missing *unreachedError
		if err := d.explained(tooLong, began); !errors.Is(err, tooLong) || errors.As(err, &missing) != test.named {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestDialerExplainsLongest has two connections that could not be opened: the one that
// was waited for longest is why.
func TestDialerExplainsLongest(t *testing.T) {
	t.Parallel()
	began := time.Now()
	for range 20 { // a map has any order
		d := &dialer{missing: map[string]absence{
			"127.0.0.1:1": {err: errConnecting, isPending: true, since: began.Add(time.Second)},
			"127.0.0.1:2": {err: errConnecting, at: began.Add(2 * time.Second), since: began},
			"127.0.0.1:3": {err: errConnecting, isPending: true, since: began.Add(time.Second)},
		}}
		var missing *unreachedError
		if err := d.explained(context.DeadlineExceeded, began); !errors.As(err, &missing) || missing.address != "127.0.0.1:2" {
			t.Fatal(err)
		}
	}
}

// TestDialGivenUp has a dialling that is given up, as go-redis does it when the
// command that waits for it has no more time.
func TestDialGivenUp(t *testing.T) {
	t.Parallel()
	// Its TLS never answers.
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	address := listener.Addr().String()
	d := &dialer{timeout: time.Minute, config: &tls.Config{MinVersion: tls.VersionTLS12}}
	began := time.Now()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() {
		_, err := d.dial(ctx, "tcp", address)
		ended <- err
	}()
	conn, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Read(make([]byte, 1)); err != nil { // its hello, so that it waits
		t.Fatal(err)
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatalf("it ended with %v", err)
	}
	if err := d.explained(context.DeadlineExceeded, began); !errors.Is(err, errHandshaking) {
		t.Errorf("a command that began before: %v", err)
	}
	if err := d.explained(context.DeadlineExceeded, time.Now().Add(time.Hour)); errors.As(err, new(*unreachedError)) {
		t.Errorf("a command that began later: %v", err)
	}
}
