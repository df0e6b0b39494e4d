// Package listen is the subcommand that prints the events that go through Redis.
package listen

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os/signal"
	"slices"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/encoding"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/sioemit/sioemit/internal/traffic"
	"github.com/urfave/cli/v2"
)

// Command is the subcommand.
func Command(p *commandline.Program, flags *settings.Flags) *commandline.Command {
	const filterCategory = "Which events:"
	o := options{IO: p.IO}
	var rooms, events cli.StringSlice
	var numbers cli.Float64Slice
	return &commandline.Command{
		Name:  "listen",
		Usage: "print the events that go through Redis",
		Description: `Subscribes as the servers do and prints each event of the namespace. On a
terminal it prints them for people, cut to one line; elsewhere, or with --json,
as the JSON lines that pipe reads:

   18:54:29.123 / [user:7] paid {"id":1}
   {"event":"paid","args":[{"id":1}],"namespace":"/","rooms":["user:7"]}

   sioemit listen                                    until Ctrl-C
   sioemit listen --room user:7 --event paid
   sioemit listen --event ready --count 1 --for 30s  wait for an event
   sioemit listen | sioemit --redis OTHER pipe       mirror a namespace
   sioemit listen --time > today.jsonl               with "time" in each line
   sioemit listen --adapter streams --since 0        all that Redis still holds
   sioemit listen --requests | jq -c 'select(.reply)'

Once "listening on ..." is on stderr, nothing is missed. When the connection to
Redis is lost, listen reconnects, and says that it missed what came meanwhile.
With streams, it continues after the last entry, and misses only what Redis no
longer holds. If the output is slower than the messages, Redis disconnects a
subscriber, or trims a stream before it is read: stderr says so, and how many
entries of a stream were missed (Redis 7).

--requests also prints what is not a plain event, as objects with "request" or
"reply": joins, leaves, disconnects, questions, events with acknowledgement,
events for servers, and what servers answer. If somebody asks for sockets, the
answers hold the cookies and tokens of clients: do not log them. pipe rejects
these lines.

What cannot be decoded is printed as {"undecodable":...}, with the reason and
the payload, on stderr, or with --requests on stdout. sioemit decode explains
it.

ADAPTERS:
   classic  All rooms.
   sharded  Events to a single room have a channel of their own, unless the
            servers set subscriptionMode static. listen follows the channels
            that servers have for rooms, a new one within a second. It does not
            hear an event to a room that no server has, unless --room names the
            room; then it hears no other rooms. Events to different rooms may
            come in another order. The servers count listen as one of them, but
            sioemit servers does not. So listen answers like a server without
            clients: fetchSockets() and emitWithAck() go on as before, but a
            serverSideEmit() with acknowledgement waits for one answer too many
            and times out. To avoid that, listen on a replica of Redis. A
            replica does not know which rooms there are: name them with --room.
            Replies to a server are heard once its channel is followed.
   streams  All rooms. With --sharded-pubsub --requests, see sharded.
   python   All rooms.

The exit status is 0 after --count lines, after --for, on Ctrl-C, and when
nobody reads the output any more. With fewer than --count lines, it is 4 after
--for and 130 on Ctrl-C. It is 4 if --for ends before listen is ready. If nobody
takes the last output, listen gives up after --timeout, with status 1.`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:  commandline.NoRedis,
			commandline.StatusUsage:   commandline.BadUsage,
			commandline.StatusReplies: "time ran out (--for) before it listened, or before --count lines came",
		},
		Flags: []cli.Flag{
			&cli.StringSliceFlag{Name: "room", Aliases: []string{"r", "to"}, Destination: &rooms, Category: filterCategory, Usage: "only events to this `ROOM`; repeatable"},
			&cli.Float64SliceFlag{Name: "room-number", Destination: &numbers, Category: filterCategory, Usage: "only events to the room that is the number `N`; repeatable"},
			&cli.StringSliceFlag{Name: "event", Destination: &events, Category: filterCategory, Usage: "only events of this `NAME`; repeatable"},
			&cli.BoolFlag{Name: "requests", Destination: &o.requests, Category: filterCategory, Usage: "also requests and replies"},
			&cli.StringFlag{Name: "since", Destination: &o.since, Category: filterCategory, Usage: "streams: start after the entry with this `ID`; 0: from the first"},
			commandline.JSONFlag(&o.json),
			&cli.BoolFlag{Name: "time", Destination: &o.time, Category: commandline.OutputCategory, Usage: "add to JSON lines when the event came, or when it entered the stream"},
			&cli.IntFlag{Name: "count", Destination: &o.count, Usage: "stop after `N` lines"},
			&cli.DurationFlag{Name: "for", Destination: &o.limit, Usage: "stop after this `TIME`"},
		},
		Run: func(ctx context.Context, _ []string) error {
			s, err := flags.Parse(ctx)
			if err != nil {
				return err
			}
			o.rooms, o.events = settings.Rooms(rooms.Value(), numbers.Value()), events.Value()
			if err := o.check(p, s); err != nil {
				return commandline.Usage(err)
			}
			return run(ctx, o, s)
		},
	}
}

// options are the flags of the command.
type options struct {
	commandline.IO
	rooms    []encoding.Room
	events   []string
	requests bool
	json     bool // also on a terminal
	time     bool // in the lines
	since    string
	count    int           // 0: without end
	limit    time.Duration // likewise
}

// check refuses what the flags must not be.
func (o *options) check(p *commandline.Program, s *settings.Settings) error {
	_, _, sinceErr := traffic.ParseID(o.since)
	hasSince := p.IsGiven("--since")
	switch {
	case p.IsGiven("--count") && o.count < 1:
		return errors.New("--count must be 1 or more")
	case p.IsGiven("--for") && o.limit <= 0:
		return errors.New("--for must be more than 0")
	case hasSince && s.Adapter != settings.Streams:
		return fmt.Errorf("--since needs --adapter streams: the %s adapter keeps nothing", s.Adapter)
	case hasSince && sinceErr != nil:
		return fmt.Errorf("--since must be the ID of a stream entry, such as 1700000000000-0, or 0, not %q", o.since)
	case slices.Contains(o.rooms, ""):
		return errors.New("--room must not be empty")
	}
	return nil
}

func run(ctx context.Context, o options, s *settings.Settings) error {
	r := connect.Open(s)
	defer r.Close()
	heard, err := traffic.Of(r, traffic.Wanted{Requests: o.requests, Rooms: o.rooms, Since: o.since})
	if err != nil {
		return commandline.Usage(err)
	}
	// Writing to a pipe that nobody reads is an error then, not a signal.
	signal.Ignore(syscall.SIGPIPE)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	p := &printer{options: o, traffic: heard, namespace: s.Namespace, out: bufio.NewWriterSize(o.Out, 64<<10)}
	if terminal := show.Terminal(o.Out); terminal != nil && !o.json && !o.time {
		p.people = newPeople(terminal)
	}
	return p.run(ctx, r)
}

// run prints what arrives until it is told to stop or has printed enough. The
// printing has a goroutine of its own, because it waits for whoever reads it.
func (p *printer) run(ctx context.Context, r *connect.Redis) error {
	arrivals := make(chan traffic.Arrival, 64) // few: a message may be large
	failed, ready := p.traffic.Follow(ctx, arrivals)
	var timeIsOut <-chan time.Time
	if p.limit > 0 {
		timer := time.NewTimer(p.limit)
		defer timer.Stop()
		timeIsOut = timer.C
	}
	stop, printed := make(chan struct{}), make(chan error, 1)
	go func() { printed <- p.printAll(arrivals, stop) }()
	defer p.sayWhere()
	timeout := r.Settings.Redis.Timeout
	var err error
	select {
	case err := <-printed:
		return p.flushed(err)
	case <-readerGone(ctx, p.Out):
	case err = <-failed:
		if redis.HasErrorPrefix(err, "CROSSSLOT") {
			err = errors.New("this Redis is a node of a Redis Cluster: add --cluster")
		} else {
			err = r.Explain(err)
		}
	case <-timeIsOut:
		early := ""
		if !ready.Load() {
			early = ", before it listened"
		}
		if p.count > 0 {
			early += fmt.Sprintf(": %d of %d printed", p.printed.Load(), p.count)
		}
		if early != "" {
			err = commandline.Repliesf("time ran out after %v (--for)%s", p.limit, early)
		}
	case <-ctx.Done():
		if p.count > 0 {
			err = ctx.Err()
		}
	}
	close(stop)
	select {
	case printErr := <-printed:
		if err == nil {
			err = p.flushed(printErr)
		}
	case <-time.After(timeout):
		err = fmt.Errorf("nobody reads the output: what came last was not written within %v (--timeout)", timeout)
	}
	return err
}

// printAll prints what arrives until stop is closed or it has printed enough.
func (p *printer) printAll(arrivals <-chan traffic.Arrival, stop <-chan struct{}) error {
	for {
		select {
		case a := <-arrivals:
			if err := p.print(a); err != nil {
				return err
			}
			if p.enough() {
				return p.flush()
			}
			if len(arrivals) == 0 {
				if err := p.flush(); err != nil {
					return err
				}
			}
		case <-stop:
			return p.flush()
		}
	}
}

func (p *printer) flush() error {
	err := p.out.Flush()
	if err == nil {
		p.writtenID.Store(p.lastID)
	}
	return err
}

// flushed turns the error of writing to a reader that has gone, such as head,
// into the end of the work.
func (p *printer) flushed(err error) error {
	if errors.Is(err, syscall.EPIPE) {
		return nil
	}
	return err
}

// sayWhere tells how to go on later, where that is possible, and that it is not
// as if nothing had been missed.
func (p *printer) sayWhere() {
	if missed := p.missed.Load(); missed > 0 {
		p.say("warning: %d entries were missed", missed)
	}
	if id, _ := p.writtenID.Load().(string); id != "" {
		p.say("the last entry read is %s; --since %[1]s continues after it", id)
	}
}

func (p *printer) say(format string, args ...any) {
	p.Say("%s", show.OneLine(fmt.Sprintf(format, args...)))
}

func (p *printer) enough() bool {
	return p.count > 0 && int(p.printed.Load()) >= p.count
}
