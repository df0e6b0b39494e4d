package encoding

import (
	"strings"

	"github.com/sioemit/sioemit/internal/wire"
)

// DefaultKey is the key of the classic adapter unless the servers set another.
const DefaultKey = "socket.io"

// Channel returns the channel on which the servers of the classic adapter
// expect a broadcast: <key>#<namespace>#, or <key>#<namespace>#<room># when it
// goes to exactly one room, so that servers without that room need not decode
// it. One that is a number has no such channel: servers with socket.io-redis 6
// look up the text in the channel among their rooms, and ignore the event.
func (c Classic) Channel(namespace string, rooms []Room) string {
	var channel [128]byte
	return string(c.AppendChannel(channel[:0], namespace, rooms))
}

// AppendChannel appends the channel that Channel returns.
func (c Classic) AppendChannel(dst []byte, namespace string, rooms []Room) []byte {
	dst = append(append(append(append(dst, c.key()...), '#'), namespace...), '#')
	if len(rooms) == 1 && !rooms[0].isNumber() {
		dst = append(append(dst, rooms[0]...), '#')
	}
	return dst
}

// RequestChannel returns the channel on which the servers take requests about
// a namespace: <key>-request#<namespace>#. Each server subscribes to it once,
// so its subscribers are the servers that listen.
func (c Classic) RequestChannel(namespace string) string {
	return wire.Channel(c.key()+wire.RequestSuffix, namespace)
}

// ResponseChannel returns the channel on which the servers answer requests:
// <key>-response#<namespace>#.
func (c Classic) ResponseChannel(namespace string) string {
	return wire.Channel(c.key()+wire.ResponseSuffix, namespace)
}

func (c Classic) key() string {
	if c.Key == "" {
		return DefaultKey
	}
	return c.Key
}

// Namespace returns the name of a namespace with its leading slash, which
// Socket.IO lets its users leave out.
func Namespace(name string) string {
	if strings.HasPrefix(name, "/") {
		return name
	}
	return "/" + name
}
