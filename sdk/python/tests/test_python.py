"""What servers in Python are told, and what is refused because they have no word for it."""

from __future__ import annotations

import base64
import enum
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

from sioemit import Emitter, Pipeline, Python, SioemitError

from .conftest import Listener

if TYPE_CHECKING:
    import redis

ID = "abcdefghijklmnopqrst"
OTHER = ID.upper()


class Nothing(enum.Enum):
    NONE = None


def nested(levels: int, innermost: Any = None) -> Any:
    value = innermost
    for level in range(levels):
        value = {"a": value} if level % 2 else [value]
    return value


def test_an_event(client: redis.Redis, listener: Listener) -> None:
    io = Emitter(client, adapter=Python(channel="flask-socketio")).of("admin").volatile().compress(True)
    for args, data in (
        ((), []),
        (("a", 1.5, {"b": [None]}), ["a", 1.5, {"b": [None]}]),  # plain
        (("a\ud800",), ["a\ufffd"]),
        (("a\ud800", 2.0, (1,), 2**60), ["a\ufffd", 2, [1], 2**60]),  # not plain
        ((nested(300), None), [nested(300), None]),
    ):
        io.to("a", 5).except_(ID).emit("ev", *args)
        assert listener.next() == (
            "flask-socketio",
            {
                "method": "emit",
                "event": "ev",
                "data": data,
                "binary": False,
                "namespace": "/admin",
                "room": ["a", 5],
                "skip_sid": ID,
                "callback": None,
                "host_id": "emitter",
            },
        )


def test_binary_stands_beside_the_arguments(client: redis.Redis, listener: Listener) -> None:
    io = Emitter(client, adapter=Python(allow_binary=True))
    io.emit("ev", [b"\xff", {"a": b""}], "x", bytearray(300), nested(299, b"deep"))
    _, message = listener.next()
    assert message["binary"] is True
    (list_, text, alone, deep), *attachments = message["data"]
    places = [{"_placeholder": True, "num": num} for num in range(4)]
    assert (list_, text, alone) == ([places[0], {"a": places[1]}], "x", places[2])
    assert deep == nested(299, places[3])
    assert [base64.b64decode(part) for part in attachments] == [b"\xff", b"", bytes(300), b"deep"]


def test_a_placeholder_of_the_caller_is_no_binary(client: redis.Redis, listener: Listener) -> None:
    Emitter(client, adapter=Python()).emit("ev", {"_placeholder": True, "num": 0})
    assert listener.next()[1]["data"] == [{"_placeholder": True, "num": 0}]


@pytest.mark.parametrize(
    ("adapter", "args", "reason", "text"),
    [
        (Python(), (None,), "unencodable", "only argument"),
        (Python(), (Nothing.NONE,), "unencodable", "only argument"),
        (Python(allow_binary=True), (None,), "unencodable", "only argument"),
        (Python(), (1, {"a": [b"x"]}), "unencodable", "argument 2 .* allow_binary"),
        (Python(), (b"x",) * 11, "unencodable", "allow_binary"),
        (Python(allow_binary=True), (b"x",) * 11, "unencodable", "max_attachments"),
        (Python(allow_binary=True), (b"x", {"_placeholder": True}), "unencodable", "_placeholder"),
        (Python(), ("x", nested(301)), "too-deep", "argument 2 .* 300 levels"),
        (Python(), (nested(1001),), "too-deep", "levels"),
        # The placeholder is a level, too.
        (Python(allow_binary=True), (nested(300, b"x"),), "too-deep", "300 levels"),
    ],
)
def test_values_that_they_cannot_read(
    client: redis.Redis, adapter: Python, args: tuple[Any, ...], reason: str, text: str
) -> None:
    with pytest.raises(SioemitError, match=text) as err:
        Emitter(client, adapter=adapter).emit("ev", *args)
    assert err.value.reason == reason


def test_except_leaves_out_socket_ids_only(client: redis.Redis, listener: Listener) -> None:
    io = Emitter(client, adapter=Python())
    for rooms in (("room",), (ID, "room"), (5,), (ID + "x",), (f"/a#{ID}",)):
        with pytest.raises(SioemitError, match="Python leaves out socket ids only") as err:
            io.except_(*rooms)
        assert err.value.reason == "except-room"
    io.except_(ID, OTHER).emit("ev")
    assert listener.next()[1]["skip_sid"] == [ID, OTHER]


def test_requests(client: redis.Redis, listener: Listener) -> None:
    io = Emitter(client, adapter=Python())
    one = io.of("/n").to(ID)
    one.sockets_join("a")
    one.sockets_leave(5)
    one.disconnect_sockets()
    io.sockets_leave("a")
    assert [listener.next()[1] for _ in range(4)] == [
        {"method": "enter_room", "sid": ID, "room": "a", "namespace": "/n", "host_id": "emitter"},
        {"method": "leave_room", "sid": ID, "room": 5, "namespace": "/n", "host_id": "emitter"},
        {"method": "disconnect", "sid": ID, "namespace": "/n", "host_id": "emitter"},
        {"method": "close_room", "room": "a", "namespace": "/", "host_id": "emitter"},
    ]


@pytest.mark.parametrize(
    "call",
    [
        lambda io: io.sockets_join("a"),
        lambda io: io.to("room").sockets_join("a"),
        lambda io: io.to(5).sockets_join("a"),
        lambda io: io.to(ID, OTHER).sockets_join("a"),
        lambda io: io.to(ID).sockets_join("a", "b"),
        lambda io: io.to(ID).except_(OTHER).sockets_join("a"),
        lambda io: io.to("room").sockets_leave("a"),
        lambda io: io.to(ID).sockets_leave("a", "b"),
        lambda io: io.except_(ID).sockets_leave("a"),
        lambda io: io.sockets_leave("a", "b"),
        lambda io: io.disconnect_sockets(),
        lambda io: io.to("room").disconnect_sockets(),
        lambda io: io.to(ID).disconnect_sockets(close=True),
        lambda io: io.to(ID).except_(OTHER).disconnect_sockets(),
        lambda io: io.server_side_emit("ev"),
    ],
)
def test_requests_without_a_counterpart(
    client: redis.Redis, listener: Listener, call: Callable[[Emitter | Pipeline], None]
) -> None:
    io = Emitter(client, adapter=Python())
    with pytest.raises(SioemitError) as err:
        call(io)
    assert err.value.reason == "no-counterpart"
    with pytest.raises(SioemitError), io.pipeline() as pipe:
        pipe.emit("lost")
        call(pipe)
    io.emit("end")
    assert listener.next()[1]["event"] == "end"


def test_ids_of_their_own(client: redis.Redis, listener: Listener) -> None:
    io = Emitter(client, adapter=Python(), socket_ids=r"user-\d+")
    io.except_("user-7").emit("ev")
    io.to("user-7").sockets_join("a")
    assert listener.next()[1]["skip_sid"] == "user-7"
    assert listener.next()[1]["sid"] == "user-7"
    with pytest.raises(SioemitError, match="socket_ids"):
        io.except_(ID)
    with pytest.raises(SioemitError) as err:
        io.to(ID).sockets_join("a")
    assert err.value.reason == "no-counterpart"


def test_options(client: redis.Redis) -> None:
    with pytest.raises(TypeError):
        Python(channel=5)  # type: ignore[arg-type]
    with pytest.raises(SioemitError) as err:
        Python(channel="\ud800")
    assert err.value.reason == "invalid-text"
    assert Python(channel="") == Python()
    for options in ({"key": "x"}, {"codec": "json"}, {"server_version": 3}):
        with pytest.raises(SioemitError, match="not to Python") as err:
            Emitter(client, adapter=Python(), **options)
        assert err.value.reason == "adapter-option"
