package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// pattern is what a server of the classic adapter subscribes to.
const pattern = key + "#/#*"

// subscriber is a connection that does what a server's does, and nothing with
// what it gets.
type subscriber struct {
	conn    net.Conn
	mu      sync.Mutex
	changed sync.Cond
	bytes   int   // that came, ever
	err     error // why no more come
}

func (b *bench) subscribe() (*subscriber, error) {
	opts := b.rdb.Options()
	conn, err := opts.Dialer(b.ctx, opts.Network, opts.Addr)
	if err != nil {
		return nil, err
	}
	s := &subscriber{conn: conn}
	s.changed.L = &s.mu
	in := bufio.NewReaderSize(conn, 64<<10)
	if opts.Password != "" {
		if err = command(conn, strings.Fields("AUTH "+opts.Username), opts.Password); err == nil {
			_, err = in.ReadString('\n')
		}
	}
	if err == nil {
		err = command(conn, []string{"PSUBSCRIBE"}, pattern)
	}
	// The answer is an array of three: the command, the pattern and a number.
	for range 6 {
		if err == nil {
			_, err = in.ReadString('\n')
		}
	}
	if err != nil {
		conn.Close()
		return nil, fmt.Errorf("subscribe: %w", err)
	}
	go s.read(in)
	return s, nil
}

func closeAll(servers []*subscriber) {
	for _, s := range servers {
		s.conn.Close()
	}
}

// command writes a command, in the protocol of Redis.
func command(to io.Writer, words []string, last string) error {
	words = append(words, last)
	text := fmt.Sprintf("*%d\r\n", len(words))
	for _, word := range words {
		text += bulk(word)
	}
	_, err := io.WriteString(to, text)
	return err
}

func bulk(word string) string { return fmt.Sprintf("$%d\r\n%s\r\n", len(word), word) }

func (s *subscriber) read(in *bufio.Reader) {
	buf := make([]byte, 256<<10)
	for {
		n, err := in.Read(buf)
		s.mu.Lock()
		s.bytes += n
		s.err = err
		s.changed.Broadcast()
		s.mu.Unlock()
		if err != nil {
			return
		}
	}
}

// await returns the number of bytes so far once there are so many.
func (s *subscriber) await(bytes int) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for s.bytes < bytes && s.err == nil {
		s.changed.Wait()
	}
	if s.bytes < bytes {
		return s.bytes, fmt.Errorf("a subscriber lost its connection: %w", s.err)
	}
	return s.bytes, nil
}

// growServers measures events that 1 to 16 servers get.
func (b *bench) growServers(r *report) error {
	g := growth{
		slug: "servers", heading: "1 to 16 subscribed servers", axis: "servers",
		note: "Pipelines of events, until the last server has the last byte. The servers are plain connections with the " +
			"adapter's subscription that discard what they read: this is the cost of Redis, not of Socket.IO.",
		lines: []line{{name: "sioemit, Pipelined", ours: true, against: 1}, {name: "go-redis pipeline of ready bytes"}},
	}
	frame := len("*4\r\n" + bulk("pmessage") + bulk(pattern) + bulk(channel) + bulk(string(b.message)))
	ours := b.emitter(b.rdb)
	var servers []*subscriber
	defer func() { closeAll(servers) }()
	// delivered adds the wait for the servers to a run.
	delivered := func(run func(n int) (time.Duration, error)) func(n int) (time.Duration, error) {
		return func(n int) (time.Duration, error) {
			var before []int
			for _, s := range servers {
				count, err := s.await(0)
				if err != nil {
					return 0, err
				}
				before = append(before, count)
			}
			ctx, cancel := context.WithTimeout(b.ctx, time.Minute)
			defer cancel()
			defer context.AfterFunc(ctx, func() { closeAll(servers) })()
			started := time.Now()
			if _, err := run(n); err != nil {
				return 0, err
			}
			for i, s := range servers {
				if _, err := s.await(before[i] + n*frame); err != nil {
					return 0, err
				}
			}
			return time.Since(started), nil
		}
	}
	for _, count := range []int{1, 2, 4, 8, 16} {
		b.say("%d servers", count)
		for len(servers) < count {
			s, err := b.subscribe()
			if err != nil {
				return err
			}
			servers = append(servers, s)
		}
		if err := b.grow(&g, strconv.Itoa(count), float64(count), 100*time.Millisecond, []contestant{
			{name: "sioemit", run: delivered(batched(perPipeline, func(n int) error { return b.oursPipelined(ours, n) })), unit: perPipeline},
			{name: "go-redis", run: delivered(batched(perPipeline, func(n int) error { return b.barePipelined(channel, b.message, n) })), unit: perPipeline},
		}); err != nil {
			return err
		}
	}
	r.growths = append(r.growths, g)
	return nil
}
