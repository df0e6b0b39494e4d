package compat_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/sioemit/sioemit/internal/harness"
	"github.com/sioemit/sioemit/internal/protocol"
)

// Subscribers that speak the protocol of Redis themselves: it is known of each of them, to the moment, whether it is
// subscribed and where. A client library hides both.

// follow subscribes the witness to a channel, with PSUBSCRIBE or SSUBSCRIBE, on the node that locate names, and does
// so again whenever that ends, until the end of the test.
func (w *witness) follow(t *testing.T, command, channel string, locate func(context.Context) *harness.Redis, number func([]byte) (int, error)) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-done
	})
	first := make(chan struct{})
	once := sync.OnceFunc(func() { close(first) })
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			if node := locate(ctx); node != nil {
				err := w.listen(ctx, node, command, channel, number, once)
				w.gone()
				if errors.Is(err, errUnexpected) {
					t.Errorf("%s: %v", w.name, err)
					return
				}
			}
			select {
			case <-ctx.Done():
			case <-time.After(5 * time.Millisecond):
			}
		}
	}()
	select {
	case <-first:
	case <-time.After(deadline):
		t.Fatalf("%s was never subscribed", w.name)
	}
}

var errUnexpected = errors.New("unexpected")

// listen returns when the subscription has ended.
func (w *witness) listen(ctx context.Context, node *harness.Redis, command, channel string, number func([]byte) (int, error), subscribed func()) error {
	var d net.Dialer
	conn, err := d.DialContext(ctx, "tcp", node.Addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	if _, err := fmt.Fprintf(conn, "*2\r\n$%d\r\n%s\r\n$%d\r\n%s\r\n", len(command), command, len(channel), channel); err != nil {
		return err
	}
	r := bufio.NewReader(conn)
	for {
		message, err := readReply(r)
		if err != nil {
			return err
		}
		switch kind := string(message[0]); kind {
		case command:
			w.subscribed(node)
			subscribed()
		case "smessage", "pmessage":
			n, err := number(message[len(message)-1])
			if err != nil {
				return fmt.Errorf("%w message %q: %w", errUnexpected, message, err)
			}
			w.receive(n)
		case "sunsubscribe":
			return errors.New("the slot of the channel has moved")
		default:
			return fmt.Errorf("%w message %q", errUnexpected, message)
		}
	}
}

// readReply reads an array of bulk strings and numbers. An error reply is an error.
func readReply(r *bufio.Reader) ([][]byte, error) {
	line := func() (string, error) {
		text, err := r.ReadString('\n')
		return strings.TrimRight(text, "\r\n"), err
	}
	head, err := line()
	if err != nil {
		return nil, err
	}
	if head == "" || head[0] != '*' {
		return nil, fmt.Errorf("reply %q", head)
	}
	count, err := strconv.Atoi(head[1:])
	if err != nil || count < 1 {
		return nil, fmt.Errorf("reply %q", head)
	}
	parts := make([][]byte, count)
	for i := range parts {
		head, err := line()
		if err != nil {
			return nil, err
		}
		if !strings.HasPrefix(head, "$") {
			parts[i] = []byte(head)
			continue
		}
		n, err := strconv.Atoi(head[1:])
		if err != nil || n < 0 {
			continue // null: a channel is no longer subscribed to
		}
		parts[i] = make([]byte, n+2)
		if _, err := io.ReadFull(r, parts[i]); err != nil {
			return nil, err
		}
		parts[i] = parts[i][:n]
	}
	return parts, nil
}

// classicNumber reads the number of an emission from a message of the classic adapter.
func classicNumber(payload []byte) (int, error) {
	b, err := protocol.Unmarshal(payload)
	if err != nil {
		return 0, err
	}
	if len(b.Args) != 1 {
		return 0, fmt.Errorf("%d arguments", len(b.Args))
	}
	n, ok := b.Args[0].(int64)
	if !ok {
		return 0, fmt.Errorf("the argument is %v", b.Args[0])
	}
	return int(n), nil
}

// shardedNumber does so for the sharded adapter.
func shardedNumber(payload []byte) (int, error) {
	var message struct{ Data json.RawMessage }
	if err := json.Unmarshal(payload, &message); err != nil {
		return 0, err
	}
	return dataNumber(message.Data)
}

// dataNumber does so for the data of a message between servers, as the streams adapter has it.
func dataNumber(data []byte) (int, error) {
	var broadcast struct {
		Packet struct{ Data []json.RawMessage }
	}
	if err := json.Unmarshal(data, &broadcast); err != nil {
		return 0, err
	}
	if len(broadcast.Packet.Data) != 2 {
		return 0, fmt.Errorf("the data is %s", data)
	}
	return strconv.Atoi(string(broadcast.Packet.Data[1]))
}

// read has the witness read a stream as the servers do, from its beginning until the end of the test. A reader knows
// where it stopped, so it is owed everything, whatever happens to its connection.
func (w *witness) read(t *testing.T, client redis.UniversalClient, stream string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	t.Cleanup(func() {
		cancel()
		<-done
	})
	w.subscribed(nil)
	go func() {
		defer close(done)
		last := "0"
		for ctx.Err() == nil {
			found, err := client.XRead(ctx, &redis.XReadArgs{Streams: []string{stream, last}, Block: 200 * time.Millisecond}).Result()
			if err != nil {
				if !errors.Is(err, redis.Nil) && ctx.Err() == nil {
					time.Sleep(10 * time.Millisecond) // as long as nobody has the stream, it fails at once
				}
				continue
			}
			for _, entry := range found[0].Messages {
				last = entry.ID
				data, ok := entry.Values["data"].(string)
				if !ok {
					continue // the harness adds such entries
				}
				n, err := dataNumber([]byte(data))
				if err != nil {
					t.Errorf("%s: %v", w.name, err)
					return
				}
				w.receive(n)
			}
		}
	}()
}
