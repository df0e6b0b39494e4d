"""The emitter for redis-py."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

from redis import Redis, RedisCluster
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio import RedisCluster as AsyncRedisCluster

from ._adapters import Command, Room, Sharded, Streams, Target
from ._errors import SioemitError
from ._operator import Config, Targeting
from ._python import Python
from ._redis import count, without_secrets
from ._values import Default


class BroadcastOperator(Targeting):
    """A target, and what can be done with it."""

    __slots__ = ("_redis",)

    _redis: Redis | RedisCluster

    def _with(self, target: Target) -> BroadcastOperator:
        other = BroadcastOperator()
        other._config, other._target, other._redis = self._config, target, self._redis
        return other

    def emit(self, event: str, *args: Any) -> None:
        """Send an event to the clients targeted.

        It returns once Redis has taken the event. Raises SioemitError when the event is refused, before anything is
        sent, and the errors of redis-py.
        """
        self._send(self._broadcast(event, args))

    def sockets_join(self, *rooms: Room) -> None:
        """Make the clients targeted join rooms. Servers do not answer."""
        self._send(self._join(rooms))

    def sockets_leave(self, *rooms: Room) -> None:
        """Make the clients targeted leave rooms."""
        self._send(self._leave(rooms))

    def disconnect_sockets(self, close: bool = False) -> None:  # noqa: FBT001, FBT002 - as in Socket.IO
        """Disconnect the clients targeted from the namespace; with close, close their connections."""
        self._send(self._disconnect(close=close))

    def server_side_emit(self, event: str, *args: Any) -> None:
        """Send an event to the servers of the namespace, where ``io.on(event)`` receives it."""
        self._send(self._server_side(event, args))

    def server_count(self) -> int:
        """Return how many servers listen on the namespace."""
        command, channel = self._listeners()
        with without_secrets():
            if not isinstance(self._redis, RedisCluster):
                return count(self._redis.execute_command(f"PUBSUB {command}", channel), channel)
            # Each node knows its own subscribers only, and a server may have subscribed to a replica.
            return sum(
                count(self._redis.get_redis_connection(node).execute_command(f"PUBSUB {command}", channel), channel)
                for node in self._redis.get_nodes()
            )

    def _send(self, command: Command) -> None:
        with without_secrets():
            self._redis.execute_command(*command)  # type: ignore[no-untyped-call] # redis-py has no types for it


class Batch:
    """The commands of a pipeline, until it ends."""

    __slots__ = ("commands", "ended")

    def __init__(self) -> None:
        self.commands: list[Command] = []
        self.ended = False

    def add(self, command: Command) -> None:
        """Add a command. Raises SioemitError once the pipeline has ended, because nobody would send it."""
        if self.ended:
            raise SioemitError("pipeline-ended", "the block of the pipeline has ended, and what it made with it")
        self.commands.append(command)


class Pipeline(Targeting):
    """Collects what is sent, for one round trip. It is made by Emitter.pipeline()."""

    __slots__ = ("_batch",)

    _batch: Batch

    def _with(self, target: Target) -> Pipeline:
        other = Pipeline()
        other._config, other._target, other._batch = self._config, target, self._batch
        return other

    def emit(self, event: str, *args: Any) -> None:
        """Add an event; see BroadcastOperator.emit."""
        command = self._broadcast(event, args)
        batch = self._batch
        if batch.ended:
            batch.add(command)  # which refuses it
        batch.commands.append(command)

    def sockets_join(self, *rooms: Room) -> None:
        """Add a request; see BroadcastOperator.sockets_join."""
        self._batch.add(self._join(rooms))

    def sockets_leave(self, *rooms: Room) -> None:
        """Add a request; see BroadcastOperator.sockets_leave."""
        self._batch.add(self._leave(rooms))

    def disconnect_sockets(self, close: bool = False) -> None:  # noqa: FBT001, FBT002 - as in Socket.IO
        """Add a request; see BroadcastOperator.disconnect_sockets."""
        self._batch.add(self._disconnect(close=close))

    def server_side_emit(self, event: str, *args: Any) -> None:
        """Add an event for servers; see BroadcastOperator.server_side_emit."""
        self._batch.add(self._server_side(event, args))


def start_pipeline(config: Config) -> tuple[Pipeline, Batch]:
    """Return a pipeline, and the batch to which it adds."""
    pipeline, batch = Pipeline(), Batch()
    pipeline._config, pipeline._target, pipeline._batch = config, Target(), batch  # noqa: SLF001 - it is being made
    return pipeline, batch


class Emitter(BroadcastOperator):
    """Sends to the clients of a Socket.IO cluster, through a redis-py client, which stays the caller's.

    >>> from redis import Redis
    >>> io = Emitter(Redis())  # doctest: +SKIP
    >>> io.to("user:7").emit("order:paid", {"id": 12345})  # doctest: +SKIP

    The options say what the servers have set. ``adapter`` is Sharded(...), Streams(...) or Python(...) where it is not
    the classic one, to which ``key``, ``codec`` and ``server_version`` belong. ``max_attachments`` is how many binary
    values an event may hold: more than 10 disconnect clients with socket.io-parser 4.2.6 or later. ``socket_ids`` is a
    regular expression for the ids of servers that make their own. ``default`` is called for objects that have no JSON
    form, as json.dumps does.
    """

    __slots__ = ()

    def __init__(  # noqa: PLR0913 - one for each option
        self,
        redis: Redis | RedisCluster,
        *,
        key: str | None = None,
        server_version: int = 4,
        codec: Literal["messagepack", "json"] | None = None,
        adapter: Sharded | Streams | Python | None = None,
        max_attachments: int = 10,
        socket_ids: str | re.Pattern[str] | None = None,
        default: Default | None = None,
    ) -> None:
        """Check the options; nothing is sent. Raises SioemitError, and TypeError for a client of redis.asyncio."""
        if isinstance(redis, AsyncRedis | AsyncRedisCluster):
            message = "Emitter takes a client of redis-py; for one of redis.asyncio there is AsyncEmitter"
            raise TypeError(message)
        self._config = Config.from_options(
            key=key,
            server_version=server_version,
            codec=codec,
            adapter=adapter,
            max_attachments=max_attachments,
            socket_ids=socket_ids,
            default=default,
        )
        self._target = Target()
        self._redis = redis

    @contextmanager
    def pipeline(self) -> Iterator[Pipeline]:
        """Send what the block adds in one round trip, in its order, when the block ends.

        When the block raises, nothing is sent. A pipeline is no transaction: when the connection breaks, a part may
        have been sent.
        """
        pipeline, batch = start_pipeline(self._config)
        try:
            yield pipeline
        finally:
            batch.ended = True
        if not batch.commands:
            return
        with without_secrets(), self._redis.pipeline(transaction=False) as pipe:
            for command in batch.commands:
                pipe.execute_command(*command)
            pipe.execute()
