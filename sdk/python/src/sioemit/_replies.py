"""The connection for replies of an Emitter: a thread that is there while a call waits."""

from __future__ import annotations

import contextlib
import os
import selectors
import socket
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from redis.exceptions import ResponseError

from ._redis import REPLIES_NAME, without_arguments
from ._subscription import Address, Subscription, Wait, closed

# Returns a connection of redis-py, not connected yet, to the node that Redis has named, if it has.
Connect = Callable[[Address | None], Any]

READ = 64 << 10

# How long a thread may take to end, in seconds: it waits for nobody.
STOPPING = 5.0

_all: weakref.WeakSet[Replies] = weakref.WeakSet()


class Replies:
    """The connections for replies of one emitter: one for all calls, but on a Redis Cluster one for each shard channel.

    Calls may come from any thread. In a child process, which has none of the threads, it begins anew.
    """

    def __init__(self) -> None:
        """Have no connection yet."""
        self._begin()
        _all.add(self)

    def _begin(self) -> None:
        self._lock = threading.Lock()
        self.confirming = threading.Lock()  # held by the one confirmation that goes on
        self._current: dict[str, _Connection] = {}  # that calls join
        self._open: set[_Connection] = set()  # with those that calls only leave
        self._closed = False

    def check(self) -> None:
        """Raise an error when it has been closed."""
        if self._closed:
            raise closed()

    @contextmanager
    def wait(
        self, connect: Connect, name: str, channels: tuple[bytes, ...], *, shard: bool
    ) -> Iterator[Wait[threading.Event]]:
        """Begin to wait for answers on channels; waits of one name share a connection."""
        with self._lock:
            self.check()
            connection = self._current.get(name)
            if connection is None or not connection.state.joinable(time.monotonic()):
                connection = _Connection(self._lock, Subscription(name, shard=shard, now=time.monotonic()))
                connection.start(connect, self._forget)
                self._current[name] = connection
                self._open.add(connection)
            wait = connection.state.join(channels, threading.Event())
            connection.wake()
        try:
            yield wait
        finally:
            with self._lock:
                last = connection.state.leave(wait)
                if last:
                    self._drop(connection)
                    connection.state.end(closed())
            if last:
                connection.stop()

    def renew(self, wait: Wait[threading.Event]) -> None:
        """Make a wait one for the answers to another question."""
        with self._lock:
            wait.subscription.renew(wait)

    def close(self) -> None:
        """End all waits, and refuse later ones."""
        with self._lock:
            self._closed = True
            ended = list(self._open)
            for connection in ended:
                self._drop(connection)
                connection.state.end(closed())
        for connection in ended:
            connection.stop()

    def _forget(self, connection: _Connection) -> None:
        with self._lock:
            self._drop(connection)

    def _drop(self, connection: _Connection) -> None:
        self._open.discard(connection)
        if self._current.get(connection.state.name) is connection:
            del self._current[connection.state.name]

    def after_fork(self) -> None:
        """Leave the parent what is its own. Its threads are not here, and its lock may be held for ever."""
        closed_before = self._closed
        for connection in self._open:
            connection.abandon()
        self._begin()
        self._closed = closed_before


def _after_fork() -> None:
    for replies in list(_all):
        replies.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


class _Connection:
    """One connection, and the thread that reads and writes it. TLS has no other way: it is for one thread at a time."""

    def __init__(self, lock: threading.Lock, state: Subscription) -> None:
        self.state = state
        self._lock = lock
        self._socket: socket.socket | None = None
        self._woken, self._waker = socket.socketpair()
        self._woken.settimeout(0)
        self._waker.settimeout(0)

    def start(self, connect: Connect, ended: Callable[[_Connection], None]) -> None:
        """Start the thread, which ends with the connection."""
        self._thread = threading.Thread(target=self._run, args=(connect, ended), name="sioemit replies", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Make the thread look again."""
        with contextlib.suppress(OSError):  # it is awake already, or has ended
            self._waker.send(b"\0")

    def stop(self) -> None:
        """Wait until nothing is left of an ended connection. While it is being opened, nobody has to wait for that."""
        self.wake()
        if self._socket is not None:
            self._thread.join(STOPPING)

    def abandon(self) -> None:
        """Close a child's copies, and leave the connection as it is."""
        for copy in (self._socket, self._woken, self._waker):
            if copy is not None:
                copy.close()

    def _run(self, connect: Connect, ended: Callable[[_Connection], None]) -> None:
        try:
            while not self.state.ended:
                self._socket = None
                self._serve(connect(self.state.named))
        except Exception as err:  # noqa: BLE001 - whatever it is, those who wait are to hear of it
            with self._lock:
                self.state.lose(without_arguments(str(err)))
        finally:
            ended(self)
            with self._lock:
                self._woken.close()
                self._waker.close()

    def _serve(self, connection: Any) -> None:
        try:
            connection.connect()
            if self.state.shard:
                with contextlib.suppress(ResponseError):  # the user may not
                    connection.send_command("CLIENT", "SETNAME", REPLIES_NAME)
                    connection.read_response()
            raw: socket.socket = connection._sock  # noqa: SLF001 - redis-py has no public way to read without a timeout
            raw.settimeout(0)
            self._socket = raw
            with selectors.DefaultSelector() as selector:
                selector.register(self._woken, selectors.EVENT_READ)
                selector.register(raw, selectors.EVENT_READ)
                with self._lock:
                    self.state.opened(time.monotonic())
                while self._turn(selector, raw):
                    pass
        finally:
            connection.disconnect()

    def _turn(self, selector: selectors.BaseSelector, raw: socket.socket) -> bool:
        """Read and write what can be, then wait for more. Returns False at the end."""
        with contextlib.suppress(BlockingIOError):
            while self._woken.recv(READ):
                pass
        while (data := _read(raw)) is not None:
            with self._lock:
                self.state.feed(data, time.monotonic())
                if not self.state.serving:
                    return False
        with self._lock:
            pause = self.state.look(time.monotonic())
            output = bytes(self.state.output)
            self.state.output.clear()
            if self.state.ended:
                return False
        sent = _write(raw, output)
        events = selectors.EVENT_READ
        if sent < len(output):
            events |= selectors.EVENT_WRITE
            with self._lock:
                self.state.output[:0] = output[sent:]
        selector.modify(raw, events)
        selector.select(pause)
        return True


def _read(raw: socket.socket) -> bytes | None:
    """Return what has come, None when nothing has, and nothing at the end."""
    try:
        return raw.recv(READ)
    except OSError as err:
        if _would_block(err):
            return None
        raise


def _write(raw: socket.socket, data: bytes) -> int:
    try:
        return raw.send(data) if data else 0
    except OSError as err:
        if _would_block(err):
            return 0
        raise


def _would_block(err: OSError) -> bool:
    # TLS has errors of its own for it, in a module that Python may be built without.
    return isinstance(err, BlockingIOError) or type(err).__name__ in ("SSLWantReadError", "SSLWantWriteError")
