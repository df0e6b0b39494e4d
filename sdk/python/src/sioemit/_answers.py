"""Questions to the servers, and what their answers add up to."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from ._decoding import UnreadableError, decode

AnswerKind = Literal["sockets", "rooms", "server", "ack", "count"]

# Types of answers: of the classic adapter, where lists of sockets and rooms have none, and of the others.
_CLASSIC: dict[int, tuple[AnswerKind, str]] = {6: ("server", "data"), 8: ("count", "clientCount"), 9: ("ack", "packet")}
_CLUSTER: dict[int, tuple[AnswerKind, str]] = {
    8: ("sockets", "sockets"),
    10: ("server", "packet"),
    11: ("count", "clientCount"),
    12: ("ack", "packet"),
}

MAX_CLIENTS = (1 << 31) - 1  # of one server


@dataclass(frozen=True, slots=True)
class Acks:
    """The acknowledgements of one event."""

    values: list[Any] = field(default_factory=list)
    """What the clients answered, in the order of arrival: the first argument of each, None when it had none."""
    clients: int = 0
    """How many clients the servers sent the event to."""
    per_server: list[int] = field(default_factory=list)
    """The same, for each server that said so."""
    servers: int = 0
    """How many servers were asked."""


@dataclass(frozen=True, slots=True)
class Socket:
    """One connected client, as its server describes it."""

    id: str
    rooms: list[str | int | float]
    """With the socket's own id. A room that is a number is one: ``join(5)`` is not ``join("5")``."""
    data: Any
    """What the server has stored in ``socket.data``."""
    handshake: dict[str, Any] = field(repr=False)
    """How the client connected. It holds cookies and tokens: do not log it."""


def new_id() -> str:
    """Return an id for a question that nobody else uses."""
    return secrets.token_hex(16)


_ID = re.compile(rb'requestId(?:"\s*:\s*"|\xd9\x20)([0-9a-f]{32})')


def ids(payload: bytes) -> set[str]:
    """Return the ids of questions that a message names, in either form. It is not decoded for that.

    Which of them it answers, decoding tells; most messages are for others, and of any size.
    """
    return {match.decode() for match in _ID.findall(payload)}


class Answer(NamedTuple):
    """One answer of a server."""

    kind: AnswerKind
    id: str
    uid: str  # of the server; empty where it does not say
    content: Any


def read(payload: bytes) -> Answer | None:
    """Decode an answer; None for another message. Raises UnreadableError."""
    message = decode(payload)
    if not isinstance(message, dict):
        return None
    uid = message.get("uid")
    uid = uid if isinstance(uid, str) else ""
    number = message.get("type")
    # Adapters that extend ClusterAdapter have all else in the member data, the id of the question, too.
    data = message.get("data")
    if "requestId" not in message and isinstance(data, dict):
        return _answer(_CLUSTER.get(number) if type(number) is int else None, data, uid)
    if type(number) is int:
        known = _CLASSIC.get(number)
        return None if number == 6 and uid else _answer(known, message, uid)  # with a uid it is a question itself
    for kind in ("sockets", "rooms"):
        if message.get(kind) is not None:
            return _answer((kind, kind), message, uid)
    return None


def _answer(known: tuple[Any, str] | None, holder: dict[str, Any], uid: str) -> Answer | None:
    request = holder.get("requestId")
    if known is None or not isinstance(request, str):
        return None
    return Answer(known[0], request, uid, holder.get(known[1]))


class Question:
    """Something to ask the servers, once, and the answers to it so far."""

    call: str  # the method's name
    kind: Literal["fetch", "rooms", "server", "ack", "confirm"]
    kinds: tuple[AnswerKind, ...]  # of answers
    harmless = False  # it changes nothing, and may be asked again, with another id
    targeted = True  # it concerns clients, and takes rooms
    channel = ""  # of the sharded adapter, instead of that of the namespace
    node: Any = None  # of a Redis Cluster, instead of that which the client takes

    def __init__(self, event: str = "", args: tuple[Any, ...] = ()) -> None:
        """Ask nothing yet."""
        self.event = event
        self.args = args
        self.asked = 0  # servers
        self.unread = 0  # answers that could not be read
        self._uids: set[str] = set()

    def take(self, payloads: Iterable[bytes], request: str) -> bool:
        """Take answers, and tell whether all are there. Those behind the last one count for nothing."""
        for payload in payloads:
            if self.complete:
                break
            try:
                answer = read(payload)
                if answer is None or answer.id != request or answer.kind not in self.kinds:
                    continue
                # Each client of a server acknowledges; anything else comes twice when a server has sent it again.
                if answer.kind != "ack" and answer.uid in self._uids:
                    continue
                self._add(answer)
            except UnreadableError:
                self.unread += 1
                continue
            if answer.uid and answer.kind != "ack":
                self._uids.add(answer.uid)
        return self.complete

    def _add(self, answer: Answer) -> None:
        """Take an answer. Raises UnreadableError for one that holds what it cannot."""
        raise NotImplementedError

    @property
    def answered(self) -> int:
        """How many servers have answered."""
        raise NotImplementedError

    @property
    def complete(self) -> bool:
        """Whether all answers are there."""
        return self.answered >= self.asked

    @property
    def result(self) -> Any:
        """What the answers add up to."""
        raise NotImplementedError

    @property
    def clients(self) -> tuple[int, int]:
        """How many clients have acknowledged, and how many are to."""
        return 0, 0


class EmitWithAck(Question):
    """An event that clients acknowledge. An acknowledgement may overtake the number of clients."""

    call = "emit_with_ack"
    kind = "ack"
    kinds = ("ack", "count")

    def __init__(self, event: str, args: tuple[Any, ...] = ()) -> None:
        """Begin with nobody."""
        super().__init__(event, args)
        self._values: list[Any] = []
        self._counts: list[int] = []

    def _add(self, answer: Answer) -> None:
        if answer.kind == "ack":
            self._values.append(answer.content)
            return
        if type(answer.content) is not int or not 0 <= answer.content <= MAX_CLIENTS:
            raise UnreadableError("it is no number of clients")
        self._counts.append(answer.content)

    @property
    def answered(self) -> int:
        return len(self._counts)

    @property
    def complete(self) -> bool:
        return len(self._counts) >= self.asked and len(self._values) >= sum(self._counts)

    @property
    def clients(self) -> tuple[int, int]:
        return len(self._values), sum(self._counts)

    @property
    def result(self) -> Acks:
        return Acks(self._values, sum(self._counts), self._counts, self.asked)


class ServerSideEmitWithAck(Question):
    """An event that servers answer."""

    call = "server_side_emit_with_ack"
    kind = "server"
    kinds = ("server",)
    targeted = False

    def __init__(self, event: str, args: tuple[Any, ...] = ()) -> None:
        """Begin with nobody."""
        super().__init__(event, args)
        self._values: list[Any] = []

    def _add(self, answer: Answer) -> None:
        self._values.append(answer.content)

    @property
    def answered(self) -> int:
        return len(self._values)

    @property
    def result(self) -> list[Any]:
        return self._values


class FetchSockets(Question):
    """The sockets targeted."""

    call = "fetch_sockets"
    kind = "fetch"
    kinds = ("sockets",)
    harmless = True

    def __init__(self) -> None:
        """Begin with nobody."""
        super().__init__()
        self._sockets: dict[str, Socket] = {}
        self._answered = 0

    def _add(self, answer: Answer) -> None:
        sockets = [_socket(item) for item in _list(answer.content)]
        fresh = {socket.id: socket for socket in sockets if socket.id not in self._sockets}
        self._sockets.update(fresh)
        # No two servers have the same socket: an answer that names known ones only came twice.
        if fresh or not sockets:
            self._answered += 1

    @property
    def answered(self) -> int:
        return self._answered

    @property
    def result(self) -> list[Socket]:
        return list(self._sockets.values())


class RoomsOfSockets(FetchSockets):
    """The names of all rooms, which are those of all sockets."""

    call = "rooms"
    targeted = False

    @property
    def result(self) -> list[str]:  # type: ignore[override] # it is that of another call
        return _sorted(room for socket in self._sockets.values() for room in socket.rooms)


class AllRooms(Question):
    """The names of all rooms, for which the classic adapter has a question of its own."""

    call = "rooms"
    kind = "rooms"
    kinds = ("rooms",)
    harmless = True
    targeted = False

    def __init__(self) -> None:
        """Begin with nobody."""
        super().__init__()
        self._rooms: list[list[str | int | float]] = []

    def _add(self, answer: Answer) -> None:
        rooms = _rooms(_list(answer.content))
        # Each server has the ids of its sockets among its rooms: the same rooms again came twice.
        if not rooms or rooms not in self._rooms:
            self._rooms.append(rooms)

    @property
    def answered(self) -> int:
        return len(self._rooms)

    @property
    def result(self) -> list[str]:
        return _sorted(room for rooms in self._rooms for room in rooms)


# How the uid of one begins who listens, and answers as a server, because Redis counts it as one.
LISTENER = "listen-"


class Confirmation(Question):
    """Whether servers have taken what was sent before it. It concerns a room that nobody is in, and so is harmless."""

    call = "confirm"
    kind = "confirm"
    kinds = ("sockets",)
    harmless = True

    def __init__(self, asked: int = 0, channel: str = "", node: Any = None) -> None:
        """Begin with nobody of so many servers."""
        super().__init__()
        self.asked = asked
        self.channel = channel
        self.node = node
        self.nobody = f"nobody-{new_id()}"  # it does not look like the id of a socket
        self.answers = 0

    def take(self, payloads: Iterable[bytes], request: str) -> bool:
        done = super().take(payloads, request)
        self.unread = 0  # nobody wants to read what these answers hold
        return done

    def _add(self, answer: Answer) -> None:
        if answer.uid.startswith(LISTENER):
            self.asked -= 1  # it is no server
        else:
            self.answers += 1

    @property
    def answered(self) -> int:
        return self.answers

    @property
    def missing(self) -> int:
        """How many have not answered."""
        return max(self.asked - self.answers, 0)

    @property
    def result(self) -> None:
        return None


def _sorted(rooms: Iterable[str | int | float]) -> list[str]:
    return sorted({room for room in rooms if isinstance(room, str)})


def _list(content: Any) -> list[Any]:
    if not isinstance(content, list):
        raise UnreadableError("it is no list")
    return content


def _socket(item: Any) -> Socket:
    if not isinstance(item, dict) or not isinstance(item.get("id"), str) or not item["id"]:
        raise UnreadableError("a socket has no id")
    handshake = item.get("handshake")
    rooms = item.get("rooms")
    return Socket(
        item["id"],
        _rooms(rooms if isinstance(rooms, list) else []),
        item.get("data"),
        handshake if isinstance(handshake, dict) else {},
    )


def _rooms(rooms: list[Any]) -> list[str | int | float]:
    """Return what is a room's name. JavaScript lets a server join(undefined), which no other room must suffer for."""
    names = (int(room) if isinstance(room, float) and room.is_integer() else room for room in rooms)
    return [room for room in names if isinstance(room, str | int | float) and not isinstance(room, bool)]
