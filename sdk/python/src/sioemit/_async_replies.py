"""The connection for replies of an AsyncEmitter: tasks that are there while a call waits."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import time
import weakref
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from redis.exceptions import ResponseError

from ._redis import REPLIES_NAME, without_arguments
from ._replies import READ, Connect
from ._subscription import Subscription, Wait, closed

_all: weakref.WeakSet[AsyncReplies] = weakref.WeakSet()


class AsyncReplies:
    """The connections for replies of one emitter: one for all calls, but on a Redis Cluster one for each shard channel.

    In a child process it begins anew.
    """

    def __init__(self) -> None:
        """Have no connection yet."""
        self.begin()
        self._closed = False
        _all.add(self)

    def begin(self) -> None:
        """Know of no connection."""
        self.confirming: asyncio.Event | None = None  # set when the one confirmation ends that goes on
        self._current: dict[str, _Connection] = {}  # that calls join
        self._open: set[_Connection] = set()  # with those that calls only leave

    def check(self) -> None:
        """Raise an error when it has been closed."""
        if self._closed:
            raise closed()

    def renew(self, wait: Wait[asyncio.Event]) -> None:
        """Make a wait one for the answers to another question."""
        wait.subscription.renew(wait)

    @asynccontextmanager
    async def wait(
        self, connect: Connect, name: str, channels: tuple[bytes, ...], *, shard: bool
    ) -> AsyncIterator[Wait[asyncio.Event]]:
        """Begin to wait for answers on channels; waits of one name share a connection."""
        self.check()
        connection = self._current.get(name)
        if connection is None or not connection.state.joinable(time.monotonic()):
            connection = _Connection(Subscription(name, shard=shard, now=time.monotonic()))
            connection.start(connect, self._drop)
            self._current[name] = connection
            self._open.add(connection)
        wait = connection.state.join(channels, asyncio.Event())
        connection.flush()
        try:
            yield wait
        finally:
            if connection.state.leave(wait):
                connection.state.end(closed())
                await connection.stop()

    async def close(self) -> None:
        """End all waits, and refuse later ones."""
        self._closed = True
        for connection in list(self._open):
            connection.state.end(closed())
            await connection.stop()

    def _drop(self, connection: _Connection) -> None:
        self._open.discard(connection)
        if self._current.get(connection.state.name) is connection:
            del self._current[connection.state.name]


def _after_fork() -> None:
    for replies in list(_all):
        replies.begin()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Connection:
    """One connection, and the tasks that read it and look after it."""

    def __init__(self, state: Subscription) -> None:
        self.state = state
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None]

    def start(self, connect: Connect, ended: Callable[[_Connection], None]) -> None:
        """Start the task, which ends with the connection."""
        self._ended = ended
        self._task = asyncio.get_running_loop().create_task(self._run(connect))

    async def stop(self) -> None:
        """End the task, and wait until nothing is left of it, even when the caller is cancelled meanwhile."""
        self._ended(self)
        self._task.cancel()
        await asyncio.wait([self._task])

    def flush(self) -> None:
        """Write what is to be written, if the connection is open."""
        if self._writer is not None and self.state.output:
            self._writer.write(bytes(self.state.output))
            self.state.output.clear()

    async def _run(self, connect: Connect) -> None:
        try:
            while not self.state.ended:
                await self._serve(connect(self.state.named))
        except Exception as err:  # noqa: BLE001 - whatever it is, those who wait are to hear of it
            self.state.lose(without_arguments(str(err)))
        finally:
            self._ended(self)

    async def _serve(self, connection: Any) -> None:
        try:
            await connection.connect()
            if self.state.shard:
                with contextlib.suppress(ResponseError):  # the user may not
                    await connection.send_command("CLIENT", "SETNAME", REPLIES_NAME)
                    await connection.read_response()
            # redis-py has no public way to read without a timeout.
            reader: asyncio.StreamReader = connection._reader  # noqa: SLF001
            self._writer = connection._writer  # noqa: SLF001
            self.state.opened(time.monotonic())
            self.flush()
            watcher = asyncio.get_running_loop().create_task(self._watch())
            try:
                while self.state.serving:
                    self.state.feed(await reader.read(READ), time.monotonic())
            finally:
                watcher.cancel()
        finally:
            if self._writer is not None:
                # A child process may hold the connection, too, and would keep it open.
                with contextlib.suppress(OSError, TypeError):  # uvloop cannot
                    self._writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
                self._writer = None
            await connection.disconnect(nowait=True)

    async def _watch(self) -> None:
        while not self.state.ended:
            pause = self.state.look(time.monotonic())
            self.flush()
            await asyncio.sleep(pause)
        self._task.cancel()
