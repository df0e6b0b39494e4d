"""What is the same for both kinds of Redis clients."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import redis
from redis.exceptions import BusyLoadingError, ConnectionError, RedisError, TimeoutError  # noqa: A004 - redis-py's

from ._errors import SioemitError
from ._subscription import Address

# Redis repeats the words of a command that it does not know, and AUTH and HELLO may have been renamed.
_ARGUMENTS = re.compile(r"with args beginning with:.*", re.DOTALL)


@contextmanager
def without_secrets() -> Iterator[None]:
    """Let no error of Redis repeat a password."""
    try:
        yield
    except RedisError as err:
        text = str(err)
        clean = without_arguments(text)
        if clean == text:
            raise
        raise type(err)(clean) from None


def without_arguments(text: str) -> str:
    """Return what an error of Redis says, but for the words of a command that it repeats."""
    return _ARGUMENTS.sub("with arguments that are not repeated here", text)


def raise_first(commands: Iterable[Sequence[str | bytes]], replies: Iterable[Any]) -> None:
    """Raise the first error of a pipeline, without what was sent, with which redis-py's own text begins."""
    for number, (command, reply) in enumerate(zip(commands, replies, strict=True), 1):
        if isinstance(reply, Exception):
            reply.args = (f"command {number} of the pipeline, {text(command[0])}: {reply}",)
            raise reply


# Pools of redis-py 5.0 to 5.2 want the name of a command, and later ones warn of it.
_VERSION = tuple(map(int, re.findall(r"\d+", redis.__version__)[:2]))
COMMAND_NAME = ("PUBLISH",) if _VERSION < (5, 3) else ()

# What redis-py raises for a connection that broke or did not answer.
_BROKEN = (ConnectionError, TimeoutError, OSError)


@contextmanager
def written_once() -> Iterator[None]:
    """Say of a question whose connection broke behind its writing that nobody knows whether it was asked.

    It is not asked again: servers that have it already would answer, and act, twice.
    """
    try:
        yield
    except BusyLoadingError:
        raise  # Redis has refused it
    except _BROKEN as err:
        why = without_arguments(str(err)) or "it did not answer in time"
        message = f"it is not known whether the servers were asked, because Redis was lost: {why}"
        raise SioemitError("maybe-asked", message) from err


# How connections for replies with shard channels are named, in all languages: they look like those of servers.
REPLIES_NAME = "sioemit-replies"

# For how many seconds a connection for replies may be opened, where the client has no limit.
OPENING = 10.0

# Settings of a connection that have no meaning for one that is read here, or only with RESP 3.
_UNUSED = frozenset({
    "retry", "retry_on_error", "retry_on_timeout", "parser_class", "cache", "cache_config",
    "maint_notifications_config", "maint_notifications_pool_handler", "maintenance_state",
    "maintenance_notification_hash", "oss_cluster_maint_notifications_handler",
})  # fmt: skip


def for_replies(settings: Mapping[str, Any], client: Any, named: Address | None) -> dict[str, Any]:
    """Return a client's settings for a connection that is read here; of a cluster's, to the node named, if any."""
    made = {name: value for name, value in settings.items() if name not in _UNUSED}
    made |= {"protocol": 2, "health_check_interval": 0}
    for timeout in ("socket_timeout", "socket_connect_timeout"):
        if made.get(timeout) is None and not ("path" in made and timeout == "socket_connect_timeout"):
            made[timeout] = OPENING
    if named is not None:
        host, port = named
        made["host"], made["port"] = client.nodes_manager.remap_host_port(host or made["host"], port)
    return made


def count(reply: Any, channel: str) -> int:
    """Return how many subscribe to a channel."""
    return counts(reply).get(channel, 0)


def counts(reply: Any) -> dict[str, int]:
    """Return how many subscribe to each channel, as RESP 2 and 3 put it."""
    pairs = list(reply.items()) if isinstance(reply, dict) else list(reply)
    if pairs and not isinstance(pairs[0], list | tuple):
        pairs = list(zip(pairs[::2], pairs[1::2], strict=True))
    return {text(name): int(number) for name, number in pairs}


def text(value: Any) -> str:
    """Return text of Redis, which clients decode or not."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def pairs(reply: Any) -> dict[str, Any]:
    """Return a map of Redis, as RESP 2 and 3 put it."""
    if isinstance(reply, dict):
        return {text(name): value for name, value in reply.items()}
    return {text(name): value for name, value in zip(reply[::2], reply[1::2], strict=True)}
