package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/driver"
	"github.com/sioemit/sioemit/internal/harness"
)

// TestBrokenAskers has a driver that asks fail by one fault after the other, and pass
// without any.
func TestBrokenAskers(t *testing.T) {
	harness.NeedServers(t)
	defer func(d time.Duration) { patience = d }(patience)
	patience = 2 * time.Second // for what never comes
	for _, test := range []struct{ fault, cases, want string }{
		{"none", "ask/replies to others", "1 passed, 0 failed"},
		{"none", "ask/counts, doubled, sharded", "1 passed, 0 failed"},
		{"none", "ask/a client does not acknowledge", "1 passed, 0 failed"},
		{"stands still at first", "ask/a client does not acknowledge", "1 passed, 0 failed"},
		{"takes the replies to others", "ask/replies to others", `error "incomplete" instead of ""`},
		{"counts a doubled reply twice", "ask/counts, doubled, sharded", "result"},
		{"asks before it subscribes", "ask/replies to others", `had not confirmed "subscribe socket.io-response#/#"`},
		{"asks before it subscribes", "ask/counts, doubled, sharded", `had not confirmed "ssubscribe socket.io#/#emitter#"`},
		{"knows one channel", "ask/replies to others", `had not confirmed "subscribe socket.io-response#/#emitter#"`},
		{"asks again", "ask/replies to others", "was asked twice"},
		{"lets its client repeat the question", "ask/the connection ends behind the question", "was asked twice"},
		{"lets its client subscribe again", "ask/the connection for replies ends", `error "incomplete" instead of "subscription"`},
		{"asks under one id for ever", "ask/acknowledgements on *", "was asked twice"},
		{"has short ids", "ask/replies to others", "is shorter than"},
		{"stays subscribed", "ask/replies to others", "1 connections for replies are still open"},
		{"asks nobody", "ask/replies to others", "1 of 1 questions have reached no server"},
		{"says too little of what is missing", "ask/a client does not acknowledge", "where expected is 2"},
		{"forgets what came", "ask/a client does not acknowledge", "result null instead of"},
		{"ends a wait too early", "ask/acknowledgements on the channel of the emitter", "result"},
		{"has a read timeout", "ask/a reply that stalls in its middle", `error "incomplete" instead of ""`},
	} {
		t.Run(test.fault, func(t *testing.T) {
			t.Setenv("CONFORMANCE_FAULT", askFault+test.fault)
			var out bytes.Buffer
			err := execute(t.Context(), []string{"-driver", os.Args[0], "-variant", "go-redis-autopipeline", "-case", test.cases}, &out)
			if (err == nil) != strings.HasPrefix(test.want, "1 passed") || !strings.Contains(out.String(), test.want) {
				t.Errorf("%v\n%s\nwant %q", err, &out, test.want)
			}
		})
	}
}

// askFault begins the name of a fault of brokenAsker.
const askFault = "asker that "

// brokenAsker is a driver that knows of emitWithAck what some cases need, with a fault.
type brokenAsker struct {
	fault string
	id    string
}

func (b *brokenAsker) drive() error {
	b.fault = strings.TrimPrefix(b.fault, askFault)
	answers := json.NewEncoder(os.Stdout)
	hello := driver.Hello{Language: "go", Variant: os.Args[1], Features: []string{"classic", "sharded", "replies"}}
	if err := answers.Encode(hello); err != nil {
		return err
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var call driver.Call
		if err := json.Unmarshal(lines.Bytes(), &call); err != nil {
			return err
		}
		a, err := b.ask(&call)
		if err != nil {
			return err
		}
		a["id"] = call.ID
		if err := answers.Encode(a); err != nil {
			return err
		}
	}
	return lines.Err()
}

func (b *brokenAsker) ask(call *driver.Call) (map[string]any, error) {
	ctx, cancel := context.WithTimeout(context.Background(), b.timeout(call))
	defer cancel()
	options, err := redis.ParseURL(call.Redis)
	if err != nil {
		return nil, err
	}
	client := redis.NewClient(options)
	if b.fault != "stays subscribed" {
		defer client.Close()
	}
	servers, replies, publish, subscribe := "socket.io-request#/#", []string{"socket.io-response#/#", "socket.io-response#/#emitter#"}, "publish", client.Subscribe
	numsub := client.PubSubNumSub
	sharded := strings.Contains(string(call.Options), "sharded")
	if sharded {
		servers, replies, publish, subscribe = "socket.io#/#", []string{"socket.io#/#emitter#"}, "spublish", client.SSubscribe
		numsub = client.PubSubShardNumSub
	}
	asked, err := numsub(ctx, servers).Result()
	if err != nil {
		return nil, err
	}
	if b.id == "" || b.fault != "asks under one id for ever" {
		b.id = rand.Text()
	}
	switch b.fault {
	case "knows one channel":
		replies = replies[:1]
	case "has short ids":
		b.id = b.id[:8]
	}
	flags := map[string]any{"timeout": 60000}
	if short := shortOf(call); short > 0 {
		flags["timeout"] = short.Milliseconds()
		if b.fault == "stands still at first" && short < 10*time.Second {
			return map[string]any{"error": "subscription", "message": "Redis did not confirm it in time"}, nil
		}
	}
	ask := func() error {
		if b.fault == "asks nobody" {
			servers = "nobody"
		}
		message, err := json.Marshal(b.question(sharded, flags))
		if err != nil {
			return err
		}
		return client.Do(ctx, publish, servers, message).Err()
	}
	if b.fault == "asks before it subscribes" {
		if err := ask(); err != nil {
			return nil, err
		}
	}
	pubsub := subscribe(ctx, replies...)
	if b.fault != "stays subscribed" {
		defer pubsub.Close()
	}
	for range replies {
		if _, err := pubsub.Receive(ctx); err != nil {
			return nil, err
		}
	}
	if b.fault != "asks before it subscribes" {
		if err := ask(); err != nil {
			return nil, err
		}
	}
	if b.fault == "asks again" {
		if err := ask(); err != nil {
			return nil, err
		}
	}
	return b.collect(ctx, pubsub, int(asked[servers]))
}

// timeout is that of the call, or what is enough for replies that have been missed.
func (b *brokenAsker) timeout(call *driver.Call) time.Duration {
	if short := shortOf(call); short > 0 {
		return short
	}
	switch b.fault {
	case "none":
		return time.Minute
	case "has a read timeout": // the reply takes longer
		return 5 * time.Second
	}
	return 2 * time.Second
}

// shortOf returns the timeout of a call that is to run out, or 0.
func shortOf(call *driver.Call) time.Duration {
	for _, short := range []time.Duration{time.Second, 10 * time.Second} {
		if bytes.Contains(call.Chain, fmt.Appendf(nil, `["timeout",%d]`, short.Milliseconds())) {
			return short
		}
	}
	return 0
}

func (b *brokenAsker) question(sharded bool, flags any) any {
	type object = map[string]any
	packet := object{"type": 2, "data": []string{"ev"}}
	to := object{"rooms": []string{}, "except": []string{}, "flags": flags}
	if sharded {
		return object{"uid": "emitter", "nsp": "/", "type": 3, "data": object{"requestId": b.id, "packet": packet, "opts": to}}
	}
	packet["nsp"] = "/"
	return object{"uid": "emitter", "requestId": b.id, "type": 7, "packet": packet, "opts": to}
}

func (b *brokenAsker) receive(ctx context.Context, pubsub *redis.PubSub) (any, error) {
	if b.fault == "has a read timeout" {
		return pubsub.ReceiveTimeout(ctx, time.Second)
	}
	return pubsub.Receive(ctx)
}

// collect waits for the counts of all servers and as many acknowledgements.
func (b *brokenAsker) collect(ctx context.Context, pubsub *redis.PubSub, asked int) (map[string]any, error) {
	clients, perServer, values, seen := 0, []int{}, []any{}, make(map[string]bool)
	for len(perServer) < asked || len(values) < clients {
		if b.fault == "ends a wait too early" && len(values) > 0 {
			break
		}
		received, err := b.receive(ctx, pubsub)
		if ctx.Err() != nil {
			break
		}
		m, _ := received.(*redis.Message)
		if err != nil || m == nil {
			continue
		}
		v, _ := decodePayload([]byte(m.Payload))
		reply, _ := v.(map[string]any)
		uid, _ := reply["uid"].(string)
		kind, _ := number(reply["type"])
		if data, ok := reply["data"].(map[string]any); ok {
			reply = data
		}
		if reply["requestId"] != b.id && b.fault != "takes the replies to others" {
			continue
		}
		switch kind {
		case 8, 11:
			if seen[uid] && uid != "" && b.fault != "counts a doubled reply twice" {
				continue
			}
			seen[uid] = true
			n, _ := number(reply["clientCount"])
			clients += int(n)
			perServer = append(perServer, int(n))
		case 9, 12:
			values = append(values, tagged(reply["packet"]))
		}
	}
	result := map[string]any{"values": values, "clients": clients, "servers": asked, "perServer": perServer}
	if ctx.Err() == nil {
		return map[string]any{"ok": true, "result": result}, nil
	}
	missing := map[string]int{"servers": len(perServer), "asked": asked, "clients": len(values), "expected": clients, "unread": 0}
	switch b.fault {
	case "forgets what came":
		result = nil
	case "says too little of what is missing":
		delete(missing, "expected")
	}
	return map[string]any{"error": "incomplete", "message": fmt.Sprint(missing), "result": result, "missing": missing}, nil
}
