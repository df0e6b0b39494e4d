package emitter

import (
	"errors"
	"regexp"

	"github.com/sioemit/sioemit/encoding"
)

// Option tells New what the servers of the cluster have set.
type Option func(*config)

// config is what the options add up to. What is wrong with one of them is kept,
// for every call to return.
type config struct {
	adapter Adapter
	key     string
	codec   Codec
	version int
	onlyIDs bool           // the adapter's Except takes socket ids only
	ids     *regexp.Regexp // nil: what engine.io makes
	err     error

	maxAttachments int
}

// Codec is the form of the messages between the servers.
type Codec = encoding.Codec

// Codecs for WithCodec.
const (
	MessagePack = encoding.MessagePack // the adapter's default
	JSON        = encoding.JSON        // for servers that set a JSON parser
)

// WithAdapter sets how the servers are joined: Classic, the default, Sharded,
// Streams or Python. WithKey, WithCodec and WithServerVersion belong to the classic one;
// beside another one they are an OptionError.
func WithAdapter(adapter Adapter) Option {
	return func(c *config) {
		if adapter == nil {
			c.err = &OptionError{Option: "WithAdapter", Err: errors.New("it was given no adapter")}
			return
		}
		c.adapter = adapter
	}
}

// WithKey sets the prefix of the channels, the option key of the adapter. The
// default is "socket.io", as the adapter's.
func WithKey(key string) Option {
	return func(c *config) { c.key = key }
}

// WithCodec sets the form of the messages. JSON is for servers that gave the
// adapter the option parser: JSON, or one that speaks JSON; binary cannot
// travel then, and emitting []byte fails with encoding.ErrBinary.
func WithCodec(codec Codec) Option {
	return func(c *config) {
		c.codec = codec
		if codec != MessagePack && codec != JSON {
			c.err = &OptionError{Option: "WithCodec", Value: int(codec), Err: errors.New("the codec must be MessagePack or JSON")}
		}
	}
}

// WithServerVersion sets the major version of the servers' socket.io package,
// 1 to 4. The default is 4. Events with binary need another packet type on 1
// and 2 than on 3 and 4; on 1, 2 and 3, Except takes socket ids only and
// returns ErrExceptRoom for a room; see WithSocketIDs. Another version than these
// is an OptionError.
func WithServerVersion(major int) Option {
	return func(c *config) {
		c.version = major
		if major < 1 || major > 4 {
			c.err = &OptionError{Option: "WithServerVersion", Value: major, Err: errors.New("the Socket.IO server version must be 1, 2, 3 or 4")}
		}
	}
}

// WithSocketIDs sets what the ids of the servers' sockets look like, where they
// set engine.generateId, for Except on Socket.IO 1, 2 and 3 and on python-socketio. The pattern must
// match the whole of what generateId returns; the "/admin#" that Socket.IO 1 and
// 2 put before it in namespace "/admin" is allowed for. Except refuses what the
// pattern does not match, because servers would ignore a room there without a
// word. Without the option, or with nil, ids are the 20 characters that
// engine.io makes. It has no effect on other servers, whose Except takes rooms.
func WithSocketIDs(pattern *regexp.Regexp) Option {
	return func(c *config) { c.ids = pattern }
}

// WithMaxAttachments sets how many binary values an event to clients may hold,
// in all its arguments together. The default is 10, as in socket.io-parser since
// 4.2.6, and 3.3.5 and 3.4.4 for Socket.IO 2: a client that gets more drops its
// connection, or ends with an exception. Emit and EmitWithAck refuse more with
// encoding.ErrUnsafe. Raise it when every client has an older parser, or the
// option maxAttachments; servers themselves need none.
func WithMaxAttachments(n int) Option {
	return func(c *config) {
		c.maxAttachments = n
		if n < 1 {
			c.err = &OptionError{Option: "WithMaxAttachments", Value: n, Err: errors.New("it must be 1 or more")}
		}
	}
}
