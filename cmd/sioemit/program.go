package main

import (
	"io"

	"github.com/sioemit/sioemit/internal/call"
	"github.com/sioemit/sioemit/internal/commandline"
	"github.com/sioemit/sioemit/internal/connect"
	"github.com/sioemit/sioemit/internal/decode"
	"github.com/sioemit/sioemit/internal/doctor"
	"github.com/sioemit/sioemit/internal/listen"
	"github.com/sioemit/sioemit/internal/pipe"
	"github.com/sioemit/sioemit/internal/settings"
	"github.com/sioemit/sioemit/internal/top"
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
   else ` + settings.DefaultURL + `; spaces separate several in a variable

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

   In a password, / ? # @ & % are written %2F %3F %23 %40 %26 %25. Every
   user of a machine sees its command lines: keep a password in a variable, in
   a --redis-password-file, or in a profile.

PROFILES:
   --profile prod takes the table [prod] of sioemit/config.toml in
   $XDG_CONFIG_HOME, or where this platform keeps such files (~/.config):

   [prod]
   redis = "rediss://app@redis.internal"
   redis-password-command = ["pass", "show", "redis/prod"]
   adapter = "sharded"

   Its keys are the flags of a connection and of servers, without their dashes.
   A flag goes before a variable, that before the profile, and that before the
   default. A URL of a flag or a variable replaces all of the profile's
   connection, password and all.`,
		ErrorText: connect.ErrorText,
	}
	flags := settings.AddTo(p)
	p.Commands = []*commandline.Command{
		call.Emit(p, flags), pipe.Command(p, flags), call.Join(p, flags), call.Leave(p, flags), call.Disconnect(p, flags), call.ServerEmit(p, flags),
		call.Sockets(p, flags), call.Rooms(p, flags), call.Namespaces(p, flags), call.Servers(p, flags), listen.Command(p, flags), top.Command(p, flags), doctor.Command(p, flags), decode.Command(p),
	}
	return p
}
