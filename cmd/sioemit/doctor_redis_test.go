package main

import (
	"strings"
	"testing"
)

// TestCheckVersion judges versions that are not installed here, by what their
// INFO says.
func TestCheckVersion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		info     string
		settings servers
		status   status
		text     string
	}{
		{"# Server\r\nredis_version:6.2.14\r\nredis_mode:standalone\r\n", servers{adapter: "classic"}, fine, "Redis 6.2.14."},
		{"redis_version:6.2.14\r\n", servers{adapter: "sharded"}, failure, "no sharded pub/sub"},
		{"redis_version:6.2.14\r\n", servers{adapter: "streams"}, fine, "Redis 6.2.14."},
		{"redis_version:6.2.14\r\n", servers{adapter: "streams", shardedPubSub: true}, failure, "no sharded pub/sub"},
		{"redis_version:4.0.9\r\n", servers{adapter: "streams"}, failure, "no streams"},
		{"redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\n", servers{adapter: "sharded"}, fine, "Valkey 8.1.0."},
		{"redis_version:10.0.0\r\n", servers{adapter: "sharded"}, fine, "Redis 10.0.0."},
		{"# Server\r\n", servers{adapter: "sharded"}, warning, "not known"},
	} {
		p := patient{servers: test.settings}
		p.checkVersion(parseInfo(test.info))
		if f := p.findings[0]; f.Status != test.status || !strings.Contains(f.Text, test.text) {
			t.Errorf("%q, %+v: %+v", test.info, test.settings, f)
		}
	}
}
