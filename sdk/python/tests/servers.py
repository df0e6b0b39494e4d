"""Servers of the classic adapter, as far as they answer, and a network that breaks."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import msgpack
import redis

from .conftest import DEADLINE

EVENTS, REQUESTS, REPLIES = "socket.io#/#*", "socket.io-request#/#", "socket.io-response#/#"

Answers = Callable[[dict[str, Any]], list[dict[str, Any]]]


def one_client(request: dict[str, Any]) -> list[dict[str, Any]]:
    """Answer as one server with one client."""
    match request["type"]:
        case 0:
            return [{"sockets": []}]
        case 1:
            return [{"rooms": ["s1", "a", 5]}]
        case 5:
            return [{"sockets": [{"id": "s1", "rooms": ["s1", "a", 5], "data": {"n": 1}, "handshake": {"url": "/"}}]}]
        case 6:
            return [{"type": 6, "data": "pong"}]
        case 7:
            return [{"type": 8, "clientCount": 1}, {"type": 9, "packet": request["packet"]["data"][-1]}]
    return []


def packed(payload: bytes) -> Any:
    return json.loads(payload) if payload[:1] == b"{" else msgpack.unpackb(payload)


def as_node_redis(connection: Any) -> None:
    """Connect as servers do, by the name that CLIENT LIST shows; Redis before 7.2 knows none."""
    connection.on_connect()
    connection.send_command("CLIENT", "SETINFO", "LIB-NAME", "node-redis")
    with contextlib.suppress(redis.ResponseError):
        connection.read_response()


class Servers:
    """Subscribes as so many servers, all of which answer alike, and remembers what it gets and is asked."""

    def __init__(self, port: int, answers: Answers = one_client, count: int = 1) -> None:
        self.events: list[Any] = []
        self.requests: list[dict[str, Any]] = []
        self._client = redis.Redis(port=port, redis_connect_func=as_node_redis)  # type: ignore[arg-type] # which it calls with the connection
        self._answers = answers
        self._subscribed = [self._client.pubsub() for _ in range(count)]
        for pubsub in self._subscribed:
            pubsub.psubscribe(EVENTS)
            pubsub.subscribe(REQUESTS)
            assert [pubsub.get_message(timeout=DEADLINE) for _ in range(2)]
        self._ended = threading.Event()
        self._threads = [threading.Thread(target=self._serve, args=(pubsub,)) for pubsub in self._subscribed]

    def __enter__(self) -> Servers:  # noqa: PYI034 - Self needs Python 3.11
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        for thread in self._threads:
            thread.join()
        for pubsub in self._subscribed:
            pubsub.unsubscribe()  # so that Redis does not count it any more
            while (message := pubsub.get_message(timeout=DEADLINE)) and message["type"] != "unsubscribe":
                pass
            pubsub.close()
        self._client.close()

    def _serve(self, pubsub: Any) -> None:
        while not self._ended.is_set():
            message = pubsub.get_message(timeout=0.02)
            if message is None or message["type"] not in ("message", "pmessage"):
                continue  # it has subscribed again
            request = packed(message["data"])
            if message["type"] == "pmessage":
                self.events.append(request)
                continue
            self.requests.append(request)
            for answer in self._answers(request) if "requestId" in request else ():
                self.reply({"requestId": request["requestId"], **answer})

    def reply(self, answer: dict[str, Any]) -> None:
        """Publish an answer."""
        self._client.publish(REPLIES, msgpack.packb(answer) if answer.get("type") == 9 else json.dumps(answer))


class Network:
    """What lies between a client and Redis."""

    def __init__(self, port: int) -> None:
        self.cut_behind: bytes | None = None  # words of a command that Redis takes, and whose answer is lost
        self.cuts = 0
        self.cuts_left = 1000
        self.replaced = (b"", b"")  # what clients send
        self.hangs = threading.Event()  # nothing gets through to Redis any more
        self.stopped = threading.Event()  # nothing gets through to subscribers any more
        self._redis = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self._sockets: list[socket.socket] = []
        self._threads = [threading.Thread(target=self._accept)]
        self._threads[0].start()

    def __enter__(self) -> Network:  # noqa: PYI034
        return self

    def __exit__(self, *_: object) -> None:
        for end in (self._listener, *self._sockets):
            _close(end)
        for thread in self._threads:
            thread.join()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self._redis))
            lost, subscribed = threading.Event(), threading.Event()
            self._sockets += [client, server]
            self._threads += [
                threading.Thread(target=self._to_redis, args=(client, server, lost, subscribed)),
                threading.Thread(target=self._to_client, args=(server, client, lost, subscribed)),
            ]
            for thread in self._threads[-2:]:
                thread.start()

    def _to_redis(
        self, client: socket.socket, server: socket.socket, lost: threading.Event, subscribed: threading.Event
    ) -> None:
        for data in _chunks(client):
            if self.hangs.is_set():
                continue
            if b"SUBSCRIBE" in data:
                subscribed.set()
            if self.cut_behind is not None and self.cut_behind in data and self.cuts_left:
                lost.set()
                self.cuts_left -= 1
                self.cuts += 1
            if self.replaced[0]:
                data = _replace(data, *self.replaced)  # noqa: PLW2901 - it is what goes on
            with contextlib.suppress(OSError):
                server.sendall(data)
        _close(server)

    def _to_client(
        self, server: socket.socket, client: socket.socket, lost: threading.Event, subscribed: threading.Event
    ) -> None:
        for data in _chunks(server):
            if lost.is_set():
                break
            if not (self.stopped.is_set() and subscribed.is_set()):
                with contextlib.suppress(OSError):
                    client.sendall(data)
        _close(client)


def _replace(data: bytes, word: bytes, by: bytes) -> bytes:
    """Replace a word of a command."""
    return data.replace(b"$%d\r\n%b" % (len(word), word), b"$%d\r\n%b" % (len(by), by))


def _chunks(end: socket.socket) -> Iterator[bytes]:
    while True:
        try:
            data = end.recv(65536)
        except OSError:
            return
        if not data:
            return
        yield data


def _close(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)
    end.close()
