package census

import (
	"slices"
	"testing"

	"github.com/sioemit/sioemit/internal/settings"
)

// TestGroups sorts channels as they stand in a Redis that many share.
func TestGroups(t *testing.T) {
	t.Parallel()
	plain, shard := NewChannels(), NewChannels()
	plain.add([]string{
		"socket.io-request#/#", "socket.io-response#/#", "socket.io-response#/#abc123#", "socket.io-response#/#abc124#", "socket.io-response#/#emitter#",
		"old-request#/#", "old-response#/#", "old#/#", "old#/#room#", "old#/#0123456789abcdef0#", // socket.io-redis 4
		"live#/admin#", "live#/admin#0123456789abcdef#", "live#/admin#fedcba9876543210#", "live#/admin#emitter#",
		"a-request#/b#c", "#/#", "news#/", "__keyspace@0__:x#/y", "waits#/#emitter#",
	}, map[string]int64{"socket.io-request#/#": 2, "socket.io-response#/#": 2, "old-request#/#": 1, "old#/#": 1, "live#/admin#": 2, "#/#": 1})
	shard.add([]string{
		"socket.io#/#", "socket.io#/#0123456789abcdef#", "socket.io#/#room#with#hash#", "socket.io#/#AbCdEfGhIjKlMnOpQrS-#",
		"other#/#", "other#/#0123456789abcdef#", "heard#/#", // sioemit listen
	}, map[string]int64{"socket.io#/#": 2, "other#/#": 1, "heard#/#": 1})
	var given settings.Servers
	seen := New(nil, &given)
	seen.Plain, seen.Shard = plain, shard
	classic := []Group{
		{Adapter: settings.Classic, Key: "old", Namespace: "/", Servers: 1},
		{Adapter: settings.Classic, Key: "socket.io", Namespace: "/", Servers: 2, Modern: 2},
	}
	sharded := []Group{
		{Adapter: settings.Sharded, Key: "other", Namespace: "/", Servers: 1},
		{Adapter: settings.Sharded, Key: "socket.io", Namespace: "/", Servers: 1, Rooms: 1, IDs: 1},
	}
	streams := []Group{{Adapter: settings.Streams, Key: "live", Namespace: "/admin", Servers: 2}}
	if got, want := seen.Groups(), slices.Concat(classic, sharded, streams); !slices.Equal(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	// Somebody reads streams, so that servers without rooms may be of the
	// streams adapter: their answers tell, or else the settings.
	seen.Readers.add("id=3 addr=1.2.3.4:5 name= age=1 db=0 sub=0 cmd=xread user=default\nid=4 db=0 cmd=get\n")
	other := Group{Adapter: settings.Streams, Key: "other", Namespace: "/", Servers: 1, ShardedPubSub: true}
	both := settings.Servers{Adapter: settings.Streams, ShardedPubSub: true}
	for _, test := range []struct {
		answered map[string]bool
		settings settings.Servers
		streams  bool
	}{
		{nil, settings.Servers{}, false}, {nil, both, true},
		{map[string]bool{"other": true}, settings.Servers{}, true}, {map[string]bool{"other": false}, both, false},
	} {
		seen.messagePack = test.answered
		want := slices.Concat(classic, sharded, streams)
		if test.streams {
			want = slices.Concat(classic, sharded[1:], streams, []Group{other})
		}
		given = test.settings
		if got := seen.Groups(); !slices.Equal(got, want) {
			t.Errorf("%+v: %+v\nwant %+v", test, got, want)
		}
	}
	// Where readers cannot be seen, it is the same.
	seen.Readers, seen.messagePack = Readers{}, nil
	given = both
	if got := seen.Groups(); !slices.Contains(got, other) {
		t.Errorf("%+v", got)
	}
}
