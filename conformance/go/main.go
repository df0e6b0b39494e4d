// Go is the driver through which the conformance suite calls package emitter.
// It reads a call a line and answers each with a line.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/version"
)

// variants are the clients of go-redis through which events can go.
var variants = []string{"go-redis", "go-redis-autopipeline"}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: run --list, or run VARIANT")
		os.Exit(2)
	}
	if os.Args[1] == "--list" {
		fmt.Println(strings.Join(variants, "\n"))
		return
	}
	if !slices.Contains(variants, os.Args[1]) {
		fmt.Fprintf(os.Stderr, "no variant %q: it is one of %s\n", os.Args[1], strings.Join(variants, ", "))
		os.Exit(2)
	}
	if err := drive(os.Args[1], os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// line is a call to make.
type line struct {
	ID      int
	Redis   string
	Cluster bool
	Options json.RawMessage
	step
	After    *step
	Together []step
	Sequence []step
}

type step struct {
	Chain, Call []json.RawMessage
	Pipeline    []step // instead of a call
}

// answer is what came of it.
type answer struct {
	ID      int            `json:"id,omitempty"`
	OK      bool           `json:"ok,omitempty"`
	Result  any            `json:"result,omitempty"`
	Error   string         `json:"error,omitempty"`
	Message string         `json:"message,omitempty"`
	Missing map[string]int `json:"missing,omitempty"`
	Skip    string         `json:"skip,omitempty"`
}

func drive(variant string, in io.Reader, out io.Writer) error {
	d := driver{variant: variant, clients: make(map[string]redis.UniversalClient)}
	defer d.close()
	answers := json.NewEncoder(out)
	features := []string{"classic", "sharded", "streams", "python", "pipeline", "server-count", "cluster", "numbers", "replies", "together", "confirm"}
	if variant == "go-redis-autopipeline" {
		// Of a cluster it knows one node only; the library refuses to count there.
		features = slices.DeleteFunc(features, func(f string) bool { return f == "cluster" })
	}
	if err := answers.Encode(map[string]any{"language": "go", "variant": variant, "version": version.Number, "features": features}); err != nil {
		return err
	}
	lines := bufio.NewReader(in)
	for {
		text, err := lines.ReadBytes('\n')
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		if err := answers.Encode(d.answer(text)); err != nil {
			return err
		}
	}
}

// driver keeps its connections by URL.
type driver struct {
	variant string
	clients map[string]redis.UniversalClient
}

func (d *driver) close() {
	for _, c := range d.clients {
		c.Close()
	}
}

func (d *driver) answer(text []byte) answer {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return answer{Error: "driver", Message: err.Error()}
	}
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute) // longer than a case lets it wait
	defer cancel()
	a := answerOf(d.call(ctx, &l))
	a.ID = l.ID
	return a
}

func (d *driver) call(ctx context.Context, l *line) (any, error) {
	client, err := d.client(l)
	if err != nil {
		return nil, err
	}
	options, err := readOptions(l.Options)
	if err != nil {
		return nil, err
	}
	io := emitter.New(client, options...)
	switch {
	case l.Together != nil:
		return together(ctx, io, l.Together), nil
	case l.Sequence != nil:
		return sequence(ctx, io, l.Sequence), nil
	case l.After == nil:
		return l.on(ctx, io)
	}
	given, err := l.pipelined(ctx, io)
	if err != nil {
		return nil, err
	}
	return l.After.on(ctx, given)
}

// pipelined makes the calls of a pipeline, and returns the emitter that it gave for them.
func (s *step) pipelined(ctx context.Context, io *emitter.Emitter) (given *emitter.Emitter, err error) {
	err = io.Pipelined(ctx, func(io *emitter.Emitter) error {
		given = io
		for _, s := range s.Pipeline {
			if _, err := s.on(ctx, io); err != nil {
				return err
			}
		}
		return nil
	})
	return given, err
}

// client returns the connection for a line.
func (d *driver) client(l *line) (emitter.Client, error) {
	key := fmt.Sprint(l.Redis, l.Cluster)
	c := d.clients[key]
	if c == nil {
		options, err := redis.ParseURL(l.Redis)
		if err != nil {
			return nil, err
		}
		options.ContextTimeoutEnabled = true
		if l.Cluster {
			c = redis.NewClusterClient(&redis.ClusterOptions{
				Addrs: []string{options.Addr}, Username: options.Username, Password: options.Password, ContextTimeoutEnabled: true,
			})
		} else {
			c = redis.NewClient(options)
		}
		d.clients[key] = c
	}
	if single, ok := c.(*redis.Client); ok && d.variant == "go-redis-autopipeline" {
		return single.AutoPipeline()
	}
	return c, nil
}
