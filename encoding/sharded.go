package encoding

import (
	"unicode/utf16"

	"github.com/sioemit/sioemit/internal/wire"
)

// SubscriptionMode is the option subscriptionMode of the sharded adapter: which
// rooms have a channel of their own. It must be the one of the servers.
type SubscriptionMode string

// Subscription modes of the sharded adapter.
const (
	// Dynamic gives every room a channel but those that look like a socket id,
	// which have 20 characters. It is the adapter's default.
	Dynamic SubscriptionMode = "dynamic"
	// DynamicPrivate gives every room a channel.
	DynamicPrivate SubscriptionMode = "dynamic-private"
	// Static has one channel for all rooms.
	Static SubscriptionMode = "static"
)

// Sharded is the format of createShardedAdapter in @socket.io/redis-adapter 8.2
// and later, which uses the sharded pub/sub of Redis 7. The zero value is the
// format of its default options.
type Sharded struct {
	ChannelPrefix    string           // the adapter's option; empty means DefaultKey
	SubscriptionMode SubscriptionMode // the adapter's option; empty means Dynamic
}

// Channel returns the channel on which the servers expect a broadcast:
// <prefix>#<namespace>#, or <prefix>#<namespace>#<room># when it goes to exactly
// one room that has a channel of its own. One that is a number shares its channel
// with the text of the number, from which servers unsubscribe when either is
// empty; so all servers are told instead.
func (s Sharded) Channel(namespace string, rooms []Room) string {
	channel := prefixed(s.ChannelPrefix, namespace)
	if len(rooms) == 1 && s.hasChannel(rooms[0]) {
		return wire.Within(channel, string(rooms[0]))
	}
	return channel
}

func (s Sharded) hasChannel(room Room) bool {
	switch {
	case s.SubscriptionMode == Static || room.isNumber():
		return false
	case s.SubscriptionMode == DynamicPrivate:
		return true
	}
	// Upstream compares the length in UTF-16 code units.
	const socketID = 20
	return len(room) < socketID || len(utf16.Encode([]rune(room))) != socketID
}

// Marshal returns the message of a broadcast: {type, data, uid, nsp}, as JSON,
// or as MessagePack when an argument holds binary. Errors about an argument are
// *ArgumentError.
func (s Sharded) Marshal(b *Broadcast) ([]byte, error) {
	t := borrowTemplate()
	defer t.giveBack()
	s.Retarget(t, b)
	return t.Append(nil, b.Event, b.Args)
}

// Template encodes what all messages with the target of b have in common.
func (s Sharded) Template(b *Broadcast) *Template {
	t := new(Template)
	s.Retarget(t, b)
	return t
}

// Retarget makes t the template of b; see Classic.Retarget.
func (s Sharded) Retarget(t *Template, b *Broadcast) {
	t.set(formJSONUnlessBinary, b.limit(), func(dst []byte, data writeData) ([]byte, error) {
		return appendClusterMessage(dst, wire.ClusterBroadcast, b.Namespace, func(dst []byte) ([]byte, error) {
			return appendClusterBroadcast(dst, b, "", data)
		})
	})
}

// MarshalRequest returns the message of a request, which goes to the channel
// of the namespace.
func (s Sharded) MarshalRequest(r *Request) ([]byte, error) {
	return marshal(formJSONUnlessBinary, func(e *encoder, dst []byte) ([]byte, error) {
		typ, data := e.clusterRequest(r)
		return appendClusterMessage(dst, typ, r.Namespace, data)
	})
}

// ResponseChannel returns the shard channel on which the servers answer an
// emitter: <prefix>#<namespace>#emitter#.
func (s Sharded) ResponseChannel(namespace string) string {
	return wire.Within(prefixed(s.ChannelPrefix, namespace), UID)
}
