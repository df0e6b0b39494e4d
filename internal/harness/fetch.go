package harness

import (
	"context"
	"fmt"
	"time"
)

// Fetch has the client's server call fetchSockets() for its namespace, and returns the ids that it got and how long
// that took the server.
func (c *Client) Fetch(ctx context.Context) (ids []string, took time.Duration, err error) {
	var result struct {
		IDs []string
		MS  int
	}
	err = c.owner.call(ctx, map[string]any{"op": "call", "client": c.Name, "event": "fetch", "value": nil}, &result)
	if err != nil {
		return nil, 0, fmt.Errorf("client %s, fetchSockets: %w", c.Name, err)
	}
	return result.IDs, time.Duration(result.MS) * time.Millisecond, nil
}
