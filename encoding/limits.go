package encoding

import "github.com/sioemit/sioemit/internal/harm"

// ErrUnsafe is returned for what JSON can say and servers or clients would not
// survive, or would take for something else:
//
//   - the key "__proto__". MessagePack readers in JavaScript set the prototype
//     with it: the member is lost, and beside binary the server may end.
//   - beside binary, in whatever argument, a member "_placeholder" that JavaScript
//     takes for true: parsers take its object for the place of binary.
//   - beside binary, the key "hasOwnProperty": parsers of Socket.IO 3 and early 4
//     call what they find there.
//   - more binary values in an event than the clients' parser takes; see
//     Broadcast.MaxAttachments.
//   - for servers in Python, null as the only argument, which arrives as none, and
//     binary; see ErrPythonBinary.
//
// Servers get their own events without a parser, so ServerSideEmit refuses the
// first only.
var ErrUnsafe = harm.ErrUnsafe

// DefaultMaxAttachments is how many binary values the parsers of Socket.IO take
// in one event: socket.io-parser 4.2.6 and later, and 3.3.5 and 3.4.4 for
// Socket.IO 2. Older ones have no limit.
const DefaultMaxAttachments = 10
