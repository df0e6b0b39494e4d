package doctor

import (
	"strings"
	"testing"

	"github.com/sioemit/sioemit/internal/settings"
)

// TestCheckVersion judges versions that are not installed here, by what their
// INFO says.
func TestCheckVersion(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		info     string
		settings settings.Servers
		status   status
		text     string
	}{
		{"# Server\r\nredis_version:6.2.14\r\nredis_mode:standalone\r\n", settings.Servers{Adapter: settings.Classic}, fine, "Redis 6.2.14."},
		{"redis_version:6.2.14\r\n", settings.Servers{Adapter: settings.Sharded}, failure, "no sharded pub/sub"},
		{"redis_version:6.2.14\r\n", settings.Servers{Adapter: settings.Streams}, fine, "Redis 6.2.14."},
		{"redis_version:6.2.14\r\n", settings.Servers{Adapter: settings.Streams, ShardedPubSub: true}, failure, "no sharded pub/sub"},
		{"redis_version:4.0.9\r\n", settings.Servers{Adapter: settings.Streams}, failure, "no streams"},
		{"redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\n", settings.Servers{Adapter: settings.Sharded}, fine, "Valkey 8.1.0."},
		{"redis_version:10.0.0\r\n", settings.Servers{Adapter: settings.Sharded}, fine, "Redis 10.0.0."},
		{"# Server\r\n", settings.Servers{Adapter: settings.Sharded}, warning, "not known"},
	} {
		p := patient{Servers: test.settings}
		p.checkVersion(parseInfo(test.info))
		if f := p.findings[0]; f.Status != test.status || !strings.Contains(f.Text, test.text) {
			t.Errorf("%q, %+v: %+v", test.info, test.settings, f)
		}
	}
}
