// Package encoding turns Go values and Socket.IO packets into the bytes that
// Socket.IO servers exchange through Redis.
//
// One rule says what a value becomes: the client receives what encoding/json
// would have sent, except that []byte, at any depth, arrives as binary. The
// rule covers struct tags, embedded structs, json.Marshaler,
// encoding.TextMarshaler, map keys, invalid UTF-8 and everything that
// encoding/json refuses. The bytes are those of the official emitter,
// @socket.io/redis-emitter 5.1.0, for the same JSON document.
//
// Refused is also what servers or clients would not survive: ErrTooDeep and
// ErrUnsafe say what that is.
//
// The package knows channel names and payloads and nothing of Redis
// connections; package emitter sends what is made here.
package encoding
