package main

import (
	"context"
	"errors"
	"io"
	"os"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/urfave/cli/v2"
)

func pipeCommand(stdin io.Reader) *commandline.Command {
	flags := append(targetFlags(), deliveryFlags()...)
	flags = append(flags,
		&cli.StringFlag{Name: "rate", Usage: "send at most so many lines, 500/s or 500/m: `RATE`"},
		&cli.IntFlag{Name: "require", Usage: "exit with 3, and send nothing, if fewer than `N` servers listen on the namespace"},
		&cli.DurationFlag{Name: "retry-for", Usage: "when Redis is gone, try again for this `TIME`"},
		&cli.Int64Flag{Name: "from-line", Value: 1, Usage: "start with line `N`, to resume"},
		&cli.Int64Flag{Name: "max-bad-lines", Value: 20, Usage: "stop after `N` bad lines in a row, 0 never"},
		&cli.BoolFlag{Name: "fail-fast", DisableDefaultText: true, Usage: "stop at the first bad line"},
		&cli.BoolFlag{Name: "dry-run", DisableDefaultText: true, Category: commandline.OutputCategory, Usage: "print the Redis commands, for redis-cli, and send nothing"},
		&cli.BoolFlag{Name: "json", DisableDefaultText: true, Category: commandline.OutputCategory, Usage: "print the summary as JSON, on stdout"},
		&cli.BoolFlag{Name: "quiet", DisableDefaultText: true, Category: commandline.OutputCategory, Usage: "no summary and no progress when all went well, nor a warning that nobody listens"},
	)
	return &commandline.Command{
		Name:  "pipe",
		Usage: "send events from JSON lines",
		Words: "[FILE]",
		Description: `Reads one JSON object a line from FILE or stdin and sends them in order:

   {"event":"paid","args":[{"id":1}],"rooms":["user:7"]}

The other members are namespace, except, volatile and compress; those missing
are taken from the flags. In rooms and except, 5 is the room of join(5), and "5"
that of join("5"); an empty rooms is refused. Blank lines are skipped. What
trickles in, from tail -f for example, is sent as it comes.

   sioemit pipe events.jsonl
   seq 1 9 | jq -c '{event:"n",args:[.]}' | sioemit pipe --room numbers
   sioemit pipe --rate 500/s --retry-for 30s events.jsonl
   sioemit pipe --from-line 4711 events.jsonl      where the last run stopped

A bad line is reported and skipped; after 20 in a row pipe stops, and says what
the input looks like (--max-bad-lines). Every line that is read ends as sent,
rejected or not sent, and the summary adds up; a warning says where nobody
listens. When Redis goes away in the middle, or refuses for now (it is loading,
failing over, or out of memory or disk), --retry-for sends again what it has not
confirmed: such a line may arrive twice, or behind later ones that were under
way with it. Where a run stops because Redis is gone or refuses a line, it says
how to resume.`,
		Global: []string{"namespace"},
		Statuses: map[int]string{
			commandline.StatusFailed:    commandline.NoRedis,
			commandline.StatusUsage:     "bad usage, and nothing was sent; or lines were rejected, and others sent",
			commandline.StatusListeners: commandline.TooFew + "; nothing was sent",
		},
		Flags:  flags,
		Action: func(c *cli.Context) error { return pipe(c, stdin) },
	}
}

func pipe(c *cli.Context, stdin io.Reader) error {
	input, size, err := pipeInput(c, stdin)
	if err != nil {
		return err
	}
	defer input.Close()
	if c.Int("require") < 0 || c.Int64("from-line") < 1 || c.Duration("retry-for") < 0 || c.Int64("max-bad-lines") < 0 {
		return commandline.Usage(errors.New("--require, --retry-for and --max-bad-lines must not be negative, and --from-line starts at 1"))
	}
	limit, err := parseRate(c.String("rate"))
	if err != nil {
		return commandline.Usage(err)
	}
	client, options, err := open(c)
	if err != nil {
		return err
	}
	defer client.Close()
	dryRun := c.Bool("dry-run")
	if err := checkDefaults(c, client, options); err != nil {
		return err
	}
	if !dryRun {
		ctx, cancel := context.WithTimeout(c.Context, c.Duration("timeout"))
		err := requireServers(ctx, c, emitter.New(client, options...).Of(c.String("namespace")))
		cancel()
		if err != nil {
			return unanswered(c, err)
		}
	}

	p := newPiper(c, client, options, limit)
	flush := p.execute
	if dryRun {
		flush = p.print
	}
	p.progress = p.newProgress(size)
	stopProgress := p.progress.show(p)
	// Reading stdin cannot be interrupted; after Ctrl-C, or when Redis is gone
	// for good, the reader is left where it is.
	read := make(chan error, 1)
	go func() { read <- p.read(c.Context, input) }()
	sent := make(chan error, 1)
	go func() { sent <- p.queue.drain(flush) }()
	var readErr, sendErr error
	ended := false // the reading
	select {
	case readErr = <-read:
		ended = true
		p.queue.close()
		sendErr = <-sent
	case <-c.Context.Done():
		p.queue.close()
		sendErr = <-sent
	case sendErr = <-sent:
	}
	stopProgress()
	err = p.finish(readErr, sendErr)
	if ended && sendErr == nil && p.sent.Load() > 0 && !dryRun && !c.Bool("quiet") {
		p.warnUnheard(client, emitter.New(client, options...))
	}
	return err
}

// checkDefaults refuses flags with which no line could be sent.
func checkDefaults(c *cli.Context, client redis.UniversalClient, options []emitter.Option) error {
	if err := targeted(c, emitter.New(client.Pipeline(), options...)).Emit(c.Context, "never sent"); err != nil {
		return inputError(c, err)
	}
	return nil
}

// pipeInput opens FILE, or takes stdin. The size is -1 where it is not known.
func pipeInput(c *cli.Context, stdin io.Reader) (io.ReadCloser, int64, error) {
	if c.Args().Len() > 1 {
		return nil, 0, commandline.Usagef("pipe takes one FILE, not %d", c.Args().Len())
	}
	name := c.Args().First()
	if name == "" || name == "-" {
		return io.NopCloser(stdin), -1, nil
	}
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
