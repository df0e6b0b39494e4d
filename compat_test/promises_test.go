package compat_test

// promise is something that holds on every row that can keep it.
type promise struct {
	name string // of the test
	says string // in docs/compatibility.md
	keep func(*stage)

	// can tells which rows can keep it; nil: all of them.
	can func(row) bool
	// instead proves what happens on the others. It is not skipped: what cannot be done must be an error, or at
	// least be known.
	instead func(*stage)
	cell    string // what docs/compatibility.md says there, in a word
	note    string // and in a sentence
}

var promises = []promise{
	{name: "all", says: "to everyone in a namespace", keep: toAll},
	{name: "room", says: "to a room", keep: toRoom},
	{name: "rooms", says: "to several rooms, each client once", keep: toRooms},
	{name: "socket-id", says: "to a socket id", keep: toSocketID},
	{name: "except-socket-id", says: "except socket ids", keep: exceptSocketID},
	{
		name: "except-room", says: "except rooms", keep: exceptRoom,
		can: row.exceptsRooms, instead: exceptRoomRefused,
		cell: "error", note: "these servers can leave out socket ids only. `Emit` returns `emitter.ErrExceptRoom` and sends nothing; " +
			"the command exits with status 2. If the servers set `generateId`, describe their ids with `WithSocketIDs` or `--socket-ids`.",
	},
	{name: "namespaces", says: "to another namespace, `admin` or `/admin`", keep: toNamespace},
	{name: "room-names", says: "room names with `#`, `*`, spaces, commas, or of 20 characters", keep: roomNames},
	{
		name: "room-numbers", says: "rooms that are numbers, apart from their text", keep: roomNumbers,
		can: func(r row) bool { return r.generation.Number >= 3 }, instead: roomNumbersAreText,
		cell: "as text", note: "`join(5)` and `join(\"5\")` join the same room. `ToNumber` and `--room-number` reach it, too.",
	},
	{name: "no-arguments", says: "no arguments", keep: noArguments},
	{name: "many-arguments", says: "many arguments, of every JSON type", keep: manyArguments},
	{name: "unicode", says: "unicode in events, rooms and arguments", keep: unicodeText},
	{
		name: "binary", says: "binary at any depth", keep: binary,
		can: func(r row) bool { return !r.isPython() }, instead: binaryRefused,
		cell: "if allowed", note: "a server encodes an event once for all its clients. If some use websocket, binary disconnects those on HTTP long-polling. " +
			"So it is refused, unless you say with `AllowBinary` or `--allow-binary` that all clients use the same transport.",
	},
	{name: "large", says: "an argument of 1 MiB", keep: large},
	{
		name: "compress-websocket", says: "compress or not, websocket", keep: compressWebsocket,
		can: func(r row) bool { return r.generation.Number < 4 }, instead: compressIgnored,
		cell: "ignored", note: "the servers compress every message or none, as their `perMessageDeflate` says.",
	},
	{
		name: "compress-polling", says: "compress or not, HTTP long-polling", keep: compressPolling,
		can: func(r row) bool { return !r.isPython() }, instead: compressUnknown,
		cell: "ignored", note: "the servers compress as they are set up to.",
	},
	{
		name: "volatile", says: "volatile", keep: volatile,
		can: func(r row) bool { return !r.isPython() }, instead: volatileUnknown,
		cell: "ignored", note: "volatile events arrive like any other.",
	},
	{name: "batch", says: "many kinds of events in one batch, each as it was meant", keep: batch},
	{name: "order", says: "thousands of events, in order, none lost or doubled", keep: order},
}

// keptBy tells whether a row can keep the promise.
func (p promise) keptBy(r row) bool { return p.can == nil || p.can(r) }
