"""How to know that the servers have taken everything. Both kinds of emitters run it, each on its own client."""

from __future__ import annotations

import time
from typing import Any

from ._adapters import Classic, Sharded, Streams
from ._answers import Confirmation
from ._asker import Asker, RefusedError, look_by, looking
from ._errors import UnconfirmedError
from ._heartbeats import ask_old
from ._redis import counts, pairs, text
from ._sent import Outcome, Span, Window
from ._state import Node, State, interrupted, links, slots, subscribers

NOT_SHOWN = (
    "this Redis is a node of a Redis Cluster, and its client does not show the others, on which servers may listen as "
    "well; give the emitter a RedisCluster"
)


async def confirm(asker: Asker) -> int:
    """Return how many servers have taken all that was sent to the namespace."""
    window = asker.sent.begin(asker.namespace)
    try:
        servers = await _ask(asker, window)
        outcome, why = await _proof(asker, window, servers)
    except RefusedError as err:
        asker.sent.restore(window)
        raise UnconfirmedError(0, str(err)) from err
    except BaseException:
        asker.sent.restore(window)
        raise
    # What cannot be known now never will be: the next confirmation begins anew.
    asker.sent.end(window, outcome)
    why = why or window.doubt
    if why and window.since is not None:
        raise UnconfirmedError(servers, why)
    return servers


async def _proof(asker: Asker, window: Window, servers: int) -> tuple[Outcome, str]:
    """Look whether all that carried the events is still in place, now that so many servers have answered.

    It returns what the next confirmation is to know, and what is not in place.
    """
    state, doubt = None, "Redis did not let us look"
    try:
        state = await _look(asker, servers)
        doubt = interrupted(window.last.state, state, window.since, missed=window.last.missed > 0)
        doubt = why = doubt or await _lost(asker, window.entries)
    except RefusedError as err:
        why = str(err)
    missed = window.last.missed_now(servers, interrupted=bool(doubt))
    return Outcome(state, doubt, time.monotonic(), missed), why


async def _ask(asker: Asker, window: Window) -> int:
    """Ask the servers, and again when some have come meanwhile: one may have answered in the place of another."""
    own = asker.adapter.listeners(asker.namespace)[1]
    channels = [own, *sorted(window.channels - {own})]
    numbers = await _count(asker, channels)
    while True:
        if not numbers[0]:
            servers = await ask_old(asker, asker.adapter) if isinstance(asker.adapter, Streams) else 0
            if not servers:
                raise asker.no_servers()
            return servers
        questions = await _questions(asker, channels, numbers)
        await asker.ask(questions)
        worst = max(questions, key=lambda question: question.missing)
        if worst.missing:
            raise asker.incomplete(worst)
        before, numbers = numbers, await _count(asker, channels)
        if any(now > then for then, now in zip(before, numbers, strict=True)):
            continue
        if not worst.answered:  # but those who only listen, as sioemit does
            raise asker.no_servers()
        return worst.answered


async def _questions(asker: Asker, channels: list[str], numbers: list[int]) -> list[Confirmation]:
    """Return what is to be asked: on a Redis Cluster, by each way that events have taken.

    What goes to the channels of rooms comes by other connections than what goes to that of the namespace. What is
    published on no shard channel goes through any master, and is in order on its way from each.
    """
    if isinstance(asker.adapter, Classic) and asker.is_cluster:
        nodes = await _nodes(asker)
        infos = [info(await look_by(asker, "INFO", "replication", node=node)) for node in nodes]
        masters = [node for node, of in zip(nodes, infos, strict=True) if of.get("role") == "master"]
        return [Confirmation(numbers[0], channels[0], node) for node in masters or [None]]
    # A room that nobody is in any more has no subscribers.
    return [Confirmation(n, channel) for n, channel in zip(numbers, channels, strict=True) if n]


async def _count(asker: Asker, channels: list[str]) -> list[int]:
    """Return how many subscribe to each channel: each node knows its own subscribers only."""
    command, _ = asker.adapter.listeners(asker.namespace)
    replies = [counts(await asker.run("PUBSUB", command, *channels, node=node)) for node in await _nodes(asker)]
    return [sum(reply.get(channel, 0) for reply in replies) for channel in channels]


async def _nodes(asker: Asker) -> list[Any]:
    """Return all nodes, as they are now. A client knows those that were there when it last had to look."""
    if not asker.is_cluster:
        return [None]
    known = await asker.nodes()
    reply = await asker.run("CLUSTER", "SLOTS", node=known[0])
    there = {(text(host), int(port)) for _, _, *nodes in reply for host, port, *_ in nodes}
    if there != {(node.host, int(node.port)) for node in known}:
        await asker.find_nodes()
        known = await asker.nodes()
    return known


async def _look(asker: Asker, servers: int) -> State:
    """Look at all nodes, now that so many servers have answered."""
    with looking("CLUSTER SLOTS"):
        nodes = await _nodes(asker)
    return State(dict([await _look_at(asker, node) for node in nodes]), servers)


async def _look_at(asker: Asker, node: Any) -> tuple[str, Node]:
    of = info(await look_by(asker, "INFO", node=node))
    if of.get("redis_mode") == "cluster" and not asker.is_cluster:
        raise RefusedError(NOT_SHOWN)
    is_sharded, is_stream = isinstance(asker.adapter, Sharded), isinstance(asker.adapter, Streams)
    where, made, listed = "", {}, {}
    if asker.is_cluster and is_sharded:
        where = slots(await look_by(asker, "CLUSTER", "SLOTS", node=node))
    if asker.is_cluster and not is_stream:
        made = links(await look_by(asker, "CLUSTER", "LINKS", node=node))
    if not is_stream:
        clients = text(await look_by(asker, "CLIENT", "LIST", "TYPE", "pubsub", node=node))
        listed = subscribers(clients, "ssub" if is_sharded else "psub", is_cluster=asker.is_cluster)
    # Behind the ages, so that no connection is taken for older than it is.
    seconds, micros = await look_by(asker, "TIME", node=node)
    seen = time.monotonic()
    is_master = not asker.is_cluster or of.get("role") == "master"
    return str(of["run_id"]), Node(is_master, listed, made, where, int(seconds) + int(micros) / 1_000_000, seen)


async def _lost(asker: Asker, entries: Span) -> str:
    """Say what of the entries is not in the stream any more, now that every server has read beyond them.

    They were trimmed before they were read, or lost by a Redis whose place another one has taken. While the first one
    is there, none behind it has been trimmed.
    """
    for entry in entries:
        if entry and isinstance(asker.adapter, Streams):
            stream = asker.adapter.stream(asker.namespace)
            if not await look_by(asker, "XRANGE", stream, entry, entry):
                return "an entry is no longer in the stream, and may have been trimmed before it was read"
    return ""


def info(reply: Any) -> dict[str, Any]:
    """Read INFO, which clients have read already or not."""
    if isinstance(reply, dict):
        return pairs(reply)
    return dict(line.strip().partition(":")[::2] for line in text(reply).splitlines())
