package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/redis/go-redis/v9"
	"github.com/sioemit/sioemit/emitter"
	"github.com/urfave/cli/v2"
)

func emitCommand(stdin io.Reader) *cli.Command {
	const outputCategory = "Output:"
	flags := append(targetFlags(),
		&cli.BoolFlag{DisableDefaultText: true, Name: "volatile", Usage: "let servers drop the event for clients that are not ready"},
		&cli.BoolFlag{DisableDefaultText: true, Name: "compress", Usage: "--compress=false: do not compress it for the clients"},
		&cli.IntFlag{Name: "require", Usage: "exit with 3 if fewer than `N` servers listen; it is sent all the same"},
		&cli.BoolFlag{DisableDefaultText: true, Name: "dry-run", Category: outputCategory, Usage: "print the Redis command, for redis-cli, and send nothing"},
		&cli.BoolFlag{DisableDefaultText: true, Name: "json", Category: outputCategory, Usage: "print the result as JSON"},
		&cli.BoolFlag{DisableDefaultText: true, Name: "quiet", Category: outputCategory, Usage: "print nothing when all went well"},
	)
	return &cli.Command{
		Name:      "emit",
		Usage:     "send one event",
		ArgsUsage: "EVENT [ARG...]",
		Description: `Each ARG is JSON if it parses as JSON, otherwise a string. In JSON,
{"$binary":"<base64>"} stands for binary. Flags may stand anywhere; after --
nothing is a flag.

   sioemit emit hello world                             everyone in namespace /
   sioemit emit --room user:7 paid '{"id":1}' 19.99     one room, two arguments
   sioemit emit --room a --room b --except c news       a client in a and b gets it once
   sioemit emit -n admin alert -- --literally--         another namespace
   sioemit emit --binary cat.jpg photo                  a file as binary
   sioemit emit --quiet --require 2 tick                for cron: exit 3 unless 2 servers listen
   sioemit emit --dry-run hello world                   needs no Redis

Global flags (--redis, --namespace, --key, --timeout, ...): sioemit --help

` + exitStatuses,
		Flags:  append(flags, valueFlags()...),
		Action: func(c *cli.Context) error { return emit(c, stdin) },
	}
}

func emit(c *cli.Context, stdin io.Reader) error {
	words := c.Args().Slice()
	if len(words) == 0 {
		return usageError{fmt.Errorf("emit needs the name of an event: sioemit emit EVENT [ARG...]")}
	}
	args, err := values(c, words[1:], stdin)
	if err != nil {
		return err
	}
	options, err := emitterOptions(c)
	if err != nil {
		return err
	}
	if c.Int("require") < 0 {
		return usageError{fmt.Errorf("--require must not be negative")}
	}
	client, err := connect(c)
	if err != nil {
		return err
	}
	defer client.Close()

	// The event is put into a pipeline: with --dry-run it is looked at there,
	// otherwise it goes out with the question of who listens.
	pipe := client.Pipeline()
	op := targeted(c, emitter.New(pipe, options...))
	if c.Bool("volatile") {
		op = op.Volatile()
	}
	if c.IsSet("compress") {
		op = op.Compress(c.Bool("compress"))
	}
	if err := op.Emit(c.Context, words[0], args...); err != nil {
		return usageError{errors.New(strings.TrimPrefix(err.Error(), "emitter: "))}
	}
	command := pipe.Cmds()[0]
	if c.Bool("dry-run") {
		return printCommand(c, command.Args())
	}

	timeout := c.Duration("timeout")
	ctx, cancel := context.WithTimeout(c.Context, timeout)
	defer cancel()
	var count func() (int, error)
	if !c.Bool("quiet") || c.Bool("json") || c.Int("require") > 0 {
		count = countServers(ctx, c, client, pipe, emitter.New(client, options...))
	}
	if err := executed(ctx, pipe); err != nil {
		return explain(err, timeout)
	}
	return report(c, words[0], fmt.Sprint(command.Args()[1]), count)
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

// report prints what became of an event that Redis has taken, and returns an
// error when fewer servers than required listen. Without count it is silent.
func report(c *cli.Context, event, channel string, count func() (int, error)) error {
	if count == nil {
		return nil
	}
	servers, err := count()
	required := c.Int("require")
	if err != nil && required > 0 {
		return fmt.Errorf("the event was sent, but the servers could not be counted: %w", explain(err, c.Duration("timeout")))
	}
	switch {
	case c.Bool("json"):
		result := struct {
			Channel string `json:"channel"`
			Servers *int   `json:"servers"`
		}{channel, &servers}
		if err != nil {
			result.Servers = nil
		}
		if err := printJSON(c.App.Writer, result); err != nil {
			return err
		}
	case c.Bool("quiet"):
	case err != nil:
		fmt.Fprintf(c.App.Writer, "sent %s on %s\n", quote(event), quote(channel))
	default:
		fmt.Fprintf(c.App.Writer, "sent %s on %s, where %s\n", quote(event), quote(channel), listen(servers))
	}
	if err != nil {
		fmt.Fprintf(c.App.ErrWriter, "sioemit: warning: the servers could not be counted: %v\n", err)
	} else if servers < required {
		return listenersError{fmt.Errorf("%s on %s, %d required; the event was sent all the same", listen(servers), quote(channel), required)}
	} else if servers == 0 && !c.Bool("quiet") {
		fmt.Fprintf(c.App.ErrWriter, "sioemit: warning: nobody receives it: check --key, --namespace and --redis\n")
	}
	return nil
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

// printCommand prints a Redis command in a form that can be pasted into
// redis-cli, or as JSON.
func printCommand(c *cli.Context, args []any) error {
	words := make([]any, len(args))
	var line []string
	for i, arg := range args {
		switch arg := arg.(type) {
		case []byte:
			words[i] = binary(arg)
			if utf8.Valid(arg) { // JSON; MessagePack of an object or array never is
				words[i] = string(arg)
			}
			line = append(line, quote(string(arg)))
		case int64:
			words[i] = strconv.FormatInt(arg, 10)
			line = append(line, strconv.FormatInt(arg, 10))
		default:
			word := fmt.Sprint(arg)
			if i == 0 {
				word = strings.ToUpper(word)
			}
			words[i] = word
			line = append(line, quote(word))
		}
	}
	if c.Bool("json") {
		return printJSON(c.App.Writer, struct {
			Args []any `json:"args"`
		}{words})
	}
	_, err := fmt.Fprintln(c.App.Writer, strings.Join(line, " "))
	return err
}

// binary is how JSON lines carry bytes.
type binary []byte

// MarshalJSON returns {"$binary":"<base64>"}.
func (b binary) MarshalJSON() ([]byte, error) {
	return json.Marshal(map[string][]byte{"$binary": b})
}

func printJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	return e.Encode(v)
}
