package main

import (
	"slices"
	"testing"

	"github.com/sioemit/sioemit/internal/commandline"
)

// TestGroups sorts channels as they stand in a Redis that many share.
func TestGroups(t *testing.T) {
	t.Parallel()
	plain, shard := newChannels(), newChannels()
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
	seen := census{plain: plain, shard: shard, readers: readers{known: true, count: map[int]int{}}}
	classic := []group{
		{adapter: "classic", key: "old", namespace: "/", servers: 1},
		{adapter: "classic", key: "socket.io", namespace: "/", servers: 2, modern: 2},
	}
	sharded := []group{
		{adapter: "sharded", key: "other", namespace: "/", servers: 1},
		{adapter: "sharded", key: "socket.io", namespace: "/", servers: 1, rooms: 1, ids: 1},
	}
	streams := []group{{adapter: "streams", key: "live", namespace: "/admin", servers: 2}}
	if got, want := seen.groups(servers{}), slices.Concat(classic, sharded, streams); !slices.Equal(got, want) {
		t.Errorf("%+v\nwant %+v", got, want)
	}
	// Somebody reads streams, so that servers without rooms may be of the
	// streams adapter: their answers tell, or else the settings.
	seen.readers.add("id=3 addr=1.2.3.4:5 name= age=1 db=0 sub=0 cmd=xread user=default\nid=4 db=0 cmd=get\n")
	other := group{adapter: "streams", key: "other", namespace: "/", servers: 1, shardedPubSub: true}
	both := servers{adapter: "streams", shardedPubSub: true}
	for _, test := range []struct {
		answered map[string]bool
		settings servers
		streams  bool
	}{
		{nil, servers{}, false}, {nil, both, true},
		{map[string]bool{"other": true}, servers{}, true}, {map[string]bool{"other": false}, both, false},
	} {
		seen.messagePack = test.answered
		want := slices.Concat(classic, sharded, streams)
		if test.streams {
			want = slices.Concat(classic, sharded[1:], streams, []group{other})
		}
		if got := seen.groups(test.settings); !slices.Equal(got, want) {
			t.Errorf("%+v: %+v\nwant %+v", test, got, want)
		}
	}
	// Where readers cannot be seen, it is the same.
	seen.readers, seen.messagePack = readers{}, nil
	if got := seen.groups(both); !slices.Contains(got, other) {
		t.Errorf("%+v", got)
	}
}

func TestEditDistance(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"", "abc", 3}, {"kitten", "sitting", 3}, {"/amdin", "/admin", 2}, {"é", "e", 1}, {"a", "a", 0}} {
		if got := commandline.Distance(test.a, test.b); got != test.want {
			t.Errorf("%q, %q: %d, want %d", test.a, test.b, got, test.want)
		}
		if got := commandline.Distance(test.b, test.a); got != test.want {
			t.Errorf("%q, %q: %d, want %d", test.b, test.a, got, test.want)
		}
	}
}
