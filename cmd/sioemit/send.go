package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/urfave/cli/v2"
)

// sendFlags are those of commands that send something. What becomes of it when
// too few servers listen is said by them.
func sendFlags(tooFew string) []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "require", Usage: "exit with 3 if fewer than `N` servers listen on the namespace; " + tooFew},
		&cli.BoolFlag{Name: "dry-run", DisableDefaultText: true, Category: commandline.OutputCategory, Usage: "print the Redis command, for redis-cli, and send nothing"},
		&cli.BoolFlag{Name: "json", DisableDefaultText: true, Category: commandline.OutputCategory, Usage: "print the result as JSON"},
		&cli.BoolFlag{Name: "quiet", DisableDefaultText: true, Category: commandline.OutputCategory, Usage: "print nothing when all went well; who listens is a matter of --require"},
	}
}

// send lets queue put something into a pipeline: with --dry-run it is looked at
// there, otherwise it goes out with the question of who listens. An error of
// queue is one of the input, because nothing has been sent then.
func send(c *cli.Context, what string, queue func(*emitter.BroadcastOperator) error) error {
	if err := checkRequire(c); err != nil {
		return err
	}
	client, options, err := open(c)
	if err != nil {
		return err
	}
	defer client.Close()
	pipe := client.Pipeline()
	err = queue(targeted(c, emitter.New(pipe, options...)))
	switch {
	case errors.Is(err, emitter.ErrPipelined): // for the caller, which knows another way
		return err
	case err != nil:
		return inputError(c, err)
	}
	command := pipe.Cmds()[0]
	if c.Bool("dry-run") {
		return printCommand(c, command.Args())
	}
	timeout := c.Duration("timeout")
	ctx, cancel := context.WithTimeout(c.Context, timeout)
	defer cancel()
	var told func() delivery
	var count func() (int, error)
	if isCounted(c) {
		told = askDelivery(c, pipe)
		count = countServers(ctx, c, client, pipe, emitter.New(client, options...))
	}
	if err := executed(ctx, pipe); err != nil {
		return explain(c, err)
	}
	if !isCounted(c) {
		return nil
	}
	return report(c, what, told(), count)
}

func checkRequire(c *cli.Context) error {
	if c.Int("require") < 0 {
		return commandline.Usage(errors.New("--require must not be negative"))
	}
	return nil
}

// isCounted reports whether it matters how many servers listen.
func isCounted(c *cli.Context) bool {
	return !c.Bool("quiet") || c.Bool("json") || c.Int("require") > 0
}

// executed executes pipe and returns what became of its first command. When the
// connection could not be set up, with a wrong password for example, go-redis
// returns that from Exec without telling the commands.
func executed(ctx context.Context, pipe redis.Pipeliner) error {
	cmds, err := pipe.Exec(ctx)
	if err == nil || cmds[0].Err() != nil {
		return cmds[0].Err()
	}
	for _, cmd := range cmds {
		if cmd.Err() != nil {
			return nil // err is that of another command
		}
	}
	return err
}

// countServers asks how many servers listen, at the same time as pipe is
// executed: in the same round trip, or, on a Redis Cluster, where each node
// knows its own subscribers only, in one round trip to every node. The function
// that it returns is to be called after Exec.
func countServers(ctx context.Context, c *cli.Context, client redis.UniversalClient, pipe redis.Pipeliner, io *emitter.Emitter) func() (int, error) {
	if _, ok := client.(*redis.ClusterClient); !ok {
		cmd, channel := askListeners(ctx, c, pipe)
		return func() (int, error) { return int(cmd.Val()[channel]), cmd.Err() }
	}
	type result struct {
		servers int
		err     error
	}
	done := make(chan result, 1)
	go func() {
		servers, err := io.Of(c.String("namespace")).ServerCount(ctx)
		done <- result{servers, err}
	}()
	return func() (int, error) {
		r := <-done
		return r.servers, r.err
	}
}

// whatToCheck is said where no server listens.
const whatToCheck = "check --redis, --adapter, --key and --namespace, or run sioemit doctor with these flags"

// unheard says what it means that no server listens to what was sent.
func unheard(c *cli.Context) string {
	// A stream keeps it; but what servers emit to servers goes beside the stream.
	if c.String("adapter") == "streams" && c.Command.Name != "server-emit" {
		return "no server listens now, and only one that was cut off from Redis will read it: run sioemit doctor with these flags"
	}
	return "nobody receives it: " + whatToCheck
}

func listen(servers int) string {
	switch servers {
	case 0:
		return "no server listens"
	case 1:
		return "1 server listens"
	}
	return fmt.Sprintf("%d servers listen", servers)
}
