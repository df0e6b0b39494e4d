"""Questions whose channel for replies has moved to a node of a Redis Cluster that the client does not know of."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from sioemit import Sharded, SioemitError
from sioemit._subscription import MAX_MOVES

from .clusters import REPLIES, Cluster, ShardedServer, redis_cluster
from .conftest import DEADLINE, SHORT, Ask, Call, free_port

OPTIONS = {"adapter": Sharded()}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with redis_cluster(tmp_path_factory.mktemp("cluster")) as cluster:
        yield cluster


def known(cluster: Cluster, io: Any) -> int:
    """Return which node has the channel for replies, as the client sees it."""
    return [*cluster.ports, *cluster.tls_ports].index(io._redis.get_node_from_key(REPLIES).port) % 2


def as_it_moves(cluster: Cluster, call: Call, *, emitter: Call = lambda io: io) -> Call:
    """Return a call that begins with a client that is right, and is wrong when it asks."""

    def made(io: Any) -> Any:
        assert known(cluster, io) == cluster.owner
        cluster.move()
        assert known(cluster, io) == cluster.other
        return call(emitter(io).timeout(DEADLINE))

    return made


def new(io: Any) -> Any:
    """Return another emitter on the same client."""
    return type(io)(io._redis, **OPTIONS)


@pytest.mark.parametrize("emitter", [lambda io: io, new], ids=["the same emitter", "a new emitter"])
def test_a_channel_that_has_moved_is_found_within_the_call(ask: Ask, cluster: Cluster, emitter: Call) -> None:
    calls: list[Call] = [
        lambda io: io.confirm(),
        lambda io: io.fetch_sockets(),
        lambda io: io.rooms(),
        lambda io: io.emit_with_ack("ev"),
        lambda io: io.server_side_emit_with_ack("ev"),
    ]
    with ShardedServer(cluster) as server:
        count, confirmed, sockets, rooms, acks, values = ask(
            cluster.ports[0],
            lambda io: io.server_count(),
            *(as_it_moves(cluster, call, emitter=emitter) for call in calls),
            cluster=True,
            options=OPTIONS,
        )
    assert (count, confirmed, rooms, values) == (1, 1, ["a", "s1"], ["pong"])
    assert ([of.id for of in sockets], acks.values) == (["s1"], ["ack"])
    assert [request["type"] for request in server.requests] == [7, 7, 7, 3, 9]


def test_a_channel_that_is_moving_is_where_it_was(ask: Ask, cluster: Cluster) -> None:
    """Redis says ASK of keys only."""

    def halfway(io: Any) -> Any:
        cluster.start_move()
        return io.timeout(DEADLINE).rooms()

    def there(io: Any) -> Any:
        cluster.end_move()
        return io.timeout(DEADLINE).rooms()

    with ShardedServer(cluster):
        assert ask(cluster.ports[0], halfway, there, cluster=True, options=OPTIONS) == [["a", "s1"]] * 2


def test_a_channel_that_moves_while_a_call_waits(ask: Ask, cluster: Cluster) -> None:
    """Answers may have been lost, and the next call knows."""
    moves = [cluster.move]
    with ShardedServer(cluster, lambda: moves and moves.pop()()) as server:
        err, acks = ask(
            cluster.ports[0],
            *[lambda io: io.timeout(DEADLINE).emit_with_ack("ev")] * 2,
            cluster=True,
            options=OPTIONS,
        )
    assert isinstance(err, SioemitError)
    assert err.reason == "subscription"
    assert acks.values == ["ack"]
    assert len(server.requests) == 2


def test_the_node_named_is_met_with_the_settings_of_the_client(ask: Ask, cluster: Cluster) -> None:
    for node in cluster.nodes:
        node.execute_command("ACL", "SETUSER", "asker", "on", ">secret", "&*", "~*", "+@all")
    seen: list[tuple[str, str]] = []
    with ShardedServer(cluster, lambda: seen.extend((of["user"], of["laddr"]) for of in cluster.asking())):
        _, rooms = ask(
            cluster.tls_ports[0],
            lambda io: io.server_count(),
            as_it_moves(cluster, lambda io: io.rooms()),
            cluster=True,
            options=OPTIONS,
            username="asker",
            password="secret",
            ssl=True,
            ssl_ca_certs=cluster.ca,
        )
    assert rooms == ["a", "s1"]
    assert seen == [("asker", f"127.0.0.1:{cluster.tls_ports[cluster.owner]}")]


def test_the_node_named_is_where_the_client_maps_it_to(ask: Ask, cluster: Cluster) -> None:
    nowhere, port = free_port(), cluster.ports[cluster.other]

    def remap(address: tuple[str, int]) -> tuple[str, int]:
        host, told = address
        return host, port if told == nowhere else told

    with ShardedServer(cluster), cluster.announced(cluster.other, nowhere):
        _, rooms = ask(
            cluster.ports[cluster.owner],
            lambda io: io.server_count(),
            as_it_moves(cluster, lambda io: io.rooms()),
            cluster=True,
            options=OPTIONS,
            address_remap=remap,
        )
        assert rooms == ["a", "s1"]


@pytest.mark.parametrize("seconds", [DEADLINE, 2 * SHORT], ids=["nobody listens", "nobody answers"])
def test_a_node_that_cannot_be_reached_is_in_the_error(ask: Ask, cluster: Cluster, seconds: float) -> None:
    with ShardedServer(cluster) as server, socket.socket() as end, contextlib.ExitStack() as stack:
        end.bind(("127.0.0.1", 0))
        if seconds < DEADLINE:
            end.listen()
        port = end.getsockname()[1]

        def count(io: Any) -> Any:
            """Make the client find the nodes before one of them seems to be elsewhere."""
            return io.server_count()

        def rooms(io: Any) -> Any:
            stack.enter_context(cluster.announced(cluster.other, port))
            return as_it_moves(cluster, lambda io: io.timeout(seconds).rooms())(io)

        _, err = ask(cluster.ports[0], count, rooms, cluster=True, options=OPTIONS)
    assert err.reason == "subscription"
    assert f"at 127.0.0.1:{port}, where Redis says that its channel is" in str(err)
    assert server.requests == []


def test_nodes_that_name_each_other(ask: Ask, cluster: Cluster) -> None:
    def disagree(io: Any) -> Any:
        cluster.set_slot(cluster.owner, "NODE", cluster.other)
        return io.timeout(DEADLINE).rooms()

    with ShardedServer(cluster) as server:
        before = cluster.refused
        _, err = ask(cluster.ports[0], lambda io: io.server_count(), disagree, cluster=True, options=OPTIONS)
        assert cluster.refused == before + 1 + MAX_MOVES
    cluster.set_slot(cluster.other, "NODE", cluster.other)
    cluster.owner = cluster.other
    assert err.reason == "subscription"
    assert "MOVED" in str(err)
    assert server.requests == []
