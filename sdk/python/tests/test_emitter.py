"""Against a real Redis."""

from __future__ import annotations

import asyncio
import os
import pickle
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from sioemit import AsyncEmitter, Emitter, Sharded, SioemitError, Streams

from .conftest import Listener, redis_server

if TYPE_CHECKING:
    from pathlib import Path


def test_emit(client: redis.Redis, listener: Listener) -> None:
    Emitter(client).of("admin").to("a", "b").to("a").except_("c").volatile().compress(False).emit(
        "ev", 1, {"b": b"\xff"}
    )
    channel, (uid, packet, options) = listener.next()
    assert (channel, uid) == ("socket.io#/admin#", "emitter")
    assert packet == {"type": 2, "data": ["ev", 1, {"b": b"\xff"}], "nsp": "/admin"}
    assert options == {"rooms": ["a", "b"], "flags": {"volatile": True, "compress": False}, "except": ["c"]}


def test_a_target_never_changes(client: redis.Redis, listener: Listener) -> None:
    io = Emitter(client)
    room = io.to("a")
    for other in (room.to("b"), room.except_("c"), room.of("/x"), room.volatile(), room.compress(True)):
        assert other is not room
    room.emit("ev")
    io.emit("ev")
    assert listener.next()[1][2] == {"rooms": ["a"], "flags": {}, "except": []}
    assert listener.next()[1][2] == {"rooms": [], "flags": {}, "except": []}


def test_rooms_that_are_numbers(client: redis.Redis, listener: Listener) -> None:
    io = Emitter(client)
    for rooms, channel, sent in (
        ((5,), "socket.io#/#", [5]),
        (("5",), "socket.io#/#5#", ["5"]),
        ((5.0, 5, 1.5), "socket.io#/#", [5, 1.5]),
        ((5, "5"), "socket.io#/#", [5, "5"]),
        ((-0.0, 1e21, 12345678901234567890), "socket.io#/#", [0, 1e21, 12345678901234567890.0]),
    ):
        io.to(*rooms).emit("ev")
        got, (_, _, options) = listener.next()
        assert got == channel
        assert [(type(room), room) for room in options["rooms"]] == [(type(room), room) for room in sent]
    for wrong in (float("nan"), float("inf"), 10**400):
        with pytest.raises(SioemitError):
            io.to(wrong)
    for wrong_type in (True, None, b"a", ["a"]):
        with pytest.raises(TypeError):
            io.to(wrong_type)  # type: ignore[arg-type]


def test_nothing_is_sent_when_the_block_of_a_pipeline_raises(client: redis.Redis, listener: Listener) -> None:
    io = Emitter(client)
    with pytest.raises(SioemitError), io.pipeline() as pipe:
        pipe.emit("lost")
        pipe.emit("connect")
    with pytest.raises(KeyError), io.pipeline() as pipe:
        pipe.emit("lost")
        raise KeyError
    with io.pipeline() as pipe:
        for i in range(1000):
            pipe.to("r").emit("number", i)
        pipe.sockets_join("a")
        pipe.sockets_leave("b")
        pipe.disconnect_sockets(close=True)
        pipe.server_side_emit("ping")
    assert [listener.args() for _ in range(1000)] == [[i] for i in range(1000)]
    assert [listener.next()[1]["type"] for _ in range(4)] == [2, 3, 4, 6]


def test_a_pipeline_ends_with_its_block(client: redis.Redis, listener: Listener) -> None:
    io = Emitter(client)
    with io.pipeline() as pipe:
        room = pipe.to("r")
        room.emit("ev", 1)
    assert listener.args() == [1]
    for late in (pipe, room):
        with pytest.raises(SioemitError) as err:
            late.emit("lost")
        assert err.value.reason == "pipeline-ended"


def test_clients_of_the_other_kind_are_refused(client: redis.Redis) -> None:
    with pytest.raises(TypeError, match="AsyncEmitter"):
        Emitter(redis.asyncio.Redis())  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="Emitter"):
        AsyncEmitter(client)  # type: ignore[arg-type]


def test_a_client_without_retries_sends_once() -> None:
    """A Redis that takes the command and breaks the connection."""
    seen: list[bytes] = []

    def break_after_reading(server: socket.socket) -> None:
        while True:
            try:
                connection, _ = server.accept()
            except OSError:
                return
            with connection:
                connection.settimeout(10)
                while b"PUBLISH" not in (data := connection.recv(65536)):
                    if not data:
                        break
                    connection.sendall(b"+OK\r\n" * data.count(b"*"))
                else:
                    seen.append(data)

    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=break_after_reading, args=(server,), daemon=True)
        thread.start()
        port = server.getsockname()[1]
        with (
            redis.Redis(port=port, protocol=2, retry=Retry(NoBackoff(), 0)) as client,
            pytest.raises(redis.ConnectionError),
        ):
            Emitter(client).emit("ev")
        assert len(seen) == 1
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)


def test_options_are_text() -> None:
    for make in (lambda: Sharded(channel_prefix=None), lambda: Streams(stream_name=5)):  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            make()
    with pytest.raises(SioemitError) as err:
        Sharded(channel_prefix="a\ud800")
    assert err.value.reason == "invalid-text"
    assert Sharded(channel_prefix="") == Sharded()


def test_compress_is_a_flag(client: redis.Redis, listener: Listener) -> None:
    Emitter(client).to("flag").compress(1).emit("ev")  # type: ignore[arg-type]
    assert listener.next()[1][2]["flags"] == {"compress": True}


def test_asyncio(port: int, listener: Listener) -> None:
    async def main() -> None:
        async with redis.asyncio.Redis(port=port) as client:
            io = AsyncEmitter(client)
            await io.to("r").emit("ev", 1)
            await io.sockets_join("a")
            await io.sockets_leave("a")
            await io.disconnect_sockets()
            await io.server_side_emit("ping", 1)
            async with io.pipeline() as pipe:
                pipe.emit("a")
                pipe.emit("b")
            with pytest.raises(SioemitError):
                async with io.pipeline() as pipe:
                    pipe.emit("lost")
                    pipe.emit("")
            assert await io.server_count() == 0
            await asyncio.gather(*(io.emit("many", i) for i in range(100)))

    asyncio.run(main())
    assert listener.args() == [1]
    assert [listener.next()[1]["type"] for _ in range(4)] == [2, 3, 4, 6]
    assert listener.next()[1][1]["data"] == ["a"]
    assert listener.next()[1][1]["data"] == ["b"]
    assert sorted(listener.args()[0] for _ in range(100)) == list(range(100))


def test_threads(client: redis.Redis, listener: Listener) -> None:
    room = Emitter(client).to("r")
    start = threading.Barrier(8)

    def send(thread: int) -> None:
        start.wait()
        for i in range(200):
            room.emit("ev", thread, i, {"text": "x" * i, "f": 1.0})

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(send, range(8)))
    got: dict[int, list[int]] = {}
    for _ in range(8 * 200):
        thread, i, rest = listener.args()
        assert rest == {"text": "x" * i, "f": 1}
        got.setdefault(thread, []).append(i)
    assert got == {thread: list(range(200)) for thread in range(8)}


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_fork(client: redis.Redis, listener: Listener) -> None:
    """As gunicorn with preload, and Celery, have it: an emitter that was used before the fork is used after it."""
    room = Emitter(client).to("r")
    room.emit("before")
    children = []
    for child in range(4):
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                for i in range(50):
                    room.emit("ev", child, i)
                status = 0
            finally:
                os._exit(status)
        children.append(pid)
    room.emit("parent")
    for pid in children:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    events = [listener.next()[1][1]["data"] for _ in range(2 + 4 * 50)]
    for child in range(4):
        assert [e[2] for e in events if e[0] == "ev" and e[1] == child] == list(range(50))
    assert sum(e == ["parent"] for e in events) == 1


def test_a_client_with_decode_responses_and_resp3(port: int) -> None:
    for options in ({"decode_responses": True}, {"protocol": 3}, {"decode_responses": True, "protocol": 3}):
        with redis.Redis(port=port, **options) as client, redis.Redis(port=port) as other:
            pubsub = other.pubsub()
            pubsub.subscribe("socket.io-request#/é#")
            assert pubsub.get_message(timeout=60)
            assert Emitter(client).of("é").server_count() == 1
            pubsub.close()
            Emitter(client).emit("ev", b"\xff")


def test_streams(client: redis.Redis) -> None:
    Emitter(client, adapter=Streams(stream_name="s", max_len=10)).to("r").emit("ev", b"\x00")
    Emitter(client, adapter=Streams(stream_name="s")).emit("ev", 1)
    entries: Any = client.xrange("s")
    assert [entry[b"data"][:1] for _, entry in entries] == [b"g", b"{"]


def test_errors_are_typed_and_survive_pickle() -> None:
    with pytest.raises(SioemitError) as err:
        Emitter(redis.Redis(), adapter=Sharded(), key="x")
    copy = pickle.loads(pickle.dumps(err.value))
    assert (copy.reason, str(copy)) == ("adapter-option", str(err.value))
    for options in ({"server_version": 5}, {"codec": "xml"}, {"max_attachments": -1}):
        with pytest.raises(SioemitError):
            Emitter(redis.Redis(), **options)


def test_ids_of_servers_that_make_their_own(client: redis.Redis, listener: Listener) -> None:
    io = Emitter(client, server_version=2, socket_ids=r"user-\d+")
    io.except_("user-7").emit("ev")
    assert listener.next()[1][2]["except"] == ["user-7"]
    io.of("admin").except_("/admin#user-7").emit("ev")
    assert listener.next()[1][2]["except"] == ["/admin#user-7"]
    for wrong in ("xuser-7", "user-7x", "abcdefghijklmnopqrst", 7):
        with pytest.raises(SioemitError, match="socket_ids") as err:
            io.except_(wrong)
        assert err.value.reason == "except-room"


def test_redis_errors_are_those_of_the_client_and_hold_no_password(tmp_path: Path) -> None:
    with redis_server(tmp_path, "--requirepass", "right", "--rename-command", "AUTH", "HIDDEN") as port:
        for client in (
            redis.Redis(port=port, password="S3cr3tP4ss"),
            redis.Redis(port=port, username="u", password="S3cr3tP4ss", protocol=3),
        ):
            io = Emitter(client)
            with pytest.raises(redis.RedisError) as err:
                io.emit("ev")
            assert "S3cr3tP4ss" not in str(err.value)
            with pytest.raises(redis.RedisError) as err:
                io.server_count()
            assert "S3cr3tP4ss" not in str(err.value)
            with pytest.raises(redis.RedisError) as err, io.pipeline() as pipe:
                pipe.emit("ev")
            assert "S3cr3tP4ss" not in str(err.value)
            client.close()
    with redis.Redis(port=port) as client, pytest.raises(redis.ConnectionError):
        Emitter(client).emit("ev")
