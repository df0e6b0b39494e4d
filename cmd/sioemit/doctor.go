package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/urfave/cli/v2"
)

func doctorCommand(program *commandline.Program) *commandline.Command {
	return &commandline.Command{
		Name:  "doctor",
		Usage: "find out why nothing arrives",
		Description: `Give it the flags that you give emit. It checks Redis, what this user may do
there, which servers listen and whether they answer, compares that with the
flags, and prints the command line that is right. It emits nothing, and asks
servers only what harms none.

   sioemit doctor                       do the defaults reach anybody?
   sioemit doctor --key myapp -n admin  do these settings?
   sioemit doctor --room user:7         is a client in that room?
   sioemit doctor --for 1m              what do other emitters publish?
   sioemit doctor --json                a line per finding, then the conclusion

The sharded and the streams adapter tell who is in a room only together with
socket.data, and a server whose data is circular ends when it has to write that
down. So they are not asked without --fetch-sockets.`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusDone:    "an event reaches servers that answer, and a client of --room",
			commandline.StatusFailed:  "something is wrong",
			commandline.StatusUsage:   commandline.BadUsage,
			commandline.StatusReplies: "nothing seen wrong, but not everything could be checked",
		},
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "room", Aliases: []string{"r", "to"}, Category: settings.TargetCategory, KeepSpace: true, Usage: "look for clients in this `ROOM`, too; repeatable"},
			&cli.Float64SliceFlag{Name: "room-number", Category: settings.TargetCategory, Usage: "and in the room that is the number `N`; repeatable"},
			&cli.BoolFlag{Name: "fetch-sockets", DisableDefaultText: true, Category: settings.TargetCategory, Usage: "ask sharded and streams servers for the clients of the room, with their data"},
			&cli.DurationFlag{Name: "for", Value: time.Second, Usage: "watch for this `TIME` what other emitters publish"},
			commandline.JSONFlag(nil),
		},
		Action: func(c *cli.Context) error { return doctor(c, program) },
	}
}

// settings are what the flags say about the servers.
type servers struct {
	adapter       string
	key           string
	namespace     string
	rooms         []encoding.Room
	version       int
	codec         string
	mode          encoding.SubscriptionMode
	streamName    string
	streamCount   int
	shardedPubSub bool
}

func serversOf(c *cli.Context) servers {
	s := servers{
		adapter: c.String("adapter"), key: c.String("key"), namespace: encoding.Namespace(c.String("namespace")), rooms: roomsOf(c, "room"),
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

// patient is the set-up that doctor looks at, and what it has found out so far.
type patient struct {
	servers
	diagnosis
	client       redis.UniversalClient
	sentinels    []*settings.URL // that the client asks for its Redis
	options      []emitter.Option
	command      []any // the Redis command that an event to --room, or to everyone, becomes
	fetchSockets bool  // servers may be asked for socket.data

	node      *redis.Client // one node, for what any of them can tell
	major     int           // version of Redis, 0 when not known
	replica   bool
	master    string                // address of the master when this is a replica
	replicas  []string              // addresses of the replicas when this is a master
	own       redis.UniversalClient // made here, and to be closed
	listened  census
	seen      bool   // listened is all
	suggested *group // the servers that the advice leads to
}

func doctor(c *cli.Context, program *commandline.Program) error {
	if err := noArguments(c); err != nil {
		return err
	}
	if c.Duration("for") < 0 {
		return commandline.Usage(errors.New("--for must not be less than 0"))
	}
	client, options, err := open(c)
	if err != nil {
		return err
	}
	defer client.Close()
	// A context that is cancelled does not end the wait for an answer.
	defer context.AfterFunc(c.Context, func() { client.Close() })()
	given := program.Given()
	p := &patient{servers: serversOf(c), client: client, options: options, fetchSockets: c.Bool("fetch-sockets")}
	for _, g := range given {
		p.given = append(p.given, g.Name)
	}
	p.report = func(f finding) error {
		if err := c.Context.Err(); err != nil {
			return err // what was found last may be no more than that
		}
		return printFinding(c)(f)
	}
	defer p.close()
	if s, err := parsed(); err == nil && s.Redis.IsSentinel() {
		p.sentinels = s.Redis.URLs
	}
	if err := p.prepare(c.Context); err != nil {
		return err
	}
	p.examine(c.Context, c.Duration("timeout"), c.Duration("for"))
	if err := errors.Join(c.Context.Err(), p.err); err != nil {
		return err
	}
	if err := p.printConclusion(c, given); err != nil {
		return err
	}
	return p.verdict()
}

// prepare builds the command that an event would become, without sending it,
// so that settings that emit would refuse are refused here in the same words.
func (p *patient) prepare(ctx context.Context) error {
	pipe := p.client.Pipeline()
	op := emitter.New(pipe, p.options...).Of(p.namespace)
	for _, room := range p.rooms {
		if n, ok := room.Number(); ok {
			op = op.ToNumber(n)
		} else {
			op = op.To(string(room))
		}
	}
	p.command = nil
	err := op.Emit(ctx, "doctor")
	switch {
	case errors.Is(err, encoding.ErrUnreadStream):
		p.fail("stream", fmt.Sprintf("No server can read what is sent to namespace %s with %d streams.", p.namespace, p.streamCount),
			"The streams adapter computes a stream number below 0 from some names, and no server reads that one. Use another namespace, or another streamCount on the servers.")
	case err != nil:
		return commandline.Usage(errors.New(strings.TrimPrefix(err.Error(), "emitter: ")))
	default:
		p.command = pipe.Cmds()[0].Args()
	}
	return nil
}

// examine goes from the connection to the client, and stops where nothing
// further can be seen.
func (p *patient) examine(ctx context.Context, timeout, watched time.Duration) {
	inTime, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if !p.checkConnection(inTime) || !p.checkServer(inTime) {
		return
	}
	others := p.watchOthers(ctx, inTime, watched)
	p.checkDelivery(inTime)
	if inTime.Err() != nil {
		p.unsure("time", fmt.Sprintf("Time ran out after %v: not everything was checked.", timeout), "Give it more with --timeout.")
	}
	p.conclude()
	p.checkOthers(others)
}

// checkDelivery follows an event to the servers, and to the clients of its room.
func (p *patient) checkDelivery(ctx context.Context) {
	p.seen = p.observe(ctx)
	var here *group
	if p.seen {
		here = p.checkServers()
	}
	p.checkReplica(here != nil || !p.seen)
	if here == nil && p.suggested != nil {
		// The other checks are about what is suggested, so that one run finds
		// all the flags.
		here = p.suggested
		if err := p.adopt(ctx, *here); err != nil {
			p.unsure("servers", fmt.Sprintf("With those flags, nothing more could be checked: %v.", err), "")
			return
		}
	}
	p.checkPermissions(ctx)
	if here == nil {
		return
	}
	p.checkAnswers(ctx, here)
}

// adopt makes the settings those of a group of servers.
func (p *patient) adopt(ctx context.Context, g group) error {
	p.adapter, p.key, p.namespace, p.shardedPubSub = g.adapter, g.key, g.namespace, g.shardedPubSub
	switch g.adapter {
	case "sharded":
		p.options = []emitter.Option{emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions{ChannelPrefix: p.key, SubscriptionMode: p.mode}))}
	case "streams":
		if g.stream != "" {
			p.streamName, p.streamCount = g.stream, 1
		}
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
