package commandline

import "context"

// UnlessDone returns what read returns, or the error of ctx once that is done:
// Ctrl-C does not interrupt the reading of a pipe.
func UnlessDone[T any](ctx context.Context, read func() (T, error)) (T, error) {
	var result T
	var err error
	done := make(chan struct{})
	go func() {
		result, err = read()
		close(done)
	}()
	select {
	case <-done:
		return result, err
	case <-ctx.Done():
		var none T
		return none, ctx.Err()
	}
}
