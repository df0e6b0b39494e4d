"""A redis-server of the tests' own, on a free port, and emitters of both kinds that make the same calls there."""

from __future__ import annotations

import asyncio
import contextlib
import json
import shutil
import socket
import subprocess
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import msgpack
import pytest
import redis
import redis.asyncio

from sioemit import AsyncEmitter, Emitter, SioemitError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEADLINE = 60  # seconds, which nothing healthy comes near to
SHORT = 1.5  # seconds, for calls whose time is to run out: what is not waited for comes in much less


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@contextlib.contextmanager
def redis_server(directory: Path, *options: str) -> Iterator[int]:
    program = shutil.which("redis-server")
    assert program, "the tests need redis-server: apt-get install redis-server"
    port = free_port()
    words = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(directory), *options]
    with subprocess.Popen([program, *words], stdout=subprocess.DEVNULL) as process:
        try:
            give_up = time.monotonic() + DEADLINE
            while True:
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                assert process.poll() is None, "redis-server ended"
                assert time.monotonic() < give_up, "redis-server does not listen"
                time.sleep(0.01)
            yield port
        finally:
            process.terminate()
            process.wait(DEADLINE)


@pytest.fixture(scope="session")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    with redis_server(tmp_path_factory.mktemp("redis")) as port:
        yield port


@pytest.fixture
def client(port: int) -> Iterator[redis.Redis]:
    with redis.Redis(port=port) as client:
        yield client


class Listener:
    """Hears everything that is published, as a server of the classic adapter would."""

    def __init__(self, client: redis.Redis) -> None:
        self.pubsub = client.pubsub()
        self.pubsub.psubscribe("*")
        assert self.next_message()["type"] == "psubscribe"

    def next_message(self) -> dict[str, Any]:
        message = self.pubsub.get_message(timeout=DEADLINE)
        assert message is not None, "nothing was published"
        return dict(message)

    def next(self) -> tuple[str, Any]:
        """Return the channel and the decoded payload of the next message."""
        message = self.next_message()
        data: bytes = message["data"]
        payload = json.loads(data) if data[:1] in b"[{" else msgpack.unpackb(data)
        return message["channel"].decode(), payload

    def args(self) -> list[Any]:
        """Return the arguments of the next event."""
        _, (_, packet, _) = self.next()
        return list(packet["data"][1:])


@pytest.fixture
def listener(client: redis.Redis) -> Iterator[Listener]:
    listener = Listener(client)
    yield listener
    listener.pubsub.close()


Call = Callable[[Any], Any]
Ask = Callable[..., Any]


def ask_sync(port: int, *calls: Call, **settings: Any) -> list[Any]:
    """Make calls on one emitter, one after the other, and return what comes of them, errors too."""

    def made(io: Emitter, call: Call) -> Any:
        try:
            return call(io)
        except SioemitError as err:
            return err

    options = settings.pop("options", {})
    kind: Any = redis.RedisCluster if settings.pop("cluster", False) else redis.Redis
    with kind(host="127.0.0.1", port=port, **settings) as client:
        io = Emitter(client, **options)
        return [made(io, call) for call in calls]


def ask_async(port: int, *calls: Call, **settings: Any) -> list[Any]:
    async def made(io: AsyncEmitter, call: Call) -> Any:
        try:
            return await call(io)
        except SioemitError as err:
            return err

    options = settings.pop("options", {})
    kind: Any = redis.asyncio.RedisCluster if settings.pop("cluster", False) else redis.asyncio.Redis

    async def main() -> list[Any]:
        async with kind(host="127.0.0.1", port=port, **settings) as client:
            io = AsyncEmitter(client, **options)
            return [await made(io, call) for call in calls]

    return asyncio.run(main())


@pytest.fixture(params=[ask_sync, ask_async], ids=["sync", "asyncio"])
def ask(request: pytest.FixtureRequest) -> Ask:
    made: Ask = request.param
    return made


def until(done: Callable[[], bool], what: str) -> None:
    give_up = time.monotonic() + DEADLINE
    while not done():
        assert time.monotonic() < give_up, what
        time.sleep(0.005)


async def settled(done: Callable[[], bool], what: str) -> None:
    await asyncio.to_thread(until, done, what)
