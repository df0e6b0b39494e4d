package protocol

// Kind is what a Message does, in the words of the command.
type Kind string

// Kinds of messages. Those of replies are the kinds of the requests that they
// answer, and KindAckCount.
const (
	KindEvent      Kind = "event"       // an event for clients
	KindEmitAck    Kind = "emit-ack"    // an event that clients acknowledge; one client's acknowledgement
	KindAckCount   Kind = "ack-count"   // how many clients one server sent an event that they acknowledge
	KindJoin       Kind = "join"        // clients join rooms
	KindLeave      Kind = "leave"       // clients leave rooms
	KindDisconnect Kind = "disconnect"  // clients are disconnected
	KindServerEmit Kind = "server-emit" // an event for the servers themselves; one server's answer
	KindSockets    Kind = "sockets"     // which sockets there are
	KindRooms      Kind = "rooms"       // which rooms there are
	KindHeartbeat  Kind = "heartbeat"   // a server says that it is there
	KindGoodbye    Kind = "goodbye"     // a server says that it goes
	KindUnknown    Kind = "unknown"     // a request, an answer, or a message between servers that no adapter here sends
)
