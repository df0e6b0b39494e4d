"""Targets: what emitters, operators and pipelines of both kinds have in common."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar

from ._adapters import Adapter, Classic, Command, Request, Room, Sharded, Streams, Target, ends_servers
from ._answers import AllRooms, Confirmation, EmitWithAck, Question, RoomsOfSockets, new_id
from ._encoding import Limits
from ._errors import IncompleteError, SioemitError, valid_text
from ._python import Python, no_counterpart
from ._redis import text
from ._sent import BESIDE, Sent
from ._subscription import Wait
from ._values import MAX_INT, Default

Self = TypeVar("Self", bound="Targeting")
Options = TypeVar("Options", bound="Config")

# What Socket.IO emits itself: a client that gets one of these drops its connection.
RESERVED = frozenset({"connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"})
# To servers these would call handlers with no socket; without a listener, "error" ends a server.
RESERVED_SERVER_SIDE = frozenset({"connect", "connection", "new_namespace", "error"})

# The ids that engine.io makes.
SOCKET_ID = re.compile(r"[0-9A-Za-z_-]{20}")

LEGACY_BINARY_UP_TO = 2
PREFIXED_UP_TO = 2
CURRENT_VERSION = 4

# How long calls with replies wait for them, in seconds, unless timeout() says otherwise.
DEFAULT_TIMEOUT = 5.0

# How often a question is asked that changes nothing, when it is not known whether Redis has taken it.
ATTEMPTS = 4

# The timers of JavaScript, which servers are told of it for, go no further: 24 days.
MAX_TIMEOUT = 2_147_483.0


@dataclass(frozen=True, slots=True)
class Config:
    """What the options of an emitter add up to."""

    adapter: Adapter
    version: int
    limits: Limits
    socket_ids: re.Pattern[str]
    only_ids: bool  # no rooms are left out
    is_apart: bool  # rooms have channels that may reach servers by other ways than that of the namespace
    notes_more: bool  # of what is sent than when: its entries in a stream, or those channels
    timeout: float = DEFAULT_TIMEOUT
    sent: Sent = field(default_factory=Sent)

    @classmethod
    def from_options(  # noqa: PLR0913 - one for each option
        cls: type[Options],
        *,
        key: str | None,
        server_version: int,
        codec: Literal["messagepack", "json"] | None,
        adapter: Sharded | Streams | Python | None,
        max_attachments: int,
        socket_ids: str | re.Pattern[str] | None,
        default: Default | None,
        is_cluster: bool,
    ) -> Options:
        """Check the options of an emitter. Raises SioemitError."""
        if server_version not in (1, 2, 3, 4):
            raise SioemitError("server-version", f"server_version {server_version}: it is 1, 2, 3 or 4")
        if codec not in (None, "messagepack", "json"):
            raise SioemitError("adapter-option", f"codec {codec!r}: it is messagepack or json")
        if max_attachments < 1:
            raise SioemitError("adapter-option", f"max_attachments {max_attachments}: it must be 1 or more")
        if adapter is not None:
            name = type(adapter).__name__
            for option, given in (
                ("key", key is not None),
                ("codec", codec is not None),
                ("server_version", server_version != CURRENT_VERSION),
            ):
                if given:
                    raise SioemitError("adapter-option", f"{option} belongs to the classic adapter, not to {name}")
        return cls(
            adapter
            or Classic(
                valid_text(key or "socket.io", "key"),
                codec or "messagepack",
                server_version <= LEGACY_BINARY_UP_TO,
            ),
            server_version,
            Limits(max_attachments, default),
            SOCKET_ID if socket_ids is None else re.compile(socket_ids),
            server_version < CURRENT_VERSION or isinstance(adapter, Python),
            is_apart := is_cluster and isinstance(adapter, Sharded),
            is_apart or isinstance(adapter, Streams),
        )


# Programs have few events. The bound is for those that make up names.
_good_events: set[str] = set()
MAX_GOOD_EVENTS = 1000


class Targeting:
    """Who gets what is sent. It never changes: its methods return new ones, which can be kept and shared."""

    __slots__ = ("_config", "_target")

    _config: Config
    _target: Target

    def _derive(self: Self, **changes: Any) -> Self:
        return self._with(self._target._replace(**changes))

    def _with(self: Self, target: Target) -> Self:
        """Return one of the same kind with another target."""
        raise NotImplementedError

    def of(self: Self, namespace: str) -> Self:
        """Target another namespace, in which rooms and flags are kept. "admin" is "/admin"."""
        valid_text(namespace, "namespace")
        return self._derive(namespace=namespace if namespace.startswith("/") else "/" + namespace)

    def to(self: Self, *rooms: Room) -> Self:
        """Target rooms, besides those already targeted. A client in several of them gets an event once.

        A socket id is a room, too. A number is a room that is a number: ``join(5)`` is not ``join("5")``.
        """
        if not rooms:
            raise SioemitError("empty-room", "to() without a room would reach everyone; give it one, or leave it out")
        namespace, targeted, excepted, volatile, compress = self._target
        room = rooms[0]
        if targeted or len(rooms) > 1 or type(room) is not str or not room or not room.isascii():
            rooms = _add(targeted, rooms)
        # tuple.__new__ is what Target() calls, without the call.
        return self._with(tuple.__new__(Target, (namespace, rooms, excepted, volatile, compress)))

    def in_(self: Self, *rooms: Room) -> Self:
        """Do as to(), by its other name in Socket.IO."""
        return self.to(*rooms)

    def except_(self: Self, *rooms: Room) -> Self:
        """Leave out the clients in any of the rooms. On Socket.IO 1 to 3, and in Python, it takes socket ids only."""
        excepted = _add(self._target.excepted, rooms)
        if self._config.only_ids:
            servers = "Python" if isinstance(self._config.adapter, Python) else f"Socket.IO {self._config.version}"
            for room in rooms:
                if not self._is_socket_id(room):
                    message = (
                        f"except_({room!r}): {servers} leaves out socket ids only, and would ignore a room. "
                        "If your servers make their own ids, say what they look like with socket_ids="
                    )
                    raise SioemitError("except-room", message)
        return self._derive(excepted=excepted)

    def _is_socket_id(self, room: Room) -> bool:
        if not isinstance(room, str):
            return False
        # On Socket.IO 1 and 2 it stands behind the namespace, unless that is "/".
        prefixed = self._config.version <= PREFIXED_UP_TO and room.startswith("/")
        bare = room.partition("#")[2] if prefixed else ""
        ids = self._config.socket_ids
        return bool(ids.fullmatch(room) or (bare and ids.fullmatch(bare)))

    def volatile(self: Self) -> Self:
        """Let servers drop the event for clients that are not ready to receive it."""
        return self._derive(volatile=True)

    def compress(self: Self, compress: bool) -> Self:  # noqa: FBT001 - as in Socket.IO
        """Say whether servers may compress the event."""
        return self._derive(compress=bool(compress))

    def timeout(self: Self, seconds: float) -> Self:
        """Say how long calls with replies wait for them; 5 seconds otherwise."""
        if not seconds > 0:
            raise SioemitError("timeout", f"timeout({seconds}): it must be more than 0")
        other = self._with(self._target)
        other._config = replace(self._config, timeout=min(seconds, MAX_TIMEOUT))  # noqa: SLF001 - it is one of these
        return other

    def _broadcast(self, event: str, args: tuple[Any, ...]) -> Command:
        if event not in _good_events:
            _event(event, RESERVED)
            if len(_good_events) < MAX_GOOD_EVENTS:
                _good_events.add(event)
        config = self._config
        return config.adapter.broadcast(self._target, event, args, config.limits)

    def _join(self, rooms: tuple[Room, ...]) -> Command:
        self._needs_version_4("sockets_join")
        return self._request(Request("join", _changed(rooms, "sockets_join")))

    def _leave(self, rooms: tuple[Room, ...]) -> Command:
        self._needs_version_4("sockets_leave")
        return self._request(Request("leave", _changed(rooms, "sockets_leave")))

    def _disconnect(self, *, close: bool) -> Command:
        self._needs_version_4("disconnect_sockets")
        return self._request(Request("disconnect", close=close))

    def _request(self, request: Request) -> Command:
        command = self._config.adapter.request(self._target, request)
        # With ids only, none but servers in Python get here: Socket.IO 1 to 3 have no requests.
        if self._config.only_ids and not all(map(self._is_socket_id, self._target.rooms)):
            raise no_counterpart(request.kind)
        return command

    def _server_side(self, event: str, args: tuple[Any, ...]) -> Command:
        _event(event, RESERVED_SERVER_SIDE)
        self._untargeted("server_side_emit")
        self._needs_version_4("server_side_emit")
        limits = Limits(None, self._config.limits.default)
        return self._config.adapter.server_side(self._target, event, args, limits)

    def _listeners(self) -> tuple[str, str]:
        return self._config.adapter.listeners(self._target.namespace)

    def _rooms_question(self) -> Question:
        return AllRooms() if isinstance(self._config.adapter, Classic) else RoomsOfSockets()

    def _question(self, question: Question, request: str, seconds: float) -> Command:
        """Return the command that asks. Raises SioemitError for what is wrong with the call."""
        if isinstance(question, EmitWithAck):
            _event(question.event, RESERVED)
        elif question.kind == "server":
            _event(question.event, RESERVED_SERVER_SIDE)
        if not question.targeted:
            self._untargeted(question.call)
        self._needs_version_4(question.call)
        limits = self._config.limits if question.kind == "ack" else Limits(None, self._config.limits.default)
        timeout = max(1, int(seconds * 1000)) if question.kind == "ack" else 0
        target = self._target
        if isinstance(question, Confirmation):
            target = Target(target.namespace, (question.nobody,))
        return self._config.adapter.ask(target, question, request, limits, timeout)

    def _note(self, command: Command, reply: Any) -> None:
        """Note what else is to be known of what was sent, or may have been: without a reply nobody knows."""
        namespace, sent = self._target.namespace, self._config.sent
        if self._config.is_apart:
            if self._target.rooms:
                sent.note_channel(namespace, text(command[1]))
        elif command[0] != "XADD":
            sent.note_lost([namespace], BESIDE)
        elif reply is not None:
            sent.note_entries(namespace, [text(reply)])

    def _note_question(self, question: Question, since: float, *, settled: bool) -> None:
        """Note a question that has changed something."""
        if not question.harmless:
            self._config.sent.note(self._target.namespace, since)
            if isinstance(self._config.adapter, Streams) and not settled:
                self._config.sent.note_lost([self._target.namespace], BESIDE)

    def _ends_servers(self, command: Command) -> bool:
        return isinstance(self._config.adapter, Classic) and ends_servers(command)

    def _probe(self: Self) -> Self:
        """Return a target that nobody is in, for a question whether servers read binary.

        What shows it is that they answer an event with acknowledgement: both came with the same adapter.
        """
        return self._with(Target(self._target.namespace)).to(new_id())

    def _incomplete(self, question: Question) -> IncompleteError:
        clients, expected = question.clients
        needs = "" if question.answered else self._config.adapter.needs(question)
        return IncompleteError(
            question.call, question.answered, question.asked, clients, expected, question.unread, needs, question.result
        )

    def _untargeted(self, call: str) -> None:
        if self._target.rooms or self._target.excepted:
            raise SioemitError("targeted", f"{call} goes to the servers of a namespace and takes no rooms")

    def _needs_version_4(self, call: str) -> None:
        if self._config.version < CURRENT_VERSION:
            raise SioemitError("needs-version-4", f"{call} needs Socket.IO 4, not {self._config.version}")


def settled(question: Question, wait: Wait[Any]) -> bool:
    """Take the answers that have come, and tell whether all are there. Raises what has become of the connection."""
    wait.changed.clear()
    if question.take(wait.answers(), wait.id):
        return True
    if lost := wait.lost:
        raise lost
    return False


def subscribed(wait: Wait[Any]) -> bool:
    """Tell whether no answer can be missed any more. Raises what has become of the connection."""
    wait.changed.clear()
    if lost := wait.lost:
        raise lost
    return wait.subscribed


def no_servers(question: Question, namespace: str) -> SioemitError:
    """Return the error of a question that nobody listens to."""
    return SioemitError("no-servers", f"{question.call}: no server listens on {namespace}")


def not_subscribed(wait: Wait[Any]) -> SioemitError:
    """Return the error of a question that was not asked, because its answers could not have come."""
    place = wait.subscription.place
    message = f"Redis did not confirm the subscription for replies in time{place}; nothing was asked"
    return SioemitError("subscription", message)


def another_confirms() -> IncompleteError:
    """Return the error of a confirm() that had no time of its own."""
    err = IncompleteError("confirm", 0, 0, 0, 0, 0, "", None)
    err.args = ("confirm: nothing was asked, because another confirm() of this emitter took all the time",)
    return err


def binary_not_sent(err: SioemitError, partial: Any) -> SioemitError:
    """Return the error of a question whether servers read binary as that of the call that would have sent it."""
    err.args = (f"{err}; the binary was not sent, because it is not certain that all servers can read it",)
    if isinstance(err, IncompleteError):
        err.partial = partial
    return err


def _event(event: str, reserved: frozenset[str]) -> None:
    if event == "":
        raise SioemitError("empty-event", "the event's name is empty")
    valid_text(event, "event")
    if event in reserved:
        raise SioemitError("reserved-event", f"event {event!r}: the name is reserved by Socket.IO")


def _changed(rooms: tuple[Room, ...], call: str) -> tuple[Room, ...]:
    if not rooms:
        raise SioemitError("empty-room", f"{call} without a room")
    return _add((), rooms)


def _add(rooms: tuple[Room, ...], more: tuple[Room, ...]) -> tuple[Room, ...]:
    """Return the rooms of both, each once, in order."""
    return tuple(dict.fromkeys((*rooms, *map(_room, more))))


def _room(room: Room) -> Room:
    if isinstance(room, str):
        if room == "":
            raise SioemitError("empty-room", "the room's name is empty")
        return valid_text(room, "room")
    if isinstance(room, bool) or not isinstance(room, int | float):
        message = f"a room is a str or a number, not {type(room).__name__}"
        raise TypeError(message)
    try:
        number = float(room)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise SioemitError("invalid-text", f"room {room}: no server can have a room of that number")
    return int(number) if abs(number) <= MAX_INT and number.is_integer() else number
