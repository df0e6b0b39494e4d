"""Whether servers have taken everything, against a real Redis. compat_test has real servers, of all adapters."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgpack
import pytest
import redis
import redis.asyncio

from sioemit import AsyncEmitter, Emitter, IncompleteError, Python, Sharded, SioemitError, Streams, UnconfirmedError

from .conftest import DEADLINE, SHORT, Ask, redis_server, settled, until
from .servers import Servers, as_node_redis, one_client

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

CUT = "a subscriber's connection to Redis was cut"


def confirm(io: Any) -> Any:
    return io.timeout(DEADLINE).confirm()


def nothing(call: Callable[[], object]) -> Callable[[Any], Any]:
    """Return a call of the emitter that makes another one."""

    def made(io: Any) -> Any:
        call()
        return io.server_count()

    return made


def kill_subscribers(client: redis.Redis, lib_name: str = "node-redis") -> int:
    """Cut the connections of servers, and return how many."""
    clients: Any = client.client_list(_type="pubsub")
    ids = [one["id"] for one in clients if one.get("lib-name", lib_name) == lib_name]
    for one in ids:
        client.client_kill_filter(_id=one)
    return len(ids)


def subscribed(client: redis.Redis, command: str = "NUMSUB", channel: str = "socket.io-request#/#") -> int:
    count: Any = client.execute_command("PUBSUB", command, channel)
    return int(count[1])


def test_confirm(ask: Ask, port: int) -> None:
    taken: list[int] = []

    def answers(request: dict[str, Any]) -> list[dict[str, Any]]:
        taken.append(len(servers.events))
        return one_client(request)

    with Servers(port, answers) as servers:
        results = ask(
            port,
            confirm,
            lambda io: io.emit("ev", 1),
            lambda io: io.to("a").emit("ev", 2),
            lambda io: io.to("b").except_("c").volatile().timeout(DEADLINE).confirm(),
            lambda io: confirm(io.of("/nobody")),
        )
    assert results[:4] == [1, None, None, 1]
    assert results[4].reason == "no-servers"
    assert taken == [0, 2], "the question comes behind the events"
    for request in servers.requests:
        (nobody,) = request["rooms"]
        assert nobody.startswith("nobody-")
        assert request == {"uid": "emitter", "requestId": request["requestId"], "type": 0, "rooms": [nobody]}


def pipelined(io: Any) -> Any:
    """Send some events at once, in two namespaces."""
    if isinstance(io, Emitter):
        with io.pipeline() as pipe:
            send(pipe)
        return None

    async def made() -> None:
        async with io.pipeline() as pipe:
            send(pipe)

    return made()


def send(pipe: Any) -> None:
    for n in range(10):
        pipe.to(f"room {n % 3}").emit("ev", n)
    pipe.of("/x").emit("ev")


def test_a_pipeline_is_confirmed(ask: Ask, client: redis.Redis, port: int) -> None:
    def cut() -> None:
        assert len(servers.events) == 20, "both have taken ten"
        assert kill_subscribers(client) == 2
        until(lambda: subscribed(client) == 2, "they are back")

    with Servers(port, count=2) as servers:
        results = ask(
            port,
            confirm,
            pipelined,
            confirm,
            nothing(cut),
            confirm,
            pipelined,
            nothing(lambda: kill_subscribers(client)),
            nothing(lambda: until(lambda: subscribed(client) == 2, "they are back")),
            confirm,
        )
    assert (results[0], results[2], results[4]) == (2, 2, 2)
    assert isinstance(results[8], UnconfirmedError)
    assert results[8].why.startswith("2 subscribers' connections")


def test_a_server_whose_connection_was_cut(ask: Ask, client: redis.Redis, port: int) -> None:
    def cut() -> None:
        assert kill_subscribers(client) == 1
        until(lambda: subscribed(client) == 1, "it is back")

    with Servers(port):
        results = ask(
            port,
            confirm,
            nothing(cut),
            confirm,  # nothing was sent
            lambda io: io.emit("ev"),
            nothing(cut),
            lambda io: confirm(io.of("/").to("a")),
            confirm,
            lambda io: io.emit("ev"),
            confirm,
        )
    assert [results[i] for i in (0, 2, 6, 8)] == [1] * 4
    err = results[5]
    assert isinstance(err, UnconfirmedError)
    assert (err.reason, err.servers, err.why) == ("unconfirmed", 1, CUT)
    assert str(err) == f"confirm: whether the servers have taken everything cannot be known: {CUT}"
    copy = pickle.loads(pickle.dumps(err))
    assert (str(copy), copy.servers, copy.why) == (str(err), 1, CUT)


def test_the_first_one_has_only_the_age_of_connections(ask: Ask, client: redis.Redis, port: int) -> None:
    def cut() -> None:
        assert kill_subscribers(client) == 1
        until(lambda: subscribed(client) == 1, "it is back")

    def is_old() -> bool:
        clients: Any = client.client_list(_type="pubsub")
        return all(int(one["age"]) >= 2 for one in clients)

    with Servers(port):
        _, _, err, confirmed = ask(port, lambda io: io.emit("ev"), nothing(cut), confirm, confirm)
        assert err.why == "a subscriber connected to Redis at about the time of the first event, or after it"
        assert confirmed == 1
        until(is_old, "it has been there for long enough")
        assert ask(port, lambda io: io.emit("ev"), confirm) == [None, 1]


def test_a_server_that_does_not_answer(ask: Ask, client: redis.Redis, port: int) -> None:
    frozen = threading.Event()

    def answers(request: dict[str, Any]) -> list[dict[str, Any]]:
        return [] if frozen.is_set() else one_client(request)

    def cut() -> None:
        assert kill_subscribers(client) == 1
        until(lambda: subscribed(client) == 1, "it is back")
        frozen.clear()

    with Servers(port, answers):
        results = ask(
            port,
            confirm,
            lambda io: io.emit("ev"),
            nothing(frozen.set),
            lambda io: io.timeout(SHORT).confirm(),
            nothing(frozen.clear),
            confirm,
            lambda io: io.emit("ev"),
            nothing(frozen.set),
            lambda io: io.timeout(SHORT).confirm(),
            nothing(cut),
            confirm,
        )
    for err in (results[3], results[8]):
        assert isinstance(err, IncompleteError)
        assert (err.call, err.servers, err.asked, err.partial) == ("confirm", 0, 1, None)
        assert "socket.io-redis 6.1" in str(err)
    assert results[5] == 1
    assert results[10].why == CUT, "it is about the same event as before"


def test_those_who_only_listen_are_no_servers(ask: Ask, port: int) -> None:
    names = iter(("", "listen-1"))

    def answers(_: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"uid": next(names), "sockets": []}]

    with Servers(port, answers, count=2):
        assert ask(port, confirm) == [1]
    with Servers(port, lambda _: [{"uid": "listen-1", "sockets": []}]):
        assert ask(port, confirm)[0].reason == "no-servers"


def test_calls_that_are_refused(port: int) -> None:
    with redis.Redis(port=port) as client:
        for reason, io in (
            ("needs-version-4", Emitter(client, server_version=3)),
            ("no-counterpart", Emitter(client, adapter=Python())),
            ("unread-stream", Emitter(client, adapter=Streams(stream_count=7)).of("/unread")),
        ):
            with pytest.raises(SioemitError) as err:
                io.confirm()
            assert err.value.reason == reason
        io = Emitter(client)
        with io.pipeline() as pipe, pytest.raises(SioemitError) as err:
            pipe.confirm()
        assert err.value.reason == "pipelined"
        io.close()
        with pytest.raises(SioemitError) as err:
            io.confirm()
        assert err.value.reason == "closed"


@pytest.mark.parametrize("command", ["CLIENT LIST", "INFO", "TIME"])
def test_a_user_who_may_not_look(ask: Ask, tmp_path: Path, command: str) -> None:
    with redis_server(tmp_path) as port, redis.Redis(port=port) as admin, Servers(port):
        rights = ["on", ">secret", "&*", "+@all", "-" + command.lower().replace(" ", "|")]
        admin.execute_command("ACL", "SETUSER", "asker", *rights)
        results = ask(
            port,
            confirm,
            lambda io: io.emit("ev"),
            confirm,
            username="asker",
            password="secret",
        )
    assert results[0] == 1, "nothing was sent"
    assert isinstance(results[2], UnconfirmedError)
    assert results[2].servers == 1
    assert results[2].why.startswith(f"{command}: ")


def test_those_of_one_emitter_wait_for_each_other(port: int) -> None:
    answering = threading.Event()

    def answers(request: dict[str, Any]) -> list[dict[str, Any]]:
        asked.append(request)
        answering.wait(DEADLINE)
        return one_client(request)

    asked: list[Any] = []
    with Servers(port, answers), redis.Redis(port=port) as client, ThreadPoolExecutor(2) as pool:
        io = Emitter(client)
        first = pool.submit(io.timeout(DEADLINE).confirm)
        until(lambda: len(asked) == 1, "the first one has asked")
        with pytest.raises(IncompleteError, match="another confirm"):
            io.timeout(0.1).confirm()
        second = pool.submit(io.timeout(DEADLINE).confirm)
        answering.set()
        assert (first.result(DEADLINE), second.result(DEADLINE)) == (1, 1)
        assert len(asked) == 2

        async def main() -> None:
            async with redis.asyncio.Redis(port=port) as own:
                aio = AsyncEmitter(own).timeout(DEADLINE)
                begun = asyncio.create_task(aio.confirm())
                await settled(lambda: len(asked) == 3, "it has asked")
                with pytest.raises(IncompleteError, match="another confirm"):
                    await aio.timeout(0.1).confirm()
                waiting = asyncio.create_task(aio.confirm())
                await asyncio.sleep(0)
                begun.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await begun
                answering.set()
                assert await waiting == 1
                assert asyncio.all_tasks() == {asyncio.current_task()}

        answering.clear()
        asyncio.run(main())


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_a_child_has_locks_of_its_own(port: int) -> None:
    """Those of the parent may be held by a thread that is not there."""
    held, over = threading.Event(), threading.Event()
    with Servers(port), redis.Redis(port=port) as client, ThreadPoolExecutor(1) as pool:
        io = Emitter(client)

        def hold() -> None:
            with io._config.sent.lock, io._config.replies.confirming:
                held.set()
                over.wait(DEADLINE)

        holding = pool.submit(hold)
        assert held.wait(DEADLINE)
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                io.emit("ev")
                with contextlib.suppress(UnconfirmedError):
                    confirm(io)
                status = 0
            finally:
                os._exit(status)
        give_up = time.monotonic() + DEADLINE
        while not (ended := os.waitpid(pid, os.WNOHANG))[0]:
            if time.monotonic() > give_up:
                os.kill(pid, 9)
            time.sleep(0.01)
        over.set()
        holding.result(DEADLINE)
        assert os.waitstatus_to_exitcode(ended[1]) == 0


CHANNELS = ("socket.io#/#", "socket.io#/#uid#")  # of a server of the sharded adapter


class Member:
    """One server of the sharded or the streams adapter, as far as it answers."""

    def __init__(self, port: int, *, stream: bool, asked: Callable[[object], None] | None = None) -> None:
        self._asked = asked
        self.taken: list[dict[str, Any]] = []
        self._stream = stream
        self._client = redis.Redis(port=port, redis_connect_func=as_node_redis)  # type: ignore[arg-type] # which it calls with the connection
        self._pubsub = self._client.pubsub()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read if stream else self._hear)
        (self._pubsub.subscribe if stream else self._pubsub.ssubscribe)(*CHANNELS)
        assert [self._pubsub.get_message(timeout=DEADLINE) for _ in CHANNELS]

    def __enter__(self) -> Member:  # noqa: PYI034
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._pubsub.close()
        self._client.close()

    def _hear(self) -> None:
        while not self._ended.is_set():
            message = self._pubsub.get_message(timeout=0.02)
            if message is not None and message["type"] == "smessage":
                sent = json.loads(message["data"])
                self._take(sent["type"], sent["data"])

    def _read(self) -> None:
        last: Any = "0"
        while not self._ended.is_set():
            reply: Any = self._client.xread({"socket.io": last}, block=20)
            streams = reply.items() if isinstance(reply, dict) else reply or []
            for _, entries in streams:
                for last, fields in entries[0] if isinstance(reply, dict) else entries:  # noqa: B007
                    self._take(int(fields[b"type"]), json.loads(fields[b"data"]))

    def _take(self, kind: int, data: dict[str, Any]) -> None:
        self.taken.append(data)
        if kind == 7:
            if self._asked is not None:
                self._asked(data)
            answer = {"type": 8, "uid": "uid", "nsp": "/", "data": {"requestId": data["requestId"], "sockets": []}}
            channel = "socket.io#/#emitter#"
            self._client.execute_command("PUBLISH" if self._stream else "SPUBLISH", channel, msgpack.packb(answer))


def test_a_connection_for_replies_is_told_from_those_of_servers(ask: Ask, client: redis.Redis, port: int) -> None:
    names: list[list[str]] = []

    def look(_: object) -> None:
        clients: Any = client.client_list(_type="pubsub")
        names.append(sorted(one["name"] for one in clients))

    client.execute_command(
        "ACL", "SETUSER", "asker", "on", ">secret", "&*", "+@pubsub", "+time", "+info", "+client|list"
    )
    with Member(port, stream=False, asked=look):
        for user in ({}, {"username": "asker", "password": "secret"}):
            assert ask(port, confirm, options={"adapter": Sharded()}, **user) == [1]
    assert names == [["", "sioemit-replies"], ["", ""]], "where the user may name it"


def test_sharded(ask: Ask, client: redis.Redis, port: int) -> None:
    def cut() -> None:
        assert kill_subscribers(client) == 1
        until(lambda: all(subscribed(client, "SHARDNUMSUB", channel) for channel in CHANNELS), "it is back")

    io = {"adapter": Sharded(subscription_mode="static")}
    with Member(port, stream=False) as member:
        results = ask(
            port,
            confirm,
            lambda io: io.to("a").emit("ev"),
            confirm,
            lambda io: io.emit("ev"),
            nothing(cut),
            confirm,
            options=io,
        )
        assert results[:3] == [1, None, 1]
        assert results[5].why == CUT
        assert [data for data in member.taken if "packet" in data] == [member.taken[1], member.taken[3]]


@pytest.fixture
def stream(client: redis.Redis) -> Iterator[None]:
    yield
    client.delete("socket.io")


@pytest.mark.usefixtures("stream")
def test_streams(ask: Ask, client: redis.Redis, port: int) -> None:
    def taken() -> None:
        events = [data for data in member.taken if "packet" in data]
        assert len(events) == 12, "of both namespaces, before the answer"

    trim = nothing(lambda: client.xtrim("socket.io", maxlen=0, approximate=False))
    io = {"adapter": Streams()}
    with Member(port, stream=True) as member:
        results = ask(
            port,
            lambda io: io.emit("ev"),
            pipelined,
            confirm,
            nothing(taken),
            lambda io: io.emit("ev"),
            trim,
            confirm,
            confirm,
            pipelined,
            trim,
            confirm,
            lambda io: io.server_side_emit("ev"),
            confirm,
            options=io,
        )
    assert (results[2], results[7]) == (1, 1)
    assert "trimmed before it was read" in results[6].why
    assert "trimmed before it was read" in results[10].why
    assert results[12].why == "what is for the servers themselves goes beside the stream"
