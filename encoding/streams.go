package encoding

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"unicode/utf16"

	"github.com/sioemit/sioemit/internal/wire"
)

// DefaultMaxLen is the length to which the streams adapter trims its stream
// unless the servers set another, in entries.
const DefaultMaxLen = 10000

// ErrUnreadStream is returned for a namespace whose events no server can read:
// with more than one stream, the streams adapter computes a negative stream
// number from some names, and reads no stream of that number.
var ErrUnreadStream = errors.New("no server reads the stream of this namespace")

// Streams is the format of @socket.io/redis-streams-adapter 0.3. The zero value
// is the format of its default options.
type Streams struct {
	StreamName    string // the adapter's option; empty means DefaultKey
	StreamCount   int    // the adapter's option; 0 means 1
	ChannelPrefix string // the adapter's option; empty means DefaultKey
}

// Stream returns the key of the stream from which the servers read what
// belongs to a namespace, or ErrUnreadStream.
func (s Streams) Stream(namespace string) (string, error) {
	name := s.StreamName
	if name == "" {
		name = DefaultKey
	}
	if s.StreamCount <= 1 {
		return name, nil
	}
	n := int64(hashCode(namespace)) % int64(s.StreamCount)
	if n < 0 {
		return "", fmt.Errorf("%w: %q hashes to stream %d of %d", ErrUnreadStream, namespace, n, s.StreamCount)
	}
	return name + "-" + strconv.FormatInt(n, 10), nil
}

// hashCode is that of Java strings, which upstream borrowed: over UTF-16 code
// units, modulo 2^32, signed.
func hashCode(s string) int32 {
	var h int32
	for _, unit := range utf16.Encode([]rune(s)) {
		h = 31*h + int32(unit)
	}
	return h
}

// Channel returns the channel on which the servers take what goes by pub/sub
// and not through the stream: <prefix>#<namespace>#. Each server subscribes to
// it once.
func (s Streams) Channel(namespace string) string {
	return prefixed(s.ChannelPrefix, namespace)
}

// ResponseChannel returns the channel on which the servers answer an emitter:
// <prefix>#<namespace>#emitter#.
func (s Streams) ResponseChannel(namespace string) string {
	return wire.Within(prefixed(s.ChannelPrefix, namespace), UID)
}

// Marshal returns the fields of the stream entry of a broadcast, names and
// values in turn: uid, nsp, type, data. The data is JSON, or base64 of
// MessagePack when an argument holds binary. Errors about an argument are
// *ArgumentError.
func (s Streams) Marshal(b *Broadcast) ([]string, error) {
	t := borrowTemplate()
	defer t.giveBack()
	s.Retarget(t, b)
	data, err := t.Append(nil, b.Event, b.Args)
	if err != nil {
		return nil, err
	}
	return append(s.Fields(b.Namespace), string(StreamData(data))), nil
}

// Template encodes what the data of all entries with the target of b have in
// common; StreamData makes a field's value of what it appends.
func (s Streams) Template(b *Broadcast) *Template {
	t := new(Template)
	s.Retarget(t, b)
	return t
}

// Retarget makes t the template of b; see Classic.Retarget.
func (s Streams) Retarget(t *Template, b *Broadcast) {
	t.set(formJSONUnlessBinary, b.limit(), func(dst []byte, data writeData) ([]byte, error) {
		return appendClusterBroadcast(dst, b, "", data)
	})
}

// Fields returns the fields of the stream entry of a broadcast, names and
// values in turn, up to the value of data.
func (s Streams) Fields(namespace string) []string {
	return entryFields(wire.ClusterBroadcast, namespace)
}

func entryFields(typ byte, namespace string) []string {
	return []string{"uid", UID, "nsp", namespace, "type", strconv.Itoa(int(typ)), "data"}
}

// StreamData returns data as a stream entry holds it: JSON as it is, MessagePack
// as base64.
func StreamData(data []byte) []byte {
	if len(data) == 0 || data[0] == '{' {
		return data
	}
	return base64.StdEncoding.AppendEncode(nil, data)
}

// MarshalRequest returns a request in the one of two forms that it has on the
// wire: the fields of a stream entry for Join, Leave and Disconnect, or a
// MessagePack message for the channel of the namespace.
func (s Streams) MarshalRequest(r *Request) (fields []string, message []byte, err error) {
	switch r.Kind {
	case Join, Leave, Disconnect:
		var typ byte
		data, err := marshal(formJSONUnlessBinary, func(e *encoder, dst []byte) ([]byte, error) {
			var write writeData
			typ, write = e.clusterRequest(r)
			return write(dst)
		})
		if err != nil {
			return nil, nil, err
		}
		return append(entryFields(typ, r.Namespace), string(data)), nil, nil
	}
	message, err = marshal(formMessagePack, func(e *encoder, dst []byte) ([]byte, error) {
		typ, data := e.clusterRequest(r)
		return appendClusterMessage(dst, typ, r.Namespace, data)
	})
	return nil, message, err
}
