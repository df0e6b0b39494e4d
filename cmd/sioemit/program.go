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
		Description: `sioemit publishes events to the Redis that connects your Socket.IO servers. The
servers deliver them to the browsers that are connected.

   sioemit emit hello world                    everyone in namespace /
   sioemit emit --room user:7 paid '{"id":1}'  one room
   sioemit emit --ack --room user:7 ping       and wait for the answers
   sioemit emit --dry-run hello world          show the Redis command
   sioemit sockets --room user:7               who is there

Global flags may stand before or after the command's name.

REDIS:
   The URL is that of --redis, else $SIOEMIT_REDIS_URL, else $REDIS_URL,
   else ` + settings.DefaultURL + `. A variable may hold several, separated by
   spaces.

   redis://[[user]:password@]host[:port]         one Redis
   rediss://...                                  with TLS; the certificate must
                                                 name the host that is dialled,
                                                 or the host of one of the URLs
   unix:///path/of.sock                          a Unix socket
   redis://a:6379 and --cluster                  a Redis Cluster; or --redis
                                                 several times
   redis://sentinel:26379?master_name=NAME       Sentinel; for its own password
                                                 &sentinel_password=PASSWORD,
                                                 and &sentinel_username=USER

   In a password, write / ? # @ & % as %2F %3F %23 %40 %26 %25. Every user of a
   machine can see its command lines: keep a password in a variable, in a
   --redis-password-file, or in a profile.

PROFILES:
   --profile prod takes the table [prod] of sioemit/config.toml in
   $XDG_CONFIG_HOME, or in the folder that the system has for such files
   (~/.config):

   [prod]
   redis = "rediss://app@redis.internal"
   redis-password-command = ["pass", "show", "redis/prod"]
   adapter = "sharded"

   Its keys are the connection and server flags, without their dashes. A flag
   overrides a variable, a variable overrides the profile, and the profile
   overrides the default. A URL in a flag or a variable replaces the whole
   connection of the profile, including the password.`,
		ErrorText: connect.ErrorText,
	}
	flags := settings.AddTo(p)
	p.Commands = []*commandline.Command{
		call.Emit(p, flags), pipe.Command(p, flags), call.Join(p, flags), call.Leave(p, flags), call.Disconnect(p, flags), call.ServerEmit(p, flags),
		call.Sockets(p, flags), call.Rooms(p, flags), call.Namespaces(p, flags), call.Servers(p, flags), listen.Command(p, flags), top.Command(p, flags), doctor.Command(p, flags), decode.Command(p),
	}
	return p
}
