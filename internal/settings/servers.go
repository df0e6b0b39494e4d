package settings

import (
	"regexp"

	"github.com/sioemit/sioemit/emitter"
	"github.com/sioemit/sioemit/encoding"
)

// Adapter is what joins the servers, by the name that --adapter has for it.
type Adapter string

// The adapters.
const (
	Classic Adapter = "classic"
	Sharded Adapter = "sharded"
	Streams Adapter = "streams"
	Python  Adapter = "python"
)

// Adapters are all of them.
var Adapters = []Adapter{Classic, Sharded, Streams, Python}

// onlyOf names the flags that an adapter has and not all of the others have.
var onlyOf = map[Adapter][]string{
	Classic: {"--codec", "--socket-ids"}, // and --server-version, which may be 4 beside the others
	Sharded: {"--subscription-mode"},
	Streams: {"--stream-name", "--stream-count", "--max-len", "--sharded-pubsub"},
	Python:  {"--channel", "--allow-binary", "--socket-ids"},
}

// OnlyOf returns the names of the flags that an adapter has and not all of the
// others have.
func OnlyOf(adapter Adapter) []string { return onlyOf[adapter] }

// Servers say how the servers are set up, by the names of upstream's options,
// and which namespace is meant.
type Servers struct {
	Adapter          Adapter
	Key              string // of the python adapter: --channel
	Codec            emitter.Codec
	Version          int
	VersionName      string // of the flag or the variable that Version comes from
	SocketIDs        *regexp.Regexp
	SubscriptionMode encoding.SubscriptionMode
	StreamName       string
	StreamCount      int
	MaxLen           int64
	ShardedPubSub    bool
	AllowBinary      bool
	MaxAttachments   int
	Namespace        string // with its slash
}

// Options are the settings as package emitter takes them.
func (s *Servers) Options() []emitter.Option {
	options := []emitter.Option{emitter.WithServerVersion(s.Version), emitter.WithMaxAttachments(s.MaxAttachments)}
	switch s.Adapter {
	case Sharded:
		return append(options, emitter.WithAdapter(emitter.Sharded(emitter.ShardedOptions(s.Sharded()))))
	case Streams:
		return append(options, emitter.WithAdapter(emitter.Streams(emitter.StreamsOptions{
			StreamName: s.StreamName, StreamCount: s.StreamCount, ChannelPrefix: s.Key, MaxLen: s.MaxLen, UseShardedPubSub: s.ShardedPubSub,
		})))
	}
	if s.SocketIDs != nil {
		options = append(options, emitter.WithSocketIDs(s.SocketIDs))
	}
	if s.Adapter == Python {
		return append(options, emitter.WithAdapter(emitter.Python(emitter.PythonOptions(s.Python()))))
	}
	return append(options, emitter.WithKey(s.Key), emitter.WithCodec(s.Codec))
}

// CanAnswer reports whether the servers can be asked whether they have taken what was
// sent to them.
func (s *Servers) CanAnswer() bool { return s.Version >= 4 && s.Adapter != Python }

// Classic is what the servers of the classic adapter read.
func (s *Servers) Classic() encoding.Classic { return encoding.Classic{Key: s.Key} }

// Sharded is what the servers of the sharded adapter read.
func (s *Servers) Sharded() encoding.Sharded {
	return encoding.Sharded{ChannelPrefix: s.Key, SubscriptionMode: s.SubscriptionMode}
}

// Streams is what the servers of the streams adapter read.
func (s *Servers) Streams() encoding.Streams {
	return encoding.Streams{StreamName: s.StreamName, StreamCount: s.StreamCount, ChannelPrefix: s.Key}
}

// Python is what the servers of python-socketio read.
func (s *Servers) Python() encoding.Python {
	return encoding.Python{Channel: s.Key, AllowBinary: s.AllowBinary}
}
