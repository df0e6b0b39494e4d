// Package top is the subcommand that says which events and which rooms are the
// noisiest.
package top

import (
	"context"
	"errors"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/protocol"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/sioemit/sioemit/internal/traffic"
	"github.com/urfave/cli/v2"
)

// options are the flags of the command.
type options struct {
	commandline.IO
	json  bool
	limit time.Duration // 0 on a terminal: without end
	rows  int
}

// defaultLimit is for how long it counts where no --for is given and nobody looks
// on.
const defaultLimit = 10 * time.Second

// Command is the subcommand.
func Command(p *commandline.Program, flags *settings.Flags) *commandline.Command {
	o := options{IO: p.IO}
	return &commandline.Command{
		Name:  "top",
		Usage: "show which events and rooms are the noisiest",
		Description: `Counts the events of a namespace and shows the most frequent ones, by name and
by room, with events per second and bytes of Redis traffic per second. An event
to several rooms counts for each of them.

   sioemit top                       on a terminal: every two seconds
   sioemit top --for 1m > top.txt    elsewhere: once, at the end
   sioemit top --json | jq -c 'select(.event)'

With --json, each line is an event or a room; the room null is everyone. top
listens as listen does: sioemit listen --help says what it hears with which
adapter, and that sharded servers count it as one of them.`,
		Statuses: map[int]string{
			commandline.StatusFailed: commandline.NoRedis,
			commandline.StatusUsage:  commandline.BadUsage,
		},
		Flags: []cli.Flag{
			&cli.DurationFlag{Name: "for", Destination: &o.limit, Usage: "count for this `TIME`; else for 10s, or on a terminal until Ctrl-C"},
			&cli.IntFlag{Name: "rows", Destination: &o.rows, Value: 10, Usage: "show `N` events, and as many rooms"},
			commandline.JSONFlag(&o.json),
		},
		Run: func(ctx context.Context, _ []string) error {
			s, err := flags.Parse(ctx)
			if err != nil {
				return err
			}
			if p.IsGiven("--for") && o.limit <= 0 || o.rows < 1 {
				return commandline.Usagef("--for must be more than 0, and --rows 1 or more")
			}
			return run(ctx, o, s)
		},
	}
}

// refresh is how long what is on the terminal stays there.
const refresh = 2 * time.Second

func run(ctx context.Context, o options, s *settings.Settings) error {
	r := connect.Open(s)
	defer r.Close()
	heard, err := traffic.Of(r, traffic.Wanted{})
	if err != nil {
		return commandline.Usage(err)
	}
	c := &counter{options: o, traffic: heard, tally: newTally()}
	c.isLive = show.Terminal(o.Out) != nil && !o.json
	if c.limit == 0 && !c.isLive {
		c.limit = defaultLimit
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	return c.run(ctx, r)
}

// counter counts what arrives, and prints it now and then.
type counter struct {
	options
	traffic *traffic.Traffic
	isLive  bool
	tally   *tally
	notice  string // the last one
}

func (c *counter) run(ctx context.Context, r *connect.Redis) error {
	arrivals := make(chan traffic.Arrival, 64)
	failed, ready := c.traffic.Follow(ctx, arrivals)
	var end, tick <-chan time.Time // from when it listens
	for {
		select {
		case a := <-arrivals:
			if a.Notice != "" {
				if err := c.say(a.Notice); err != nil {
					return err
				}
			} else {
				c.count(a)
			}
			if ready.Load() && c.tally.since.IsZero() {
				c.tally.since = time.Now()
				if c.limit > 0 {
					end = time.After(c.limit)
				}
				if c.isLive {
					ticker := time.NewTicker(refresh)
					defer ticker.Stop()
					tick = ticker.C
				}
			}
		case <-tick:
			if err := c.draw(); err != nil {
				return err
			}
			c.tally = newTally()
			c.tally.since = time.Now()
		case <-end:
			if c.isLive {
				return nil
			}
			return c.print()
		case err := <-failed:
			if redis.HasErrorPrefix(err, "CROSSSLOT") {
				return errors.New("this Redis is a node of a Redis Cluster: add --cluster")
			}
			return r.Explain(err)
		case <-ctx.Done():
			if c.isLive {
				return nil
			}
			return errors.Join(c.print(), ctx.Err())
		}
	}
}

// count counts an event. What cannot be decoded, and what is none, is left out.
func (c *counter) count(a traffic.Arrival) {
	m, err := c.traffic.Message(a)
	if err != nil || m == nil || m.Kind != protocol.KindEvent {
		return
	}
	bytes := len(a.Payload)
	for _, field := range a.Fields {
		bytes += len(field)
	}
	c.tally.add(m.Event, m.Rooms, bytes)
}

// say says something about the connection: on a terminal above the tables, which
// would be drawn over it.
func (c *counter) say(text string) error {
	c.notice = show.OneLine(text)
	if c.isLive {
		return c.draw()
	}
	c.Say("%s", c.notice)
	return nil
}
