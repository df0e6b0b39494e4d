package main

import (
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v2"
)

// footer ends the description of every command that uses Redis; the exit
// statuses follow it.
const footer = `Global flags (--redis, --namespace, --key, --adapter, ...): sioemit --help`

// newApp describes the whole command line. It reads nothing global, so that a
// test can make as many as it likes.
func newApp(stdin io.Reader, stdout, stderr io.Writer) *cli.App {
	app := &cli.App{
		Name:  "sioemit",
		Usage: "send events to the clients of a Socket.IO cluster, through its Redis",
		Description: `Socket.IO servers that are joined by Redis deliver what this command
publishes there to the browsers connected to them.

   sioemit emit hello world                    everyone in namespace /
   sioemit emit --room user:7 paid '{"id":1}'  one room
   sioemit emit --ack --room user:7 ping       and wait for the answers
   sioemit emit --dry-run hello world          look at the Redis command
   sioemit sockets --room user:7               who is there

Global flags may stand before or after the command's name.

REDIS:
   --redis, else $SIOEMIT_REDIS_URL, else $REDIS_URL,
   else ` + defaultURL + `; spaces separate several in a variable

   redis://[[user]:password@]host[:port]         one Redis
   rediss://...                                  with TLS; a certificate is for
                                                 the host that is dialled, or
                                                 for one that a URL names
   unix:///path/of.sock                          a unix socket
   redis://a:6379 and --cluster                  a Redis Cluster; or --redis
                                                 several times
   redis://sentinel:26379?master_name=NAME       Sentinel; its own password is
                                                 &sentinel_password=PASSWORD,
                                                 and &sentinel_username=USER

   In a password, / ? # @ & % are written %2F %3F %23 %40 %26 %25.` + exitStatuses("sioemit"),
		Flags: append(append(connectionFlags(), adapterFlags()...), cli.HelpFlag),
		Commands: []*cli.Command{
			emitCommand(stdin), pipeCommand(stdin), joinCommand(), leaveCommand(), disconnectCommand(), serverEmitCommand(stdin),
			socketsCommand(), roomsCommand(), serversCommand(), listenCommand(), doctorCommand(), decodeCommand(stdin),
			completionCommand(), manCommand(), versionCommand(), helpCommand(),
		},
		Reader:    stdin,
		Writer:    stdout,
		ErrWriter: stderr,

		DisableSliceFlagSeparator: true, // a room may hold a comma
		HideVersion:               true,
		Suggest:                   false, // arrange does it
		ExitErrHandler:            func(*cli.Context, error) {},
		OnUsageError:              func(_ *cli.Context, err error, _ bool) error { return usageError{err} },
		Action:                    noCommand,
	}
	for _, command := range app.Commands {
		command.Description += exitStatuses(command.Name)
		command.OnUsageError = app.OnUsageError
		command.HideHelpCommand = true // or an event named help would be a question
	}
	return app
}

// noCommand runs when the command line names no command.
func noCommand(c *cli.Context) error {
	printHelp(c.App.ErrWriter, appHelp, c.App)
	return usageError{fmt.Errorf("no command given; the first one to know is emit")}
}

const connectionCategory = "Connection:"

func connectionFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringSliceFlag{Name: "redis", Category: connectionCategory, KeepSpace: true, Usage: "`URL` of Redis; see above"},
		&cli.BoolFlag{DisableDefaultText: true, Name: "cluster", Category: connectionCategory, Usage: "the one --redis is a node of a Redis Cluster"},
		&cli.StringFlag{TakesFile: true, Name: "tls-ca", Category: connectionCategory, Usage: "PEM `FILE` of the certificate authorities to trust"},
		&cli.StringFlag{TakesFile: true, Name: "tls-cert", Category: connectionCategory, Usage: "PEM `FILE` of the client's certificate"},
		&cli.StringFlag{TakesFile: true, Name: "tls-key", Category: connectionCategory, Usage: "PEM `FILE` of the key to --tls-cert"},
		&cli.DurationFlag{Name: "timeout", Category: connectionCategory, Value: 5 * time.Second, Usage: "give up after this `TIME`"},
	}
}
