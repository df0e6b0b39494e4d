"""The emitter for redis-py."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, NoReturn

from redis import Redis, RedisCluster
from redis.asyncio import Redis as AsyncRedis
from redis.asyncio import RedisCluster as AsyncRedisCluster
from redis.backoff import NoBackoff
from redis.retry import Retry

from ._adapters import Command, Room, Sharded, Streams, Target
from ._answers import Acks, Confirmation, EmitWithAck, FetchSockets, Question, ServerSideEmitWithAck, Socket
from ._asker import run_blocking
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
from ._redis import COMMAND_NAME, count, for_replies, raise_first, text, without_secrets, written_once
from ._replies import Connect, Replies
from ._sent import BESIDE, FAILED
from ._subscription import Address, Subscription, Wait
from ._values import Default


@dataclass(frozen=True, slots=True)
class _Config(Config):
    replies: Replies = field(default_factory=Replies)


class BroadcastOperator(Targeting):
    """A target, and what can be done with it."""

    __slots__ = ("_redis",)

    _config: _Config
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
        command = self._server_side(event, args)
        if self._ends_servers(command):
            self._check_reads_binary("server_side_emit", None)
        self._send(command)

    def server_count(self) -> int:
        """Return how many servers listen on the namespace."""
        self._untargeted("server_count")
        return self._count()

    def emit_with_ack(self, event: str, *args: Any) -> Acks:
        """Send an event to the clients targeted, and wait until each has acknowledged it.

        Raises IncompleteError, with what came, when some have not in time; see timeout().
        """
        acks: Acks = self._ask(EmitWithAck(event, args))
        return acks

    def fetch_sockets(self) -> list[Socket]:
        """Return the clients targeted, those of all servers, in no particular order.

        Each server writes down ``socket.data`` of its clients for it. One whose data is circular ends then, as it does
        when another server calls fetchSockets().
        """
        sockets: list[Socket] = self._ask(FetchSockets())
        return sockets

    def server_side_emit_with_ack(self, event: str, *args: Any) -> list[Any]:
        """Send an event to the servers of the namespace, and return what each answers, in the order of arrival.

        A server without a handler for the event never answers.
        """
        values: list[Any] = self._ask(ServerSideEmitWithAck(event, args))
        return values

    def rooms(self) -> list[str]:
        """Return the names of all rooms of the namespace, sorted, but for those that are numbers.

        The id of each socket is one. All adapters but the classic one are asked as by fetch_sockets().
        """
        rooms: list[str] = self._ask(self._rooms_question())
        return rooms

    def confirm(self) -> int:
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
        if not replies.confirming.acquire(timeout=self._config.timeout):
            raise another_confirms()
        try:
            with without_secrets():
                return run_blocking(confirm(_Asker(self, deadline)))
        finally:
            replies.confirming.release()

    def _ask(self, question: Question, deadline: float | None = None) -> Any:
        config = self._config
        deadline = deadline or time.monotonic() + config.timeout
        command = self._question(question, "", config.timeout)  # whether all is well with it
        config.replies.check()
        if self._ends_servers(command):
            self._check_reads_binary(question.call, question.result, deadline)
        question.asked = self._count()
        if not question.asked:
            raise no_servers(question, self._target.namespace)
        since = config.sent.since(self._target.namespace)
        try:
            self._answer([question], deadline)
        finally:
            self._note_question(question, since, settled=question.complete)
        if not question.complete:
            raise self._incomplete(question)
        return question.result

    def _answer(self, questions: Sequence[Question], deadline: float) -> None:
        """Ask, and wait for the answers as long as there is time."""
        channels, shard = self._config.adapter.reply_channels(self._target.namespace)
        names = tuple(channel.encode() for channel in channels)
        # Shard channels of different slots live on different nodes.
        name = channels[0] if shard and isinstance(self._redis, RedisCluster) else ""
        wait_on = self._config.replies.wait
        with without_secrets(), ExitStack() as stack:
            connect = self._connector(names[0], shard=shard)
            waits = [stack.enter_context(wait_on(connect, name, names, shard=shard)) for _ in questions]
            try:
                for wait in waits:
                    if not _until(deadline, wait, partial(subscribed, wait)):
                        raise not_subscribed(wait)
                for question, wait in zip(questions, waits, strict=True):
                    self._put(question, wait, deadline)
                for question, wait in zip(questions, waits, strict=True):
                    _until(deadline, wait, partial(settled, question, wait))
            finally:
                self._find_slots(waits[0].subscription)

    def _put(self, question: Question, wait: Wait[threading.Event], deadline: float) -> None:
        """Ask. One that changes nothing is asked again, with another id, when its fate is not known."""
        node = question.node
        for attempt in range(1, ATTEMPTS + 1):
            left = deadline - time.monotonic()
            command = self._question(question, wait.id, left)
            node = node or self._node(command)  # one and the same, or questions could overtake each other
            try:
                self._publish_once(command, left, node)
            except SioemitError as err:
                again = err.reason == "maybe-asked" and question.harmless and attempt < ATTEMPTS
                if not again or time.monotonic() >= deadline:
                    raise
                self._config.replies.renew(wait)
            else:
                return

    def _publish_once(self, command: Command, seconds: float, node: Any) -> None:
        """Publish what must not be published twice, as redis-py does when a connection breaks."""
        if isinstance(self._redis, RedisCluster):
            with written_once():
                # It repeats nothing that goes to a node by name.
                self._redis.execute_command(*command, target_nodes=node)
            return
        # Whether a command is repeated is up to the client, so that the connection does without it.
        pool = self._redis.connection_pool
        connection = pool.get_connection(*COMMAND_NAME)
        try:
            with written_once():
                connection.send_command(*command)
                if not connection.can_read(timeout=max(seconds, 0)):
                    raise TimeoutError  # noqa: TRY301 - it is what the rest raises, too
                connection.read_response()
        except BaseException:
            connection.disconnect()
            raise
        finally:
            pool.release(connection)

    def _node(self, command: Command) -> Any:
        """Return the node of a Redis Cluster to which a command goes: of PUBLISH, redis-py's choice for it."""
        cluster: Any = self._redis
        if not isinstance(self._redis, RedisCluster):
            return None
        return cluster.get_default_node() if command[0] == "PUBLISH" else cluster.get_node_from_key(command[1])

    def _connector(self, channel: bytes, *, shard: bool) -> Connect:
        """Return what makes a connection for replies, of the client's own settings."""
        node = self._node(("SPUBLISH" if shard else "PUBLISH", channel))
        client: Any = self._redis if node is None else self._redis.get_redis_connection(node)  # type: ignore[union-attr]
        pool = client.connection_pool

        def connect(named: Address | None) -> Any:
            settings = for_replies(pool.connection_kwargs, self._redis, named)
            return pool.connection_class(**settings, retry=Retry(NoBackoff(), 0))

        return connect

    def _find_slots(self, subscription: Subscription) -> None:
        """Have the client look where slots are, when Redis has said that they are elsewhere. Calls do without it."""
        if isinstance(self._redis, RedisCluster) and subscription.take_outdated():
            with suppress(Exception):
                self._redis.nodes_manager.initialize()

    def _check_reads_binary(self, call: str, partial: Any, deadline: float | None = None) -> None:
        """Ask the servers of the classic adapter whether they read binary in a request, which ends older ones."""
        probe = EmitWithAck("probe")
        probe.call = call
        try:
            self._probe()._ask(probe, deadline)  # noqa: SLF001 - it is one of these
        except SioemitError as err:
            if err.reason != "no-servers":
                raise binary_not_sent(err, partial) from None

    def _count(self) -> int:
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
        config, namespace = self._config, self._target.namespace
        since, reply = config.sent.since(namespace), None
        try:
            with without_secrets():
                reply = self._redis.execute_command(*command)  # type: ignore[no-untyped-call] # redis-py has no types for it
        finally:
            config.sent.note(namespace, since)
            if config.notes_more:
                self._note(command, reply)


def _until(deadline: float, wait: Wait[threading.Event], done: Callable[[], bool]) -> bool:
    """Wait until something is done, and tell whether it was in time."""
    while not done():
        left = deadline - time.monotonic()
        if left <= 0:
            return False
        wait.changed.wait(left)
    return True


class _Asker:
    """What a confirmation has of an operator. All of it blocks."""

    def __init__(self, operator: BroadcastOperator, deadline: float) -> None:
        self.namespace = operator._target.namespace  # noqa: SLF001 - as below: it is a part of it
        self.adapter = operator._config.adapter  # noqa: SLF001
        self.sent = operator._config.sent  # noqa: SLF001
        self.deadline = deadline
        self.is_cluster = isinstance(operator._redis, RedisCluster)  # noqa: SLF001
        self.incomplete = operator._incomplete  # noqa: SLF001
        self._operator = operator
        self._redis: Any = operator._redis  # noqa: SLF001

    async def nodes(self) -> list[Any]:
        return list(self._redis.get_nodes())

    async def find_nodes(self) -> None:
        self._redis.nodes_manager.initialize()

    def node_of(self, key: str) -> Any:
        return self._redis.get_node_from_key(key) if self.is_cluster else None

    async def run(self, *words: str | bytes, node: Any = None) -> Any:
        client = self._redis if node is None else self._redis.get_redis_connection(node)
        return client.execute_command(*words)

    async def ask(self, questions: list[Confirmation]) -> None:
        self._operator._answer(questions, self.deadline)  # noqa: SLF001

    async def pause(self, seconds: float) -> None:
        time.sleep(seconds)  # noqa: ASYNC251 - see run_blocking()

    def no_servers(self) -> SioemitError:
        return no_servers(Confirmation(), self.namespace)


class Batch:
    """The commands of a pipeline, until it ends, and where they go."""

    __slots__ = ("_beside", "_ended", "_is_apart", "_where", "commands", "namespace")

    def __init__(self, *, is_apart: bool) -> None:
        """Begin with none. With is_apart, rooms have channels that may reach servers by other ways."""
        self.commands: list[Command] = []
        self._ended = False
        self.namespace = ""  # for which emit() need not call add(): all is noted, and the block has not ended
        self._is_apart = is_apart
        self._where: set[tuple[str, str]] = set()  # namespaces, and channels of rooms
        self._beside: set[str] = set()  # namespaces where something goes beside the stream

    def add(self, command: Command, target: Target) -> None:
        """Add a command. Raises SioemitError once the pipeline has ended, because nobody would send it."""
        if self._ended:
            raise SioemitError("pipeline-ended", "the block of the pipeline has ended, and what it made with it")
        self.commands.append(command)
        self._where.add((target.namespace, text(command[1]) if self._is_apart and target.rooms else ""))
        if command[0] != "XADD":
            self._beside.add(target.namespace)
        if not self._is_apart:
            self.namespace = target.namespace

    def end(self) -> None:
        """Take no more commands."""
        self._ended, self.namespace = True, ""

    def note_all(self, config: Config, since: float, replies: list[Any] | None) -> None:
        """Note what was sent, or may have been: without replies nobody knows."""
        sent = config.sent
        namespaces = {namespace for namespace, _ in self._where}
        for namespace in namespaces:
            sent.note(namespace, since)
        if isinstance(config.adapter, Streams):
            sent.note_lost(self._beside, BESIDE)
            if replies is None:
                sent.note_lost(namespaces, FAILED)
                return
            entries: dict[str, list[str]] = {}
            for command, reply in zip(self.commands, replies, strict=True):
                if command[0] == "XADD" and not isinstance(reply, Exception):
                    entries.setdefault(text(command[9]), []).append(text(reply))
            for namespace, of in entries.items():
                sent.note_entries(namespace, of)
        for namespace, channel in self._where:
            if channel:
                sent.note_channel(namespace, channel)


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
        if self._target.namespace is not batch.namespace:
            batch.add(command, self._target)  # which may refuse it
        else:
            batch.commands.append(command)

    def sockets_join(self, *rooms: Room) -> None:
        """Add a request; see BroadcastOperator.sockets_join."""
        self._batch.add(self._join(rooms), self._target)

    def sockets_leave(self, *rooms: Room) -> None:
        """Add a request; see BroadcastOperator.sockets_leave."""
        self._batch.add(self._leave(rooms), self._target)

    def disconnect_sockets(self, close: bool = False) -> None:  # noqa: FBT001, FBT002 - as in Socket.IO
        """Add a request; see BroadcastOperator.disconnect_sockets."""
        self._batch.add(self._disconnect(close=close), self._target)

    def server_side_emit(self, event: str, *args: Any) -> None:
        """Add an event for servers, which must not hold binary; see BroadcastOperator.server_side_emit."""
        command = self._server_side(event, args)
        if self._ends_servers(command):
            raise _pipelined("server_side_emit with binary asks servers whether they can read it, and")
        self._batch.add(command, self._target)

    def confirm(self) -> NoReturn:
        """Refuse; see BroadcastOperator.confirm."""
        raise _pipelined("confirm")

    def server_count(self) -> NoReturn:
        """Refuse; see BroadcastOperator.server_count."""
        raise _pipelined("server_count")

    def emit_with_ack(self, event: str, *args: Any) -> NoReturn:  # noqa: ARG002
        """Refuse; see BroadcastOperator.emit_with_ack."""
        raise _pipelined("emit_with_ack")

    def fetch_sockets(self) -> NoReturn:
        """Refuse; see BroadcastOperator.fetch_sockets."""
        raise _pipelined("fetch_sockets")

    def server_side_emit_with_ack(self, event: str, *args: Any) -> NoReturn:  # noqa: ARG002
        """Refuse; see BroadcastOperator.server_side_emit_with_ack."""
        raise _pipelined("server_side_emit_with_ack")

    def rooms(self) -> NoReturn:
        """Refuse; see BroadcastOperator.rooms."""
        raise _pipelined("rooms")


def _pipelined(call: str) -> SioemitError:
    return SioemitError("pipelined", f"{call} needs an answer and cannot be part of a pipeline")


def start_pipeline(config: Config) -> tuple[Pipeline, Batch]:
    """Return a pipeline, and the batch to which it adds."""
    pipeline, batch = Pipeline(), Batch(is_apart=config.is_apart)
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

    def close(self) -> None:
        """End the calls that wait for replies, and their connection; refuse later ones. The Redis client stays open."""
        self._config.replies.close()

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
            batch.end()
        if not batch.commands:
            return
        since, replies = time.monotonic(), None
        try:
            with without_secrets(), self._redis.pipeline(transaction=False) as pipe:
                for command in batch.commands:
                    pipe.execute_command(*command)
                replies = pipe.execute(raise_on_error=isinstance(self._redis, RedisCluster))
                raise_first(batch.commands, replies)
        finally:
            batch.note_all(self._config, since, replies)
