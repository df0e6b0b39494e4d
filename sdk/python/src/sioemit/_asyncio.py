"""The emitter for redis.asyncio."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Literal

from redis import Redis as SyncRedis
from redis import RedisCluster as SyncRedisCluster
from redis.asyncio import Redis, RedisCluster

from ._adapters import Command, Room, Sharded, Streams, Target
from ._operator import Config, Targeting
from ._python import Python
from ._redis import count, without_secrets
from ._sync import Pipeline, start_pipeline
from ._values import Default


class AsyncBroadcastOperator(Targeting):
    """A target, and what can be done with it."""

    __slots__ = ("_redis",)

    _redis: Redis | RedisCluster

    def _with(self, target: Target) -> AsyncBroadcastOperator:
        other = AsyncBroadcastOperator()
        other._config, other._target, other._redis = self._config, target, self._redis
        return other

    async def emit(self, event: str, *args: Any) -> None:
        """Send an event to the clients targeted.

        It returns once Redis has taken the event. Raises SioemitError when the event is refused, before anything is
        sent, and the errors of redis-py.
        """
        await self._send(self._broadcast(event, args))

    async def sockets_join(self, *rooms: Room) -> None:
        """Make the clients targeted join rooms. Servers do not answer."""
        await self._send(self._join(rooms))

    async def sockets_leave(self, *rooms: Room) -> None:
        """Make the clients targeted leave rooms."""
        await self._send(self._leave(rooms))

    async def disconnect_sockets(self, close: bool = False) -> None:  # noqa: FBT001, FBT002 - as in Socket.IO
        """Disconnect the clients targeted from the namespace; with close, close their connections."""
        await self._send(self._disconnect(close=close))

    async def server_side_emit(self, event: str, *args: Any) -> None:
        """Send an event to the servers of the namespace, where ``io.on(event)`` receives it."""
        await self._send(self._server_side(event, args))

    async def server_count(self) -> int:
        """Return how many servers listen on the namespace."""
        command, channel = self._listeners()
        with without_secrets():
            if not isinstance(self._redis, RedisCluster):
                return count(await self._redis.execute_command(f"PUBSUB {command}", channel), channel)
            await self._redis.initialize()
            # Each node knows its own subscribers only, and a server may have subscribed to a replica.
            return sum(
                [
                    count(await node.execute_command(f"PUBSUB {command}", channel), channel)
                    for node in self._redis.get_nodes()
                ]
            )

    async def _send(self, command: Command) -> None:
        with without_secrets():
            await self._redis.execute_command(*command)


class AsyncEmitter(AsyncBroadcastOperator):
    """Sends to the clients of a Socket.IO cluster, through a redis.asyncio client, which stays the caller's.

    The options are those of Emitter.

    >>> from redis.asyncio import Redis
    >>> io = AsyncEmitter(Redis())  # doctest: +SKIP
    >>> await io.to("user:7").emit("order:paid", {"id": 12345})  # doctest: +SKIP
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
        """Check the options; nothing is sent. Raises SioemitError, and TypeError for a client that is not async."""
        if isinstance(redis, SyncRedis | SyncRedisCluster):
            message = "AsyncEmitter takes a client of redis.asyncio; for one of redis-py there is Emitter"
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

    @asynccontextmanager
    async def pipeline(self) -> AsyncIterator[Pipeline]:
        """Send what the block adds in one round trip, in its order, when the block ends.

        The calls within the block are not awaited. When the block raises, nothing is sent. A pipeline is no
        transaction: when the connection breaks, a part may have been sent.
        """
        pipeline, batch = start_pipeline(self._config)
        try:
            yield pipeline
        finally:
            batch.ended = True
        if not batch.commands:
            return
        with without_secrets():
            async with self._redis.pipeline(transaction=False) as pipe:
                for command in batch.commands:
                    pipe.execute_command(*command)
                await pipe.execute()
