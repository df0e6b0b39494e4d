"""What carries events from Redis to the servers: as long as it stays the same, nothing is lost on the way."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from ._redis import REPLIES_NAME, pairs, text

# Programs that use these are no Socket.IO servers, and neither are connections for replies: they come and go as
# somebody asks and waits for answers.
ASKERS = ("go-redis", "redis-py")


@dataclass(frozen=True, slots=True)
class Node:
    """One Redis."""

    is_master: bool = True
    subscribers: dict[str, int] = field(default_factory=dict)
    """The connections that may be those of servers, with how long each has been there, in whole seconds.

    A connection that was cut comes back as another one.
    """
    links: dict[str, int] = field(default_factory=dict)
    """The connections of the cluster bus to other nodes, with the time at which each was made, in milliseconds.

    What Redis passes on to a node goes along one of them, in order, and is lost when it is cut.
    """
    slots: str = ""
    """Those of a Redis Cluster, with their masters, as this node knows them, where there are shard channels.

    The subscriptions to a shard channel end when its slot moves, and not the connection.
    """
    clock: float = 0.0
    """The time of Redis."""
    seen: float = 0.0
    """The same time here, or a little later."""

    def then(self, here: float) -> float:
        """Return a time of here by the clock of Redis, or a little before it."""
        return self.clock - (self.seen - here)

    def is_older(self, age: int, since: float | None) -> bool:
        """Tell whether a connection of this age, in whole seconds of the clock of Redis, was there at a time."""
        # It connected then, or up to a second later.
        return since is not None and math.floor(self.clock) - age + 1 <= self.then(since)


@dataclass(slots=True)
class State:
    """All nodes at one time."""

    nodes: dict[str, Node] = field(default_factory=dict)
    servers: int = 0
    """How many listened on the namespace; 0 where nobody has counted."""


def interrupted(before: State | None, after: State, since: float | None, *, missed: bool) -> str:
    """Say what may have been lost on the way between two states, and nothing when that is nothing.

    With missed, a server was cut off before, and is not known to be back. Since is when the first of it was sent, None
    where nothing was; before is None where nobody has looked before.
    """
    if before is None:
        return _younger(after, since)
    why = _moved(before, after)
    if why:
        return why
    gone = _appeared(after, before)
    came = [node for node, age in _appeared(before, after) if not node.is_older(age, since)]
    if not gone:
        return "a server that was cut off may have come back after the first event" if came and missed else ""
    # As many servers as before, and all of them have been there since before the first event: what has gone was none of
    # them, or went before that.
    if not came and 0 < before.servers <= after.servers:
        return ""
    if len(gone) == 1:
        return "a subscriber's connection to Redis was cut"
    return f"{len(gone)} subscribers' connections to Redis were cut"


def _moved(before: State, after: State) -> str:
    for name, was in before.nodes.items():
        now = after.nodes.get(name)
        if now is None:
            return "a Redis node has gone, or was started again"
        if was.is_master and not now.is_master:
            return "a Redis node is no longer a master"
        if was.slots != now.slots:
            return "a slot of the Redis Cluster was moved"
        if was.is_master and any(now.links.get(peer) != made for peer, made in was.links.items()):
            return "a link of the Redis Cluster's bus was cut"
    for name, now in after.nodes.items():
        if now.is_master and not (name in before.nodes and before.nodes[name].is_master):
            return "a Redis node has become a master"
    return ""


def _appeared(before: State, after: State) -> list[tuple[Node, int]]:
    """Return the subscribers that are there after, and not before: their nodes and ages."""
    return [
        (node, age)
        for name, node in after.nodes.items()
        for connection, age in node.subscribers.items()
        if name not in before.nodes or connection not in before.nodes[name].subscribers
    ]


def _younger(state: State, since: float | None) -> str:
    """Say which part of the state may not have been there at a time."""
    if since is None:
        return ""
    for node in state.nodes.values():
        if not all(node.is_older(age, since) for age in node.subscribers.values()):
            return "a subscriber connected to Redis at about the time of the first event, or after it"
        if node.is_master and any(made / 1000 >= node.then(since) for made in node.links.values()):
            return "a link of the Redis Cluster's bus was made after the first event"
    return ""


def subscribers(listed: str, counted: str, *, is_cluster: bool) -> dict[str, int]:
    """Read CLIENT LIST: those who may be servers, with their ages.

    Servers of the classic adapter have a pattern for each namespace, of which psub is the number. Those of the sharded
    adapter have two channels for each, which ssub counts, and which on a Redis Cluster are on two nodes.
    """
    least = 2 if counted == "ssub" and not is_cluster else 1
    found = {}
    for line in listed.removeprefix("txt:").splitlines():
        client = dict(pair.partition("=")[::2] for pair in line.split(" "))
        asks = client.get("name") == REPLIES_NAME or client.get("lib-name", "").startswith(ASKERS)
        if _whole(client.get(counted)) >= least and not asks:
            # One whose age is not told has just come.
            found[" ".join(client.get(name, "") for name in ("id", "addr", "laddr"))] = _whole(client.get("age"))
    return found


def _whole(number: str | None) -> int:
    return int(number) if number is not None and number.isascii() and number.isdigit() else 0


def links(reply: Iterable[Any]) -> dict[str, int]:
    """Read CLUSTER LINKS: when each link to another node was made."""
    all_links = map(pairs, reply)
    return {text(link["node"]): int(link["create-time"]) for link in all_links if text(link["direction"]) == "to"}


def slots(reply: Iterable[Any]) -> str:
    """Read CLUSTER SLOTS: the master of each range."""
    return "".join(f"{first}-{last} {text(nodes[0][2])}\n" for first, last, *nodes in reply if nodes)
