"""The emitter for redis.asyncio."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, TypeVar

from redis import Redis as SyncRedis
from redis import RedisCluster as SyncRedisCluster
from redis.asyncio import Redis, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import TimeoutError  # noqa: A004 - redis-py's

from ._adapters import Command, Room, Sharded, Streams, Target
from ._answers import Acks, Confirmation, EmitWithAck, FetchSockets, Question, ServerSideEmitWithAck, Socket
from ._async_replies import AsyncReplies
from ._confirm import confirm
from ._errors import SioemitError
from ._operator import (
    ATTEMPTS,
    Config,
    Targeting,
    another_confirms,
    binary_not_sent,
    no_servers,
    not_subscribed,
    settled,
    subscribed,
)
from ._python import Python
from ._redis import COMMAND_NAME, count, for_replies, raise_first, without_secrets, written_once
from ._replies import Connect
from ._subscription import Address, Subscription, Wait
from ._sync import Pipeline, start_pipeline
from ._values import Default

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Config(Config):
    replies: AsyncReplies = field(default_factory=AsyncReplies)


class AsyncBroadcastOperator(Targeting):
    """A target, and what can be done with it."""

    __slots__ = ("_redis",)

    _config: _Config
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
        command = self._server_side(event, args)
        if self._ends_servers(command):
            await self._check_reads_binary("server_side_emit", None)
        await self._send(command)

    async def server_count(self) -> int:
        """Return how many servers listen on the namespace."""
        self._untargeted("server_count")
        return await self._count()

    async def emit_with_ack(self, event: str, *args: Any) -> Acks:
        """Send an event to the clients targeted, and wait until each has acknowledged it.

        Raises IncompleteError, with what came, when some have not in time; see timeout().
        """
        acks: Acks = await self._ask(EmitWithAck(event, args))
        return acks

    async def fetch_sockets(self) -> list[Socket]:
        """Return the clients targeted, those of all servers, in no particular order.

        Each server writes down ``socket.data`` of its clients for it. One whose data is circular ends then, as it does
        when another server calls fetchSockets().
        """
        sockets: list[Socket] = await self._ask(FetchSockets())
        return sockets

    async def server_side_emit_with_ack(self, event: str, *args: Any) -> list[Any]:
        """Send an event to the servers of the namespace, and return what each answers, in the order of arrival.

        A server without a handler for the event never answers.
        """
        values: list[Any] = await self._ask(ServerSideEmitWithAck(event, args))
        return values

    async def rooms(self) -> list[str]:
        """Return the names of all rooms of the namespace, sorted, but for those that are numbers.

        The id of each socket is one. All adapters but the classic one are asked as by fetch_sockets().
        """
        rooms: list[str] = await self._ask(self._rooms_question())
        return rooms

    async def confirm(self) -> int:
        """Return once every server of the namespace has taken all that was sent there before, and how many have.

        Rooms and flags make no difference. It asks the servers a question that changes nothing, behind the events: a
        server takes what one connection brings in order, so its answer says that it has the events, too. What has
        become of the connections is looked at as well. An answer that would prove nothing is an UnconfirmedError.

        The first confirm() of an emitter has nothing to compare with but how long, in seconds, connections have been
        there: call it once before the first event, where servers may just have started. Those of one emitter wait for
        each other. Raises IncompleteError when servers do not answer in time; the next one is about the same events.
        """
        deadline = time.monotonic() + self._config.timeout
        self._question(Confirmation(), "", self._config.timeout)  # whether all is well with it
        replies = self._config.replies
        replies.check()
        while replies.confirming is not None:
            try:
                await _within(deadline - time.monotonic(), replies.confirming.wait())
            except TimeoutError:  # noqa: PERF203 - it waits anyway
                raise another_confirms() from None
        ended = replies.confirming = asyncio.Event()
        try:
            with without_secrets():
                return await confirm(_Asker(self, deadline))
        finally:
            replies.confirming = None
            ended.set()

    async def _ask(self, question: Question, deadline: float | None = None) -> Any:
        config = self._config
        deadline = deadline or time.monotonic() + config.timeout
        command = self._question(question, "", config.timeout)  # whether all is well with it
        config.replies.check()
        if self._ends_servers(command):
            await self._check_reads_binary(question.call, question.result, deadline)
        question.asked = await _within(deadline - time.monotonic(), self._count())
        if not question.asked:
            raise no_servers(question, self._target.namespace)
        since = config.sent.since(self._target.namespace)
        try:
            await self._answer([question], deadline)
        finally:
            self._note_question(question, since, settled=question.complete)
        if not question.complete:
            raise self._incomplete(question)
        return question.result

    async def _answer(self, questions: Sequence[Question], deadline: float) -> None:
        """Ask, and wait for the answers as long as there is time."""
        channels, shard = self._config.adapter.reply_channels(self._target.namespace)
        names = tuple(channel.encode() for channel in channels)
        # Shard channels of different slots live on different nodes.
        name = channels[0] if shard and isinstance(self._redis, RedisCluster) else ""
        wait_on = self._config.replies.wait
        with without_secrets():
            async with AsyncExitStack() as stack:
                connect = self._connector(names[0], shard=shard)
                waits = [await stack.enter_async_context(wait_on(connect, name, names, shard=shard)) for _ in questions]
                try:
                    for wait in waits:
                        if not await _until(deadline, wait, partial(subscribed, wait)):
                            raise not_subscribed(wait)
                    for question, wait in zip(questions, waits, strict=True):
                        await self._put(question, wait, deadline)
                    for question, wait in zip(questions, waits, strict=True):
                        await _until(deadline, wait, partial(settled, question, wait))
                finally:
                    await self._find_slots(waits[0].subscription, deadline)

    async def _put(self, question: Question, wait: Wait[asyncio.Event], deadline: float) -> None:
        """Ask. One that changes nothing is asked again, with another id, when its fate is not known."""
        node = question.node
        for attempt in range(1, ATTEMPTS + 1):
            left = deadline - time.monotonic()
            command = self._question(question, wait.id, left)
            node = node or self._node(command)  # one and the same, or questions could overtake each other
            try:
                await self._publish_once(command, left, node)
            except SioemitError as err:
                again = err.reason == "maybe-asked" and question.harmless and attempt < ATTEMPTS
                if not again or time.monotonic() >= deadline:
                    raise
                self._config.replies.renew(wait)
            else:
                return

    async def _publish_once(self, command: Command, seconds: float, node: Any) -> None:
        """Publish what must not be published twice, as redis-py does when a connection breaks."""
        if isinstance(self._redis, RedisCluster):
            with written_once():
                # It repeats nothing that goes to a node by name.
                sent = self._redis.execute_command(*command, target_nodes=node)
                await _within(seconds, sent)
            return
        # Whether a command is repeated is up to the client, so that the connection does without it.
        pool = self._redis.connection_pool
        writes = False

        async def publish() -> None:
            nonlocal writes
            connection: Any = await pool.get_connection(*COMMAND_NAME)
            try:
                writes = True
                await connection.send_command(*command)
                await connection.read_response()
            except BaseException:
                await connection.disconnect(nowait=True)
                raise
            finally:
                await pool.release(connection)

        # All of it is one task: a connection that came when the call was cancelled would be in nobody's hands.
        try:
            await _within(seconds, publish())
        except Exception:
            if not writes:
                raise
            with written_once():
                raise

    def _node(self, command: Command) -> Any:
        """Return the node of a Redis Cluster to which a command goes: of PUBLISH, redis-py's choice for it."""
        cluster: Any = self._redis
        if not isinstance(self._redis, RedisCluster):
            return None
        return cluster.get_default_node() if command[0] == "PUBLISH" else cluster.get_node_from_key(command[1])

    def _connector(self, channel: bytes, *, shard: bool) -> Connect:
        """Return what makes a connection for replies, of the client's own settings."""
        node = self._node(("SPUBLISH" if shard else "PUBLISH", channel))
        pool: Any = node or self._redis.connection_pool  # type: ignore[union-attr] # a node is a pool of its own

        def connect(named: Address | None) -> Any:
            settings = for_replies(pool.connection_kwargs, self._redis, named)
            return pool.connection_class(**settings, retry=Retry(NoBackoff(), 0))

        return connect

    async def _find_slots(self, subscription: Subscription, deadline: float) -> None:
        """Have the client look where slots are, when Redis has said that they are elsewhere. Calls do without it."""
        if isinstance(self._redis, RedisCluster) and subscription.take_outdated():
            with suppress(Exception):
                await _within(deadline - time.monotonic(), self._redis.nodes_manager.initialize())

    async def _check_reads_binary(self, call: str, partial: Any, deadline: float | None = None) -> None:
        """Ask the servers of the classic adapter whether they read binary in a request, which ends older ones."""
        probe = EmitWithAck("probe")
        probe.call = call
        try:
            await self._probe()._ask(probe, deadline)  # noqa: SLF001 - it is one of these
        except SioemitError as err:
            if err.reason != "no-servers":
                raise binary_not_sent(err, partial) from None

    async def _count(self) -> int:
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
        config, namespace = self._config, self._target.namespace
        since, reply = config.sent.since(namespace), None
        try:
            with without_secrets():
                reply = await self._redis.execute_command(*command)
        finally:
            config.sent.note(namespace, since)
            if config.notes_more:
                self._note(command, reply)


class _Asker:
    """What a confirmation has of an operator."""

    def __init__(self, operator: AsyncBroadcastOperator, deadline: float) -> None:
        self.namespace = operator._target.namespace  # noqa: SLF001 - as below: it is a part of it
        self.adapter = operator._config.adapter  # noqa: SLF001
        self.sent = operator._config.sent  # noqa: SLF001
        self.deadline = deadline
        self.is_cluster = isinstance(operator._redis, RedisCluster)  # noqa: SLF001
        self.incomplete = operator._incomplete  # noqa: SLF001
        self._operator = operator
        self._redis: Any = operator._redis  # noqa: SLF001

    async def nodes(self) -> list[Any]:
        await self._within(self._redis.initialize())
        return list(self._redis.get_nodes())

    async def find_nodes(self) -> None:
        await self._within(self._redis.nodes_manager.initialize())

    def node_of(self, key: str) -> Any:
        return self._redis.get_node_from_key(key) if self.is_cluster else None

    async def run(self, *words: str | bytes, node: Any = None) -> Any:
        return await self._within((node or self._redis).execute_command(*words))

    async def ask(self, questions: list[Confirmation]) -> None:
        await self._operator._answer(questions, self.deadline)  # noqa: SLF001

    async def pause(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    def no_servers(self) -> SioemitError:
        return no_servers(Confirmation(), self.namespace)

    async def _within(self, work: Coroutine[Any, Any, Result]) -> Result:
        return await _within(self.deadline - time.monotonic(), work)


async def _within(seconds: float, work: Coroutine[Any, Any, Result]) -> Result:
    """Return what work returns, and cancel it when it takes too long. Nothing of it is left when this one is cancelled.

    Before Python 3.12, asyncio.wait_for() forgets that it was cancelled when work ends at that moment.
    """
    task = asyncio.ensure_future(work)
    try:
        await asyncio.wait([task], timeout=max(seconds, 0))
    finally:
        if not task.done():
            task.cancel()
            await asyncio.wait([task])
    if task.cancelled():
        raise TimeoutError("Redis did not answer in time")
    return task.result()


async def _until(deadline: float, wait: Wait[asyncio.Event], done: Callable[[], bool]) -> bool:
    """Wait until something is done, and tell whether it was in time."""
    # A timer may be early by as much as the clock is coarse.
    timer = asyncio.get_running_loop().call_later(max(deadline - time.monotonic(), 0) + 0.001, wait.changed.set)
    try:
        while not done():
            if time.monotonic() >= deadline:
                return False
            await wait.changed.wait()
    finally:
        timer.cancel()
    return True


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
        self._config = _Config.from_options(
            key=key,
            server_version=server_version,
            codec=codec,
            adapter=adapter,
            max_attachments=max_attachments,
            socket_ids=socket_ids,
            default=default,
            is_cluster=isinstance(redis, RedisCluster),
        )
        self._target = Target()
        self._redis = redis

    async def close(self) -> None:
        """End the calls that wait for replies, and their connection; refuse later ones. The Redis client stays open."""
        await self._config.replies.close()

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
            batch.end()
        if not batch.commands:
            return
        since, replies = time.monotonic(), None
        try:
            with without_secrets():
                async with self._redis.pipeline(transaction=False) as pipe:
                    for command in batch.commands:
                        pipe.execute_command(*command)
                    replies = await pipe.execute(raise_on_error=isinstance(self._redis, RedisCluster))
                    raise_first(batch.commands, replies)
        finally:
            batch.note_all(self._config, since, replies)
