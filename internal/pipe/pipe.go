// Package pipe is the command that sends events from JSON lines: in order, many
// in one round trip, and such that every line is accounted for.
package pipe

import (
	"context"
	"io"
	"os"
	"slices"
	"time"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/outcome"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/urfave/cli/v2"
)

// options are what the flags say.
type options struct {
	commandline.IO
	settings *settings.Settings
	target   settings.Target

	rate, checkpointFile  string
	require               int
	retryFor              time.Duration
	fromLine, maxBadLines int64

	replays, confirms, noPace     bool
	failFast, dryRun, json, quiet bool
}

// Command is the command pipe.
func Command(p *commandline.Program, flags *settings.Flags) *commandline.Command {
	o := options{IO: p.IO}
	var target settings.TargetFlags
	return &commandline.Command{
		Name:  "pipe",
		Usage: "send events from JSON lines",
		Words: "[FILE]",
		Description: `Reads one JSON object per line from FILE or stdin and sends them in order:

   {"event":"paid","args":[{"id":1}],"rooms":["user:7"]}

The other members are namespace, except, volatile, compress, and the time that
listen --time writes. What a line lacks comes from the flags. In rooms and
except, 5 is the room of join(5), and "5" that of join("5"). An empty rooms is
refused. Blank lines are skipped. Lines that trickle in, as from tail -f, are
sent as they come.

   sioemit pipe events.jsonl
   seq 1 9 | jq -c '{event:"n",args:[.]}' | sioemit pipe --room numbers
   sioemit pipe --rate 500/s --retry-for 30s events.jsonl
   sioemit pipe --from-line 4711 events.jsonl      resume where a run stopped
   sioemit pipe --checkpoint FILE events.jsonl     remember where it stopped
   sioemit pipe --replay today.jsonl               at the pace of the times in
                                                   the lines

While it sends, pipe keeps asking the servers whether they have taken the lines,
and stays at most 4 MB ahead of their answers: Redis disconnects a server that
falls far behind. If a server does not answer within --timeout, pipe stops with
status 4 and says how to resume. Servers of Socket.IO 1 to 3 and of
python-socketio cannot be asked; there, pipe watches how much Redis holds back
for them. If it can do neither, it says so and goes on.

--checkpoint records in a file up to which line the servers are known to have
everything. The same command then continues after that line, even after kill -9
or a power failure: no line is lost, but the last ones may be sent again. If the
input has grown, it sends what is new.

A bad line is reported and skipped. After 20 in a row, pipe stops and says what
the input looks like (--max-bad-lines). Every line that is read ends as sent,
rejected or not sent, and the summary adds up. A warning says where nobody
listens. If Redis goes away, or refuses for now (it is loading, failing over, or
out of memory or disk), --retry-for sends again what Redis has not confirmed.
Such a line may arrive twice, or after later lines that were under way with it.
If a run stops because Redis is gone or refuses a line, it says how to resume.`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:    commandline.NoRedis,
			commandline.StatusUsage:     "bad usage, and nothing was sent; or bad lines, and the others were sent",
			commandline.StatusListeners: commandline.TooFew + "; nothing was sent",
			commandline.StatusReplies:   "not every server has the lines that were sent, or that is not known",
		},
		Flags: slices.Concat(target.Rooms(), target.Delivery(), []cli.Flag{
			&cli.StringFlag{Name: "rate", Destination: &o.rate, Usage: "send no more lines than this, such as 500/s, 500/m or 5k/s: `RATE`"},
			&cli.BoolFlag{Name: "replay", Destination: &o.replays, Usage: "send at the pace of the time in each line"},
			&cli.StringFlag{Name: "checkpoint", Destination: &o.checkpointFile, TakesFile: true, Usage: "resume where `FILE` says, and record the progress there"},
			&cli.IntFlag{Name: "require", Destination: &o.require, Usage: "exit with 3, and send nothing, if fewer than `N` servers listen on the namespace"},
			&cli.BoolFlag{Name: "confirm", Destination: &o.confirms, Usage: "also exit with 4 if no server listens, or if it cannot be known that servers have the lines"},
			&cli.BoolFlag{Name: "no-pace", Destination: &o.noPace, Usage: "do not wait for servers: Redis disconnects those that fall behind, and they lose lines"},
			&cli.DurationFlag{Name: "retry-for", Destination: &o.retryFor, Usage: "if Redis goes away, keep trying for this `TIME`"},
			&cli.Int64Flag{Name: "from-line", Destination: &o.fromLine, Value: 1, Usage: "start with line `N`, to resume"},
			&cli.Int64Flag{Name: "max-bad-lines", Destination: &o.maxBadLines, Value: 20, Usage: "stop after `N` bad lines in a row; 0: never"},
			&cli.BoolFlag{Name: "fail-fast", Destination: &o.failFast, Usage: "stop at the first bad line"},
			&cli.BoolFlag{Name: "dry-run", Destination: &o.dryRun, Category: commandline.OutputCategory, Usage: "print the Redis commands for redis-cli, and send nothing"},
			&cli.BoolFlag{Name: "json", Destination: &o.json, Category: commandline.OutputCategory, Usage: "print the summary, or the commands of --dry-run, as JSON, one object per line"},
			&cli.BoolFlag{Name: "quiet", Destination: &o.quiet, Category: commandline.OutputCategory, Usage: "on success, print no summary, no progress, and no warning that nobody listens"},
		}),
		Run: func(ctx context.Context, words []string) error {
			s, err := flags.Parse(ctx)
			if err != nil {
				return err
			}
			o.settings, o.target = s, target.Parse(p, s)
			return run(ctx, o, words)
		},
	}
}

func run(ctx context.Context, o options, words []string) error {
	input, size, err := open(words, o.In)
	if err != nil {
		return err
	}
	defer input.Close()
	if o.require < 0 || o.fromLine < 1 || o.retryFor < 0 || o.maxBadLines < 0 {
		return commandline.Usagef("--require, --retry-for and --max-bad-lines must not be negative, and --from-line starts at 1")
	}
	if o.confirms && o.noPace {
		return commandline.Usagef("use --confirm or --no-pace, not both")
	}
	if o.confirms && o.settings.Version < 4 {
		return outcome.Refused(&o.settings.Servers, "pipe --confirm", emitter.ErrNeedsVersion4)
	}
	switch {
	case o.replays && o.rate != "":
		return commandline.Usagef("use --replay or --rate, not both")
	case o.checkpointFile != "" && (o.dryRun || o.fromLine > 1):
		return commandline.Usagef("--checkpoint cannot be used with --from-line or --dry-run: it says where to begin, and sends")
	}
	limit, err := parseRate(o.rate)
	if err != nil {
		return commandline.Usage(err)
	}
	open := connect.Open
	if o.settings.Adapter == settings.Streams { // PUBLISH works while Redis is loading
		open = connect.OpenInOrder
	}
	r := open(o.settings)
	defer r.Close()
	if err := o.checkDefaults(ctx, r); err != nil {
		return err
	}
	if !o.dryRun {
		inTime, cancel := context.WithTimeout(ctx, o.settings.Redis.Timeout)
		err := outcome.Require(inTime, o.require, r.Emitter(r.Client).Of(o.settings.Namespace))
		cancel()
		if err != nil {
			return outcome.Unanswered(r, "pipe", err)
		}
	}

	var kept *checkpoint
	if o.checkpointFile != "" {
		if kept, err = openCheckpoint(o.checkpointFile); err != nil {
			return err
		}
		o.fromLine = kept.done.Line + 1
	}
	p := newPiper(ctx, o, r, limit)
	p.checkpoint = kept
	flush := p.execute
	switch {
	case o.dryRun:
		flush = p.print
	case !o.noPace:
		if p.keepUp, err = newKeepUp(p); err != nil {
			return err
		}
	}
	p.progress = p.newProgress(size)
	stopProgress := p.progress.show(p)
	// Reading stdin cannot be interrupted; after Ctrl-C, or when Redis is gone
	// for good, the reader is left where it is.
	read := make(chan error, 1)
	go func() { read <- p.read(input) }()
	sent := make(chan error, 1)
	go func() { sent <- p.queue.drain(flush) }()
	var readErr, sendErr error
	ended := false // the reading
	select {
	case readErr = <-read:
		ended = true
		p.queue.close()
		sendErr = <-sent
	case <-ctx.Done():
		p.queue.close()
		sendErr = <-sent
	case sendErr = <-sent:
	}
	stopProgress()
	err = p.finish(readErr, sendErr)
	if ended && sendErr == nil && p.sent.Load() > 0 && !o.dryRun && !o.quiet && commandline.Status(err) != commandline.StatusReplies {
		p.warnUnheard()
	}
	return err
}

// checkDefaults refuses flags with which no line could be sent.
func (o *options) checkDefaults(ctx context.Context, r *connect.Redis) error {
	if err := o.target.Of(r.Emitter(r.Client.Pipeline())).Emit(ctx, "never sent"); err != nil {
		return o.refused(err)
	}
	return nil
}

// refused is an error about a line, or about the flags for all of them.
func (o *options) refused(err error) error {
	return outcome.Refused(&o.settings.Servers, "pipe", err)
}

// open opens FILE, or takes stdin. The size is -1 where it is not known.
func open(words []string, stdin io.Reader) (io.ReadCloser, int64, error) {
	if len(words) > 1 {
		return nil, 0, commandline.Usagef("pipe takes one FILE, not %d", len(words))
	}
	if len(words) == 0 || words[0] == "" || words[0] == "-" {
		return io.NopCloser(stdin), -1, nil
	}
	name := words[0]
	file, err := os.Open(name)
	if err != nil {
		return nil, 0, commandline.Usage(err)
	}
	info, err := file.Stat()
	if err != nil {
		return nil, 0, commandline.Usage(err)
	}
	if info.IsDir() {
		return nil, 0, commandline.Usagef("%s is a directory", name)
	}
	if !info.Mode().IsRegular() {
		return file, -1, nil
	}
	return file, info.Size(), nil
}
