package connect

import (
	"context"
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
		"failed long ago":             {absence{ended, began.Add(-time.Hour)}, false},
		"failed meanwhile":            {absence{ended, began.Add(time.Millisecond)}, true},
		"connecting since long ago":   {absence{errConnecting, began.Add(-time.Hour)}, true},
		"saying nothing of TLS since": {absence{errHandshaking, began.Add(-time.Hour)}, true},
		"refused meanwhile":           {absence{errors.New("refused"), began.Add(time.Millisecond)}, false},
	} {
		d := &dialer{missing: map[string]absence{address: test.absence}}
		var missing *unreachedError
		if err := d.explained(tooLong, began); !errors.Is(err, tooLong) || errors.As(err, &missing) != test.named {
			t.Errorf("%s: %v", name, err)
		}
	}
}
