package wire

// Types of packets that carry events. A BinaryEvent is one with binary arguments
// on Socket.IO 1 and 2.
const (
	PacketEvent       = 2
	PacketBinaryEvent = 5
)

// Types of the classic adapter's requests with Socket.IO 4.
const (
	ClassicSocketIDs   = 0 // the ids of sockets, of socket.io-redis 6.1 and later
	ClassicAllRooms    = 1
	ClassicJoin        = 2
	ClassicLeave       = 3
	ClassicDisconnect  = 4
	ClassicFetch       = 5 // whole sockets
	ClassicServerSide  = 6
	ClassicEmitWithAck = 7
)

// Types of the classic adapter's replies. Sockets and rooms come without one, and
// an answer to ClassicServerSide has its number.
const (
	ClassicClientCount = 8
	ClassicAck         = 9
)

// Types of messages between servers whose adapters extend ClusterAdapter of
// socket.io-adapter 2.5, as the sharded and the streams adapter do. With the
// heartbeats and ClusterClose servers find each other where the adapter extends
// ClusterAdapterWithHeartbeat, such as @socket.io/redis-streams-adapter before
// 0.3.
const (
	ClusterInitialHeartbeat = 1
	ClusterHeartbeat        = 2
	ClusterBroadcast        = 3
	ClusterJoin             = 4
	ClusterLeave            = 5
	ClusterDisconnect       = 6
	ClusterFetch            = 7
	ClusterSockets          = 8 // the answer to ClusterFetch
	ClusterServerSide       = 9
	ClusterServerSideAnswer = 10
	ClusterClientCount      = 11
	ClusterAck              = 12
	ClusterClose            = 13
)
