"""A Redis Cluster of the tests' own, in which the channel for replies moves, and a server of the sharded adapter."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import redis
import trustme

from .conftest import DEADLINE, free_port, redis_server, until

REQUESTS, REPLIES = "socket.io#/#", "socket.io#/#emitter#"
SLOTS = 16384


class Cluster:
    """Two masters, of which one has the slot of the channel for replies."""

    def __init__(self, ports: list[int], buses: list[int], tls_ports: list[int], ca: Path) -> None:
        self.ports, self.tls_ports, self.ca = ports, tls_ports, str(ca)
        self.nodes: list[Any] = [redis.Redis(port=port) for port in ports]
        for i, node in enumerate(self.nodes):
            node.execute_command("CLUSTER", "SET-CONFIG-EPOCH", i + 1)
            node.execute_command("CLUSTER", "ADDSLOTSRANGE", i * SLOTS // 2, (i + 1) * SLOTS // 2 - 1)
        first = self.nodes[0]
        first.execute_command("CLUSTER", "MEET", "127.0.0.1", ports[1], buses[1])
        until(lambda: all(b"cluster_state:ok" in self._ask(node, "INFO") for node in self.nodes), "they are one")
        self.ids = [self._ask(node, "MYID").decode() for node in self.nodes]
        requests, self.slot = (int(first.execute_command("CLUSTER", "KEYSLOT", name)) for name in (REQUESTS, REPLIES))
        assert requests != self.slot
        self.home, self.owner = (slot * 2 // SLOTS for slot in (requests, self.slot))

    def close(self) -> None:
        for node in self.nodes:
            node.close()

    def _ask(self, node: Any, what: str) -> bytes:
        reply: bytes = node.execute_command("CLUSTER", what)  # in two words redis-py leaves the answer as it is
        return reply

    @property
    def other(self) -> int:
        """The node that does not have the slot."""
        return 1 - self.owner

    def set_slot(self, node: int, how: str, whose: int) -> None:
        self.nodes[node].execute_command("CLUSTER", "SETSLOT", self.slot, how, self.ids[whose])

    def start_move(self) -> None:
        """Begin to move the slot to the other node, as redis-cli does."""
        self.set_slot(self.other, "IMPORTING", self.owner)
        self.set_slot(self.owner, "MIGRATING", self.other)

    def end_move(self) -> None:
        self.owner = self.other
        for node in (self.owner, self.other):
            self.set_slot(node, "NODE", self.owner)
        # Until each has heard of the other's epoch, one that moves the slot back may lose it again.
        until(lambda: self._seen_by(0) == self._seen_by(1), "they agree")

    def _seen_by(self, node: int) -> list[tuple[bytes, ...]]:
        """Return the id, the epoch and the slots of each node, as one of them sees it."""
        lines = [line.split() for line in self._ask(self.nodes[node], "NODES").splitlines()]
        return sorted((words[0], *words[6:7], *words[8:]) for words in lines)

    def move(self) -> None:
        self.start_move()
        self.end_move()

    @property
    def refused(self) -> int:
        """How many subscriptions the nodes have refused."""
        stats: list[Any] = [node.info("commandstats").get("cmdstat_ssubscribe", {}) for node in self.nodes]
        return sum(stat.get("rejected_calls", 0) for stat in stats)

    def asking(self) -> list[dict[str, str]]:
        """Return the connections for replies at the node that has the slot."""
        connections = self.nodes[self.owner].client_list(_type="pubsub")
        return [connection for connection in connections if connection["name"] == "sioemit-replies"]

    @contextlib.contextmanager
    def announced(self, node: int, port: int) -> Iterator[None]:
        """Have the nodes say that one of them is at another port, as behind a network of its own."""
        try:
            self._announce(node, port)
            yield
        finally:
            self._announce(node, self.ports[node])

    def _announce(self, node: int, port: int) -> None:
        # Before Redis 7.2, this one has no effect without the other.
        self.nodes[node].config_set("cluster-announce-tls-port", self.tls_ports[node])
        self.nodes[node].config_set("cluster-announce-port", port)
        line = f"{self.ids[node]} 127.0.0.1:{port}@".encode()
        until(lambda: all(line in self._ask(other, "NODES") for other in self.nodes), "all nodes know the port")


@contextlib.contextmanager
def redis_cluster(directory: Path) -> Iterator[Cluster]:
    authority, ca, certificate = trustme.CA(), directory / "ca.pem", directory / "node.pem"
    authority.cert_pem.write_to_path(ca)
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    buses, tls_ports = [free_port() for _ in range(2)], [free_port() for _ in range(2)]
    with contextlib.ExitStack() as stack:
        ports = []
        for bus, tls_port in zip(buses, tls_ports, strict=True):
            own = directory / str(bus)
            own.mkdir()
            options = {
                "cluster-enabled": "yes", "cluster-port": bus, "cluster-node-timeout": DEADLINE * 1000,
                "tls-port": tls_port, "tls-auth-clients": "no", "tls-cluster": "yes",
                "tls-ca-cert-file": ca, "tls-cert-file": certificate, "tls-key-file": certificate,
            }  # fmt: skip
            words = [str(word) for name, value in options.items() for word in (f"--{name}", value)]
            ports.append(stack.enter_context(redis_server(own, *words)))
        with contextlib.closing(Cluster(ports, buses, tls_ports, ca)) as cluster:
            yield cluster


class ShardedServer:
    """Answers as one server with one client, and remembers what it is asked."""

    def __init__(self, cluster: Cluster, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.requests: list[dict[str, Any]] = []
        self._cluster, self._meanwhile = cluster, meanwhile
        self._pubsub: Any = cluster.nodes[cluster.home].pubsub()
        self._pubsub.ssubscribe(REQUESTS)
        assert self._pubsub.get_message(timeout=DEADLINE)
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._serve)

    def __enter__(self) -> ShardedServer:  # noqa: PYI034 - Self needs Python 3.11
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()
        self._pubsub.sunsubscribe()  # so that Redis does not count it any more
        while (message := self._pubsub.get_message(timeout=DEADLINE)) and message["type"] != "sunsubscribe":
            pass
        self._pubsub.close()

    def _serve(self) -> None:
        while not self._ended.is_set():
            message = self._pubsub.get_message(timeout=0.02)
            if message is None:
                continue
            request = json.loads(message["data"])
            self.requests.append(request)
            self._meanwhile()
            for kind, data in self._answers(request):
                data["requestId"] = request["data"]["requestId"]
                answer = json.dumps({"type": kind, "data": data, "uid": "s", "nsp": "/"})
                self._cluster.nodes[self._cluster.owner].execute_command("SPUBLISH", REPLIES, answer)

    def _answers(self, request: dict[str, Any]) -> list[tuple[int, dict[str, Any]]]:
        match request["type"]:
            case 3:
                return [(11, {"clientCount": 1}), (12, {"packet": "ack"})]
            case 7:
                return [(8, {"sockets": [{"id": "s1", "rooms": ["s1", "a"], "data": {}, "handshake": {}}]})]
            case 9:
                return [(10, {"packet": "pong"})]
        return []
