"""A client that asks Sentinel where the master is."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
import redis.asyncio.sentinel
import redis.sentinel

from sioemit import AsyncEmitter, Emitter, UnconfirmedError

from .conftest import DEADLINE, free_port, redis_server, until
from .servers import Servers

GONE = "a Redis node has gone, or was started again"


def follows(port: int) -> bool:
    """Tell whether a Redis is a replica that has its master."""
    with contextlib.suppress(redis.ConnectionError), redis.Redis(port=port) as client:  # Sentinel cuts its clients off
        info: Any = client.info("replication")
        return bool(info["role"] == "slave" and info["master_link_status"] == "up")
    return False


class Sentinel:
    """Watches a master and its replica, and changes them over when it is told to."""

    def __init__(self, folder: Path, one: int, two: int) -> None:
        self.port = free_port()
        file = folder / "sentinel.conf"
        file.write_text(f"""
port {self.port}
bind 127.0.0.1
dir {folder}
sentinel monitor main 127.0.0.1 {one} 1
sentinel down-after-milliseconds main {1000 * DEADLINE}
""")
        program = shutil.which("redis-server")
        assert program
        self._process = subprocess.Popen([program, file, "--sentinel"], stdout=subprocess.DEVNULL)
        self._client = redis.Redis(port=self.port, protocol=2)
        self._ports = [one, two]

    def __enter__(self) -> Sentinel:  # noqa: PYI034
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()
        self._process.terminate()
        self._process.wait(DEADLINE)

    def change_over(self) -> None:
        """Make the replica the master, and wait until the other one is its replica."""
        # From Redis 7 on, it need not take its ten seconds.
        self._says("DEBUG", "info-period", "100", "slave-reconf-timeout", "1000")
        until(lambda: self._says("FAILOVER", "main") == b"OK", "there is a replica to promote")
        self._ports.reverse()
        master, replica = self._ports
        until(lambda: self._says("GET-MASTER-ADDR-BY-NAME", "main") == [b"127.0.0.1", b"%d" % master], "it is known")
        until(lambda: follows(replica), "it follows the new master")

    def _says(self, *words: str) -> Any:
        with contextlib.suppress(redis.RedisError):
            return self._client.execute_command("SENTINEL", *words)
        return None


@pytest.fixture
def sentinel(tmp_path: Path) -> Iterator[Sentinel]:
    folders = [tmp_path / name for name in ("one", "two")]
    for folder in folders:
        folder.mkdir()
    with (
        redis_server(folders[0], "--repl-diskless-sync-delay", "0") as one,
        redis_server(folders[1], "--replicaof", "127.0.0.1", str(one), "--repl-diskless-sync-delay", "0") as two,
        Servers(one),
        Servers(two),
    ):
        until(lambda: follows(two), "there is a replica")
        with Sentinel(tmp_path, one, two) as running:
            yield running


async def confirmed(confirm: Callable[[], Any]) -> object:
    """Return what confirm() returns, or why not, once Redis is there."""
    while True:
        with contextlib.suppress(redis.RedisError):
            try:
                outcome = confirm()
                return await outcome if asyncio.iscoroutine(outcome) else outcome
            except UnconfirmedError as err:
                return err.why
        await asyncio.sleep(0.01)


def test_a_new_master_confirms_nothing_of_the_old_one(sentinel: Sentinel) -> None:
    async def main() -> None:
        where = redis.sentinel.Sentinel([("127.0.0.1", sentinel.port)])
        awhere = redis.asyncio.sentinel.Sentinel([("127.0.0.1", sentinel.port)])
        with where.master_for("main") as client:
            async with awhere.master_for("main") as aclient:
                io, aio = Emitter(client).timeout(DEADLINE), AsyncEmitter(aclient).timeout(DEADLINE)
                for event in ("first", "second"):
                    assert await confirmed(io.confirm) == await confirmed(aio.confirm) == 1
                    io.emit(event)
                    await aio.emit(event)
                await asyncio.to_thread(sentinel.change_over)
                assert await confirmed(io.confirm) == await confirmed(aio.confirm) == GONE
                io.emit("third")
                await aio.emit("third")
                assert io.confirm() == await aio.confirm() == 1
        for one in where.sentinels:
            one.close()
        for another in awhere.sentinels:
            await another.aclose()

    asyncio.run(asyncio.wait_for(main(), 3 * DEADLINE))
