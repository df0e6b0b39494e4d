"""The adapter for servers in Python."""

from __future__ import annotations

import base64
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ._adapters import UID, Command, Request, Room, Target
from ._answers import Question
from ._encoding import Limits, plain_arguments, to_json
from ._errors import SioemitError, valid_text
from ._values import Plain, is_plain

# Python gives up at 1,000 calls that are open at once, and python-socketio has two for each level.
MAX_LEVELS = 300

# What there is instead of a request that these servers have no message for.
_KNOWN = {
    "join": "one socket joins one room there, and its id is the target",
    "leave": "one socket, whose id is the target, or everyone leaves one room there",
    "disconnect": "one socket, whose id is the target, leaves its namespace there, and keeps its connection",
    "server_side_emit": "they have no events among themselves",
    "emit_with_ack": "they answer each other only",
    "confirm": "they answer each other only",
    "fetch_sockets": "they answer each other only",
    "rooms": "they answer each other only",
    "server_side_emit_with_ack": "they answer each other only",
}


@dataclass(frozen=True, slots=True)
class Python:
    """The ``RedisManager`` and ``AsyncRedisManager`` of python-socketio 5.15.1 and later, also in Flask-SocketIO.

    ``channel`` is theirs; that of Flask-SocketIO is "flask-socketio". ``allow_binary`` lets events hold binary: where
    one client uses websocket, these servers disconnect those on HTTP long-polling for it, so that it is for clients
    that all use the same transport.
    """

    channel: str = "socketio"
    allow_binary: bool = False

    def __post_init__(self) -> None:
        """Refuse a channel that no server can have."""
        object.__setattr__(self, "channel", valid_text(self.channel, "channel") or "socketio")

    def broadcast(self, target: Target, event: str, args: tuple[Any, ...], limits: Limits) -> Command:
        """Publish an event. Flags are left out, because these servers know none."""
        if is_plain([*args]) and args != (None,):
            try:
                return self._event(target, event, [*args], levels=0)
            except UnicodeEncodeError:
                pass  # a lone surrogate in a text, which the slow way replaces
        attachments: list[bytes] = []
        plain = plain_arguments(event, args, limits, self._check(len(args)), attachments)
        data: list[Any] = [p.value for p in plain]
        levels = max((p.depth for p in plain), default=0) + 3  # those of the message, around an argument
        if attachments:
            texts = (base64.b64encode(part).decode() for part in attachments)
            return self._event(target, event, [data, *texts], levels=levels, binary=True)
        return self._event(target, event, data, levels=levels)

    def _check(self, count: int) -> Callable[[Plain], SioemitError | None]:
        """Return what looks at one of so many arguments."""

        def check(plain: Plain) -> SioemitError | None:
            if plain.value is None and count == 1:
                return SioemitError("unencodable", "None as the only argument arrives as no argument; send none")
            if plain.binaries and not self.allow_binary:
                return SioemitError(
                    "unencodable",
                    "binary disconnects clients on HTTP long-polling where others use websocket; allow_binary is for "
                    "clients that all use the same transport",
                )
            if plain.depth > MAX_LEVELS:
                return SioemitError(
                    "too-deep", f"it is nested deeper than {MAX_LEVELS} levels, which Python cannot read"
                )
            return None

        return check

    def _event(self, target: Target, event: str, data: list[Any], *, levels: int, binary: bool = False) -> Command:
        message = {
            "method": "emit",
            "event": event,
            "data": data,
            "binary": binary,
            "namespace": target.namespace,
            "room": _none_one_or_list(tuple(map(_checked, target.rooms))),
            "skip_sid": _none_one_or_list(target.excepted),
            "callback": None,
            "host_id": UID,
        }
        return self._publish(message, levels)

    def request(self, target: Target, request: Request) -> Command:
        """Publish a request about one socket, whose id is the target, or about everyone in a room."""
        if target.excepted or len(target.rooms) > 1 or len(request.rooms) > 1 or request.close:
            raise no_counterpart(request.kind)
        message: dict[str, Any] = {}
        if target.rooms:
            methods = {"join": "enter_room", "leave": "leave_room", "disconnect": "disconnect"}
            message |= {"method": methods[request.kind], "sid": target.rooms[0]}
        elif request.kind == "leave":
            message["method"] = "close_room"
        else:
            raise no_counterpart(request.kind)
        if request.rooms:
            message["room"] = _checked(request.rooms[0])
        return self._publish({**message, "namespace": target.namespace, "host_id": UID}, 0)

    def server_side(self, target: Target, event: str, args: tuple[Any, ...], limits: Limits) -> Command:  # noqa: ARG002
        """Refuse an event for servers, which has no counterpart."""
        raise no_counterpart("server_side_emit")

    def ask(
        self,
        target: Target,  # noqa: ARG002
        question: Question,
        request: str,  # noqa: ARG002
        limits: Limits,  # noqa: ARG002
        timeout: int = 0,  # noqa: ARG002
    ) -> Command:
        """Refuse a question, which has no counterpart."""
        raise no_counterpart(question.call)

    def reply_channels(self, namespace: str) -> tuple[tuple[str, ...], bool]:  # noqa: ARG002
        """Return none."""
        return (), False

    def needs(self, question: Question) -> str:  # noqa: ARG002
        """Return nothing: no question is asked."""
        return ""

    def listeners(self, namespace: str) -> tuple[str, str]:  # noqa: ARG002
        """Count who listens on the channel, which each server does once, for all namespaces."""
        return "NUMSUB", self.channel

    def _publish(self, message: dict[str, Any], levels: int) -> Command:
        return "PUBLISH", self.channel.encode(), to_json(message, levels).encode()


def no_counterpart(call: str) -> SioemitError:
    """Return the error of a call that these servers have no message for."""
    return SioemitError("no-counterpart", f"servers in Python know no such call: {_KNOWN[call]}")


def _checked(room: Room) -> Room:
    """Refuse a number that may stand for others: a float from 2**53 up is the nearest to several whole numbers."""
    if not isinstance(room, str) and abs(room) >= 2**53:
        raise SioemitError(
            "no-counterpart", f"room {room:.0f}: Python tells numbers from 2**53 up apart that are the same one here"
        )
    return room


def _none_one_or_list(rooms: tuple[Room, ...]) -> Any:
    return list(rooms) if len(rooms) > 1 else next(iter(rooms), None)
