"""What an emit costs beside the bare client, the emitters of others and json.dumps, in CPU time of the client.

It starts a redis-server of its own. BENCH_JSON=FILE writes the figures into a file, too, one object a line.
BENCH_QUICK=1 does little of everything: a smoke test, whose figures mean nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import redis
import redis.asyncio
import socket_io_emitter
import socketio_emitter

from report import Figure, report
from sioemit import AsyncEmitter, Emitter
from sioemit._adapters import Classic, Target
from sioemit._encoding import Limits, pack_plain

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.conftest import redis_server

ORDER = {
    "id": 12345,
    "title": "Order shipped",
    "price": 19.99,
    "tags": ["a", "b", "c"],
    "user": {"id": "u_123", "name": "Ada"},
}
LIMITS = Limits(10, None)
CLASSIC, TARGET = Classic("socket.io", "messagepack", legacy_binary=False), Target(rooms=("r",))
CHANNEL, MESSAGE = "socket.io#/#r#", CLASSIC.broadcast(TARGET, "order", (ORDER,), LIMITS)[2]
EVENTS, ROUNDS = (20, 1) if os.environ.get("BENCH_QUICK") else (1000, 15)

BARE = "a pipeline of ready bytes"
BARE_ONE = "PUBLISH of ready bytes, one by one"
SOCKET_IO_EMITTER = "socket.io-emitter 0.1.5"
SOCKET_IO_REDIS_EMITTER = "socket.io-redis-emitter 0.0.3"

Work = Callable[[], Awaitable[None]]
# What is compared with what, whether by rate, and the bar.
Contest = tuple[str, Work, str, Work, float | None]


async def cpu(work: Work) -> float:
    """Return the CPU time of a piece of work, user and system, for one event, in nanoseconds."""
    start = time.process_time_ns()
    await work()
    return (time.process_time_ns() - start) / EVENTS


async def turns(work: Work, reference: Work) -> list[tuple[float, float]]:
    """Return what both cost, in turns, so that a busy machine slows down both."""
    await cpu(work)
    await cpu(reference)
    return [(await cpu(work), await cpu(reference)) for _ in range(ROUNDS)]


async def contests(client: str, ratio: str, those: list[Contest]) -> list[Figure]:
    """Hold each contest."""
    return [
        Figure.of(client, what, ratio, await turns(work, reference), (against, bar))
        for what, work, against, reference, bar in those
    ]


async def encoding() -> list[Figure]:
    """Measure the encoder, and all that is done for an event before the client gets it."""

    async def data() -> None:
        for _ in range(EVENTS):
            pack_plain("order", (ORDER,))

    async def broadcast() -> None:
        for _ in range(EVENTS):
            CLASSIC.broadcast(TARGET, "order", (ORDER,), LIMITS)

    async def dumps() -> None:
        for _ in range(EVENTS):
            json.dumps(ORDER)

    reference = "json.dumps of the argument"
    those: list[Contest] = [
        ("encode an event", data, reference, dumps, 0.5),
        ("encode a broadcast, target kept", broadcast, reference, dumps, None),
    ]
    return await contests("", "time", those)


async def with_redis_py(url: str) -> list[Figure]:
    """Measure Emitter."""
    with redis.Redis.from_url(url) as client:
        io, other = Emitter(client), socket_io_emitter.Emitter({"client": client})

        async def bare() -> None:
            with client.pipeline(transaction=False) as pipe:
                for _ in range(EVENTS):
                    pipe.execute_command("PUBLISH", CHANNEL, MESSAGE)
                pipe.execute()

        async def kept() -> None:
            with io.pipeline() as pipe:
                room = pipe.to("r")
                for _ in range(EVENTS):
                    room.emit("order", ORDER)

        async def each() -> None:
            with io.pipeline() as pipe:
                for _ in range(EVENTS):
                    pipe.to("r").emit("order", ORDER)

        async def bare_one() -> None:
            for _ in range(EVENTS):
                client.execute_command("PUBLISH", CHANNEL, MESSAGE)

        async def one() -> None:
            for _ in range(EVENTS):
                io.to("r").emit("order", ORDER)

        async def other_one() -> None:
            for _ in range(EVENTS):
                other.In("r").Emit("order", ORDER)

        those: list[Contest] = [
            ("pipeline, target kept", kept, BARE, bare, 0.75),
            ("pipeline, io.to(room) each time", each, BARE, bare, 0.75),
            ("io.to(room).emit, one by one", one, BARE_ONE, bare_one, None),
            ("io.to(room).emit, one by one", one, SOCKET_IO_EMITTER, other_one, None),
        ]
        return await contests("redis-py", "rate", those)


async def with_redis_asyncio(url: str) -> list[Figure]:
    """Measure AsyncEmitter."""
    async with redis.asyncio.Redis.from_url(url) as client:
        io = AsyncEmitter(client)
        other = socketio_emitter.Emitter(client)  # type: ignore[arg-type, unused-ignore] # its annotation names the wrong client

        async def bare() -> None:
            async with client.pipeline(transaction=False) as pipe:
                for _ in range(EVENTS):
                    pipe.execute_command("PUBLISH", CHANNEL, MESSAGE)
                await pipe.execute()

        async def kept() -> None:
            async with io.pipeline() as pipe:
                room = pipe.to("r")
                for _ in range(EVENTS):
                    room.emit("order", ORDER)

        async def each() -> None:
            async with io.pipeline() as pipe:
                for _ in range(EVENTS):
                    pipe.to("r").emit("order", ORDER)

        async def bare_one() -> None:
            for _ in range(EVENTS):
                await client.execute_command("PUBLISH", CHANNEL, MESSAGE)

        async def one() -> None:
            for _ in range(EVENTS):
                await io.to("r").emit("order", ORDER)

        async def other_one() -> None:
            for _ in range(EVENTS):
                async with other.namespace("/"), other.rooms("r"):
                    await other.emit("order", ORDER)

        those: list[Contest] = [
            ("pipeline, target kept", kept, BARE, bare, 0.75),
            ("pipeline, io.to(room) each time", each, BARE, bare, 0.75),
            ("io.to(room).emit, one by one", one, BARE_ONE, bare_one, None),
            ("io.to(room).emit, one by one", one, SOCKET_IO_REDIS_EMITTER, other_one, None),
        ]
        return await contests("redis-py-asyncio", "rate", those)


async def main() -> None:
    """Measure everything."""
    with contextlib.ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = f"redis://127.0.0.1:{stack.enter_context(redis_server(directory))}"
        report(
            [*await encoding(), *await with_redis_py(url), *await with_redis_asyncio(url)],
            os.environ.get("BENCH_JSON"),
        )


if __name__ == "__main__":
    asyncio.run(main())
