package harness

import (
	"context"
	"fmt"
)

// Cut breaks the connection of a websocket client, as a network does: neither side says goodbye. It returns once the
// client has noticed.
func (c *Client) Cut(ctx context.Context) error {
	if err := c.owner.call(ctx, map[string]any{"op": "cut", "client": c.Name}, nil); err != nil {
		return fmt.Errorf("client %s, cut: %w", c.Name, err)
	}
	return nil
}

// Reconnect has a client that was cut off connect again, to the given server. It tells whether the server recovered
// the session of the client: connectionStateRecovery.
func (c *Client) Reconnect(ctx context.Context, node *Node) (recovered bool, err error) {
	// What the server sends right after the connection is there must find the client connected.
	c.mu.Lock()
	c.reason = ""
	c.mu.Unlock()
	var result struct {
		ID        string
		Recovered bool
	}
	if err := c.owner.call(ctx, map[string]any{"op": "reconnect", "client": c.Name, "url": node.URL}, &result); err != nil {
		return false, fmt.Errorf("client %s, reconnect: %w", c.Name, err)
	}
	c.ID, c.Node = result.ID, node
	return result.Recovered, nil
}
