"""Questions to servers, against a real Redis. The suite in conformance/ has the shapes of answers."""

from __future__ import annotations

import asyncio
import gc
import os
import pickle
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio
from redis.backoff import NoBackoff
from redis.retry import Retry

from sioemit import Acks, AsyncEmitter, Emitter, IncompleteError, SioemitError, Socket, _subscription
from sioemit._subscription import Subscription

from .conftest import DEADLINE, SHORT, Ask, ask_sync, redis_server, settled, until
from .servers import REPLIES, Network, Servers, one_client


def retrying(ask: Ask) -> Any:
    """Return what makes a client repeat commands."""
    kind = Retry if ask is ask_sync else redis.asyncio.retry.Retry
    return kind(NoBackoff(), 3)


def silent(_: dict[str, Any]) -> list[dict[str, Any]]:
    """Answer nothing."""
    return []


def subscribers(client: redis.Redis) -> int:
    """Return how many connections wait for replies."""
    counted: Any = client.execute_command("PUBSUB", "NUMSUB", REPLIES)
    return int(counted[1])


def waiting(client: redis.Redis) -> list[dict[str, Any]]:
    """Return the connections for replies: those with two channels."""
    connections: Any = client.client_list(_type="pubsub")
    return [connection for connection in connections if connection["sub"] == "2"]


def test_questions(ask: Ask, port: int) -> None:
    with Servers(port) as servers:
        acks, sockets, values, rooms = ask(
            port,
            lambda io: io.to("a").emit_with_ack("ev", {"b": b"\x00"}),
            lambda io: io.fetch_sockets(),
            lambda io: io.server_side_emit_with_ack("ping"),
            lambda io: io.rooms(),
        )
    assert acks == Acks([{"b": b"\x00"}], 1, [1], 1)
    assert sockets == [Socket("s1", ["s1", "a", 5], {"n": 1}, {"url": "/"})]
    assert "url" not in repr(sockets), "a handshake holds secrets"
    assert (values, rooms) == (["pong"], ["a", "s1"])
    assert len({request["requestId"] for request in servers.requests}) == 5, "one is that of the probe before binary"


def test_answers_that_do_not_come(ask: Ask, port: int) -> None:
    with Servers(port, lambda _: [{"type": 8, "clientCount": 2}, {"type": 9, "packet": 1}], count=1):
        (err,) = ask(port, lambda io: io.timeout(SHORT).emit_with_ack("ev"))
        assert isinstance(err, IncompleteError)
        assert (err.reason, err.call, err.servers, err.asked, err.clients, err.expected, err.unread, err.needs) == (
            "incomplete", "emit_with_ack", 1, 1, 1, 2, 0, "",
        )  # fmt: skip
        assert err.partial == Acks([1], 2, [2], 1)
        copy = pickle.loads(pickle.dumps(err))
        assert (str(copy), copy.partial, copy.expected) == (str(err), err.partial, 2)
    with Servers(port, silent):
        (err,) = ask(port, lambda io: io.timeout(SHORT).emit_with_ack("ev"))
        assert "7.2" in err.needs
        assert err.needs in str(err)
    (err,) = ask(port, lambda io: io.fetch_sockets())
    assert err.reason == "no-servers"


def test_what_is_wrong_with_a_call_comes_first(ask: Ask, port: int) -> None:
    with Servers(port) as servers:
        errors = ask(
            port,
            lambda io: io.emit_with_ack("connect"),
            lambda io: io.emit_with_ack("ev", float("nan")),
            lambda io: io.to("a").rooms(),
            lambda io: io.to("a").server_side_emit_with_ack("ev"),
            lambda io: io.timeout(0),
            lambda io: io.timeout(float("nan")),
        )
        assert [err.reason for err in errors] == [
            "reserved-event", "unencodable", "targeted", "targeted", "timeout", "timeout",
        ]  # fmt: skip
    assert servers.requests == []


def test_a_question_is_written_once(ask: Ask, port: int) -> None:
    """Whatever the client makes of it, when the connection breaks behind PUBLISH."""
    with Servers(port) as servers, Network(port) as network:
        network.cut_behind = b"PUBLISH"
        errors = ask(
            network.port,
            lambda io: io.emit_with_ack("ev"),
            lambda io: io.server_side_emit_with_ack("ev"),
            lambda io: io.fetch_sockets(),
            retry=retrying(ask),
        )
        assert [err.reason for err in errors] == ["maybe-asked"] * 3
        assert network.cuts == 6
        until(lambda: len(servers.requests) == 6, "Redis took all questions")
        assert [request["type"] for request in servers.requests] == [7, 6, 5, 5, 5, 5]
        assert len({request["requestId"] for request in servers.requests}) == 6


def test_a_question_that_changes_nothing_is_asked_again(ask: Ask, port: int) -> None:
    with Servers(port) as servers, Network(port) as network:
        network.cut_behind, network.cuts_left = b"PUBLISH", 2
        assert ask(network.port, lambda io: io.rooms(), retry=retrying(ask)) == [["a", "s1"]]
        assert len({request["requestId"] for request in servers.requests}) == 3


def test_a_lost_subscription_ends_the_wait_and_the_next_call_has_another(
    ask: Ask, client: redis.Redis, port: int
) -> None:
    lost: list[object] = []

    def answers(request: dict[str, Any]) -> list[dict[str, Any]]:
        if lost:
            return one_client(request)
        asking = [connection["id"] for connection in waiting(client)]
        lost.extend(client.client_kill_filter(_id=connection) for connection in asking)
        return []

    with Servers(port, answers):
        err, rooms = ask(port, lambda io: io.timeout(DEADLINE).rooms(), lambda io: io.rooms())
    assert lost == [1], "a connection for replies has two channels"
    assert err.reason == "subscription"
    assert rooms == ["a", "s1"]


def test_a_reply_may_take_longer_than_the_timeout_of_the_client(ask: Ask, port: int) -> None:
    late = threading.Event()

    def slow(request: dict[str, Any]) -> list[dict[str, Any]]:
        late.wait(2.0)
        return one_client(request)

    with Servers(port, slow):
        assert ask(port, lambda io: io.timeout(DEADLINE).rooms(), socket_timeout=1) == [["a", "s1"]]


def test_a_connection_that_is_dead(ask: Ask, port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_subscription, "SILENCE", 0.1)
    monkeypatch.setattr(_subscription, "PATIENCE", 0.5)
    with Network(port) as network:

        def stop(_: dict[str, Any]) -> list[dict[str, Any]]:
            network.stopped.set()
            return []

        with Servers(port, stop):
            (err,) = ask(network.port, lambda io: io.timeout(DEADLINE).server_side_emit_with_ack("ev"))
            assert err.reason == "subscription"


def test_a_silent_connection_is_pinged(
    ask: Ask, client: redis.Redis, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each ping but the first one shows that the pong to that before it has come."""
    monkeypatch.setattr(_subscription, "SILENCE", 0.2)

    def pings() -> int:
        stats: Any = client.info("commandstats")
        return int(stats.get("cmdstat_ping", {"calls": 0})["calls"])

    def slow(request: dict[str, Any]) -> list[dict[str, Any]]:
        until(lambda: pings() >= before + 3, "pings")
        return one_client(request)

    before = pings()
    with Servers(port, slow):
        assert ask(port, lambda io: io.timeout(2 * DEADLINE).rooms()) == [["a", "s1"]]


def test_a_pong_is_a_sign_of_life() -> None:
    """A connection may be silent for any time, as long as its pings are answered."""
    now = 1000.0
    state = Subscription("", shard=False, now=now)
    wait = state.join((b"c",), threading.Event())
    state.feed(b"*3\r\n$9\r\nsubscribe\r\n$1\r\nc\r\n:1\r\n", now)
    state.output.clear()
    for _ in range(100):
        now += _subscription.SILENCE
        state.look(now)
        assert state.output == b"*1\r\n$4\r\nPING\r\n"
        state.output.clear()
        now += 0.9 * _subscription.PATIENCE - _subscription.SILENCE
        state.look(now)
        state.feed(b"*2\r\n$4\r\npong\r\n$0\r\n\r\n", now)
        assert wait.lost is None
    state.look(now + _subscription.SILENCE)
    state.look(now + _subscription.PATIENCE)
    assert "has not answered" in str(wait.lost)


def test_binary_is_not_sent_to_servers_that_may_end_with_it(ask: Ask, port: int) -> None:
    def old(request: dict[str, Any]) -> list[dict[str, Any]]:
        return [] if request["type"] == 7 else one_client(request)

    with Servers(port, old) as servers:
        errors = ask(
            port,
            lambda io: io.timeout(SHORT).server_side_emit("ev", b"\x00"),
            lambda io: io.timeout(SHORT).emit_with_ack("ev", b"\x00"),
        )
        assert [err.reason for err in errors] == ["incomplete"] * 2
        assert all("not sent" in str(err) for err in errors)
        assert [(err.call, err.partial) for err in errors] == [("server_side_emit", None), ("emit_with_ack", Acks())]
        assert str(pickle.loads(pickle.dumps(errors[0]))) == str(errors[0])
        assert [request["packet"]["data"] for request in servers.requests] == [["probe"]] * 2
    with Servers(port) as servers:
        ask(port, lambda io: io.server_side_emit("ev", b"\x00"))
        until(lambda: len(servers.requests) == 2, "the event came behind the probe")
        assert servers.requests[1] == {"uid": "emitter", "type": 6, "data": ["ev", b"\x00"]}


def test_the_time_of_a_call_is_that_of_its_probe_too(ask: Ask, port: int) -> None:
    def slow(request: dict[str, Any]) -> list[dict[str, Any]]:
        if request["packet"]["data"] == ["probe"]:
            time.sleep(0.2)
        return one_client(request)

    with Servers(port, slow) as servers:
        (acks,) = ask(port, lambda io: io.timeout(DEADLINE).emit_with_ack("ev", b"\x00"))
        assert acks.values == [b"\x00"]
    assert servers.requests[1]["opts"]["flags"]["timeout"] <= 1000 * DEADLINE - 200


def test_calls_at_the_same_time_have_errors_of_their_own(port: int) -> None:
    with Servers(port, silent) as servers, redis.Redis(port=port) as own, ThreadPoolExecutor(2) as pool:
        io = Emitter(own)
        binary = pool.submit(io.timeout(DEADLINE).emit_with_ack, "ev", b"\x00")
        sockets = pool.submit(io.timeout(DEADLINE).fetch_sockets)
        until(lambda: len(servers.requests) == 2, "both have asked")
        io.close()
        assert "the binary was not sent" in str(binary.exception(DEADLINE))
        assert str(sockets.exception(DEADLINE)) == "the emitter has been closed"


def test_calls_at_the_same_time_share_a_connection(client: redis.Redis, port: int) -> None:
    together = threading.Barrier(20)
    seen: list[int] = []

    def answers(request: dict[str, Any]) -> list[dict[str, Any]]:
        seen.append(subscribers(client))
        return one_client(request)

    with Servers(port, answers), redis.Redis(port=port) as own:
        io = Emitter(own)

        def call(n: int) -> Any:
            together.wait()
            return io.emit_with_ack("ev", n).values

        with ThreadPoolExecutor(20) as pool:
            assert list(pool.map(call, range(20))) == [[n] for n in range(20)]
        assert max(seen) == 1

        async def main() -> None:
            async with redis.asyncio.Redis(port=port) as asynchronous:
                aio = AsyncEmitter(asynchronous)
                acks = await asyncio.gather(*(aio.emit_with_ack("ev", n) for n in range(20)))
                assert [a.values for a in acks] == [[n] for n in range(20)]

        asyncio.run(main())
        assert max(seen) == 1
    until(lambda: subscribers(client) == 0, "no connection is left")


def test_close_ends_the_calls_that_wait(client: redis.Redis, port: int) -> None:
    with Servers(port, silent), redis.Redis(port=port) as own:
        io = Emitter(own)
        with ThreadPoolExecutor(1) as pool:
            call = pool.submit(io.timeout(DEADLINE).fetch_sockets)
            until(lambda: subscribers(client) == 1, "it waits")
            io.close()
            with pytest.raises(SioemitError) as err:
                call.result(DEADLINE)
        assert err.value.reason == "closed"
        with pytest.raises(SioemitError) as err:
            io.to("a").fetch_sockets()
        assert err.value.reason == "closed"
        io.emit("ev")

        async def main() -> None:
            async with redis.asyncio.Redis(port=port) as asynchronous:
                aio = AsyncEmitter(asynchronous)
                call = asyncio.create_task(aio.timeout(DEADLINE).fetch_sockets())
                await settled(lambda: subscribers(client) == 1, "it waits")
                await aio.close()
                with pytest.raises(SioemitError) as err:
                    await call
                assert err.value.reason == "closed"

        asyncio.run(main())
    until(lambda: subscribers(client) == 0, "no connection is left")


def test_a_cancelled_call_leaves_nothing_behind(client: redis.Redis, port: int) -> None:
    async def main() -> None:
        # When one call keeps a connection of the pool, the next one has none.
        async with redis.asyncio.Redis(port=port, max_connections=1) as asynchronous:
            io = AsyncEmitter(asynchronous)
            call = asyncio.create_task(io.timeout(DEADLINE).fetch_sockets())
            await settled(lambda: subscribers(client) == 1, "it waits")
            call.cancel()
            with pytest.raises(asyncio.CancelledError):
                await call
            assert asyncio.all_tasks() == {asyncio.current_task()}
            await settled(lambda: subscribers(client) == 0, "no connection is left")
            # Wherever it is cancelled.
            for turns in range(100):
                call = asyncio.create_task(io.timeout(DEADLINE).fetch_sockets())
                for _ in range(turns):
                    await asyncio.sleep(0)
                call.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await call
            assert asyncio.all_tasks() == {asyncio.current_task()}
            await settled(lambda: subscribers(client) == 0, "no connection is left")

    with Servers(port, silent):
        asyncio.run(main())


def test_a_thousand_calls_leave_nothing_behind(client: redis.Redis, port: int) -> None:
    def left() -> tuple[int, int, int]:
        gc.collect()
        clients: Any = client.client_list()
        return len(clients), threading.active_count(), len(list(Path("/dev/fd").iterdir()))

    with Servers(port), redis.Redis(port=port) as own:
        io = Emitter(own)
        io.rooms()
        before = left()
        for n in range(500):
            assert io.emit_with_ack("ev", n).values == [n]
            assert threading.active_count() == before[1], "a call has left its thread behind"
        until(lambda: left() == before, f"{left()} is left of {before}")

        async def main() -> None:
            async with redis.asyncio.Redis(port=port) as asynchronous:
                aio = AsyncEmitter(asynchronous)
                await aio.rooms()
                before = left()
                for n in range(500):
                    assert (await aio.emit_with_ack("ev", n)).values == [n]
                await settled(lambda: left()[0::2] == before[0::2], f"{left()} is left of {before}")
                assert asyncio.all_tasks() == {asyncio.current_task()}

        asyncio.run(main())


def test_a_thousand_calls_at_once_leave_nothing_behind(client: redis.Redis, port: int) -> None:
    many, few = 1000, 20  # calls, and connections of the client

    def left() -> tuple[int, int]:
        gc.collect()
        return threading.active_count(), len(list(Path("/dev/fd").iterdir()))

    with Servers(port):
        Emitter(client).rooms()  # so that the servers and this test have all their connections
        before, at_first = left(), len(client.client_list())
        together = threading.Barrier(many)
        pool = redis.BlockingConnectionPool(port=port, max_connections=few, timeout=DEADLINE)
        with redis.Redis.from_pool(pool) as own:
            io = Emitter(own).timeout(2 * DEADLINE)

            def call(n: int) -> Any:
                together.wait(DEADLINE)
                return io.emit_with_ack("ev", n).values

            with ThreadPoolExecutor(many) as threads:
                assert list(threads.map(call, range(many))) == [[n] for n in range(many)]
        until(lambda: left() == before, f"{left()} is left of {before}")
        until(lambda: len(client.client_list()) == at_first, "connections are left")

        async def main() -> None:
            apool = redis.asyncio.BlockingConnectionPool(port=port, max_connections=few, timeout=DEADLINE)
            async with redis.asyncio.Redis.from_pool(apool) as own:
                aio = AsyncEmitter(own).timeout(2 * DEADLINE)
                calls = [aio.emit_with_ack("ev", n) for n in range(many)]
                assert [acks.values for acks in await asyncio.gather(*calls)] == [[n] for n in range(many)]
                assert asyncio.all_tasks() == {asyncio.current_task()}

        asyncio.run(main())
        until(lambda: left() == before, f"{left()} is left of {before}")
        until(lambda: len(client.client_list()) == at_first, "connections are left")


def test_a_client_of_the_users_own(port: int) -> None:
    """One that counts commands, and decodes what Redis answers."""
    seen: list[str] = []

    class Own(redis.Redis):
        def execute_command(self, *args: Any, **options: Any) -> Any:
            seen.append(str(args[0]))
            return super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    class AsyncOwn(redis.asyncio.Redis):
        async def execute_command(self, *args: Any, **options: Any) -> Any:
            seen.append(str(args[0]))
            return await super().execute_command(*args, **options)  # type: ignore[no-untyped-call]

    with Servers(port) as servers:
        with Own(port=port, decode_responses=True) as own:
            io = Emitter(own).timeout(DEADLINE)
            assert io.confirm() == 1
            io.to("a").emit("ev", b"\xff")
            assert io.emit_with_ack("ev", "\u00e9").values == ["\u00e9"]
            assert io.emit_with_ack("ev", b"\xff").values == [b"\xff"]
            assert (io.rooms(), io.server_count(), io.confirm()) == (["a", "s1"], 1, 1)

        async def main() -> None:
            async with AsyncOwn(port=port, decode_responses=True) as own:
                aio = AsyncEmitter(own).timeout(DEADLINE)
                assert await aio.confirm() == 1
                await aio.to("a").emit("ev", b"\xff")
                assert (await aio.emit_with_ack("ev", b"\xff")).values == [b"\xff"]
                assert (await aio.rooms(), await aio.server_count(), await aio.confirm()) == (["a", "s1"], 1, 1)

        asyncio.run(main())
        assert [packet["data"] for _, packet, _ in servers.events] == [["ev", b"\xff"]] * 2
    assert seen.count("PUBLISH") == 2


@pytest.mark.filterwarnings("ignore:.*fork.*:DeprecationWarning")
def test_fork(client: redis.Redis, port: int) -> None:
    """A child asks on a connection of its own while the parent waits, and leaves the parent's as it is."""
    waiting: list[int] = []

    def answers(request: dict[str, Any]) -> list[dict[str, Any]]:
        waiting.append(subscribers(client))
        return [] if "parent" in request["packet"]["data"] else one_client(request)

    with Servers(port, answers) as servers, redis.Redis(port=port) as own, ThreadPoolExecutor(1) as pool:
        io = Emitter(own)
        call = pool.submit(io.timeout(DEADLINE).emit_with_ack, "ev", "parent")
        until(lambda: len(servers.requests) == 1, "the parent waits")
        pid = os.fork()
        if pid == 0:
            status = 1
            try:
                if [io.timeout(DEADLINE).emit_with_ack("ev", n).values for n in range(3)] == [[0], [1], [2]]:
                    status = 0 if threading.active_count() == 1 else 2
            finally:
                os._exit(status)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert waiting == [1, 2, 2, 2]
        for answer in one_client(servers.requests[0]):
            servers.reply({"requestId": servers.requests[0]["requestId"], **answer})
        assert call.result(DEADLINE).values == ["parent"]


def test_a_connection_for_replies_has_the_settings_of_the_client(ask: Ask, tmp_path: Path) -> None:
    path = str(tmp_path / "redis.sock")
    with redis_server(tmp_path, "--unixsocket", path) as port, redis.Redis(port=port) as admin:
        admin.execute_command("ACL", "SETUSER", "asker", "on", ">secret", "&socket.io*", "+@pubsub", "+@connection")
        names: list[tuple[str, str, str]] = []

        def answers(request: dict[str, Any]) -> list[dict[str, Any]]:
            names.extend((of["user"], of["name"], of["db"]) for of in waiting(admin))
            return one_client(request)

        asker: dict[str, Any] = {"username": "asker", "password": "secret", "client_name": "mine", "db": 3}
        with Servers(port, answers):
            for settings in (asker, {**asker, "unix_socket_path": path}, {**asker, "protocol": 3}):
                assert ask(port, lambda io: io.rooms(), **settings) == [["a", "s1"]]
            assert ask(port, lambda io: io.rooms(), decode_responses=True, health_check_interval=1) == [["a", "s1"]]
        assert names == [("asker", "mine", "3")] * 3 + [("default", "", "0")]


def test_a_password_is_in_no_error(ask: Ask, tmp_path: Path) -> None:
    """Redis repeats the words of a command that it does not know, such as AUTH where it has been renamed."""
    with redis_server(tmp_path) as port, Servers(port), Network(port) as network, redis.Redis(port=port) as admin:
        admin.execute_command("ACL", "SETUSER", "asker", "on", ">S3cr3tP4ss", "&*", "+@pubsub", "+@connection")

        def rooms(io: Any) -> Any:
            network.replaced = (b"AUTH", b"RENAMED")
            return io.rooms()

        user = {"username": "asker", "password": "S3cr3tP4ss", "protocol": 2}
        count, err = ask(network.port, lambda io: io.server_count(), rooms, **user)
        assert count == 1
        assert err.reason == "subscription"
        assert "RENAMED" in str(err)
        assert "S3cr3tP4ss" not in str(err)


def test_a_redis_that_hangs_is_left_in_time(port: int) -> None:
    """Of AsyncEmitter; what Emitter waits for is up to its client."""

    async def main() -> None:
        async with redis.asyncio.Redis(port=network.port, socket_timeout=DEADLINE) as client:
            io = AsyncEmitter(client)
            assert await io.server_count() == 1
            network.hangs.set()
            began = time.monotonic()
            with pytest.raises(redis.TimeoutError):
                await io.timeout(0.3).emit_with_ack("ev")
            assert time.monotonic() - began < DEADLINE / 2
            assert asyncio.all_tasks() == {asyncio.current_task()}

    with Servers(port) as servers, Network(port) as network:
        asyncio.run(main())
        assert servers.requests == []
