package main

import (
	"io"
	"strings"
	"time"

	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/show"
	"github.com/urfave/cli/v2"
)

// newProgram describes the whole command line.
func newProgram(stdin io.Reader, stdout, stderr io.Writer) *commandline.Program {
	p := &commandline.Program{
		IO:    commandline.IO{In: stdin, Out: stdout, Err: stderr},
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

   In a password, / ? # @ & % are written %2F %3F %23 %40 %26 %25.`,
		Flags: append(connectionFlags(), adapterFlags()...),
		Choices: map[string][]string{
			"adapter": {"classic", "sharded", "streams"}, "codec": {"msgpack", "json"},
			"subscription-mode": {"static", "dynamic", "dynamic-private"}, "server-version": {"1", "2", "3", "4"},
		},
		ErrorText: errorText,
	}
	p.Commands = []*commandline.Command{
		emitCommand(stdin), pipeCommand(stdin), joinCommand(), leaveCommand(), disconnectCommand(), serverEmitCommand(stdin),
		socketsCommand(), roomsCommand(), serversCommand(), listenCommand(), doctorCommand(p), decodeCommand(stdin),
	}
	return p
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

// errorText is an error as stderr gets it: in one line, and without what
// Sentinels say, who may repeat a password. What they say is known to
// sentinelTrouble, or is not shown.
func errorText(err error) string {
	text := show.OneLine(err.Error())
	if at := strings.Index(text, noSentinel); at >= 0 {
		return text[:at] + "no Sentinel could be asked"
	}
	return text
}
