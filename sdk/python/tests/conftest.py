"""A redis-server of the tests' own, on a free port."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
from typing import TYPE_CHECKING, Any

import msgpack
import pytest
import redis

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

DEADLINE = 60  # seconds, which nothing healthy comes near to


@contextlib.contextmanager
def redis_server(directory: Path, *options: str) -> Iterator[int]:
    program = shutil.which("redis-server")
    assert program, "the tests need redis-server: apt-get install redis-server"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
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
