"""How servers are joined, and what an event looks like on its way to them.

Each adapter turns a target and an event into a Redis command: its name, then its words as bytes.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

from ._answers import Question, ServerSideEmitWithAck
from ._encoding import Form, Limits, encode, encode_any, pack_plain, to_messagepack
from ._errors import SioemitError, valid_text

Room: TypeAlias = "str | int | float"
Command: TypeAlias = "tuple[str | bytes, ...]"
SubscriptionMode: TypeAlias = Literal["dynamic", "dynamic-private", "static"]

# The name under which emitters sign: servers take it for no member of their cluster. Any other is counted as one, and
# answers to fetchSockets() are then waited for in vain.
UID = "emitter"

EVENT, BINARY_EVENT = 2, 5  # types of a packet; Socket.IO 1 and 2 need the second for binary, 4 drops clients for it
# Types of a message between servers.
BROADCAST, JOIN, LEAVE, DISCONNECT, FETCH_SOCKETS, SERVER_SIDE_EMIT = 3, 4, 5, 6, 7, 9

SOCKET_ID_LENGTH = 20


class Target(NamedTuple):
    """Who gets an event. Making one is part of most emits, for which a tuple is the fastest."""

    namespace: str = "/"
    rooms: tuple[Room, ...] = ()
    excepted: tuple[Room, ...] = ()
    volatile: bool = False
    compress: bool | None = None

    def flags(self) -> dict[str, bool]:
        """Return what is set, as servers read it."""
        flags: dict[str, bool] = {}
        if self.volatile:
            flags["volatile"] = True
        if self.compress is not None:
            flags["compress"] = self.compress
        return flags


@dataclass(frozen=True, slots=True)
class Request:
    """What servers are asked to do with the sockets of a target."""

    kind: Literal["join", "leave", "disconnect"]
    rooms: tuple[Room, ...] = ()
    close: bool = False


class Adapter(Protocol):
    """How servers are joined: Classic, Sharded, Streams or Python."""

    def broadcast(self, target: Target, event: str, args: tuple[Any, ...], limits: Limits) -> Command:
        """Return the command that sends an event to clients."""

    def request(self, target: Target, request: Request) -> Command:
        """Return the command that changes sockets."""

    def server_side(self, target: Target, event: str, args: tuple[Any, ...], limits: Limits) -> Command:
        """Return the command that sends an event to servers."""

    def ask(self, target: Target, question: Question, request: str, limits: Limits, timeout: int = 0) -> Command:
        """Return the command that asks servers, by the id of a request; clients have so many milliseconds to answer."""

    def reply_channels(self, namespace: str) -> tuple[tuple[str, ...], bool]:
        """Return the channels on which servers answer, and whether they are shard channels."""

    def needs(self, question: Question) -> str:
        """Return what a server must have to answer, if that is not plain."""

    def listeners(self, namespace: str) -> tuple[str, str]:
        """Return the Redis command that counts the servers of a namespace, and its channel."""


def _text(value: object) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()


def _object(members: dict[str, Any], *, packed: bool) -> bytes:
    """Return an object in MessagePack or JSON. A member that is bytes has been written already."""
    if packed:
        packed_pairs = (
            to_messagepack(key, 0) + (v if isinstance(v, bytes) else to_messagepack(v, 0)) for key, v in members.items()
        )
        return bytes((0x80 | len(members),)) + b"".join(packed_pairs)
    texts = (_text(key) + b":" + (v if isinstance(v, bytes) else _text(v)) for key, v in members.items())
    return b"{" + b",".join(texts) + b"}"


_NEEDS_HANDLER = "a handler for the event"


# What stands around the data of a broadcast: ["emitter", {type, data, nsp}, {rooms, flags, except}].
_HEAD = b"\x93\xa7emitter\x83\xa4type\x02\xa4data"
_BINARY_HEAD = b"\x93\xa7emitter\x83\xa4type\x05\xa4data"


# Most events go where one has gone before. The bound keeps a service with a room for each user from growing.
@lru_cache(maxsize=1024)
def _route(key: str, target: Target) -> tuple[bytes, bytes]:
    """Return the channel of a broadcast, and what stands behind its data in MessagePack.

    A room that is a number has no channel of its own: servers look up the text in the channel among their rooms.
    """
    channel = f"{key}#{target.namespace}#"
    if len(target.rooms) == 1 and isinstance(target.rooms[0], str):
        channel += f"{target.rooms[0]}#"
    options = {"rooms": target.rooms, "flags": target.flags(), "except": target.excepted}
    # The members, without the header of the list.
    return channel.encode(), to_messagepack(["nsp", target.namespace, options], 0)[1:]


@dataclass(frozen=True, slots=True)
class Classic:
    """The adapter made by ``createAdapter`` of @socket.io/redis-adapter and socket.io-redis, for Socket.IO 1 to 4."""

    key: str
    codec: Literal["messagepack", "json"]
    legacy_binary: bool

    def broadcast(self, target: Target, event: str, args: tuple[Any, ...], limits: Limits) -> Command:
        """Publish ["emitter", packet, options]."""
        channel, tail = _route(self.key, target)
        if self.codec == "json":
            text, _ = encode(event, args, "json", limits)
            options = {"rooms": target.rooms, "flags": target.flags(), "except": target.excepted}
            packet = b'{"type":%d,"data":%b,"nsp":%b}' % (EVENT, text, _text(target.namespace))
            return "PUBLISH", channel, b'["emitter",%b,%b]' % (packet, _text(options))
        # Not by encode(), which makes a tuple of the result: most events are plain.
        data = pack_plain(event, args)
        if data is not None:
            return "PUBLISH", channel, _HEAD + data + tail
        data, binary = encode_any(event, args, "messagepack", limits)
        head = _BINARY_HEAD if binary and self.legacy_binary else _HEAD
        return "PUBLISH", channel, head + data + tail

    def request(self, target: Target, request: Request) -> Command:
        """Publish a request in JSON."""
        message: dict[str, Any] = {
            "type": {"join": 2, "leave": 3, "disconnect": 4}[request.kind],
            "opts": {"rooms": target.rooms, "except": target.excepted},
        }
        if request.kind == "disconnect":
            message["close"] = request.close
        else:
            message["rooms"] = request.rooms
        return "PUBLISH", self._request_channel(target.namespace), _text(message)

    def server_side(self, target: Target, event: str, args: tuple[Any, ...], limits: Limits) -> Command:
        """Publish a request of type 6. Servers with an adapter before 7.2 end when it holds binary."""
        return self.ask(target, ServerSideEmitWithAck(event, args), "", limits)

    def ask(self, target: Target, question: Question, request: str, limits: Limits, timeout: int = 0) -> Command:
        """Publish a request: JSON, or MessagePack when it holds binary; see ends_servers()."""
        number = {"confirm": 0, "rooms": 1, "fetch": 5, "server": 6, "ack": 7}[question.kind]
        message: dict[str, Any] = {"uid": UID}
        if request:
            message["requestId"] = request
        message["type"] = number
        packed = False
        if question.kind == "fetch":
            message["opts"] = {"rooms": target.rooms, "except": target.excepted}
        elif question.kind == "confirm":
            message["rooms"] = target.rooms
        elif question.kind != "rooms":
            form: Form = "json" if self.codec == "json" else "json unless binary"
            data, packed = encode(question.event, question.args, form, limits)
            if question.kind == "server":
                message["data"] = data
            else:
                packet = {"type": EVENT, "data": data, "nsp": target.namespace}
                message["packet"] = _object(packet, packed=packed)
                message["opts"] = _cluster_options(target, timeout)
        return "PUBLISH", self._request_channel(target.namespace), _object(message, packed=packed)

    def reply_channels(self, namespace: str) -> tuple[tuple[str, ...], bool]:
        """Return both that servers use: the second is that of publishOnSpecificResponseChannel."""
        channel = f"{self.key}-response#{namespace}#"
        return (channel, f"{channel}{UID}#"), False

    def needs(self, question: Question) -> str:
        """Return which adapter."""
        if question.kind == "ack":
            return "@socket.io/redis-adapter 7.2 or later"
        if question.kind == "server":
            return f"@socket.io/redis-adapter 7.0 or later and {_NEEDS_HANDLER}"
        return "socket.io-redis 6.1 or @socket.io/redis-adapter 7 or later"

    def listeners(self, namespace: str) -> tuple[str, str]:
        """Count who listens for requests, which each server does once."""
        return "NUMSUB", self._request_channel(namespace).decode()

    def _request_channel(self, namespace: str) -> bytes:
        return f"{self.key}-request#{namespace}#".encode()


def ends_servers(command: Command) -> bool:
    """Tell whether servers with @socket.io/redis-adapter before 7.2 may end with a request of the classic adapter."""
    return command[2][:1] != b"{"


def _cluster_options(target: Target, timeout: int = 0) -> dict[str, Any]:
    flags: dict[str, Any] = target.flags()
    if timeout:
        flags["timeout"] = timeout
    return {"rooms": target.rooms, "except": target.excepted, "flags": flags}


def _cluster_broadcast(target: Target, event: str, args: tuple[Any, ...], limits: Limits) -> tuple[bytes, bool]:
    """Return {packet, opts}, and whether it is MessagePack."""
    data, binary = encode(event, args, "json unless binary", limits)
    options = _cluster_options(target)
    if binary:
        head = b"\x82\xa6packet\x82\xa4type\x02\xa4data"
        return head + data + b"\xa4opts" + to_messagepack(options, 0), True
    return b'{"packet":{"type":2,"data":' + data + b'},"opts":' + _text(options) + b"}", False


def _cluster_request(target: Target, request: Request) -> tuple[int, bytes]:
    """Return the type of a request and its data, in JSON."""
    data: dict[str, Any] = {"opts": _cluster_options(target)}
    if request.kind == "disconnect":
        data["close"] = request.close
        return DISCONNECT, _text(data)
    data["rooms"] = request.rooms
    return (JOIN if request.kind == "join" else LEAVE), _text(data)


def _cluster_question(  # noqa: PLR0913, PLR0917 - what the adapters know
    target: Target, question: Question, request: str, limits: Limits, timeout: int, form: Form
) -> bytes:
    """Return the message of a question."""
    named = {"requestId": request} if request else {}
    options = _cluster_options(target, timeout)
    packed = form == "messagepack"
    if question.kind in ("fetch", "confirm"):
        data = _object({"opts": options, **named}, packed=packed)
        return _cluster_message(FETCH_SOCKETS, data, target.namespace, packed=packed)
    event, binary = encode(question.event, question.args, form, limits)
    packed = packed or binary
    if question.kind == "server":
        data = _object({**named, "packet": event}, packed=packed)
        return _cluster_message(SERVER_SIDE_EMIT, data, target.namespace, packed=packed)
    packet = _object({"type": EVENT, "data": event}, packed=packed)
    data = _object({"packet": packet, **named, "opts": options}, packed=packed)
    return _cluster_message(BROADCAST, data, target.namespace, packed=packed)


def _cluster_needs(question: Question) -> str:
    return _NEEDS_HANDLER if question.kind == "server" else ""


def _cluster_message(typ: int, data: bytes, namespace: str, *, packed: bool) -> bytes:
    """Return {type, data, uid, nsp}."""
    if packed:
        head = b"\x84\xa4type" + bytes((typ,)) + b"\xa4data"
        return head + data + b"\xa3uid\xa7emitter\xa3nsp" + to_messagepack(namespace, 0)
    return b'{"type":%d,"data":%b,"uid":"emitter","nsp":%b}' % (typ, data, _text(namespace))


@dataclass(frozen=True, slots=True)
class Sharded:
    """The adapter made by ``createShardedAdapter`` of @socket.io/redis-adapter 8.2 and later, which needs Redis 7.

    The options are upstream's. ``subscription_mode`` must be that of the servers: with another one, events to one room
    reach nobody.
    """

    channel_prefix: str = "socket.io"
    subscription_mode: SubscriptionMode = "dynamic"

    def __post_init__(self) -> None:
        """Refuse a mode that upstream does not have, and a prefix that no server can have."""
        object.__setattr__(self, "channel_prefix", valid_text(self.channel_prefix, "channel_prefix") or "socket.io")
        if self.subscription_mode not in ("dynamic", "dynamic-private", "static"):
            message = f"subscription_mode {self.subscription_mode!r}: it is dynamic, dynamic-private or static"
            raise SioemitError("adapter-option", message)

    def broadcast(self, target: Target, event: str, args: tuple[Any, ...], limits: Limits) -> Command:
        """Publish to the channel of the namespace, or of the one room that has a channel of its own."""
        data, packed = _cluster_broadcast(target, event, args, limits)
        channel = self._channel(target.namespace)
        if len(target.rooms) == 1 and self._has_channel(target.rooms[0]):
            channel += f"{target.rooms[0]}#"
        return "SPUBLISH", channel.encode(), _cluster_message(BROADCAST, data, target.namespace, packed=packed)

    def request(self, target: Target, request: Request) -> Command:
        """Publish a request in JSON."""
        typ, data = _cluster_request(target, request)
        channel = self._channel(target.namespace).encode()
        return "SPUBLISH", channel, _cluster_message(typ, data, target.namespace, packed=False)

    def server_side(self, target: Target, event: str, args: tuple[Any, ...], limits: Limits) -> Command:
        """Publish a message of type 9."""
        return self.ask(target, ServerSideEmitWithAck(event, args), "", limits)

    def ask(self, target: Target, question: Question, request: str, limits: Limits, timeout: int = 0) -> Command:
        """Publish to the channel of the namespace: JSON, or MessagePack when it holds binary."""
        message = _cluster_question(target, question, request, limits, timeout, "json unless binary")
        return "SPUBLISH", (question.channel or self._channel(target.namespace)).encode(), message

    def reply_channels(self, namespace: str) -> tuple[tuple[str, ...], bool]:
        """Return the one channel."""
        return (f"{self._channel(namespace)}{UID}#",), True

    def needs(self, question: Question) -> str:
        """Return what else than the adapter."""
        return _cluster_needs(question)

    def listeners(self, namespace: str) -> tuple[str, str]:
        """Count who listens on the channel of the namespace, which each server does once."""
        return "SHARDNUMSUB", self._channel(namespace)

    def _channel(self, namespace: str) -> str:
        return f"{self.channel_prefix}#{namespace}#"

    def _has_channel(self, room: Room) -> bool:
        if self.subscription_mode == "static" or not isinstance(room, str):
            return False
        if self.subscription_mode == "dynamic-private":
            return True
        # Upstream compares the length in UTF-16 code units: a socket id has 20.
        return len(room.encode("utf-16-le")) // 2 != SOCKET_ID_LENGTH


@dataclass(frozen=True, slots=True)
class Streams:
    """The adapter made by ``createAdapter`` of @socket.io/redis-streams-adapter.

    The options are upstream's. Servers that were disconnected from Redis for a moment get what they missed.
    """

    stream_name: str = "socket.io"
    stream_count: int = 1
    max_len: int = 10_000
    channel_prefix: str = "socket.io"
    use_sharded_pubsub: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers that upstream does not have, and names that no server can have."""
        for option in ("stream_name", "channel_prefix"):
            object.__setattr__(self, option, valid_text(getattr(self, option), option) or "socket.io")
        for name, value in (("stream_count", self.stream_count), ("max_len", self.max_len)):
            if value < 1:
                raise SioemitError("adapter-option", f"{name} {value}: it must be 1 or more")

    def broadcast(self, target: Target, event: str, args: tuple[Any, ...], limits: Limits) -> Command:
        """Add an entry to the stream of the namespace."""
        data, packed = _cluster_broadcast(target, event, args, limits)
        return self._entry(target.namespace, BROADCAST, base64.b64encode(data) if packed else data)

    def request(self, target: Target, request: Request) -> Command:
        """Add an entry to the stream: a server that is away for a moment must not miss it."""
        return self._entry(target.namespace, *_cluster_request(target, request))

    def server_side(self, target: Target, event: str, args: tuple[Any, ...], limits: Limits) -> Command:
        """Publish a message of type 9, in MessagePack."""
        return self.ask(target, ServerSideEmitWithAck(event, args), "", limits)

    def ask(self, target: Target, question: Question, request: str, limits: Limits, timeout: int = 0) -> Command:
        """Publish MessagePack beside the stream, but for what is to come behind its entries."""
        if question.kind == "confirm":
            data = _object({"opts": _cluster_options(target), "requestId": request}, packed=False)
            return self._entry(target.namespace, FETCH_SOCKETS, data)
        message = _cluster_question(target, question, request, limits, timeout, "messagepack")
        return ("SPUBLISH" if self.use_sharded_pubsub else "PUBLISH"), self._channel(target.namespace).encode(), message

    def reply_channels(self, namespace: str) -> tuple[tuple[str, ...], bool]:
        """Return the one channel."""
        return (f"{self._channel(namespace)}{UID}#",), self.use_sharded_pubsub

    def needs(self, question: Question) -> str:
        """Return what else than the adapter."""
        return _cluster_needs(question)

    def listeners(self, namespace: str) -> tuple[str, str]:
        """Count who listens on the channel of the namespace, which each server does once."""
        return ("SHARDNUMSUB" if self.use_sharded_pubsub else "NUMSUB"), self._channel(namespace)

    def _channel(self, namespace: str) -> str:
        return f"{self.channel_prefix}#{namespace}#"

    def _entry(self, namespace: str, typ: int, data: bytes) -> Command:
        return (
            "XADD",
            self.stream(namespace).encode(),
            b"MAXLEN",
            b"~",
            b"%d" % self.max_len,
            b"*",
            b"uid",
            UID.encode(),
            b"nsp",
            namespace.encode(),
            b"type",
            b"%d" % typ,
            b"data",
            data,
        )

    def stream(self, namespace: str) -> str:
        """Return the name of the stream of a namespace. Raises SioemitError where no server reads it."""
        if self.stream_count == 1:
            return self.stream_name
        # Upstream's remainder keeps the sign of the hash, as JavaScript's % does.
        code = java_hash(namespace)
        number = abs(code) % self.stream_count
        if code < 0 and number:
            message = (
                f"no server reads the stream of namespace {namespace!r}: it hashes to -{number} of {self.stream_count}"
            )
            raise SioemitError("unread-stream", message)
        return f"{self.stream_name}-{number}"


def java_hash(text: str) -> int:
    """Return the hash code of a string in Java, which upstream borrowed: over UTF-16 code units, signed, 32 bits."""
    code = 0
    units = text.encode("utf-16-le")
    for i in range(0, len(units), 2):
        code = (31 * code + int.from_bytes(units[i : i + 2], "little")) & 0xFFFFFFFF
    return code - (1 << 32) if code >= 1 << 31 else code
