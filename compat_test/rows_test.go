package compat_test

import (
	"strconv"

	"github.com/sioemit/sioemit/compat_test/harness"
	"github.com/sioemit/sioemit/emitter"
)

// row is one kind of cluster: a server version and the adapter that joins its servers.
type row struct {
	name       string // server version "/" adapter package "-" adapter version
	generation harness.Generation
	adapter    harness.Adapter
	ordered    int // how many events the promise of order sends
}

// rows are the clusters that every promise is put to.
var rows = []row{
	{"1.7.4/socket.io-redis-4.0.1", harness.V1, harness.SocketIORedis4, 1000},
	{"2.5.1/socket.io-redis-5.4.0", harness.V2, harness.SocketIORedis5, 1000},
	{"3.1.2/socket.io-redis-6.0.1", harness.V3, harness.SocketIORedis60, 1000},
	{"4.8.4/socket.io-redis-6.1.1", harness.V4, harness.SocketIORedis61, 1000},
	{"4.8.4/redis-adapter-7.2.0", harness.V4, harness.RedisAdapter7, 1000},
	{"4.8.4/redis-adapter-8.3.0", harness.V4, harness.RedisAdapter8, 10000},
}

// key is what the servers of the matrix have for a key: not the default, so that ignoring it would show.
const key = "app 1"

// options are what a user of the library has to set for this row.
func (r row) options() []emitter.Option {
	options := []emitter.Option{emitter.WithKey(key)}
	if r.generation.Number != 4 {
		options = append(options, emitter.WithServerVersion(r.generation.Number))
	}
	return options
}

// flags are what a user of the command has to set for this row.
func (r row) flags() []string {
	flags := []string{"--key", key}
	if r.generation.Number != 4 {
		flags = append(flags, "--server-version", strconv.Itoa(r.generation.Number))
	}
	return flags
}
