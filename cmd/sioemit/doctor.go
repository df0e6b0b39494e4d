package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/urfave/cli/v2"
)

func doctorCommand() *cli.Command {
	return &cli.Command{
		Name:  "doctor",
		Usage: "find out why nothing arrives",
		Description: `Give it the flags that you give emit. It checks Redis, what this user may do
there, which servers listen and whether they answer, compares that with the
flags, and says which to add and which to leave out. It changes nothing and
emits nothing; the servers are asked who is in a room.

   sioemit doctor                       do the defaults reach anybody?
   sioemit doctor --key myapp -n admin  do these settings?
   sioemit doctor --room user:7         is a client in that room?
   sioemit doctor --json                the findings, with the flags to change

It ends with 0 unless a finding is a failure.

` + footer,
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "room", Aliases: []string{"r", "to"}, Category: targetCategory, KeepSpace: true, Usage: "look for clients in this `ROOM`, too; repeatable"},
			jsonFlag(),
		},
		Action: doctor,
	}
}

// settings are what the flags say about the servers.
type settings struct {
	adapter       string
	key           string
	namespace     string
	rooms         []string
	version       int
	codec         string
	mode          encoding.SubscriptionMode
	streamName    string
	streamCount   int
	shardedPubSub bool
}

func settingsOf(c *cli.Context) settings {
	s := settings{
		adapter: c.String("adapter"), key: c.String("key"), namespace: encoding.Namespace(c.String("namespace")), rooms: c.StringSlice("room"),
		version: c.Int("server-version"), codec: c.String("codec"), mode: encoding.SubscriptionMode(c.String("subscription-mode")),
		streamName: c.String("stream-name"), streamCount: c.Int("stream-count"), shardedPubSub: c.Bool("sharded-pubsub"),
	}
	if s.key == "" {
		s.key = encoding.DefaultKey
	}
	if s.streamName == "" {
		s.streamName = encoding.DefaultKey
	}
	return s
}

// givenFlags are the names of the global flags on the command line. Package cli
// takes those of the environment for given, too.
func givenFlags(c *cli.Context) (names []string) {
	for _, f := range c.App.Flags {
		name := f.Names()[0]
		given := c.IsSet(name)
		if f, ok := f.(cli.DocGenerationFlag); ok {
			for _, env := range f.GetEnvVars() {
				if value := os.Getenv(env); value != "" && value == fmt.Sprint(c.Value(name)) {
					given = false
				}
			}
		}
		if given {
			names = append(names, "--"+name)
		}
	}
	return names
}

// patient is the set-up that doctor looks at, and what it has found out so far.
type patient struct {
	settings
	diagnosis
	client    redis.UniversalClient
	sentinels []*target // that the client asks for its Redis
	options   []emitter.Option
	command   []any // the Redis command that an event to --room, or to everyone, becomes

	node      *redis.Client // one node, for what any of them can tell
	major     int           // version of Redis, 0 when not known
	replica   bool
	master    string                // address of the master when this is a replica
	own       redis.UniversalClient // made here, and to be closed
	listened  traffic
	suggested *group // the servers that the advice leads to
}

func doctor(c *cli.Context) error {
	if err := noArguments(c); err != nil {
		return err
	}
	client, options, err := open(c)
	if err != nil {
		return err
	}
	defer client.Close()
	// A context that is cancelled does not end the wait for an answer.
	defer context.AfterFunc(c.Context, func() { client.Close() })()
	timeout := c.Duration("timeout")
	ctx, cancel := context.WithTimeout(c.Context, timeout)
	defer cancel()

	p := &patient{settings: settingsOf(c), diagnosis: diagnosis{given: givenFlags(c)}, client: client, options: options}
	defer p.close()
	if client, ok := client.(*redis.Client); ok && isSentinel(client) {
		if p.sentinels, err = targetsOf(c); err != nil {
			return err
		}
	}
	if err := p.prepare(ctx); err != nil {
		return err
	}
	p.examine(ctx)
	if err := c.Context.Err(); err != nil {
		return err // what was found last may be no more than that
	}
	if ctx.Err() != nil {
		p.warn("time", fmt.Sprintf("Time ran out after %v: not everything was checked.", timeout), "Give it more with --timeout.")
	}
	if err := p.print(c); err != nil {
		return err
	}
	if failed := p.count(failure); failed > 0 {
		return fmt.Errorf("%d of %s failed", failed, plural(len(p.findings), "check"))
	}
	return nil
}

// prepare builds the command that an event would become, without sending it,
// so that settings that emit would refuse are refused here in the same words.
func (p *patient) prepare(ctx context.Context) error {
	pipe := p.client.Pipeline()
	op := emitter.New(pipe, p.options...).Of(p.namespace)
	if len(p.rooms) > 0 {
		op = op.To(p.rooms...)
	}
	p.command = nil
	err := op.Emit(ctx, "doctor")
	switch {
	case errors.Is(err, encoding.ErrUnreadStream):
		p.fail("stream", fmt.Sprintf("No server can read what is sent to namespace %s with %d streams.", p.namespace, p.streamCount),
			"The streams adapter computes a stream number below 0 from some names, and no server reads that one. Use another namespace, or another streamCount on the servers.")
	case err != nil:
		return usageError{errors.New(strings.TrimPrefix(err.Error(), "emitter: "))}
	default:
		p.command = pipe.Cmds()[0].Args()
	}
	return nil
}

// examine goes from the connection to the client, and stops where nothing
// further can be seen.
func (p *patient) examine(ctx context.Context) {
	if !p.checkConnection(ctx) || !p.checkServer(ctx) {
		return
	}
	seen := p.observe(ctx)
	var here *group
	if seen {
		here = p.checkServers()
	}
	p.checkReplica(here != nil || !seen)
	if here == nil && p.suggested != nil {
		// The other checks are about what is suggested, so that one run finds
		// all the flags.
		here = p.suggested
		if err := p.adopt(ctx, *here); err != nil {
			p.warn("servers", fmt.Sprintf("With those flags, nothing more could be checked: %v.", err), "")
			return
		}
	}
	p.checkPermissions(ctx)
	if here == nil {
		return
	}
	a := p.checkAnswers(ctx, here)
	switch p.adapter {
	case "sharded":
		p.checkMode(here, a)
	case "streams":
		p.checkStream(ctx, here)
	}
}

// adopt makes the settings those of a group of servers.
func (p *patient) adopt(ctx context.Context, g group) error {
	p.adapter, p.key, p.namespace, p.shardedPubSub = g.adapter, g.key, g.namespace, g.shardedPubSub
	switch g.adapter {
	case "sharded":
		p.options = []emitter.Option{emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{ChannelPrefix: p.key, SubscriptionMode: p.mode}))}
	case "streams":
		p.options = []emitter.Option{emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{
			ChannelPrefix: p.key, StreamName: p.streamName, StreamCount: p.streamCount, UseShardedPubSub: p.shardedPubSub,
		}))}
	default:
		p.options = []emitter.Option{emitter.WithServerVersion(p.version), emitter.WithKey(p.key)}
	}
	return p.prepare(ctx)
}

// close closes the client that doctor has made for itself.
func (p *patient) close() {
	if p.own != nil {
		p.own.Close()
	}
}
